"""Naive forecasts: what every model has to beat."""

from __future__ import annotations

import numpy as np

from tscnn.common.checks import check_int, received

__all__ = ["repeat_last", "repeat_season"]


def repeat_last(inputs: np.ndarray, horizon: int) -> np.ndarray:
    """Forecast that every step equals the newest row.

    Parameters
    ----------
    inputs : ndarray of shape (n_windows, lookback, n_features)
        Windows, oldest row first.
    horizon : int
        Steps to predict.

    Returns
    -------
    ndarray of shape (n_windows, horizon, n_features)
        In the units of `inputs`.

    Examples
    --------
    >>> repeat_last(np.arange(6.0).reshape(1, 6, 1), horizon=2)[0, :, 0]
    array([5., 5.])
    """
    return repeat_season(inputs, horizon, 1)


def repeat_season(inputs: np.ndarray, horizon: int, season_length: int) -> np.ndarray:
    """Forecast that the newest `season_length` rows repeat.

    Parameters
    ----------
    inputs : ndarray of shape (n_windows, lookback, n_features)
        Windows, oldest row first.
    horizon : int
        Steps to predict.
    season_length : int
        Rows of a season, at most the lookback.

    Returns
    -------
    ndarray of shape (n_windows, horizon, n_features)
        In the units of `inputs`.

    Raises
    ------
    ValueError
        If a season is longer than the windows.

    Examples
    --------
    >>> repeat_season(np.arange(6.0).reshape(1, 6, 1), horizon=5, season_length=3)[0, :, 0]
    array([3., 4., 5., 3., 4.])
    """
    horizon, lookback = check_int("horizon", horizon), inputs.shape[1]
    if check_int("season_length", season_length) > lookback:
        raise ValueError(
            received(f"`season_length` must be at most the lookback, {lookback}.", season_length=season_length)
        )
    steps = lookback - season_length + np.arange(horizon) % season_length
    return inputs[:, steps]
