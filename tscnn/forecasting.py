"""Forecasts in the data's own units: of the steps after the newest rows, and from many cutoffs."""

from __future__ import annotations

import itertools
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
        Where one has fewer rows than `lookback`, the mean of its rows stands for those before.
    ahead : sequence of Times
        Of the same number of steps to forecast, one a series.

    Returns
    -------
    ndarray of shape (n_series, n_steps, n_targets)
        In the data's own units.
    """
    lookback, horizon, n_steps = pipeline.lookback, pipeline.horizon, len(ahead[0])
    pipeline, bounds, newest = pipeline.admit(series), series.bounds.tolist(), np.zeros(1, int)
    rows = [series.values[max(a, b - lookback) : b] for a, b in itertools.pairwise(bounds)]
    seen, blocks = [times[-lookback:] for times in series.all_times()], []
    for first in range(0, n_steps, horizon):
        steps = np.minimum(np.arange(first, first + horizon), n_steps - 1)  # what lies beyond is cut off
        due = [times[-1:].append(later[steps]) for times, later in zip(seen, ahead, strict=True)]
        applied = [_pad(pipeline.apply(own, times), lookback) for own, times in zip(rows, seen, strict=True)]
        found = pipeline.last(np.stack(applied), pipeline.describe_next(due))
        block = [pipeline.invert(own[None], times, newest)[0] for own, times in zip(found, due, strict=True)]
        blocks.append(np.stack(block))
        if first + horizon < n_steps:
            rows = [_append(own, later, pipeline.targets)[-lookback:] for own, later in zip(rows, block, strict=True)]
            seen = [times.append(later[1:])[-lookback:] for times, later in zip(seen, due, strict=True)]
    return np.concatenate(blocks, axis=1)[:, :n_steps]


def _append(rows: np.ndarray, forecasts: np.ndarray, targets: Sequence[int]) -> np.ndarray:
    """Append forecasts to rows, whose other features stay as they are."""
    following = np.repeat(rows[-1:], len(forecasts), axis=0)
    following[:, list(targets)] = forecasts
    return np.concatenate([rows, following])


def _pad(rows: np.ndarray, lookback: int) -> np.ndarray:
    """Put the mean of too few rows before them: maps are relative to a window's mean, which it leaves as it is."""
    missing = lookback - len(rows)
    return rows if missing <= 0 else np.concatenate([np.repeat(rows.mean(axis=0)[None], missing, axis=0), rows])


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
