"""Series, origins and errors that several tests of linear maps share."""

import numpy as np

from tscnn.windows import find_origins, make_windows


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
