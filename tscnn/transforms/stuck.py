"""Runs of one value: how long they are, from how many rows on a sensor is stuck, and what of a window it repeats."""

from __future__ import annotations

import itertools

import numpy as np

from tscnn.data.mapped import blocks
from tscnn.data.series import SeriesSet
from tscnn.transforms.missing import SHORT

__all__ = [
    "GAP",
    "MOST_OF_WINDOW",
    "count_runs",
    "find_long",
    "find_stuck",
    "learn_stuck_from",
    "mark_long",
    "shortest_run",
]

GAP = 3.0  # times as far from the median, or as long, as any other: an outlier. A convention
MOST_REPEATS = 0.5  # of the rows, of which more belong to what a column is, such as the zeros of rare events
MOST_OF_WINDOW = 0.5  # that repeats one value, of which more is how the column is by now


def shortest_run(season: int | None) -> float:
    """Return the length of runs that are never long, for steady values move within half a season.

    Parameters
    ----------
    season : int or None
        Rows of a season.

    Returns
    -------
    float
        A run is stuck if it is more than `GAP` times as long as this, and as any other.
    """
    return max(SHORT, (season or 0) / (2 * GAP))


def count_runs(values: np.ndarray) -> np.ndarray:
    """Count for how many rows in a row each column has had its value.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        One series, in its own units: transforms that subtract something else from each row tear runs apart.

    Returns
    -------
    ndarray of int of shape (n_rows, n_features)
        The row itself included; 1 of the first row, and of what is missing.

    Examples
    --------
    >>> count_runs(np.array([[5.0], [5.0], [5.0], [7.0]])).ravel()
    array([1, 2, 3, 1], dtype=int32)
    """
    runs, repeats = np.ones(values.shape, np.int32), values[1:] == values[:-1]
    at = np.arange(1, len(values), dtype=np.int32)
    for f in np.flatnonzero(repeats.any(axis=0)) if repeats.any() else ():
        runs[1:, f] = at + 1 - np.maximum.accumulate(np.where(repeats[:, f], 0, at))
    return runs


def learn_stuck_from(series: SeriesSet, season: int | None) -> np.ndarray | None:
    """Learn from how many equal values in a row on a column is stuck.

    Parameters
    ----------
    series : SeriesSet
        Of `clean_series`, in the data's own units.
    season : int or None
        Rows of a season.

    Returns
    -------
    ndarray of shape (n_features,), float32, or None
        More than three times the longest run, and than half a season; infinite for columns that repeat more than half
        of their values, such as constants, counts of rare events and categories. None if all do.
    """
    longest, repeats = np.ones(series.values.shape[1]), np.zeros(series.values.shape[1])
    for a, b in itertools.pairwise(series.bounds.tolist()):
        own, before = series.values[a:b], np.zeros(len(longest), int)
        for block in blocks(own):
            part = own[max(0, block.start - 1) : block.stop]
            runs = count_runs(part)[len(part) - (block.stop - block.start) :]
            for f in range(len(longest)):
                starts = np.flatnonzero(runs[:, f] == 1)
                lengths = np.diff(np.concatenate([[-before[f]], starts, [len(runs)]]))
                longest[f] = max(longest[f], lengths.max())
                before[f] = lengths[-1]  # which the next block may go on with
                repeats[f] += len(runs) - len(starts)
    bounds = np.floor(GAP * np.maximum(longest, shortest_run(season))) + 1
    bounds[repeats > MOST_REPEATS * len(series.values)] = np.inf
    return bounds.astype(np.float32) if np.isfinite(bounds).any() else None


def find_long(runs: np.ndarray | None, stuck_from: np.ndarray | None) -> np.ndarray | None:
    """Tell at which rows a run is `stuck_from` rows long or longer, as far as their window holds it.

    Parameters
    ----------
    runs : ndarray of shape (..., n_rows, n_features), or None
        Of `count_runs`; rows before the window don't count.
    stuck_from : ndarray of shape (n_features,), or None
        Of `learn_stuck_from`.

    Returns
    -------
    ndarray of bool of the same shape, or None
        None where no row is.
    """
    if runs is None or stuck_from is None or not runs.size or runs.max() < stuck_from.min():
        return None
    long = (runs >= stuck_from) & (np.arange(1, runs.shape[-2] + 1)[:, None] >= stuck_from)
    return long if long.any() else None


def find_stuck(runs: np.ndarray | None, stuck_from: np.ndarray | None, far: np.ndarray) -> np.ndarray | None:
    """Tell which values of windows a stuck sensor repeats.

    Parameters
    ----------
    runs : ndarray of shape (n_windows, n_rows, n_features), or None
        As of `find_long`.
    stuck_from : ndarray of shape (n_features,), or None
        Of `learn_stuck_from`.
    far : ndarray of bool of shape (n_windows, n_rows, n_features)
        Values that are outliers anyway.

    Returns
    -------
    ndarray of bool of the same shape, or None
        None where nothing is stuck; so is a column that would lose more than half of a window.
    """
    long = find_long(runs, stuck_from)
    if runs is None or long is None:
        return None
    stuck = mark_long(runs, long)
    stuck &= (stuck | far).mean(axis=1, keepdims=True) <= MOST_OF_WINDOW
    return stuck if stuck.any() else None


def mark_long(runs: np.ndarray, long: np.ndarray) -> np.ndarray:
    """Tell which values belong to runs that are long.

    Parameters
    ----------
    runs, long : ndarray of shape (..., n_rows, n_features)
        Of `count_runs` and `find_long`.

    Returns
    -------
    ndarray of bool of the same shape
        From the first row of each run on, or of the window.
    """
    at = np.arange(runs.shape[-2], dtype=runs.dtype)[:, None]
    first = np.where(long, at + 1 - runs, runs.dtype.type(len(at)))  # of the run that a row belongs to
    return np.asarray(np.minimum.accumulate(first[..., ::-1, :], axis=-2)[..., ::-1, :] <= at)
