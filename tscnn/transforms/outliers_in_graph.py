"""What `OutlierFilter.clean` does to windows, without loops: in the operations of a framework."""

from __future__ import annotations

from typing import Any

import numpy as np

from tscnn.transforms.missing import SHORT, GapMaps
from tscnn.transforms.outliers import OutlierFilter
from tscnn.transforms.stuck import MOST_OF_WINDOW

__all__ = ["clean_in_graph"]


def clean_in_graph(
    windows: Any, missing: Any, outliers: OutlierFilter, ops: Any, rows: Any = None, *, padded: bool = False
) -> Any:
    """Replace the values of windows that lie outside or are stuck, and fill those that are missing.

    Parameters
    ----------
    windows : tensor of shape (batch, n_rows, n_features), float32
        In the units of the terms, finite.
    missing : tensor of bool of the same shape, or None
        What is to be filled; None where nothing ever is.
    outliers : OutlierFilter
        Of the pipeline.
    ops : module
        ``keras.ops``, or what has its names.
    rows : tensor of the same shape, optional
        The windows in the data's own units, NaN where a value is missing; without them nothing is stuck.
    padded : bool, default False
        Whether a window may begin with repetitions of its first row, which stand for those before a short series and
        aren't stuck.

    Returns
    -------
    tensor of the same shape
        Of `OutlierFilter.clean`.
    """
    n_rows, season = windows.shape[1], outliers.season
    sticks = rows is not None and outliers.stuck_from is not None and (outliers.stuck_from <= n_rows).any()
    if missing is None and not sticks and not np.isfinite([outliers.lower, outliers.upper]).any():
        return windows
    gaps = _find_outliers(windows, missing, rows if sticks else None, outliers, ops, padded)
    gaps = gaps if missing is None else gaps | missing
    runs = _Runs(gaps, ops)
    line = _interpolate(windows, gaps, runs, ops)
    filled = line if not season else _by_seasons(windows, line, gaps, runs, season, ops)
    if missing is not None:
        some = ops.max(ops.cast(missing, "float32"), axis=1, keepdims=True) > 0  # columns with missing values
        none = ops.min(ops.cast(gaps, "float32"), axis=1, keepdims=True) > 0  # columns without any value
        by_maps = line if outliers.gaps is None else _by_maps(line, runs, outliers.gaps, ops)
        by_maps = ops.where(gaps & ((runs.length > SHORT) | ops.equal(runs.stop, n_rows)), by_maps, line)
        filled = ops.where(some, ops.where(none, ops.zeros_like(line), by_maps), filled)
    return ops.where(gaps, filled, windows)


class _Runs:
    """The first row of the run that each row of a gap lies in, the row after its last, and how long it is."""

    def __init__(self, gaps: Any, ops: Any) -> None:
        n_rows = gaps.shape[1]
        self.at = np.arange(n_rows, dtype=np.int32)[:, None]
        before = ops.where(gaps, np.int32(-1), self.at)
        after = ops.where(gaps, np.int32(n_rows), self.at)
        for apart in [1 << bit for bit in range(n_rows.bit_length())]:
            if apart < n_rows:
                before = ops.concatenate(
                    [before[:, :apart], ops.maximum(before[:, apart:], before[:, :-apart])], axis=1
                )
                after = ops.concatenate([ops.minimum(after[:, :-apart], after[:, apart:]), after[:, -apart:]], axis=1)
        self.before, self.stop = before, after  # the nearest rows that aren't in a gap, or -1 and `n_rows`
        self.start = before + 1
        self.length = self.stop - self.start


def _find_outliers(windows: Any, missing: Any, rows: Any, outliers: OutlierFilter, ops: Any, padded: bool) -> Any:
    """Tell which values are far from the others, and are no new level, or stuck: of `clean` and `keep_levels`."""
    n_rows = windows.shape[1]
    outside = (windows < outliers.lower) | (windows > outliers.upper)
    outside = outside if missing is None else outside & ~missing
    share = ops.mean(ops.cast(outside, "float32"), axis=1, keepdims=True)
    outside = outside & (share <= 0.5)
    runs = _Runs(outside, ops)
    changes = ops.cast(ops.not_equal(windows[:, 1:], windows[:, :-1]), "int32")
    n_changes = ops.cumsum(ops.concatenate([ops.zeros_like(changes[:, :1]), changes], axis=1), axis=1)
    first, last = ops.minimum(runs.start, n_rows - 1), ops.maximum(runs.stop - 1, 0)
    moves = ops.take_along_axis(n_changes, last, axis=1) > ops.take_along_axis(n_changes, first, axis=1)
    needed = ops.where(ops.equal(runs.stop, n_rows), np.int32(SHORT), np.int32(max(outliers.season, SHORT)))
    found = outside & ~((runs.length >= needed) & moves)
    return found if rows is None else found | _find_stuck(rows, outside, outliers.stuck_from, ops, padded)


def _find_stuck(rows: Any, far: Any, stuck_from: Any, ops: Any, padded: bool) -> Any:
    """Tell which values a stuck sensor repeats: of `find_stuck`."""
    repeats = ops.equal(rows[:, 1:], rows[:, :-1])
    if padded:
        same = repeats | (ops.not_equal(rows[:, 1:], rows[:, 1:]) & ops.not_equal(rows[:, :-1], rows[:, :-1]))
        moves = ops.max(1 - ops.cast(same, "int32"), axis=2, keepdims=True)  # in any column
        repeats = repeats & (ops.cumsum(moves, axis=1) > 0)
    none = far[:, :1] & ~far[:, :1]
    repeats = ops.concatenate([none, repeats], axis=1)
    stuck = repeats & (_Runs(repeats, ops).length >= np.minimum(stuck_from - 1, rows.shape[1]).astype(np.int32))
    stuck = stuck | ops.concatenate([stuck[:, 1:], none], axis=1)  # the value that is repeated, too
    return stuck & (ops.mean(ops.cast(stuck | far, "float32"), axis=1, keepdims=True) <= MOST_OF_WINDOW)


def _interpolate(windows: Any, gaps: Any, runs: _Runs, ops: Any) -> Any:
    """Fill gaps by straight lines, at the ends by the nearest value."""
    n_rows = windows.shape[1]
    known = ops.where(gaps, ops.zeros_like(windows), windows)
    low = ops.take_along_axis(known, ops.maximum(runs.before, 0), axis=1)
    high = ops.take_along_axis(known, ops.minimum(runs.stop, n_rows - 1), axis=1)
    low = ops.where(runs.before < 0, high, low)
    high = ops.where(ops.equal(runs.stop, n_rows), low, high)
    part = ops.cast(runs.at - runs.before, "float32") / ops.cast(ops.maximum(runs.length + 1, 1), "float32")
    return ops.where(gaps, low + (high - low) * part, windows)


def _by_seasons(windows: Any, line: Any, gaps: Any, runs: _Runs, season: int, ops: Any) -> Any:
    """Fill long gaps by the mean of the seasons before and after, as `fill_gaps` does.

    The season before may lie in a gap that is filled from an earlier one: each value is a share of another one before
    it, and something; as many steps as the binary digits of the number of gaps follow the way back to what is known.
    """
    n_rows = windows.shape[1]
    n_bad = ops.cumsum(ops.cast(gaps, "int32"), axis=1)

    def bad_before(at: Any) -> Any:  # gaps in rows before these
        found = ops.take_along_axis(n_bad, ops.minimum(ops.maximum(at - 1, 0), n_rows - 1), axis=1)
        return ops.where(at > 0, found, 0)

    long = gaps & ((runs.length > SHORT) | ops.equal(runs.stop, n_rows))
    has_before = long & (runs.start >= season)
    end = runs.stop + season
    has_after = long & (end <= n_rows) & ops.equal(bad_before(end), bad_before(runs.stop))
    phase = ops.mod(ops.maximum(runs.at - runs.start, 0), season)
    source = ops.where(has_before, runs.start - season + phase, runs.at)
    after = end - 1 - ops.mod(ops.maximum(runs.stop - 1 - runs.at, 0), season)
    after = ops.take_along_axis(windows, ops.minimum(ops.maximum(after, 0), n_rows - 1), axis=1)
    zero = ops.zeros_like(line)
    share = ops.where(has_before, ops.where(has_after, np.float32(0.5), np.float32(1)), np.float32(0))
    found = ops.where(has_after, ops.where(has_before, 0.5 * after, after), ops.where(has_before, zero, line))
    for _ in range((n_rows // (SHORT + 1)).bit_length()):
        found = found + ops.where(share > 0, share * ops.take_along_axis(found, source, axis=1), zero)
        share = share * ops.take_along_axis(share, source, axis=1)
        source = ops.take_along_axis(source, source, axis=1)
    return found


def _by_maps(line: Any, runs: _Runs, maps: GapMaps, ops: Any) -> Any:
    """Fill gaps from the rows before and after, as `GapMaps.fill` does."""
    n_rows, n_steps, n = line.shape[1], maps.errors.shape[2], maps.n_rows
    repeated = n_steps - maps.period + np.arange(max(n_rows - n_steps, 0)) % maps.period
    steps = np.concatenate([np.arange(n_steps), repeated]).astype(np.int32)  # which step each row of a gap is of
    columns = []
    for f in range(line.shape[2]):
        totals, weights = [], []
        for backwards in (False, True):
            start = (runs.start if not backwards else n_rows - runs.stop)[:, :, f]
            at = (runs.at[:, 0] if not backwards else n_rows - 1 - runs.at[:, 0]) - start
            column = line[:, :: -1 if backwards else 1, f]
            padded = ops.concatenate([column[:, :1]] * n + [column], axis=1)  # row i is row i + n of it
            windows = ops.take(padded, np.arange(n_rows)[:, None] + np.arange(n), axis=1)  # before each row
            kernel = maps.kernels[int(backwards), f].astype(np.float32)
            found = ops.reshape(ops.matmul(windows, kernel), (-1, n_rows * n_steps))
            step = ops.take(steps, ops.maximum(at, 0), axis=0)
            place = ops.minimum(ops.maximum(start, 0), n_rows - 1) * n_steps + step
            weight = ops.take((1 / maps.errors[int(backwards), f]).astype(np.float32), step, axis=0)
            weight = ops.where(start > 0, weight, 0.0 * weight)  # nothing lies before
            totals.append(weight * ops.take_along_axis(found, place, axis=1))
            weights.append(weight)
        total = weights[0] + weights[1]
        columns.append((totals[0] + totals[1]) / ops.where(total > 0, total, 1.0 + 0.0 * total))
    return ops.stack(columns, axis=-1)
