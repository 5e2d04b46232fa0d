from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse

from tscnn.data.frame import check_y, forecast_frame, learn_schema, read_frame
from tscnn.data.index import future_index

BERLIN = "Europe/Berlin"  # clocks change on 2026-03-29 at 02:00 and on 2026-10-25 at 03:00
STEPS = ["h", "2h", "15min", "D", "2D", "B", "W", "W-WED", "MS", "ME", "QS", "QE", "YS", "YE", "bh", "30s"]


def make(index: Any, columns: str = "ab") -> pd.DataFrame:
    return pd.DataFrame(np.arange(float(len(index) * len(columns))).reshape(len(index), -1), index, list(columns))


def hours(n_rows: int = 6, tz: str | None = BERLIN) -> pd.DataFrame:
    return make(pd.date_range("2026-03-29", periods=n_rows, freq="h", tz=tz, name="t"))


def without_freq(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    plain = index.copy(deep=True)
    plain.freq = None
    return plain


def gap(freq: str, tz: str | None = None) -> pd.DataFrame:
    return make(pd.date_range("2026-03-01", periods=30, freq=freq, tz=tz).delete(5 if freq == "D" else 4))


def put(frame: pd.DataFrame, rows: Any, column: int, value: float) -> pd.DataFrame:
    frame.iloc[rows, column] = value
    return frame


# The index goes on


@pytest.mark.parametrize(
    ("start", "tz", "unit"),
    [
        ("2026-03-27", BERLIN, "us"),
        ("2026-10-23", BERLIN, "ns"),
        ("2026-03-27", None, "ns"),
        ("2026-03-27", "UTC", "s"),
    ],
)
@pytest.mark.parametrize("step", STEPS)
def test_times_go_on(step: str, start: str, tz: str | None, unit: Any) -> None:
    every = pd.date_range(start, periods=100, freq=step, tz=tz, unit=unit, name="t")
    for known, after in ((every[:20], every[20:]), (every[:70], every[70:])):
        for train in (known, without_freq(known)):
            schema, frame = learn_schema(make(train))
            assert frame.index.equals(train)
            for context in (known[-9:], train[-9:], train[-2:], train[-1:]):
                read = read_frame(make(context), schema)
                index = future_index(read.index, schema.freq, len(after))
                pd.testing.assert_index_equal(index, after, exact=True)
                if step != "QS":  # pandas 2 infers another month of the quarter
                    assert index.freq == after.freq


@pytest.mark.parametrize("step", ["h", "D", "W", "M", "Q", "Y", "2h"])
def test_periods_go_on(step: str) -> None:
    every = pd.period_range("2026-03-20", periods=30, freq=step, name="t")
    schema, _ = learn_schema(make(every[:20]))
    for context in (every[:20], every[18:20], every[19:20]):
        read = read_frame(make(context), schema)
        pd.testing.assert_index_equal(future_index(read.index, schema.freq, 10), every[20:], exact=True)


@pytest.mark.parametrize(
    "every",
    [
        pd.RangeIndex(30, name="t"),
        pd.RangeIndex(5, 95, 3),
        pd.Index(np.arange(100, 130, dtype=np.int32)),
        pd.Index(np.arange(0, 60, 2, dtype=np.uint8)),
        pd.Index(range(-10, 20), dtype="Int64", name="t"),
    ],
)
def test_integers_go_on(every: pd.Index) -> None:
    schema, _ = learn_schema(make(every[:20]))
    for context in (every[:20], every[18:20], every[19:20]):
        read = read_frame(make(context), schema)
        pd.testing.assert_index_equal(future_index(read.index, schema.freq, 10), every[20:], exact=True)


@pytest.mark.parametrize("form", ["array", "list", "Series"])
def test_what_has_no_index_counts_rows(form: str) -> None:
    values = np.arange(12.0)[:, None]
    X = {"array": values, "list": values.tolist(), "Series": pd.Series(values[:, 0])}[form]
    schema, frame = learn_schema(X)
    assert future_index(frame.index, schema.freq, 2).equals(pd.RangeIndex(12, 14))
    assert frame.columns.tolist() == [0]


def test_days_without_a_midnight_go_on() -> None:
    # In Cairo the 24th of April 2026 begins at 01:00.
    before = pd.date_range("2026-04-10", "2026-04-22", tz="Africa/Cairo")
    schema, _ = learn_schema(make(before))
    index = future_index(before, schema.freq, 3)
    assert [str(time) for time in index] == [
        "2026-04-23 00:00:00+02:00",
        "2026-04-24 01:00:00+03:00",
        "2026-04-25 00:00:00+03:00",
    ]
    schema, _ = learn_schema(make(before.append(index)))
    assert schema.freq == pd.offsets.Day()


def test_the_15th_of_each_month_is_a_step() -> None:
    times = pd.to_datetime([f"2026-{month:02}-15" for month in range(1, 13)])
    schema, _ = learn_schema(make(times[:9]))
    assert future_index(times[:9], schema.freq, 3).equals(times[9:])


def test_two_rows_tell_a_step() -> None:
    for step in ("h", "D", "MS", "ME", "YE"):
        times = pd.date_range("2026-03-28 00:00", periods=3, freq=step, tz=BERLIN)
        schema, _ = learn_schema(make(without_freq(times[:2])))
        assert future_index(times[:2], schema.freq, 1).equals(times[2:]), step


def test_a_single_row_tells_no_step() -> None:
    one = hours(1)
    schema, frame = learn_schema(make(without_freq(one.index)))
    with pytest.raises(ValueError, match=r"tell the step of its index\. Received: row='2026-03-29 00:00:00\+01:00'"):
        future_index(frame.index, schema.freq, 1)
    assert future_index(one.index, None, 1)[0] == one.index[0] + pd.Timedelta("1h")


# Values and columns


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 0, 1], dtype=np.int8),
        np.array([1, 0, 1], dtype=np.float32),
        [True, False, True],
        pd.array([1, 0, 1], dtype="Int64"),
        pd.array([1, 0, 1], dtype="Float64"),
        pd.array([True, False, True], dtype="boolean"),
        pd.arrays.SparseArray([1.0, 0.0, 1.0]),
        *(pd.array([1, 0, 1], dtype=f"{kind}[pyarrow]") for kind in ("double", "float", "int8", "uint64")),
        pd.array([True, False, True], dtype="bool[pyarrow]"),
    ],
)
def test_numbers_of_every_kind_work(values: Any) -> None:
    X = make(range(3)).assign(c=values)
    before = X.copy()
    _, frame = learn_schema(X)
    assert (frame.dtypes == np.float64).all()
    assert frame["c"].tolist() == [1, 0, 1]
    pd.testing.assert_frame_equal(X, before)


def test_columns_are_matched_by_name() -> None:
    X = hours()
    X.columns.name = "variable"
    schema, frame = learn_schema(X)
    pd.testing.assert_frame_equal(read_frame(X[["b", "a"]], schema), frame)
    assert read_frame(X.to_numpy(), schema).columns.equals(X.columns)
    schema, frame = learn_schema(X["b"])
    pd.testing.assert_frame_equal(frame, X[["b"]].rename_axis(columns=None))
    pd.testing.assert_frame_equal(read_frame(X["b"], schema), frame)
    pd.testing.assert_frame_equal(read_frame(X["a"].rename(None), schema), X[["a"]].set_axis(["b"], axis=1))


def test_columns_may_have_levels() -> None:
    X = hours().set_axis(pd.MultiIndex.from_tuples([("u", 1), ("v", 2)], names=["x", "y"]), axis=1)
    schema, frame = learn_schema(X)
    pd.testing.assert_frame_equal(read_frame(X.iloc[:, ::-1], schema), frame)
    pd.testing.assert_frame_equal(frame, X, check_freq=True)
    with pytest.raises(ValueError, match=re.escape("missing=[('u', 1)], extra=[]")):
        read_frame(X[["v"]], schema)


def test_nothing_is_shared_with_the_caller() -> None:
    X = hours()
    before = X.copy()
    schema, frame = learn_schema(X)
    for copy in (frame, read_frame(X, schema), read_frame(X[["b", "a"]], schema)):
        assert not np.shares_memory(copy.to_numpy(), X.to_numpy())
        copy.iloc[:] = -1
    pd.testing.assert_frame_equal(X, before, check_freq=True)
    values = X.to_numpy(copy=True)
    frame = read_frame(values, schema)
    frame.iloc[:] = -1
    np.testing.assert_array_equal(values, before)


def test_numbers_in_an_object_array_are_read() -> None:
    _, frame = learn_schema(np.array([[1, 2.5], [True, 4]], dtype=object))
    assert frame.to_numpy().tolist() == [[1, 2.5], [1, 4]]


# What is refused, in words that a person understands

EVENLY = "The index must be evenly spaced, in steps of"
KINDS = (
    "The index must hold times (DatetimeIndex), periods (PeriodIndex) or integers; "
    "`X.set_axis(pd.to_datetime(X.index))` reads times, `X.reset_index(drop=True)` numbers the rows."
)
NUMBERS = "Column 'c' must hold real numbers or booleans; "
CONVERTS = NUMBERS + "`X.astype({'c': float})` converts those in it."
SHAPE = "`X` must be a DataFrame, a Series or an array of shape (n_timesteps, n_features). Reshape your data."


def check_refusal(call: Callable[[], Any], message: str) -> None:
    """`message` is the name of the error, then a part of what it says."""
    kind, part = message.split(": ", 1)
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    said = str(caught.value)
    assert part in said
    assert type(caught.value).__name__ == kind
    assert not re.search(r"Timestamp|Period\(|np\.(?!inf|nan)|(?<!Forecaster\()freq=[^`]|<", said)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "NaN": (
        lambda: put(put(hours(), [3, 4], 1, np.nan), [5], 0, np.inf),
        "ValueError: Every value must be finite, but column 'b' has NaN at row 2026-03-29 04:00:00+02:00; "
        "`Forecaster(missing='mask')` learns and forecasts from the values that are there. Received: value=nan, "
        "n_such_values=3, in_columns=['a', 'b']",
    ),
    "infinity": (
        lambda: put(make(range(6)), [3], 0, -np.inf),
        "ValueError: at row 3; `X.replace([np.inf, -np.inf], np.nan)`, with ",
    ),
    "NA": (lambda: hours(2).assign(c=pd.array([1, None], dtype="Int64")), "ValueError: column 'c' has NaN at row"),
    "masked": (lambda: np.ma.masked_equal([[1.0], [2.0]], 2), "ValueError: column 0 has NaN at row 1;"),
    "text": (lambda: hours(2).assign(c=["x", "y"]), f"TypeError: {NUMBERS}`pd.get_dummies(X, columns=['c'])` makes a"),
    "decimals": (lambda: hours(2).assign(c=[Decimal(1)] * 2), "TypeError: dtype='object', first_value=Decimal('1')"),
    "objects": (lambda: hours(2).assign(c=np.array([1, 2], dtype=object)), "TypeError: " + CONVERTS),
    "categories": (lambda: hours(2).assign(c=pd.Categorical([1, 2])), "TypeError: dtype='category', first_value=1"),
    "times": (lambda: hours(2).assign(c=hours(2).index), "TypeError: belong in the index: `X.set_index('c')`, or "),
    "decimals of Arrow": (
        lambda: hours(2).assign(c=pd.array([Decimal("1.5")] * 2, pd.ArrowDtype(pa.decimal128(5, 2)))),
        f"TypeError: {CONVERTS}",
    ),
    "numeric text": (lambda: hours(2).assign(c=["1", "2.5"]), f"TypeError: {CONVERTS}"),
    "text of Arrow": (lambda: hours(2).assign(c=pd.array(["1", "2"], "string[pyarrow]")), f"TypeError: {CONVERTS}"),
    "decimal commas": (
        lambda: hours(2).assign(c=["1,5", "2"]),
        f"TypeError: {NUMBERS}`X['c'] = X['c'].str.replace(',', '.').astype(float)` converts those in it.",
    ),
    "mostly numbers": (
        lambda: hours(3).assign(c=["1", "n/a", "2"]),
        f"TypeError: {NUMBERS}`X['c'] = pd.to_numeric(X['c'], errors='coerce')` keeps those in it, and leaves gaps.",
    ),
    "lengths of time": (
        lambda: hours(2).assign(c=pd.array([pd.Timedelta("1h")] * 2, "duration[ns][pyarrow]")),
        f"TypeError: {NUMBERS}`X['c'] = X['c'].dt.total_seconds()` makes",
    ),
    "complex": (lambda: hours(2).assign(c=1j), "ValueError: Complex data not supported: column 'c' must be real."),
    "object in array": (lambda: np.array([[{}]], dtype=object), "TypeError: must be a string or a real number, not"),
    "same names": (
        lambda: hours().set_axis(["a", "a"], axis=1),
        "ValueError: `X.loc[:, ~X.columns.duplicated()]` keeps the first of each. Received: repeated=['a']",
    ),
    "no column": (lambda: hours()[[]], "ValueError: 0 feature(s) (shape=(6, 0)) while a minimum of 1 is required."),
    "no row": (lambda: hours().iloc[:0], "ValueError: `X` must have at least one row. Received: shape=(0, 2)"),
    "repeated": (
        lambda: hours().iloc[[0, 1, 1, 2, 2]],
        "ValueError: The index must not repeat, but 2026-03-29 01:00:00+01:00 does; several series need their names, "
        "`series_id=`; `X[~X.index.duplicated()]` keeps the first of its rows, `X.groupby(level=0).mean()` their mean. "
        "Received: n_repeated=2",
    ),
    "unsorted": (
        lambda: hours().iloc[[0, 3, 2, 4]],
        "ValueError: The index must ascend, oldest row first; `X.sort_index()` sorts it. "
        "Received: row='2026-03-29 04:00:00+02:00', next_row='2026-03-29 03:00:00+02:00'",
    ),
    "gap": (
        lambda: hours().iloc[[0, 1, 3, 4, 5]],
        f"ValueError: {EVENLY} 'h', but 2026-03-29 03:00:00+02:00 is missing; "
        "`Forecaster(freq='h', missing='mask')` takes absent rows as missing values. "
        "Received: previous_row='2026-03-29 01:00:00+01:00', next_row='2026-03-29 04:00:00+02:00'",
    ),
    "wide gap": (lambda: hours(40).iloc[[0, 1, 2, 39]], "ValueError: but 2026-03-29 04:00:00+02:00 is missing;"),
    "weekday gap": (lambda: gap("B"), "ValueError: 'B', but 2026-03-06 00:00:00 is missing; `Forecaster(freq='B', "),
    "month gap": (lambda: gap("ME"), "ValueError: in steps of 'ME', but 2026-07-31 00:00:00 is missing;"),
    "day gap": (lambda: gap("D", BERLIN), "ValueError: in steps of 'D', but 2026-03-06 00:00:00+01:00 is missing;"),
    "period gap": (
        lambda: make(pd.period_range("2026-01", periods=9, freq="M").delete(3)),
        "ValueError: in steps of 'M', but 2026-04 is missing; `Forecaster(freq='M', missing='mask')` takes "
        "absent rows as missing values. Received: previous_row='2026-03', next_row='2026-05'",
    ),
    "integer gap": (
        lambda: make([0, 2, 4, 8]),
        f"ValueError: {EVENLY} 2, but 6 is missing; `Forecaster(freq=2, missing='mask')` takes absent rows as missing",
    ),
    "between": (
        lambda: make(hours(9, None).index.insert(4, pd.Timestamp("2026-03-29 03:30"))),
        "ValueError: but 2026-03-29 03:30:00 comes 0 days 00:30:00 after 2026-03-29 03:00:00, where other rows are "
        "0 days 01:00:00 apart. Leave out rows in between, ",
    ),
    "late": (
        lambda: make(pd.to_datetime(["2026-01-01 00:00", "2026-01-01 01:00", "2026-01-01 02:07", "2026-01-01 03:07"])),
        "ValueError: but 2026-01-01 02:07:00 comes 0 days 01:07:00 after 2026-01-01 01:00:00, where other rows are "
        "0 days 01:00:00 apart. ",
    ),
    "NaT": (
        lambda: make(pd.to_datetime(["2026", None, None])),
        "ValueError: no NaT; `X[X.index.notna()]` leaves the others out. Received: n_without=2, first_row_",
    ),
    "text index": (lambda: make(["2026", "2027"]), f"TypeError: {KINDS} Received: index='Index', dtype="),
    "date index": (lambda: make([date(2026, 1, 1)]), "TypeError: dtype='object', first=datetime.date(2026, 1, 1)"),
    "float index": (lambda: make([0.0, 1.0]), "TypeError: Received: index='Index', dtype='float64', first=0.0"),
    "boolean index": (lambda: make([False, True]), "TypeError: integers; `X.reset_index(drop=True)` numbers the rows."),
    "rows in levels": (lambda: make(pd.MultiIndex.from_product([[1], [2, 3]])), "TypeError: first=(1, 2)"),
    "one axis": (lambda: np.zeros(5), "ValueError: Reshape your data: `pd.DataFrame(X)` has a column of it"),
    "three axes": (lambda: np.zeros((5, 2, 2)), f"ValueError: {SHAPE} Received: type='ndarray', shape=(5, 2, 2)"),
    "nothing": (lambda: None, f"ValueError: {SHAPE} Received: type='NoneType', shape=()"),
    "sparse": (lambda: scipy.sparse.csr_array(np.eye(3)), "TypeError: dense, not sparse; `X.toarray()` is dense."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_training(name: str) -> None:
    train, message = REFUSED[name]
    check_refusal(lambda: learn_schema(train()), message)


def test_other_frames_of_this_world_are_told_the_way() -> None:
    class Foreign:
        def to_pandas(self) -> None: ...

    check_refusal(lambda: learn_schema(Foreign()), "TypeError: must be a pandas DataFrame; `X.to_pandas()` is one.")


REFUSED_LATER: dict[str, tuple[Callable[[], Any], Callable[[], Any], str]] = {
    "columns": (
        hours,
        lambda: hours().rename(columns={"a": "x"}),
        "ValueError: the 2 columns of the training data, and no others. Received: missing=['a'], extra=['x']",
    ),
    "many columns": (hours, lambda: pd.DataFrame(np.zeros((2, 99))), "ValueError: 7, 8, 9, '...']"),
    "same names": (
        hours,
        lambda: hours().set_axis(["a", "a"], axis=1),
        "ValueError: `X.loc[:, ~X.columns.duplicated()]` keeps the first of each. Received: repeated=['a']",
    ),
    "width": (
        hours,
        lambda: np.zeros((6, 1)),
        "ValueError: X has 1 features, but Forecaster is expecting 2 features as input. "
        "Received: shape=(6, 1), columns_of_training=['a', 'b']",
    ),
    "other name": (lambda: hours()["a"], lambda: hours()["b"], "ValueError: missing=['a'], extra=['b']"),
    "every second row": (hours, lambda: hours(40).iloc[::2], "ValueError: training data, 'h'. Received: step='2h'"),
    "two rows": (hours, lambda: make(without_freq(hours().index[[0, 2]])), "ValueError: 'h'. Received: step='2h'"),
    "every second integer": (lambda: make(range(9)), lambda: make(range(0, 9, 2)), "ValueError: 1. Received: step=2"),
    "other periods": (
        lambda: make(pd.period_range("2026", periods=9, freq="M")),
        lambda: make(pd.period_range("2026", periods=9, freq="Q").delete(4)),
        "ValueError: The index must have the step of the training data, 'M'. Received: step='Q-DEC'",
    ),
    "gap": (
        lambda: make(pd.date_range("2026", periods=9, freq="W")),
        lambda: make(pd.date_range("2026", periods=9, freq="W").delete(4)),
        f"ValueError: {EVENLY} 'W-SUN', but 2026-02-01 00:00:00 is missing;",
    ),
    "other day": (
        lambda: make(pd.date_range("2026", periods=9, freq="ME")),
        lambda: make(pd.to_datetime(["2026-01-15"])),
        "ValueError: 2026-01-15 00:00:00 is not on a step. Received: first_row='2026-01-15 00:00:00'",
    ),
    "beyond what pandas can hold": (
        lambda: make(pd.date_range("2000", periods=9, freq="YE", unit="ns")),
        lambda: make(pd.date_range("2000", periods=999, freq="min", unit="ns")),
        "ValueError: The index must have the step of the training data, 'YE-DEC'. Received: step='min'",
    ),
    "integers for times": (hours, lambda: hours().reset_index(drop=True), "TypeError: The index must hold times, as"),
    "times for integers": (lambda: make(range(9)), hours, "TypeError: The index must hold integers, as that of"),
    "periods for times": (hours, lambda: make(pd.period_range("2026", periods=9, freq="h")), "TypeError: 'period[h]'"),
    "NaN": (hours, lambda: put(hours(), [2], 1, np.nan)[["b", "a"]], "ValueError: column 'b' has NaN at row"),
}


@pytest.mark.parametrize("name", REFUSED_LATER)
def test_refused_after_training(name: str) -> None:
    train, later, message = REFUSED_LATER[name]
    schema, _ = learn_schema(train())
    check_refusal(lambda: read_frame(later(), schema), message)


def test_a_step_may_have_two_names() -> None:
    schema, _ = learn_schema(make(pd.date_range("2026-03-02", periods=30, freq="B")))
    week = pd.date_range("2026-03-09", periods=5, freq="D")
    assert future_index(read_frame(make(week), schema).index, schema.freq, 1)[0] == pd.Timestamp("2026-03-16")
    schema, _ = learn_schema(hours(30))
    assert len(read_frame(hours(3).asfreq("60min"), schema)) == 3


# Many cutoffs


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2026-10-24 20:00", periods=12, freq="h", tz=BERLIN, name="t"),
        pd.date_range("2026-03-25", periods=12, freq="D", tz=BERLIN, unit="s"),
        pd.period_range("2026-01", periods=12, freq="M"),
        pd.RangeIndex(3, 27, 2),
    ],
)
def test_forecasts_of_many_cutoffs(index: pd.Index) -> None:
    forecasts = np.arange(3 * 4 * 2.0).reshape(3, 4, 2)
    schema, _ = learn_schema(make(index))
    frame = forecast_frame(forecasts, index, [2, 5, 11], pd.Index(["a", "b"]), schema.freq)
    assert frame.index.is_unique
    assert frame.index.names == ["cutoff", "time"]
    assert [level.dtype for level in frame.index.levels] == [index.dtype] * 2
    every = index.append(future_index(index, schema.freq, 4))
    for k, cutoff in enumerate([2, 5, 11]):
        one = frame.loc[index[cutoff]]
        assert one.index.equals(every[cutoff + 1 : cutoff + 5])
        np.testing.assert_array_equal(one, forecasts[k])


def test_an_array_is_forecast_from_after_training_on_times() -> None:
    schema, _ = learn_schema(hours())
    frame = read_frame(np.zeros((5, 2)), schema)
    assert future_index(frame.index, schema.freq, 2).tolist() == [5, 6]
    assert len(forecast_frame(np.zeros((1, 2, 2)), frame.index, [4], schema.columns, schema.freq)) == 2


# What is given as `y`


TABLE = pd.DataFrame({"a": [1.0, 2, 4], "b": [3.0, 5, 4], "c": [0.0, 1, 0]}, index=pd.date_range("2026", periods=3))
OUTSIDE = pd.Series([7.0, 8, 9], TABLE.index, name="y")


def check(y: Any, X: Any = TABLE, targets: Any = ("a", "b")) -> None:
    schema, frame = learn_schema(X, list(targets) if targets is not None else None)
    check_y(y, X, frame, schema)


@pytest.mark.parametrize("y", [None, TABLE["b"], TABLE["b"].tolist(), TABLE[["b", "a"]], TABLE["a"].rename("other")])
def test_a_y_may_be_columns_that_are_targets(y):
    check(y)


@pytest.mark.parametrize(
    ("y", "X", "mend"),
    [
        (OUTSIDE, TABLE, "Forecaster(targets='y').fit(X.assign(y=y))"),
        (OUTSIDE.to_numpy(), TABLE, "Forecaster(targets='y').fit(X.assign(y=y))"),
        (OUTSIDE.rename("the load"), TABLE, "Forecaster(targets='the load').fit(X.assign(**{'the load': y}))"),
        (TABLE["c"], TABLE, "Forecaster(targets='c').fit(X)"),
        (TABLE["a"].shift(-1), TABLE, "Forecaster(targets='a').fit(X)"),
        (OUTSIDE, TABLE["a"], "Forecaster(targets='y').fit(X.to_frame().assign(y=y))"),
        (OUTSIDE.to_frame(), TABLE, "Forecaster(targets=['y']).fit(X.join(y))"),
        (OUTSIDE, TABLE.to_numpy(), "Forecaster(targets=3).fit(np.column_stack([X, y]))"),
        (OUTSIDE.to_numpy() / 2, TABLE.to_numpy(), "Forecaster(targets=3).fit(np.column_stack([X, y]))"),
        ([1, 2], TABLE, "Forecaster(targets='y').fit(X.assign(y=y))"),
        (["up", "down", "up"], TABLE, "Forecaster(targets='y').fit(X.assign(y=y))"),
    ],
)
def test_a_y_from_elsewhere_is_refused_with_what_would_work(y, X, mend):
    with pytest.raises(ValueError, match=re.escape(f"`{mend}` forecasts it.")) as caught:
        check(y, X, None if X is not TABLE else ("a", "b"))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("labels", [[0, 1, 1], [1.0, 1.0, 1.0], ["up", "down", "up"]])
def test_labels_beside_an_array_are_no_more_than_told(labels):
    with pytest.warns(UserWarning, match="`y` must be None, or targets"):
        check(np.array(labels), TABLE.to_numpy(), None)


@pytest.mark.parametrize("missing", ["mask", "interpolate"])
def test_missing_values_become_nan_where_they_are_allowed(missing):
    table = pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64"), "b": [1.0, 2.0, 3.0]})
    schema, frame = learn_schema(table, missing=missing)
    assert frame["a"].isna().tolist() == [False, True, False]
    assert read_frame(table.assign(b=np.nan), schema)["b"].isna().all()  # of later frames a column may be empty
    with pytest.raises(ValueError, match=r"column 'b' has NaN in every row; `X\.drop\(columns=\['b'\]\)` does without"):
        learn_schema(table.assign(b=np.nan), missing=missing)
    with pytest.raises(ValueError, match="column 'b' has infinity at row 0"):
        read_frame(table.assign(b=[np.inf, 1, 2]), schema)
