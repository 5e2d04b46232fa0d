"""Groups of features that vary alike, which may share what each alone would take long to have of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from tscnn.linear.gram import window_moments

__all__ = ["group_alike"]

LONGEST = 96  # rows of the windows that are compared
ENOUGH = 2000  # windows of a feature to compare


def group_alike(rows: np.ndarray, origins: Sequence[range], lookback: int, n_groups: int) -> np.ndarray:
    """Group features by how they vary.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    origins : sequence of range
        Of `find_origins`: windows of `lookback` rows that end there are what is compared, or their newest 96 rows.
    lookback : int
        Rows seen.
    n_groups : int
        At most. Each feature is a group of its own where there are no more.

    Returns
    -------
    ndarray of int of shape (n_features,)
        The group of each, from 0.

    References
    ----------
    .. [1] Ward (1963), Hierarchical Grouping to Optimize an Objective Function.

    Examples
    --------
    >>> times, phases = np.arange(200.0)[:, None], np.array([0, 1, 2, 0, 1])
    >>> rows = np.sin(times * [0.1, 0.1, 0.5, 0.5, 0.1] + phases)
    >>> group_alike(rows, [range(19, 199)], lookback=20, n_groups=2)
    array([0, 0, 1, 1, 0])
    """
    n_features = rows.shape[1]
    if n_features <= n_groups:
        return np.arange(n_features)
    if n_groups == 1:
        return np.zeros(n_features, int)
    share = min(1.0, ENOUGH / sum(map(len, origins)))
    moments = window_moments(rows, origins, min(lookback, LONGEST), 1, share=share)
    distances = squareform(np.sqrt(moments.unlikeness()), checks=False)
    return fcluster(linkage(distances, "ward"), n_groups, "maxclust").astype(int) - 1
