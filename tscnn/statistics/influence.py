"""How much one column may count in what many share."""

from __future__ import annotations

import numpy as np

__all__ = ["limit_influence"]


def limit_influence(sizes: np.ndarray, most: float = 10.0) -> np.ndarray:
    """Find factors by which columns count, so that none counts much more than the median one.

    Parameters
    ----------
    sizes : ndarray of shape (n_columns,)
        By which columns would count, such as their mean squared errors; not negative.
    most : float, default 10.0
        Times the median of the sizes that are not 0. A convention: columns of one set seldom differ by more.

    Returns
    -------
    ndarray of shape (n_columns,)
        1, or less where a size exceeds that.

    Examples
    --------
    >>> limit_influence(np.array([1.0, 2.0, 3.0, 80.0, 0.0]))
    array([1.    , 1.    , 1.    , 0.3125, 1.    ])
    """
    positive = sizes[sizes > 0]
    limit = most * np.median(positive) if len(positive) else 1.0
    return np.asarray(limit / np.maximum(sizes, limit))
