"""Effects of the calendar and of covariates that are known ahead: a regression whose values are subtracted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.calendar import CYCLES, as_times, calendar_features, check_calendar, phases, rest_days, waves
from tscnn.data.graph_times import GraphTimes
from tscnn.data.series import SeriesSet
from tscnn.data.times import Times, at_steps

__all__ = ["CovariateBasis", "CovariateEffects", "replace_outliers"]

DAY_WAVES = 12  # harmonics of a day that levels have, on working days and others: those of hourly rows
EFFECT_WAVES = 2  # harmonics of a day that an effect of a covariate has
BLOCK = 65_536  # rows in memory at a time: a convention
WEEKLY = frozenset(("minute", "hour", "weekday", "weekend"))  # of the calendar, what a time of the week tells
FAR = 10.0  # ranges of a covariate outside of its others, from which on a value is an error: a convention
N_KNOTS = 5  # of a covariate that takes many values: at its quantiles


@dataclass(frozen=True, eq=False)
class CovariateBasis:
    """Times in numbers that a regression takes: the calendar, and piecewise linear functions of covariates.

    The effect of a covariate is another one at every time of the day, and on days of rest, where the calendar has hours
    and weekdays.

    Attributes
    ----------
    calendar : tuple of str
        Of `tscnn.data.calendar.CALENDAR`.
    knots : ndarray of shape (n_covariates, n_knots)
        Where each function bends, in the covariate's own units; the first and the last are the ends of its range. NaN
        for those of a covariate of few values, which has no bends.
    """

    calendar: tuple[str, ...]
    knots: np.ndarray

    @classmethod
    def of(cls, calendar: Sequence[str], covariates: np.ndarray | None) -> Self:
        """Find the knots of covariates.

        Parameters
        ----------
        calendar : sequence of str
            Of `check_calendar`.
        covariates : ndarray of shape (n_rows, n_covariates), or None
            Of the training rows.

        Returns
        -------
        CovariateBasis
            Of these.
        """
        knots = np.zeros((0, N_KNOTS)) if covariates is None else np.array([_find_knots(one) for one in covariates.T])
        return cls(tuple(calendar), knots.reshape(-1, N_KNOTS))

    def describe(self, times: Times) -> np.ndarray:
        """Return the numbers of some times.

        Parameters
        ----------
        times : Times
            With the covariates of `of`.

        Returns
        -------
        ndarray of shape (n_times, n_numbers), float32
            For a regression.
        """
        parts = [times.look_up((self, "calendar"), self._of_calendar)]
        if times.covariates is not None:
            changing = times.look_up((self, "changing"), self._changing)
            parts += [
                _products(_bend(column, own), changing)
                for column, own in zip(times.covariates.T, self.knots, strict=True)
            ]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def _of_calendar(self, index: pd.Index) -> np.ndarray:
        """Describe times without their covariates."""
        index = as_times(index) if self.calendar else index  # once, for all that is asked of them
        parts = [np.zeros((len(index), 0), np.float32)]
        if "hour" in self.calendar:
            of_day = np.column_stack([np.ones(len(index)), *waves(phases(index, "hour"), DAY_WAVES)])
            parts.append(_products(of_day, self._kinds_of_days(index)))
        if any(name != "hour" for name in self.calendar):
            parts.append(calendar_features(index, [name for name in self.calendar if name != "hour"]))
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def _changing(self, index: pd.Index) -> np.ndarray:
        """Return what the effects of covariates change with: a constant, the time of the day, days of rest."""
        modifiers = [np.ones(len(index))]
        if "hour" in self.calendar:
            modifiers += waves(phases(index, "hour"), EFFECT_WAVES)
        if self._has_weeks:
            modifiers.append((rest_days(index, self.calendar) > 0).astype(np.float64))
        return np.column_stack(modifiers)

    def describe_plainly(self, times: Times) -> np.ndarray:
        """Return the numbers of some times that are not those of a time of the day or of the year.

        Parameters
        ----------
        times : Times
            With the covariates of `of`.

        Returns
        -------
        ndarray of shape (n_times, n_numbers), float32
            Piecewise linear functions of covariates, and kinds of days.
        """
        names = [name for name in self.calendar if name not in CYCLES]
        parts = [np.zeros((len(times), 0), np.float32)]
        if names:
            parts = [times.look_up((self, "plainly"), lambda index: calendar_features(index, names))]
        if times.covariates is not None:
            parts += [_bend(column, own) for column, own in zip(times.covariates.T, self.knots, strict=True)]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def describe_in_graph(self, times: GraphTimes, *, plainly: bool = False) -> Any:
        """Do what `describe` or `describe_plainly` does, in the operations of a framework.

        Parameters
        ----------
        times : GraphTimes
            Of n_times each.
        plainly : bool, default False
            Whether it is `describe_plainly`.

        Returns
        -------
        tensor of shape (batch, n_times, n_numbers), float32
            Of the same numbers.
        """
        ops, names, parts = times.ops, [name for name in self.calendar if name != "hour"], []
        modifiers = []
        if plainly:
            names = [name for name in names if name not in CYCLES]
        elif "hour" in self.calendar:
            of_day = times.waves("hour", DAY_WAVES)
            of_day = ops.concatenate([ops.ones_like(of_day[:, :, :1]), of_day], axis=-1)
            if self._has_weeks:
                of_day = _products_in_graph(of_day, ops.take(np.eye(3, dtype=np.float32), times.rest_days(), 0), ops)
            parts.append(of_day)
            modifiers.append(times.waves("hour", EFFECT_WAVES))
        if names:
            parts.append(times.features(names))
        if self._has_weeks and not plainly:
            modifiers.append(ops.cast(times.rest_days() > 0, "float32")[:, :, None])
        for i, knots in enumerate(self.knots):
            bent = _bend_in_graph(times.covariates[:, :, i], knots, ops)
            changing = [ops.ones_like(bent[:, :, :1]), *modifiers]
            parts.append(_products_in_graph(bent, ops.concatenate(changing, axis=-1), ops) if modifiers else bent)
        return ops.concatenate(parts, axis=-1)

    def owners(self, n_numbers: int, *, plainly: bool = False) -> np.ndarray:
        """Tell what each number is of.

        Parameters
        ----------
        n_numbers : int
            Of `describe`.
        plainly : bool, default False
            Whether they are those of `describe_plainly`.

        Returns
        -------
        ndarray of int of shape (n_numbers,)
            0 for the calendar, from 1 on the covariates.
        """
        n_modifiers = 1 + 2 * EFFECT_WAVES * ("hour" in self.calendar) + self._has_weeks
        widths = (1 + np.isfinite(self.knots[:, 1:-1]).sum(axis=1)) * (1 if plainly else n_modifiers)
        of_covariates = np.repeat(np.arange(1, len(widths) + 1), widths)
        return np.concatenate([np.zeros(n_numbers - len(of_covariates), int), of_covariates])

    def settings(self) -> dict[str, Any]:
        """Return the calendar.

        Returns
        -------
        dict
            For `from_arrays`.
        """
        return {"calendar": list(self.calendar)}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the knots.

        Returns
        -------
        dict of str to ndarray
            For `from_arrays`.
        """
        return {"knots": self.knots}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make what `settings` and `arrays` describe.

        Parameters
        ----------
        settings : dict
            Of `settings`, and more.
        arrays : dict of str to ndarray
            Of `arrays`, and more.

        Returns
        -------
        CovariateBasis
            Equal to the bit.
        """
        return cls(check_calendar(settings["calendar"]) or (), arrays["knots"])

    @property
    def _has_weeks(self) -> bool:
        return any(name in ("weekday", "weekend", "working day") or ":" in name for name in self.calendar)

    def _kinds_of_days(self, index: pd.Index) -> np.ndarray:
        if not self._has_weeks:
            return np.ones((len(index), 1))
        return np.eye(3)[rest_days(index, self.calendar)]


@dataclass(frozen=True, eq=False)
class CovariateEffects:
    """What the calendar and the covariates of a time do to each column: subtracted from rows, added to forecasts.

    Attributes
    ----------
    basis : CovariateBasis
        Which turns times into numbers.
    mean : ndarray of shape (n_numbers,)
        Of these, in training.
    coefficients : ndarray of shape (n_numbers, n_features), float32
        In the units of the rows; zeros for columns without effects.
    """

    name: ClassVar[str] = "covariate_effects"

    basis: CovariateBasis
    mean: np.ndarray
    coefficients: np.ndarray

    @property
    def needs_times(self) -> bool:
        """Whether it takes an index of times.

        Returns
        -------
        bool
            Not for covariates alone.
        """
        return bool(self.basis.calendar)

    def of_columns(self, columns: np.ndarray) -> Self:
        """Leave effects on some columns alone.

        Parameters
        ----------
        columns : ndarray of int
            Positions among the features.

        Returns
        -------
        CovariateEffects
            Zero on the others.
        """
        kept = np.isin(np.arange(self.coefficients.shape[1]), columns)
        return replace(self, coefficients=np.where(kept, self.coefficients, np.float32(0)))

    def at(self, times: Times) -> np.ndarray:
        """Return the effects of some times.

        Parameters
        ----------
        times : Times
            With covariates.

        Returns
        -------
        ndarray of shape (n_times, n_features), float32
            On average 0 in training.
        """
        if times.covariates is None:
            return times.look_up(self, self._of_calendar)
        return self._evaluate(self.basis.describe(times))

    def _of_calendar(self, index: pd.Index) -> np.ndarray:
        """Return the effects of the calendar: of many times that repeat every week each once."""
        repeats = len(index) > BLOCK and WEEKLY.issuperset(self.basis.calendar)
        if repeats and isinstance(index, pd.DatetimeIndex) and index.tz is None:
            week = pd.Timedelta(weeks=1) // pd.Timedelta(1, index.unit)
            _, first, of_each = np.unique(index.asi8 % week, return_index=True, return_inverse=True)
            return self._evaluate(self.basis.describe(Times(index[first])))[of_each]
        return self._evaluate(self.basis.describe(Times(index)))

    def _evaluate(self, numbers: np.ndarray) -> np.ndarray:
        return np.asarray((numbers - self.mean.astype(np.float32)) @ self.coefficients)

    def by_input(self, times: Times) -> np.ndarray:
        """Return the effects of some times, input by input.

        Parameters
        ----------
        times : Times
            With covariates.

        Returns
        -------
        ndarray of shape (1 + n_covariates, n_times, n_features)
            Of the calendar, then of each covariate; their sum is `at`.
        """
        numbers = self.basis.describe(times) - self.mean.astype(np.float32)
        owners = self.basis.owners(numbers.shape[1])
        return np.stack(
            [numbers[:, owners == i] @ self.coefficients[owners == i] for i in range(1 + len(self.basis.knots))]
        )

    def at_all(self, series: SeriesSet) -> np.ndarray:
        """Return the effects of the times of all series.

        Parameters
        ----------
        series : SeriesSet
            With covariates.

        Returns
        -------
        ndarray of shape (n_rows, n_features), float32
            Of `at`, one series behind the other.
        """
        times = series.joined_times()
        return np.concatenate([self.at(times[first : first + BLOCK]) for first in range(0, len(times), BLOCK)])

    def apply(self, values: np.ndarray, times: Times) -> np.ndarray:
        """Subtract the effects from rows: see `Transform.apply`."""
        return np.asarray(values - self.at(times))

    def invert(self, forecasts: np.ndarray, times: Times, at: np.ndarray, targets: Sequence[int]) -> np.ndarray:
        """Add the effects to forecasts: see `Transform.invert`."""
        effects = at_steps(times, at, forecasts.shape[1], self.at)
        return np.asarray(forecasts + effects[..., list(targets)])

    def at_in_graph(self, times: GraphTimes) -> Any:
        """Return the effects of some times, in the operations of a framework.

        Parameters
        ----------
        times : GraphTimes
            Of n_times each.

        Returns
        -------
        tensor of shape (batch, n_times, n_features), float32
            As of `at`.
        """
        numbers = self.basis.describe_in_graph(times) - self.mean.astype(np.float32)
        return times.ops.matmul(numbers, self.coefficients)

    def apply_in_graph(self, values: Any, times: GraphTimes) -> Any:
        """Subtract the effects from windows: see `Transform.apply_in_graph`."""
        return values - times.ops.cast(self.at_in_graph(times), values.dtype)

    def invert_in_graph(self, forecasts: Any, times: GraphTimes, targets: Sequence[int]) -> Any:
        """Add the effects to forecasts: see `Transform.invert_in_graph`."""
        effects = times.ops.take(self.at_in_graph(times), list(targets), axis=-1)
        return forecasts + times.ops.cast(effects, forecasts.dtype)

    def settings(self) -> dict[str, Any]:
        """Return the calendar."""
        return {"calendar": list(self.basis.calendar)}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return coefficients and what describes the covariates."""
        return {"knots": self.basis.knots, "mean": self.mean, "coefficients": self.coefficients}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the transform that `settings` and `arrays` describe."""
        mean, coefficients, knots = arrays["mean"], arrays["coefficients"], arrays["knots"]
        if mean.ndim != 1 or coefficients.ndim != 2 or len(mean) != len(coefficients) or knots.ndim != 2:
            rule = "`covariate_effects` must have one mean and one row of coefficients for each number."
            raise ValueError(received(rule, shapes=[mean.shape, coefficients.shape, knots.shape]))
        return cls(CovariateBasis(check_calendar(settings["calendar"]) or (), knots), mean, coefficients)


def replace_outliers(covariates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Replace values of covariates that lie far outside of all others, such as -9999, by the median of their column.

    Parameters
    ----------
    covariates : ndarray of shape (n_rows, n_covariates)
        Of a fit.

    Returns
    -------
    cleaned : ndarray of shape (n_rows, n_covariates)
        The same array, if nothing is replaced.
    replaced : ndarray of int of shape (n_covariates,)
        How many values are.

    Examples
    --------
    >>> replace_outliers(np.append(np.arange(200.0), -9999)[:, None])[1]
    array([1])
    """
    low, median, high = np.quantile(covariates, (0.01, 0.5, 0.99), axis=0)
    far = FAR * (high - low)
    outside = ((covariates < low - far) | (covariates > high + far)) & (far > 0)
    cleaned = np.where(outside, median, covariates) if outside.any() else covariates
    return cleaned, outside.sum(axis=0)


def _find_knots(column: np.ndarray) -> np.ndarray:
    """Return the knots of one covariate; those of few values are NaN but for the ends of its range."""
    column = column[np.isfinite(column)]
    knots = np.full(N_KNOTS, np.nan)
    if len(column):
        knots[0], knots[-1] = column.min(), column.max()
        if len(np.unique(column)) > 2 * N_KNOTS:
            knots[1:-1] = np.quantile(column, np.arange(1, N_KNOTS - 1) / (N_KNOTS - 1))
    return knots


def _bend(column: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return a covariate, and what of it is beyond each knot, in units of its range: (n, 1 or n_knots - 1).

    Outside of the range of training, half of it beyond an end, effects grow no more. `FAR` ranges beyond it, a value is
    none of this covariate, and counts as its median.
    """
    low, high = knots[0], knots[-1]
    unit = high - low if high > low else 1.0
    bends = knots[1:-1][np.isfinite(knots[1:-1])]
    middle = bends[len(bends) // 2] if len(bends) else low
    column = np.where((column < low - FAR * unit) | (column > high + FAR * unit), middle, column)
    inside = np.clip(column, low - unit / 2, high + unit / 2)
    return np.column_stack([(inside - low) / unit, *(np.maximum(inside - knot, 0) / unit for knot in bends)])


def _products(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return every product of a column of one and a column of the other."""
    return np.asarray((first[:, :, None] * second[:, None, :]).reshape(len(first), -1))


def _bend_in_graph(column: Any, knots: np.ndarray, ops: Any) -> Any:
    """Do what `_bend` does to tensors of shape (batch, n_times)."""
    low, high = knots[0], knots[-1]
    unit = high - low if high > low else 1.0
    bends = knots[1:-1][np.isfinite(knots[1:-1])]
    low, high, unit, *bends = (ops.cast(one, column.dtype) for one in (low, high, unit, *bends))
    middle = bends[len(bends) // 2] if len(bends) else low
    column = ops.where((column < low - FAR * unit) | (column > high + FAR * unit), middle, column)
    inside = ops.minimum(ops.maximum(column, low - unit / 2), high + unit / 2)
    beyond = [ops.maximum(inside - knot, 0) / unit for knot in bends]
    return ops.cast(ops.stack([(inside - low) / unit, *beyond], axis=-1), "float32")


def _products_in_graph(first: Any, second: Any, ops: Any) -> Any:
    """Do what `_products` does to tensors of shape (batch, n_times, n)."""
    products = first[:, :, :, None] * second[:, :, None, :]
    return ops.reshape(products, (-1, products.shape[1], first.shape[2] * second.shape[2]))
