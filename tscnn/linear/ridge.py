"""Ridge regressions from windows to the steps after them, in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg.lapack import dposv

from tscnn.linear.gram import WindowMoments, affordable_share, window_moments

__all__ = [
    "apply_kernel",
    "as_kernel",
    "fit_linear_map",
    "fit_shared_map",
    "solve_ridge",
]

ALPHAS = (1e-5, 1e-3, 1e-2, 1e-1)


def fit_linear_map(
    training: WindowMoments, validation: WindowMoments | None = None, alphas: Sequence[float] = ALPHAS
) -> np.ndarray:
    """Fit the ridge regression from windows to the steps after them, in closed form.

    Parameters
    ----------
    training : WindowMoments
        Of the training origins; a single feature's, or several features' `mean`, gives one map for all.
    validation : WindowMoments, optional
        Of the validation origins: `alphas` compete on them, for each map. Without, the middle one is taken.
    alphas : sequence of float
        Ridge strengths, relative to the mean square of an input.

    Returns
    -------
    ndarray of shape (n_features, lookback, horizon)
        The map of each feature in `training`, from a window relative to its mean to the steps relative to it.

    References
    ----------
    .. [1] Hoerl and Kennard (1970), Ridge Regression, equation 2.1.

    Examples
    --------
    >>> moments = window_moments(np.array([[0.0, 1.0] * 10]).T, [range(1, 19)], lookback=2, horizon=1)
    >>> fit_linear_map(moments).round(2)[0].T
    array([[ 0.5, -0.5]])
    """
    n_features = len(training.inputs)
    if validation is not None and n_features == 1:
        validation = validation.mean()
    best = []
    for f in range(n_features):
        one = training.feature(f)
        if validation is None:
            best.append(solve_ridge(one, alphas[(len(alphas) - 1) // 2]))
        else:
            maps = [solve_ridge(one, alpha) for alpha in alphas]
            errors = [validation.feature(f).squared_error(weights)[0] for weights in maps]
            best.append(maps[int(np.argmin(errors))])
    return np.concatenate(best)


def fit_shared_map(
    rows: np.ndarray, training: Sequence[range], validation: Sequence[range], lookback: int, horizon: int
) -> np.ndarray:
    """Fit the usual closed-form linear map: one ridge regression for all features, its strength chosen on validation.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training, validation : sequence of range
        Origins, of `find_origins`; without validation origins the strength is a middling one.
    lookback, horizon : int
        Steps seen and steps predicted.

    Returns
    -------
    ndarray of shape (1, lookback, horizon)
        Acts on raw rows: the weights of each step sum to one.
    """
    share = affordable_share(sum(map(len, training)), rows.shape[1], lookback, horizon)
    joined = np.zeros(rows.shape[1], int)
    fitted = window_moments(rows, training, lookback, horizon, groups=joined, share=share)
    judged = None
    if any(validation):
        judged = window_moments(rows, validation, lookback, horizon, groups=joined, share=share)
    return as_kernel(fit_linear_map(fitted, judged), lookback)


def as_kernel(weights: np.ndarray, lookback: int, constant: np.ndarray | float = 1.0) -> np.ndarray:
    """Turn a map of windows relative to their mean into one of raw and longer windows.

    Parameters
    ----------
    weights : ndarray of shape (n_features, length, horizon)
        Of `fit_linear_map`.
    lookback : int
        Rows of the raw windows, at least `length`.
    constant : ndarray of shape (horizon,), or float, default 1.0
        What it forecasts of windows of ones.

    Returns
    -------
    ndarray of shape (n_features, lookback, horizon)
        The weights of each step sum to `constant`; rows older than `length` have none.
    """
    length = weights.shape[1]
    kernel = weights - weights.mean(axis=1, keepdims=True) + constant / length
    return np.pad(kernel, ((0, 0), (lookback - length, 0), (0, 0)))


def apply_kernel(
    rows: np.ndarray, kernel: np.ndarray, groups: Sequence[int] | np.ndarray, at: np.ndarray
) -> np.ndarray:
    """Forecast each column by its linear map.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Of one series.
    kernel : ndarray of shape (n_maps, lookback, n_steps)
        Maps of raw windows.
    groups : sequence of int, of length n_features
        Which map each column has.
    at : ndarray of int
        Rows that windows end with.

    Returns
    -------
    ndarray of shape (len(at), n_features, n_steps)
        In the precision of `rows`; no more than the windows of one column are in memory at a time.

    Examples
    --------
    >>> apply_kernel(np.arange(6.0)[:, None], np.array([[[0.0], [1.0]], [[-1.0], [2.0]]]), [1], np.array([1, 4]))
    array([[[2.]],
    <BLANKLINE>
           [[5.]]])
    """
    lookback, kernel = kernel.shape[1], kernel.astype(rows.dtype)
    forecasts = np.empty((len(at), rows.shape[1], kernel.shape[2]), rows.dtype)
    for f in range(rows.shape[1]):
        windows = sliding_window_view(np.ascontiguousarray(rows[:, f]), lookback)
        forecasts[:, f] = windows[at - lookback + 1] @ kernel[groups[f]]
    return forecasts


def solve_ridge(moments: WindowMoments, alpha: float, centre: np.ndarray | float = 0.0) -> np.ndarray:
    """Solve one feature's ridge regression.

    Parameters
    ----------
    moments : WindowMoments
        Of one feature.
    alpha : float
        Strength, relative to the mean square of an input; infinite for the centre.
    centre : ndarray of shape (lookback, horizon), or float, default 0.0
        The weights that it draws to; zeros repeat the window's mean.

    Returns
    -------
    ndarray of shape (1, lookback, horizon)
        The map; the centre where rounding leaves none.
    """
    if np.isinf(alpha):
        return np.zeros_like(moments.cross) + centre
    normal, lookback = moments.inputs[0].copy(), moments.inputs.shape[1]
    # The second part counts where all inputs are constant.
    ridge = alpha * np.trace(normal) / lookback + 1e-12 * moments.n_windows
    normal.flat[:: lookback + 1] += ridge
    # Of thousands of small systems SciPy's own functions spend half of the time on checks.
    _, weights, failed = dposv(normal.T, moments.cross[0] + ridge * centre, overwrite_a=True)
    if failed:  # rounding, on windows that are nearly alike
        return np.zeros_like(moments.cross) + centre
    return np.asarray(weights[None])
