"""What linear maps get wrong on the folds that judge them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tscnn.linear_mixture import RELATIVE, JudgedMap
from tscnn.moments import EPSILON, rolling_moments, scale_unit

__all__ = ["Residuals", "find_residuals", "trusted_gain"]

MOST_ORIGINS = 2000  # of a fold, evenly spread
N_FOLDS = 3  # at least, to tell a gain from chance


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
            errors[:, i] = windows @ fold.kernel[i % len(fold.kernel)].astype(rows.dtype) - outcomes
        variances = variance[at[:, None], targets]
        statistics = (mean[at[:, None], targets], np.sqrt(variances) + EPSILON, scale_unit(variances, RELATIVE) ** -2)
        level, scale, weights = (statistic.astype(rows.dtype) for statistic in statistics)
        residuals.append(Residuals(at, n_origins, fold.steps, errors, level, scale, weights))
    np.sqrt(variance, out=variance)
    variance += EPSILON
    np.subtract(rows, mean, out=mean)
    mean /= variance
    return residuals, mean.astype(rows.dtype)


def trusted_gain(gains: Sequence[float], n_origins: Sequence[int]) -> float:
    """Shrink the mean gain of the folds by what chance makes of it.

    Parameters
    ----------
    gains : sequence of float
        By what part of them each fold's errors fall.
    n_origins : sequence of int
        By how much each fold counts.

    Returns
    -------
    float
        Mean * (1 - (standard error / mean)^2), or 0 where that is negative or fewer than three folds could say.

    References
    ----------
    .. [1] James and Stein (1961), Estimation with Quadratic Loss.

    Examples
    --------
    >>> trusted_gain([0.25, 0.25, 0.25], [500, 500, 1000]), trusted_gain([0.4, -0.2, 0.1], [500, 500, 1000])
    (0.25, 0.0)
    """
    n_folds, shares = len(gains), np.array(n_origins) / np.sum(n_origins)
    mean = float(shares @ gains) if n_folds >= N_FOLDS else 0.0
    if mean <= 0:
        return 0.0
    squared_error = np.sum((shares * (np.array(gains) - mean)) ** 2) * n_folds / (n_folds - 1)
    return max(0.0, mean - float(squared_error) / mean)
