"""Forecasts in the data's own units: of the steps after the newest rows, and from many cutoffs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from tscnn.data.series import SeriesSet
from tscnn.data.times import Times, pad_times
from tscnn.data.windows import sliding_windows
from tscnn.forecasting.intervals import RawForecasts
from tscnn.forecasting.pipeline import Pipeline

__all__ = [
    "forecast_cutoffs",
    "forecast_next",
    "forecast_rows",
    "look_ahead",
    "newest_runs",
    "newest_windows",
    "raw_cutoffs",
]

CHUNK_VALUES = 2**21  # forecast values in memory at a time, 8 MB: a convention
SKIPPED = 4  # positions between cutoffs that are computed sooner than a window of their own, and ..
SKIPPED_SHARE = 24  # .. one more for so many rows of the lookback: measured, see "Speed" in benchmarks/README.md


def forecast_next(pipeline: Pipeline, series: SeriesSet, ahead: Sequence[Times]) -> np.ndarray:
    """Forecast the steps after the newest row of every series.

    Steps beyond the pipeline's horizon are forecast recursively, block by block, from rows that the blocks before are
    appended to.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted model.
    series : SeriesSet
        Where one has fewer rows than `lookback`, its first row stands for those before.
    ahead : sequence of Times
        Of the same number of steps to forecast, one a series.

    Returns
    -------
    ndarray of shape (n_series, n_steps, n_targets)
        In the data's own units.
    """
    lookback, horizon, n_steps = pipeline.lookback, pipeline.horizon, len(ahead[0])
    pipeline, bounds, before = pipeline.admit(series), series.bounds.tolist(), max(1, pipeline.rows_before)
    newest = np.full(1, before - 1)
    rows = [series.values[max(a, b - lookback) : b] for a, b in itertools.pairwise(bounds)]
    seen, blocks, runs = [times[-lookback:] for times in series.all_times()], [], newest_runs(pipeline, series)
    for first in range(0, n_steps, horizon):
        steps = np.minimum(np.arange(first, first + horizon), n_steps - 1)  # what lies beyond is cut off
        block_ahead = ahead if n_steps == horizon else [later[steps] for later in ahead]
        due = [pad_times(times, before)[-before:].append(own) for times, own in zip(seen, block_ahead, strict=True)]
        applied = [_pad(pipeline.apply(own, times), lookback) for own, times in zip(rows, seen, strict=True)]
        found = _next(pipeline, applied, due, newest, runs)
        block = [own.points()[0] for own in found]
        blocks.append(np.stack(block))
        if first + horizon < n_steps:
            rows = [_append(own, later, pipeline.targets)[-lookback:] for own, later in zip(rows, block, strict=True)]
            seen = [times.append(later[before:])[-lookback:] for times, later in zip(seen, due, strict=True)]
            if runs is not None:  # forecasts, and what is carried on beside them, aren't stuck
                runs = np.pad(runs, ((0, 0), (0, horizon), (0, 0)), constant_values=1)[:, -lookback:]
    return np.concatenate(blocks, axis=1)[:, :n_steps]


def look_ahead(pipeline: Pipeline, series: SeriesSet, ahead: Sequence[Times]) -> list[RawForecasts]:
    """Forecast the steps after the newest row of every series, in the units of the terms.

    Parameters
    ----------
    pipeline, series : Pipeline, SeriesSet
        As of `forecast_next`.
    ahead : sequence of Times
        Of at most `horizon` steps.

    Returns
    -------
    list of RawForecasts
        Of one forecast of `horizon` steps a series.
    """
    pipeline, before = pipeline.admit(series), max(1, pipeline.rows_before)
    steps = np.minimum(np.arange(pipeline.horizon), len(ahead[0]) - 1)  # what lies beyond is cut off
    seen = [pad_times(times, before)[-before:] for times in series.all_times()]
    due = [times.append(later[steps]) for times, later in zip(seen, ahead, strict=True)]
    windows, runs = newest_windows(pipeline, series), newest_runs(pipeline, series)
    return _next(pipeline, windows, due, np.full(1, before - 1), runs)


def _next(
    pipeline: Pipeline,
    windows: Sequence[np.ndarray],
    due: Sequence[Times],
    at: np.ndarray,
    runs: np.ndarray | None,
) -> list[RawForecasts]:
    found = pipeline.last(np.stack(windows), pipeline.describe_next(due), runs)
    return [
        RawForecasts(pipeline, own[None], window, np.full(1, len(window) - 1), times, at)
        for own, window, times in zip(found, windows, due, strict=True)
    ]


def newest_windows(pipeline: Pipeline, series: SeriesSet) -> list[np.ndarray]:
    """Cut the newest window of every series.

    Parameters
    ----------
    pipeline : Pipeline
        Of `Pipeline.admit`.
    series : SeriesSet
        In the data's own units.

    Returns
    -------
    list of ndarray of shape (lookback, n_features), float32
        Of `Pipeline.apply`; where a series has fewer rows, its first row stands for those before.
    """
    lookback, bounds = pipeline.lookback, itertools.pairwise(series.bounds.tolist())
    pairs = zip(bounds, series.all_times(), strict=True)
    return [
        _pad(pipeline.apply(series.values[max(a, b - lookback) : b], times[-lookback:]), lookback)
        for (a, b), times in pairs
    ]


def newest_runs(pipeline: Pipeline, series: SeriesSet) -> np.ndarray | None:
    """Count runs of equal values in the newest window of every series.

    Parameters
    ----------
    pipeline, series : Pipeline, SeriesSet
        As of `newest_windows`.

    Returns
    -------
    ndarray of int of shape (n_series, lookback, n_features), or None
        Of `Pipeline.count_runs`; what stands for rows before a series repeats nothing.
    """
    lookback, found = pipeline.lookback, []
    for a, b in itertools.pairwise(series.bounds.tolist()):
        runs = pipeline.count_runs(series.values[max(a, b - lookback) : b])
        if runs is None:
            return None
        found.append(_pad(runs, lookback))
    return np.stack(found)


def _append(rows: np.ndarray, forecasts: np.ndarray, targets: Sequence[int]) -> np.ndarray:
    """Append forecasts to rows, whose other features stay as they are."""
    following = np.repeat(rows[-1:], len(forecasts), axis=0)
    following[:, list(targets)] = forecasts
    return np.concatenate([rows, following])


def _pad(rows: np.ndarray, lookback: int) -> np.ndarray:
    """Repeat the first of too few rows before it."""
    missing = lookback - len(rows)
    return rows if missing <= 0 else np.concatenate([np.repeat(rows[:1], missing, axis=0), rows])


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
    for chunk, found in raw_cutoffs(pipeline, series, i, cutoffs):
        yield chunk, found.points()


def raw_cutoffs(
    pipeline: Pipeline, series: SeriesSet, i: int, cutoffs: np.ndarray
) -> Iterator[tuple[slice, RawForecasts]]:
    """Forecast from evenly spaced rows of one series, in the units of the terms.

    Parameters
    ----------
    pipeline, series, i, cutoffs : Pipeline, SeriesSet, int, ndarray of int
        As of `forecast_cutoffs`.

    Yields
    ------
    chunk : slice
        Which of the cutoffs.
    forecasts : RawForecasts
        Of them.
    """
    series = series.take([i])
    times, known = series.times(0), pipeline.standardize.names
    if known is not None and (series.names or (None,))[0] not in known:  # level and scale are those of each window
        for j, cutoff in enumerate(cutoffs.tolist()):
            window = series.cut(max(0, cutoff + 1 - pipeline.lookback), cutoff + 1)
            ahead = times[cutoff + 1 : cutoff + 1 + pipeline.horizon]
            yield slice(j, j + 1), look_ahead(pipeline, window, [ahead])[0]
        return
    pipeline = pipeline.admit(series)
    rows = pipeline.apply(series.values, times)
    missing = max(0, pipeline.lookback - 1 - int(cutoffs[0]))
    padded = _pad(rows, len(rows) + missing)
    for chunk, found in forecast_rows(pipeline, rows, times, cutoffs, runs=pipeline.count_runs(series.values)):
        yield chunk, RawForecasts(pipeline, found, padded, cutoffs[chunk] + missing, times, cutoffs[chunk])


def forecast_rows(
    pipeline: Pipeline,
    rows: np.ndarray,
    times: Times,
    cutoffs: np.ndarray,
    most_values: int = CHUNK_VALUES,
    runs: np.ndarray | None = None,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Forecast from evenly spaced rows of one series, in the units of the terms, a part of them at a time.

    Cutoffs that are close share their work; those further apart get a window each.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted model.
    rows : ndarray of shape (n_rows, n_features)
        Of `Pipeline.apply`.
    times : Times
        Of the rows, and of `horizon` steps after the last cutoff.
    cutoffs : ndarray of int
        Row numbers, ascending, the first at least `fewest_rows` - 1.
    most_values : int, default 2,097,152
        Forecast values in memory at a time, unless the rows before them are more.
    runs : ndarray of the shape of the rows, optional
        Of `Pipeline.count_runs`.

    Yields
    ------
    chunk : slice
        Which of the cutoffs.
    forecasts : ndarray of shape (n_chunk, horizon, n_targets), float32
        In the units of the terms.
    """
    lookback = pipeline.lookback
    missing = max(0, lookback - 1 - int(cutoffs[0]))
    if missing:
        rows, cutoffs = _pad(rows, len(rows) + missing), cutoffs + missing
        runs = None if runs is None else _pad(runs, len(rows))
        times = pad_times(times, len(times) + missing)
    stride = int(cutoffs[1] - cutoffs[0]) if len(cutoffs) > 1 else 1
    close = stride <= SKIPPED + lookback // SKIPPED_SHARE
    n_values = pipeline.horizon * len(pipeline.targets) * (stride if close else 1)
    n_chunk = max(1, most_values // n_values, min(len(cutoffs), lookback // stride) if close else 0)
    windows, in_runs = sliding_windows(rows, lookback), None if runs is None else sliding_windows(runs, lookback)
    for first in range(0, len(cutoffs), n_chunk):
        chunk = slice(first, min(first + n_chunk, len(cutoffs)))
        at = cutoffs[chunk]
        if close:
            known = pipeline.describe_ahead(times, np.arange(at[0], at[-1] + 1))
            part = slice(at[0] - lookback + 1, at[-1] + 1)
            forecasts = pipeline.dense(rows[part], known, stride, None if runs is None else runs[part])
        else:
            known, starts = pipeline.describe_ahead(times, at), at - lookback + 1
            forecasts = pipeline.last(windows[starts], known, None if in_runs is None else in_runs[starts])
        yield chunk, forecasts
