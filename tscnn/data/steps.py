"""The step of an index: found, named, and taken."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from tscnn.data.clock import clock_times, is_calendar, localize, wall_times

__all__ = [
    "TOO_FAR",
    "expected_index",
    "find_step",
    "keeps_step",
    "name_step",
    "on_steps",
    "spaced",
    "whole_numbers",
    "write_step",
]

# What pandas raises beyond the times or integers of a type (its own errors are ValueErrors); for a zone after the year
# 9999 it is the last, before pandas 3 the first.
TOO_FAR = (ValueError, OverflowError, NotImplementedError)


def find_step(index: pd.Index) -> Any:
    """Find the step of an ascending index, or of most of its rows: an int, an offset, or None for a single row."""
    if isinstance(index, pd.RangeIndex):
        return index.step
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and index.freq is not None:
        return index.freq
    if len(index) < 2:
        return None
    if isinstance(index, pd.DatetimeIndex):
        return _guess_offset(index)
    return int(pd.Series(np.diff(whole_numbers(index))).mode()[0])


def _guess_offset(index: pd.DatetimeIndex) -> Any:
    """Find the step of all rows, or failing that of most, so that the error can name a gap."""
    if (inferred := _infer_offset(index)) is not None:
        return inferred
    local = wall_times(index)  # a day is a day of the calendar, though a clock change makes it 23 hours
    if (inferred := _infer_offset(local)) is not None:
        return inferred
    step = pd.Series(local[1:] - local[:-1]).mode()[0]
    if step % pd.Timedelta(days=1):
        return pd.tseries.frequencies.to_offset(pd.Series(index[1:] - index[:-1]).mode()[0])
    months = round(step.days / 30.44)
    if months and (local.day == 1).all():
        return pd.offsets.MonthBegin(months)
    if months and ((local + pd.Timedelta(days=1)).day == 1).all():
        return pd.offsets.MonthEnd(months)
    if months and (local.day == local.day[0]).all():
        return pd.DateOffset(months=months)
    if step == pd.Timedelta(days=1) and (local.day_of_week < 5).all() and local[-1] - local[0] > pd.Timedelta(days=7):
        return pd.offsets.BusinessDay()
    return pd.offsets.Day(step.days)


def _infer_offset(times: pd.DatetimeIndex) -> Any:
    """Find the step that all rows have, if it is one that pandas infers or twice a month."""
    if len(times) < 3:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pandas 3.1: an offset is to be returned one day
        inferred = pd.infer_freq(times)
    if inferred is not None:
        return pd.tseries.frequencies.to_offset(inferred)
    twice = (pd.offsets.SemiMonthBegin(), pd.offsets.SemiMonthEnd())
    return next(
        (step for step in twice if (times[1] - times[0]).days in range(13, 18) and keeps_step(times, step)), None
    )


def spaced(index: pd.Index, at: int, step: Any, n_rows: int) -> pd.Index:
    """Go on from a row of `index`, the first or the last: that row and those after it, of the same kind and name."""
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(index[at], periods=n_rows, freq=index.freq, name=index.name)
    if isinstance(index, pd.DatetimeIndex):
        return _spaced_times(index, at, step, n_rows)
    start = int(index[at])
    stop, name = start + step * n_rows, str(index.dtype).lower().removesuffix("[pyarrow]")
    last = stop if isinstance(index, pd.RangeIndex) else stop - step
    if not np.iinfo(name).min <= last <= np.iinfo(name).max:
        raise OverflowError(f"{last} is no {name}")
    if isinstance(index, pd.RangeIndex):
        return pd.RangeIndex(start, stop, step, name=index.name)
    whole = np.uint64 if name.startswith("u") else np.int64
    values = np.arange(n_rows, dtype=whole) * whole(step) + whole(start)
    return pd.Index(values, dtype=index.dtype, name=index.name)


def _spaced_times(index: pd.DatetimeIndex, at: int, step: Any, n_rows: int) -> pd.DatetimeIndex:
    settings = {"periods": n_rows, "freq": step, "name": index.name, "unit": index.unit}
    if index.tz is not None and is_calendar(step, index):
        first = index[at].tz_localize(None)
        if (index[at] - np.timedelta64(1, index.unit)).utcoffset() != index[at].utcoffset():  # after a clock change
            first = wall_times(index[:9] if at == 0 else index[-9:])[at]
        local = pd.date_range(first, **settings)
        if local.tz_localize(index.tz, ambiguous="NaT", nonexistent="NaT").hasnans:
            # A clock change at the very time of a row: what `DataFrame.resample` does. Samoa once left out a day.
            local = pd.date_range(first, **{**settings, "periods": n_rows + 1})
            times = localize(local, index.tz)
            return times[times.tz_localize(None).normalize() == local.normalize()][:n_rows]
    return pd.date_range(index[at], **settings)


def expected_index(index: pd.Index, step: Any) -> pd.Index:
    """Make what `index` should be, or part of it where a wrong step leads beyond the times that pandas can hold."""
    n_rows = len(index)
    while n_rows > 0:
        try:
            return spaced(index, 0, step, n_rows)
        except TOO_FAR:
            n_rows //= 2
    return index[:0]


def keeps_step(index: pd.Index, step: Any) -> bool:
    """Say whether every row is one step after the one before."""
    if isinstance(index, pd.PeriodIndex) and index.freq != step:
        return False
    if isinstance(index, pd.DatetimeIndex) and not is_calendar(step, index):
        apart, rest = divmod(step.n * type(step)(1).nanos, pd.Timedelta(1, index.unit).value)
        return rest == 0 and bool((np.diff(index.asi8) == apart).all())
    grid = expected_index(index, step)
    return bool(grid.equals(index) or clock_times(grid, step).equals(clock_times(index, step)))


def on_steps(index: pd.Index, step: Any) -> np.ndarray:
    """Say which rows lie a whole number of steps after the first."""
    if is_calendar(step, index):
        wall = wall_times(index)
        return np.asarray(wall.isin(pd.date_range(wall[0], wall[-1], freq=step, unit=wall.unit)))
    if isinstance(index, pd.DatetimeIndex):
        return np.asarray((index - index[0]) % pd.Timedelta(step) == pd.Timedelta(0))
    numbers = whole_numbers(index)
    return np.asarray((numbers - numbers[0]) % np.uint64(step if isinstance(step, int) else step.n) == 0)


def whole_numbers(index: pd.Index) -> np.ndarray:
    """Return periods or integers as unsigned ones, whose differences are right whatever their size."""
    if isinstance(index, pd.PeriodIndex):
        return np.asarray(index.asi8).view(np.uint64)
    return index.to_numpy(np.uint64 if "uint" in str(index.dtype).lower() else np.int64).view(np.uint64)


def name_step(step: Any, index: pd.Index) -> Any:
    """Name a step as pandas does: a month is "ME" among times, "M" among periods."""
    if isinstance(step, int):
        return step
    if isinstance(index, pd.PeriodIndex):
        return pd.Period(ordinal=0, freq=step).freqstr
    if step.freqstr.startswith("<"):  # an offset that has no name
        return f"pd.DateOffset({', '.join(f'{key}={value}' for key, value in step.kwds.items())})"
    return step.freqstr


def write_step(step: Any, index: pd.Index) -> str:
    """Write a step as code."""
    name = name_step(step, index)
    return name if str(name).startswith("pd.") else repr(name)
