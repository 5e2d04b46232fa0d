"""How far a gain on a few stretches can be more than chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["N_FOLDS", "trust", "trusted_gain"]

N_FOLDS = 3  # at least, to tell a gain from chance


def trust(gains: Sequence[float] | np.ndarray, n_origins: Sequence[int]) -> float:
    """Return what part of the mean gain of the folds chance leaves.

    Parameters
    ----------
    gains : sequence of float
        By what part of them each fold's errors fall; two folds or more.
    n_origins : sequence of int
        By how much each fold counts.

    Returns
    -------
    float
        1 - (standard error / mean)^2, or 0 where that or the mean is negative.

    References
    ----------
    .. [1] James and Stein (1961), Estimation with Quadratic Loss.

    Examples
    --------
    >>> trust([0.25, 0.25, 0.25], [500, 500, 1000]), trust([0.4, -0.2, 0.1], [500, 500, 1000])
    (1.0, 0.0)
    """
    n_folds, shares = len(gains), np.array(n_origins) / np.sum(n_origins)
    mean = float(shares @ gains)
    if mean <= 0:
        return 0.0
    squared_error = float(np.sum((shares * (np.array(gains) - mean)) ** 2)) * n_folds / (n_folds - 1)
    return max(0.0, 1 - squared_error / mean**2)


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
        The mean times its `trust`, 0 where fewer than three folds could say.

    Examples
    --------
    >>> trusted_gain([0.25, 0.25, 0.25], [500, 500, 1000]), trusted_gain([0.25, 0.25], [500, 1500])
    (0.25, 0.0)
    """
    if len(gains) < N_FOLDS:
        return 0.0
    return float(np.average(gains, weights=n_origins)) * trust(gains, n_origins)
