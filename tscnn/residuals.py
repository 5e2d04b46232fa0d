"""What linear maps get wrong on the folds that judge them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tscnn.folds import RELATIVE
from tscnn.linear_mixture import JudgedMap
from tscnn.rolling import EPSILON, rolling_moments, scale_unit
from tscnn.trust import trusted_gain

__all__ = ["Residuals", "find_residuals", "judge_by_target", "weighted_gain"]

MOST_ORIGINS = 2000  # of a fold, evenly spread


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
    residuals = []
    for fold in judged:
        at = np.concatenate([np.asarray(stretch) for stretch in fold.origins if len(stretch)])
        n_origins = len(at)
        at = at[:: -(-n_origins // MOST_ORIGINS)]
        lookback = fold.kernel.shape[1]
        errors = np.empty((len(at), len(targets), len(fold.steps)), rows.dtype)
        for i, f in enumerate(targets):
            windows = sliding_window_view(rows[:, f], lookback)[at - lookback + 1]
            outcomes = rows[at[:, None] + 1 + fold.steps, f]
            errors[:, i] = windows @ fold.kernel[fold.groups[i]].astype(rows.dtype) - outcomes
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
