"""Pictures of a backtest: errors, and whether intervals hold what they claim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.tables import read_table
from tscnn.data.values import list_some
from tscnn.evaluation.evaluate import evaluate, read_backtest
from tscnn.plotting.figures import (
    COLORS,
    DASHES,
    add_title,
    label_times,
    make_panels,
    need_matplotlib,
    place_times,
    unit_of,
)

__all__ = ["plot_calibration", "plot_errors"]

MOST_TARGETS = 6  # that are drawn, each in a row of panels of its own. A convention


def plot_errors(
    backtest: Any,
    df: Any,
    metric: Any = "mae",
    columns: Any = None,
    *,
    series_id: Any = None,
    units: Any = None,
    title: str | None = None,
    figure: Any = None,
) -> np.ndarray:
    """Draw the errors of a backtest by step of the horizon and by cutoff, a row of panels for each target.

    Parameters
    ----------
    backtest : DataFrame, Table, or dict of them by name
        Of `tscnn.Forecaster.backtest`; of several models, each under its name.
    df : DataFrame, Series, array, or dict of them by series
        The outcomes, as of `tscnn.evaluate`.
    metric : str or `tscnn.metrics.Metric`, default "mae"
        As of `tscnn.evaluate`.
    columns : column name, or list of them, optional
        Targets to draw, default the first six.
    series_id : column name, optional
        Of the column that tells the series, if `df` is a long frame. Errors of all series are drawn as one.
    units : str, or dict of str by column, optional
        Written at the vertical axis.
    title : str, optional
        Default the metric; "" is none.
    figure : matplotlib Figure or SubFigure, optional
        To draw in; default a new one of pyplot.

    Returns
    -------
    ndarray of Axes, of shape (n_targets, 2)
        By step, and by cutoff.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    TypeError, ValueError
        Where `tscnn.evaluate` raises them; or if `columns` are none of the backtest.

    Examples
    --------
    >>> df = pd.DataFrame({"a": [1.0, 2, 3, 4]})
    >>> at = pd.MultiIndex.from_arrays([[0, 0, 1, 1], [1, 2, 2, 3]], names=["cutoff", "time"])
    >>> plot_errors(pd.DataFrame({"a": [1.0, 1, 2, 2]}, at), df).shape
    (1, 2)
    """
    need_matplotlib()
    models = dict(backtest) if isinstance(backtest, Mapping) and len(backtest) else {"": backtest}
    read = {name: _read(one, df) for name, one in models.items()}
    by_step, by_cutoff = (
        {
            name: evaluate(table, outcomes, metric, ["target", by], series_id=series_id).iloc[:, 0]
            for name, (table, outcomes) in read.items()
        }
        for by in ("step", "cutoff")
    )
    named = next(iter(by_step.values()))
    targets = _choose(columns, named.index.unique(0).tolist())
    panels = make_panels(figure, (len(targets), 2), (9, 1 + 2 * len(targets))).reshape(-1, 2)
    for (of_steps, of_cutoffs), target in zip(panels, targets, strict=True):
        for number, name in enumerate(models):
            style = {"color": COLORS[number % len(COLORS)], "ls": DASHES[number % len(DASHES)], "label": name}
            own, of_time = by_step[name].loc[target], by_cutoff[name].loc[target]
            of_steps.plot(own.index, own.to_numpy(), marker="o", ms=3, **style)
            of_cutoffs.plot(place_times(of_time.index), of_time.to_numpy(), marker="o", ms=2, lw=1, **style)
            label_times(of_cutoffs, of_time.index)
        _label_steps(of_steps, target)
        of_steps.set_ylabel(", ".join(filter(None, [str(named.name), unit_of(units, target)])))
        for panel in (of_steps, of_cutoffs):
            panel.set_ylim(bottom=min(0, panel.get_ylim()[0]))
    add_title(panels, f"Errors of the forecasts: {named.name}" if title is None else title, legend=len(models) > 1)
    return panels


def plot_calibration(
    backtest: Any,
    df: Any,
    columns: Any = None,
    *,
    coverage: float | None = None,
    series_id: Any = None,
    units: Any = None,
    title: str | None = None,
    figure: Any = None,
) -> np.ndarray:
    """Draw whether intervals hold the share of outcomes that they claim, and how wide they are.

    Parameters
    ----------
    backtest : DataFrame or Table
        Of `tscnn.Forecaster.backtest` with ``coverage=`` or quantiles.
    df : DataFrame, Series, array, or dict of them by series
        The outcomes, as of `tscnn.evaluate`.
    columns : column name, or list of them, optional
        Targets to draw, default the first six.
    coverage : float, optional
        What intervals claim whose columns do not say it; default ``backtest.attrs["coverage"]``.
    series_id, units, title, figure : column name, str or dict of str, str, Figure, optional
        As of `plot_errors`.

    Returns
    -------
    ndarray of Axes, of shape (n_targets, 3)
        The share of outcomes within intervals against the share that is claimed; the same by step of the horizon; and
        the mean width of intervals by step.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    TypeError, ValueError
        Where `tscnn.evaluate` raises them, as where there are no intervals; if `columns` are none of the backtest; or
        if nothing says what an interval claims.

    Examples
    --------
    >>> df = pd.DataFrame({"a": [1.0, 2, 3, 4]})
    >>> at = pd.MultiIndex.from_arrays([[0, 0, 1, 1], [1, 2, 2, 3]], names=["cutoff", "time"])
    >>> quantiles = pd.DataFrame({("a", 0.1): [1.0, 2, 2, 3], ("a", 0.9): [2.0, 3, 4, 5]}, at)
    >>> plot_calibration(quantiles, df).shape
    (1, 3)
    """
    need_matplotlib()
    backtest, df = _read(backtest, df)
    claimed = coverage if coverage is not None else backtest.attrs.get("coverage")
    how = {"coverage": claimed, "series_id": series_id}
    by_step = evaluate(backtest, df, ["coverage", "width"], ["target", "step"], **how)
    overall = evaluate(backtest, df, "coverage", "target", **how)
    claims = {name: _read_claim(name, claimed) for name in overall if name not in ("n", "n_missing")}
    targets = _choose(columns, overall.index.tolist())
    panels = make_panels(figure, (len(targets), 3), (10, 1 + 2.2 * len(targets))).reshape(-1, 3)
    for (reliability, share, width), target in zip(panels, targets, strict=True):
        held, steps = overall.loc[[target]].iloc[0], by_step.loc[target]
        reliability.plot([0, 1], [0, 1], color="0.6", lw=0.8, zorder=0)
        reliability.plot(list(claims.values()), held[list(claims)].to_numpy(float), "o", color=COLORS[0])
        for number, (name, claim) in enumerate(claims.items()):
            style = {"color": COLORS[number % len(COLORS)], "ls": DASHES[number % len(DASHES)], "label": f"{claim:.3g}"}
            share.plot(steps.index, steps[name].to_numpy(), marker="o", ms=3, **style)
            share.axhline(claim, color=style["color"], lw=0.8, alpha=0.6, zorder=0)
            width.plot(steps.index, steps[name.replace("coverage", "width", 1)].to_numpy(), marker="o", ms=3, **style)
        reliability.set(xlim=(0, 1.03), ylim=(0, 1.03), xlabel="share claimed", ylabel="share of outcomes within")
        reliability.set_title(str(target), loc="left", fontsize="medium")
        _label_steps(share, "outcomes within")
        share.set_ylim(min(share.get_ylim()[0], 0.9 * min(claims.values())), 1.01)
        _label_steps(width, "mean width")
        width.set(ylabel=unit_of(units, target), ylim=(0, None))
    add_title(panels[:, 1:], "Intervals: claimed and held" if title is None else title)
    return panels


def _read(backtest: Any, df: Any) -> tuple[pd.DataFrame, Any]:
    """Return a backtest and its outcomes as frames of pandas."""
    table, _, time = read_backtest(backtest)
    return table, read_table(df, time)[0]


def _label_steps(panel: Any, title: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    panel.set_title(str(title), loc="left", fontsize="medium")
    panel.set_xlabel("steps ahead")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))


def _choose(columns: Any, known: list[Any]) -> list[Any]:
    if columns is None:
        return known[:MOST_TARGETS]
    names = columns if isinstance(columns, list | pd.Index) else [columns]
    if not len(names) or any(name not in known for name in names):
        raise ValueError(received(f"`columns` must name columns of {list_some(known)}.", columns=columns))
    return list(names)


def _read_claim(name: str, coverage: float | None) -> float:
    """Return what an interval claims, from the name of its metric: "coverage 80%"."""
    share = name.removeprefix("coverage").strip(" %")
    if not share and coverage is None:
        rule = "`coverage` must say what intervals claim: `plot_calibration(backtest, df, coverage=0.9)`."
        raise ValueError(received(rule, coverage=coverage))
    return float(share) / 100 if share else float(coverage or 0)
