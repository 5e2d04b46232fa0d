"""What an index of time steps must be, what step it has, and how it goes on."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.encoding import (
    label_from_json,
    label_to_json,
    step_from_json,
    step_to_json,
    zone_from_json,
    zone_to_json,
)

__all__ = [
    "check_spacing",
    "find_kind",
    "find_seasonality",
    "future_index",
    "index_from_arrays",
    "index_to_arrays",
]


def find_kind(index: pd.Index) -> str:
    """Say what an index holds.

    Parameters
    ----------
    index : Index
        Of a frame.

    Returns
    -------
    {"times", "periods", "integers"}
        Whatever the resolution or the size of the integers.

    Raises
    ------
    TypeError
        If it holds anything else.
    """
    if isinstance(index, pd.DatetimeIndex):
        return "times"
    if isinstance(index, pd.PeriodIndex):
        return "periods"
    if pd.api.types.is_integer_dtype(index.dtype) and not isinstance(index, pd.MultiIndex):
        return "integers"
    rule = "The index must hold times (DatetimeIndex), periods (PeriodIndex) or integers;"
    if isinstance(index, pd.MultiIndex):
        rule = f"{rule} a row is a time, and every variable has its column."
    else:
        rule = f"{rule} `pd.to_datetime(X.index)` reads times, `X.reset_index(drop=True)` numbers the rows."
    raise TypeError(received(rule, index=type(index).__name__, dtype=str(index.dtype), first=index[:1].tolist()[0]))


def check_spacing(index: pd.Index, freq: Any) -> Any:
    """Check that an index ascends evenly, and return its step.

    Parameters
    ----------
    index : Index
        Of a kind that `find_kind` knows.
    freq : offset, int or None
        The step that it must have; None takes its own.

    Returns
    -------
    offset, int or None
        A pandas offset for times and periods, an int for integers, None if one row doesn't tell.

    Raises
    ------
    ValueError
        Naming the first row that breaks the rule.
    """
    if index.hasnans:
        rule = "The index must have a value in every row, no NaT."
        missing = index.isna()
        raise ValueError(received(rule, n_without=int(missing.sum()), first_row_without=int(missing.argmax())))
    if not index.is_unique:
        repeated = index[index.duplicated()]
        rule = f"The index must not repeat, but {repeated[0]} does."
        raise ValueError(received(rule, n_repeated=len(repeated)))
    if not index.is_monotonic_increasing:
        after = int(np.flatnonzero(index[1:] < index[:-1])[0])
        rule = "The index must ascend, oldest row first; `X.sort_index()` sorts it."
        raise ValueError(received(rule, row=str(index[after]), next_row=str(index[after + 1])))
    step = _find_step(index) if freq is None else freq
    if step is not None and not _keeps(index, step):
        own = _find_step(index)
        if own not in (None, step) and (isinstance(index, pd.PeriodIndex) or _keeps(index, own)):
            rule = f"The index must have the step of the training data, {_name(step, index)!r}."
            raise ValueError(received(rule, step=_name(own, index)))
        _refuse_gap(index, step)
    return step


def _keeps(index: pd.Index, step: Any) -> bool:
    if isinstance(index, pd.PeriodIndex) and index.freq != step:
        return False
    return bool(_grid(index, step).equals(index))


def _grid(index: pd.Index, step: Any) -> pd.Index:
    """Make what `index` should be, or part of it where a wrong step leads beyond the times that pandas can hold."""
    n_rows = len(index)
    while True:
        try:
            return _spaced(index[0], step, n_rows, index)
        except (pd.errors.OutOfBoundsDatetime, OverflowError):
            n_rows //= 2


def _refuse_gap(index: pd.Index, step: Any) -> None:
    name = _name(step, index)
    rule = f"The index must be evenly spaced, in steps of {name!r}, but"
    expected = _grid(index, step)
    at = int(np.flatnonzero(expected != index[: len(expected)])[0])
    before = {"previous_row": str(index[at - 1])} if at else {"first_row": str(index[0])}
    if expected[at] < index[at] and (index[at] in expected or index[at] > expected[-1]):
        hint = f"; `X.asfreq({name!r})` adds missing rows, to be filled" if isinstance(index, pd.DatetimeIndex) else ""
        raise ValueError(received(f"{rule} {expected[at]} is missing{hint}.", **before, next_row=str(index[at])))
    raise ValueError(received(f"{rule} {index[at]} is not on a step.", **before))


def _find_step(index: pd.Index) -> Any:
    """Find the step of an ascending index, or of most of its rows: an int, an offset, or None for a single row."""
    if isinstance(index, pd.RangeIndex):
        return index.step
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and index.freq is not None:
        return index.freq
    if len(index) < 2:
        return None
    if isinstance(index, pd.DatetimeIndex):
        return _guess_offset(index)
    return int(pd.Series(np.diff(np.asarray(index, dtype=np.int64))).mode()[0])


def _guess_offset(index: pd.DatetimeIndex) -> Any:
    """Find the step of all rows, or failing that of most, so that the error can name a gap."""
    if len(index) > 2:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pandas 3.1: an offset is to be returned one day
            inferred = pd.infer_freq(index)
        if inferred is not None:
            return pd.tseries.frequencies.to_offset(inferred)
    local = index.tz_localize(None)  # a day is a day of the calendar, though a clock change makes it 23 hours
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


def _spaced(start: Any, step: Any, n_rows: int, like: pd.Index) -> pd.Index:
    """Make an evenly spaced index of the kind, name, time zone and resolution of `like`."""
    if isinstance(like, pd.PeriodIndex):
        return pd.period_range(start, periods=n_rows, freq=like.freq, name=like.name)
    if isinstance(like, pd.DatetimeIndex):
        return _spaced_times(start, step, n_rows, like)
    stop = start + step * n_rows
    if isinstance(like, pd.RangeIndex):
        return pd.RangeIndex(start, stop, step, name=like.name)
    return pd.Index(np.arange(start, stop, step, dtype=np.int64), dtype=like.dtype, name=like.name)


def _spaced_times(start: pd.Timestamp, step: Any, n_rows: int, like: pd.DatetimeIndex) -> pd.DatetimeIndex:
    settings = {"periods": n_rows, "freq": step, "name": like.name, "unit": like.unit}
    if like.tz is not None and (isinstance(step, pd.offsets.Day) or not isinstance(step, pd.offsets.Tick)):
        local = pd.date_range(start.tz_localize(None), **settings)
        if local.tz_localize(like.tz, ambiguous="NaT", nonexistent="NaT").hasnans:
            # A clock change at the very time of a row, midnight in some zones: what `DataFrame.resample` does.
            first = np.ones(n_rows, dtype=bool)
            return local.tz_localize(like.tz, ambiguous=first, nonexistent="shift_forward")
    return pd.date_range(start, **settings)


def find_seasonality(freq: Any) -> int | None:
    """Count the steps of the season that goes with a step: of a day, a week or a year.

    Parameters
    ----------
    freq : offset, int or None
        Of `Schema`.

    Returns
    -------
    int or None
        The steps that fill a day if they are shorter, else a week, else a year; None if there are not two, or if the
        steps are not of time.

    Examples
    --------
    >>> [find_seasonality(pd.tseries.frequencies.to_offset(name)) for name in ("15min", "h", "D", "B", "W", "MS", "QE")]
    [96, 24, 7, 5, 52, 12, 4]
    """
    if freq is None or isinstance(freq, int):
        return None
    start = pd.Timestamp(2024, 1, 1)
    step = (start + 100 * freq - start) / 100  # those of a calendar differ
    for season in (pd.Timedelta(days=1), pd.Timedelta(days=7), pd.Timedelta(days=365.25)):
        if (seasonality := round(season / step)) > 1:
            return seasonality
    return None


def future_index(index: pd.Index, freq: Any, horizon: int) -> pd.Index:
    """Continue an index by `horizon` steps.

    Parameters
    ----------
    index : Index
        Of the rows seen.
    freq : offset, int or None
        Its step. Integers count on in their own step where this is not an int: an array has an index of integers,
        whatever the forecaster was trained on.
    horizon : int
        Steps after the last row.

    Returns
    -------
    Index
        Of the same kind, name, time zone, resolution and frequency.

    Raises
    ------
    ValueError
        If nothing tells the step of an index of times.

    Examples
    --------
    >>> list(future_index(pd.RangeIndex(10), 1, 3))
    [10, 11, 12]
    """
    if isinstance(index, pd.DatetimeIndex):
        freq = index.freq if freq is None else freq
        if freq is None:
            raise ValueError(received("One row doesn't tell the step of its index.", row=str(index[-1])))
    elif not isinstance(freq, int):
        freq = getattr(index, "step", 1)
    return _spaced(index[-1], freq, horizon + 1, index)[1:]


def _name(step: Any, index: pd.Index) -> Any:
    """Write a step as pandas takes it: a month is "ME" among times, "M" among periods."""
    if isinstance(step, int):
        return step
    return pd.Period(ordinal=0, freq=step).freqstr if isinstance(index, pd.PeriodIndex) else step.freqstr


def index_to_arrays(index: pd.Index) -> tuple[dict[str, Any], np.ndarray]:
    """Write an index of rows in what JSON holds, and an array.

    Parameters
    ----------
    index : Index
        Of a kind that `find_kind` knows.

    Returns
    -------
    written : dict
        Name, step, time zone and the like.
    values : ndarray of shape (n_rows,), int64
        Its entries; none for a `RangeIndex`.

    Raises
    ------
    TypeError
        If it is of another kind, or has a name, a step or a time zone that can't be saved.

    Examples
    --------
    >>> written, values = index_to_arrays(pd.date_range("1970-01-02", periods=2, freq="h", unit="s"))
    >>> written, values
    ({'kind': 'times', 'name': None, 'unit': 's', 'zone': None, 'step': {'offset': 'h'}}, array([86400, 90000]))
    """
    kind, name = find_kind(index), label_to_json(index.name)
    if kind == "times":
        written = {"unit": index.unit, "zone": zone_to_json(index.tz), "step": step_to_json(index.freq)}
        values = index.asi8
    elif kind == "periods":
        written, values = {"step": step_to_json(index.freq)}, index.asi8
    elif isinstance(index, pd.RangeIndex):
        written = {"range": [index.start, index.stop, index.step]}
        values = np.empty(0)
    else:
        written = {"dtype": str(index.dtype)}
        values = index.to_numpy(np.uint64 if "uint" in str(index.dtype).lower() else np.int64).view(np.int64)
    return {"kind": kind, "name": name, **written}, values.astype(np.int64)


def index_from_arrays(written: dict[str, Any], values: np.ndarray) -> pd.Index:
    """Read what `index_to_arrays` wrote.

    Parameters
    ----------
    written : dict
        Of `index_to_arrays`, after JSON.
    values : ndarray of shape (n_rows,), int64
        Of `index_to_arrays`.

    Returns
    -------
    Index
        Of the same entries, type, name, time zone, resolution and frequency.

    Raises
    ------
    ValueError
        If they describe none.
    """
    try:
        if values.ndim != 1 or values.dtype != np.int64:
            raise ValueError(f"values of shape {values.shape} and dtype {values.dtype}")
        index = _make_index(written, values)
        index.name = label_from_json(written["name"])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise ValueError(received("What was saved describes no index.", error=str(error))) from None
    return index


def _make_index(written: dict[str, Any], values: np.ndarray) -> pd.Index:
    if written["kind"] == "times":
        index = pd.DatetimeIndex(values.astype(f"M8[{written['unit']}]"))
        zone = zone_from_json(written["zone"])
        if zone is not None:
            index = index.tz_localize("UTC").tz_convert(zone)
        index.freq = step_from_json(written["step"])
        return index
    if written["kind"] == "periods":
        return pd.PeriodIndex.from_ordinals(values, freq=step_from_json(written["step"]))
    if "range" in written:
        return pd.RangeIndex(*written["range"])
    if not re.fullmatch(r"(u?int|U?Int)(8|16|32|64)(\[pyarrow\])?", written["dtype"]):
        raise ValueError(f"dtype={written['dtype']!r}")
    values = values.view(np.uint64) if written["dtype"][0] in "uU" else values
    return pd.Index(values, dtype=written["dtype"])
