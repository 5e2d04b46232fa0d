"""Maps of the principal components of all targets, which see what maps of single targets cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tscnn.linear.mixture import LinearMixture, mix_linear_maps
from tscnn.linear.out_of_fold import WORTHWHILE, Residuals, find_residuals, judge_by_target

__all__ = ["ComponentMaps", "find_components"]

MOST_TARGETS = 100  # networks with twice as many columns take long, and so do the errors of all on all folds
ENOUGH = 96  # rows of a window that tell whether components are worth the time


class ComponentMaps(NamedTuple):
    """Linear maps of the principal components, averaged with those of the targets themselves."""

    axes: np.ndarray  # (n_targets, n_targets): a component a column, of length one
    scales: np.ndarray  # (n_targets,): what each is divided by before its map is solved
    mixture: LinearMixture  # its maps
    shares: np.ndarray  # (n_targets,): how much they count in each target's forecasts

    def mix_errors(self, rows: np.ndarray, folds: Sequence[Residuals]) -> list[Residuals]:
        """Judge the average on the folds.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_targets)
            Standardised targets.
        folds : sequence of Residuals
            Of `find_residuals`: what the maps of the targets get wrong.

        Returns
        -------
        list of Residuals
            As `folds`, but for the errors.
        """
        own = (1 - self.shares).astype(rows.dtype)[:, None]
        mixed = []
        for fold, errors in zip(folds, self._errors(rows), strict=True):
            mixed.append(fold._replace(errors=own * fold.errors + (1 - own) * errors))
        return mixed

    def _errors(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return what the components' maps get wrong on each fold, by target: (origins, targets, steps)."""
        components = rows @ self.axes / self.scales
        folds, _ = find_residuals(components, range(len(self.axes)), self.mixture.judged, self.mixture.lookback)
        back = (self.axes * self.scales).astype(rows.dtype)
        return [back @ fold.errors for fold in folds]


def find_components(
    rows: np.ndarray,
    first: int,
    mixture: LinearMixture,
    training: Sequence[range],
    validation: Sequence[range],
    horizon: int,
    seasonality: int | None = None,
) -> ComponentMaps | None:
    """Fit maps of principal components, if averaging them with maps of the targets makes errors smaller.

    A principal component holds what many targets have in common, with less noise than any of them, and another what
    sets two of them apart. The gain of an even average over the maps of the targets on the folds, in squared and
    absolute errors of the targets that it helps, must be more than chance and worth the layers; on short windows first,
    which takes little time. How much components count in the forecasts of such a target is then halfway between one
    half and what makes the folds' squared errors least, the target's own and those of all in equal measure.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_targets)
        Standardised targets of one series.
    first : int
        First validation row: the axes are those of the rows before it.
    mixture : LinearMixture
        Of `mix_linear_maps`: the maps of the targets.
    training, validation : sequence of range
        Origins that it was fitted and chosen on.
    horizon : int
        Steps predicted.
    seasonality : int, optional
        Of `mix_linear_maps`.

    Returns
    -------
    ComponentMaps or None
        None where it doesn't help, where folds are too few to say so, with more than 100 targets, or where the
        gain of the targets' own maps over repeating the newest row may be chance: any gain would be, too.

    References
    ----------
    .. [1] Stock and Watson (2002), Forecasting Using Principal Components From a Large Number of Predictors.
    """
    n_targets, lookback = rows.shape[1], mixture.lookback
    if not 1 < n_targets <= MOST_TARGETS or not (mixture.can_judge and mixture.beats_repetition):
        return None
    axes = np.linalg.eigh(np.cov(rows[:first].T))[1][:, ::-1].astype(rows.dtype)
    scales = (rows[:first] @ axes).std(axis=0)
    scales = np.where(scales > 1e-3, scales, 1)  # of columns that repeat each other rounding is left
    components, half = (rows @ axes / scales).astype(rows.dtype), np.full(n_targets, 0.5)

    def average(own: LinearMixture) -> tuple[ComponentMaps, list[Residuals], list[Residuals], float]:
        length = own.lookback
        folds, _ = find_residuals(rows, range(n_targets), own.judged, length)
        of_components = mix_linear_maps(components, training, validation, [length], horizon, seasonality=seasonality)
        evenly = ComponentMaps(axes, scales, of_components, half)
        mixed = evenly.mix_errors(rows, folds)
        helped, gain = judge_by_target(folds, [fold.errors for fold in folds], [fold.errors for fold in mixed])
        return evenly._replace(shares=np.where(helped, half, 0)), folds, mixed, gain

    if lookback > ENOUGH:
        *_, gain = average(mix_linear_maps(rows, training, validation, [ENOUGH], horizon, seasonality=seasonality))
        if gain < WORTHWHILE:
            return None
    found, folds, mixed, gain = average(mixture)
    if gain < WORTHWHILE:
        return None
    return found._replace(
        mixture=found.mixture.settle(), shares=np.where(found.shares > 0, _fit_shares(folds, mixed), 0)
    )


def _fit_shares(folds: Sequence[Residuals], mixed: Sequence[Residuals]) -> np.ndarray:
    """Return each target's share, from the errors without components and those of an even average."""
    product, square = np.zeros((2, folds[0].errors.shape[1]))
    for fold, average in zip(folds, mixed, strict=True):
        weights = fold.weights[:, :, None] * (fold.n_origins / len(fold.origins))
        difference = 2 * (fold.errors - average.errors)
        product += np.sum(weights * difference * fold.errors, axis=(0, 2), dtype=np.float64)
        square += np.sum(weights * np.square(difference), axis=(0, 2), dtype=np.float64)
    square = np.maximum(square, 1e-12)
    common = product.sum() / square.sum()
    return 0.25 + np.clip((product / square + common) / 2, 0, 1) / 2
