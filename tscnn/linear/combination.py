"""Weights of the candidates of a mixture, from their out-of-fold errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from tscnn.linear.candidates import CandidateErrors
from tscnn.linear.settings import MixtureSettings
from tscnn.statistics.influence import limit_influence

__all__ = ["choose_lookback", "combination_weights", "halve"]


def halve(lookback: int, n_lengths: int) -> list[int]:
    """List the lengths of the windows of a mixture.

    Parameters
    ----------
    lookback : int
        Rows of the longest.
    n_lengths : int
        At most.

    Returns
    -------
    list of int
        The lookback, its half, quarter and so on.

    Examples
    --------
    >>> halve(96, 6), halve(3, 6)
    ([96, 48, 24, 12, 6, 3], [3, 1])
    """
    return [lookback >> halvings for halvings in range(min(n_lengths, lookback.bit_length()))]


def choose_lookback(
    errors: CandidateErrors, lookbacks: Sequence[int], settings: MixtureSettings
) -> tuple[int, np.ndarray, list[np.ndarray]]:
    """Choose the lookback whose mixture errs least, the shorter of equals.

    Weights are the mean of those that leave out one fold each, which chance moves less than those of all folds. They
    flatter the folds that they were found on, the more, the more candidates a lookback has; those that have not seen a
    fold don't, but have seen less. So errors by both count alike. No feature counts more than ten times the median one.

    Parameters
    ----------
    errors : CandidateErrors
        Of candidates on the windows of all lookbacks.
    lookbacks : sequence of int
        To choose from.
    settings : MixtureSettings
        Of the mixture.

    Returns
    -------
    lookback : int
        The one chosen.
    weights : ndarray of shape (n_candidates, n_features)
        Of all candidates in its mixture.
    out_of_fold : list of ndarray of the same shape
        The weights that have not seen a fold, one a fold.
    """
    mixtures, folds = [], np.arange(len(errors.products))
    for lookback in sorted(lookbacks):
        others = [np.delete(folds, i) if len(folds) > 1 else folds for i in folds]
        out_of_fold = [_weights_of(errors, of_others, lookback, settings) for of_others in others]
        weights = np.mean(out_of_fold, axis=0)
        error = sum(
            np.einsum("cf,fcd,df->f", by, products, by)
            for unseen, products in zip(out_of_fold, errors.products, strict=True)
            for by in (weights, unseen)
        )
        mixtures.append((error, lookback, weights, out_of_fold))
    by_feature = np.array([error for error, *_ in mixtures])
    totals = (by_feature * limit_influence(np.maximum(by_feature.max(axis=0), 0))).sum(axis=1)
    return mixtures[int(totals.argmin())][1:]


def combination_weights(products: np.ndarray, settings: MixtureSettings) -> np.ndarray:
    """Find the weights of the mixture with the least squared error.

    Parameters
    ----------
    products : ndarray of shape (n_features, n_candidates, n_candidates)
        Sums of products of errors.
    settings : MixtureSettings
        For `equal_weights` and `least_weight`.

    Returns
    -------
    ndarray of shape (n_candidates, n_features)
        Not negative, of a sum of one. A feature's own errors count in its weights as much as those of all features do,
        of which none counts more than ten times the median one.

    References
    ----------
    .. [1] Bates and Granger (1969), The Combination of Forecasts.
    """
    shares = limit_influence(np.maximum(np.trace(products, axis1=1, axis2=2), 0))
    common = _in_own_unit((shares[:, None, None] * products).mean(axis=0))
    weights = np.empty(products.shape[:2])
    for found, own in zip(weights, products, strict=True):
        found[:] = _least_squares_weights(_in_own_unit(own) + common, settings)
    return weights.T


def _weights_of(errors: CandidateErrors, folds: np.ndarray, lookback: int, settings: MixtureSettings) -> np.ndarray:
    """Return the weights of all candidates in the mixture of one lookback, by some folds."""
    lengths = halve(lookback, settings.n_lengths)
    at = [i for i, candidate in enumerate(errors.candidates) if candidate.length in lengths]
    products = errors.products[folds].sum(axis=0)
    weights = np.zeros((len(errors.candidates), len(products)))
    weights[at] = combination_weights(products[:, at][..., at], settings)
    return weights


def _in_own_unit(products: np.ndarray) -> np.ndarray:
    """Return products with a trace of one, or all zero where a series is constant.

    Of one that maps forecast exactly, such as a counter, rounding is left, which can be negative.
    """
    squares, axes = np.linalg.eigh(products)
    squares = np.maximum(squares, 0)
    return np.asarray((axes * squares) @ axes.T / (squares.sum() or 1.0))


def _least_squares_weights(products: np.ndarray, settings: MixtureSettings) -> np.ndarray:
    """Minimise the squared error over weights that are not negative and sum to one."""
    # They are in proportion to the u >= 0 that minimises u'Qu - 2 sum(u).
    n = len(products)
    from scipy.optimize import nnls  # takes longer to import than to fit a short series

    factor = cholesky(products * n + settings.equal_weights * np.eye(n))
    weights, _ = nnls(factor, solve_triangular(factor, np.ones(n), trans="T"))
    weights = np.where(weights < settings.least_weight * weights.sum(), 0, weights)
    return np.asarray(weights / weights.sum())
