"""Adaptive conformal inference: levels that move as outcomes arrive, so that intervals go on covering what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from tscnn.common.ring import Ring
from tscnn.data.series import SeriesSet
from tscnn.forecasting.calibration import Calibration
from tscnn.forecasting.intervals import Asked, require_calibration
from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.predict import raw_cutoffs

__all__ = ["AdaptiveLevels", "Following", "forecast_asked"]

DOUBLING = 0.05  # of a level beyond 0 or 1, where the source has infinity, that makes quantiles twice as large
RATE = 0.01  # by which a level moves with an outcome: about what the source takes, 0.005


class AdaptiveLevels:
    """Levels of quantiles, of each step and target of one series, that follow how often outcomes lie below.

    A level p moves by `RATE` * (p - 1) when the outcome lies below the quantile, and by `RATE` * p when it does
    not [1]_: in the long run a part p of the outcomes lies below. Beyond 0 and 1 quantiles double again and again.

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
        moves = RATE * (self.levels[:, None, None] - below)
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
class Following:
    """Levels that follow one series row by row, and what was forecast of the steps to come.

    Attributes
    ----------
    levels : AdaptiveLevels
        As they are.
    quantiles : Ring
        Of the newest `horizon` forecasts, (horizon, n_levels, n_targets) each; NaN before there were any.
    """

    levels: AdaptiveLevels
    quantiles: Ring

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
        nothing = np.full((horizon, horizon, len(levels), n_targets), np.nan, np.float32)
        return cls(AdaptiveLevels(levels, horizon, n_targets), Ring.of(nothing))

    def learn(self, outcome: np.ndarray) -> None:
        """Take the next row.

        Parameters
        ----------
        outcome : ndarray of shape (n_targets,)
            In the data's own units.
        """
        steps = np.arange(self.quantiles.length)
        self.levels.learn(steps, self.quantiles.last()[::-1][steps, steps], outcome)

    def push(self, quantiles: np.ndarray) -> None:
        """Remember a forecast.

        Parameters
        ----------
        quantiles : ndarray of shape (n_levels, horizon, n_targets)
            In the data's own units.
        """
        self.quantiles.push(quantiles.transpose(1, 0, 2))


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
        Whether levels follow the outcomes up to each cutoff.

    Yields
    ------
    chunk : slice
        Which of the cutoffs.
    forecasts : ndarray of shape (n_chunk, horizon, n_columns)
        In the data's own units.
    """
    start, stop = series.bounds[i : i + 2]
    values, horizon = series.values[start:stop, list(pipeline.targets)], pipeline.horizon
    calibration = require_calibration(pipeline)
    levels = AdaptiveLevels(asked.levels, horizon, values.shape[1])
    stride = int(cutoffs[1] - cutoffs[0]) if len(cutoffs) > 1 else 1
    kept: list[np.ndarray] = []  # quantiles of the newest cutoffs, (horizon, n_levels, n_targets) each
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
                    levels.learn(steps[due], seen, values[row])
            columns, quantiles = asked.forecast(raw[j : j + 1], levels.numbers(calibration))
            found.append(columns)
            kept = [*kept, quantiles[:, 0].transpose(1, 0, 2)][-most:]
        yield chunk, np.concatenate(found)
