"""Intervals that follow outcomes: in how large errors are of late, and in how often outcomes lie below a quantile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from tscnn.common.ring import Ring
from tscnn.data.series import SeriesSet
from tscnn.forecasting.calibration import Calibration
from tscnn.forecasting.intervals import Asked, RawForecasts, require_calibration
from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.predict import raw_cutoffs

__all__ = ["AdaptiveLevels", "ErrorSizes", "Following", "forecast_asked"]

DOUBLING = 0.05  # of a level beyond 0 or 1, where the source has infinity, that makes quantiles twice as large
RATE = 0.01  # by which a level moves with an outcome one step ahead: about what the source takes, 0.005
HALF_LIFE = 32.0  # independent errors after which one counts half in their size of late, ..
PRIOR_SIZE = 8.0  # .. and that what was learnt in `fit` counts: chosen on 34 cuts of 16 sets


class AdaptiveLevels:
    """Levels of quantiles, of each step and target of one series, that follow how often outcomes lie below.

    A level p moves by r * (p - 1) when the outcome lies below the quantile, and by r * p when it does not [1]_: in the
    long run a part p of the outcomes lies below. Errors many steps ahead resemble those of the rows beside, so that r
    is `RATE` over the root of the steps. Beyond 0 and 1 quantiles double again and again.

    Parameters
    ----------
    levels : ndarray of shape (n_levels,)
        Ascending.
    horizon, n_targets : int
        Of the forecasts.

    References
    ----------
    .. [1] Gibbs and Candes (2021), Adaptive conformal inference under distribution shift, equation 2.

    Examples
    --------
    >>> levels = AdaptiveLevels(np.array([0.9]), horizon=2, n_targets=1)
    >>> levels.learn(np.array([0]), np.array([[[5.0]]]), np.array([6.0]))
    >>> levels.current[0, :, 0].round(3)
    array([0.909, 0.9  ])
    """

    def __init__(self, levels: np.ndarray, horizon: int, n_targets: int) -> None:
        self.levels = levels
        self.current = np.tile(np.asarray(levels, np.float64)[:, None, None], (1, horizon, n_targets))

    def learn(self, steps: np.ndarray, quantiles: np.ndarray, outcome: np.ndarray) -> None:
        """Take an outcome.

        Parameters
        ----------
        steps : ndarray of int of shape (n,)
            That it was forecast ahead, from 0.
        quantiles : ndarray of shape (n, n_levels, n_targets)
            That were forecast, in the data's own units; NaN where none was.
        outcome : ndarray of shape (n_targets,)
            NaN where it is missing.
        """
        below = (outcome <= quantiles).transpose(1, 0, 2)
        moves = (RATE / np.sqrt(steps + 1))[:, None] * (self.levels[:, None, None] - below)
        known = ~np.isnan(outcome) & ~np.isnan(quantiles).transpose(1, 0, 2)
        self.current[:, steps] += np.where(known, moves, 0.0)

    def numbers(self, calibration: Calibration) -> np.ndarray:
        """Return quantiles of errors at the present levels.

        Parameters
        ----------
        calibration : Calibration
            Of the pipeline.

        Returns
        -------
        ndarray of shape (n_levels, horizon, n_targets)
            In units of their scale.
        """
        found = calibration.numbers(np.sort(np.clip(self.current, 0, 1), axis=0))
        beyond = self.current - np.clip(self.current, 0, 1)
        further = (2 ** np.minimum(np.abs(beyond) / DOUBLING, 30) - 1) * np.maximum(np.abs(found), 1)
        return np.sort(found + np.sign(beyond) * further, axis=0)


@dataclass
class ErrorSizes:
    """How large the errors of one series are of late, in units of the scale that the calibration gave them.

    Errors count half after `HALF_LIFE` independent ones; those of neighbouring rows are not, so that it takes more rows
    the longer the horizon is.

    Attributes
    ----------
    sums : ndarray of shape (2, n_targets)
        Of sizes, and how many they are, both less and less the older.
    horizon : int
        Of the forecasts.

    Examples
    --------
    >>> sizes = ErrorSizes.of(horizon=1, n_targets=1)
    >>> sizes.factor
    array([1.])
    >>> for _ in range(200):
    ...     sizes.learn(np.array([[[-1.0], [0.0], [1.0]]]), np.array([2.0]))
    >>> sizes.factor.round(2)
    array([1.85])
    """

    sums: np.ndarray
    horizon: int

    @classmethod
    def of(cls, horizon: int, n_targets: int) -> Self:
        """Begin without errors.

        Parameters
        ----------
        horizon, n_targets : int
            Of the forecasts.

        Returns
        -------
        ErrorSizes
            Whose factor is 1.
        """
        return cls(np.zeros((2, n_targets)), horizon)

    @property
    def _share(self) -> float:
        """Independent errors in a row: of as many origins as it is steps ahead, one."""
        return float((1 / np.arange(1, self.horizon + 1)).mean())

    @property
    def factor(self) -> np.ndarray:
        """By what the scale of errors is to be multiplied.

        Returns
        -------
        ndarray of shape (n_targets,)
            1 where no errors are known.
        """
        prior = PRIOR_SIZE / self._share
        return np.asarray((self.sums[0] + prior) / (self.sums[1] + prior))

    def learn(self, reach: np.ndarray, outcome: np.ndarray) -> None:
        """Take an outcome.

        Parameters
        ----------
        reach : ndarray of shape (n, 3, n_targets)
            What was forecast of it, less the scale, as it is, and more the scale; NaN where nothing was.
        outcome : ndarray of shape (n_targets,)
            NaN where it is missing.
        """
        low, middle, high = np.moveaxis(np.asarray(reach, np.float64), 1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes = np.abs(outcome - middle) / np.where(outcome > middle, high - middle, middle - low)
        known = np.isfinite(sizes)
        n = np.maximum(known.sum(axis=0), 1)
        self.sums *= 0.5 ** (self._share / HALF_LIFE)
        self.sums += np.stack([np.where(known, sizes, 0.0).sum(axis=0) / n, known.any(axis=0)])


@dataclass
class Following:
    """What follows one series row by row, and what was forecast of the steps to come.

    Attributes
    ----------
    sizes : ErrorSizes
        By which quantiles are wider or narrower.
    levels : AdaptiveLevels
        As they are.
    forecasts : Ring
        Of the newest `horizon` forecasts, (horizon, n_levels + 3, n_targets) each, of `forecast`; NaN before there were
        any.
    """

    sizes: ErrorSizes
    levels: AdaptiveLevels
    forecasts: Ring

    @classmethod
    def of(cls, levels: np.ndarray, horizon: int, n_targets: int) -> Self:
        """Begin with levels as they are asked for.

        Parameters
        ----------
        levels : ndarray of shape (n_levels,)
            Ascending.
        horizon, n_targets : int
            Of the forecasts.

        Returns
        -------
        Following
            Without forecasts.
        """
        nothing = np.full((horizon, horizon, len(levels) + 3, n_targets), np.nan, np.float32)
        return cls(ErrorSizes.of(horizon, n_targets), AdaptiveLevels(levels, horizon, n_targets), Ring.of(nothing))

    def learn(self, steps: np.ndarray, forecasts: np.ndarray, outcome: np.ndarray) -> None:
        """Take an outcome.

        Parameters
        ----------
        steps : ndarray of int of shape (n,)
            That it was forecast ahead, from 0.
        forecasts : ndarray of shape (n, n_levels + 3, n_targets)
            Of `forecast`, of these steps.
        outcome : ndarray of shape (n_targets,)
            In the data's own units; NaN where it is missing.
        """
        self.levels.learn(steps, forecasts[:, :-3], outcome)
        self.sizes.learn(forecasts[:, -3:], outcome)

    def learn_next(self, outcome: np.ndarray) -> None:
        """Take the row after that of the newest forecast.

        Parameters
        ----------
        outcome : ndarray of shape (n_targets,)
            As of `learn`.
        """
        steps = np.arange(self.forecasts.length)
        self.learn(steps, self.forecasts.last()[::-1][steps, steps], outcome)

    def forecast(self, asked: Asked, raw: RawForecasts) -> tuple[np.ndarray, np.ndarray]:
        """Put a forecast into the data's own units.

        Parameters
        ----------
        asked : Asked
            What is wanted.
        raw : RawForecasts
            One of them.

        Returns
        -------
        columns : ndarray of shape (1, horizon, n_columns)
            Of `Asked.forecast`.
        forecasts : ndarray of shape (horizon, n_levels + 3, n_targets)
            Quantiles, and of `RawForecasts.reach`, to learn from.
        """
        numbers = self.levels.numbers(require_calibration(raw.pipeline)) * self.sizes.factor
        columns, quantiles = asked.forecast(raw, numbers)
        return columns, np.concatenate([quantiles, raw.reach()])[:, 0].transpose(1, 0, 2)


def forecast_asked(
    pipeline: Pipeline, series: SeriesSet, i: int, cutoffs: np.ndarray, asked: Asked, adaptive: bool
) -> Iterator[tuple[slice, np.ndarray]]:
    """Forecast points, quantiles and intervals from evenly spaced rows of one series.

    Parameters
    ----------
    pipeline, series, i, cutoffs : Pipeline, SeriesSet, int, ndarray of int
        Of `tscnn.forecasting.predict.forecast_cutoffs`.
    asked : Asked
        What is wanted.
    adaptive : bool
        Whether quantiles and intervals follow the outcomes up to each cutoff.

    Yields
    ------
    chunk : slice
        Which of the cutoffs.
    forecasts : ndarray of shape (n_chunk, horizon, n_columns)
        In the data's own units.
    """
    start, stop = series.bounds[i : i + 2]
    values, horizon = series.values[start:stop, list(pipeline.targets)], pipeline.horizon
    following = Following.of(asked.levels, horizon, values.shape[1])
    stride = int(cutoffs[1] - cutoffs[0]) if len(cutoffs) > 1 else 1
    kept: list[np.ndarray] = []  # forecasts from the newest cutoffs, of `Following.forecast`
    most = -(-horizon // stride) + 1
    for chunk, raw in raw_cutoffs(pipeline, series, i, cutoffs):
        if not adaptive:
            yield chunk, asked.forecast(raw)[0]
            continue
        found = []
        for j, cutoff in enumerate(cutoffs[chunk].tolist()):
            for row in range(cutoff - stride + 1, cutoff + 1) if kept else ():
                ago = np.arange(len(kept))  # cutoffs before this one, the newest first
                steps = row - 1 - (cutoff - stride * (ago + 1))
                due = (steps >= 0) & (steps < horizon)
                if due.any():
                    seen = np.stack([kept[-1 - a][s] for a, s in zip(ago[due], steps[due], strict=True)])
                    following.learn(steps[due], seen, values[row])
            columns, own = following.forecast(asked, raw[j : j + 1])
            found.append(columns)
            kept = [*kept, own][-most:]
        yield chunk, np.concatenate(found)
