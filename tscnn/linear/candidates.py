"""Ridge regressions on windows of several lengths, whose strengths and shares each band of the horizon chooses."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

from tscnn.common.threads import map_in_threads
from tscnn.linear.bands import Bands
from tscnn.linear.folds import Fold
from tscnn.linear.gram import WindowMoments
from tscnn.linear.ridge import as_kernel, solve_ridge
from tscnn.linear.structural import Structure, structural_map

__all__ = [
    "Contest",
    "Part",
    "Ridge",
    "hold_contest",
    "mixture_shares",
    "of_kind",
    "solve_parts",
]

ALPHAS = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0)  # strengths of the ridge, to choose from
MEAN_ALPHAS = (100.0, np.inf)  # of those of which little or nothing but the window's mean and its season's is left
WEEK = 7  # seasons that may be one
SEASONAL_ALPHAS = (0.03, 0.3, 3.0, 30.0, 300.0)  # of those that draw to repeating the season
STRUCTURAL_ALPHAS = (0.3, 3.0, 30.0, 300.0)  # of those that draw to other structural models' forecasts
LEVELS = (0.03, 0.3, 3.0)  # of these models
DRIFTS = (0.0, 0.3)  # of their seasons
REPEATING = 1e9  # drift of a season of which only the newest one counts
TOLERANCE = 0.005  # of squared error, for the sake of a lesser strength: folds have fewer windows than what is solved
DISCOUNT = 3  # power of a part's squared error in inverse proportion to which it shares, if correlations tell nothing
WIDTH = 0.03  # of `WindowMoments.pool_alike`, for maps of single features


class Ridge(NamedTuple):
    """The regularisation of a regression."""

    alpha: float
    structure: Structure | None = None  # whose forecast it draws to, instead of the window's mean

    def solve(self, moments: WindowMoments, waves: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Solve one feature's regression.

        Parameters
        ----------
        moments : WindowMoments
            Of one feature, step by step or `in_waves`.
        waves : slice or ndarray of bool, default all
            Which of them to solve for.

        Returns
        -------
        ndarray of shape (1, lookback, n_waves)
            The map from a window relative to its mean.
        """
        centre = self.centre(moments)[:, waves]
        return solve_ridge(replace(moments, cross=moments.cross[:, :, waves]), self.alpha, centre)

    def centre(self, moments: WindowMoments) -> np.ndarray:
        """Return what it draws to.

        Parameters
        ----------
        moments : WindowMoments
            As in `solve`.

        Returns
        -------
        ndarray of shape (lookback, n_waves)
            As in `solve`.
        """
        if self.structure is None:
            return np.zeros(moments.cross.shape[1:])
        forecast = structural_map(self.structure, moments.cross.shape[1], tuple(moments.steps.tolist()))
        return forecast if moments.waves is None else moments.waves.to_waves(forecast)


@dataclass(frozen=True)
class Part:
    """A ridge regression of a mixture, in waves of the horizon."""

    length: int  # of its windows
    kind: str  # of `of_kind`
    ridges: Sequence[Ridge]  # to choose from
    chosen: np.ndarray  # (n_bands, 1 or n_features): which of them
    overall: np.ndarray  # (1 or n_features,): which of them for all bands together


@dataclass(frozen=True)
class Contest:
    """Parts for a mixture, and how their errors go together on each fold."""

    parts: Sequence[Part]
    products: np.ndarray  # (n_folds, n_bands, n_features, n_parts, n_parts): sums of products of errors
    n_errors: np.ndarray  # (n_folds, n_bands): how many of them hardly depend on each other
    kernels: Sequence[Sequence[np.ndarray]]  # of each fold and part, (1 or n_features, length, n_waves)
    bands: Bands  # whose waves they are


def hold_contest(
    folds: Sequence[Fold],
    lengths: Sequence[int],
    kinds: Sequence[str],
    seasonality: int | None,
    few: bool,
    bands: Bands,
) -> Contest:
    """Choose the ridge of each part and band over all folds, and measure how the parts' errors go together on each.

    Parameters
    ----------
    folds : sequence of Fold
        Of `fold_moments`.
    lengths : sequence of int
        Of windows.
    kinds : sequence of str
        Of `of_kind`.
    seasonality : int or None
        Rows of a season.
    few : bool
        Whether windows are few, so that ridges that draw to other structural models' forecasts compete, too. Then parts
        differ so much that the correlations of their errors are taken as they are.
    bands : Bands
        Of the horizon, that have strengths of their own.

    Returns
    -------
    Contest
        Two parts for each length and kind: what follows the window closely, and what hardly does more than repeat its
        mean and those of the rows of its season, of a day or a week. Of few windows, a third one for each that sees a
        season, and a fourth where it sees two.
    """
    n_steps = len(folds[0].judged.steps)
    constant, of_bands = bands.to_waves(np.ones(n_steps)), bands.slices(n_steps)
    parts: list[Part] = []
    kernels: list[list[np.ndarray]] = [[] for _ in folds]
    for length in lengths:
        rivals = _list_rivals(length, seasonality, few)
        listed, ends = list(itertools.chain(*rivals)), np.cumsum([len(ridges) for ridges in rivals])[:-1]
        shortened = [tuple(m.shorten(length).in_waves(bands) for m in (fold.fitted, fold.judged)) for fold in folds]
        for kind in kinds:
            errors, maps = zip(*map_in_threads(partial(_try, listed, kind), shortened), strict=True)
            divided = [np.split(of_all, ends) for of_all in (sum(errors), *maps)]
            for ridges, summed, *rivalling in zip(rivals, *divided, strict=True):
                chosen = np.stack([_best(summed[:, :, band]) for band in of_bands])
                parts.append(Part(length, kind, ridges, chosen, _best(summed[:, :, :n_steps])))
                of_wave = bands.by_wave(chosen, n_steps)[None, :, None]
                for found, of_fold in zip(kernels, rivalling, strict=True):
                    found.append(as_kernel(np.take_along_axis(of_fold, of_wave, axis=0)[0], length, constant))
    products = [
        fold.judged.n_windows * fold.judged.in_waves(bands).error_products(found, of_bands)
        for fold, found in zip(folds, kernels, strict=True)
    ]
    n_errors = np.array([_count_errors(fold, bands) for fold in folds])
    return Contest(parts, np.array(products), np.full(n_errors.shape, np.inf) if few else n_errors, kernels, bands)


def solve_parts(
    moments: WindowMoments,
    n_windows: float,
    parts: Sequence[Part],
    shares: np.ndarray,
    lookback: int,
    bands: Bands,
) -> np.ndarray:
    """Solve each part, and add them up.

    Parameters
    ----------
    moments : WindowMoments
        To solve on, of all steps.
    n_windows : float
        On which the strengths were chosen: they stay the same in absolute units.
    parts : sequence of Part
        Of a contest.
    shares : ndarray of shape (n_parts, n_bands, 1 or n_features)
        Of each in the sum.
    lookback : int
        Rows that the map sees.
    bands : Bands
        In which parts have strengths and shares.

    Returns
    -------
    ndarray of shape (1 or n_features, lookback, horizon)
        A map of raw rows.
    """
    horizon, more = moments.cross.shape[2], moments.n_windows / n_windows
    constant = bands.to_waves(np.ones(horizon))
    n_maps = max(shares.shape[2], *(part.chosen.shape[1] for part in parts))
    kernel = np.zeros((n_maps, lookback, len(constant)))
    for part, share in zip(parts, shares, strict=True):
        if not share.any():
            continue
        shortened = of_kind(part.kind, moments.shorten(part.length)).in_waves(bands)
        maps = np.empty(shortened.cross.shape)
        for f, chosen in enumerate(bands.by_wave(part.chosen, horizon)):
            for i in np.unique(chosen):
                ridge = part.ridges[i]._replace(alpha=part.ridges[i].alpha / more)
                maps[f, :, chosen == i] = ridge.solve(shortened.feature(f), chosen == i)[0].T
        newest = kernel[:, lookback - part.length :]
        newest += bands.by_wave(share, horizon)[:, None] * as_kernel(maps, part.length, constant)
    return as_kernel(bands.to_steps(kernel, horizon), lookback)  # or weights sum to one but for rounding


def mixture_shares(products: np.ndarray, n_errors: np.ndarray) -> np.ndarray:
    """Find the shares in the mixture with the least squared error.

    The correlations of the parts' errors count as far as they are not chance. Without them shares would be in inverse
    proportion to a power of the squared errors.

    Parameters
    ----------
    products : ndarray of shape (n_bands, n_features, n_parts, n_parts)
        Of some folds and parts of a contest.
    n_errors : ndarray of shape (n_bands,)
        How many errors are behind them that hardly depend on each other; infinite where nothing is chance.

    Returns
    -------
    ndarray of shape (n_parts, n_bands, n_features)
        In each band they are not negative, and one in all. A feature's own errors count in its shares as much as those
        of all features do.

    References
    ----------
    .. [1] Chen, Wiesel, Eldar and Hero (2010), Shrinkage Algorithms for MMSE Covariance Estimation.
    """
    shares = np.empty(products.shape[:3])
    for found, of_band, n in zip(shares, products, n_errors, strict=True):
        common = _in_own_unit(of_band.mean(axis=0))
        found[:] = [_least_squares_shares(_shrink(_in_own_unit(own) + common, n)) for own in of_band]
    return np.moveaxis(shares, -1, 0)


def of_kind(kind: str, moments: WindowMoments) -> WindowMoments:
    """Return what maps of a kind are solved on.

    Parameters
    ----------
    kind : {"shared", "per_feature", "grouped"}
        One map for all features, or one for each that `moments` have.
    moments : WindowMoments
        Of all features.

    Returns
    -------
    WindowMoments
        Of one feature, or of as many.
    """
    return moments.mean() if kind == "shared" else moments.pool_alike(WIDTH)


def _list_rivals(length: int, seasonality: int | None, few: bool) -> list[list[Ridge]]:
    """List the ridges that compete for each of the parts on windows of one length."""
    season = seasonality or 1
    seen = [rows for rows in (season, WEEK * season) if season > 1 and rows <= length // 2]
    means: list[Structure | None] = [Structure(0.0, rows, 0.0) for rows in seen]
    rivals = [
        [Ridge(alpha) for alpha in ALPHAS],
        [Ridge(alpha, mean) for alpha in MEAN_ALPHAS for mean in means or [None]],
    ]
    if few and 1 < season <= length:
        repetition = Structure(0.0, season, REPEATING)
        rivals.append([Ridge(alpha, repetition) for alpha in SEASONAL_ALPHAS])
    if few and 1 < season <= length // 2:
        structures = [Structure(level, season, drift) for level in LEVELS for drift in DRIFTS]
        rivals.append([Ridge(alpha, structure) for alpha in STRUCTURAL_ALPHAS for structure in structures])
    return [ridges for ridges in rivals if ridges]


def _try(
    ridges: Sequence[Ridge], kind: str, moments: tuple[WindowMoments, WindowMoments]
) -> tuple[np.ndarray, np.ndarray]:
    """Solve maps on the first moments: return their errors on the others, and them, (ridges, maps, lookback, waves)."""
    fitted, judged = moments
    fitted, judged = of_kind(kind, fitted), judged.mean() if kind == "shared" else judged
    maps = np.stack([_solve_all(ridges, fitted.feature(f)) for f in range(len(fitted.inputs))], axis=1)
    return judged.n_windows * np.stack([judged.squared_errors(weights) for weights in maps]), maps


def _solve_all(ridges: Sequence[Ridge], moments: WindowMoments) -> np.ndarray:
    """Solve one feature's regression by each ridge, those of one strength at once: (ridges, lookback, waves)."""
    solved: list[np.ndarray] = []
    for alpha, alike in itertools.groupby(ridges, key=lambda ridge: ridge.alpha):
        centres = [ridge.centre(moments) for ridge in alike]
        repeated = replace(moments, cross=np.tile(moments.cross, len(centres)))
        solved += np.split(solve_ridge(repeated, alpha, np.hstack(centres))[0], len(centres), axis=1)
    return np.stack(solved)


def _count_errors(fold: Fold, bands: Bands) -> np.ndarray:
    """Return how many errors of each band hardly depend on each other: those a half-wave apart."""
    steps = fold.judged.steps  # evenly spread
    origins_apart = bands.spans(len(steps)) * (int(steps[-1]) + 1) / len(steps)
    return np.asarray(sum(map(len, fold.origins)) / origins_apart)


def _best(errors: np.ndarray) -> np.ndarray:
    """Return the first ridge of each feature that errs hardly more than the best one: (ridges, features, waves)."""
    errors = errors.sum(axis=2)
    return np.asarray(np.argmax(errors <= (1 + TOLERANCE) * errors.min(axis=0), axis=0))


def _in_own_unit(products: np.ndarray) -> np.ndarray:
    """Return products with a trace of one, or all zero where a series is constant.

    Of one that maps forecast exactly, such as a counter, rounding is left, which can be negative.
    """
    squares, axes = np.linalg.eigh(products)
    squares = np.maximum(squares, 0)
    return np.asarray((axes * squares) @ axes.T / (squares.sum() or 1.0))


def _shrink(products: np.ndarray, n_errors: float) -> np.ndarray:
    """Return products that hold as much of their correlations as is not chance, by oracle approximating shrinkage."""
    squares = np.diag(products)
    if not squares.all():
        return products
    square = np.mean(np.square(products) / np.outer(squares, squares))
    chance = min(1, (square + 1) / ((n_errors + 1) * max(square - 1 / len(squares), 1e-9)))
    unrelated = np.diag(squares * (squares / squares.mean()) ** (DISCOUNT - 1))
    return np.asarray((1 - chance) * products + chance * unrelated)


def _least_squares_shares(products: np.ndarray) -> np.ndarray:
    """Minimise the squared error over shares that are not negative and one in all."""
    # They are in proportion to the u >= 0 that minimises u'Qu - 2 sum(u).
    n = len(products)
    factor = cholesky(products * n + 0.02 * np.eye(n))  # leaning a little towards equal shares
    shares, _ = nnls(factor, solve_triangular(factor, np.ones(n), trans="T"))
    shares = np.where(shares < 0.01 * shares.sum(), 0, shares)
    return np.asarray(shares / shares.sum())
