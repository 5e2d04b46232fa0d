"""A forecast part by part, and how much of what varies in forecasts each part makes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from tscnn.data.series import SeriesSet
from tscnn.data.times import Times, pad_times
from tscnn.forecasting.pipeline import Pipeline
from tscnn.transforms import Logarithm, Standardize

__all__ = ["forecast_by_part", "share_of_variance"]

MOST_ORIGINS = 64  # that shares are measured on, and ..
MOST_VALUES = 2**21  # .. values of their windows, of more than 8: conventions, for the time of a fit


def forecast_by_part(
    pipeline: Pipeline, windows: np.ndarray, ahead: Mapping[str, np.ndarray], times: Times, at: np.ndarray
) -> dict[str, np.ndarray]:
    """Forecast at the newest row of several windows, part by part.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted model.
    windows : ndarray of shape (n, lookback, n_features)
        Of `Pipeline.apply` and `Pipeline.clean`.
    ahead : mapping of str to ndarray
        Of `Pipeline.describe_ahead`.
    times : Times
        Of some rows and at least `horizon` steps after them.
    at : ndarray of int of shape (n,)
        The row that each forecast is made from, among the times.

    Returns
    -------
    dict of str to ndarray of shape (n, horizon, n_targets), float64
        By name of the term, or of the transform that adds to forecasts, in the units of the terms: their sum is the
        forecast, up to standardising and logarithms.
    """
    nothing = np.zeros((len(windows), pipeline.horizon, len(pipeline.targets)))
    found = {
        one.name: one.invert(nothing.copy(), times, at, pipeline.targets)
        for one in pipeline.transforms
        if not isinstance(one, Logarithm | Standardize)
    }
    found |= pipeline.last_by_term(windows, ahead)
    return {name: np.asarray(part, np.float64) for name, part in found.items()}


def share_of_variance(pipeline: Pipeline, rows: SeriesSet) -> dict[str, float]:
    """Measure how much of what varies in forecasts each part makes.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted model.
    rows : SeriesSet
        In the units of the terms. Forecasts are made from some of them, evenly spread.

    Returns
    -------
    dict of str to float
        By part, of `forecast_by_part`: its covariance with the forecast, in units of the variance of the forecast,
        over rows, steps and targets. They sum to one; that of a part that takes back what others say is negative.
    """
    lookback, first = pipeline.lookback, pipeline.fewest_rows - 1
    bounds = list(itertools.pairwise(rows.bounds.tolist()))
    last = [b - a - pipeline.horizon for a, b in bounds]
    ends = np.concatenate([[0], np.cumsum([max(0, one - first) for one in last])])
    n = int(np.clip(MOST_VALUES // (lookback * rows.values.shape[1]), 8, MOST_ORIGINS))
    chosen = np.unique(np.linspace(0, ends[-1] - 1, n).astype(int)) if ends[-1] else np.zeros(0, int)
    of = np.searchsorted(ends, chosen, side="right") - 1
    found: dict[str, list[np.ndarray]] = {}
    for i in np.unique(of).tolist():
        at, times = chosen[of == i] - ends[i] + first, rows.times(i)
        own = rows.values[slice(*bounds[i])]
        windows = pipeline.clean(own[np.maximum(at[:, None] + np.arange(1 - lookback, 1), 0)])
        before = max(0, pipeline.rows_before - 1 - int(at[0]))
        times, at = pad_times(times, len(times) + before), at + before
        for name, part in forecast_by_part(pipeline, windows, pipeline.describe_ahead(times, at), times, at).items():
            found.setdefault(name, []).append(part)
    joined = {name: np.concatenate(parts) for name, parts in found.items()}
    total = sum(joined.values(), np.zeros(1))
    centred = total - total.mean(axis=(0, 1)) if joined else total
    variance = float(np.square(centred).sum())
    return {name: float((centred * part).sum() / variance) if variance else 0.0 for name, part in joined.items()}
