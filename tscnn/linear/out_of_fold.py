"""What linear maps get wrong on the folds that judge them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tscnn.linear.folds import RELATIVE
from tscnn.linear.mixture import JudgedMap
from tscnn.linear.ridge import apply_kernel
from tscnn.statistics.gate import trusted_gain
from tscnn.transforms.rolling import EPSILON, rolling_moments, scale_unit

__all__ = ["Residuals", "find_helped", "find_residuals", "judge_by_target", "list_tellable", "weighted_gain"]

MOST_ORIGINS = 2000  # of a fold, evenly spread
MOST_WINDOWS = 400_000  # of those, one for each target
N_PARTS = 4  # of the horizon: each twice as far as the one before it
ENOUGH = 24  # times the steps up to the end of a part, for which folds must hold origins to judge it
WORTHWHILE = 0.001  # gain in squared and absolute errors together


class Residuals(NamedTuple):
    """The errors of one fold's map."""

    origins: np.ndarray  # row numbers
    n_origins: int  # that they stand for
    steps: np.ndarray  # of the horizon, from 0
    errors: np.ndarray  # (origins, targets, steps): forecast - outcome
    level: np.ndarray  # (origins, targets), of the normaliser
    scale: np.ndarray  # as `level`
    weights: np.ndarray  # as `level`: in what unit squared errors count


def find_residuals(
    rows: np.ndarray, targets: Sequence[int], judged: Sequence[JudgedMap], span: int
) -> tuple[list[Residuals], np.ndarray]:
    """Judge every fold's map on that fold.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    targets : sequence of int
        Positions of the features that the maps forecast.
    judged : sequence of JudgedMap
        Of `mix_linear_maps`.
    span : int
        Rows that level and scale are taken over, those of the network's normaliser.

    Returns
    -------
    residuals : list of Residuals
        One a fold.
    normalized : ndarray of shape (n_rows, n_features)
        Each row relative to the level and scale of the `span` rows that end with it.
    """
    mean, variance = rolling_moments(rows, span)
    targets = list(targets)
    residuals, own = [], rows[:, targets]
    for fold in judged:
        at = np.concatenate([np.asarray(stretch) for stretch in fold.origins if len(stretch)])
        n_origins = len(at)
        at = at[:: -(-n_origins // min(MOST_ORIGINS, max(1, MOST_WINDOWS // len(targets))))]
        errors = apply_kernel(own, fold.kernel, fold.groups, at)
        errors -= own[at[:, None] + 1 + fold.steps].transpose(0, 2, 1)
        variances = variance[at[:, None], targets]
        statistics = (mean[at[:, None], targets], np.sqrt(variances) + EPSILON, scale_unit(variances, RELATIVE) ** -2)
        level, scale, weights = (statistic.astype(rows.dtype) for statistic in statistics)
        residuals.append(Residuals(at, n_origins, fold.steps, errors, level, scale, weights))
    np.sqrt(variance, out=variance)
    variance += EPSILON
    np.subtract(rows, mean, out=mean)
    mean /= variance
    return residuals, mean.astype(rows.dtype)


def weighted_gain(weights: np.ndarray, before: np.ndarray, after: np.ndarray) -> float:
    """Return by what parts of them squared and absolute errors fall, the sum.

    Parameters
    ----------
    weights : ndarray of shape (origins, targets)
        By which squared errors count, and their roots by which absolute ones do.
    before, after : ndarray of shape (origins, targets, steps)
        Errors.

    Returns
    -------
    float
        0 where there was nothing to gain.
    """
    weights, gain = weights[:, :, None], 0.0
    for measure, unit in ((np.square, weights), (np.abs, np.sqrt(weights))):
        error = np.mean(unit * measure(before))
        gain += 1 - np.mean(unit * measure(after)) / error if error else 0.0
    return float(gain)


def list_tellable(folds: Sequence[Residuals], horizon: int) -> list[slice]:
    """List the parts of the horizon that folds can tell a gain from chance in.

    Parameters
    ----------
    folds : sequence of Residuals
        For their origins and steps.
    horizon : int
        Steps predicted.

    Returns
    -------
    list of slice
        Of its first eighth, the second one, the second quarter and the second half, those for 24 times the steps up to
        whose end folds hold origins.
    """
    n_origins, n_steps = sum(fold.n_origins for fold in folds), len(folds[0].steps)
    return [part for part in _divide_horizon(n_steps) if n_origins * n_steps >= ENOUGH * horizon * part.stop]


def judge_by_target(
    folds: Sequence[Residuals], before: Sequence[np.ndarray], after: Sequence[np.ndarray]
) -> tuple[np.ndarray, float]:
    """Find for which targets a change of forecasts is one for the better, and how much is gained by it.

    One that maps forecast exactly, such as a counter, would otherwise keep all others from what helps them.

    Parameters
    ----------
    folds : sequence of Residuals
        Two or more, for their weights and origins.
    before, after : sequence of ndarray of shape (origins, targets, steps)
        Errors on each fold.

    Returns
    -------
    better : ndarray of bool of shape (n_targets,)
        Whether squared and absolute errors together are smaller over all folds.
    gain : float
        The `trusted_gain` of a change of these alone, each fold judged by the targets that the others name.
    """
    n_origins, n_targets = [fold.n_origins for fold in folds], before[0].shape[1]
    by_target = np.empty((len(folds), n_targets))
    for i, (fold, old, new) in enumerate(zip(folds, before, after, strict=True)):
        for t in range(n_targets):
            by_target[i, t] = weighted_gain(fold.weights[:, [t]], old[:, [t]], new[:, [t]])
    gains = []
    for i, (fold, old, new) in enumerate(zip(folds, before, after, strict=True)):
        others = np.arange(len(folds)) != i
        better = np.average(by_target[others], axis=0, weights=np.array(n_origins)[others]) > 0
        gains.append(weighted_gain(fold.weights, old, np.where(better[:, None], new, old)))
    return np.average(by_target, axis=0, weights=n_origins) > 0, trusted_gain(gains, n_origins)


def find_helped(
    folds: Sequence[Residuals], before: Sequence[np.ndarray], after: Sequence[np.ndarray], horizon: int
) -> np.ndarray:
    """Find where a change of forecasts is one for the better: for which targets, in which part of the horizon.

    Far steps, of which folds can tell little, would otherwise keep near ones from what helps them.

    Parameters
    ----------
    folds : sequence of Residuals
        For their weights, origins and steps.
    before, after : sequence of ndarray of shape (origins, targets, steps)
        Errors on each fold.
    horizon : int
        Steps predicted.

    Returns
    -------
    ndarray of bool of shape (n_targets, n_steps)
        True in the parts of the horizon where the `trusted_gain` in squared and absolute errors together is worth
        it, for those targets that gain over all folds, of `judge_by_target`; only in those of `list_tellable`.
    """
    helped = np.zeros(before[0].shape[1:], bool)
    for part in list_tellable(folds, horizon):
        old, new = ([errors[:, :, part] for errors in whole] for whole in (before, after))
        better, gain = judge_by_target(folds, old, new)
        if gain >= WORTHWHILE:
            helped[better, part] = True
    return helped


def _divide_horizon(n_steps: int) -> list[slice]:
    """Divide the horizon into its first eighth, the second one, the second quarter and the second half.

    Parameters
    ----------
    n_steps : int
        Of the horizon, evenly spread.

    Returns
    -------
    list of slice
        Parts without any step are left out.

    Examples
    --------
    >>> _divide_horizon(24)
    [slice(0, 3, None), slice(3, 6, None), slice(6, 12, None), slice(12, 24, None)]
    >>> _divide_horizon(2)
    [slice(0, 1, None), slice(1, 2, None)]
    """
    ends = {n_steps >> halvings for halvings in range(N_PARTS)}
    return [slice(start, stop) for start, stop in itertools.pairwise(sorted({0, *ends}))]
