"""The calendar: numbers that describe times, cyclic where they are cycles."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received, show
from tscnn.common.settings import name_alike

__all__ = [
    "CALENDAR",
    "CYCLES",
    "as_times",
    "calendar_features",
    "check_calendar",
    "clock_of",
    "find_calendar",
    "find_cycle",
    "phases",
    "rest_days",
    "season_positions",
]

HOLIDAYS = "holidays:"
CYCLES = {"minute": 2, "hour": 3, "monthday": 2, "yearday": 2}  # harmonics of each: conventions
KINDS = {"weekday": 7, "month": 12, "quarter": 4}  # one number for each of so many
FLAGS = ("weekend", "working day", "month start", "month end")
CALENDAR = (*CYCLES, *KINDS, *FLAGS)
TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # of a second
DAY, YEAR = pd.Timedelta(days=1), pd.Timedelta(days=365.25)


def check_calendar(calendar: Any) -> tuple[str, ...] | None:
    """Check the names of calendar features.

    Parameters
    ----------
    calendar : "auto", None, or sequence of str
        Of `CALENDAR`, or "holidays:" and the code of a country, or of a country and its part: "holidays:US",
        "holidays:DE-BY".

    Returns
    -------
    tuple of str, or None
        The names, none for None; None for "auto".

    Raises
    ------
    TypeError, ValueError
        If a name is unknown.
    ImportError
        If holidays are asked for, and the package `holidays` is missing.
    """
    if isinstance(calendar, str) and calendar == "auto":
        return None
    if calendar is None:
        return ()
    rule = f"`calendar` must be 'auto', None or a list of {', '.join(CALENDAR)}, 'holidays:US' ..; such as ['hour']"
    if isinstance(calendar, str) or not isinstance(calendar, list | tuple):
        raise TypeError(received(f"{rule}.", calendar=calendar))
    for name in calendar:
        if isinstance(name, str) and name.startswith(HOLIDAYS):
            _holidays_of(name, [2024])
        elif name not in CALENDAR:
            raise ValueError(received(f"{rule}{name_alike(name, list(CALENDAR))}", unknown=name))
    return tuple(dict.fromkeys(calendar))


def find_calendar(freq: Any, n_rows: int) -> tuple[str, ...]:
    """List the features that may tell something about rows of some step.

    Parameters
    ----------
    freq : offset, int or None
        The step of the index.
    n_rows : int
        How many there are: the time of the year takes a year at least.

    Returns
    -------
    tuple of str
        Of `CALENDAR`; none where the index holds no times.

    Examples
    --------
    >>> find_calendar(pd.tseries.frequencies.to_offset("h"), 1000)
    ('hour', 'weekday')
    """
    if freq is None or isinstance(freq, int):
        return ()
    start = pd.Timestamp(2024, 1, 1)
    step = (start + 100 * freq - start) / 100
    names = []
    if step <= DAY / 2:
        names.append("hour")
    if step <= DAY * 1.5:
        names.append("weekday")
    if step * n_rows >= YEAR and step <= YEAR / 2:
        names.append("yearday" if step <= DAY * 14 else "month")
    return tuple(names)


def calendar_features(index: pd.Index, names: Sequence[str]) -> np.ndarray:
    """Describe times by numbers.

    Parameters
    ----------
    index : DatetimeIndex or PeriodIndex
        Of n times.
    names : sequence of str
        Of `check_calendar`.

    Returns
    -------
    ndarray of shape (n, n_features), float32
        Cosines and sines of the phase of a cycle (minute, hour, monthday, yearday), one number for each weekday, month
        or quarter, and 1 or 0 for weekends, working days (no holidays, if these are listed), the first and the last
        days of months, and holidays.

    Examples
    --------
    >>> calendar_features(pd.date_range("2026-07-03", periods=2), ["weekend", "month start"])
    array([[0., 0.],
           [1., 0.]], dtype=float32)
    """
    times = as_times(index)
    columns: list[np.ndarray] = []
    for name in names:
        if name in CYCLES:
            columns += waves(phases(times, name), CYCLES[name])
        elif name in KINDS:
            numbers = _weekdays(times) if name == "weekday" else getattr(times, name) - 1
            columns += list(np.eye(KINDS[name])[np.asarray(numbers)].T)
        elif name.startswith(HOLIDAYS):
            columns.append(_is_holiday(times, name))
        elif name == "weekend":
            columns.append(_weekdays(times) >= 5)
        elif name == "working day":
            columns.append(rest_days(times, names) == 0)
        else:
            columns.append(np.asarray(times.is_month_start if name == "month start" else times.is_month_end))
    if not columns:
        return np.zeros((len(index), 0), np.float32)
    return np.column_stack(columns).astype(np.float32)


def phases(index: pd.Index, name: str) -> np.ndarray:
    """Return where times are in a cycle.

    Parameters
    ----------
    index : DatetimeIndex or PeriodIndex
        Of n times.
    name : {"minute", "hour", "monthday", "yearday"}
        Position in the hour, the day, the month or the year.

    Returns
    -------
    ndarray of shape (n,)
        From 0 up to 1.

    Examples
    --------
    >>> phases(pd.date_range("2026-01-01", periods=3, freq="6h"), "hour")
    array([0.  , 0.25, 0.5 ])
    """
    times = as_times(index)
    hour, minute, second = clock_of(times)
    if name == "minute":
        return np.asarray((minute + second / 60) / 60)
    of_day = np.asarray((hour + minute / 60 + second / 3600) / 24)
    if name == "hour":
        return of_day
    if name == "monthday":
        return np.asarray((times.day - 1 + of_day) / times.days_in_month)
    return np.asarray((times.day_of_year - 1 + of_day) / np.where(times.is_leap_year, 366, 365))


def clock_of(times: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what a clock shows: faster than the three fields of pandas.

    Parameters
    ----------
    times : DatetimeIndex
        Of `as_times`: n times.

    Returns
    -------
    hour, minute, second : ndarray of int of shape (n,)
        Of each.

    Examples
    --------
    >>> clock_of(pd.DatetimeIndex(["1969-12-31 23:59:58"]))
    (array([23]), array([59]), array([58]))
    """
    seconds = times.asi8 // TICKS[times.unit] % 86_400
    return seconds // 3600, seconds // 60 % 60, seconds % 60


def find_cycle(freq: Any, season: int) -> str:
    """Name the cycle whose positions are those of a season.

    Parameters
    ----------
    freq : offset, int or None
        The step of the index.
    season : int
        Rows of a season.

    Returns
    -------
    {"hour", "weekday", "month", "quarter", ""}
        For `season_positions`; "" where the calendar has none.

    Examples
    --------
    >>> find_cycle(pd.tseries.frequencies.to_offset("30min"), 48), find_cycle(None, 24)
    ('hour', '')
    """
    if freq is None or isinstance(freq, int) or season < 2:
        return ""
    start = pd.Timestamp(2024, 1, 1)
    year = ((start + 1200 * freq - start) / 1200 * season) / YEAR
    if abs(year * 365.25 - 1) < 0.01:
        return "hour"
    if season == 7 and abs(year * 365.25 - 7) < 0.01:
        return "weekday"
    return {12: "month", 4: "quarter"}.get(season, "") if abs(year - 1) < 0.01 else ""


def season_positions(index: pd.Index, cycle: str, n_positions: int) -> np.ndarray:
    """Return the position of times in a season.

    Parameters
    ----------
    index : Index
        Of n times; of any kind where there is no cycle.
    cycle : {"hour", "weekday", "month", "quarter", ""}
        Of `find_cycle`.
    n_positions : int
        Rows of a season.

    Returns
    -------
    ndarray of int of shape (n,)
        From 0 to n_positions - 1; 0 without a cycle.

    Examples
    --------
    >>> season_positions(pd.date_range("2026-01-01 23:00", periods=3, freq="30min"), "hour", 48)
    array([46, 47,  0])
    """
    if cycle == "":
        return np.zeros(len(index), int)
    times = as_times(index)
    if cycle == "hour":
        day = 86_400 * TICKS[times.unit]
        return np.floor(times.asi8 % day / day * n_positions + 1e-6).astype(int) % n_positions
    return np.asarray(_weekdays(times) if cycle == "weekday" else getattr(times, cycle) - 1, int) % n_positions


def waves(phase: np.ndarray, n_harmonics: int) -> list[np.ndarray]:
    """Return cosines and sines of a phase.

    Parameters
    ----------
    phase : ndarray of shape (n,)
        Of `phases`.
    n_harmonics : int
        Waves in a cycle, at most.

    Returns
    -------
    list of ndarray of shape (n,)
        Two for each harmonic.
    """
    angles = [2 * np.pi * (k + 1) * phase for k in range(n_harmonics)]
    return [wave(angle) for angle in angles for wave in (np.cos, np.sin)]


def rest_days(index: pd.Index, names: Sequence[str]) -> np.ndarray:
    """Tell working days from others.

    Parameters
    ----------
    index : DatetimeIndex or PeriodIndex
        Of n times.
    names : sequence of str
        Of `check_calendar`; their holidays count.

    Returns
    -------
    ndarray of int of shape (n,)
        0 for working days, 1 for Saturdays, 2 for Sundays and holidays.
    """
    times = as_times(index)
    kind = np.maximum(_weekdays(times) - 4, 0)
    for name in names:
        if name.startswith(HOLIDAYS):
            kind = np.where(_is_holiday(times, name), 2, kind)
    return np.asarray(kind)


def as_times(index: pd.Index) -> pd.DatetimeIndex:
    """Return times as they are written where they are from.

    Parameters
    ----------
    index : DatetimeIndex or PeriodIndex
        With or without a zone.

    Returns
    -------
    DatetimeIndex
        Without a zone; of periods their starts.

    Raises
    ------
    TypeError
        If the index holds something else.
    """
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if not isinstance(index, pd.DatetimeIndex):
        rule = "A calendar needs an index of times or periods; `calendar=None` does without."
        raise TypeError(received(rule, index=type(index).__name__))
    return index.tz_localize(None) if index.tz is not None else index


def _weekdays(times: pd.DatetimeIndex) -> np.ndarray:
    """Return the days of the week, Monday first, from 0: faster than the field of pandas."""
    return (times.asi8 // (86_400 * TICKS[times.unit]) + 3) % 7  # 1970 began on a Thursday


def _is_holiday(times: pd.DatetimeIndex, name: str) -> np.ndarray:
    years = range(int(times.year.min()), int(times.year.max()) + 1)
    days = pd.DatetimeIndex(list(_holidays_of(name, years)))
    return np.asarray(times.normalize().isin(days.as_unit(times.unit)))


def _holidays_of(name: str, years: Sequence[int]) -> Any:
    """Return the holidays of a country, by day."""
    try:
        package = importlib.import_module("holidays")
    except ImportError:
        rule = f"{show(name)} in `calendar` needs the package `holidays`: pip install 'tscnn[holidays]'."
        raise ImportError(rule) from None
    country, _, part = name.removeprefix(HOLIDAYS).partition("-")
    try:
        return package.country_holidays(country, subdiv=part or None, years=list(years))
    except (NotImplementedError, KeyError, TypeError) as error:
        rule = f"{show(name)} in `calendar` must name a country that the package `holidays` knows, such as"
        raise ValueError(received(f"{rule} 'holidays:US' or 'holidays:DE-BY'.", error=str(error)[:100])) from None
