"""What an index of time steps must be, what step it has, and how it goes on."""

from __future__ import annotations

import contextlib
import datetime
import numbers
import warnings
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received, show
from tscnn.data.clock import clock_times, is_calendar, localize, wall_times
from tscnn.data.steps import (
    TOO_FAR,
    expected_index,
    find_step,
    keeps_step,
    name_step,
    on_steps,
    spaced,
    whole_numbers,
    write_step,
)

_USUAL = ("1s", "10s", "15s", "30s", "1min", "5min", "10min", "15min", "30min", "1h", "2h", "3h", "6h", "12h", "1D")

__all__ = [
    "check_order",
    "check_spacing",
    "find_kind",
    "find_seasonality",
    "find_seasons",
    "future_index",
    "is_due",
    "read_label",
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
    first = index[:1].tolist()[0]
    raise TypeError(
        received(f"{rule} {_read_otherwise(index)}.", index=type(index).__name__, dtype=str(index.dtype), first=first)
    )


def _read_otherwise(index: pd.Index) -> str:
    """Name the line that makes times or numbers of an index that holds something else."""
    if isinstance(index, pd.MultiIndex):
        if index.nlevels != 2:
            return "a row is a time, and every variable has its column"
        is_time = [isinstance(level, pd.DatetimeIndex | pd.PeriodIndex) for level in index.levels]
        at = 1 if is_time == [True, False] else 0  # the level of the series
        name = f"level_{at}" if index.names[at] is None else index.names[at]
        return f"many series are `Forecaster(series_id={show(name)}).fit(X.reset_index({at}))`"
    numbered = "`X.reset_index(drop=True)` numbers the rows"
    if index.dtype.kind == "m":
        return f"`X.set_axis(pd.Timestamp('2000-01-01') + X.index)` makes times of lengths of time, {numbered}"
    if index.dtype.kind in "fb":
        is_whole = index.dtype.kind == "f" and bool((index % 1 == 0).all())
        return f"`X.set_axis(X.index.astype(int))` makes integers, {numbered}" if is_whole else numbered
    for settings in ({}, {"utc": True}):  # offsets that change, as those of a zone do, have UTC in common
        with contextlib.suppress(ValueError, TypeError, OverflowError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = pd.to_datetime(index, **settings)
            if isinstance(read, pd.DatetimeIndex) and not read.hasnans:
                return (
                    f"`X.set_axis(pd.to_datetime(X.index{', utc=True' if settings else ''}))` reads times, {numbered}"
                )
    return numbered


def check_order(index: pd.Index) -> None:
    """Check that an index ascends, each row once.

    Parameters
    ----------
    index : Index
        Of a kind that `find_kind` knows.

    Raises
    ------
    ValueError
        Naming the first row that breaks the rule.
    """
    if index.hasnans:
        rule = "The index must have a value in every row, no NaT; `X[X.index.notna()]` leaves the others out."
        missing = index.isna()
        raise ValueError(received(rule, n_without=int(missing.sum()), first_row_without=int(missing.argmax())))
    ascends = index.is_monotonic_increasing  # asked first: that of one tells without a table whether it is unique
    if not index.is_unique:
        _refuse_repeated(index)
    if not ascends:
        after = int(np.flatnonzero(index[1:] < index[:-1])[0])
        rule = "The index must ascend, oldest row first; `X.sort_index()` sorts it."
        raise ValueError(received(rule, row=str(index[after]), next_row=str(index[after + 1])))


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
    if freq is not None and not index.hasnans and keeps_step(index, freq):
        return freq
    check_order(index)
    step = find_step(index) if freq is None else freq
    if step is not None and not keeps_step(index, step):
        own = find_step(index)
        if own not in (None, step) and (isinstance(index, pd.PeriodIndex) or keeps_step(index, own)):
            rule = f"The index must have the step of the training data, {name_step(step, index)!r}."
            raise ValueError(received(rule, step=name_step(own, index)))
        if freq is None and not on_steps(index, step).all():
            _refuse_steps(index)
        _refuse_gap(index, step)
    return step


def _refuse_repeated(index: pd.Index) -> None:
    repeated = index[index.duplicated()]
    rule = f"The index must not repeat, but {repeated[0]} does; "
    if _is_set_back(index, repeated):
        rule += (
            "`X.tz_localize('..', ambiguous='infer')`, with its zone, tells the two hours of a clock that was set back"
        )
        rule += " from each other; "
    else:
        rule += "several series need their names, `series_id=`; "
    rule += "`X[~X.index.duplicated()]` keeps the first of its rows, `X.groupby(level=0).mean()` their mean."
    raise ValueError(received(rule, n_repeated=len(repeated)))


def _is_set_back(index: pd.Index, repeated: pd.Index) -> bool:
    """Say whether times repeat as where a clock is set back: those of an hour or two at night, twice a year at most."""
    if not isinstance(index, pd.DatetimeIndex) or index.tz is not None or not repeated.is_unique:
        return False
    nights, n_years = repeated.normalize(), index.year.max() - index.year.min() + 1
    in_season = nights.month.isin([2, 3, 4, 5, 9, 10, 11]).all()  # of those changes in the north and the south
    return bool(in_season and nights.nunique() <= 2 * n_years and (repeated - nights < pd.Timedelta(hours=4)).all())


def _refuse_steps(index: pd.Index) -> None:
    """Raise for an index that has no step at all."""
    clock = wall_times(index) if isinstance(index, pd.DatetimeIndex) else whole_numbers(index)
    apart = pd.Series(clock[1:] - clock[:-1])
    usual = apart.mode()[0]
    at = int((apart != usual).to_numpy().argmax())
    rule = (
        f"The index must be evenly spaced, but {index[at + 1]} comes {apart[at]} after {index[at]}, where other rows "
        f"are {usual} apart. Leave out rows in between, or number rows that have no step: `X.reset_index(drop=True)`"
    )
    if isinstance(index, pd.DatetimeIndex):
        near = next((step for step in _USUAL if abs(apart.median() / pd.Timedelta(step) - 1) < 0.05), None)
        rule += "; `freq=` takes one that pandas can't infer"
        if near is not None and (apart != usual).mean() > 0.5:  # times that are not exact
            rule = f"The index must be evenly spaced, but {index[at + 1]} comes {apart[at]} after {index[at]};"
            rule += f" `X.resample({near!r}).mean()`, with `Forecaster(missing='mask')`, takes means of even steps"
    raise ValueError(received(f"{rule}.", n_rows=len(index), of_another_length=int((apart != usual).sum())))


def _refuse_gap(index: pd.Index, step: Any) -> None:
    """Raise for an index that lacks a row, or has one between two steps."""
    rule = f"The index must be evenly spaced, in steps of {name_step(step, index)!r}, but"
    expected, is_on_step = expected_index(index, step), on_steps(index, step)
    differs = np.asarray(clock_times(expected, step) != clock_times(index[: len(expected)], step))
    at = int(np.flatnonzero([*differs, True])[0])
    before = {"previous_row": str(index[at - 1])} if at else {"first_row": str(index[0])}
    if at < len(expected) and is_on_step[at]:
        rule = f"{rule} {expected[at]} is missing; `Forecaster(freq={write_step(step, index)}, missing='mask')` takes"
        rule += " absent rows as missing values."
        raise ValueError(received(rule, **before, next_row=str(index[at])))
    raise ValueError(received(f"{rule} {index[at]} is not on a step.", **before))


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
        return spaced(index, -1, freq, horizon + 1)[1:]
    except TOO_FAR:
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
    label : str, Timestamp, datetime, date, Period or int
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
        if kind == "times" and isinstance(label, str | datetime.date | np.datetime64):
            read = pd.Timestamp(label)
            if isinstance(label, str) and read.tz is None and index.tz is not None:
                read = localize(pd.DatetimeIndex([read]), index.tz)[0]
            read = read if (read.tz is None) == (index.tz is None) else None
    if read is None or read is pd.NaT:
        rule = f"{name} must be comparable with the index, which holds {kind}"
        zone = f" of the zone {index.tz}" if kind == "times" and index.tz is not None else ""
        if kind == "integers" and isinstance(label, str | datetime.date | np.datetime64 | pd.Period):
            zone = "; `time=` takes times from a column, if there is one"
        raise TypeError(received(f"{rule}{zone}.", label=label, an_entry=str(index[-1])))
    return read


def is_due(time: Any, due: pd.Index, freq: Any) -> bool:
    """Say whether a row is the one that is due.

    Parameters
    ----------
    time : Timestamp, Period or int
        Of `read_label`.
    due : Index of one entry
        The time that is due.
    freq : offset, int or None
        The step of the index.

    Returns
    -------
    bool
        Of days, weeks and months, either of two midnights will do where a clock is set back.
    """
    if time == due[0]:
        return True
    return (
        getattr(due, "tz", None) is not None
        and is_calendar(freq, due)
        and clock_times(pd.DatetimeIndex([time]).tz_convert(due.tz), freq)[0] == clock_times(due, freq)[0]
    )
