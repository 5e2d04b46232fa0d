"""How far forecasts are from outcomes: of points, of quantiles and of intervals.

Every metric is a `Metric`: ``mae(y, forecast)`` is a number, ``evaluate(.., metrics=["mae"])`` has it by target, step,
cutoff or series. With errors e = forecast - y, all means over what is known of y:

================  =================================================================================================
mae, mse, rmse    Mean of abs(e), mean of e^2, and the root of the latter; in units of the data.
mase, rmsse       The same of e divided by what repeating the season is wrong by in the history before the forecast:
                  the mean of its absolute differences, for rmsse the root of their mean square [1]_.
smape             Mean of 2 abs(e) / (abs(y) + abs(forecast)): from 0 to 2; 0 where both are 0.
wape              Mean of abs(e) / mean of abs(y).
pinball           Mean over quantiles q of max(-q e, (1 - q) e) [2]_.
crps              Twice that: the continuous ranked probability score, as well as evenly spaced quantiles tell it.
wql, sql          `crps` divided by the mean of abs(y), and by the scale of `mase`.
coverage, width   Share of outcomes within intervals, ends included, and the mean of upper - lower.
interval_score    Width, and 2 / (1 - coverage) times what an outcome lies outside by [3]_.
================  =================================================================================================

One more is one more entry: ``Metric("bias", lambda y, forecast: forecast - y)``.

References
----------
.. [1] Hyndman and Koehler (2006), Another look at measures of forecast accuracy.
.. [2] Koenker and Bassett (1978), Regression quantiles.
.. [3] Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation, equation 43.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from tscnn.common.checks import check_int, check_real, received
from tscnn.common.settings import name_alike

__all__ = [
    "METRICS",
    "Metric",
    "coverage",
    "crps",
    "find_metric",
    "interval_score",
    "mae",
    "mase",
    "mse",
    "pinball",
    "read_metrics",
    "rmse",
    "rmsse",
    "seasonal_scales",
    "smape",
    "sql",
    "wape",
    "width",
    "wql",
]


@dataclass(frozen=True)
class Metric:
    """A mean of errors, or what becomes of it when they are divided by something and its root is taken.

    Attributes
    ----------
    name : str
        Of the metric.
    error : callable
        Of one outcome each: outcomes of any shape, and forecasts of `of` -> errors, ndarray of the shape of the
        outcomes.
    of : {"points", "quantiles", "intervals"}, default "points"
        What is measured. `error` takes ``(y, forecast)`` of points; ``(y, forecast, level)`` of the others, whose
        forecasts have one more axis: of the quantiles, whose levels are an array, or of lower and upper end, whose
        coverage is a number, None if unknown.
    per : {"outcome", "season"} or None, default None
        What errors are divided by: the mean of absolute outcomes, or what repeating the season is wrong by.
    root : bool, default False
        Whether the root is taken of the mean; errors are squares then.

    Examples
    --------
    >>> mae([1.0, 2.0, float("nan")], [1.5, 2.0, 3.0])
    0.25
    >>> mase([5.0], [6.0], history=[1.0, 3.0, 5.0], season_length=1)
    0.5
    >>> pinball([1.0], [[0.0, 3.0]], [0.25, 0.75])
    0.375
    >>> interval_score([1.0, 5.0], [[0.0, 2.0], [0.0, 4.0]], 0.5)
    5.0
    """

    name: str
    error: Callable[..., np.ndarray]
    of: Literal["points", "quantiles", "intervals"] = "points"
    per: Literal["outcome", "season"] | None = None
    root: bool = False

    def __call__(
        self, y: Any, forecast: Any, level: Any = None, *, history: Any = None, season_length: int = 1
    ) -> float:
        """Measure forecasts of one series.

        Parameters
        ----------
        y : Series or array of shape (n,)
            Outcomes; what is missing counts nowhere.
        forecast : Series, DataFrame or array of shape (n,), (n, n_quantiles), or (n, 2)
            Points; quantiles; or the lower and upper ends of intervals.
        level : sequence of float, or float, optional
            Levels of the quantiles; coverage of the intervals, which only `interval_score` needs.
        history : Series or array of shape (n_rows,), optional
            What was known before, for `mase`, `rmsse` and `sql`.
        season_length : int, default 1
            Rows of a season of `history`; 1 compares with repeating the newest row.

        Returns
        -------
        float
            The smaller, the better, but for `coverage`. NaN if no outcome is known, or `history` never changes.

        Raises
        ------
        TypeError, ValueError
            If the shapes do not fit each other, or an argument is missing.
        """
        outcomes, found = _as_floats("y", y), _as_floats("forecast", forecast)
        level = self._check_level(level)
        shape = outcomes.shape + {"points": (), "quantiles": np.shape(level), "intervals": (2,)}[self.of]
        if found.shape != shape:
            raise ValueError(received(f"`forecast` must have the shape {shape}, for `{self.name}`.", shape=found.shape))
        scale = None
        if self.per == "season":
            if history is None:
                raise ValueError(
                    received(f"`{self.name}` needs `history=`, the rows before the forecast.", history=None)
                )
            rows = _as_floats("history", history).reshape(-1, 1)
            scale = np.broadcast_to(seasonal_scales(rows, season_length, [len(rows)], self.power)[0], outcomes.shape)
        return float(self.average(outcomes, found, level, scale)[0])

    @property
    def power(self) -> int:
        """Of the differences that a season is scaled by.

        Returns
        -------
        int
            2 if errors are squares, else 1.
        """
        return 2 if self.root else 1

    def average(
        self,
        outcomes: np.ndarray,
        forecast: np.ndarray,
        level: Any = None,
        scale: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> np.ndarray:
        """Measure forecasts group by group.

        Parameters
        ----------
        outcomes : ndarray of any shape
            NaN where one is missing, which counts nowhere.
        forecast : ndarray of the same shape, with one more axis for quantiles and intervals
            As of `error`.
        level : ndarray or float, optional
            As of `error`.
        scale : ndarray of the shape of the outcomes, optional
            Of `seasonal_scales`, for ``per="season"``; outcomes without a positive one count nowhere.
        groups : ndarray of int of the shape of the outcomes, optional
            Number of the group of each; default one group.

        Returns
        -------
        ndarray of shape (n_groups,)
            NaN for a group without outcomes.
        """
        errors = self.error(outcomes, forecast) if self.of == "points" else self.error(outcomes, forecast, level)
        known = ~np.isnan(outcomes)
        if self.per == "season" and scale is not None:
            known &= scale > 0
            errors = np.divide(errors, scale, out=np.zeros_like(errors), where=known)
        groups = np.zeros(outcomes.shape, np.intp) if groups is None else groups
        n_groups, at = int(groups.max(initial=0)) + 1, groups[known]
        weights = np.abs(outcomes[known]) if self.per == "outcome" else None
        sums, whole = (np.bincount(at, each, n_groups) for each in (errors[known], weights))
        means = np.divide(sums, whole, out=np.full(n_groups, np.nan), where=whole > 0)
        return np.sqrt(means) if self.root else means

    def _check_level(self, level: Any) -> Any:
        if self.of == "points":
            return None
        if self.of == "quantiles":
            levels = _as_floats("level", [] if level is None else level)
            if levels.ndim != 1 or not len(levels) or not ((levels > 0) & (levels < 1)).all():
                rule = f"`level` must list the levels of the quantiles, each in (0, 1), for `{self.name}`."
                raise ValueError(received(rule, level=level))
            return levels
        return None if level is None else check_real("level", level, low=0, high=1, include_low=False)


def seasonal_scales(history: np.ndarray, season_length: int, ends: Any, power: int = 1) -> np.ndarray:
    """Return what repeating the season is wrong by, up to some rows.

    Parameters
    ----------
    history : ndarray of shape (n_rows, n_features)
        NaN where a value is missing.
    season_length : int
        Rows of a season.
    ends : sequence of int
        Of rows that count, from the first on.
    power : {1, 2}, default 1
        Of the differences.

    Returns
    -------
    ndarray of shape (len(ends), n_features)
        Mean of differences from the row a season before, absolute or squared; NaN where there is none.

    Examples
    --------
    >>> seasonal_scales(np.array([[1.0], [3.0], [4.0], [9.0]]), 2, [2, 3, 4])[:, 0]
    array([nan, 3. , 4.5])
    """
    season_length = check_int("season_length", season_length)
    differences = np.full(history.shape, np.nan)
    differences[season_length:] = np.abs(history[season_length:] - history[:-season_length]) ** power
    known, start = ~np.isnan(differences), np.zeros((1, history.shape[1]))
    sums = np.concatenate([start, np.nancumsum(differences, axis=0)])[ends]
    counts = np.concatenate([start, np.cumsum(known, axis=0)])[ends]
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def find_metric(metric: Any) -> Metric:
    """Find a metric by its name.

    Parameters
    ----------
    metric : str or Metric
        Of `METRICS`, or one of one's own.

    Returns
    -------
    Metric
        Itself, if it is one.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if isinstance(metric, Metric):
        return metric
    if not isinstance(metric, str) or metric not in METRICS:
        rule = f"`metrics` must be of {', '.join(METRICS)}, or `tscnn.metrics.Metric(name, error)`"
        raise ValueError(received(f"{rule}{name_alike(metric, list(METRICS))}", metric=metric))
    return METRICS[metric]


def read_metrics(metrics: Any) -> list[Metric]:
    """Find metrics by their names.

    Parameters
    ----------
    metrics : str, Metric, or list of them
        At least one.

    Returns
    -------
    list of Metric
        In this order.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or there is none of a name.
    """
    listed = [metrics] if isinstance(metrics, str | Metric) else metrics
    if not isinstance(listed, list | tuple) or not listed:
        rule = "`metrics` must be a metric or a list of some, such as 'mae' or ['mae', 'rmse']."
        raise (ValueError if isinstance(listed, list | tuple) else TypeError)(received(rule, metrics=metrics))
    return [find_metric(each) for each in listed]


def _as_floats(name: str, values: Any) -> np.ndarray:
    try:
        if isinstance(values, pd.Series | pd.DataFrame | pd.Index):
            return values.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise TypeError(received(f"`{name}` must hold numbers alone.", **{name: values})) from None


# Errors of each outcome


def _absolute(y: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    return np.abs(forecast - y)


def _squared(y: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    return np.square(forecast - y)


def _symmetric(y: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    size = np.abs(y) + np.abs(forecast)
    return np.divide(2 * np.abs(forecast - y), size, out=np.zeros_like(size), where=size != 0)


def _pinball(y: np.ndarray, forecast: np.ndarray, level: np.ndarray) -> np.ndarray:
    errors = forecast - y[..., None]
    return np.maximum(-level * errors, (1 - level) * errors).mean(axis=-1)


def _twice_pinball(y: np.ndarray, forecast: np.ndarray, level: np.ndarray) -> np.ndarray:
    return 2 * _pinball(y, forecast, level)


def _inside(y: np.ndarray, forecast: np.ndarray, _: float | None) -> np.ndarray:
    inside = (forecast[..., 0] <= y) & (y <= forecast[..., 1])
    return np.where(np.isnan(forecast).any(axis=-1), np.nan, inside)


def _width(_: np.ndarray, forecast: np.ndarray, __: float | None) -> np.ndarray:
    return forecast[..., 1] - forecast[..., 0]


def _interval_score(y: np.ndarray, forecast: np.ndarray, level: float | None) -> np.ndarray:
    if level is None:
        rule = "`interval_score` needs the coverage that the intervals claim, such as 0.9."
        raise ValueError(received(rule, coverage=level))
    lower, upper = forecast[..., 0], forecast[..., 1]
    outside = np.maximum(lower - y, 0) + np.maximum(y - upper, 0)
    return upper - lower + 2 / (1 - level) * outside


mae = Metric("mae", _absolute)
mse = Metric("mse", _squared)
rmse = Metric("rmse", _squared, root=True)
mase = Metric("mase", _absolute, per="season")
rmsse = Metric("rmsse", _squared, per="season", root=True)
smape = Metric("smape", _symmetric)
wape = Metric("wape", _absolute, per="outcome")
pinball = Metric("pinball", _pinball, "quantiles")
crps = Metric("crps", _twice_pinball, "quantiles")
wql = Metric("wql", _twice_pinball, "quantiles", per="outcome")
sql = Metric("sql", _twice_pinball, "quantiles", per="season")
coverage = Metric("coverage", _inside, "intervals")
width = Metric("width", _width, "intervals")
interval_score = Metric("interval_score", _interval_score, "intervals")

_ALL = [mae, mse, rmse, mase, rmsse, smape, wape, pinball, crps, wql, sql, coverage, width, interval_score]
METRICS = {metric.name: metric for metric in _ALL}
