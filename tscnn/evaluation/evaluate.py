"""What forecasts were worth: metrics by target, step, cutoff and series."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from tscnn.common.checks import check_int, check_real, received, show
from tscnn.data.frame import as_frame
from tscnn.data.index import check_order, find_kind, find_seasonality
from tscnn.data.panel import split_panel
from tscnn.data.steps import find_step
from tscnn.data.tables import Layout, read_table
from tscnn.data.values import as_float
from tscnn.evaluation.columns import ForecastColumns
from tscnn.metrics import Metric, find_metric, read_metrics, seasonal_scales

__all__ = ["evaluate", "read_backtest", "read_groups"]

GROUPS = ("series", "cutoff", "target", "step")
DEFAULTS = {
    "points": ("mae", "rmse", "mase"),
    "quantiles": ("crps", "sql"),
    "intervals": ("coverage", "width", "interval_score"),
}


def evaluate(
    backtest: Any,
    df: Any,
    metrics: Any = None,
    by: Any = (),
    *,
    season_length: int | None = None,
    coverage: float | None = None,
    series_id: Any = None,
) -> Any:
    """Measure forecasts of many cutoffs against what came true.

    Parameters
    ----------
    backtest : DataFrame
        Of `Forecaster.backtest`, or alike: indexed by ("cutoff", time), of several series by ("series", "cutoff",
        time), or with columns of these names. A column is a target, its point forecast; or a pair of a target and
        "forecast", the level of a quantile such as 0.9, or "lower" and "upper", the ends of an interval ("lower 80%",
        "upper 80%", "lower 95%" .. of several).
    df : DataFrame, Series, array, or dict of them by series
        The outcomes, and the rows before them, which scaled metrics (MASE, RMSSE, SQL) divide by: what repeating the
        season was wrong by in the rows of `df` up to each cutoff. NaN, and rows that are absent, are missing.
    metrics : str, `tscnn.metrics.Metric`, or list of them, optional
        Default "mae", "rmse" and "mase" of points, "crps" and "sql" of quantiles, and "coverage", "width" and
        "interval_score" of intervals, as there are. The middle one of the quantiles is the point, and those whose
        levels add up to 1 are intervals, where there are no others.
    by : {"target", "step", "cutoff", "series"}, or list of them, default ()
        What to tell apart; default one number for all. What is not told apart is pooled, each outcome with the same
        weight: of targets in different units take scaled metrics, or ``by="target"``.
    season_length : int, optional
        Rows of a season, for scaled metrics; default what suits the step of `df`: 24 for hours, 7 for days, 12 for
        months, 1 where there is no season.
    coverage : float, optional
        What intervals claim whose columns do not say it; default ``backtest.attrs["coverage"]``.
    series_id : column name, optional
        Of the column that tells the series, if `df` is a long frame.

    Returns
    -------
    DataFrame
        A row for each group, a column for each metric, of several intervals one for each ("coverage 80%"); "n" and
        "n_missing", the outcomes that counted, and those that are missing and counted nowhere. Indexed by what `by`
        says; a table of polars or pyarrow, if `backtest` is one, has it in columns.

    Raises
    ------
    TypeError, ValueError
        If frames do not fit each other, or a metric takes what is not there.

    Examples
    --------
    >>> days = pd.date_range("2026-01-01", periods=8)
    >>> df = pd.DataFrame({"users": [1.0, 2, 3, 4, 5, 6, 7, float("nan")]}, days)
    >>> at = pd.MultiIndex.from_arrays([days[[4, 4, 5, 5]], days[[5, 6, 6, 7]]], names=["cutoff", "time"])
    >>> evaluate(pd.DataFrame({"users": [6.0, 9, 8, 9]}, at), df, ["mae", "mase"], by="step", season_length=1)
          mae  mase  n  n_missing
    step
    1     0.5   0.5  2          0
    2     2.0   2.0  1          1
    """
    table, layout, time = read_backtest(backtest)
    if not len(table):
        raise ValueError(received("`backtest` must have at least one row.", shape=table.shape))
    by = read_groups(by)
    if season_length is not None:
        check_int("season_length", season_length)
    if "series" in by and "series" not in table.index.names:
        raise ValueError(received("`by='series'` takes forecasts of several series.", levels=list(table.index.names)))
    frames = _read_outcomes(df, time, series_id, several="series" in table.index.names)
    known = list(dict.fromkeys(name for frame in frames.values() for name in frame.columns.tolist()))
    coverage = table.attrs.get("coverage") if coverage is None else check_real("coverage", coverage, low=0, high=1)
    columns = ForecastColumns.of(table.columns, known, coverage)
    chosen = _choose(metrics, columns)
    facts = _gather(
        table, frames, columns.targets, [each.power for each in chosen if each.per == "season"], season_length
    )
    groups, index = facts.group(by, columns.targets)
    values = as_float(table, "mask").to_numpy()
    found = {}
    for metric in chosen:
        for name, forecast, level in _forecasts_of(metric, columns, values):
            found[name] = metric.average(facts.outcomes, forecast, level, facts.scales.get(metric.power), groups)
    missing = np.isnan(facts.outcomes)
    found["n"], found["n_missing"] = (np.bincount(groups[part], minlength=len(index)) for part in (~missing, missing))
    result = pd.DataFrame(found, index)
    if layout.library == "pandas":
        return result
    result = result.reset_index() if by else result
    return nw.from_dict({name: result[name].tolist() for name in result}, backend=layout.library).to_native()


def read_groups(by: Any, known: Sequence[str] = GROUPS) -> list[str]:
    """Read what is to be told apart.

    Parameters
    ----------
    by : str, or list of them
        Of `evaluate`.
    known : sequence of str
        That may be told apart.

    Returns
    -------
    list of str
        Each once.

    Raises
    ------
    TypeError, ValueError
        If it is something else.
    """
    listed = [by] if isinstance(by, str) else by
    rule = f"`by` must be of {', '.join(known)}, each once."
    if not isinstance(listed, list | tuple):
        raise TypeError(received(rule, by=by))
    if any(each not in known or listed.count(each) > 1 for each in listed):
        raise ValueError(received(rule, by=by))
    return list(listed)


@dataclass(frozen=True)
class _Facts:
    """What is known of every forecast; arrays of shape (n_rows, n_targets)."""

    outcomes: np.ndarray
    scales: dict[int, np.ndarray]  # by the power of differences
    labels: dict[str, tuple[np.ndarray, pd.Index]]  # by group: number of the label of each row, and the labels

    def group(self, by: Sequence[str], targets: list[Any]) -> tuple[np.ndarray, pd.Index]:
        """Return the number of the group of each outcome, and what the groups are called."""
        n_rows, n_targets = self.outcomes.shape
        if not by:
            return np.zeros((n_rows, n_targets), np.intp), pd.Index(["all"])
        codes, labels, sizes = [], [], []
        for each in by:
            if each == "target":
                own, names = np.arange(n_targets)[None], pd.Index(targets, tupleize_cols=False)
            else:
                own, names = self.labels[each][0][:, None], self.labels[each][1]
            codes.append(np.broadcast_to(own, (n_rows, n_targets)))
            labels.append(names)
            sizes.append(len(names))
        present, groups = np.unique(np.ravel_multi_index(codes, sizes), return_inverse=True)
        of_level = [names[at] for names, at in zip(labels, np.unravel_index(present, sizes), strict=True)]
        index = of_level[0].rename(by[0]) if len(by) == 1 else pd.MultiIndex.from_arrays(of_level, names=list(by))
        return groups.reshape(n_rows, n_targets), index


def read_backtest(backtest: Any) -> tuple[pd.DataFrame, Layout, Any]:
    """Read the forecasts of many cutoffs from a table of any kind.

    Parameters
    ----------
    backtest : DataFrame of pandas or polars, or Table of pyarrow
        Of `evaluate`.

    Returns
    -------
    table : DataFrame
        Indexed by ("cutoff", time), of several series by ("series", "cutoff", time).
    layout : Layout
        Of the table.
    time : label or None
        Its column of times; None where they are in its index.

    Raises
    ------
    ValueError
        If it has neither levels nor columns of these names.
    """
    names = list(getattr(backtest.index, "names", ())) if isinstance(backtest, pd.DataFrame) else []
    if "cutoff" in names[:-1]:
        return backtest, Layout(), None
    columns = getattr(backtest, "column_names", None) or list(getattr(backtest, "columns", ()))
    labels = [name[0] if isinstance(name, tuple) else name for name in columns]
    if "cutoff" not in labels[:-1]:
        rule = "`backtest` must be of `Forecaster.backtest`, indexed by ('cutoff', 'time') or with columns of these."
        raise ValueError(received(rule, type=type(backtest).__name__, levels=names, columns=labels[:5]))
    at = labels.index("cutoff") + 1
    keys, time = labels[:at], labels[at]
    table, layout = read_table(backtest, time)
    index = pd.MultiIndex.from_arrays([*(table[key] for key in keys), table.index], names=[*keys, time])
    return table.iloc[:, len(keys) :].set_axis(index), layout, time


def _read_outcomes(df: Any, time: Any, series_id: Any, *, several: bool) -> dict[Any, pd.DataFrame]:
    """Return the outcomes by series, those of a single one by None."""
    table, _ = read_table(df, time)
    if not several:
        if isinstance(table, Mapping):
            raise ValueError(received("`df` must be a frame, as `backtest` has no series.", df=type(df).__name__))
        if series_id is not None:
            rule = "`series_id` must be None, as `backtest` has no series."
            raise ValueError(received(rule, series_id=series_id))
        frames = {None: table}
    elif not isinstance(table, Mapping) and series_id is None:
        rule = "`series_id` must name the column of `df` that tells the series, as in `Forecaster(series_id=..)`"
        raise ValueError(received(f"{rule}; or `df` be a dict of frames.", series_id=None))
    else:
        frames = split_panel(table, series_id)
    return {name: as_frame(frame, "df") for name, frame in frames.items()}


def _choose(metrics: Any, columns: ForecastColumns) -> list[Metric]:
    """Return the metrics that are asked for, or that suit what is forecast."""
    there = {"points": columns.points is not None, "quantiles": columns.levels, "intervals": columns.intervals}
    if metrics is not None:
        chosen = read_metrics(metrics)
        for metric in chosen:
            if not there[metric.of]:
                rule = f"`{metric.name}` measures {metric.of}, which `backtest` has not."
                raise ValueError(received(rule, has=[kind for kind, is_there in there.items() if is_there]))
        return chosen
    names = [name for kind, some in DEFAULTS.items() if there[kind] for name in some]
    if any(claimed is None for _, claimed in columns.intervals.values()):
        names.remove("interval_score")
    return [find_metric(name) for name in names]


def _forecasts_of(metric: Metric, columns: ForecastColumns, values: np.ndarray) -> list[tuple[str, np.ndarray, Any]]:
    """Return what a metric measures: the name of the result, forecasts of (n_rows, n_targets, ..), and their level."""
    if metric.of == "points":
        return [(metric.name, values[:, columns.points], None)]
    if metric.of == "quantiles":
        return [(metric.name, values[:, columns.quantiles], np.array(columns.levels))]
    return [(f"{metric.name}{share}", values[:, ends], level) for share, (ends, level) in columns.intervals.items()]


def _gather(
    table: pd.DataFrame,
    frames: Mapping[Any, pd.DataFrame],
    targets: list[Any],
    powers: Sequence[int],
    season_length: int | None,
) -> _Facts:
    """Look up the outcome, the scale and the step of every forecast."""
    shape = (len(table), len(targets))
    outcomes, steps = np.full(shape, np.nan), np.zeros(len(table), np.intp)
    scales = {power: np.full(shape, np.nan) for power in powers}
    cutoffs, times = table.index.get_level_values("cutoff"), table.index.get_level_values(-1)
    labels = {"cutoff": pd.factorize(cutoffs, sort=True)}
    of_series, names = np.zeros(len(table), np.intp), [None]
    if None not in frames:
        of_series, names = labels["series"] = pd.factorize(table.index.get_level_values("series"))
    for i, name in enumerate(names):
        if name not in frames:
            raise ValueError(
                received(f"`df` must have the series {show(name)} of `backtest`.", series=list(frames)[:5])
            )
        frame, rows = frames[name], np.flatnonzero(of_series == i)
        _check_frame(frame, targets, name)
        index = _join(frame.index, cutoffs[rows], times[rows])
        known = as_float(frame[targets], "mask").reindex(index).to_numpy()
        at, start = index.get_indexer(times[rows]), index.get_indexer(cutoffs[rows])
        outcomes[rows], steps[rows] = known[at], at - start
        if powers:
            length = season_length or find_seasonality(find_step(frame.index)) or 1
            for power, found in scales.items():
                found[rows] = seasonal_scales(known, check_int("season_length", length), start + 1, power)
    _check_found(outcomes, scales, table.index)
    labels["step"] = pd.factorize(steps, sort=True)[0], pd.Index(np.unique(steps))
    return _Facts(outcomes, scales, {group: (codes, pd.Index(own)) for group, (codes, own) in labels.items()})


def _check_found(outcomes: np.ndarray, scales: dict[int, np.ndarray], index: pd.Index) -> None:
    """Complain if there is no outcome, and say where there is no scale."""
    known = ~np.isnan(outcomes)
    if not known.any():
        rule = "`df` must hold outcomes of the times that were forecast, but it has none of them."
        raise ValueError(received(rule, first=str(index[0]), last=str(index[-1])))
    lost = max((int(np.sum(known & ~(scale > 0))) for scale in scales.values()), default=0)
    if lost:
        said = (
            f"Scaled metrics leave out {lost} of {known.sum()} outcomes: `df` has no season that changes before them."
        )
        warnings.warn(f"{said} Give it the rows of training, too, or a smaller `season_length`.", stacklevel=4)


def _check_frame(frame: pd.DataFrame, targets: list[Any], name: Any) -> None:
    lacking = [target for target in targets if target not in frame.columns]
    if lacking:
        whose = "" if name is None else f" of series {show(name)}"
        raise ValueError(received(f"`df`{whose} must have the columns that are forecast.", lacking=lacking[:5]))
    check_order(frame.index)


def _join(index: pd.Index, cutoffs: pd.Index, times: pd.Index) -> pd.Index:
    """Return all times there are, ascending."""
    if not all(_is_alike(index, each) for each in (cutoffs, times)):
        rule = "`df` must be indexed as `backtest` is, by times of the same zone, periods or integers."
        raise TypeError(received(rule, df=str(index[-1]), backtest=str(times[-1])))
    return index.union(cutoffs.unique()).union(times.unique())


def _is_alike(one: pd.Index, other: pd.Index) -> bool:
    """Say whether two indexes hold the same kind: times with or without a zone, periods of one length, integers."""
    kinds = find_kind(one), find_kind(other)
    if kinds[0] != kinds[1]:
        return False
    if kinds[0] == "times":
        return bool((one.tz is None) == (other.tz is None))
    return bool(kinds[0] == "integers" or one.dtype == other.dtype)
