"""Ridge regressions from windows to the steps after them, in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg.lapack import dposv

from tscnn.linear.gram import GramMatrices, affordable_part, sum_gram_matrices

__all__ = ["as_kernel", "fit_ridge_map", "solve_ridge"]


def solve_ridge(matrices: GramMatrices, alpha: float, centre: np.ndarray | float = 0.0) -> np.ndarray:
    """Solve the ridge regression of one feature.

    Parameters
    ----------
    matrices : GramMatrices
        Of one feature.
    alpha : float
        Strength, relative to the mean square of an input; infinite for the centre.
    centre : ndarray of shape (lookback, horizon), or float, default 0.0
        The weights that it shrinks to; zeros repeat the window's mean.

    Returns
    -------
    ndarray of shape (1, lookback, horizon)
        From a window relative to its mean to the steps after it relative to that mean; the centre where rounding leaves
        no solution.

    References
    ----------
    .. [1] Hoerl and Kennard (1970), Ridge Regression, equation 2.1.

    Examples
    --------
    >>> matrices = sum_gram_matrices(np.array([[0.0, 1.0] * 10]).T, [range(1, 19)], lookback=2, horizon=1)
    >>> solve_ridge(matrices, alpha=1e-3).round(2)[0].T
    array([[ 0.5, -0.5]])
    """
    if np.isinf(alpha):
        return np.zeros_like(matrices.cross) + centre
    normal, lookback = matrices.inputs[0].copy(), matrices.inputs.shape[1]
    # The second part counts where all inputs are constant.
    ridge = alpha * np.trace(normal) / lookback + 1e-12 * matrices.n_windows
    normal.flat[:: lookback + 1] += ridge
    # Of thousands of small systems SciPy's own functions spend half of the time on checks.
    _, weights, failed = dposv(normal.T, matrices.cross[0] + ridge * centre, overwrite_a=True)
    if failed:  # rounding, on windows that are nearly alike
        return np.zeros_like(matrices.cross) + centre
    return np.asarray(weights[None])


def fit_ridge_map(
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    lookback: int,
    horizon: int,
    alphas: Sequence[float],
    most_products: float,
    observed: np.ndarray | None = None,
) -> np.ndarray:
    """Fit the usual linear map: one ridge regression for all features, its strength chosen on validation.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training, validation : sequence of range
        Origins; without validation origins the strength is a middling one.
    lookback, horizon : int
        Steps seen and steps predicted.
    alphas : sequence of float
        Strengths, relative to the mean square of an input.
    most_products : float
        Of `affordable_part`.
    observed : ndarray of bool of shape (n_rows, n_features), optional
        Of `sum_gram_matrices`.

    Returns
    -------
    ndarray of shape (1, lookback, horizon)
        Acts on raw rows: the weights of each step sum to one.
    """
    joined = np.zeros(rows.shape[1], int)

    def summing(origins: Sequence[range]) -> GramMatrices:
        part = affordable_part(sum(map(len, origins)), rows.shape[1], lookback, horizon, most_products)
        return sum_gram_matrices(rows, origins, lookback, horizon, groups=joined, observed=observed, part=part)

    matrices = summing(training)
    if not any(validation):
        return as_kernel(solve_ridge(matrices, alphas[(len(alphas) - 1) // 2]), lookback)
    held_out, maps = summing(validation), [solve_ridge(matrices, alpha) for alpha in alphas]
    errors = [held_out.squared_errors(weights).mean() for weights in maps]
    return as_kernel(maps[int(np.argmin(errors))], lookback)


def as_kernel(weights: np.ndarray, lookback: int) -> np.ndarray:
    """Turn a map of windows relative to their mean into one of raw and longer windows.

    Parameters
    ----------
    weights : ndarray of shape (n_features, length, horizon)
        Of `solve_ridge`.
    lookback : int
        Rows of the raw windows, at least `length`.

    Returns
    -------
    ndarray of shape (n_features, lookback, horizon)
        The weights of each step sum to one; rows older than `length` have none.
    """
    length = weights.shape[1]
    kernel = weights - weights.mean(axis=1, keepdims=True) + 1 / length
    return np.pad(kernel, ((0, 0), (lookback - length, 0), (0, 0)))
