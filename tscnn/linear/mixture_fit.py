"""Fitting the linear mixture: ridge regressions on windows of several lengths, weighted by their out-of-fold errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.special import ndtr

from tscnn.data.mapped import find_constant
from tscnn.linear.candidates import Candidate, Ridge, evaluate_candidates, list_structures, of_kind, solve_candidates
from tscnn.linear.clusters import group_alike
from tscnn.linear.combination import choose_lookback, halve
from tscnn.linear.folds import cut_folds, relative_gram_matrices
from tscnn.linear.gram import GramMatrices
from tscnn.linear.lookbacks import count_affordable
from tscnn.linear.out_of_fold import FoldErrors, FoldMaps, gate_gain, out_of_fold_errors
from tscnn.linear.ridge import as_kernel
from tscnn.linear.settings import LinearModel, MixtureSettings
from tscnn.statistics.gate import GateResult, not_kept
from tscnn.transforms.rolling import window_scales

__all__ = ["MixtureFit", "Origins", "fit_mixture"]

REPETITION = Candidate(1, "shared", [Ridge(1.0)], np.zeros(1, int))  # a window of one has nothing but its mean


@dataclass(frozen=True)
class Origins:
    """Rows that forecasts are made from, in every fit of one linear model.

    Attributes
    ----------
    training, validation : sequence of range
        One range a stretch of rows, that see the longest lookback; no validation where nothing is held back.
    horizon : int
        Steps predicted.
    season_length : int or None
        Rows of a season.
    observed : ndarray of bool of shape (n_rows, n_targets), or None
        Which values are no fillings, and count as outcomes; None where all are.
    """

    training: Sequence[range]
    validation: Sequence[range]
    horizon: int
    season_length: int | None
    observed: np.ndarray | None = None


@dataclass(frozen=True)
class MixtureFit:
    """A mixture whose candidates, weights and lookback are chosen.

    Attributes
    ----------
    lookback : int
        Rows that its maps see.
    maps : ndarray of int of shape (n_targets,)
        Which map each target has.
    candidates : sequence of Candidate
        What is mixed; the last one repeats the newest row.
    weights : ndarray of shape (n_candidates, n_maps)
        Of the candidates.
    training, everything : GramMatrices
        Of the training origins, and of those and the validation origins.
    n_windows : float
        On which strengths were chosen.
    most_growth : float
        Of `MixtureSettings`.
    gain : GateResult
        Over repeating the newest row.
    folds : sequence of FoldMaps
        Maps of the folds, mixed by weights that the other folds give.
    errors : sequence of FoldErrors
        Of these.
    """

    lookback: int
    maps: np.ndarray
    candidates: Sequence[Candidate]
    weights: np.ndarray
    training: GramMatrices
    everything: GramMatrices
    n_windows: float
    most_growth: float
    gain: GateResult
    folds: Sequence[FoldMaps] = ()
    errors: Sequence[FoldErrors] = ()

    def solve(self) -> tuple[np.ndarray, np.ndarray]:
        """Solve the maps.

        The newest rows say most about those that follow, so that maps are solved once more on all origins. One that
        grows too much by that, to explain an outlier or a constant's first steps, stays as it was.

        Returns
        -------
        fitted, refitted : ndarray of shape (n_maps, lookback, horizon)
            On the training origins, so that the validation origins can judge them, and on all.
        """
        before, after = (
            solve_candidates(matrices, self.n_windows, self.candidates, self.weights, self.lookback)
            for matrices in (self.training, self.everything)
        )
        squares = [np.square(kernel).sum(axis=(1, 2), keepdims=True) for kernel in (before, after)]
        return before, np.where(squares[1] > self.most_growth * squares[0], before, after)


def fit_mixture(rows: np.ndarray, origins: Origins, lookbacks: Sequence[int], settings: LinearModel) -> MixtureFit:
    """Choose a mixture of ridge regressions on windows of several lengths: a lookback, its half, quarter and so on.

    A mixture of linear maps is a linear map, of the longest window. Candidates err in different ways, so that their
    mixture errs less than the best of them. Strengths, weights and the lookback are those that serve the validation
    origins best, and with them up to three folds of the training origins, each forecast by maps of the origins before
    it. Where the mixture gains no more over repeating the newest row than chance would give, it is mixed with
    that.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_targets)
        Standardised targets, series one behind the other.
    origins : Origins
        Without validation origins nothing is chosen: maps of the first kind and the longest lookback, whose strengths
        and weights are cautious ones.
    lookbacks : sequence of int
        To choose from.
    settings : LinearModel
        Of this and its parts.

    Returns
    -------
    MixtureFit
        Of the lookback chosen.

    References
    ----------
    .. [1] Bates and Granger (1969), The Combination of Forecasts.
    """
    longest, horizon, own = max(lookbacks), origins.horizon, settings.mixture
    kinds = settings.kinds if any(origins.validation) else settings.kinds[:1]
    maps = _group(rows, origins.training, longest, horizon, kinds, own)
    if not maps.any():
        kinds = ("shared",)
    summing = relative_gram_matrices(rows, origins.training, longest, horizon, maps, own, origins.observed)
    if not any(origins.validation):
        return _fit_untested(summing(origins.training), maps, longest, kinds[0], origins.season_length, own)
    folds, training, everything = cut_folds(summing, origins.training, origins.validation, horizon, own.n_folds)
    few = sum(map(len, origins.training)) <= own.few_windows
    lengths = sorted({length for lookback in lookbacks for length in halve(lookback, own.n_lengths)}, reverse=True)
    errors = evaluate_candidates(folds, lengths, kinds, origins.season_length, few, own)
    lookback, weights, unseen = choose_lookback(errors, lookbacks, own)
    steps = folds[0].held_out.steps
    fold_maps = [
        FoldMaps(_mix(kernels, of_fold, lookback), maps, steps, fold.origins)
        for kernels, of_fold, fold in zip(errors.kernels, unseen, folds, strict=True)
    ]
    scales = window_scales(rows, longest, own.scale_power)
    errors_of = partial(out_of_fold_errors, rows, scales=scales, settings=settings, observed=origins.observed)
    fold_errors = errors_of(fold_maps)
    candidates = list(errors.candidates)
    if few:
        structural, shares = _structural_candidates(kinds[-1], training.shorten(lookback), origins.season_length, own)
        kernel = solve_candidates(training, 1.0, structural, shares, lookback)[..., steps]
        unfitted = [replace(fold, kernel=np.broadcast_to(kernel, fold.kernel.shape)) for fold in fold_maps]
        odds = _structural_odds(folds[-1].before, lookback, own)
        leaning = _weigh_against(fold_errors, errors_of(unfitted), maps, odds, own)
        fold_maps = _mix_with(fold_maps, kernel, leaning)
        fold_errors = errors_of(fold_maps)
        candidates += structural
        weights = np.concatenate([(1 - leaning) * weights, leaning * shares])
    result, factors = _compare_with_repetition(rows, fold_errors, maps, horizon, len(lookbacks), settings)
    newest = as_kernel(np.zeros((1, 1, len(steps))), lookback)
    shrunk = _mix_with(fold_maps, newest, 1 - factors)
    if (factors < 1).any():
        fold_errors = errors_of(shrunk)
    return MixtureFit(
        lookback=lookback,
        maps=maps,
        candidates=[*candidates, REPETITION],
        weights=np.concatenate([factors * weights, [1 - factors]]),
        training=training,
        everything=everything,
        n_windows=float(np.mean([fold.before.n_windows for fold in folds])),
        most_growth=own.most_growth,
        gain=result,
        folds=shrunk,
        errors=fold_errors,
    )


def _group(
    rows: np.ndarray,
    training: Sequence[range],
    lookback: int,
    horizon: int,
    kinds: Sequence[str],
    settings: MixtureSettings,
) -> np.ndarray:
    """Return the map of each target, of as many as there are to be; all that never move share one."""
    groups = np.arange(rows.shape[1])
    if "per_feature" not in kinds:
        n_groups = count_affordable(lookback, horizon, settings.most_entries) if "grouped" in kinds else 1
        shorter = min(lookback, settings.cluster_lookback)
        groups = group_alike(rows, training, shorter, n_groups, settings.cluster_windows)
    still = find_constant(rows)
    return np.unique(np.where(still, groups[still.argmax()], groups), return_inverse=True)[1]


def _fit_untested(
    matrices: GramMatrices, maps: np.ndarray, lookback: int, kind: str, season_length: int | None, own: MixtureSettings
) -> MixtureFit:
    """Return a mixture without out-of-fold errors: of structural models, and of ridges that explain nothing by chance.

    Ridges count by their length, and all of them the more, the more windows there are.
    """
    structural, weights = _structural_candidates(kind, matrices, season_length, own)
    lengths, ridges = halve(lookback, own.n_lengths), []
    for length in lengths:
        shortened = of_kind(kind, matrices.shorten(length))
        strengths = [Ridge(_cautious_strength(shortened.feature(f), own)) for f in range(len(shortened.inputs))]
        ridges.append(Candidate(length, kind, strengths, np.arange(len(strengths))))
    share = 1 / (1 + _structural_odds(matrices, lookback, own))
    by_length = np.broadcast_to(np.array(lengths)[:, None] / sum(lengths), (len(lengths), weights.shape[1]))
    candidates, shares = [*structural, *ridges], np.concatenate([(1 - share) * weights, share * by_length])
    return MixtureFit(
        lookback=lookback,
        maps=maps,
        candidates=candidates,
        weights=shares,
        training=matrices,
        everything=matrices,
        n_windows=matrices.n_windows,
        most_growth=own.most_growth,
        gain=not_kept("no validation rows"),
    )


def _cautious_strength(matrices: GramMatrices, settings: MixtureSettings) -> float:
    """Return a strength for one feature's ridge by what it has to explain.

    If outcomes were noise and the weights' squares summed to one, it would be their variance times the length: few
    windows could be explained by any map. Most outcomes hold less noise.
    """
    lookback, least = matrices.inputs.shape[1], settings.alphas[0]
    inputs, outcomes = (np.trace(products[0]) / len(products[0]) for products in (matrices.inputs, matrices.outcomes))
    if not inputs:
        return least
    return max(least, float(settings.noise * lookback * outcomes / (inputs * matrices.n_windows)))


def _structural_candidates(
    kind: str, matrices: GramMatrices, season_length: int | None, settings: MixtureSettings
) -> tuple[list[Candidate], np.ndarray]:
    """Return structural models, which fit nothing, and their weights (n_models, n_maps) by their errors."""
    matrices = of_kind(kind, matrices).at_scored()
    n_maps, length, _ = matrices.cross.shape
    ridges = [Ridge(np.inf, structure) for structure in list_structures(length, season_length, settings)]
    errors = np.array([matrices.squared_errors(ridge.centre(matrices)[None]).mean(axis=1) for ridge in ridges])
    errors = np.maximum(errors, 1e-12)
    shares = (errors.min(axis=0) / errors) ** settings.discount
    found = [Candidate(length, kind, [ridge], np.zeros(n_maps, int)) for ridge in ridges]
    return found, shares / shares.sum(axis=0)


def _structural_odds(matrices: GramMatrices, lookback: int, settings: MixtureSettings) -> float:
    """Return the odds of structural models against ridges that so many windows tell, before errors are seen."""
    return float(settings.structural_windows * lookback / matrices.n_windows) ** settings.discount


def _weigh_against(
    fitted: Sequence[FoldErrors],
    fixed: Sequence[FoldErrors],
    maps: np.ndarray,
    prior: float,
    settings: MixtureSettings,
) -> np.ndarray:
    """Return how much of each map the second forecasts should make, by errors and by their prior odds."""
    losses = [
        np.average(
            [fold.losses(absolute=False).mean(axis=0) for fold in folds],
            axis=0,
            weights=[len(f.origins) for f in folds],
        )
        for folds in (fitted, fixed)
    ]
    of_map = [np.array([loss[maps == i].mean() for i in range(maps.max() + 1)]) for loss in losses]
    first, second = (np.maximum(loss, 1e-12) ** -settings.discount for loss in of_map)
    return prior * second / (first + prior * second)


def _mix_with(folds: Sequence[FoldMaps], kernel: np.ndarray, shares: np.ndarray) -> list[FoldMaps]:
    """Return maps of folds of which each has a share of another map, (n_maps,)."""
    return [replace(fold, kernel=fold.kernel + shares[:, None, None] * (kernel - fold.kernel)) for fold in folds]


def _mix(kernels: Sequence[np.ndarray], weights: np.ndarray, lookback: int) -> np.ndarray:
    """Return the mixture of one fold's candidates: (n_maps, lookback, n_steps)."""
    sums = np.zeros((weights.shape[1], lookback, kernels[0].shape[2]))
    for kernel, weight in zip(kernels, weights, strict=True):
        if weight.any():
            sums[:, lookback - kernel.shape[1] :] += weight[:, None, None] * kernel
    return sums


def _compare_with_repetition(
    rows: np.ndarray,
    errors: Sequence[FoldErrors],
    maps: np.ndarray,
    horizon: int,
    n_lookbacks: int,
    settings: LinearModel,
) -> tuple[GateResult, np.ndarray]:
    """Test the gain over repeating the newest row, of all maps together: return it, and the factor of each map.

    A random walk looks on any one stretch as if something older than its newest row told its future. A map's own gains
    and those of all count alike in its factor: 1 where that is significant, else the shrinkage factor.
    """
    repeated = []
    for fold in errors:
        outcomes = rows[fold.origins[:, None] + 1 + fold.steps].transpose(0, 2, 1)
        repeated.append(fold.with_errors(rows[fold.origins][:, :, None] - outcomes))
    test = partial(gate_gain, repeated, errors, horizon, settings, n_tries=n_lookbacks, measures=(False,))
    result, testable = test()
    factors = np.ones(maps.max() + 1)
    for i in range(len(factors)):
        of_map, _ = test(targets=(slice(None), np.flatnonzero(maps == i)))
        factors[i] = _factor(of_map, testable, settings.level)
    return result, factors


def _factor(result: GateResult, testable: bool, level: float) -> float:
    """Return how much of a gain to take: all that is significant; of the rest, what shrinkage leaves.

    Two or three blocks leave nothing by the distribution of t: they are tested and shrunk as if their variance were
    known. One block tells nothing, and the mixture is the better guess.
    """
    if result.kept or result.n_blocks < 2:
        return 1.0
    if testable:
        return result.shrinkage
    t = result.gain / max(result.standard_error, 1e-12)
    if 1 - ndtr(t) ** result.n_tries <= level:
        return 1.0
    return max(0.0, 1 - 1 / t**2) if t > 0 else 0.0
