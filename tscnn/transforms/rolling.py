"""Mean, variance and scale of the rows that end with each."""

from __future__ import annotations

import numpy as np

__all__ = ["EPSILON", "FLOOR", "rolling_moments", "scale_unit", "window_scales"]

EPSILON = 1e-3  # added to the scale that windows are normalised by
FLOOR = 0.05  # of a window's variance, in units of that of the whole series


def window_scales(rows: np.ndarray, lookback: int, power: float) -> np.ndarray:
    """Measure by what unit the errors of the forecasts from each window count.

    Errors grow with the scale of what is forecast, and some stretches of most series vary several times as much as
    others. In absolute units those few decide alone; in units of each window's own standard deviation the quiet ones
    do. A power between 0 and 1 is between the two.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series one behind the other, each of mean near 0 and scale near 1.
    lookback : int
        Rows of a window.
    power : float
        0 for absolute units, 1 for relative ones.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        The standard deviation of the `lookback` rows that end with each, to that power; a small constant inside keeps
        flat windows in bounds. 1 where there are fewer rows.

    Examples
    --------
    >>> window_scales(np.array([[-1.0], [1.0], [-2.0], [2.0]]), lookback=2, power=1).round(2).ravel()
    array([1.  , 1.02, 1.52, 2.01])
    """
    scales = np.ones(rows.shape)
    _, variance = rolling_moments(rows, lookback)
    scales[lookback - 1 :] = scale_unit(variance[lookback - 1 :], power)
    return scales


def scale_unit(variance: np.ndarray, power: float) -> np.ndarray:
    """Return the unit of `window_scales` for windows of given variance.

    Parameters
    ----------
    variance : ndarray
        In squared units of the whole series.
    power : float
        0 for absolute units, 1 for relative ones.

    Returns
    -------
    ndarray
        As `variance`.
    """
    return np.asarray((variance + FLOOR) ** (power / 2))


def rolling_moments(rows: np.ndarray, span: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the variance of the `span` rows that end with each.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series one behind the other, each of mean near 0 and scale near 1: variances are differences of running sums,
        in float64.
    span : int
        Rows that they are taken over.

    Returns
    -------
    mean, variance : ndarray of shape (n_rows, n_features)
        Of the rows' own column means and 0 where there are fewer rows.

    Examples
    --------
    >>> mean, variance = rolling_moments(np.array([[-1.0], [1.0], [-2.0], [2.0]]), span=2)
    >>> mean.ravel(), variance.ravel().round(2)
    (array([ 0. ,  0. , -0.5,  0. ]), array([0.  , 1.  , 2.25, 4.  ]))
    """
    centre = rows.mean(axis=0, dtype=np.float64)
    mean, variance = np.tile(centre, (len(rows), 1)), np.zeros(rows.shape)
    if len(rows) >= span:
        centred = rows - centre
        level = _rolling_mean(centred, span)
        mean[span - 1 :] += level
        variance[span - 1 :] = np.maximum(_rolling_mean(np.square(centred), span) - np.square(level), 0)
    return mean, variance


def _rolling_mean(values: np.ndarray, span: int) -> np.ndarray:
    totals = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=totals[1:])
    return np.asarray((totals[span:] - totals[:-span]) / span)
