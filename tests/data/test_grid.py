"""Rows on a grid: absent ones become missing, others are refused in words whose lines work."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.frequencies import to_offset

from tests.data.test_index import MIDNIGHTS, local_days
from tscnn.data.frame import learn_schema, read_frame
from tscnn.data.grid import put_on_grid, read_step
from tscnn.data.index import check_order

HOURS = pd.date_range("2026-03-28", periods=30, freq="h", name="t")


def make(index: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": np.arange(float(len(index))), "b": 1}, index)


def lines(message: str) -> list[str]:
    """The code in a message that makes another frame."""
    return [line for line in re.findall(r"`([^`]*)`", message) if "X." in line or "X[" in line]


def follow(line: str, X: pd.DataFrame) -> Any:
    return eval(line, {"X": X, "pd": pd})


# Absent rows


@pytest.mark.parametrize("unit", ["s", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "America/Havana"])
@pytest.mark.parametrize("step", ["h", "15min", "D", "B", "W-MON", "MS", "ME", "QE", "YS", "SMS", "2D"])
def test_missing_rows_of_an_index_of_times(step: str, zone: str | None, unit: Any) -> None:
    every = pd.date_range("2024-01-01", periods=40, freq=step, unit=unit, name="t")
    every = every.tz_localize("UTC").tz_convert(zone) if step in ("h", "15min") and zone else localize(every, zone)
    found = put_on_grid(make(every.delete([1, 2, 20])), step)
    assert found.index.equals(every)
    assert (found.index.dtype, found.index.name) == (every.dtype, "t")
    assert np.flatnonzero(found["a"].isna()).tolist() == [1, 2, 20]
    assert found["a"].dropna().tolist() == list(range(37))


def localize(index: pd.DatetimeIndex, zone: str | None) -> pd.DatetimeIndex:
    return index.tz_localize(zone, ambiguous=np.ones(len(index), bool), nonexistent="shift_forward")


@pytest.mark.parametrize("zone", MIDNIGHTS)
def test_missing_rows_about_a_midnight_that_is_left_out(zone: str) -> None:
    every = local_days(zone, "D")
    for lost in (10, 11, 12, 13):
        assert put_on_grid(make(every.delete(lost)), "D").index.equals(every)


def test_missing_rows_about_a_midnight_that_comes_twice() -> None:
    every = local_days("America/Havana", "D", "2024-11-02")
    for first in (True, False):
        one = every.tz_localize(None).tz_localize(every.tz, ambiguous=np.full(len(every), first))
        found = put_on_grid(make(one.delete(5)), "D")
        assert found.index.equals(every)
        assert np.flatnonzero(found["a"].isna()).tolist() == [5]


@pytest.mark.parametrize(
    ("every", "freq"),
    [
        (pd.period_range("2026-01", periods=9, freq="M"), "M"),
        (pd.period_range("2026-01", periods=9, freq="2h"), "2h"),
        (pd.RangeIndex(3, 30, 3), 3),
        (pd.Index(np.arange(9, dtype=np.uint8)), 1),
        (pd.Index(np.arange(9), dtype="Int64", name="n"), 1),
        (pd.DatetimeIndex([pd.Timestamp(2026, month, 15) for month in range(1, 10)]), pd.DateOffset(months=1)),
        (
            pd.date_range("2026-01-01", periods=9, freq=(day := pd.offsets.CustomBusinessDay(holidays=["2026-01-06"]))),
            day,
        ),
        (HOURS[:9] + pd.Timedelta("30min"), pd.Timedelta("1h")),
    ],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
def test_missing_rows_of_other_indexes(every: pd.Index, freq: Any) -> None:
    found = put_on_grid(make(every.delete(4)), freq)
    assert found.index.equals(every)
    assert found.index.dtype == every.dtype
    assert put_on_grid(make(every), freq).index.equals(every)


def test_a_frame_without_missing_rows_is_itself() -> None:
    X = make(HOURS)
    assert put_on_grid(X, "h") is X
    assert put_on_grid(X[:0], "h").empty
    assert put_on_grid(X["a"].drop(HOURS[4]), "h").isna().sum() == 1


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_missing_days_of_a_far_year(zone: str | None) -> None:
    every = pd.DatetimeIndex(np.array(["9999-01-01", "9999-01-02", "9999-01-03"], "M8[us]")).tz_localize(zone)
    found = put_on_grid(pd.DataFrame({"a": [1.0, 3.0]}, every.delete(1)), "D")
    assert found.index.equals(every)


def test_missing_rows_of_every_dtype() -> None:
    X = make(HOURS).assign(flag=True, nullable=pd.array([1] * 30, "Int64"), text="x", single=np.float32(1))
    found = put_on_grid(X.drop(HOURS[4]), "h")
    assert found.loc[HOURS[4]].isna().all()
    assert found.dtypes.astype(str)[["flag", "nullable", "single"]].tolist() == ["boolean", "Int64", "float32"]
    assert put_on_grid((X["flag"]).drop(HOURS[4]), "h").dtype == "boolean"


def test_missing_rows_are_refused_as_missing_values_are() -> None:
    X = make(HOURS)
    schema, _ = learn_schema(X, freq="h")
    assert schema.freq == to_offset("h")
    for read in (lambda X: learn_schema(X, freq="h"), lambda X: read_frame(X, schema, "h")):
        with pytest.raises(ValueError, match=r"has NaN at row 2026-03-28 04:00:00; .*missing='mask'"):
            read(X.drop(HOURS[4]))


# Rows that are refused


def after(index: pd.Index, freq: Any) -> str:
    with pytest.raises(ValueError, match=r"must|would be missing") as caught:
        put_on_grid(make(index), freq)
    message = str(caught.value)
    assert len(message) < 400
    assert not re.search(r"Timestamp|<", message)
    return message


@pytest.mark.parametrize("freq", [None, "h"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_repeated_rows_of_an_index(freq: Any, zone: str | None) -> None:
    index = HOURS.tz_localize("UTC").tz_convert(zone) if zone else HOURS
    X = make(index[[0, 1, 12, 12, 12, 13, 13]])
    with pytest.raises(ValueError, match=re.escape(f"must not repeat, but {index[12]} does; ")) as caught:
        learn_schema(X, freq=freq)
    first, mean = (follow(line, X) for line in lines(str(caught.value)))
    for mended in (first, mean):
        assert put_on_grid(mended, "h").index.equals(index[:14])
        assert mended.index.name == "t"
    assert (first["a"].tolist(), mean["a"].tolist()) == ([0, 1, 2, 5], [0, 1, 3, 5.5])


def test_repeated_hours_of_a_clock_that_is_set_back() -> None:
    every = pd.date_range("2026-10-24", periods=60, freq="h", tz="Europe/Berlin", name="t")
    X = make(every.tz_localize(None))
    message = after(X.index, "h")
    assert "`X.tz_localize('..', ambiguous='infer')`, with its zone" in message
    assert follow("X.tz_localize('Europe/Berlin', ambiguous='infer')", X).index.equals(every)
    assert "tz_localize" not in after(HOURS[[0, 12, 12]], "h")  # nobody sets a clock back at noon
    assert "tz_localize" not in after(HOURS[[0, 1, 1, 1]], "h")


@pytest.mark.parametrize(
    ("index", "freq", "wrong"),
    [
        (HOURS.insert(3, HOURS[2] + pd.Timedelta("7min")), "h", 3),
        (HOURS[1:].insert(0, HOURS[0] + pd.Timedelta("7min")), "h", 0),
        (HOURS.insert(3, HOURS[2] + pd.Timedelta("7min")).tz_localize("UTC"), "h", 3),
        (pd.date_range("2026-03-02", periods=20).insert(4, pd.Timestamp("2026-03-05 06:00")), "D", 4),
        (pd.date_range("2026-01-01", periods=20, freq="MS").insert(1, pd.Timestamp("2026-01-15")), "MS", 1),
        (pd.date_range("2026-03-02", periods=9), "B", 5),
        (pd.date_range("2026-03-02", periods=9, freq="W-MON"), "W", 0),
        (pd.Index([0, 5, 10, 12, 15], name="t"), 5, 3),
    ],
    ids=str,
)
def test_rows_off_the_grid_of_an_index(index: pd.Index, freq: Any, wrong: int) -> None:
    message = after(index, freq)
    assert f"Every row must lie on the grid of `freq={read_name(freq)!r}`, but {index[wrong]} does not; `" in message
    for line in lines(message):
        mended = follow(line, make(index))
        assert not put_on_grid(mended, freq).empty
        assert mended.index.name == index.name
    for own in re.findall(r"`freq=([^`]*)` is the step of all rows", message):
        assert len(put_on_grid(make(index), eval(own))) == len(index)
    assert lines(message) or "is the step of all rows" in message


def read_name(freq: Any) -> Any:
    return {"W": "W-SUN"}.get(freq, freq)


def test_a_time_that_is_a_mistake() -> None:
    far = HOURS.insert(30, pd.Timestamp("2226-01-01"))
    assert "most rows would be missing; is a row's time a mistake?" in after(far, "min")
    assert "most rows would be missing" in after(pd.Index([0, 1, 2**60]), 1)


def test_an_index_that_does_not_ascend() -> None:
    with pytest.raises(ValueError, match=r"oldest row first; `X\.sort_index"):
        put_on_grid(make(HOURS[::-1]), "h")
    with pytest.raises(ValueError, match="no NaT"):
        check_order(pd.DatetimeIndex(["2026", None]))


@pytest.mark.parametrize("freq", ["x", "", True, 3, 1.5, "0h", "-1h", ["h"], pd.DataFrame])
def test_errors_of_a_step_of_times(freq: Any) -> None:
    with pytest.raises(
        ValueError, match=r"`freq` must be an alias or an offset of pandas .* times, such as 'h' or 'D'\."
    ):
        read_step(freq, HOURS)


def test_errors_of_a_step_of_another_index() -> None:
    with pytest.raises(TypeError, match="`freq` must be an int where the index holds integers"):
        read_step("h", pd.RangeIndex(3))
    with pytest.raises(ValueError, match="`freq` must be an integer of at least 1"):
        read_step(0, pd.RangeIndex(3))
    with pytest.raises(ValueError, match="`freq` must be 'M' as that of the periods of the index"):
        read_step("D", pd.period_range("2026", periods=3, freq="M"))
