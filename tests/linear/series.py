"""Series, origins and errors that the tests of the linear model share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.windows import find_origins, make_windows
from tscnn.linear import LinearFit, LinearModel, fit_linear_model
from tscnn.linear.folds import relative_gram_matrices
from tscnn.linear.mixture_fit import MixtureFit, Origins, fit_mixture
from tscnn.linear.settings import MixtureSettings


def random_walks(lengths: list[int], n_features: int, seed: int) -> np.ndarray:
    """Series of several columns, one behind the other."""
    random = np.random.default_rng(seed)
    return np.concatenate([random.normal(size=(n, n_features)).cumsum(axis=0) for n in lengths])


def example(n_rows: int = 400, n_features: int = 2, lookback: int = 12, horizon: int = 3):
    """Rows, and the origins before and after row 300."""
    rows = random_walks([n_rows], n_features, seed=5) / 10
    training = find_origins([300], lookback, horizon)
    validation = find_origins([n_rows], lookback, horizon, [300])
    return rows, training, validation


def errors_of(kernel, rows, origins, lookback=12, horizon=3):
    """Errors of a map of raw windows, (windows, horizon, features)."""
    inputs, outcomes = make_windows(rows, lookback, horizon)
    at = np.array(origins[0]) - lookback + 1
    kernels = np.broadcast_to(kernel, (rows.shape[1], lookback, horizon))
    return np.einsum("nlf,flh->nhf", inputs[at], kernels, optimize=True) - outcomes[at]


def relative_gram(rows, origins, lookback, horizon):
    """Gram matrices as the mixture sums them, each feature by itself."""
    groups = np.arange(rows.shape[1])
    return relative_gram_matrices(rows, origins, lookback, horizon, groups, MixtureSettings())(origins)


def standardized(rows):
    """Columns of mean 0 and scale 1."""
    return ((rows - rows.mean(axis=0)) / rows.std(axis=0)).astype(np.float32)


def autoregression(n_rows, memory, n_features=2, seed=0):
    """Columns that return to 0 within about `memory` rows, standardised."""
    random = np.random.default_rng(seed)
    rows = np.zeros((n_rows, n_features))
    for i, noise in enumerate(random.normal(size=rows.shape)[1:], start=1):
        rows[i] = (1 - 1 / memory) * rows[i - 1] + noise
    return standardized(rows)


def follower(n_rows, lag=2, seed=0):
    """Noise, and a column that repeats it `lag` rows later: neither says anything about itself."""
    random = np.random.default_rng(seed)
    leader = random.normal(size=n_rows)
    behind = np.concatenate([random.normal(size=lag), leader[:-lag]])
    return np.stack([leader, behind + 0.1 * random.normal(size=n_rows)], axis=1).astype(np.float32)


def panel(n_rows=2000, n_columns=8, seed=0):
    """Columns that share a slow part and have noise of their own: each alone says little about it."""
    slow = autoregression(n_rows, memory=50, n_features=1, seed=seed)
    return standardized(slow + 1.5 * np.random.default_rng(seed).normal(size=(n_rows, n_columns)))


def two_kinds(n_rows=1500, n_features=6, seed=0):
    """Every other column is called back to 0, the others repeat every 24 rows."""
    random = np.random.default_rng(seed)
    rows = np.sin(np.arange(n_rows)[:, None] * 2 * np.pi / 24 + np.arange(n_features))
    rows += 0.3 * random.normal(size=rows.shape)
    rows[:, ::2] = autoregression(n_rows, 5, rows[:, ::2].shape[1], seed)
    return (rows / rows.std(axis=0)).astype(np.float32)


def origins_of(n_rows, first, lookback, horizon, season_length=None) -> Origins:
    """Origins of one series; without validation where `first` is None."""
    if first is None:
        return Origins(find_origins([n_rows], lookback, horizon), [], horizon, season_length)
    validation = find_origins([n_rows], lookback, horizon, [first])
    return Origins(find_origins([first], lookback, horizon), validation, horizon, season_length)


def mix(rows, first, lookbacks, horizon, season_length=None, settings=None) -> MixtureFit:
    """A mixture of one series."""
    origins = origins_of(len(rows), first, max(lookbacks), horizon, season_length)
    return fit_mixture(rows, origins, lookbacks, settings or LinearModel())


def fit_model(
    rows, lookbacks, horizon, *, targets=None, first=None, season_length=None, settings=None, **others
) -> LinearFit:
    """A linear model of one series, the last tenth of the rows for validation."""
    series = SeriesSet(rows, (pd.RangeIndex(len(rows)),))
    split = Split.at(series, [len(rows) * 9 // 10 if first is None else first])
    targets = range(rows.shape[1]) if targets is None else targets
    settings = settings or LinearModel()
    return fit_linear_model(rows, targets, split, lookbacks, horizon, season_length, settings, **others)
