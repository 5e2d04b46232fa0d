"""What the newest rows of all features say about the errors of maps that see one feature at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tscnn.linear.mean_reversion import pull
from tscnn.linear.out_of_fold import Residuals, find_helped, list_tellable
from tscnn.statistics.gate import FEWEST_FOLDS, trusted_gain
from tscnn.transforms.rolling import FLOOR

__all__ = ["VectorAutoregression", "fit_vector_autoregression"]

STRENGTH = 0.5  # of what least squares finds, as in the reversion
LENGTHS = (1, 6)  # rows seen, to choose from
ALPHAS = (0.01, 0.1, 1.0, 10.0, 100.0)  # strengths of the ridge, relative to the mean square of an input
MOST_INPUTS = 600  # rows times features
MOST_WEIGHTS = 2_000_000


class VectorAutoregression(NamedTuple):
    """Weights of a `tscnn.network.layers.VectorSkip`, (n_rows, n_features, horizon, n_targets).

    `fitted` is solved on all folds but the last, the validation origins, which judge it; `refitted` on all.
    """

    fitted: np.ndarray
    refitted: np.ndarray


def fit_vector_autoregression(
    normalized: np.ndarray,
    folds: Sequence[Residuals],
    reversion: np.ndarray | None,
    horizon: int,
    most_rows: int,
) -> VectorAutoregression | None:
    """Fit a vector autoregression to the errors of linear maps, if that makes them smaller.

    A ridge regression from the newest rows of all features, each relative to its level and scale, to the errors of all
    targets relative to theirs. In each part of the horizon, rows and strength are those with the greatest
    `trusted_gain` in squared errors, each fold judged by what the other folds give. Squared and absolute errors taken
    together, the gain on the targets that it helps there must be more than chance, too, and worth it: features that say
    nothing about each other seem to do so on any one stretch.

    Parameters
    ----------
    normalized : ndarray of shape (n_rows, n_features)
        Of `find_residuals`.
    folds : sequence of Residuals
        Of `find_residuals`, the last one of the validation origins.
    reversion : ndarray of shape (horizon,), or None
        Of `find_reversion`: what it takes off is taken off first.
    horizon : int
        Steps predicted.
    most_rows : int
        That may be seen.

    Returns
    -------
    VectorAutoregression or None
        None where it doesn't help, where fewer than three folds could say, or where there are too many features.
    """
    n_features, n_targets = normalized.shape[1], folds[0].errors.shape[1] if folds else 0
    weights = n_features * n_targets * horizon
    lengths = {min(n, most_rows, MOST_INPUTS // n_features, MOST_WEIGHTS // max(weights, 1)) for n in LENGTHS} - {0}
    if len(folds) < FEWEST_FOLDS or not lengths or not (parts := list_tellable(folds, horizon)):
        return None
    before, n_origins = [_remaining(fold, reversion) for fold in folds], [fold.n_origins for fold in folds]
    outputs = [-errors / _unit(fold) for fold, errors in zip(folds, before, strict=True)]
    steps = folds[0].steps
    sums: dict[int, list[_Sums]] = {}
    gains: dict[tuple[int, float], list[float]] = {}  # of each part, by rows and strength
    for n in sorted(lengths):
        sums[n] = [_sum_products(normalized, fold, left, n) for fold, left in zip(folds, outputs, strict=True)]
        for alpha in ALPHAS:
            judged = [own.gains(_solve(_others(sums[n], i), alpha), parts) for i, own in enumerate(sums[n])]
            gains[n, alpha] = [trusted_gain(of_folds, n_origins) for of_folds in zip(*judged, strict=True)]
    tried = list(gains)
    chosen = [tried[best] for best in np.argmax([gains[settings] for settings in tried], axis=0)]
    after = [errors.copy() for errors in before]
    for part, (n, alpha) in zip(parts, chosen, strict=True):
        for i, (fold, errors) in enumerate(zip(folds, after, strict=True)):
            weights = _solve(_others(sums[n], i), alpha, part).astype(errors.dtype)
            forecast = np.tensordot(_inputs(normalized, fold, n), weights, 1)
            errors[:, :, part] += fold.scale[:, :, None] * forecast
    helped = find_helped(folds, before, after, horizon)
    if not helped.any():
        return None
    used = [(n, alpha, part) for part, (n, alpha) in zip(parts, chosen, strict=True) if helped[:, part].any()]
    n_rows = max(n for n, _, _ in used)
    fitted, refitted = np.zeros((2, n_rows, n_features, n_targets, len(steps)))
    for n, alpha, part in used:
        for weights, given in ((fitted, sums[n][:-1]), (refitted, sums[n])):
            weights[n_rows - n :, ..., part] = _solve(given, alpha, part).reshape(n, n_features, n_targets, -1)
    between = np.stack([np.interp(np.arange(horizon), steps, unit) for unit in np.eye(len(steps))])
    return VectorAutoregression(*((weights * helped @ between).swapaxes(2, 3) for weights in (fitted, refitted)))


def _remaining(fold: Residuals, reversion: np.ndarray | None) -> np.ndarray:
    """Return a fold's errors after the reversion: (origins, targets, steps)."""
    if reversion is None:
        return fold.errors
    return np.asarray(fold.errors + pull(fold)[:, :, None] * reversion[fold.steps].astype(fold.errors.dtype))


def _unit(fold: Residuals) -> np.ndarray:
    """Return the scales, but for windows that are nearly constant, what follows which would count for all others."""
    return np.maximum(fold.scale, np.asarray(np.sqrt(FLOOR), fold.scale.dtype))[:, :, None]


class _Sums(NamedTuple):
    inputs: np.ndarray  # (inputs, inputs)
    cross: np.ndarray  # (inputs, targets, steps)
    errors: np.ndarray  # (targets, steps): squared

    def gains(self, weights: np.ndarray, parts: Sequence[slice]) -> list[float]:
        """Return by what part of them the squared errors fall, in each part of the horizon."""
        explained = np.sum(weights * (2 * self.cross - np.tensordot(self.inputs, weights, 1)), axis=0)
        sums = [(explained[:, part].sum(), self.errors[:, part].sum()) for part in parts]
        return [float(gained / errors) if errors else 0.0 for gained, errors in sums]


def _sum_products(normalized: np.ndarray, fold: Residuals, errors: np.ndarray, n_rows: int) -> _Sums:
    """Sum products over a fold's origins, all targets of one in one unit."""
    weights = np.mean(fold.weights * fold.scale**2, axis=1) * (fold.n_origins / len(fold.origins))
    inputs = _inputs(normalized, fold, n_rows)
    weighted = inputs * weights[:, None]
    squares = np.einsum("o,ots->ts", weights, np.square(errors), dtype=np.float64)
    cross = np.tensordot(weighted.T, errors, 1)
    return _Sums((weighted.T @ inputs).astype(np.float64), cross.astype(np.float64), squares)


def _inputs(normalized: np.ndarray, fold: Residuals, n_rows: int) -> np.ndarray:
    """Return the newest rows of each origin, oldest first: (origins, n_rows * n_features)."""
    return normalized[fold.origins[:, None] + np.arange(1 - n_rows, 1)].reshape(len(fold.origins), -1)


def _solve(sums: Sequence[_Sums], alpha: float, part: slice = slice(None)) -> np.ndarray:
    """Return the weights, (inputs, targets, steps), at their strength, of a part of the horizon."""
    inputs = np.sum([given.inputs for given in sums], axis=0)
    cross = np.sum([given.cross[..., part] for given in sums], axis=0)
    n_inputs = len(inputs)
    ridge = alpha * np.trace(inputs) / n_inputs + 1e-12
    weights = np.linalg.solve(inputs + ridge * np.eye(n_inputs), cross.reshape(n_inputs, -1))
    return STRENGTH * weights.reshape(cross.shape)


def _others(sums: Sequence[_Sums], index: int) -> list[_Sums]:
    return [*sums[:index], *sums[index + 1 :]]
