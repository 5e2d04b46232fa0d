"""How far sample correlations are chance: oracle approximating shrinkage."""

from __future__ import annotations

import numpy as np

from tscnn.common.checks import check_real, received

__all__ = ["oas_intensity", "shrink_products"]


def oas_intensity(correlations: np.ndarray, n: float) -> float:
    """Find how far to shrink a matrix of correlations to the identity, by oracle approximating shrinkage.

    The intensity is that of [1]_, equation 23, for a Gaussian covariance matrix and the identity times its mean
    variance. ``sklearn.covariance.oas`` leaves out the terms in 2 / p, which count where p is 2 or 3. The variances of
    a correlation matrix are not estimated but known, so that this shrinks rather too far: at p = 2 and for weak
    correlations, where it counts most, twice as far as were best.

    Parameters
    ----------
    correlations : ndarray of shape (p, p)
        Sample correlations, or a sample covariance of variables of one unit.
    n : float
        Independent observations that they come from, of mean 0, or their effective number; infinite where nothing is
        chance.

    Returns
    -------
    float
        Between 0, take the correlations as they are, and 1, take none.

    Raises
    ------
    ValueError
        If the matrix is not square, or `n` is not positive.

    References
    ----------
    .. [1] Chen, Wiesel, Eldar and Hero (2010), Shrinkage Algorithms for MMSE Covariance Estimation. IEEE Transactions
       on Signal Processing 58.

    Examples
    --------
    >>> correlations = np.array([[1, 0.5], [0.5, 1]])
    >>> oas_intensity(correlations, 100), oas_intensity(correlations, 10), oas_intensity(np.eye(2), 1000)
    (0.08, 0.8, 1.0)
    """
    correlations = np.asarray(correlations, dtype=np.float64)
    if correlations.ndim != 2 or correlations.shape[0] != correlations.shape[1]:
        raise ValueError(received("`correlations` must be a square matrix.", shape=correlations.shape))
    if n == np.inf:
        return 0.0
    n, p = check_real("n", n, low=0, include_low=False), len(correlations)
    squares, trace = float(np.square(correlations).sum()), float(np.trace(correlations))
    beyond_target = squares - trace**2 / p
    if p == 1 or beyond_target <= 0:
        return 1.0
    return min(1.0, ((1 - 2 / p) * squares + trace**2) / ((n + 1 - 2 / p) * beyond_target))


def shrink_products(products: np.ndarray, n_errors: float, target: np.ndarray) -> np.ndarray:
    """Shrink mean products of errors to those of errors that are not correlated.

    Parameters
    ----------
    products : ndarray of shape (p, p)
        Mean products of the errors of p forecasts.
    n_errors : float
        Errors that they come from and that hardly depend on each other; infinite where nothing is chance.
    target : ndarray of shape (p, p)
        What is taken where correlations are chance: a diagonal matrix, whose values may differ from those of
        `products`.

    Returns
    -------
    ndarray of shape (p, p)
        (1 - intensity) * products + intensity * target, with the `oas_intensity` of the correlations. `products` as
        they are, where some forecast never errs and has no correlations.

    Examples
    --------
    >>> shrink_products(np.array([[4.0, 1.0], [1.0, 1.0]]), 10, target=np.diag([4.0, 1.0]))
    array([[4. , 0.2],
           [0.2, 1. ]])
    """
    scales = np.sqrt(np.maximum(np.diag(products), 0))
    if not scales.all():
        return products
    intensity = oas_intensity(products / np.outer(scales, scales), n_errors)
    return np.asarray((1 - intensity) * products + intensity * target)
