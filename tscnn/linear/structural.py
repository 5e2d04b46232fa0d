"""What structural time-series models forecast, which is linear in the window."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

__all__ = ["Structure", "structural_map"]


class Structure(NamedTuple):
    """A level that wanders about a trend, seasonal effects that change, and noise.

    Attributes
    ----------
    level : float
        Variance of the level's steps, in units of the variance of the noise.
    season : int
        Rows of a season.
    change : float
        Variance of an effect's change from one season to the next, in units of its own variance.
    season_variance : float
        Variance of a seasonal effect, in units of the variance of the noise.
    trend : float, default 0.0
        Variance of the trend's growth in a season, in units of the variance of the noise: how far it is shrunk to none.
    damping : float, default 0.0
        What the growth forgets of itself in a row: correlations fall by exp(-damping). 0 for one growth of the window.
    """

    level: float
    season: int
    change: float
    season_variance: float
    trend: float = 0.0
    damping: float = 0.0


@lru_cache(maxsize=256)
def structural_map(structure: Structure, lookback: int, steps: tuple[int, ...]) -> np.ndarray:
    """Return the best linear unbiased forecast of a model from a window.

    Parameters
    ----------
    structure : Structure
        Of the model. A large `level` takes the newest rows for the level, a small one the mean of all; a large `change`
        repeats the newest season, none the mean of all.
    lookback : int
        Rows of the window.
    steps : tuple of int
        After it, from 0.

    Returns
    -------
    ndarray of shape (lookback, n_steps)
        The weights of each step sum to one.

    References
    ----------
    .. [1] Goldberger (1962), Best Linear Unbiased Prediction in the Generalized Linear Regression Model.
    .. [2] Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter.

    Examples
    --------
    >>> window = np.array([1.0, 5.0, 2.0, 6.0])
    >>> (window @ structural_map(Structure(0.3, 2, 0.3, season_variance=3), 4, steps=(0, 1))).round(2)
    array([2.03, 5.6 ])
    """
    times = np.concatenate([np.arange(lookback), lookback + np.array(steps)])
    earlier = np.minimum(times[:, None], times)
    same = (times[:, None] - times) % structure.season == 0
    effects = structure.season_variance * same * (1 + structure.change * (1 + earlier // structure.season))
    covariance = structure.level * earlier + effects + structure.trend * _summed_growth(structure, times)
    seen, outcomes = covariance[:lookback, :lookback] + np.eye(lookback), covariance[:lookback, lookback:]
    constant = np.ones((lookback, 1))
    system = np.block([[seen, constant], [constant.T, np.zeros((1, 1))]])
    return np.linalg.solve(system, np.vstack([outcomes, np.ones((1, len(steps)))]))[:lookback]


def _summed_growth(structure: Structure, times: np.ndarray) -> np.ndarray:
    """Return covariances of the sums of growth up to some times, in units of the variance of growth in a season."""
    if not structure.damping:
        return np.asarray(np.outer(times, times) / structure.season**2)
    every = np.arange(1, times[-1] + 1)
    growth = np.zeros((times[-1] + 1, times[-1] + 1))
    growth[1:, 1:] = np.exp(-structure.damping * np.abs(every[:, None] - every))
    return np.asarray(growth.cumsum(axis=0).cumsum(axis=1)[np.ix_(times, times)] / structure.season**2)
