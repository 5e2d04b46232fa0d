"""Groups of features that vary alike, which share a map where not each can have its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tscnn.linear.gram import sum_gram_matrices

__all__ = ["group_alike"]


def group_alike(
    rows: np.ndarray,
    origins: Sequence[range],
    lookback: int,
    n_groups: int,
    n_windows: int,
) -> np.ndarray:
    """Group features by how they vary: average linkage of the differences of their windows' Gram matrices.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    origins : sequence of range
        Rows that the windows end with.
    lookback : int
        Rows of the windows that are compared.
    n_groups : int
        At most. Each feature is a group of its own where there are no more.
    n_windows : int
        Windows of a feature to compare, about.

    Returns
    -------
    ndarray of int of shape (n_features,)
        The group of each, from 0.

    References
    ----------
    .. [1] Sokal and Michener (1958), A Statistical Method for Evaluating Systematic Relationships: average linkage,
       which needs no Euclidean distances.

    Examples
    --------
    >>> times, phases = np.arange(200.0)[:, None], np.array([0, 1, 2, 0, 1])
    >>> rows = np.sin(times * [0.1, 0.1, 0.5, 0.5, 0.1] + phases)
    >>> group_alike(rows, [range(19, 199)], lookback=20, n_groups=2, n_windows=2000)
    array([0, 0, 1, 1, 0])
    """
    n_features = rows.shape[1]
    if n_features <= n_groups:
        return np.arange(n_features)
    if n_groups == 1:
        return np.zeros(n_features, int)
    part = min(1.0, n_windows / sum(map(len, origins)))
    differences = np.sqrt(sum_gram_matrices(rows, origins, lookback, 1, part=part).squared_differences())
    from scipy.cluster.hierarchy import fcluster, linkage  # takes longer to import than to fit a short series
    from scipy.spatial.distance import squareform

    found = fcluster(linkage(squareform(differences, checks=False), "average"), n_groups, "maxclust")
    return np.unique(found, return_inverse=True)[1].astype(int)
