"""What every model has to beat: repeating what was seen, and the best linear map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

from tscnn._validation import check_int, received
from tscnn.moments import WindowMoments, window_moments

__all__ = [
    "find_lookback",
    "fit_linear_map",
    "fit_shared_map",
    "repeat_last",
    "repeat_season",
    "start_linear_map",
]

ALPHAS = (1e-5, 1e-3, 1e-2, 1e-1)
MOST_WORK = 1e10  # products, about, of solving maps of single features
N_FOLDS = 3  # of the training origins, in which strengths and shares compete as well as on the validation origins
N_STEPS = 48  # of the horizon, at most, on which they do
RELATIVE = 0.5  # power of `window_scales` in which errors count
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
    fitted = window_moments(rows, training, lookback, horizon, joined=True)
    judged = window_moments(rows, validation, lookback, horizon, joined=True) if any(validation) else None
    return _as_kernel(fit_linear_map(fitted, judged), lookback)


def start_linear_map(
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    lookback: int,
    horizon: int,
    kinds: Sequence[str] = ("shared", "per_feature"),
) -> np.ndarray:
    """Fit the best linear map from windows to the steps after them that the closed form gives.

    A mixture of ridge regressions on windows of several lengths: the lookback, its half, quarter and eighth. A mixture
    of linear maps is a linear map, of the longest window. Its parts err in different ways, so that it errs less than
    the best of them. Strengths and shares are those that serve the validation origins best, and with them up to three
    stretches of the training origins, each judged on maps of the origins before it.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training, validation : sequence of range
        Origins, of `find_origins`. Without validation origins nothing is mixed: one map of the first kind.
    lookback, horizon : int
        Steps seen and steps predicted.
    kinds : sequence of {"shared", "per_feature"}
        One map for all features, one for each, or both in the mixture. Of both, maps of single features are left out
        where they would take minutes.

    Returns
    -------
    ndarray of shape (1 or n_features, lookback, horizon)
        Acts on raw rows: the weights of each step sum to one. The first axis is 1 if no map of a single feature has a
        part in it.

    References
    ----------
    .. [1] Bates and Granger (1969), The Combination of Forecasts.
    """
    kinds = _affordable(kinds, rows.shape[1], lookback)
    folds, fitted = _fold_moments(rows, training, validation, lookback, horizon, kinds)
    if not folds:
        return _as_kernel(fit_linear_map(fitted.mean() if kinds[0] == "shared" else fitted), lookback)
    contest = _hold_contest(folds, _nested_lengths(lookback), kinds)
    shares, _ = _mix(contest.products)
    kernel = np.zeros((1, lookback, horizon))
    for share, (length, kind), alphas in zip(shares, contest.parts, contest.alphas, strict=True):
        if share > 0:
            moments = fitted.shorten(length)
            moments = moments.mean() if kind == "shared" else moments
            maps = [_solve(moments.feature(f), alpha) for f, alpha in enumerate(alphas)]
            kernel = kernel + share * _as_kernel(np.concatenate(maps), lookback)
    return kernel


def find_lookback(
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    lookbacks: Sequence[int],
    horizon: int,
    kinds: Sequence[str] = ("shared", "per_feature"),
) -> int:
    """Choose the lookback whose `start_linear_map` errs least.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training, validation : sequence of range
        Origins, of `find_origins`, that see the longest lookback.
    lookbacks : sequence of int
        To choose from.
    horizon : int
        Steps predicted.
    kinds : sequence of {"shared", "per_feature"}
        As in `start_linear_map`.

    Returns
    -------
    int
        The shortest that is within a hundredth of the least error.
    """
    longest = max(lookbacks)
    kinds = _affordable(kinds, rows.shape[1], longest)
    folds, _ = _fold_moments(rows, training, validation, longest, horizon, kinds)
    lengths = sorted({length for lookback in lookbacks for length in _nested_lengths(lookback)}, reverse=True)
    contest = _hold_contest(folds, lengths, kinds)
    errors = {}
    for lookback in sorted(lookbacks):
        nested = _nested_lengths(lookback)
        at = [i for i, (length, _) in enumerate(contest.parts) if length in nested]
        errors[lookback] = _mix(contest.products[np.ix_(at, at)])[1]
    return next(lookback for lookback, error in errors.items() if error <= 1.01 * min(errors.values()))


def _affordable(kinds: Sequence[str], n_features: int, lookback: int) -> Sequence[str]:
    return ("shared",) if len(kinds) > 1 and (n_features == 1 or n_features * lookback**3 > MOST_WORK) else kinds


def _nested_lengths(lookback: int) -> list[int]:
    return [lookback >> halvings for halvings in range(N_LENGTHS) if lookback >> halvings]


def _fold_moments(
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    lookback: int,
    horizon: int,
    kinds: Sequence[str],
) -> tuple[list[tuple[WindowMoments, WindowMoments]], WindowMoments]:
    """Return the moments to fit and to judge on, fold by fold, and those of all training origins."""

    def moments(origins: Sequence[range]) -> WindowMoments:
        return window_moments(rows, origins, lookback, horizon, joined="per_feature" not in kinds, relative=RELATIVE)

    if not any(validation):
        return [], moments(training)
    shortest = min((len(stretch) for stretch in training if len(stretch)), default=0)
    n_blocks = min(N_FOLDS, shortest // (4 * horizon))  # in the second half, each at least two horizons long
    folds = []
    before = [range(s.start, s.start + len(s) // 2) for s in training] if n_blocks else list(training)
    fitted = moments(before)
    for k in range(n_blocks):
        ends = [s.stop - len(s) // 2 * (n_blocks - 1 - k) // n_blocks for s in training]
        between = [range(b.stop, min(b.stop + horizon - 1, end)) for b, end in zip(before, ends, strict=True)]
        judged_at = [range(gap.stop, end) for gap, end in zip(between, ends, strict=True)]
        judged = moments(judged_at)
        folds.append((fitted, judged))
        fitted = fitted + judged
        if any(between):
            fitted = fitted + moments(between)
        before = [range(b.start, end) for b, end in zip(before, ends, strict=True)]
    return [*folds, (fitted, moments(validation))], fitted


@dataclass(frozen=True)
class _Contest:
    parts: list[tuple[int, str]]  # length and kind
    alphas: list[list[float]]  # of each part, by feature
    products: np.ndarray  # (parts, parts): mean products of their errors


def _hold_contest(
    folds: Sequence[tuple[WindowMoments, WindowMoments]], lengths: Sequence[int], kinds: Sequence[str]
) -> _Contest:
    """Choose the strength of each part, and measure how the parts' errors go together, over all folds."""
    lookback = folds[0][0].inputs.shape[1]
    folds = [(fitted.thin(N_STEPS), judged.thin(N_STEPS)) for fitted, judged in folds]
    parts, chosen = [], []
    kernels: list[list[np.ndarray]] = [[] for _ in folds]
    for length in lengths:
        shortened = [(fitted.shorten(length), judged.shorten(length)) for fitted, judged in folds]
        for kind in kinds:
            shared = kind == "shared"
            tried = []  # by fold and strength: (n_features, length, steps)
            errors = 0.0
            for fitted, judged in shortened:
                fitted, judged = (fitted.mean(), judged.mean()) if shared else (fitted, judged)
                each = range(len(fitted.inputs))
                maps = [np.concatenate([_solve(fitted.feature(f), alpha) for f in each]) for alpha in ALPHAS]
                errors = errors + judged.n_windows * np.stack([judged.squared_error(weights) for weights in maps])
                tried.append(maps)
            best = np.argmin(errors, axis=0)  # by feature
            parts.append((length, kind))
            chosen.append([ALPHAS[i] for i in best])
            for maps, found in zip(tried, kernels, strict=True):
                weights = np.stack([maps[i][f] for f, i in enumerate(best)])
                found.append(_as_kernel(weights, lookback))
    products = [
        judged.n_windows * judged.error_products(found) for (_, judged), found in zip(folds, kernels, strict=True)
    ]
    return _Contest(parts, chosen, sum(products) / sum(judged.n_windows for _, judged in folds))


def _as_kernel(weights: np.ndarray, lookback: int) -> np.ndarray:
    """Turn a map of windows relative to their mean into one of raw windows of `lookback` rows."""
    length = weights.shape[1]
    kernel = weights - weights.mean(axis=1, keepdims=True) + 1 / length
    return np.pad(kernel, ((0, 0), (lookback - length, 0), (0, 0)))


def _mix(products: np.ndarray) -> tuple[np.ndarray, float]:
    """Find the shares, none negative and one in all, of the mixture with the least squared error, and that error."""
    n = len(products)
    leaning = products / np.trace(products) * n + 0.01 * np.eye(n)  # a little towards equal shares
    found = minimize(
        lambda shares: shares @ leaning @ shares,
        np.full(n, 1 / n),
        jac=lambda shares: 2 * leaning @ shares,
        bounds=[(0, 1)] * n,
        constraints={"type": "eq", "fun": lambda shares: shares.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
    )
    shares = np.where(found.x < 0.01, 0, found.x)
    shares /= shares.sum()
    return shares, float(shares @ products @ shares)


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
