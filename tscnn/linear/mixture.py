"""The linear map that a network starts from: a mixture of ridge regressions on windows of several lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tscnn.linear.bands import Bands
from tscnn.linear.candidates import (
    ALPHAS,
    Contest,
    Part,
    Ridge,
    hold_contest,
    mixture_shares,
    of_kind,
    solve_parts,
)
from tscnn.linear.clusters import group_alike
from tscnn.linear.folds import Fold, fold_moments, summing
from tscnn.linear.gram import WindowMoments
from tscnn.linear.ridge import as_kernel
from tscnn.statistics.gate import FEWEST_BLOCKS, FEWEST_FOLDS, trust

__all__ = ["JudgedMap", "LinearMixture", "SolvedMaps", "count_affordable", "mix_linear_maps"]

N_LENGTHS = 6  # windows of a mixture: the lookback, its half, quarter ..
FEW_WINDOWS = 2000  # of training, up to which seasonal ridges compete: more tell the season, and one band from another
NOISE = 0.1  # in the variance of outcomes, where there are no validation origins to tell
TRUSTED = 0.8  # `trust` in the gain over repetition that makes it certain
MOST_GROWTH = 4  # of a map's squares when it is solved on all rows: beyond, it explains an outlier or a change of law
MOST_ENTRIES = 12_600_000  # of the moments of all groups: some seconds and 100 MB a fold


@dataclass(frozen=True)
class LinearMixture:
    """A mixture of linear maps of raw rows: the weights of each step sum to one.

    `judged` are the maps of the folds that the choice was made on, and `trusted` says how far they were trusted, by
    map: the rest is repeating the newest row. What is chosen is solved when it is first asked for.
    """

    lookback: int
    horizon: int
    groups: np.ndarray  # (n_features,): which map each feature has
    solve: Callable[[], SolvedMaps]
    judged: Sequence[JudgedMap] = ()
    trusted: np.ndarray | None = None  # (n_maps,)

    @cached_property
    def solved(self) -> SolvedMaps:
        """Its maps.

        Returns
        -------
        SolvedMaps
            The same ones each time.
        """
        return self.solve()

    def settle(self) -> LinearMixture:
        """Solve it, and let go of the moments that it is solved from.

        Returns
        -------
        LinearMixture
            With the same maps.
        """
        solved = self.solved
        return replace(self, solve=lambda: solved)

    @property
    def can_judge(self) -> bool:
        """Whether its folds hold enough to tell what else is a gain from what is chance.

        Returns
        -------
        bool
            Of `FEWEST_FOLDS` folds or more, with origins for `FEWEST_BLOCKS` horizons in each on average.
        """
        n_origins = sum(len(stretch) for fold in self.judged for stretch in fold.origins)
        n_needed = FEWEST_FOLDS * FEWEST_BLOCKS * self.horizon
        return len(self.judged) >= FEWEST_FOLDS and n_origins >= n_needed

    @property
    def beats_repetition(self) -> bool:
        """Whether the gain over repeating the newest row is more than chance.

        Returns
        -------
        bool
            Where it is False, other gains may well be chance, too.
        """
        return self.trusted is not None and bool(self.trusted[self.groups].mean() >= TRUSTED)


class SolvedMaps(NamedTuple):
    """Maps of what was chosen.

    `fitted` is solved on the training origins, so that the validation origins can judge it. `refitted` is solved on
    both: the newest rows say most about those that follow. A map that grows by that, to explain an outlier or a
    constant's first steps, is left as `fitted`. `single` is what a mixture has to beat: one ridge regression for all
    features, on the whole window and the training origins; None where there is none in the mixture.
    """

    fitted: np.ndarray  # (n_maps, lookback, horizon)
    refitted: np.ndarray  # as `fitted`
    single: np.ndarray | None = None  # (1, lookback, horizon)


@dataclass(frozen=True)
class JudgedMap:
    """Maps that were solved on the origins before those that they are judged on."""

    kernel: np.ndarray  # (n_maps, lookback, n_steps)
    groups: np.ndarray  # (n_features,): which map each feature has
    steps: np.ndarray  # of the horizon, (n_steps,), from 0
    origins: Sequence[range]


def mix_linear_maps(
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    lookbacks: Sequence[int],
    horizon: int,
    kinds: Sequence[str] = ("shared", "grouped"),
    seasonality: int | None = None,
) -> LinearMixture:
    """Fit the best linear map from windows to the steps after them that the closed form gives.

    A mixture of ridge regressions on windows of several lengths: the lookback, its half, quarter and so on. A mixture
    of linear maps is a linear map, of the longest window. Its parts err in different ways, so that it errs less than
    the best of them. Strengths, shares and the lookback are those that serve the validation origins best, and with
    them up to three stretches of the training origins, each judged on maps of the origins before it. Where windows are
    many, the mean of the horizon and each octave of its waves have strengths and shares of their own, and so have those
    of its near steps; the fewer horizons there are to judge them by, the less shares count on correlations of errors.
    Where all of that gains no more over repeating the newest row than chance would give, it is mixed with that.

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
    kinds : sequence of {"shared", "per_feature", "grouped"}
        What is mixed: one map for all features, one for each, or one for each group of those that vary alike, of which
        there are as many as are affordable, each feature one by itself if that is. Such a map is solved on the windows
        of its features and, as far as they vary alike, on those of the others.
    seasonality : int, optional
        Rows of a season. Strong ridge regressions draw to the means of its rows, or of those of seven of it, if windows
        see two. Of few windows, those that see one may also draw to its repetition, and those that see two to the
        forecast of a level that wanders and a season that changes.

    Returns
    -------
    LinearMixture
        Of the lookback chosen. Each group mixes in shares of its own.

    References
    ----------
    .. [1] Bates and Granger (1969), The Combination of Forecasts.
    """
    longest = max(lookbacks)
    if not any(validation):
        kinds = kinds[:1]
    groups = _group(rows, training, longest, horizon, kinds)
    if not groups.any():
        kinds = ("shared",)
    moments = summing(rows, training, longest, horizon, groups)
    if not any(validation):
        kernel = _mix_unjudged(moments(training), longest, kinds[0])
        return LinearMixture(longest, horizon, groups, lambda: SolvedMaps(kernel, kernel))
    folds, fitted, everything = fold_moments(moments, training, validation, horizon)
    few = sum(map(len, training)) <= FEW_WINDOWS
    bands = Bands() if few else Bands.of_horizon(len(folds[0].judged.steps))
    lengths = sorted({length for lookback in lookbacks for length in _halves(lookback)}, reverse=True)
    contest = hold_contest(folds, lengths, kinds, seasonality, few, bands)
    lookback, shares, apart = _choose_lookback(contest, lookbacks)
    judged, trusted = _judge_mixture(folds, groups, contest, lookback, shares, apart)
    n_windows = float(np.mean([fold.fitted.n_windows for fold in folds]))
    parts = [*contest.parts, _repetition(shares.shape[1])]
    shares = np.concatenate([trusted * shares, np.broadcast_to(1 - trusted, (1, *shares.shape[1:]))])

    def solve() -> SolvedMaps:
        single = None
        if "shared" in kinds:
            part = next(part for part in parts if (part.length, part.kind) == (lookback, "shared"))
            one = replace(part, chosen=np.broadcast_to(part.overall, part.chosen.shape))
            single = solve_parts(fitted, n_windows, [one], np.ones((1, *part.chosen.shape)), lookback, bands)
        before, after = (
            solve_parts(known, n_windows, parts, shares, lookback, bands) for known in (fitted, everything)
        )
        squares = [np.square(weights).sum(axis=(1, 2), keepdims=True) for weights in (before, after)]
        return SolvedMaps(before, np.where(squares[1] > MOST_GROWTH * squares[0], before, after), single)

    return LinearMixture(lookback, horizon, groups, solve, judged, trusted)


def count_affordable(lookback: int, horizon: int) -> int:
    """Count the maps, of groups of features, whose fit takes seconds, and memory that a laptop has.

    Parameters
    ----------
    lookback, horizon : int
        Of a mixture.

    Returns
    -------
    int
        At least 1.
    """
    return max(1, MOST_ENTRIES // (lookback * (lookback + horizon)))


def _group(
    rows: np.ndarray, training: Sequence[range], lookback: int, horizon: int, kinds: Sequence[str]
) -> np.ndarray:
    """Return the map of each feature, of as many as there are to be."""
    if "per_feature" in kinds:
        return np.arange(rows.shape[1])
    return group_alike(rows, training, lookback, count_affordable(lookback, horizon) if "grouped" in kinds else 1)


def _repetition(n_bands: int) -> Part:
    """Return what repeats the newest row: a window of one has nothing but its mean."""
    return Part(1, "shared", [Ridge(1.0)], np.zeros((n_bands, 1), int), np.zeros(1, int))


def _mix_unjudged(moments: WindowMoments, lookback: int, kind: str) -> np.ndarray:
    """Return a mixture that nothing has judged: parts count by their length, and none explains outcomes by chance."""
    lengths, parts = _halves(lookback), []
    for length in lengths:
        shortened = of_kind(kind, moments.shorten(length))
        ridges = [Ridge(_cautious_strength(shortened.feature(f))) for f in range(len(shortened.inputs))]
        one_each = np.arange(len(ridges))
        parts.append(Part(length, kind, ridges, one_each[None], one_each))
    shares = np.array(lengths)[:, None, None] / sum(lengths)
    return solve_parts(moments, moments.n_windows, parts, shares, lookback, Bands())


def _cautious_strength(moments: WindowMoments) -> float:
    """Return a strength for one feature's ridge by what it has to explain.

    If outcomes were noise and the weights' squares summed to one, it would be their variance times the length: few
    windows could be explained by any map. Most outcomes hold less noise.
    """
    lookback = moments.inputs.shape[1]
    inputs, outcomes = (np.trace(products[0]) / len(products[0]) for products in (moments.inputs, moments.targets))
    if not inputs:
        return ALPHAS[0]
    return max(ALPHAS[0], float(NOISE * lookback * outcomes / (inputs * moments.n_windows)))


def _choose_lookback(contest: Contest, lookbacks: Sequence[int]) -> tuple[int, np.ndarray, list[np.ndarray]]:
    """Return the lookback whose mixture errs least, the shorter of equals, and the shares of all parts in that.

    Shares are the mean of those that leave out one fold each, which chance moves less than those of all folds. They
    flatter the folds that they were found on, the more, the more parts a lookback has; those that have not seen a fold
    don't, but have seen less. So errors by both count alike. The latter are the third that is returned, one a fold.
    """
    mixtures, whole, folds = [], slice(contest.bands.n_octaves), np.arange(len(contest.products))
    for lookback in sorted(lookbacks):
        apart = [_find_shares(contest, np.delete(folds, i) if len(folds) > 1 else folds, lookback) for i in folds]
        shares = np.mean(apart, axis=0)
        error = sum(
            np.einsum("pbf,bfpq,qbf->", by[:, whole], own[whole], by[:, whole])
            for of_others, own in zip(apart, contest.products, strict=True)
            for by in (shares, of_others)
        )
        mixtures.append((error, lookback, shares, apart))
    return min(mixtures, key=lambda mixture: mixture[0])[1:]


def _find_shares(contest: Contest, folds: np.ndarray, lookback: int) -> np.ndarray:
    """Return the shares of all parts in the mixture of one lookback, by some folds: (n_parts, n_bands, n_features)."""
    at = [i for i, part in enumerate(contest.parts) if part.length in _halves(lookback)]
    products, n_errors = contest.products[folds].sum(axis=0), contest.n_errors[folds].sum(axis=0)
    shares = np.zeros((len(contest.parts), *products.shape[:2]))
    shares[at] = mixture_shares(products[:, :, at][..., at], n_errors)
    return shares


def _judge_mixture(
    folds: Sequence[Fold],
    groups: np.ndarray,
    contest: Contest,
    lookback: int,
    shares: np.ndarray,
    apart: Sequence[np.ndarray],
) -> tuple[list[JudgedMap], np.ndarray]:
    """Return each fold's map, mixed with repeating the newest row as far as it can't be trusted, and that trust."""
    steps = folds[0].judged.steps
    mixed, unseen = (
        [
            _mix(kernels, of_fold, lookback, len(steps), contest.bands)
            for kernels, of_fold in zip(contest.kernels, by_fold, strict=True)
        ]
        for by_fold in ([shares] * len(folds), apart)
    )
    trusted = _trust_mixture(folds, mixed, unseen)
    newest = as_kernel(np.zeros((1, 1, len(steps))), lookback)
    kernels = [newest + trusted[:, None, None] * (kernel - newest) for kernel in mixed]
    return [
        JudgedMap(kernel, groups, steps, fold.origins) for kernel, fold in zip(kernels, folds, strict=True)
    ], trusted


def _mix(kernels: Sequence[np.ndarray], shares: np.ndarray, lookback: int, n_steps: int, bands: Bands) -> np.ndarray:
    """Return the mixture of one fold's parts: (n_maps, lookback, n_steps)."""
    sums = np.zeros((shares.shape[2], lookback, kernels[0].shape[2]))
    for weights, share in zip(kernels, shares, strict=True):
        if share.any():
            sums[:, lookback - weights.shape[1] :] += bands.by_wave(share, n_steps)[:, None] * weights
    return bands.to_steps(sums, n_steps)


def _trust_mixture(folds: Sequence[Fold], mixed: Sequence[np.ndarray], unseen: Sequence[np.ndarray]) -> np.ndarray:
    """Return how far the gain of the mixture over repeating the newest row can be trusted, by map.

    A random walk looks on any one stretch as if something older than its newest row told its future. Shares flatter the
    folds that they were found on; those of the other folds don't, but have seen less: gains by both count alike, unless
    there are but two folds. So do a group's own gains and those of all.
    """
    n_maps = len(folds[0].judged.targets)
    if len(folds) == 1:
        return np.ones(n_maps)
    newest, gains = np.ones((1, 1, mixed[0].shape[2])), []
    for kernels in (mixed, unseen) if len(folds) >= FEWEST_FOLDS else (unseen,):
        products = [
            fold.judged.error_products([kernel, newest])[0] for fold, kernel in zip(folds, kernels, strict=True)
        ]
        gains.append([(_gain(p) + _gain(p.mean(axis=0))) / 2 for p in products])
    gains = np.mean(gains, axis=0)  # (folds, maps)
    n_origins = [fold.judged.n_windows for fold in folds]
    trusted = np.array([trust(gains[:, m], n_origins) for m in range(n_maps)])
    return np.where(trusted >= TRUSTED, 1.0, trusted)


def _gain(products: np.ndarray) -> np.ndarray:
    """Return by what part of the second map's squared errors those of the first are smaller."""
    first, second = products[..., 0, 0], products[..., 1, 1]
    return np.asarray(1 - first / np.where(second > 0, second, 1))


def _halves(lookback: int) -> list[int]:
    return [lookback >> halvings for halvings in range(min(N_LENGTHS, lookback.bit_length()))]
