"""Series, origins and errors that several tests of linear maps share."""

import numpy as np

from tscnn.data.windows import find_origins, make_windows
from tscnn.linear.folds import summing
from tscnn.linear.mixture import mix_linear_maps


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
    return np.einsum("nlf,flh->nhf", inputs[at], kernels) - outcomes[at]


def relative_moments(rows, origins, lookback, horizon):
    """Moments as the mixture sums them, each feature by itself."""
    return summing(rows, origins, lookback, horizon, np.arange(rows.shape[1]))(origins)


def autoregression(n_rows, memory, n_features=2, seed=0):
    """Columns that return to 0 within about `memory` rows, standardised."""
    random = np.random.default_rng(seed)
    rows = np.zeros((n_rows, n_features))
    for i, noise in enumerate(random.normal(size=rows.shape)[1:], start=1):
        rows[i] = (1 - 1 / memory) * rows[i - 1] + noise
    return ((rows - rows.mean(axis=0)) / rows.std(axis=0)).astype(np.float32)


def follower(n_rows, lag=2, seed=0):
    """Noise, and a column that repeats it `lag` rows later: neither says anything about itself."""
    random = np.random.default_rng(seed)
    leader = random.normal(size=n_rows)
    behind = np.concatenate([random.normal(size=lag), leader[:-lag]])
    return np.stack([leader, behind + 0.1 * random.normal(size=n_rows)], axis=1).astype(np.float32)


def panel(n_rows=2000, n_columns=8, seed=0):
    """Columns that share a slow part and have noise of their own: each alone says little about it."""
    slow = autoregression(n_rows, memory=50, n_features=1, seed=seed)
    rows = slow + 1.5 * np.random.default_rng(seed).normal(size=(n_rows, n_columns))
    return ((rows - rows.mean(axis=0)) / rows.std(axis=0)).astype(np.float32)


def judged_maps(rows, lookback=16, horizon=32):
    """The maps of the folds of a mixture, the last tenth of the rows for validation."""
    first = len(rows) * 9 // 10
    training, validation = (
        find_origins([first], lookback, horizon),
        find_origins([len(rows)], lookback, horizon, [first]),
    )
    return mix_linear_maps(rows, training, validation, [lookback], horizon).judged
