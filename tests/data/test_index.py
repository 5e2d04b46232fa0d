from __future__ import annotations

import datetime
import json
import re
import sys
import zoneinfo
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.frequencies import to_offset

from tscnn.data.encoding import index_from_arrays, index_to_arrays, zone_from_json, zone_to_json
from tscnn.data.grid import put_on_grid, read_step
from tscnn.data.index import check_spacing, find_kind, find_seasonality, find_seasons, future_index, is_due, read_label

BERLIN = "Europe/Berlin"
TWO_HOURS = datetime.timezone(datetime.timedelta(hours=2))
CAIRO = pd.date_range("2026-04-20", periods=8, freq="h", tz="Africa/Cairo")

INDEXES = [
    *(
        pd.date_range("2026-03-28", periods=60, freq="h", tz=BERLIN, unit=unit, name="t")
        for unit in ("s", "ms", "us", "ns")
    ),
    pd.date_range("2026-10-24", periods=60, freq="15min", tz=zoneinfo.ZoneInfo(BERLIN)),
    *(
        pd.date_range("1969-12-30", periods=9, freq=f, tz=BERLIN)
        for f in ("D", "B", "W-WED", "MS", "ME", "QS", "QE", "YE")
    ),
    pd.date_range("2026-03-28", periods=3, freq="h", tz="UTC"),
    pd.date_range("2026-03-28", periods=3, freq="h", tz=zoneinfo.ZoneInfo("UTC")),
    pd.date_range("2026-03-28", periods=3, freq="h", tz=TWO_HOURS),
    pd.to_datetime(["2026-03-28T00:00-05:30", "2026-03-28T01:00-05:30"]),
    pd.date_range("2026-03-28", periods=9, freq="2D", name=("a", 1)),
    pd.date_range("2026-03-28", periods=1, freq="h"),
    pd.date_range("2026-03-28", periods=9, freq="h")[::2],
    pd.to_datetime(["2026-03-28", "2026-03-29", "2026-05-01"]),
    pd.date_range("2026-01-15", periods=9, freq=pd.DateOffset(months=2)),
    pd.date_range("2026-01-15", periods=9, freq=pd.offsets.BusinessHour(start="10:00")),
    CAIRO,
    CAIRO[:0],
    *(pd.period_range("2026-03", periods=9, freq=f, name=3) for f in ("h", "D", "W", "M", "Q-MAR", "Y", "2h", "15min")),
    pd.RangeIndex(10),
    pd.RangeIndex(-5, 100, 7, name="t"),
    pd.RangeIndex(0),
    *(pd.Index([3, 5, 7], dtype=f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)),
    pd.Index([2**64 - 2, 2**64 - 1], dtype="uint64"),
    pd.Index([3, 5, 7], dtype="Int64", name=pd.Timestamp("2026", tz=BERLIN)),
    pd.Index([3, 2**64 - 1], dtype="UInt64"),
    pd.Index([-3, 5, 7], dtype="Int8"),
]


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: f"{index.dtype}")
def test_indexes_come_back(index: pd.Index) -> None:
    before = index.copy(deep=True)
    written, values = index_to_arrays(index)
    assert values.dtype == np.int64
    assert values.flags.owndata or values.base is not index
    found = index_from_arrays(json.loads(json.dumps(written)), values)
    pd.testing.assert_index_equal(found, index, exact=True)
    assert type(found) is type(index)
    assert getattr(found, "freq", None) == getattr(index, "freq", None)
    assert str(getattr(found, "tz", None)) == str(getattr(index, "tz", None))
    assert found.tolist() == index.tolist()
    values[:] = 0
    pd.testing.assert_index_equal(index, before)


def test_a_range_takes_no_memory() -> None:
    assert index_to_arrays(pd.RangeIndex(10**12))[1].size == 0


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pd.Index(["a"]), "The index must hold times"),
        (pd.Index([0.5]), "The index must hold times"),
        (pd.RangeIndex(2, name=frozenset()), "A label must be a str, int"),
    ],
    ids=str,
)
def test_indexes_that_cannot_be_saved(index: pd.Index, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        index_to_arrays(index)


@pytest.mark.parametrize("attributes", [{}, {"key": "Europe/Atlantis"}, {"zone": "Europe/Atlantis"}, {"key": BERLIN}])
def test_zones_that_cannot_be_saved(attributes: dict[str, str]) -> None:
    class Zone(datetime.tzinfo):
        def utcoffset(self, _: datetime.datetime | None) -> None: ...

    zone = Zone()
    vars(zone).update(attributes)
    with pytest.raises(TypeError, match="A time zone must be UTC, a fixed offset or one of `zoneinfo` to be saved"):
        zone_to_json(zone)


def test_a_zone_of_pytz_is_read_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytz", None)
    written = {"zone": BERLIN, "module": "pytz"}
    assert zone_from_json(written) == zoneinfo.ZoneInfo(BERLIN)
    monkeypatch.setitem(sys.modules, "pytz", SimpleNamespace(timezone=lambda name: f"pytz's {name}"))
    assert zone_from_json(written) == f"pytz's {BERLIN}"


@pytest.mark.parametrize(
    ("step", "seasons"),
    [
        ("15min", {"day": 96, "week": 672}),
        ("h", {"day": 24, "week": 168}),
        ("12h", {"day": 2, "week": 14}),
        ("D", {"week": 7, "year": 365}),
        ("B", {"week": 5, "year": 261}),
        ("W", {"year": 52}),
        ("MS", {"year": 12}),
        ("QE", {"year": 4}),
        ("YE", {}),
        (3, {}),
        (None, {}),
    ],
)
def test_seasons_of_an_index(step: Any, seasons: dict[str, int]) -> None:
    freq = to_offset(step) if isinstance(step, str) else step
    assert find_seasons(freq) == seasons
    assert find_seasonality(freq) == (min(seasons.values()) if seasons else None)


TIMES, VALUES = index_to_arrays(pd.date_range("2026-03-28", periods=3, freq="h", tz=BERLIN))
INTEGERS = {"kind": "integers", "name": None, "dtype": "int64"}


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (None, VALUES),
        ({}, VALUES),
        ({**TIMES, "unit": "parsec"}, VALUES),
        ({**TIMES, "unit": "D"}, VALUES),
        ({**TIMES, "zone": {"zone": "../../etc/passwd"}}, VALUES),
        ({**TIMES, "zone": {"zone": "Europe/Atlantis"}}, VALUES),
        ({**TIMES, "zone": {"zone": "dateutil//etc/passwd"}}, VALUES),
        ({**TIMES, "zone": {"offset": 1e9}}, VALUES),
        ({**TIMES, "step": {"offset": "2h"}}, VALUES),
        ({**TIMES, "step": 1}, VALUES),
        ({**TIMES, "name": {}}, VALUES),
        ({**TIMES, "name": []}, VALUES),
        (TIMES, VALUES.astype(float)),
        (TIMES, VALUES[:, None]),
        ({"kind": "periods", "name": None, "step": {"offset": "x"}}, VALUES),
        ({"kind": "periods", "name": None, "step": None}, VALUES),
        ({**INTEGERS, "dtype": "object"}, VALUES),
        ({**INTEGERS, "dtype": "int9"}, VALUES),
        ({**INTEGERS, "dtype": 8}, VALUES),
        ({**INTEGERS, "range": [0, 1, 0]}, VALUES[:0]),
        ({**INTEGERS, "range": ["0"]}, VALUES[:0]),
    ],
    ids=str,
)
def test_what_describes_no_index(written: Any, values: np.ndarray) -> None:
    with pytest.raises(ValueError, match=re.escape("What was saved describes no index. Received: error=")):
        index_from_arrays(written, values)


# Clock changes at midnight

MIDNIGHTS = {  # zone: the day before a change at midnight
    "America/Santiago": "2024-09-07",
    "Asia/Beirut": "2024-03-30",
    "America/Havana": "2024-03-09",
    "America/Sao_Paulo": "2018-11-03",
    "Africa/Cairo": "2026-04-23",
}


def local_days(zone: str, step: str, day: Any = None, n_rows: int = 24) -> pd.DatetimeIndex:
    """Rows before and after a midnight that doesn't exist, or exists twice, as `DataFrame.resample` makes them."""
    start = pd.Timestamp(day or MIDNIGHTS[zone]) - 12 * to_offset(step)
    local = pd.date_range(start, periods=n_rows, freq=step)
    return local.tz_localize(zone, ambiguous=np.ones(n_rows, bool), nonexistent="shift_forward")


@pytest.mark.parametrize("step", ["D", "2D", "B", "W-SUN", "MS"])
@pytest.mark.parametrize("zone", MIDNIGHTS)
def test_robust_to_clock_changes_at_midnight(zone: str, step: str) -> None:
    every = local_days(zone, step)
    for train in (every[:10], every):
        freq = check_spacing(pd.DatetimeIndex(train.tolist()), None)
        for known in range(10, 20):
            for context in (every[:known], every[known - 2 : known], every[known - 1 : known]):
                check_spacing(context, freq)
                assert future_index(context, freq, 4).equals(every[known : known + 4])


def test_robust_to_midnights_that_come_twice() -> None:
    every = local_days("America/Havana", "D", "2024-11-02")
    freq = check_spacing(every, None)
    for first in (True, False):
        one = every.tz_localize(None).tz_localize(every.tz, ambiguous=np.full(len(every), first))
        assert check_spacing(one, freq) == freq
        assert future_index(one[:14], freq, 10).equals(every[14:])
    assert every.tz_localize(None).equals(pd.date_range(every[0].tz_localize(None), periods=24))


def test_robust_to_a_day_that_samoa_left_out() -> None:
    every = pd.date_range("2011-12-20", periods=20).delete(10).tz_localize("Pacific/Apia")
    freq = check_spacing(every, None)
    for known in range(3, 16):
        assert future_index(every[:known], freq, 3).equals(every[known : known + 3])


def test_robust_to_days_that_begin_at_another_hour() -> None:
    every = (pd.date_range("2024-09-01", periods=14) + pd.Timedelta(hours=1)).tz_localize("America/Santiago")
    freq = check_spacing(every, None)  # a row at 01:00 on the day without a midnight is no midnight
    for known in range(2, 11):
        assert future_index(every[:known], freq, 3).equals(every[known : known + 3])


def test_state_of_days_without_a_midnight_is_saved() -> None:
    hours = pd.date_range("2024-09-01", periods=24 * 20, freq="h", tz="America/Santiago")
    index = pd.Series(1.0, hours).resample("D").sum().index  # which keeps its step
    written, values = index_to_arrays(index)
    assert index_from_arrays(json.loads(json.dumps(written)), values).equals(index)


# Gaps, and steps that pandas doesn't infer


@pytest.mark.parametrize("step", ["h", "D", "B", "W-SUN", "MS", "SMS", "SME", "QE", "2D", "15min"])
def test_errors_tell_a_mend_that_works(step: str) -> None:
    for zone in (None, "Europe/Berlin"):
        every = pd.date_range("2026-03-02", periods=40, freq=step, tz=zone)
        X = pd.DataFrame({"a": np.arange(39.0)}, pd.DatetimeIndex(every.delete(7).tolist()))
        freq = to_offset(step) if step in ("SMS", "SME") else None
        with pytest.raises(ValueError, match=re.escape(f"{every[7]} is missing; ")) as caught:
            check_spacing(X.index, freq)
        mended = follow(str(caught.value), X)
        assert mended.index.equals(every)
        assert mended.dropna().equals(X)


@pytest.mark.parametrize(
    ("zone", "step"), [*((zone, step) for zone in MIDNIGHTS for step in ("D", "B")), ("America/Havana", "2D")]
)
def test_errors_tell_a_mend_that_works_without_a_midnight(zone: str, step: str) -> None:
    every = local_days(zone, step)
    X = pd.DataFrame({"a": np.arange(23.0)}, every.delete(7))
    with pytest.raises(ValueError, match=re.escape(f"{every[7]} is missing; ")) as caught:
        check_spacing(X.index, None)
    mended = follow(str(caught.value), X)
    assert mended.index.equals(every)
    assert mended.dropna().equals(X)


@pytest.mark.parametrize(
    "every",
    [
        pd.period_range("2026-01", periods=9, freq="M"),
        pd.period_range("2026-01", periods=9, freq="2h"),
        pd.Index(np.arange(3, 21, 2)),
        pd.to_datetime([f"2026-{month:02}-15" for month in range(1, 10)]),
    ],
    ids=["months", "every two hours", "every second number", "15th of each month"],
)
def test_errors_tell_a_mend_of_other_steps(every: pd.Index) -> None:
    X = pd.DataFrame({"a": np.arange(8.0)}, every.delete(5))
    with pytest.raises(ValueError, match=re.escape(f"{every[5]} is missing; ")) as caught:
        check_spacing(X.index, None)
    mended = follow(str(caught.value), X)
    assert mended.index.equals(every)
    assert mended.dropna().index.equals(X.index)


def follow(message: str, X: pd.DataFrame) -> Any:
    (freq,) = re.findall(r"; `Forecaster\(freq=(.*), missing='mask'\)` takes absent rows as", message)
    mended = put_on_grid(X, eval(freq, {"pd": pd}))
    check_spacing(mended.index, read_step(eval(freq, {"pd": pd}), X.index))
    return mended


def days_with(days: list[int], n_months: int = 12) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([pd.Timestamp(2026, month + 1, day) for month in range(n_months) for day in days])


def test_robust_to_steps_of_half_a_month() -> None:
    every = days_with([1, 15])
    assert check_spacing(every[:14], None) == pd.offsets.SemiMonthBegin()
    assert future_index(every[:14], pd.offsets.SemiMonthBegin(), 4).equals(every[14:18])


@pytest.mark.parametrize(
    "index",
    [
        days_with([1, 11, 21]),
        days_with([1, 15]).delete(5),
        pd.date_range("2026-01-05", periods=60)[np.isin(np.arange(60) % 7, [0, 2, 4])],
        pd.date_range("2026-01-05", periods=60)[np.isin(np.arange(60) % 7, [1, 3])],
        pd.Index([0, 2, 4, 7, 9]),
        pd.DatetimeIndex(["2026-01-01 00:00", "2026-01-01 01:00", "2026-01-01 02:07", "2026-01-01 04:07"]),
    ],
    ids=["1st, 11th, 21st", "half months with a gap", "MWF", "TT", "numbers", "late"],
)
def test_errors_name_no_step_that_is_not_there(index: pd.Index) -> None:
    with pytest.raises(ValueError, match=r"evenly spaced, but .* comes .* after .*, where other rows are") as caught:
        check_spacing(index, None)
    assert "in steps of" not in str(caught.value)
    assert "Forecaster" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_robust_to_a_step_that_is_set() -> None:
    holidays = pd.offsets.CustomBusinessDay(holidays=["2026-01-06"])
    index = pd.DatetimeIndex(pd.date_range("2026-01-01", periods=30, freq=holidays).tolist())
    with pytest.raises(ValueError, match="'B', but 2026-01-06 00:00:00 is missing"):
        check_spacing(index, None)
    index.freq = holidays
    assert check_spacing(index, None) == holidays


# Labels, and the end of what a type can hold

HOURS = pd.date_range("2026-03-28", periods=9, freq="h")


@pytest.mark.parametrize(
    ("index", "label", "expected"),
    [
        (HOURS, "2026-03-28", HOURS[0]),
        (HOURS, HOURS[3].to_pydatetime(), HOURS[3]),
        (HOURS, HOURS[3].to_datetime64(), HOURS[3]),
        (HOURS.tz_localize(BERLIN), "2026-03-28", HOURS[0].tz_localize(BERLIN)),
        (HOURS.tz_localize(BERLIN), HOURS[3].tz_localize("UTC"), HOURS[3].tz_localize("UTC")),
        (local_days("America/Santiago", "D"), "2024-09-08", pd.Timestamp("2024-09-08 01:00", tz="America/Santiago")),
        (HOURS.to_period("h"), "2026-03-28 02:00", HOURS.to_period("h")[2]),
        (HOURS.to_period("h"), HOURS.to_period("h")[3], HOURS.to_period("h")[3]),
        (pd.RangeIndex(9), np.int8(3), 3),
    ],
)
def test_labels_are_read(index: pd.Index, label: Any, expected: Any) -> None:
    assert read_label("`start`", label, index) == expected


@pytest.mark.parametrize("label", ["x", "", 3, 3.5, True, None, pd.NaT, ["2026-03-28"], pd.Timedelta("1h"), (1, 2)])
@pytest.mark.parametrize("index", [HOURS, HOURS.tz_localize(BERLIN), HOURS.to_period("h"), pd.RangeIndex(9)], ids=str)
def test_errors_of_labels_of_another_kind(index: pd.Index, label: Any) -> None:
    if label == 3 and isinstance(index, pd.RangeIndex) and label is not True:
        return
    with pytest.raises(TypeError, match="`start` must be comparable with the index, which holds") as caught:
        read_label("`start`", label, index)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("index", "label"),
    [
        (HOURS, HOURS[0].tz_localize(BERLIN)),
        (HOURS, "2026-03-28T00:00+01:00"),
        (HOURS.tz_localize(BERLIN), HOURS[0]),
        (HOURS.tz_localize(BERLIN), HOURS[0].to_datetime64()),
        (HOURS, HOURS.to_period("h")[0]),
        (HOURS.to_period("h"), HOURS[0]),
        (HOURS.to_period("h"), HOURS.to_period("D")[0]),
        (pd.RangeIndex(9), "2026-03-28"),
        (pd.RangeIndex(9), HOURS[0]),
        (pd.RangeIndex(9), 3.0),
    ],
)
def test_errors_of_labels_of_another_zone_or_step(index: pd.Index, label: Any) -> None:
    with pytest.raises(TypeError, match="`start` must be comparable with the index, which holds"):
        read_label("`start`", label, index)


@pytest.mark.parametrize(
    ("index", "step"),
    [
        (pd.DatetimeIndex([pd.Timestamp.max.floor("h")]), pd.offsets.Hour()),
        (pd.DatetimeIndex([pd.Timestamp.max.floor("D")]), pd.offsets.YearEnd()),
        (pd.DatetimeIndex([pd.Timestamp.max.floor("D")], tz=zoneinfo.ZoneInfo(BERLIN)), pd.offsets.Day()),
        (pd.DatetimeIndex(np.array(["9999-12-31"], "M8[us]")).tz_localize(zoneinfo.ZoneInfo(BERLIN)), pd.offsets.Day()),
        (pd.Index([2**63 - 2]), 1),
        (pd.RangeIndex(2**63 - 5, 2**63 - 1), 1),
        (pd.Index([125, 126], dtype="int8"), 1),
        (pd.Index([125, 126], dtype="Int8"), 1),
        (pd.Index([2**64 - 2], dtype="uint64"), 1),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_errors_at_the_end_of_a_type(index: pd.Index, step: Any) -> None:
    if not isinstance(step, pd.offsets.YearEnd):
        check_spacing(index, step)
    with pytest.raises(
        ValueError, match=r"must leave room for 3 steps after its last row.*Received: last_row="
    ) as caught:
        future_index(index, step, 3)
    assert len(str(caught.value)) < 400


def test_robust_to_integers_beyond_half_their_range() -> None:
    index = pd.Index([2**63 - 1, 2**63 + 1, 2**63 + 3], dtype="uint64")
    assert check_spacing(index, None) == 2
    assert future_index(index, 2, 2).tolist() == [2**63 + 5, 2**63 + 7]


BERLIN_HOURS = pd.date_range("2026-03-28", periods=48, freq="h", tz="Europe/Berlin")
UNREADABLE = {
    "text": HOURS.astype(str),
    "text of changing offsets": pd.Index([time.isoformat() for time in BERLIN_HOURS]),
    "times of several zones": pd.Index([BERLIN_HOURS[0], BERLIN_HOURS[1].tz_convert("UTC")], dtype=object),
    "dates": pd.Index([datetime.date(2026, 1, 1 + i) for i in range(9)], dtype=object),
    "floats": pd.Index([0.0, 1.0, 2.0]),
    "halves": pd.Index([0.0, 0.5, 1.0]),
    "lengths of time": pd.timedelta_range("1h", periods=9, freq="h"),
    "booleans": pd.Index([True, False]),
    "categories": pd.CategoricalIndex(HOURS),
    "names": pd.Index(["x", "y"]),
    "nothing": pd.Index([None, None]),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_errors_of_an_index_of_something_else_tell_a_mend_that_works(name: str) -> None:
    X = pd.DataFrame({"a": 1.0}, UNREADABLE[name])
    with pytest.raises(TypeError, match="The index must hold times") as told:
        find_kind(X.index)
    lines = re.findall("`(X.*?)`", str(told.value))
    assert lines
    for line in lines:
        find_kind(eval(line, {"X": X, "pd": pd}).index)


@pytest.mark.parametrize(("names", "at"), [(["shop", "time"], 0), ([None, None], 0), (["time", "shop"], 1)])
def test_errors_of_an_index_of_series_and_times_tell_the_series(names: list[str | None], at: int) -> None:
    levels = [["x", "y"], HOURS]
    index = pd.MultiIndex.from_product(levels if at == 0 else levels[::-1], names=names)
    with pytest.raises(TypeError, match="The index must hold times") as told:
        find_kind(index)
    series_id, line = re.search(r"`Forecaster\(series_id='(.*?)'\).fit\((.*)\)`", str(told.value)).groups()
    long = eval(line, {"X": pd.DataFrame({"a": 1.0}, index)})
    assert find_kind(long.index) == "times"
    assert set(long[series_id]) == {"x", "y"}


def test_errors_of_times_that_are_not_exact_tell_how_to_even_them() -> None:
    seconds = np.random.default_rng(0).integers(0, 50, len(HOURS))
    X = pd.DataFrame({"a": 1.0}, HOURS + pd.to_timedelta(seconds, unit="s"))
    with pytest.raises(ValueError, match="must be evenly spaced") as told:
        check_spacing(X.index, None)
    line = re.search("`(X.*?)`", str(told.value)).group(1)
    assert check_spacing(eval(line, {"X": X}).index, None) == pd.offsets.Hour()


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("step", ["h", "D", "B", "MS", "W-SUN"])
def test_a_row_of_another_time_is_not_due_whatever_the_step(step: str, zone: str | None) -> None:
    times = pd.date_range("2026-01-01", periods=3, freq=step, tz=zone)
    assert is_due(times[1], times[1:2], times.freq)
    assert not is_due(times[2], times[1:2], times.freq)
