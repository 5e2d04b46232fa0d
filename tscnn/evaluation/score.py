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
        Of the targets, in the units of the forecasts; what is missing counts nowhere.
    unit : ndarray of shape (n_targets,)
        By which errors are divided before they are squared, so that none is too large.

    Returns
    -------
    float
        1 is best. A target that is constant counts 1 if forecast exactly, and 0 otherwise; one without outcomes counts
        nowhere.

    Examples
    --------
    >>> import pandas as pd
    >>> series = SeriesSet(np.array([[0.0], [1.0], [2.0], [3.0]]), (pd.RangeIndex(4),))
    >>> coefficient_of_determination([(np.array([[[1.0]], [[2.0]], [[4.0]]]), np.array([0, 1, 2]))], series, np.ones(1))
    0.5
    """
    n_values, centre = np.zeros(len(unit)), None
    error = deviation = total = np.zeros(len(unit))
    for found, at in forecasts:
        outcomes = series.outcomes(at, found.shape[1])
        there = ~np.isnan(outcomes)
        complete = bool(there.all())
        if centre is None:
            centre = outcomes[:, 0].mean(axis=0) if complete else _first_known(series.values)
        known, wrong = (outcomes - centre) / unit, (found - outcomes) / unit
        if not complete:
            known, wrong = np.where(there, known, 0.0), np.where(there, wrong, 0.0)
        error = error + np.square(wrong).sum(axis=(0, 1))
        deviation = deviation + np.square(known).sum(axis=(0, 1))
        total = total + known.sum(axis=(0, 1))
        n_values += there.sum(axis=(0, 1))
    counts = n_values > 0
    deviation = deviation - total**2 / np.maximum(n_values, 1)
    varies = deviation > 1e-12 * n_values
    constant = np.where(error > 0, 0.0, 1.0)
    by_target = np.where(varies, 1 - error / np.where(varies, deviation, 1), constant)
    return float(np.mean(by_target[counts])) if counts.any() else float("nan")


def _first_known(values: np.ndarray) -> np.ndarray:
    """Return the first value of each column that is there, 0 where none is."""
    there = ~np.isnan(values)
    return np.where(there.any(axis=0), values[there.argmax(axis=0), np.arange(values.shape[1])], 0.0)
