"""The picture of an explanation: why a forecast is what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.values import list_some
from tscnn.plotting.figures import COLORS, need_matplotlib, open_figure

if TYPE_CHECKING:
    from tscnn.forecasting.explanation import Explanation

__all__ = ["plot_explanation"]

MOST_BARS = 12  # columns of the input that are drawn: those that add most
HATCHES = ("", "///", "...", "xxx", "---", "ooo")  # fewer than colours, so that no pair of both comes twice soon


def plot_explanation(
    explanation: Explanation, target: Any = None, series: Any = None, *, figure: Any = None
) -> np.ndarray:
    """Draw why a forecast is what it is: its terms step by step, and what columns and rows of the past add to it.

    Parameters
    ----------
    explanation : Explanation
        Of `tscnn.Forecaster.explain`.
    target : column name, optional
        Which forecast, default the first.
    series : series name, optional
        Of many series, default the first.
    figure : matplotlib Figure or SubFigure, optional
        To draw in; default a new one of pyplot.

    Returns
    -------
    ndarray of Axes, of shape (3,)
        Terms, stacked up and down from the level, and the forecast; means over the steps of what each column adds, the
        largest; and of what each row of the past adds.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    TypeError, ValueError
        If it is no explanation, or there is no such target or series.

    Examples
    --------
    >>> import numpy as np
    >>> from tscnn import Forecaster
    >>> rows = pd.DataFrame({"a": np.sin(np.arange(99.0))})
    >>> len(plot_explanation(Forecaster(lookback=9, network=None).fit(rows).explain()))
    3
    """
    need_matplotlib()
    if not hasattr(explanation, "by_lag"):
        rule = "`explanation` must be that of a forecast, `forecaster.explain()`."
        raise TypeError(received(rule, explanation=explanation))
    forecast, parts = explanation.forecast, [explanation.terms, explanation.by_column, explanation.by_lag]
    if forecast.index.nlevels > 1:
        series = _choose("series", series, forecast.index.unique(0))
        forecast, parts = forecast.xs(series, level=0), [each[each["series"] == series] for each in parts]
    elif series is not None:
        raise ValueError(received("`series` must be None: the forecast is of one series without name.", series=series))
    target = _choose("target", target, forecast.columns)
    steps, own = np.arange(1, len(forecast) + 1), [each[each["target"] == target] for each in parts]
    terms, columns, lags = (
        {name: part["value"].to_numpy() for name, part in each.groupby(kind, sort=False)}
        for each, kind in zip(own, ("term", "column", "lag"), strict=True)
    )
    top, columns_panel, lags_panel = panels = _make_panels(figure)
    level = terms.pop("level", np.zeros(len(steps)))
    _stack_terms(top, steps, level, terms)
    top.plot(steps, level, color="0.4", linestyle="--", label="level")
    top.plot(steps, forecast[target].to_numpy(), color="black", marker=".", label="forecast")
    top.set(xlabel="steps ahead")
    top.xaxis.get_major_locator().set_params(integer=True)
    top.set_title(f"{target}: what the forecast is the sum of", loc="left")
    top.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))

    intercept = float(np.mean(columns.pop("(intercept)", 0.0)))
    means = pd.Series({str(name): values.mean() for name, values in columns.items()}, dtype=float)
    means = means.loc[means.abs().sort_values(ascending=False).index[:MOST_BARS]][::-1]
    columns_panel.barh(means.index, means.to_numpy(), color=COLORS[0])
    columns_panel.set(xlabel=f"mean over the steps; intercept {intercept:.4g}")
    columns_panel.set_title("what columns add", loc="left")
    lags_panel.plot(list(lags), [values.mean() for values in lags.values()], color=COLORS[0], marker=".")
    lags_panel.invert_xaxis()
    lags_panel.set(xlabel="rows before the newest")
    lags_panel.set_title("what rows of the past add", loc="left")
    for line in (columns_panel.axvline, lags_panel.axhline):
        line(0, color="0.6", lw=0.8, zorder=0)
    return panels


def _make_panels(figure: Any) -> np.ndarray:
    """Make a wide panel above two others."""
    figure = open_figure(figure, (9, 6.5))
    grid = figure.add_gridspec(2, 2)
    panels = [figure.add_subplot(place) for place in (grid[0, :], grid[1, 0], grid[1, 1])]
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    return np.array(panels)


def _stack_terms(panel: Any, steps: np.ndarray, level: np.ndarray, terms: dict[str, np.ndarray]) -> None:
    """Stack what terms add, up where it is more than 0 and down where it is less, from the level."""
    above, below = level.copy(), level.copy()
    for number, (name, values) in enumerate(terms.items()):
        style = {"color": COLORS[number % len(COLORS)], "hatch": HATCHES[number % len(HATCHES)], "edgecolor": "white"}
        panel.bar(steps, values, bottom=np.where(values > 0, above, below), width=0.8, label=name, lw=0, **style)
        above, below = above + np.maximum(values, 0), below + np.minimum(values, 0)


def _choose(argument: str, name: Any, names: pd.Index) -> Any:
    """Return a name, by default the first."""
    if name is not None and name not in names:
        raise ValueError(received(f"`{argument}` must be one of {list_some(names)}.", **{argument: name}))
    return names.tolist()[0] if name is None else name
