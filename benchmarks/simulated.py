"""Simulated series whose truth is known: which part of the recipe should gain on them, and which can only lose.

Each function draws a frame of `n_rows` rows from a seed of its own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["SIMULATED"]


def _frame(values: np.ndarray, freq: str) -> pd.DataFrame:
    times = pd.date_range("2001-01-01", periods=len(values), freq=freq)
    return pd.DataFrame(values, index=times, columns=[f"y{i}" for i in range(values.shape[1])])


def _autoregression(random: np.random.Generator, n_rows: int, n_columns: int, memory: float) -> np.ndarray:
    """Draw first-order autoregressions of unit variance."""
    noise = np.sqrt(1 - memory**2) * random.standard_normal((n_rows, n_columns))
    noise[0] /= np.sqrt(1 - memory**2)
    for i in range(1, n_rows):
        noise[i] += memory * noise[i - 1]
    return noise


def _season(n_rows: int, n_columns: int, period: float) -> np.ndarray:
    """Draw a wave with a harmonic, its phase moved from column to column."""
    angle = 2 * np.pi * np.arange(n_rows)[:, None] / period + 0.4 * np.arange(n_columns)
    return np.sin(angle) + 0.4 * np.cos(2 * angle)


def random_walks(n_rows: int = 1500) -> pd.DataFrame:
    """Draw four independent random walks: nothing can beat repeating the newest row."""
    return _frame(np.random.default_rng(1).standard_normal((n_rows, 4)).cumsum(axis=0), "D")


def white_noise(n_rows: int = 1500) -> pd.DataFrame:
    """Draw three columns of white noise: nothing can beat the mean."""
    return _frame(np.random.default_rng(2).standard_normal((n_rows, 3)), "D")


def seasons(n_rows: int = 3000) -> pd.DataFrame:
    """Draw a day and a week of hours, with noise that wanders: seasons and long windows."""
    random = np.random.default_rng(3)
    noise = 0.7 * _autoregression(random, n_rows, 3, 0.95)
    return _frame(_season(n_rows, 3, 24) + 0.6 * _season(n_rows, 3, 168) + noise, "h")


def leader(n_rows: int = 3000) -> pd.DataFrame:
    """Draw one column that two others follow by three and six rows: the cross-series ridge."""
    random = np.random.default_rng(4)
    leads = _autoregression(random, n_rows + 6, 1, 0.9)[:, 0]
    own = 0.5 * _autoregression(random, n_rows, 3, 0.8)
    followers = np.stack([leads[6:], leads[3:-3], leads[:-6]], axis=1)
    return _frame(followers + own * [0.0, 1.0, 1.0], "h")


def common_factors(n_rows: int = 2500) -> pd.DataFrame:
    """Draw twelve columns that three factors move, with noise of their own: what columns share."""
    random = np.random.default_rng(5)
    factors = _autoregression(random, n_rows, 3, 0.98)
    factors[:, 0] += _season(n_rows, 1, 24)[:, 0]
    return _frame(factors @ random.standard_normal((3, 12)) + random.standard_normal((n_rows, 12)), "h")


def nonlinear_map(n_rows: int = 3000) -> pd.DataFrame:
    """Draw a chaotic map of two columns (Hénon's), observed with a little noise: only convolutions can follow it."""
    random = np.random.default_rng(6)
    rows = np.zeros((n_rows, 2))
    for i in range(1, n_rows):
        rows[i] = 1 - 1.4 * rows[i - 1, 0] ** 2 + rows[i - 1, 1], 0.3 * rows[i - 1, 0]
    return _frame(rows + 0.01 * random.standard_normal(rows.shape), "h")


def level_shifts(n_rows: int = 3000) -> pd.DataFrame:
    """Draw a daily season about a level that jumps every 400 hours or so: level and scale by window."""
    random = np.random.default_rng(7)
    jumps = np.where(random.random((n_rows, 2)) < 1 / 400, 3 * random.standard_normal((n_rows, 2)), 0)
    return _frame(_season(n_rows, 2, 24) + jumps.cumsum(axis=0) + 0.5 * _autoregression(random, n_rows, 2, 0.7), "h")


def changing_scale(n_rows: int = 3000) -> pd.DataFrame:
    """Draw a daily season and noise whose scale grows and falls twentyfold: errors relative to the window's scale."""
    random = np.random.default_rng(8)
    scale = np.exp(1.5 * np.sin(2 * np.pi * np.arange(n_rows)[:, None] / 900 + np.arange(2)))
    return _frame(scale * (_season(n_rows, 2, 24) + _autoregression(random, n_rows, 2, 0.8)), "h")


def yearly(n_rows: int = 1600) -> pd.DataFrame:
    """Draw days with a yearly wave and weather of two weeks: the yearly season."""
    random = np.random.default_rng(9)
    return _frame(2 * _season(n_rows, 2, 365.25) + _autoregression(random, n_rows, 2, 0.85), "D")


def alike(n_rows: int = 700) -> pd.DataFrame:
    """Draw sixteen columns of two laws, with few rows of each: maps shared by groups of columns."""
    random = np.random.default_rng(10)
    smooth, rough = _autoregression(random, n_rows, 8, 0.95), _autoregression(random, n_rows, 8, -0.6)
    return _frame(np.hstack([smooth, rough]), "h")


def short_season(n_rows: int = 144) -> pd.DataFrame:
    """Draw twelve years of months, with a level that wanders: few windows."""
    random = np.random.default_rng(11)
    level = 0.3 * random.standard_normal((n_rows, 2)).cumsum(axis=0)
    return _frame(_season(n_rows, 2, 12) + level + 0.3 * random.standard_normal((n_rows, 2)), "MS")


SIMULATED = {  # each with the steps ahead that are judged
    random_walks: (10,),
    white_noise: (10,),
    seasons: (24,),
    leader: (6,),
    common_factors: (12,),
    nonlinear_map: (1,),
    level_shifts: (24,),
    changing_scale: (24,),
    yearly: (28,),
    alike: (6,),
    short_season: (6,),
}
