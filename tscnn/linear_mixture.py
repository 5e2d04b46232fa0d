"""The linear map that a network starts from: a mixture of ridge regressions on windows of several lengths."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

from tscnn.baselines import as_kernel, solve_ridge
from tscnn.moments import WindowMoments, affordable_share, window_moments
from tscnn.trust import trust

__all__ = ["JudgedMap", "LinearMixture", "are_affordable", "mix_linear_maps"]

N_LENGTHS = 6  # windows of a mixture: the lookback, its half, quarter ..
RELATIVE = 0.5  # power of `window_scales` in which errors count
ALPHAS = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0)  # strengths of the ridge, to choose from
SEASONAL_ALPHAS = (0.03, 0.3, 3.0, 30.0, 300.0)  # of those that draw to repeating the season
FEW_WINDOWS = 2000  # of training, up to which these compete: more tell the season by themselves
NOISE = 0.1  # in the variance of outcomes, where there are no validation origins to tell
TOLERANCE = 0.005  # of squared error, for the sake of a lesser strength: folds have fewer windows than what is solved
WIDTH = 0.03  # of `WindowMoments.pool_alike`, for maps of single features
TRUSTED = 0.8  # `trust` in the gain over repetition that makes it certain
MOST_GROWTH = 4  # of a map's squares when it is solved on all rows: beyond, it explains an outlier or a change of law
N_FOLDS = 3  # of the training origins, in which strengths and shares compete as well as on the validation origins
N_STEPS = 48  # of the horizon, at most, on which they do
MOST_ENTRIES = 12_600_000  # of the moments of single features: some seconds and 100 MB a fold


@dataclass(frozen=True)
class LinearMixture:
    """Two linear maps of raw rows, of one mixture: the weights of each step sum to one.

    `fitted` is solved on the training origins, so that the validation origins can judge it. `refitted` is solved on
    both, once everything is chosen: the newest rows say most about those that follow. A map that grows by that, to
    explain an outlier or a constant's first steps, is left as `fitted`. `judged` are the maps of the folds that the
    choice was made on, and `trusted` says how far they were trusted, by feature: the rest is repeating the newest row.
    `single` is what a mixture has to beat: one ridge regression for all features, on the whole window and the training
    origins; None where there is none in the mixture.
    """

    fitted: np.ndarray  # (1 or n_features, lookback, horizon)
    refitted: np.ndarray  # as `fitted`
    judged: Sequence[JudgedMap] = ()
    trusted: np.ndarray | None = None  # (n_features,)
    single: np.ndarray | None = None  # (1, lookback, horizon)


@dataclass(frozen=True)
class JudgedMap:
    """A map that was solved on the origins before those that it is judged on."""

    kernel: np.ndarray  # (1 or n_features, lookback, n_steps)
    steps: np.ndarray  # of the horizon, (n_steps,), from 0
    origins: Sequence[range]


def mix_linear_maps(
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    lookbacks: Sequence[int],
    horizon: int,
    kinds: Sequence[str] = ("shared", "per_feature"),
    seasonality: int | None = None,
) -> LinearMixture:
    """Fit the best linear map from windows to the steps after them that the closed form gives.

    A mixture of ridge regressions on windows of several lengths: the lookback, its half, quarter and so on. A mixture
    of linear maps is a linear map, of the longest window. Its parts err in different ways, so that it errs less than
    the best of them. Strengths, shares and the lookback are those that serve the validation origins best, and with
    them up to three stretches of the training origins, each judged on maps of the origins before it. Where all of that
    gains no more over repeating the newest row than chance would give, it is mixed with that.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training, validation : sequence of range
        Origins, of `find_origins`, that see the longest lookback. Without validation origins nothing is chosen: maps of
        the first kind and the longest lookback, whose strengths and shares are cautious ones.
    lookbacks : sequence of int
        To choose from.
    horizon : int
        Steps predicted.
    kinds : sequence of {"shared", "per_feature"}
        One map for all features, one for each, or both in the mixture. A feature's own map is solved on its windows
        and, as far as they vary alike, on those of the others. Of both kinds, maps of single features are left out
        where they would take minutes.
    seasonality : int, optional
        Rows of a season: of few windows, the ridge regressions that see one may also draw to its repetition, instead of
        the window's mean.

    Returns
    -------
    LinearMixture
        Of the lookback chosen, ``fitted.shape[1]``. The first axis of its maps is 1 without maps of single features,
        whose parts each feature mixes in shares of its own.

    References
    ----------
    .. [1] Bates and Granger (1969), The Combination of Forecasts.
    """
    longest = max(lookbacks)
    if len(kinds) > 1 and (rows.shape[1] == 1 or not are_affordable(rows.shape[1], longest, horizon)):
        kinds = ("shared",)
    if not any(validation):
        kernel = _mix_unjudged(_summing(rows, training, longest, horizon, kinds)(training), longest, kinds[0])
        return LinearMixture(kernel, kernel)
    steps = np.arange(horizon)[:: -(-horizon // N_STEPS)]  # evenly spread
    folds, fitted, everything = _fold_moments(rows, training, validation, longest, horizon, kinds, steps)
    if sum(map(len, training)) > FEW_WINDOWS:
        seasonality = None
    lengths = sorted({length for lookback in lookbacks for length in _halves(lookback)}, reverse=True)
    contest = _hold_contest(folds, lengths, kinds, steps, seasonality)
    lookback, shares = _choose_lookback(contest, lookbacks)
    judged, trusted = _judge_mixture(folds, contest, lookback, shares, steps)
    found = zip(shares, contest.parts, contest.ridges, strict=True)
    parts = [_Part(trusted * share, *part, ridges) for share, part, ridges in found]
    parts.append(_Part(1 - trusted, 1, "shared", [_Ridge(1.0)]))  # repeats the newest row
    n_windows = float(np.mean([fold.fitted.n_windows for fold in folds]))
    single = None
    if "shared" in kinds:
        ridges = contest.ridges[contest.parts.index((lookback, "shared"))]
        single = _solve_parts(fitted, n_windows, [_Part(np.ones(1), lookback, "shared", ridges)], lookback)
    fitted_kernel, kernel = (_solve_parts(moments, n_windows, parts, lookback) for moments in (fitted, everything))
    before, after = (np.square(weights).sum(axis=(1, 2), keepdims=True) for weights in (fitted_kernel, kernel))
    kernel = np.where(after > MOST_GROWTH * before, fitted_kernel, kernel)
    return LinearMixture(fitted_kernel, kernel, judged, trusted, single)


def are_affordable(n_features: int, lookback: int, horizon: int) -> bool:
    """Return whether fitting a map for each feature takes seconds, and memory that a laptop has.

    Parameters
    ----------
    n_features, lookback, horizon : int
        What there is.

    Returns
    -------
    bool
        Where it is False, `mix_linear_maps` leaves them out of a mixture.
    """
    return n_features * lookback * (lookback + horizon) <= MOST_ENTRIES


class _Ridge(NamedTuple):
    alpha: float
    season: int | None = None  # whose repetition it draws to

    def solve(self, moments: WindowMoments, steps: np.ndarray) -> np.ndarray:
        """Return one feature's map to some steps of the horizon, those that `moments` have."""
        if self.season is None:
            return solve_ridge(moments, self.alpha)
        lookback = moments.inputs.shape[1]
        repetition = np.zeros((lookback, len(steps)))
        repetition[lookback - self.season + steps % self.season, np.arange(len(steps))] = 1
        return solve_ridge(moments, self.alpha, repetition)


class _Part(NamedTuple):
    share: np.ndarray  # (1 or n_features,)
    length: int
    kind: str
    ridges: list[_Ridge]  # (1 or n_features,)


def _solve_parts(moments: WindowMoments, n_windows: float, parts: Sequence[_Part], lookback: int) -> np.ndarray:
    """Solve each part, whose strengths were chosen on so many windows, and add them up."""
    kernel, steps = np.zeros((1, lookback, moments.targets.shape[1])), np.arange(moments.targets.shape[1])
    for part in parts:
        if not part.share.any():
            continue
        shortened = _of_kind(part.kind, moments.shorten(part.length))
        more = moments.n_windows / n_windows  # for the same strength in absolute units
        ridges = [ridge._replace(alpha=ridge.alpha / more) for ridge in part.ridges]
        maps = [ridge.solve(shortened.feature(f), steps) for f, ridge in enumerate(ridges)]
        kernel = kernel + part.share[:, None, None] * as_kernel(np.concatenate(maps), lookback)
    return kernel


def _mix_unjudged(moments: WindowMoments, lookback: int, kind: str) -> np.ndarray:
    """Return a mixture that nothing has judged: parts count by their length, and none explains outcomes by chance."""
    lengths, parts = _halves(lookback), []
    for length in lengths:
        shortened = _of_kind(kind, moments.shorten(length))
        ridges = [_Ridge(_cautious_strength(shortened.feature(f))) for f in range(len(shortened.inputs))]
        parts.append(_Part(np.full(1, length / sum(lengths)), length, kind, ridges))
    return _solve_parts(moments, moments.n_windows, parts, lookback)


def _cautious_strength(moments: WindowMoments) -> float:
    """Return a strength for one feature's ridge by what it has to explain.

    If outcomes were noise and the weights' squares summed to one, it would be their variance times the length: few
    windows could be explained by any map. Most outcomes hold less noise.
    """
    lookback, horizon = moments.cross.shape[1:]
    inputs, outcomes = np.trace(moments.inputs[0]) / lookback, moments.targets.sum() / horizon
    if not inputs:
        return ALPHAS[0]
    return max(ALPHAS[0], float(NOISE * lookback * outcomes / (inputs * moments.n_windows)))


def _choose_lookback(contest: _Contest, lookbacks: Sequence[int]) -> tuple[int, np.ndarray]:
    """Return the lookback whose mixture errs least, the shorter of equals, and the shares of all parts in that."""
    mixtures = []
    for lookback in sorted(lookbacks):
        at = [i for i, (length, _) in enumerate(contest.parts) if length in _halves(lookback)]
        shares, error = _mix(contest.products[:, at][:, :, at])
        mixtures.append((error, lookback, at, shares))
    _, lookback, at, shares = min(mixtures, key=lambda mixture: mixture[0])
    of_all = np.zeros((len(contest.parts), shares.shape[1]))
    of_all[at] = shares
    return lookback, of_all


def _judge_mixture(
    folds: Sequence[_Fold], contest: _Contest, lookback: int, shares: np.ndarray, steps: np.ndarray
) -> tuple[list[JudgedMap], np.ndarray]:
    """Return each fold's map, mixed with repeating the newest row as far as it can't be trusted, and that trust."""
    mixed = []
    for maps in contest.maps:
        kernel = np.zeros((1, lookback, len(steps)))
        for weights, share in zip(maps, shares, strict=True):
            if share.any():
                kernel = kernel + share[:, None, None] * as_kernel(weights, lookback)
        mixed.append(kernel)
    trusted = _trust_mixture(folds, mixed)
    newest = as_kernel(np.zeros((1, 1, len(steps))), lookback)
    kernels = [newest + trusted[:, None, None] * (kernel - newest) for kernel in mixed]
    return [JudgedMap(kernel, steps, fold.origins) for kernel, fold in zip(kernels, folds, strict=True)], trusted


def _trust_mixture(folds: Sequence[_Fold], kernels: Sequence[np.ndarray]) -> np.ndarray:
    """Return how far the gain of the mixture over repeating the newest row can be trusted, by feature.

    A random walk looks on any one stretch as if something older than its newest row told its future. A feature's own
    gains and those of all count alike.
    """
    n_features = len(folds[0].judged.targets)
    if len(folds) == 1:
        return np.ones(n_features)
    newest = np.ones((1, 1, kernels[0].shape[2]))
    products = [fold.judged.error_products([kernel, newest]) for fold, kernel in zip(folds, kernels, strict=True)]
    gains = np.array([(_gain(p) + _gain(p.mean(axis=0))) / 2 for p in products])  # (folds, features)
    n_origins = [fold.judged.n_windows for fold in folds]
    trusted = np.array([trust(gains[:, f], n_origins) for f in range(n_features)])
    return np.where(trusted >= TRUSTED, 1.0, trusted)


def _gain(products: np.ndarray) -> np.ndarray:
    """Return by what part of the second map's squared errors those of the first are smaller."""
    first, second = products[..., 0, 0], products[..., 1, 1]
    return np.asarray(1 - first / np.where(second > 0, second, 1))


def _of_kind(kind: str, moments: WindowMoments) -> WindowMoments:
    """Return what maps of a kind are solved on."""
    return moments.mean() if kind == "shared" else moments.pool_alike(WIDTH)


def _halves(lookback: int) -> list[int]:
    return [lookback >> halvings for halvings in range(min(N_LENGTHS, lookback.bit_length()))]


def _summing(
    rows: np.ndarray, training: Sequence[range], lookback: int, horizon: int, kinds: Sequence[str]
) -> Callable[[Sequence[range]], WindowMoments]:
    """Return what sums the moments of given origins, of as many as is affordable of all."""
    share = affordable_share(sum(map(len, training)), rows.shape[1], lookback, horizon)
    joined = "per_feature" not in kinds
    return lambda origins: window_moments(
        rows, origins, lookback, horizon, joined=joined, relative=RELATIVE, share=share
    )


@dataclass(frozen=True)
class _Fold:
    fitted: WindowMoments  # what a map is solved on, at some steps of the horizon
    judged: WindowMoments  # what it is judged on, at the same steps
    origins: Sequence[range]  # of `judged`


def _fold_moments(
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    lookback: int,
    horizon: int,
    kinds: Sequence[str],
    steps: np.ndarray,
) -> tuple[list[_Fold], WindowMoments, WindowMoments]:
    """Return the folds, the moments of training, and those of all origins."""
    moments = _summing(rows, training, lookback, horizon, kinds)
    shortest = min((len(stretch) for stretch in training if len(stretch)), default=0)
    n_blocks = min(N_FOLDS, shortest // (4 * horizon))  # in the second half, each at least two horizons long
    ends = [[s.stop - len(s) // 2 * (n_blocks - k) // n_blocks for s in training] for k in range(1, n_blocks + 1)]
    before = [range(s.start, s.stop - len(s) // 2) for s in training] if ends else list(training)
    fitted, folds = moments(before), []
    for end in [*ends, None]:
        if end is None:
            block = list(validation)
        else:  # but for origins whose outcomes reach into it
            block = [range(min(b.stop + horizon - 1, e), e) for b, e in zip(before, end, strict=True)]
        between = [range(b.stop, j.start) for b, j in zip(before, block, strict=True)]
        judged = moments(block)
        folds.append(_Fold(fitted.at_steps(steps), judged.at_steps(steps), block))
        trained = fitted
        fitted = fitted + judged + moments(between) if any(between) else fitted + judged
        before = block
    return folds, trained, fitted


@dataclass(frozen=True)
class _Contest:
    parts: list[tuple[int, str]]  # length and kind
    ridges: list[list[_Ridge]]  # of each part, by feature
    products: np.ndarray  # (1 or n_features, parts, parts): mean products of their errors
    maps: list[list[np.ndarray]]  # of each fold and part, (1 or n_features, length, n_steps)


def _hold_contest(
    folds: Sequence[_Fold], lengths: Sequence[int], kinds: Sequence[str], steps: np.ndarray, seasonality: int | None
) -> _Contest:
    """Choose the ridge of each part, and measure how the parts' errors go together, over all folds."""
    parts, chosen = [], []
    chosen_maps: list[list[np.ndarray]] = [[] for _ in folds]
    for length in lengths:
        shortened = [(fold.fitted.shorten(length), fold.judged.shorten(length)) for fold in folds]
        rivals = [[_Ridge(alpha) for alpha in ALPHAS]]
        if seasonality is not None and 1 < seasonality <= length:
            rivals.append([_Ridge(alpha, seasonality) for alpha in SEASONAL_ALPHAS])
        for kind, ridges in itertools.product(kinds, rivals):
            tried = []  # by fold and ridge: (n_features, length, steps)
            errors = np.zeros((len(ridges), 1))
            for fitted, judged in shortened:
                fitted, judged = _of_kind(kind, fitted), judged.mean() if kind == "shared" else judged
                each = range(len(fitted.inputs))
                maps = [np.concatenate([ridge.solve(fitted.feature(f), steps) for f in each]) for ridge in ridges]
                errors = errors + judged.n_windows * np.stack([judged.squared_error(weights) for weights in maps])
                tried.append(maps)
            best = np.argmax(errors <= (1 + TOLERANCE) * errors.min(axis=0), axis=0)  # by feature
            parts.append((length, kind))
            chosen.append([ridges[i] for i in best])
            for maps, found in zip(tried, chosen_maps, strict=True):
                found.append(np.stack([maps[i][f] for f, i in enumerate(best)]))
    products = [
        fold.judged.n_windows * fold.judged.error_products([as_kernel(weights, weights.shape[1]) for weights in found])
        for fold, found in zip(folds, chosen_maps, strict=True)
    ]
    n_windows = sum(fold.judged.n_windows for fold in folds)
    return _Contest(parts, chosen, np.sum(products, axis=0) / n_windows, chosen_maps)


def _mix(products: np.ndarray) -> tuple[np.ndarray, float]:
    """Find the shares in the mixture with the least squared error, and that error.

    Parameters
    ----------
    products : ndarray of shape (n_features, n_parts, n_parts)
        Mean products of their errors.

    Returns
    -------
    shares : ndarray of shape (n_parts, n_features)
        A feature's own errors count in its shares as much as those of all features do.
    error : float
        Mean over features.
    """
    common = _in_own_unit(products.mean(axis=0))
    shares = np.stack([_least_squares_shares(_in_own_unit(own) + common) for own in products])
    return shares.T, float(np.einsum("fi,fij,fj->f", shares, products, shares).mean())


def _in_own_unit(products: np.ndarray) -> np.ndarray:
    """Return products with a trace of one, or all zero where a series is constant.

    Of one that maps forecast exactly, such as a counter, rounding is left, which can be negative.
    """
    squares, axes = np.linalg.eigh(products)
    squares = np.maximum(squares, 0)
    return np.asarray((axes * squares) @ axes.T / (squares.sum() or 1.0))


def _least_squares_shares(products: np.ndarray) -> np.ndarray:
    """Minimise the squared error over shares that are not negative and one in all."""
    # They are in proportion to the u >= 0 that minimises u'Qu - 2 sum(u).
    n = len(products)
    factor = cholesky(products * n + 0.02 * np.eye(n))  # leaning a little towards equal shares
    shares, _ = nnls(factor, solve_triangular(factor, np.ones(n), trans="T"))
    shares = np.where(shares < 0.01 * shares.sum(), 0, shares)
    return np.asarray(shares / shares.sum())
