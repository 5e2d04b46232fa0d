"""Is one forecast better than another by more than chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tscnn.common.checks import check_int

__all__ = ["diebold_mariano"]


def diebold_mariano(differences: Sequence[float] | np.ndarray, n_overlapping: int = 1) -> tuple[float, float]:
    """Test whether the mean of differences of losses is zero.

    The test of Diebold and Mariano [1]_ with the correction for few forecasts of Harvey, Leybourne and Newbold [2]_.

    Parameters
    ----------
    differences : sequence of float
        Loss of one forecast less that of the other, cutoff by cutoff, oldest first; NaN counts nowhere.
    n_overlapping : int, default 1
        Cutoffs, itself included, whose forecasts share outcomes: the horizon, if every row is a cutoff. Differences
        that are fewer cutoffs apart are taken to be correlated.

    Returns
    -------
    statistic : float
        Of Student's t, one degree of freedom fewer than there are differences: below zero if the first is better. NaN
        if there are no more differences than `n_overlapping`.
    p_value : float
        Two-sided.

    References
    ----------
    .. [1] Diebold and Mariano (1995), Comparing predictive accuracy.
    .. [2] Harvey, Leybourne and Newbold (1997), Testing the equality of prediction mean squared errors, equation 8.

    Examples
    --------
    >>> statistic, p_value = diebold_mariano([-1.0, -2.0, -1.5, -0.5, -1.0, -2.0])
    >>> round(statistic, 2), round(p_value, 4)
    (-5.39, 0.003)
    """
    h = check_int("n_overlapping", n_overlapping)
    known = np.asarray(differences, np.float64)
    known = known[~np.isnan(known)]
    n = len(known)
    if n <= max(h, 1):
        return float("nan"), float("nan")
    mean, apart = known.mean(), known - known.mean()
    covariances = np.array([apart[k:] @ apart[: n - k] for k in range(h)]) / n
    variance = covariances[0] + 2 * covariances[1:].sum()
    if variance <= 0:  # which Bartlett's weights never make it, but for rounding
        variance = covariances[0] + 2 * ((1 - np.arange(1, h) / h) * covariances[1:]).sum()
    if variance <= 1e-24 * mean**2 or variance <= 0:  # always the same
        return (0.0, 1.0) if mean == 0 else (float(np.sign(mean) * np.inf), 0.0)
    correction = (n - h) * (n - h + 1) / n**2
    statistic = mean / np.sqrt(variance / n) * np.sqrt(correction)
    from scipy.special import stdtr  # takes longer to import than to load a model and forecast

    return float(statistic), float(2 * stdtr(n - 1, -abs(statistic)))
