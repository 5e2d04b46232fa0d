"""Fitting mean reversion to the out-of-fold errors of linear maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tscnn.data.mapped import empty_like, release
from tscnn.linear.out_of_fold import FoldErrors, gate_gain
from tscnn.linear.settings import LinearModel
from tscnn.statistics.gate import GateResult, not_kept
from tscnn.statistics.influence import limit_influence
from tscnn.transforms.rolling import EPSILON, normalize_by_block

__all__ = ["fit_mean_reversion"]


def fit_mean_reversion(
    rows: np.ndarray, errors: Sequence[FoldErrors], span: int, horizon: int, settings: LinearModel
) -> tuple[np.ndarray | None, list[FoldErrors], GateResult]:
    """Fit how far forecasts return to the mean, where that makes out-of-fold errors smaller.

    Many series return to a mean; a random walk does not, and looks on any one stretch as if it did. So each fold is
    corrected by the coefficients that the other folds give, and the gain over all of them must be significant.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_targets)
        Standardised targets, series one behind the other.
    errors : sequence of FoldErrors
        Out of fold.
    span : int
        Rows that level and scale are taken over, at least 2.
    horizon : int
        Steps predicted.
    settings : LinearModel
        For `reversion_strength`, and for the test.

    Returns
    -------
    coefficients : ndarray of shape (horizon,), or None
        Of a `MeanReversion`; None where it isn't kept.
    left : list of FoldErrors
        Errors with the correction, or as given.
    result : GateResult
        Of the test.
    """
    if len(errors) < settings.fewest_folds:
        return None, list(errors), not_kept(f"fewer than {settings.fewest_folds} folds")
    pulls = _pulls(rows, errors, span)
    shares = limit_influence(np.concatenate([fold.losses(absolute=False) for fold in errors]).mean(axis=0))
    shares = shares.astype(errors[0].weights.dtype)
    sums = [_sum_products(fold, pull, shares) for fold, pull in zip(errors, pulls, strict=True)]
    corrected = []
    for i, (fold, pull) in enumerate(zip(errors, pulls, strict=True)):
        own = settings.reversion_strength * _solve([*sums[:i], *sums[i + 1 :]]).astype(fold.errors.dtype)
        corrected.append(fold.with_errors(fold.errors + pull[:, :, None] * own))
    result, _ = gate_gain(errors, corrected, horizon, settings, least_gain=settings.least_gain)
    if not result.kept:
        return None, list(errors), result
    coefficients = settings.reversion_strength * _solve(sums)
    return np.interp(np.arange(horizon), errors[0].steps, coefficients), corrected, result


def _pulls(rows: np.ndarray, errors: Sequence[FoldErrors], span: int) -> list[np.ndarray]:
    """Return what coefficients of one would add to the forecasts of each fold: (origins, targets)."""
    level, scale = empty_like(rows), empty_like(rows)
    level[: span - 1], scale[: span - 1] = 0, 1
    for at, _, mean, spread in normalize_by_block(rows, span):
        level[at], scale[at] = mean, spread
        release(level, scale)
    found = []
    for fold in errors:
        unit = scale[fold.origins] + np.float32(EPSILON)
        found.append(unit * np.tanh(level[fold.origins] / unit))
    return found


def _sum_products(fold: FoldErrors, pull: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum the weighted products of pull and errors, by step, and of the pull with itself, of columns by shares."""
    weighted = fold.weights * shares * pull
    products = np.einsum("ot,ots->s", weighted, fold.errors, dtype=np.float64)
    if fold.observed is not None:
        return products, np.einsum("ot,ots->s", weighted * pull, fold.observed)
    return products, np.sum(weighted * pull)


def _solve(sums: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the coefficients, by step, that lessen the weighted squared errors most."""
    products, squares = zip(*sums, strict=True)
    return np.asarray(-np.sum(products, axis=0) / np.maximum(np.sum(squares, axis=0), 1e-12))
