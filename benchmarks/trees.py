"""Gradient-boosted trees that forecast one column directly: LightGBM with lags, the calendar and what is known ahead.

One model for all steps ahead, whose number is an input. Missing inputs are LightGBM's own business; outcomes that are
missing are not learnt from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["fit_trees"]

MOST_ROWS = 50_000  # to learn from: origins are thinned out
SETTINGS = {"n_estimators": 300, "learning_rate": 0.05, "num_leaves": 31, "subsample": 0.8, "subsample_freq": 1}
THREADS = 0  # as OpenMP says; LightGBM's own default stalls where other work runs


def _numbers(frame: pd.DataFrame) -> np.ndarray:
    """Return the columns side by side, categories of text numbered."""
    numeric = [
        frame[name] if pd.api.types.is_numeric_dtype(frame[name]) else frame[name].astype("category").cat.codes
        for name in frame
    ]
    return np.column_stack([np.empty((len(frame), 0)), *numeric])


def _calendar(index: pd.DatetimeIndex) -> np.ndarray:
    return np.column_stack([index.hour, index.day_of_week, index.day_of_year, index.year])


def fit_trees(
    frame: pd.DataFrame,
    target: str,
    known: Sequence[str],
    cutoff: int,
    horizon: int,
    season: int = 24,
    objective: str = "regression",
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit on the rows up to `cutoff`; return a function of cutoffs to forecasts (cutoffs, horizon).

    Inputs are the newest `season` values; those one to three seasons and seven seasons before the hour that is
    forecast, of those that are seen from all steps; the step, the calendar, and the columns `known` of that hour. The
    objective is the squared error, or that of LightGBM which is named.
    """
    from lightgbm import LGBMRegressor

    values, steps = frame[target].to_numpy(float), np.arange(1, horizon + 1)
    ahead = np.column_stack([_calendar(pd.DatetimeIndex(frame.index)), _numbers(frame[list(known)])])
    nearest = season * -(-horizon // season)
    seasonal = np.unique([nearest, nearest + season, nearest + 2 * season, max(7 * season, nearest)])

    def inputs(at: np.ndarray) -> np.ndarray:
        newest = np.repeat(values[at[:, None] - np.arange(season)], horizon, axis=0)
        rows = (at[:, None] + steps).ravel()
        return np.column_stack([newest, values[rows[:, None] - seasonal], np.tile(steps, len(at)), ahead[rows]])

    origins = np.arange(cutoff - horizon, seasonal[-1], -1)
    origins = origins[:: _thinning(len(origins) * horizon)]
    outcomes = values[origins[:, None] + steps].ravel()
    there = np.isfinite(outcomes)
    model = LGBMRegressor(objective=objective, **SETTINGS, n_jobs=THREADS, random_state=0, verbose=-1)
    model.fit(inputs(origins)[there], outcomes[there])

    def forecast(cutoffs: np.ndarray) -> np.ndarray:
        found: Any = model.predict(inputs(cutoffs))
        return np.asarray(found).reshape(len(cutoffs), horizon)

    return forecast


def _thinning(n_rows: int) -> int:
    """Return how far apart origins are: an odd number, so that all hours of the day are among them."""
    return -(-n_rows // MOST_ROWS) | 1
