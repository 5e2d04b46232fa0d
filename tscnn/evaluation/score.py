"""One number for all forecasts within a frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tscnn.data.series import SeriesSet

__all__ = ["coefficient_of_determination"]


def coefficient_of_determination(
    forecasts: Iterable[tuple[np.ndarray, np.ndarray]], series: SeriesSet, unit: np.ndarray
) -> float:
    """Return 1 - squared error / squared deviation of the outcomes from their mean, the mean over targets.

    Parameters
    ----------
    forecasts : iterable of (ndarray of shape (n, horizon, n_targets), ndarray of int of shape (n,))
        Forecasts, and the rows that they are made from: a part of them at a time.
    series : SeriesSet
        Of the targets, in the units of the forecasts.
    unit : ndarray of shape (n_targets,)
        By which errors are divided before they are squared, so that none is too large.

    Returns
    -------
    float
        1 is best. A target that is constant counts 1 if forecast exactly, and 0 otherwise.

    Examples
    --------
    >>> import pandas as pd
    >>> series = SeriesSet(np.array([[0.0], [1.0], [2.0], [3.0]]), (pd.RangeIndex(4),))
    >>> coefficient_of_determination([(np.array([[[1.0]], [[2.0]], [[4.0]]]), np.array([0, 1, 2]))], series, np.ones(1))
    0.5
    """
    n_values, centre = 0, None
    error = deviation = total = np.zeros(len(unit))
    for found, at in forecasts:
        outcomes = series.outcomes(at, found.shape[1])
        if centre is None:
            centre = outcomes[:, 0].mean(axis=0)
        known = (outcomes - centre) / unit
        error = error + np.square((found - outcomes) / unit).sum(axis=(0, 1))
        deviation = deviation + np.square(known).sum(axis=(0, 1))
        total = total + known.sum(axis=(0, 1))
        n_values += len(at) * found.shape[1]
    deviation = deviation - total**2 / n_values
    varies = deviation > 1e-12 * n_values
    constant = np.where(error > 0, 0.0, 1.0)
    return float(np.mean(np.where(varies, 1 - error / np.where(varies, deviation, 1), constant)))
