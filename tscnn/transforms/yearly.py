"""The yearly season: a sine wave with the period of a year, in the level of columns whose rows show one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.common.threads import on_one_thread
from tscnn.data.calendar import as_times, clock_of
from tscnn.data.graph_times import GraphTimes
from tscnn.data.times import Times, at_steps
from tscnn.transforms.missing import fill_missing

__all__ = ["YearlySeason", "YearlySettings", "fit_yearly_season", "list_noises", "restricted_log_ratio"]


@dataclass(frozen=True)
class YearlySettings:
    """What a column's rows must show for a yearly season, and which noise its level may have.

    Attributes
    ----------
    threshold : float, default 3.0
        Least difference between the maximised restricted log likelihoods of a wave and of a trend or neither. It comes
        from simulated false-positive rates: at 3, 1 to 3 % of random walks of 200 to 1,500 days seem to have a yearly
        season (`tests/transforms/test_yearly.py`).
    fewest_levels, most_levels : int, default 10, 200
        Means of whole seasons that the level is known by, at least and at most: fewer say nothing, more take time.
        Conventions.
    memories : tuple of float
        Of the noise of the level, in days: after so many its correlation is 1 / e. From days to longer than the rows,
        each about twice the one before.
    white_noise : tuple of float
        Variances of what each mean has besides, in variances of a step of the level; from none to much.
    strengths : tuple of float
        Prior variances of the wave's coefficients, in the same unit, besides 0; from a hundredth to more than can be
        told from infinity, by factors of 3.
    """

    threshold: float = 3.0
    fewest_levels: int = 10
    most_levels: int = 200
    memories: tuple[float, ...] = (1.5, 4.5, 9.5, 20, 50, 100, 200, 500, 2000)
    white_noise: tuple[float, ...] = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
    strengths: tuple[float, ...] = tuple((10 ** np.arange(-2, 5, 0.5)).tolist())


@dataclass(frozen=True, eq=False)
class YearlySeason:
    """A sine wave with the period of a year, in the level of a column: subtracted from rows, added to forecasts.

    Attributes
    ----------
    coefficients : ndarray of shape (3, n_features)
        Of a constant, a cosine and a sine of the time of the year, in the units of the rows; 0 for columns without.
    """

    name: ClassVar[str] = "yearly_season"
    needs_times: ClassVar[bool] = True

    coefficients: np.ndarray

    def at(self, index: pd.Index) -> np.ndarray:
        """Return the season at some times.

        Parameters
        ----------
        index : DatetimeIndex or PeriodIndex
            Of n_rows times.

        Returns
        -------
        ndarray of shape (n_rows, n_features), float32
            What the rows of that time are above or below the mean of those that it was fitted on.
        """
        return _evaluate(self.coefficients, index)

    def apply(self, values: np.ndarray, times: Times) -> np.ndarray:
        """Subtract the season from rows: see `Transform.apply`."""
        return np.asarray(values - times.look_up(self, self.at))

    def invert(self, forecasts: np.ndarray, times: Times, at: np.ndarray, targets: Sequence[int]) -> np.ndarray:
        """Add the season to forecasts; it is computed for their times alone: see `Transform.invert`."""
        which = tuple(targets)

        def describe(own: Times) -> np.ndarray:
            return own.look_up((self, which), lambda index: _evaluate(self.coefficients[:, which], index))

        return np.asarray(forecasts + at_steps(times, at, forecasts.shape[1], describe))

    def apply_in_graph(self, values: Any, times: GraphTimes) -> Any:
        """Subtract the season from windows: see `Transform.apply_in_graph`."""
        return values - self._in_graph(times, slice(None), values.dtype)

    def invert_in_graph(self, forecasts: Any, times: GraphTimes, targets: Sequence[int]) -> Any:
        """Add the season to forecasts: see `Transform.invert_in_graph`."""
        return forecasts + self._in_graph(times, list(targets), forecasts.dtype)

    def _in_graph(self, times: GraphTimes, columns: Any, dtype: Any) -> Any:
        ops, (at, length) = times.ops, times.of_year(unit=60)
        angles = (ops.cast(at, "float32") / ops.cast(length, "float32") * np.float32(2 * np.pi))[:, :, None]
        constant, cosine, sine = self.coefficients[:, columns].astype(np.float32)
        return ops.cast(ops.cos(angles) * cosine + ops.sin(angles) * sine + constant, dtype)

    def settings(self) -> dict[str, Any]:
        """Return nothing: arrays say it all."""
        return {}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the coefficients."""
        return {"coefficients": self.coefficients}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:  # noqa: ARG003
        """Make the transform that `arrays` describe."""
        coefficients = arrays["coefficients"]
        if coefficients.ndim != 2 or len(coefficients) != 3 or not np.isfinite(coefficients).all():
            rule = "`yearly_season` must have three finite coefficients a column."
            raise ValueError(received(rule, shape=coefficients.shape))
        return cls(coefficients)


@on_one_thread
def fit_yearly_season(
    rows: np.ndarray,
    index: pd.Index,
    season_length: int | None,
    before: YearlySeason | None = None,
    settings: YearlySettings | None = None,
) -> YearlySeason | None:
    """Fit a yearly season to each column, and keep those that its rows show clearly.

    The level, by the means of whole seasons, is explained by a wave, or a trend, or neither; by noise that is
    correlated over days or years; and by white noise. Kept is a wave whose restricted log likelihood, maximised over
    noise and strength, exceeds that of a trend or of neither by a threshold. Less than a year shows a wave if the level
    turns as one would and hardly wanders otherwise; nothing else shows its level at the other end of the year.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised rows; gaps are filled by straight lines.
    index : Index
        Of the rows.
    season_length : int or None
        Rows of a season, such as a day; of a year, or None, there is no yearly season.
    before : YearlySeason, optional
        Of the older of the rows: a column that had a season keeps one, whatever newer rows show.
    settings : YearlySettings, optional
        Of the test.

    Returns
    -------
    YearlySeason or None
        None where no column shows one. Its mean over the rows is zero.

    References
    ----------
    .. [1] Harville (1974), Bayesian Inference for Variance Components Using Only Error Contrasts. Biometrika 61.

    Examples
    --------
    >>> times = pd.date_range("2026-01-01", periods=300)
    >>> warmth = -np.cos(2 * np.pi * (times.day_of_year.to_numpy() - 20) / 365)
    >>> noise = np.random.default_rng(0).normal(scale=0.5, size=(300, 2))
    >>> season = fit_yearly_season(noise + np.outer(warmth, [1, 0]), times, season_length=7)
    >>> season.at(pd.DatetimeIndex(["2027-01-20", "2027-07-20"])).round(1)
    array([[-1.1,  0. ],
           [ 0.9,  0. ]], dtype=float32)
    """
    settings = YearlySettings() if settings is None else settings
    if season_length is None or len(rows) < settings.fewest_levels * season_length:
        return None
    rows = fill_missing(rows, None)
    angles = np.unwrap(_angles(index))
    turn = (angles[-1] - angles[0]) / (len(rows) - 1)  # from row to row
    if season_length * turn > np.pi:
        return None
    n_rows = season_length * -(-len(rows) // (settings.most_levels * season_length))  # of a level
    explaining = np.stack([np.cos(angles), np.sin(angles), angles], axis=1)
    levels, means = _means(rows, n_rows), _means(explaining, n_rows)
    wave, trend = means[:, :2], means[:, 2:]
    trend = (trend - trend.mean()) / trend.std() / np.sqrt(2)  # of the size of a wave
    n_days = n_rows * turn / (2 * np.pi) * 365.25
    noises = list_noises(len(levels), n_days, settings.memories)
    ratio, coefficients = restricted_log_ratio(levels, wave, noises, settings)
    shown = ratio - restricted_log_ratio(levels, trend, noises, settings)[0] > settings.threshold
    if before is not None:
        shown |= before.coefficients.any(axis=0)
    if not shown.any():
        return None
    coefficients = np.where(shown, coefficients, 0.0)
    return YearlySeason(np.vstack([-explaining[:, :2].mean(axis=0) @ coefficients, coefficients]))


def restricted_log_ratio(
    levels: np.ndarray,
    explaining: np.ndarray,
    noises: Sequence[tuple[np.ndarray, np.ndarray]],
    settings: YearlySettings,
) -> tuple[np.ndarray, np.ndarray]:
    """Compare levels with and without something that may explain them, by restricted maximum likelihood.

    Parameters
    ----------
    levels : ndarray of shape (n_levels, n_features)
        Each feature by itself: a constant, what explains it, and noise.
    explaining : ndarray of shape (n_levels, n_explaining)
        A wave's cosine and sine, or a trend.
    noises : sequence of (ndarray of shape (n_levels,), ndarray of shape (n_levels, n_levels))
        Of `list_noises`, to maximise over.
    settings : YearlySettings
        For the white noise and the strengths to maximise over.

    Returns
    -------
    ratio : ndarray of shape (n_features,)
        Restricted log likelihood, maximised over noise and strength, less that of strength 0, maximised over noise.
    coefficients : ndarray of shape (n_explaining, n_features)
        Their mean, given levels, noise and strength.
    """
    strengths = np.array([0.0, *settings.strengths])[:, None]
    features, n_free = np.arange(levels.shape[1]), len(levels) - 1
    best, without = (np.full(len(features), -np.inf) for _ in range(2))
    coefficients = np.zeros((explaining.shape[1], len(features)))
    everything = np.column_stack([np.ones(len(levels)), explaining, levels])
    turned = [(variances, axes.T @ everything) for variances, axes in noises]
    for (variances, along_axes), white in itertools.product(turned, settings.white_noise):
        known = along_axes / np.sqrt(variances + white)[:, None]
        precision = np.square(known[:, 0]).sum()  # of the constant
        constant = known[:, 0] / np.sqrt(precision)
        known = known[:, 1:] - np.outer(constant, constant @ known[:, 1:])
        regressors, levels_left = np.hsplit(known, [explaining.shape[1]])
        left, sizes, right = np.linalg.svd(regressors, full_matrices=False)
        along = left.T @ levels_left
        beside = np.square(levels_left).sum(axis=0) - np.square(along).sum(axis=0)
        shrunk = 1 + strengths * sizes**2  # (n_strengths, n_explaining)
        squares = np.maximum(beside, 0) + (1 / shrunk) @ np.square(along)
        likelihood = -0.5 * (
            n_free * np.log(np.maximum(squares, 1e-30))
            + np.log(shrunk).sum(axis=1, keepdims=True)
            + np.log(variances + white).sum()
            + np.log(precision)
        )
        without = np.maximum(without, likelihood[0])
        at = likelihood.argmax(axis=0)
        found = likelihood[at, features]
        means = right.T @ ((strengths * sizes / shrunk)[at].T * along)
        coefficients = np.where(found > best, means, coefficients)
        best = np.maximum(best, found)
    return best - without, coefficients


def list_noises(n_levels: int, n_days: float, memories: Sequence[float]) -> list[tuple[np.ndarray, np.ndarray]]:
    """List the covariances of noise whose correlation fades within days or years.

    Parameters
    ----------
    n_levels : int
        Of which the noise is.
    n_days : float
        From one level to the next.
    memories : sequence of float
        Days after which a correlation of 1 / e is left.

    Returns
    -------
    list of (ndarray of shape (n_levels,), ndarray of shape (n_levels, n_levels))
        Variances along axes, and these, for each memory; in variances of a step from level to level.
    """
    apart = np.abs(np.subtract.outer(np.arange(n_levels), np.arange(n_levels)))
    noises = []
    for memory in memories:
        left = np.exp(-n_days / memory)
        variances, axes = np.linalg.eigh(left**apart / (1 - left**2))
        noises.append((np.maximum(variances, 1e-9), axes))
    return noises


def _evaluate(coefficients: np.ndarray, index: pd.Index) -> np.ndarray:
    """Return the seasons of (3, n) coefficients at some times: equal to the bit for any selection of either."""
    angles, (constant, cosine, sine) = _angles(index)[:, None], coefficients
    return np.asarray(constant + np.cos(angles) * cosine + np.sin(angles) * sine, dtype=np.float32)


def _angles(index: pd.Index) -> np.ndarray:
    """Return the time of the year as an angle."""
    if isinstance(index, pd.PeriodIndex):  # whose fields are not those of its starts
        hour, minute = np.asarray(index.hour), np.asarray(index.minute)
    else:
        index = as_times(index)
        hour, minute, _ = clock_of(index)
    days = np.asarray(index.day_of_year) - 1 + (hour + minute / 60) / 24
    return np.asarray(2 * np.pi * days / (365 + np.asarray(index.is_leap_year)))


def _means(rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the means of as many neighbouring rows each, without the oldest rows that are left over."""
    n_means = len(rows) // n_rows
    return np.asarray(rows[len(rows) - n_means * n_rows :].reshape(n_means, n_rows, -1).mean(axis=1, dtype=np.float64))
