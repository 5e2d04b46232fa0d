"""Fitting linear mixtures of the principal components of all targets, where they make forecasts better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tscnn.linear.mixture_fit import MixtureFit, Origins, fit_mixture
from tscnn.linear.out_of_fold import FoldErrors, find_better_targets, gate_gain, out_of_fold_errors
from tscnn.linear.settings import LinearModel
from tscnn.statistics.gate import GateResult, not_kept

__all__ = ["ComponentFit", "fit_principal_components"]


@dataclass(frozen=True)
class ComponentFit:
    """Principal components of the targets, and the mixture that forecasts them.

    Attributes
    ----------
    axes : ndarray of shape (n_targets, n_targets)
        A component a column, of length one, the largest first.
    mixture : MixtureFit
        Of the components.
    weights : ndarray of shape (n_targets,)
        How much components count in the forecasts of each target, from 0 to 1.
    errors : sequence of FoldErrors
        Out of fold, of the weighted mean of both.
    """

    axes: np.ndarray
    mixture: MixtureFit
    weights: np.ndarray
    errors: Sequence[FoldErrors]


def fit_principal_components(
    rows: np.ndarray, training_rows: np.ndarray, mixture: MixtureFit, origins: Origins, settings: LinearModel
) -> tuple[ComponentFit | None, GateResult]:
    """Fit a mixture for the principal components, and test whether averaging it with that of the targets is a gain.

    A principal component holds what many targets have in common, with less noise than any of them, and another what
    sets two of them apart. The gain of an even average over the mixture of the targets, in squared and absolute errors
    of the targets that it helps, must be significant. On short windows, which take little time, what shrinkage leaves
    of it must be worth the time of long ones. The weight of components in the forecasts of such a target is then
    halfway between one half and what makes its out-of-fold squared errors least, the target's own and those of all in
    equal measure.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_targets)
        Standardised targets, series one behind the other.
    training_rows : ndarray of bool of shape (n_rows,)
        Rows that axes are found on.
    mixture : MixtureFit
        Of the targets.
    origins : Origins
        That it was fitted on.
    settings : LinearModel
        Of this and its parts.

    Returns
    -------
    found : ComponentFit or None
        None where it isn't kept.
    result : GateResult
        Of the even average.

    References
    ----------
    .. [1] Stock and Watson (2002), Forecasting Using Principal Components From a Large Number of Predictors.
    """
    n_targets, own = rows.shape[1], settings.component_settings
    if reason := _reason_against(n_targets, mixture, settings):
        return None, not_kept(reason)
    axes = np.linalg.eigh(np.cov(rows[training_rows].T))[1][:, ::-1].astype(rows.dtype)
    scales = (rows[training_rows] @ axes).std(axis=0)
    scales = np.where(scales > 1e-3, scales, 1)  # of columns that repeat each other rounding is left
    components = (rows @ axes / scales).astype(rows.dtype)
    back = (axes * scales).astype(rows.dtype)
    screening = own.screening_lookback
    if mixture.lookback > screening:
        shorter = fit_mixture(rows, origins, [screening], settings)
        *_, result = _average_evenly(components, back, shorter, origins, settings)
        if not result.kept and result.gain * result.shrinkage < settings.least_gain:
            return None, result
    of_components, errors, better, result = _average_evenly(components, back, mixture, origins, settings)
    if not result.kept:
        return None, result
    weights = np.where(better, _fit_weights(mixture.errors, errors, own.least_weight, own.most_weight), 0)
    return ComponentFit(axes, of_components, weights, _mix_errors(mixture.errors, errors, weights)), result


def _reason_against(n_targets: int, mixture: MixtureFit, settings: LinearModel) -> str | None:
    """Return why components are not tried."""
    if n_targets == 1:
        return "one target has no components"
    if n_targets > settings.component_settings.most_targets:
        return f"more than {settings.component_settings.most_targets} targets"
    if len(mixture.folds) < settings.fewest_folds:
        return f"fewer than {settings.fewest_folds} folds"
    if not mixture.gain.kept:
        return "the mixture may be no better than repeating the newest row"
    return None


def _average_evenly(
    components: np.ndarray, back: np.ndarray, mixture: MixtureFit, origins: Origins, settings: LinearModel
) -> tuple[MixtureFit, list[FoldErrors], np.ndarray, GateResult]:
    """Fit a mixture of components: return it, its errors by target, whom an even average helps, and the test of it."""
    of_components = fit_mixture(components, replace(origins, observed=None), [mixture.lookback], settings)
    unscaled = out_of_fold_errors(components, of_components.folds, np.ones_like(components), settings)
    errors = [fold.with_errors(back @ other.errors) for fold, other in zip(mixture.errors, unscaled, strict=True)]
    even = _mix_errors(mixture.errors, errors, np.full(len(back), 0.5))
    better, switched = find_better_targets(mixture.errors, even)
    result, _ = gate_gain(mixture.errors, switched, origins.horizon, settings, least_gain=settings.least_gain)
    return of_components, errors, better, result


def _mix_errors(own: Sequence[FoldErrors], others: Sequence[FoldErrors], weights: np.ndarray) -> list[FoldErrors]:
    """Return the errors of the weighted mean of two forecasts."""
    by = weights.astype(own[0].errors.dtype)[:, None]
    return [
        fold.with_errors((1 - by) * fold.errors + by * other.errors) for fold, other in zip(own, others, strict=True)
    ]


def _fit_weights(own: Sequence[FoldErrors], others: Sequence[FoldErrors], least: float, most: float) -> np.ndarray:
    """Return each target's weight of the other forecasts, between bounds."""
    product, square = np.zeros((2, own[0].errors.shape[1]))
    for fold, other in zip(own, others, strict=True):
        difference = fold.errors - other.errors
        product += np.sum(fold.weights[:, :, None] * difference * fold.errors, axis=(0, 2), dtype=np.float64)
        square += np.sum(fold.weights[:, :, None] * np.square(difference), axis=(0, 2), dtype=np.float64)
    square = np.maximum(square, 1e-12)
    common = product.sum() / square.sum()
    return np.asarray(least + np.clip((product / square + common) / 2, 0, 1) * (most - least))
