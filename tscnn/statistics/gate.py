"""How far a gain on a few stretches can be more than chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["FEWEST_BLOCKS", "FEWEST_FOLDS", "trust", "trusted_gain", "trusted_share"]

FEWEST_FOLDS = 3  # at least, to tell a gain from chance
FEWEST_BLOCKS = 4  # of origins, independent of each other, at least: the same of one stretch


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
    if len(gains) < FEWEST_FOLDS:
        return 0.0
    return float(np.average(gains, weights=n_origins)) * trust(gains, n_origins)


def trusted_share(gains: np.ndarray, apart: int) -> float:
    """Return what part of the mean of gains chance leaves, where neighbours depend on each other.

    Parameters
    ----------
    gains : ndarray of shape (n_origins,)
        By how much the loss of each origin falls, oldest first.
    apart : int
        Origins that are further from each other count as independent: at least the horizon.

    Returns
    -------
    float
        1 - e / t^2, or 0 where that is negative, with t = mean / standard error from the means of up to 32 blocks of at
        least `apart` origins, and e what t^2 is on average where nothing is gained. 0 where there are fewer than four
        such blocks, which cannot tell.

    References
    ----------
    .. [1] James and Stein (1961), Estimation with Quadratic Loss.
    """
    n_blocks = min(len(gains) // apart, 32)
    if n_blocks < FEWEST_BLOCKS or gains.mean() <= 0:
        return 0.0
    means = np.array([block.mean() for block in np.array_split(gains, n_blocks)])
    by_chance = (n_blocks - 1) / (n_blocks - 3)  # the variance of Student's t
    return max(0.0, 1 - by_chance * float(means.var(ddof=1) / n_blocks / means.mean() ** 2))
