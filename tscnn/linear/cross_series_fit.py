"""Fitting the cross-series ridge to the out-of-fold errors of forecasts that see one column at a time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tscnn.data.mapped import empty_like, release
from tscnn.data.windows import sliding_windows
from tscnn.linear.out_of_fold import FoldErrors, find_better_targets, gate_gain
from tscnn.linear.settings import LinearModel
from tscnn.statistics.gate import GateResult, not_kept
from tscnn.statistics.influence import limit_influence
from tscnn.transforms.rolling import FLOOR, normalize_by_block

__all__ = ["CrossSeriesFit", "fit_cross_series"]


@dataclass(frozen=True)
class CrossSeriesFit:
    """Weights of the cross-series ridge.

    Attributes
    ----------
    fitted, refitted : ndarray of shape (n_rows, n_features, horizon, n_targets)
        Solved on all folds but the last, the validation origins, which judge it; and on all.
    helped : list of slice
        Parts of the horizon, of the steps that errors are computed at, that are corrected.
    """

    fitted: np.ndarray
    refitted: np.ndarray
    helped: list[slice]


def fit_cross_series(
    rows: np.ndarray,
    targets: np.ndarray,
    errors: Sequence[FoldErrors],
    span: int,
    lookback: int,
    horizon: int,
    settings: LinearModel,
) -> tuple[CrossSeriesFit | None, GateResult]:
    """Fit a ridge regression from the newest rows of all columns to the errors of forecasts, where it lessens them.

    Rows are taken relative to their rolling level and scale, errors relative to the scale of their target. In each part
    of the horizon, rows and strength are those with the least squared errors, each fold corrected by what the other
    folds give; and the gain in squared and absolute errors of the targets that it helps must be significant, with the
    number of settings in it: columns that say nothing about each other seem to do so on any one stretch.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    targets : ndarray of int of shape (n_targets,)
        Positions of the targets among the features.
    errors : sequence of FoldErrors
        Out of fold, the last ones of the validation origins.
    span : int
        Rows that level and scale are taken over, at least 2.
    lookback : int
        Rows that may be seen in all.
    horizon : int
        Steps predicted.
    settings : LinearModel
        For `cross_series_settings`, and for the test.

    Returns
    -------
    found : CrossSeriesFit or None
        None where it isn't kept.
    result : GateResult
        Of the part of the horizon where the gain is most significant.
    """
    own, n_features, n_targets = settings.cross_series_settings, rows.shape[1], len(targets)
    if len(errors) < settings.fewest_folds:
        return None, not_kept(f"fewer than {settings.fewest_folds} folds")
    bounds = (
        lookback - span + 1,
        own.most_inputs // n_features,
        own.most_weights // (n_features * n_targets * horizon),
    )
    lengths = sorted({min(n, *bounds) for n in own.lengths} - {0})
    if not lengths:
        return None, not_kept("too many columns")
    parts, steps = _divide_horizon(len(errors[0].steps), own.n_parts), errors[0].steps
    folds = _relative_folds(rows, targets, errors, span)
    tried = list(itertools.product(lengths, own.alphas))
    sums = {n: [_sum_products(fold, n) for fold in folds] for n in lengths}
    chosen = [
        tried[i] for i in np.argmax([_part_gains(sums[n], alpha, own.strength, parts) for n, alpha in tried], axis=0)
    ]
    before = [fold.relative_errors for fold in folds]
    after = [fold.with_errors(fold.errors.copy()) for fold in before]
    for part, (n, alpha) in zip(parts, chosen, strict=True):
        for i, (fold, corrected) in enumerate(zip(folds, after, strict=True)):
            weights = own.strength * _solve(_others(sums[n], i), alpha, part)
            corrected.errors[:, :, part] += np.tensordot(fold.inputs(n), weights.astype(corrected.errors.dtype), 1)
    helped, results = np.zeros((n_targets, len(steps)), bool), []
    for part in parts:
        old, new = ([fold.with_errors(fold.errors[:, :, part]) for fold in each] for each in (before, after))
        better, switched = find_better_targets(old, new)
        apart = int(steps[part.stop - 1]) + 1
        result, _ = gate_gain(old, switched, apart, settings, n_tries=len(tried), least_gain=settings.least_gain)
        results.append(result)
        helped[better, part] = result.kept
    best = min(results, key=lambda result: (not result.kept, result.p_value))
    if not helped.any():
        return None, best
    used = [(n, alpha, part) for part, (n, alpha) in zip(parts, chosen, strict=True) if helped[:, part].any()]
    n_rows = max(n for n, _, _ in used)
    kernels = np.zeros((2, n_rows, n_features, n_targets, len(steps)))
    for n, alpha, part in used:
        for kernel, given in zip(kernels, (sums[n][:-1], sums[n]), strict=True):
            weights = own.strength * _solve(given, alpha, part)
            kernel[n_rows - n :, ..., part] = weights.reshape(n, n_features, n_targets, -1)
    between = np.stack([np.interp(np.arange(horizon), steps, unit) for unit in np.eye(len(steps))])
    fitted, refitted = ((kernel * helped @ between).swapaxes(2, 3) for kernel in kernels)
    return CrossSeriesFit(fitted, refitted, [part for _, _, part in used]), best


@dataclass(frozen=True)
class _RelativeFold:
    """A fold whose errors are in units of the scale of their target, all targets of an origin of one weight."""

    relative_errors: FoldErrors
    normalized: np.ndarray  # (n_rows, n_features)

    def inputs(self, n_rows: int) -> np.ndarray:
        """Return the newest rows of each origin, oldest first: (origins, n_rows * n_features)."""
        at = self.relative_errors.origins
        return sliding_windows(self.normalized, n_rows)[at - n_rows + 1].reshape(len(at), -1)


def _relative_folds(
    rows: np.ndarray, targets: np.ndarray, errors: Sequence[FoldErrors], span: int
) -> list[_RelativeFold]:
    """Take rows and errors relative to rolling level and scale, as forecasts will."""
    normalized, scale = empty_like(rows), empty_like(rows)
    normalized[: span - 1], scale[: span - 1] = 0, 1
    for at, found, _, spread in normalize_by_block(rows, span):
        normalized[at], scale[at] = found, spread
        release(normalized, scale)
    folds = []
    for fold in errors:
        # What follows windows that are nearly constant would count for all others.
        unit = np.maximum(scale[fold.origins][:, targets], np.asarray(np.sqrt(FLOOR), scale.dtype))
        weights = np.mean(fold.weights * np.square(unit), axis=1, keepdims=True)
        relative = FoldErrors(
            fold.origins,
            fold.stretches,
            fold.stride,
            fold.steps,
            fold.errors / unit[:, :, None],
            np.repeat(weights, len(targets), axis=1),
        )
        folds.append(_RelativeFold(relative, normalized))
    return folds


@dataclass(frozen=True)
class _Products:
    inputs: np.ndarray  # (inputs, inputs)
    cross: np.ndarray  # (inputs, targets, steps)
    errors: np.ndarray  # (targets, steps): squared

    def explained(self, weights: np.ndarray) -> np.ndarray:
        """Return by how much weights lessen squared errors: (targets, steps)."""
        return np.asarray(np.sum(weights * (2 * self.cross - np.tensordot(self.inputs, weights, 1)), axis=0))


def _sum_products(fold: _RelativeFold, n_rows: int) -> _Products:
    """Sum weighted products over a fold's origins."""
    inputs, errors, weights = fold.inputs(n_rows), fold.relative_errors.errors, fold.relative_errors.weights[:, 0]
    weighted = inputs * weights[:, None].astype(inputs.dtype)
    squares = np.einsum("o,ots->ts", weights, np.square(errors), dtype=np.float64)
    cross = -np.tensordot(weighted.T, errors, 1)
    return _Products((weighted.T @ inputs).astype(np.float64), cross.astype(np.float64), squares)


def _part_gains(sums: Sequence[_Products], alpha: float, strength: float, parts: Sequence[slice]) -> list[float]:
    """Return by what part out-of-fold squared errors fall, in each part of the horizon."""
    solved = [fold.explained(strength * _solve(_others(sums, i), alpha)) for i, fold in enumerate(sums)]
    explained, errors = np.sum(solved, axis=0), np.sum([fold.errors for fold in sums], axis=0)
    shares = limit_influence(np.sum(errors, axis=1))[:, None]
    pairs = [(np.sum((shares * explained)[:, part]), np.sum((shares * errors)[:, part])) for part in parts]
    return [float(gained / error) if error else 0.0 for gained, error in pairs]


def _solve(sums: Sequence[_Products], alpha: float, part: slice = slice(None)) -> np.ndarray:
    """Return the weights of a part of the horizon: (inputs, targets, steps)."""
    inputs = np.sum([given.inputs for given in sums], axis=0)
    cross = np.sum([given.cross[..., part] for given in sums], axis=0)
    n_inputs = len(inputs)
    ridge = alpha * np.trace(inputs) / n_inputs + 1e-12
    weights = np.linalg.solve(inputs + ridge * np.eye(n_inputs), cross.reshape(n_inputs, -1))
    return np.asarray(weights.reshape(cross.shape))


def _others(sums: Sequence[_Products], index: int) -> list[_Products]:
    return [*sums[:index], *sums[index + 1 :]]


def _divide_horizon(n_steps: int, n_parts: int) -> list[slice]:
    """Divide the horizon into its first eighth, the second one, the second quarter and the second half.

    >>> _divide_horizon(24, 4)
    [slice(0, 3, None), slice(3, 6, None), slice(6, 12, None), slice(12, 24, None)]
    >>> _divide_horizon(2, 4)
    [slice(0, 1, None), slice(1, 2, None)]
    """
    ends = {n_steps >> halvings for halvings in range(n_parts)}
    return [slice(start, stop) for start, stop in itertools.pairwise(sorted({0, *ends}))]
