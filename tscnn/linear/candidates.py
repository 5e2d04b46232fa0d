"""Candidates for a mixture: ridge regressions on windows of several lengths, tuned on folds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from tscnn.common.threads import map_in_threads
from tscnn.linear.folds import Fold
from tscnn.linear.gram import GramMatrices
from tscnn.linear.ridge import as_kernel, solve_ridge
from tscnn.linear.settings import MixtureSettings
from tscnn.linear.structural import Structure, structural_map
from tscnn.statistics.influence import limit_influence

__all__ = ["Candidate", "CandidateErrors", "Ridge", "evaluate_candidates", "list_structures", "solve_candidates"]

REPEATING = 1e9  # change of a seasonal effect of which only the newest season counts


class Ridge(NamedTuple):
    """The penalty of a ridge regression.

    Attributes
    ----------
    alpha : float
        Strength, relative to the mean square of an input.
    structure : Structure or None
        Whose forecast weights are shrunk to; None for the window's mean.
    """

    alpha: float
    structure: Structure | None = None

    def solve(self, matrices: GramMatrices) -> np.ndarray:
        """Solve one feature's regression.

        Parameters
        ----------
        matrices : GramMatrices
            Of one feature.

        Returns
        -------
        ndarray of shape (1, lookback, n_steps)
            The map from a window relative to its mean.
        """
        return solve_ridge(matrices, self.alpha, self.centre(matrices))

    def centre(self, matrices: GramMatrices) -> np.ndarray:
        """Return the weights that it shrinks to.

        Parameters
        ----------
        matrices : GramMatrices
            As in `solve`.

        Returns
        -------
        ndarray of shape (lookback, n_steps)
            As in `solve`.
        """
        if self.structure is None:
            return np.zeros(matrices.cross.shape[1:])
        return structural_map(self.structure, matrices.cross.shape[1], tuple(matrices.steps.tolist()))


@dataclass(frozen=True)
class Candidate:
    """A ridge regression that a mixture may hold, whose penalty is chosen for each map.

    Attributes
    ----------
    length : int
        Rows of its windows.
    kind : {"shared", "per_feature", "grouped"}
        One map for all features, or one for each that Gram matrices have.
    ridges : sequence of Ridge
        Penalties to choose from.
    chosen : ndarray of int of shape (1 or n_features,)
        Which of them.
    pooling : float, default 0.0
        Of `of_kind`.
    """

    length: int
    kind: str
    ridges: Sequence[Ridge]
    chosen: np.ndarray
    pooling: float = 0.0


@dataclass(frozen=True)
class CandidateErrors:
    """Candidates, and how their out-of-fold errors go together.

    Attributes
    ----------
    candidates : sequence of Candidate
        Tuned over all folds.
    products : ndarray of shape (n_folds, n_features, n_candidates, n_candidates)
        Sums of products of errors.
    kernels : sequence of sequence of ndarray of shape (1 or n_features, length, n_steps)
        Of each fold and candidate, solved on the origins before the fold.
    """

    candidates: Sequence[Candidate]
    products: np.ndarray
    kernels: Sequence[Sequence[np.ndarray]]


def evaluate_candidates(
    folds: Sequence[Fold],
    lengths: Sequence[int],
    kinds: Sequence[str],
    season_length: int | None,
    few: bool,
    settings: MixtureSettings,
) -> CandidateErrors:
    """Tune each candidate over all folds, and measure how errors go together on each fold.

    Parameters
    ----------
    folds : sequence of Fold
        Oldest first.
    lengths : sequence of int
        Rows of windows.
    kinds : sequence of {"shared", "per_feature", "grouped"}
        Of maps.
    season_length : int or None
        Rows of a season.
    few : bool
        Whether windows are few, so that ridges that shrink to structural models compete, too.
    settings : MixtureSettings
        Of the mixture.

    Returns
    -------
    CandidateErrors
        A candidate for each length and kind that follows the window closely. Of many windows a second one that hardly
        does more than repeat its mean and those of the rows of its season, of a day or a week; of few windows one for
        each that sees a season, and another where it sees two.
    """
    candidates: list[Candidate] = []
    kernels: list[list[np.ndarray]] = [[] for _ in folds]
    for length in lengths:
        grids = _list_penalties(length, season_length, few, settings)
        listed, ends = list(itertools.chain(*grids)), np.cumsum([len(ridges) for ridges in grids])[:-1]
        shortened = [tuple(m.shorten(length) for m in (fold.before, fold.held_out)) for fold in folds]
        for kind in kinds:
            errors, maps = zip(
                *map_in_threads(partial(_solve_and_score, listed, kind, settings.pooling), shortened), strict=True
            )
            divided = [np.split(of_all, ends) for of_all in (sum(errors), *maps)]
            for ridges, summed, *of_folds in zip(grids, *divided, strict=True):
                chosen = _best(summed, settings.tolerance)
                candidates.append(Candidate(length, kind, ridges, chosen, settings.pooling))
                for found, tried in zip(kernels, of_folds, strict=True):
                    found.append(as_kernel(tried[chosen, np.arange(len(chosen))], length))
    products = [
        fold.held_out.n_windows * fold.held_out.error_products(found)
        for fold, found in zip(folds, kernels, strict=True)
    ]
    return CandidateErrors(candidates, np.array(products), kernels)


def solve_candidates(
    matrices: GramMatrices,
    n_windows: float,
    candidates: Sequence[Candidate],
    weights: np.ndarray,
    lookback: int,
) -> np.ndarray:
    """Solve each candidate, and add them up by their weights.

    Parameters
    ----------
    matrices : GramMatrices
        To solve on, of all steps.
    n_windows : float
        On which strengths were chosen: they stay the same in absolute units.
    candidates : sequence of Candidate
        Of `evaluate_candidates`.
    weights : ndarray of shape (n_candidates, 1 or n_features)
        Of each in the sum.
    lookback : int
        Rows that the map sees.

    Returns
    -------
    ndarray of shape (1 or n_features, lookback, horizon)
        A map of raw rows.
    """
    horizon, more = matrices.cross.shape[2], matrices.n_windows / n_windows
    n_maps = max(weights.shape[1], *(len(candidate.chosen) for candidate in candidates))
    kernel = np.zeros((n_maps, lookback, horizon))
    for candidate, weight in zip(candidates, weights, strict=True):
        if not weight.any():
            continue
        shortened = of_kind(candidate.kind, matrices.shorten(candidate.length), candidate.pooling)
        ridges = [candidate.ridges[i] for i in candidate.chosen]
        maps = np.concatenate(
            [ridge._replace(alpha=ridge.alpha / more).solve(shortened.feature(f)) for f, ridge in enumerate(ridges)]
        )
        kernel[:, lookback - candidate.length :] += weight[:, None, None] * as_kernel(maps, candidate.length)
    return as_kernel(kernel, lookback)  # or weights sum to one but for rounding


def of_kind(kind: str, matrices: GramMatrices, pooling: float = 0.0) -> GramMatrices:
    """Return what maps of a kind are solved on.

    Parameters
    ----------
    kind : {"shared", "per_feature", "grouped"}
        One map for all features, or one for each that `matrices` have.
    matrices : GramMatrices
        Of all features.
    pooling : float, default 0.0
        Of `GramMatrices.pool`; 0 pools nothing.

    Returns
    -------
    GramMatrices
        Of one feature, or of as many.
    """
    if kind == "shared":
        return matrices.mean()
    return matrices.pool(pooling) if pooling and len(matrices.inputs) > 1 else matrices


def _list_penalties(length: int, season_length: int | None, few: bool, settings: MixtureSettings) -> list[list[Ridge]]:
    """List the grid of penalties of each candidate on windows of one length."""
    season, variance = season_length or 1, settings.season_variances[0]
    seen = [rows for rows in (season, settings.week * season) if season > 1 and rows <= length // 2]
    means: list[Structure | None] = [Structure(0.0, rows, 0.0, variance) for rows in seen]
    grids = [[Ridge(alpha) for alpha in settings.alphas]]
    if not few:
        grids.append([Ridge(alpha, mean) for alpha in settings.mean_alphas for mean in means or [None]])
    if few and 1 < season <= length:
        repetition = Structure(0.0, season, REPEATING, variance)
        grids.append([Ridge(alpha, repetition) for alpha in settings.seasonal_alphas])
    if few and 1 < season <= length // 2:
        structures = list_structures(length, season, settings)
        grids.append([Ridge(alpha, structure) for alpha in settings.structural_alphas for structure in structures])
    return [ridges for ridges in grids if ridges]


def list_structures(length: int, season_length: int | None, settings: MixtureSettings) -> list[Structure]:
    """List the structural models of which windows of a length can tell the season, or those without one.

    Parameters
    ----------
    length : int
        Rows of a window.
    season_length : int or None
        Rows of a season.
    settings : MixtureSettings
        For the variances.

    Returns
    -------
    list of Structure
        With every combination of variances.
    """
    season, changes, variances = season_length or 1, settings.season_changes, settings.season_variances
    if not 1 < season <= length:
        season, changes, variances = 1, (0.0,), (0.0,)
    combined = itertools.product(settings.level_variances, changes, variances, settings.trends)
    return [Structure(level, season, change, variance, trend) for level, change, variance, trend in combined]


def _solve_and_score(
    ridges: Sequence[Ridge], kind: str, pooling: float, matrices: tuple[GramMatrices, GramMatrices]
) -> tuple[np.ndarray, np.ndarray]:
    """Solve on the first matrices: return sums of squared errors on the others, and maps.

    Errors are of shape (ridges, maps), maps of (ridges, maps, lookback, steps).
    """
    before, held_out = of_kind(kind, matrices[0], pooling), matrices[1]
    if kind == "shared":
        held_out = _limit_growth(*matrices).mean()
    maps = np.stack([_solve_all(ridges, before.feature(f)) for f in range(len(before.inputs))], axis=1)
    return held_out.n_windows * np.stack([held_out.squared_errors(weights).sum(axis=1) for weights in maps]), maps


def _limit_growth(before: GramMatrices, held_out: GramMatrices) -> GramMatrices:
    """Let features whose held-out outcomes are much larger than those before, next to others', count less."""
    squares, held = (np.trace(each.outcomes, axis1=1, axis2=2) / max(each.n_windows, 1) for each in (before, held_out))
    shares = limit_influence(np.maximum(held, 0) / np.maximum(squares, max(np.median(squares), 1e-12)))
    return held_out if (shares == 1).all() else held_out.weigh(shares)


def _solve_all(ridges: Sequence[Ridge], matrices: GramMatrices) -> np.ndarray:
    """Solve one feature's regression by each ridge, those of one strength at once: (ridges, lookback, steps)."""
    solved: list[np.ndarray] = []
    for alpha, alike in itertools.groupby(ridges, key=lambda ridge: ridge.alpha):
        centres = [ridge.centre(matrices) for ridge in alike]
        repeated = replace(matrices, cross=np.tile(matrices.cross, len(centres)))
        solved += np.split(solve_ridge(repeated, alpha, np.hstack(centres))[0], len(centres), axis=1)
    return np.stack(solved)


def _best(errors: np.ndarray, tolerance: float) -> np.ndarray:
    """Return the first ridge of each feature that errs hardly more than the best one: (ridges, features)."""
    return np.asarray(np.argmax(errors <= (1 + tolerance) * errors.min(axis=0), axis=0))
