"""Pictures of forecasts; needs matplotlib, the `plot` extra."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.index import find_kind
from tscnn.data.values import as_float, list_some
from tscnn.evaluation.columns import ForecastColumns

if TYPE_CHECKING:
    from tscnn.forecasting.explanation import Explanation

__all__ = ["need_matplotlib", "plot_explanation", "plot_forecast"]

MOST_BARS = 12  # columns of the input that are drawn: those that add most


def plot_forecast(
    forecast: pd.DataFrame,
    history: pd.DataFrame | None = None,
    truth: pd.DataFrame | None = None,
    columns: Any = None,
) -> Any:
    """Draw a forecast with its intervals, the rows before it and what really happened, one panel a target.

    Parameters
    ----------
    forecast : DataFrame of shape (horizon, n_columns)
        Of `tscnn.Forecaster.predict`, also with ``coverage=`` or quantiles.
    history : DataFrame, optional
        Rows before the forecast, as many as shall be seen.
    truth : DataFrame, optional
        Rows that the forecast is about.
    columns : column name, or list of them, optional
        Panels to draw, default all targets of `forecast`.

    Returns
    -------
    matplotlib.figure.Figure
        Not shown: in a notebook make it the last line of a cell, elsewhere ``figure.savefig("forecast.png")``.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    TypeError, ValueError
        If a frame has no rows, other values than numbers, or another kind of index than `forecast`; or if `columns`
        names what that doesn't have.

    Examples
    --------
    >>> forecast = pd.DataFrame({"a": [1.0, 2.0]}, index=[10, 11])
    >>> len(plot_forecast(forecast).axes)
    1
    """
    figure_of = need_matplotlib()
    bands: dict[str, list[pd.DataFrame]] = {}
    if isinstance(forecast, pd.DataFrame) and forecast.columns.nlevels == 2:
        forecast, bands = _take_apart(forecast)
    for name, frame in (("forecast", forecast), ("history", history), ("truth", truth)):
        _check_frame(name, frame, forecast)
    listed = columns if pd.api.types.is_list_like(columns) else [columns]
    names = list(forecast.columns if columns is None else listed)
    unknown = [name for name in names if name not in forecast.columns]
    if unknown or not names:
        raise ValueError(received(f"`columns` must name columns of {list(forecast.columns)}.", columns=columns))
    figure = figure_of(figsize=(9, 1 + 1.7 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    lines = (("history", history, "0.55"), ("truth", truth, "black"), ("forecast", forecast, "tab:red"))
    for panel, name in zip(panels, names, strict=True):
        for label, ends in bands.items():
            edges = [end[name].to_numpy() for end in ends]
            draw, width = (panel.vlines, 5) if len(forecast) == 1 else (panel.fill_between, 0)
            draw(_drawable(forecast.index), *edges, color="tab:red", alpha=0.2, lw=width, label=label)
        for label, frame, color in lines:
            if frame is not None and name in frame.columns:
                marker = "o" if len(frame) == 1 else None
                panel.plot(_drawable(frame.index), frame[name].to_numpy(), color=color, label=label, marker=marker)
        panel.set_title(str(name), loc="left", fontsize="medium")
        panel.spines[["top", "right"]].set_visible(False)
        panel.margins(x=0.01)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False)
    panels[-1].set_xlabel(_time_label(forecast.index))
    if isinstance(forecast.index, pd.DatetimeIndex | pd.PeriodIndex):
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        dates = AutoDateLocator()
        panels[-1].xaxis.set_major_locator(dates)
        panels[-1].xaxis.set_major_formatter(ConciseDateFormatter(dates))
    return figure


def plot_explanation(explanation: Explanation, target: Any = None, series: Any = None) -> Any:
    """Draw why a forecast is what it is: its terms step by step, and what columns and rows of the past add to it.

    Parameters
    ----------
    explanation : Explanation
        Of `tscnn.Forecaster.explain`.
    target : column name, optional
        Which forecast, default the first.
    series : series name, optional
        Of many series, default the first.

    Returns
    -------
    matplotlib.figure.Figure
        Of three panels: terms, stacked up and down from the level, and the forecast; means over the steps of what each
        column adds, the largest; and of what each row of the past adds. Not shown, as of `plot_forecast`.

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
    >>> len(plot_explanation(Forecaster(lookback=9, network=None).fit(rows).explain()).axes)
    3
    """
    figure_of = need_matplotlib()
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
    figure = figure_of(figsize=(9, 7), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    panel = figure.add_subplot(grid[0, :])
    level = terms.pop("level", np.zeros(len(steps)))
    above, below = level.copy(), level.copy()
    for name, values in terms.items():
        panel.bar(steps, values, bottom=np.where(values > 0, above, below), width=0.8, label=name)
        above, below = above + np.maximum(values, 0), below + np.minimum(values, 0)
    panel.plot(steps, level, color="0.55", linestyle="--", label="level")
    panel.plot(steps, forecast[target].to_numpy(), color="black", marker=".", label="forecast")
    panel.set(title=str(target), xlabel="steps ahead")
    panel.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))

    panel = figure.add_subplot(grid[1, 0])
    means = pd.Series(
        {str(name): values.mean() for name, values in columns.items() if name != "(intercept)"}, dtype=float
    )
    means = means.loc[means.abs().sort_values(ascending=False).index[:MOST_BARS]][::-1]
    panel.barh(means.index, means.to_numpy(), color="tab:blue")
    panel.set(title="columns", xlabel="mean over the steps")

    panel = figure.add_subplot(grid[1, 1])
    panel.plot(list(lags), [values.mean() for values in lags.values()], color="tab:blue", marker=".")
    panel.invert_xaxis()
    panel.set(title="rows of the past", xlabel="rows before the newest")
    for panel in figure.axes:
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def _take_apart(forecast: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, list[pd.DataFrame]]]:
    """Return points, or the quantiles in the middle, and the lower and upper ends of each interval."""
    columns = ForecastColumns.of(forecast.columns, forecast.columns.unique(0).tolist())
    points = columns.points or [own[len(own) // 2] for own in columns.quantiles]
    bands = {
        share.strip() or "interval": [
            forecast.iloc[:, list(at)].set_axis(columns.targets, axis=1) for at in zip(*ends, strict=True)
        ]
        for share, (ends, _) in columns.intervals.items()
    }
    return forecast.iloc[:, points].set_axis(columns.targets, axis=1), bands


def _choose(argument: str, name: Any, names: pd.Index) -> Any:
    """Return a name, by default the first."""
    if name is not None and name not in names:
        raise ValueError(received(f"`{argument}` must be one of {list_some(names)}.", **{argument: name}))
    return names.tolist()[0] if name is None else name


def _check_frame(name: str, frame: Any, forecast: Any) -> None:
    """Complain about what can't be drawn beside a forecast."""
    if frame is None and name != "forecast":
        return
    if not isinstance(frame, pd.DataFrame) or not len(frame):
        raise TypeError(received(f"`{name}` must be a DataFrame of some rows.", **{name: frame}))
    if find_kind(frame.index) != find_kind(forecast.index):
        rule = f"`{name}` must be indexed as `forecast` is, by {find_kind(forecast.index)}."
        raise TypeError(received(rule, index=type(frame.index).__name__))
    as_float(frame[[column for column in frame.columns if column in forecast.columns]], "mask")


def need_matplotlib() -> Any:
    """Return what makes a figure that pyplot doesn't keep, and that a notebook shows as the last line of a cell.

    Returns
    -------
    type
        A subclass of `matplotlib.figure.Figure`.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('Pictures need matplotlib: python -m pip install "tscnn[plot]"') from error

    class ShownFigure(Figure):
        def _repr_png_(self) -> bytes:
            picture = BytesIO()
            self.savefig(picture, format="png", dpi=80)
            return picture.getvalue()

    return ShownFigure


def _drawable(index: pd.Index) -> Any:
    """Return what matplotlib can put on an axis: local times without zone, or numbers."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        return index.tz_localize(None).to_numpy()
    return index.to_numpy()


def _time_label(index: pd.Index) -> str:
    zone = getattr(index, "tz", None)
    name = "" if index.name is None else str(index.name)
    return f"{name} ({zone})" if zone is not None else name
