"""Forecasts in the data's own units: of the steps after the newest rows, and from many cutoffs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tscnn.data.series import SeriesSet
from tscnn.data.times import Times
from tscnn.pipeline import Pipeline

__all__ = ["forecast_cutoffs", "forecast_next"]


def forecast_next(pipeline: Pipeline, series: SeriesSet, ahead: Sequence[Times]) -> np.ndarray:
    """Forecast the steps after the newest row of every series.

    Steps beyond the pipeline's horizon are forecast recursively, block by block, from rows that the blocks before are
    appended to.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted model.
    series : SeriesSet
        At least `lookback` rows each.
    ahead : sequence of Times
        Of the same number of steps to forecast, one a series.

    Returns
    -------
    ndarray of shape (n_series, n_steps, n_targets)
        In the data's own units.
    """
    lookback, horizon, n_steps = pipeline.lookback, pipeline.horizon, len(ahead[0])
    missing = -n_steps % horizon  # of the last block, whose forecasts are cut off
    times = [
        own[-lookback:].append(later).append(later[np.full(missing, -1)])
        for own, later in zip(series.all_times(), ahead, strict=True)
    ]
    rows, blocks, first = series.newest(lookback), [], np.zeros(1, int)
    for start in range(0, n_steps, horizon):
        seen, due = slice(start, start + lookback), slice(start + lookback - 1, start + lookback + horizon)
        windows = np.stack([pipeline.apply(own, when[seen]) for own, when in zip(rows, times, strict=True)])
        found = pipeline.last(windows, pipeline.describe_next([when[due] for when in times]))
        blocks.append(
            np.stack([pipeline.invert(own[None], when[due], first)[0] for own, when in zip(found, times, strict=True)])
        )
        following = np.repeat(rows[:, -1:], horizon, axis=1)
        following[:, :, list(pipeline.targets)] = blocks[-1]
        rows = np.concatenate([rows, following], axis=1)[:, -lookback:]
    return np.concatenate(blocks, axis=1)[:, :n_steps]


def forecast_cutoffs(
    pipeline: Pipeline, series: SeriesSet, i: int, cutoffs: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Forecast from evenly spaced rows of one series.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted model.
    series : SeriesSet
        In the data's own units.
    i : int
        Which series.
    cutoffs : ndarray of int
        Row numbers in that series, ascending.

    Yields
    ------
    chunk : slice
        Which of the cutoffs.
    forecasts : ndarray of shape (n_chunk, horizon, n_targets)
        In the data's own units.
    """
    times, (start, stop) = series.times(i), series.bounds[i : i + 2]
    rows = pipeline.apply(series.values[start:stop], times)
    for chunk, found in pipeline.chunks(rows, times, cutoffs):
        yield chunk, pipeline.invert(found, times, cutoffs[chunk])
