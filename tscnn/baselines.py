"""What every model has to beat: repeating what was seen, and the best linear map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

from tscnn._validation import check_int, received
from tscnn.moments import WindowMoments, window_moments

__all__ = ["fit_linear_map", "mix_linear_maps", "repeat_last", "repeat_season", "start_linear_map"]

ALPHAS = (1e-5, 1e-3, 1e-2, 1e-1)
MOST_WORK = 1e10  # products, about, of solving maps of single features
N_LENGTHS = 4  # windows of a mixture: the lookback, its half, quarter and eighth


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


def repeat_season(inputs: np.ndarray, horizon: int, seasonality: int) -> np.ndarray:
    """Forecast that the newest `seasonality` rows repeat.

    Parameters
    ----------
    inputs : ndarray of shape (n_windows, lookback, n_features)
        Windows, oldest row first.
    horizon : int
        Steps to predict.
    seasonality : int
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
    >>> repeat_season(np.arange(6.0).reshape(1, 6, 1), horizon=5, seasonality=3)[0, :, 0]
    array([3., 4., 5., 3., 4.])
    """
    horizon, lookback = check_int("horizon", horizon), inputs.shape[1]
    if check_int("seasonality", seasonality) > lookback:
        raise ValueError(received(f"`seasonality` must be at most the lookback, {lookback}.", seasonality=seasonality))
    steps = lookback - seasonality + np.arange(horizon) % seasonality
    return inputs[:, steps]


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
            best.append(_solve(one, alphas[(len(alphas) - 1) // 2]))
        else:
            maps = [_solve(one, alpha) for alpha in alphas]
            errors = [validation.feature(f).squared_error(weights)[0] for weights in maps]
            best.append(maps[int(np.argmin(errors))])
    return np.concatenate(best)


def start_linear_map(
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    lookback: int,
    horizon: int,
    kinds: Sequence[str] = ("shared", "per_feature"),
) -> np.ndarray:
    """Fit the best linear map from windows to the steps after them that the closed form gives.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training, validation : sequence of range
        Origins, of `find_origins`.
    lookback, horizon : int
        Steps seen and steps predicted.
    kinds : sequence of {"shared", "per_feature"}
        As in `mix_linear_maps`. Of both, maps of single features are left out where they would take minutes.

    Returns
    -------
    ndarray of shape (1 or n_features, lookback, horizon)
        As of `mix_linear_maps`.
    """
    if len(kinds) > 1 and (rows.shape[1] == 1 or rows.shape[1] * lookback**3 > MOST_WORK):
        kinds = ("shared",)
    joined = "per_feature" not in kinds
    fitted = window_moments(rows, training, lookback, horizon, joined=joined)
    judged = window_moments(rows, validation, lookback, horizon, joined=joined) if any(validation) else None
    return mix_linear_maps(fitted, judged, kinds)


def mix_linear_maps(
    training: WindowMoments, validation: WindowMoments | None, kinds: Sequence[str] = ("shared", "per_feature")
) -> np.ndarray:
    """Fit ridge regressions on windows of several lengths, and mix them as serves the validation origins best.

    A mixture of linear maps is a linear map, of the longest window. Its parts err in different ways, so that it
    errs less than the best of them.

    Parameters
    ----------
    training, validation : WindowMoments
        Of the training and the validation origins. Without validation origins nothing is mixed: one map of the
        first kind.
    kinds : sequence of {"shared", "per_feature"}
        One map for all features, one for each, or both in the mixture.

    Returns
    -------
    ndarray of shape (1 or n_features, lookback, horizon)
        Acts on raw rows: the weights of each step sum to one. The first axis is 1 if no map of a single feature has a
        part in it.

    References
    ----------
    .. [1] Bates and Granger (1969), The Combination of Forecasts.
    """
    lookback = training.inputs.shape[1]
    if validation is None:
        fitted = training.mean() if kinds[0] == "shared" else training
        return _as_kernel(fit_linear_map(fitted), lookback)
    kernels = []
    for length in [lookback >> halvings for halvings in range(N_LENGTHS) if lookback >> halvings]:
        fitted, judged = training.shorten(length), validation.shorten(length)
        if "shared" in kinds:
            kernels.append(_as_kernel(fit_linear_map(fitted.mean(), judged), lookback))
        if "per_feature" in kinds:
            kernels.append(_as_kernel(fit_linear_map(fitted, judged), lookback))
    shares = _mix(validation.error_products(kernels))
    return sum(share * kernel for share, kernel in zip(shares, kernels, strict=True) if share > 0)


def _as_kernel(weights: np.ndarray, lookback: int) -> np.ndarray:
    """Turn a map of windows relative to their mean into one of raw windows of `lookback` rows."""
    length = weights.shape[1]
    kernel = weights - weights.mean(axis=1, keepdims=True) + 1 / length
    return np.pad(kernel, ((0, 0), (lookback - length, 0), (0, 0)))


def _mix(products: np.ndarray) -> np.ndarray:
    """Find the shares, none negative and one in all, of the mixture with the least squared error."""
    n = len(products)
    products = products / np.trace(products) * n + 0.01 * np.eye(n)  # a little towards equal shares
    found = minimize(
        lambda shares: shares @ products @ shares,
        np.full(n, 1 / n),
        jac=lambda shares: 2 * products @ shares,
        bounds=[(0, 1)] * n,
        constraints={"type": "eq", "fun": lambda shares: shares.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
    )
    shares = np.where(found.x < 0.01, 0, found.x)
    return shares / shares.sum()


def _solve(moments: WindowMoments, alpha: float) -> np.ndarray:
    """Solve one feature's ridge regression: (1, lookback, horizon)."""
    normal, lookback = moments.inputs[0].copy(), moments.inputs.shape[1]
    # The second part counts where all inputs are constant.
    normal.flat[:: lookback + 1] += alpha * np.trace(normal) / lookback + 1e-12 * moments.n_windows
    try:
        factor: Any = cho_factor(normal, overwrite_a=True)
    except LinAlgError:  # rounding, on windows that are nearly alike
        return np.zeros_like(moments.cross)
    return np.asarray(cho_solve(factor, moments.cross[0]))[None]
