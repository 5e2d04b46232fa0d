"""Windows of a series: as views, and as segments of consecutive origins that are never cut out at all.

An origin is the last row that a forecast may see. With `lookback` L and `horizon` H, origin t sees rows
t - L + 1 .. t and is evaluated on rows t + 1 .. t + H.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from tscnn.common.checks import as_array, check_int, check_real, received
from tscnn.data.index import check_spacing, find_kind

__all__ = [
    "Segments",
    "count_windows",
    "cut_segments",
    "find_origins",
    "make_windows",
    "pick_origins",
    "sliding_windows",
    "split_row",
]


def sliding_windows(rows: np.ndarray, length: int) -> np.ndarray:
    """Return every window of consecutive rows, without copying.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, ...)
        Oldest first.
    length : int
        Rows of a window, at most `n_rows`.

    Returns
    -------
    ndarray of shape (n_rows - length + 1, length, ...)
        A read-only view.

    Examples
    --------
    >>> sliding_windows(np.arange(4), 3)
    array([[0, 1, 2],
           [1, 2, 3]])
    """
    if check_int("length", length, minimum=0) > len(rows):
        raise ValueError(received(f"`length` must be at most the number of rows, {len(rows)}.", length=length))
    return np.moveaxis(sliding_window_view(rows, length, axis=0), -1, 1)


def count_windows(n_timesteps: int, lookback: int, horizon: int, stride: int = 1) -> int:
    """Count the complete windows of a series.

    Parameters
    ----------
    n_timesteps, lookback, horizon : int
        Rows of the series, steps seen and steps predicted.
    stride : int, default 1
        Steps from one window to the next.

    Returns
    -------
    int
        ``(n_timesteps - lookback - horizon) // stride + 1``, or 0 if that is negative.

    Examples
    --------
    >>> count_windows(100, lookback=10, horizon=1)
    90
    """
    lookback, horizon, stride = map(check_int, ("lookback", "horizon", "stride"), (lookback, horizon, stride))
    return max(0, (check_int("n_timesteps", n_timesteps, minimum=0) - lookback - horizon) // stride + 1)


def make_windows(values: Any, lookback: int, horizon: int, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Cut a series into every complete (input, target) window, without copying.

    Parameters
    ----------
    values : ndarray, DataFrame or Series of shape (n_timesteps, n_features), or (n_timesteps,)
        Evenly spaced observations, oldest first, in the data's own units. A frame's index holds times, periods or
        integers, without a gap: windows across one would be no windows.
    lookback, horizon : int
        Steps seen and steps predicted, at least 1.
    stride : int, default 1
        Steps from one window to the next. The first window starts at the first row.

    Returns
    -------
    inputs : ndarray of shape (n_windows, lookback, n_features)
        A read-only view of `values`; of a frame, where its columns lie in one block of one type. Numbers and booleans
        of several types become float64.
    targets : ndarray of shape (n_windows, horizon, n_features)
        A read-only view: the rows after each input. Neither has a feature axis if `values` has none.

    Raises
    ------
    TypeError
        If `lookback`, `horizon` or `stride` is no integer, a column of a frame of several types holds no numbers, or
        its index neither times, periods nor integers.
    ValueError
        If no complete window fits, or the index of a frame is not evenly spaced.

    Examples
    --------
    >>> inputs, targets = make_windows(np.arange(100.0), lookback=10, horizon=1)
    >>> inputs.shape, targets.shape, float(targets[-1, 0])
    ((90, 10), (90, 1), 99.0)
    """
    lookback, horizon = check_int("lookback", lookback), check_int("horizon", horizon)
    stride = check_int("stride", stride)
    rows = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(as_array("values", values))
    if rows.dtype == object and isinstance(values, pd.DataFrame | pd.Series):
        rows = _as_floats(values)
    if rows.ndim not in (1, 2):
        raise ValueError(received("`values` must have one or two dimensions.", shape=rows.shape))
    if count_windows(len(rows), lookback, horizon) == 0:
        rule = f"`values` must have at least lookback + horizon = {lookback + horizon} rows."
        raise ValueError(received(rule, n_rows=len(rows)))
    if isinstance(values, pd.DataFrame | pd.Series):
        find_kind(values.index)
        check_spacing(values.index, None)
    windows = sliding_windows(rows, lookback + horizon)[::stride]
    return windows[:, :lookback], windows[:, lookback:]


def _as_floats(values: pd.DataFrame | pd.Series) -> np.ndarray:
    for name, dtype in values.dtypes.items() if isinstance(values, pd.DataFrame) else [(values.name, values.dtype)]:
        if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
            rule = f"Column {name!r} of `values` must hold real numbers or booleans."
            raise TypeError(received(rule, dtype=str(dtype)))
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def split_row(n_timesteps: int, lookback: int, horizon: int, validation_fraction: float) -> int | None:
    """Find the first row that validation forecasts are evaluated on; those of training lie before it.

    Parameters
    ----------
    n_timesteps, lookback, horizon : int
        Rows of the series, steps seen and steps predicted.
    validation_fraction : float in [0, 1)
        Share of the rows to hold back, from the end. At least `horizon` rows are, so that one forecast fits.

    Returns
    -------
    int or None
        None if the fraction is 0, or if no complete training window would be left.

    Raises
    ------
    TypeError, ValueError
        If the fraction is no number in [0, 1).

    Examples
    --------
    >>> split_row(1000, lookback=10, horizon=5, validation_fraction=0.1)
    900
    """
    fraction = check_real("validation_fraction", validation_fraction, low=0, high=1)
    row = n_timesteps - max(round(fraction * n_timesteps), horizon)
    return row if fraction > 0 and row >= lookback + horizon else None


def find_origins(
    lengths: Iterable[int], lookback: int, horizon: int, first_targets: Iterable[int | None] | None = None
) -> list[range]:
    """Find the origins of series that lie one behind the other in one array; no window crosses from one to the next.

    Parameters
    ----------
    lengths : iterable of int
        Rows of each series (or of each stretch between two gaps).
    lookback, horizon : int
        Steps seen and steps predicted.
    first_targets : iterable of (int or None), optional
        Only origins whose targets all lie at or after this row of their series; their inputs may reach back before it.

    Returns
    -------
    list of range
        Rows of the whole array, one range a series, empty where a series is too short.

    Raises
    ------
    ValueError
        If `first_targets` is not as long as `lengths`.

    Examples
    --------
    >>> find_origins([10, 5, 8], lookback=4, horizon=2)
    [range(3, 8), range(13, 13), range(18, 21)]
    """
    lengths = list(lengths)
    first_targets = [None] * len(lengths) if first_targets is None else list(first_targets)
    ranges, offset = [], 0
    for length, first_target in zip(lengths, first_targets, strict=True):
        first = max(lookback - 1, 0 if first_target is None else first_target - 1)
        ranges.append(range(offset + first, max(offset + first, offset + length - horizon)))
        offset += length
    return ranges


def pick_origins(stretches: Sequence[range], positions: np.ndarray) -> np.ndarray:
    """Take some of the origins of several stretches.

    Parameters
    ----------
    stretches : sequence of range
        Rows.
    positions : ndarray of int
        Which, counted through all stretches.

    Returns
    -------
    ndarray of int
        Rows.

    Examples
    --------
    >>> pick_origins([range(3, 8), range(8, 8), range(13, 16)], np.array([0, 4, 5]))
    array([ 3,  7, 13])
    """
    ends = np.cumsum([0, *map(len, stretches)])
    which = np.searchsorted(ends, positions, side="right") - 1
    return np.asarray(np.array([s.start for s in stretches], int)[which] + positions - ends[which])


@dataclass(frozen=True)
class Segments:
    """Stretches of `n_origins` consecutive origins that together hold every origin once.

    Segment i starts at row ``starts[i]``, the oldest that its first origin sees. ``weights[i, j]`` is 1 for a
    real origin and 0 for filling: the last segment of a series is moved back to end with the series, and origins that
    the one before it already has don't count again.
    """

    starts: np.ndarray  # (n_segments,), int32
    weights: np.ndarray  # (n_segments, n_origins), float32

    @property
    def n_origins(self) -> int:
        """Count the real origins.

        Returns
        -------
        int
            In all segments.
        """
        return int(np.count_nonzero(self.weights))


def cut_segments(origins: Iterable[range], lookback: int, n_origins: int) -> Segments:
    """Cut ranges of origins into segments of one length, each origin in exactly one.

    Parameters
    ----------
    origins : iterable of range
        Of `find_origins`.
    lookback : int
        Steps seen.
    n_origins : int
        Origins of a segment, at least 1.

    Returns
    -------
    Segments
        Where a series has fewer origins than a segment, a start may lie before the series, and even be negative; the
        rows there belong to origins of weight 0.

    Raises
    ------
    TypeError, ValueError
        If `n_origins` is no integer of at least 1.

    Examples
    --------
    >>> segments = cut_segments([range(3, 8)], lookback=4, n_origins=2)
    >>> segments.starts, segments.weights
    (array([0, 2, 3], dtype=int32), array([[1., 1.],
           [1., 1.],
           [0., 1.]], dtype=float32))
    """
    n_origins = check_int("n_origins", n_origins)
    starts, weights = [np.empty(0, dtype=int)], [np.empty((0, n_origins), dtype=bool)]
    for stretch in origins:
        firsts = np.arange(stretch.start, stretch.stop, n_origins)
        moved = np.minimum(firsts, stretch.stop - n_origins)
        starts.append(moved - lookback + 1)
        weights.append(moved[:, None] + np.arange(n_origins) >= firsts[:, None])
    return Segments(np.concatenate(starts).astype(np.int32), np.concatenate(weights).astype(np.float32))
