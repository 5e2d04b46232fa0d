from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from tscnn.data.calendar import (
    CALENDAR,
    calendar_features,
    check_calendar,
    clock_of,
    find_calendar,
    phases,
    rest_days,
)

FREQ = pd.tseries.frequencies.to_offset


def test_calendar_of_every_name_describes_times_and_periods_alike() -> None:
    times = pd.date_range("2023-12-30", periods=40, freq="13h")
    found = calendar_features(times, CALENDAR)
    assert found.shape == (40, 2 * (2 + 3 + 2 + 2) + 7 + 12 + 4 + 4)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(calendar_features(times.tz_localize("Asia/Tokyo"), CALENDAR), found)
    days = pd.period_range("2024-01-01", periods=9, freq="D")
    np.testing.assert_array_equal(
        calendar_features(days, ["weekday", "month end"]),
        calendar_features(days.to_timestamp(), ["weekday", "month end"]),
    )


@pytest.mark.parametrize("unit", ["s", "ns"])
def test_calendar_of_days_and_clocks_is_that_of_pandas(unit: str) -> None:
    times = pd.date_range("1969-12-25 00:00:01", periods=500, freq="47min 13s", unit=unit)  # across 1970
    for found, name in zip(clock_of(times), ("hour", "minute", "second"), strict=True):
        np.testing.assert_array_equal(found, getattr(times, name))
    np.testing.assert_array_equal(calendar_features(times, ["weekday"]).argmax(axis=1), times.day_of_week)


@pytest.mark.parametrize(("name", "length"), [("hour", "1D"), ("minute", "1h")])
def test_calendar_cycles_close(name: str, length: str) -> None:
    start = pd.Timestamp("2024-02-28 12:30")
    times = pd.DatetimeIndex([start, start + pd.Timedelta(length)])
    first, second = calendar_features(times, [name])
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_calendar_phases_of_a_leap_year_end_where_others_end() -> None:
    times = pd.DatetimeIndex(["2023-12-31 12:00", "2024-12-31 12:00"])
    np.testing.assert_allclose(phases(times, "yearday"), 1 - 0.5 / np.array([365, 366]))
    assert phases(pd.DatetimeIndex(["2024-02-29"]), "monthday")[0] == 28 / 29


def test_calendar_holidays_are_days_of_rest() -> None:
    times = pd.date_range("2025-07-03", periods=4, freq="D", unit="s")  # Thursday; Friday is a holiday there
    assert rest_days(times, []).tolist() == [0, 0, 1, 2]
    assert rest_days(times, ["holidays:US"]).tolist() == [0, 2, 1, 2]
    found = calendar_features(times, ["holidays:US", "working day", "weekend"])
    assert found.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]]


@pytest.mark.parametrize(
    ("freq", "n_rows", "names"),
    [
        ("15min", 1000, ("hour", "weekday")),
        ("h", 9000, ("hour", "weekday", "yearday")),
        ("D", 100, ("weekday",)),
        ("D", 400, ("weekday", "yearday")),
        ("B", 300, ("weekday", "yearday")),
        ("W", 60, ("yearday",)),
        ("MS", 60, ("month",)),
        ("YS", 60, ()),
    ],
)
def test_calendar_that_suits_a_step(freq: str, n_rows: int, names: tuple[str, ...]) -> None:
    assert find_calendar(FREQ(freq), n_rows) == names


def test_calendar_of_integers_is_none() -> None:
    assert find_calendar(1, 1000) == find_calendar(None, 1000) == ()
    with pytest.raises(TypeError, match="`calendar=None` does without"):
        calendar_features(pd.RangeIndex(3), ["hour"])


@pytest.mark.parametrize(
    ("calendar", "message"),
    [
        ("hour", "must be 'auto', None or a list"),
        (["houre"], "did you mean 'hour'?"),
        ([3], "unknown=3"),
        (["holidays:Atlantis"], "such as 'holidays:US'"),
        (5, "calendar=5"),
    ],
)
def test_calendar_errors(calendar: object, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)) as caught:
        check_calendar(calendar)
    assert len(str(caught.value)) < 400


def test_calendar_is_checked_and_each_name_counts_once() -> None:
    assert check_calendar("auto") is None
    assert check_calendar(None) == ()
    assert check_calendar(["hour", "hour", "holidays:DE-BY"]) == ("hour", "holidays:DE-BY")


def test_calendar_without_the_package_of_holidays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "holidays", None)
    with pytest.raises(ImportError, match=re.escape("pip install 'tscnn[holidays]'")):
        check_calendar(["holidays:US"])
