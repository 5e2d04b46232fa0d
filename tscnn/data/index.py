"""What an index of time steps must be, what step it has, and how it goes on."""

from __future__ import annotations

import contextlib
import datetime
import numbers
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received

__all__ = [
    "check_spacing",
    "find_kind",
    "find_seasonality",
    "find_seasons",
    "future_index",
    "read_label",
]


# What pandas raises beyond the times or integers of a type; the last for a zone after the year 9999.
_TOO_FAR = (pd.errors.OutOfBoundsDatetime, OverflowError, NotImplementedError)


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

    A day, week or month is one of the calendar: where a clock change leaves out the time of a row, midnight in some
    zones, its row is the first moment after the change, as of `DataFrame.resample`.

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
        rule = "The index must have a value in every row, no NaT; `X[X.index.notna()]` leaves the others out."
        missing = index.isna()
        raise ValueError(received(rule, n_without=int(missing.sum()), first_row_without=int(missing.argmax())))
    if not index.is_unique:
        repeated = index[index.duplicated()]
        rule = f"The index must not repeat, but {repeated[0]} does"
        hint = "`X[~X.index.duplicated()]` keeps the first of its rows; several series need a column each, `X.pivot`."
        raise ValueError(received(f"{rule}. {hint}", n_repeated=len(repeated)))
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
        if freq is None and not _on_steps(index, step).all():
            _refuse_steps(index)
        _refuse_gap(index, step)
    return step


def _keeps(index: pd.Index, step: Any) -> bool:
    if isinstance(index, pd.PeriodIndex) and index.freq != step:
        return False
    grid = _grid(index, step)
    return bool(grid.equals(index) or _clock(grid, step).equals(_clock(index, step)))


def _grid(index: pd.Index, step: Any) -> pd.Index:
    """Make what `index` should be, or part of it where a wrong step leads beyond the times that pandas can hold."""
    n_rows = len(index)
    while n_rows > 0:
        try:
            return _spaced(index, 0, step, n_rows)
        except _TOO_FAR:
            n_rows //= 2
    return index[:0]


def _on_steps(index: pd.Index, step: Any) -> np.ndarray:
    """Say which rows lie a whole number of steps after the first."""
    if _is_calendar(step, index):
        wall = _wall_times(index)
        return np.asarray(wall.isin(pd.date_range(wall[0], wall[-1], freq=step)))
    if isinstance(index, pd.DatetimeIndex):
        return np.asarray((index - index[0]) % pd.Timedelta(step) == pd.Timedelta(0))
    numbers = _integers(index)
    return np.asarray((numbers - numbers[0]) % np.uint64(step if isinstance(step, int) else step.n) == 0)


def _refuse_steps(index: pd.Index) -> None:
    """Raise for an index that has no step at all."""
    clock = _wall_times(index) if isinstance(index, pd.DatetimeIndex) else _integers(index)
    apart = pd.Series(clock[1:] - clock[:-1])
    usual = apart.mode()[0]
    at = int((apart != usual).to_numpy().argmax())
    rule = (
        f"The index must be evenly spaced, but {index[at + 1]} comes {apart[at]} after {index[at]}, where other rows "
        f"are {usual} apart. Leave out rows in between, or number rows that have no step: `X.reset_index(drop=True)`"
    )
    if isinstance(index, pd.DatetimeIndex):
        rule += "; `X.index.freq = ..` sets one that pandas can't infer"
    raise ValueError(received(f"{rule}.", n_rows=len(index), of_another_length=int((apart != usual).sum())))


def _refuse_gap(index: pd.Index, step: Any) -> None:
    rule = f"The index must be evenly spaced, in steps of {_name(step, index)!r}, but"
    expected, on_steps = _grid(index, step), _on_steps(index, step)
    differs = np.asarray(_clock(expected, step) != _clock(index[: len(expected)], step))
    at = int(np.flatnonzero([*differs, True])[0])
    before = {"previous_row": str(index[at - 1])} if at else {"first_row": str(index[0])}
    if at < len(expected) and on_steps[at]:
        hint = _suggest(index, step) if on_steps.all() else ""
        raise ValueError(received(f"{rule} {expected[at]} is missing{hint}.", **before, next_row=str(index[at])))
    raise ValueError(received(f"{rule} {index[at]} is not on a step.", **before))


def _suggest(index: pd.Index, step: Any) -> str:
    """Name the call that adds missing rows and keeps those there are, if there is a short one."""
    call = None
    if isinstance(index, pd.PeriodIndex):
        call = "X.reindex(pd.period_range(X.index[0], X.index[-1]))"
    elif not isinstance(index, pd.DatetimeIndex):
        call = f"X.reindex(range({index[0]}, {index[-1] + 1}, {step}))"
    else:
        name = _name(step, index)
        name = name if name.startswith("pd.") else repr(name)
        if index.tz is None or not _is_calendar(step, index) or _fills(index, step, pd.Series.asfreq):
            call = f"X.asfreq({name})"
        elif _fills(index, step, lambda rows, freq: rows.resample(freq).mean()):
            call = f"X.resample({name}).mean()"
    return "" if call is None else f"; `{call}` adds missing rows, to be filled"


def _fills(index: pd.DatetimeIndex, step: Any, method: Callable[[pd.Series, Any], pd.Series]) -> bool:
    """Try a method of pandas, most of which don't know of days without a midnight."""
    wall = _wall_times(index)
    every = _localize(pd.date_range(wall[0], wall[-1], freq=step), index.tz)
    with contextlib.suppress(ValueError):
        return bool(every.equals(method(pd.Series(0.0, index), step).index))
    return False


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
    return int(pd.Series(np.diff(_integers(index))).mode()[0])


def _guess_offset(index: pd.DatetimeIndex) -> Any:
    """Find the step of all rows, or failing that of most, so that the error can name a gap."""
    if (inferred := _infer_offset(index)) is not None:
        return inferred
    local = _wall_times(index)  # a day is a day of the calendar, though a clock change makes it 23 hours
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
    return next((step for step in twice if (times[1] - times[0]).days in range(13, 18) and _keeps(times, step)), None)


# How rows go on


def _spaced(index: pd.Index, at: int, step: Any, n_rows: int) -> pd.Index:
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
    if index.tz is not None and _is_calendar(step, index):
        first = index[at].tz_localize(None)
        if (index[at] - pd.Timedelta(1, index.unit)).utcoffset() != index[at].utcoffset():  # after a clock change
            first = _wall_times(index[:9] if at == 0 else index[-9:])[at]
        local = pd.date_range(first, **settings)
        if local.tz_localize(index.tz, ambiguous="NaT", nonexistent="NaT").hasnans:
            # A clock change at the very time of a row: what `DataFrame.resample` does. Samoa once left out a day.
            local = pd.date_range(first, **{**settings, "periods": n_rows + 1})
            times = _localize(local, index.tz)
            return times[times.tz_localize(None).normalize() == local.normalize()][:n_rows]
    return pd.date_range(index[at], **settings)


def _is_calendar(step: Any, index: pd.Index) -> bool:
    """Say whether steps are days, weeks or months of a calendar, whatever the hours of a day."""
    tick = isinstance(step, pd.offsets.Tick) and not isinstance(step, pd.offsets.Day)
    return isinstance(index, pd.DatetimeIndex) and not tick


def _clock(index: pd.Index, step: Any) -> pd.Index:
    """Return what a clock shows at the rows, if the step is one of the calendar: either of two midnights is one."""
    return index.tz_localize(None) if _is_calendar(step, index) else index


def _wall_times(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return what a clock shows at the rows; at a time that a clock change left out, what it would have shown."""
    local = index.tz_localize(None)
    if index.tz is None:
        return local
    days = local.normalize()
    # One row doesn't tell its usual time of day; midnight is the time that calendars are left without.
    usual = (pd.Series(local - days).mode() if len(index) > 1 else local - local)[0]
    return local.where(_localize(days + usual, index.tz) != index, days + usual)


def _localize(local: pd.DatetimeIndex, zone: Any) -> pd.DatetimeIndex:
    """Give times of a clock their zone: the first of two, and the first moment after a change for none."""
    first = np.ones(len(local), dtype=bool)
    return local.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")


def _integers(index: pd.Index) -> np.ndarray:
    """Return periods or integers as unsigned ones, whose differences are right whatever their size."""
    if isinstance(index, pd.PeriodIndex):
        return np.asarray(index.asi8).view(np.uint64)
    return index.to_numpy(np.uint64 if "uint" in str(index.dtype).lower() else np.int64).view(np.uint64)


def find_seasons(freq: Any) -> dict[str, int]:
    """Count the steps of the seasons that go with a step: of a day, a week and a year.

    Parameters
    ----------
    freq : offset, int or None
        Of `Schema`.

    Returns
    -------
    dict of str to int
        Steps by name, ascending, each at least two: "day" and "week" of steps shorter than a day, "week" and "year" of
        others. Nothing where the steps are not of time.

    Examples
    --------
    >>> find_seasons(pd.offsets.Hour()), find_seasons(pd.offsets.Day()), find_seasons(pd.offsets.MonthEnd())
    ({'day': 24, 'week': 168}, {'week': 7, 'year': 365}, {'year': 12})
    """
    if freq is None or isinstance(freq, int):
        return {}
    start = pd.Timestamp(2024, 1, 1)
    step = (start + 100 * freq - start) / 100  # those of a calendar differ
    lengths = {"day": 1, "week": 7, "year": 365.25}
    found = {name: round(pd.Timedelta(days=days) / step) for name, days in lengths.items()}
    if found["day"] > 1:
        del found["year"]  # a quarter of a day too long for every hour to repeat itself
    return {name: steps for name, steps in found.items() if steps > 1}


def find_seasonality(freq: Any) -> int | None:
    """Count the steps of the shortest season that goes with a step.

    Parameters
    ----------
    freq : offset, int or None
        Of `Schema`.

    Returns
    -------
    int or None
        Of `find_seasons`; None without one.

    Examples
    --------
    >>> [find_seasonality(pd.tseries.frequencies.to_offset(name)) for name in ("15min", "h", "D", "B", "W", "MS", "QE")]
    [96, 24, 7, 5, 52, 12, 4]
    """
    return next(iter(find_seasons(freq).values()), None)


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
        If nothing tells the step of an index of times, or its type has no room for so many steps.

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
    try:
        return _spaced(index, -1, freq, horizon + 1)[1:]
    except _TOO_FAR:
        rule = f"The index must leave room for {horizon} steps after its last row"
        wider = "as_unit('us')" if isinstance(index, pd.DatetimeIndex) else "astype('int64')"
        if str(index.dtype).lower() not in ("int64", "uint64") and getattr(index, "unit", "ns") == "ns":
            rule += f"; `X.set_axis(X.index.{wider})` reaches further"
        raise ValueError(received(f"{rule}.", last_row=str(index[-1]), dtype=str(index.dtype))) from None


def read_label(name: str, label: Any, index: pd.Index) -> Any:
    """Read a label that may lie between the entries of an index.

    Parameters
    ----------
    name : str
        Of what it is given as, for the error.
    label : str, Timestamp, datetime, Period or int
        Of the kind of `index`. Text is read as a time or a period, in the zone of `index` if it names none.
    index : Index
        Of a kind that `find_kind` knows.

    Returns
    -------
    Timestamp, Period or int
        Comparable with the entries of `index`.

    Raises
    ------
    TypeError
        If it is of another kind, or has a zone where `index` has none, or none where `index` has one.

    Examples
    --------
    >>> read_label("start", "2026-03-28", pd.date_range("2026-01-01", periods=2, tz="UTC"))
    Timestamp('2026-03-28 00:00:00+0000', tz='UTC')
    """
    kind, read = find_kind(index), None
    if kind == "integers" and isinstance(label, numbers.Integral) and not isinstance(label, bool):
        return int(label)
    with contextlib.suppress(ValueError, TypeError):
        if kind == "periods" and isinstance(label, str | pd.Period):
            read = pd.Period(label, freq=index.freq) if isinstance(label, str) else label
            read = read if getattr(read, "freq", None) == index.freq else None  # not so text that is no time
        if kind == "times" and isinstance(label, str | datetime.datetime | np.datetime64):
            read = pd.Timestamp(label)
            if isinstance(label, str) and read.tz is None and index.tz is not None:
                read = _localize(pd.DatetimeIndex([read]), index.tz)[0]
            read = read if (read.tz is None) == (index.tz is None) else None
    if read is None or read is pd.NaT:
        rule = f"{name} must be comparable with the index, which holds {kind}"
        zone = f" of the zone {index.tz}" if kind == "times" and index.tz is not None else ""
        raise TypeError(received(f"{rule}{zone}.", label=label, an_entry=str(index[-1])))
    return read


def _name(step: Any, index: pd.Index) -> Any:
    """Write a step as pandas takes it: a month is "ME" among times, "M" among periods."""
    if isinstance(step, int):
        return step
    if isinstance(index, pd.PeriodIndex):
        return pd.Period(ordinal=0, freq=step).freqstr
    if step.freqstr.startswith("<"):  # an offset that has no name
        return f"pd.DateOffset({', '.join(f'{key}={value}' for key, value in step.kwds.items())})"
    return step.freqstr
