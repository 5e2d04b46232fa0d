"""Tables of other libraries in, forecasts of the same kind out."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tests.conftest import closed_form, make_frame
from tscnn import Forecaster, audit, compare
from tscnn.data.tables import Layout, read_row, read_table

FRAME = make_frame(120, 2).rename_axis("when").tz_localize("Europe/Berlin")
COLUMN = FRAME.reset_index()[["a", "when", "b"]]
KINDS = {"pandas": COLUMN, "polars": pl.from_pandas(COLUMN), "pyarrow": pa.Table.from_pandas(COLUMN)}


def to_pandas(table: Any) -> pd.DataFrame:
    return table if isinstance(table, pd.DataFrame) else table.to_pandas()


def same(table: Any, kind: str, forecasts: pd.DataFrame) -> None:
    """Check that a table of a kind holds forecasts, time as its first column."""
    assert type(table) is type(KINDS[kind])
    forecasts = forecasts.rename_axis(index={"time": "when"}).reset_index()
    found = to_pandas(table)
    assert found.columns.tolist() == forecasts.columns.tolist()
    for name in found:
        assert found[name].tolist() == forecasts[name].tolist()
        assert getattr(found[name].dtype, "tz", None) == getattr(forecasts[name].dtype, "tz", None) or name == "series"


@pytest.fixture(scope="module", params=KINDS)
def pair(request: Any) -> tuple[str, Forecaster, Forecaster]:
    """A forecaster of a kind of table, and one of the frame indexed by time."""
    kind = request.param
    return kind, closed_form(time="when").fit(KINDS[kind]), closed_form().fit(FRAME)


def test_forecasts_come_as_the_table_without_index(pair: Any) -> None:
    kind, forecaster, indexed = pair
    X = KINDS[kind]
    same(forecaster.predict(), kind, indexed.predict())
    same(forecaster.predict(X[:50]), kind, indexed.predict(FRAME[:50]))
    same(forecaster.predict({"x": X, "y": X[:50]}), kind, indexed.predict({"x": FRAME, "y": FRAME[:50]}))
    same(forecaster.backtest(X, stride=20), kind, indexed.backtest(FRAME, stride=20))
    start = FRAME.index[90]
    refitted = forecaster.backtest(X, start=start, stride=20, refit=True)
    same(refitted, kind, indexed.backtest(FRAME, start=start, stride=20, refit=True))
    assert forecaster.score(X) == indexed.score(FRAME)
    assert forecaster.feature_names_in_.tolist() == ["a", "b"]
    pd.testing.assert_frame_equal(forecaster.predict(FRAME), indexed.predict(FRAME))  # whose index has that name


def test_a_stream_of_a_table_without_index(pair: Any) -> None:
    kind, forecaster, indexed = pair
    X, context = KINDS[kind], FRAME[:100]
    expected = indexed.stream(context).update(FRAME.iloc[100])
    for row in (X[100:101], FRAME.iloc[100], {"when": FRAME.index[100], **FRAME.iloc[100]}, FRAME.iloc[100].to_numpy()):
        same(forecaster.stream(X[:100]).update(row), kind, expected)
    with pytest.raises(ValueError, match="The next row must be that of 2026-01-05 04:00:00"):
        forecaster.stream(X[:100]).update(X[101:102])
    two = {"x": X[:100], "y": X[:100]}
    expected = indexed.stream({"x": context, "y": context}).update([FRAME.iloc[100]] * 2)
    same(forecaster.stream(two).update({"x": X[100:101], "y": X[100:101]}), kind, expected)


def test_the_kind_of_table_is_saved(pair: Any, tmp_path: Path) -> None:
    kind, forecaster, indexed = pair
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    assert loaded.layout_ == forecaster.layout_ == Layout(kind, "when")
    same(loaded.predict(), kind, indexed.predict())
    with pytest.raises(ValueError, match="library='spark'"):
        Layout.from_json({"library": "spark", "time": None, "dtype": None})


# Times of every type


TIMES = pd.date_range("2026-03-28", periods=9, freq="D")


def from_cutoff(times: pd.DatetimeIndex) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([times[:1].repeat(len(times)), times], names=["cutoff", "time"])


@pytest.mark.parametrize(
    "times",
    [
        *(pl.Series(TIMES.to_numpy()).cast(pl.Datetime(unit)) for unit in ("ms", "us", "ns")),
        pl.Series(TIMES.to_numpy()).dt.replace_time_zone("America/Havana"),
        pl.Series(TIMES.to_numpy()).cast(pl.Date),
        *(pl.Series(range(9), dtype=dtype) for dtype in (pl.Int64, pl.Int8, pl.UInt32)),
    ],
    ids=lambda times: str(times.dtype),
)
def test_times_of_polars_come_back_without_index(times: pl.Series) -> None:
    read, layout = read_table(pl.DataFrame({"when": times, "a": range(9)}), "when")
    assert read.index.tolist()[:2] == [pd.Timestamp(t) if isinstance(t, datetime.date) else t for t in times[:2]]
    given = layout.give_back(read)
    assert given["when"].equals(times)
    assert given.schema["when"] == times.dtype
    many = layout.give_back(read.set_axis(from_cutoff(read.index)))
    assert [many.schema[name] for name in ("cutoff", "when")] == [times.dtype] * 2


@pytest.mark.parametrize(
    "dtype",
    [pa.timestamp("s"), pa.timestamp("ns", "Europe/Berlin"), pa.timestamp("ms", "+02:00"), pa.date32()],
    ids=str,
)
def test_times_of_pyarrow_come_back_without_index(dtype: Any) -> None:
    times = pa.array(TIMES.to_numpy()).cast(pa.timestamp("ns", getattr(dtype, "tz", None))).cast(dtype)
    read, layout = read_table(pa.table({"when": times, "a": range(9)}), "when")
    assert layout.give_back(read).schema.field("when").type == dtype
    assert layout.give_back(read)["when"].to_pylist() == times.to_pylist()


@pytest.mark.parametrize("dtype", ["timestamp[ns]", "timestamp[s, tz=Europe/Berlin]", "date32[day]"])
@pytest.mark.parametrize("as_column", [True, False])
def test_times_of_arrow_come_back_as_index_or_column(dtype: str, as_column: bool) -> None:
    days = TIMES.date if dtype.startswith("date") else TIMES.tz_localize("Europe/Berlin" if "tz" in dtype else None)
    X = pd.DataFrame({"when": pd.array(days, f"{dtype}[pyarrow]"), "a": np.arange(9.0)})
    X = X if as_column else X.set_index("when")
    read, layout = read_table(X, "when" if as_column else None)
    assert isinstance(read.index, pd.DatetimeIndex)
    pd.testing.assert_frame_equal(layout.give_back(read), X)
    many = layout.give_back(read.set_axis(from_cutoff(read.index)))
    times = (many["cutoff"], many["when"]) if as_column else [many.index.get_level_values(level) for level in (0, 1)]
    assert [str(time.dtype) for time in times] == [f"{dtype}[pyarrow]"] * 2


def test_an_index_of_arrow_comes_back() -> None:
    X = FRAME.tz_localize(None).set_axis(FRAME.index.tz_localize(None).astype("timestamp[us][pyarrow]"))
    forecaster = closed_form().fit(X)
    assert str(forecaster.predict().index.dtype) == "timestamp[us][pyarrow]"
    assert forecaster.predict(FRAME.tz_localize(None)).index.dtype.kind == "M"


def test_columns_of_polars_are_read() -> None:
    X = pl.DataFrame(
        {
            "when": TIMES.to_numpy(),
            "whole": [1, None, *range(7)],
            "flag": [True, None, *[False] * 7],
            "single": pl.Series(range(9), dtype=pl.Float32),
            "text": ["x", None, *["y"] * 7],
            "kind": pl.Series(["x", None, *["y"] * 7], dtype=pl.Categorical),
        }
    )
    read, _ = read_table(X, "when")
    assert read.iloc[1, [0, 1, 3, 4]].isna().all()
    types = read.dtypes.astype(str)
    assert types[["whole", "flag", "single", "kind"]].tolist() == ["Int64", "boolean", "float32", "category"]
    small, _ = read_table(X.select("when", "single"), "when")
    assert closed_form(lookback=2, horizon=1).fit(small).predict()["single"].dtype == np.float32


def test_other_columns_of_pandas_may_be_times() -> None:
    X = COLUMN.set_axis(pd.MultiIndex.from_tuples([("u", 1), ("when", ""), ("v", 2)], names=["x", "y"]), axis=1)
    for time in ("when", ("when", "")):
        read, layout = read_table(X, time)
        assert read.columns.tolist() == [("u", 1), ("v", 2)]
        assert layout.give_back(read).columns.tolist() == [("when", ""), ("u", 1), ("v", 2)]
        assert layout.give_back(read).columns.names == ["x", "y"]
    numbered = FRAME.set_axis([0, 1], axis=1).rename_axis(None).reset_index(names=2)
    read, layout = read_table(numbered, 2)
    assert layout.give_back(read).columns.tolist() == [2, 0, 1]


def test_what_has_an_index_or_none_is_taken_as_it_is() -> None:
    for X in (FRAME, FRAME["a"], FRAME.to_numpy(), [[1.0]], None):
        assert read_table(X) == (X, Layout()) if X is None else read_table(X)[0] is X
    assert read_table({"x": FRAME})[0]["x"] is FRAME
    assert read_table({})[1] == Layout()
    assert read_table(FRAME, "when")[1] == Layout()
    assert read_row({"a": 1.0, "b": 2.0}, "when") == {"a": 1.0, "b": 2.0}


# What is refused, with lines that work


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_errors_of_a_table_without_index(kind: str) -> None:
    rule = f"A table of {kind} has no index; `time='when'`, or `X.to_pandas().set_index('when')`, takes its times"
    for read in (closed_form().fit, partial(compare, {"ours": closed_form(time="when")})):
        with pytest.raises(TypeError, match=re.escape(rule)):
            read(KINDS[kind])
    with pytest.raises(TypeError, match=re.escape("has no index; `X.to_numpy()` numbers its rows. Received")):
        read_table(pl.DataFrame({"a": [1.0]}))
    with pytest.raises(ValueError, match=r"`time` must be a column of `X`. Received: time='x', columns=\['a', 'when"):
        read_table(KINDS[kind], "x")


@pytest.mark.parametrize("time", ["x", ["when"], 3])
def test_errors_of_a_time_that_is_no_column_or_index(time: Any) -> None:
    for X in (COLUMN, FRAME, FRAME["a"]):
        with pytest.raises(
            ValueError, match=r"`time` must be a column of `X`, or the name of its index: `X\.rename_axis"
        ):
            read_table(X, time)
    with pytest.raises(TypeError, match="must be a table with a column of times, as `time` says; `time=None` takes"):
        read_table(FRAME.to_numpy(), time)


@pytest.mark.parametrize(
    "lazy", [pl.LazyFrame({"a": [1.0]}), pl.Series([1.0]), pa.array([1.0]), pa.chunked_array([[1.0]])]
)
def test_errors_of_what_is_no_table_with_an_index(lazy: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="`X` must be a"):
        closed_form().fit(lazy)


def damaged(X: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {
        "repeated": pl.concat([X[:60], X[59:]]),
        "unsorted": X.reverse(),
        "text": X.with_columns(pl.col("when").dt.strftime("%Y-%m-%d %H:%M")),
        "decimals": X.with_columns(b=pl.Series([Decimal(1)] * len(X))),
        "decimals and nulls": X.with_columns(b=pl.Series([None, *[Decimal(1)] * (len(X) - 1)])),
        "numbers as text": X.with_columns(pl.col("b").cast(pl.String)),
        "no time": X.with_columns(when=pl.when(pl.col("a") == X["a"][0]).then(None).otherwise(pl.col("when"))),
    }


@pytest.mark.parametrize("name", damaged(KINDS["polars"]))
@pytest.mark.parametrize("kind", KINDS)
def test_errors_name_lines_that_work_without_an_index(kind: str, name: str) -> None:
    X = damaged(KINDS["polars"].with_columns(pl.col("when").dt.replace_time_zone(None)))[name]
    X = {"pandas": X.to_pandas, "polars": lambda: X, "pyarrow": X.to_arrow}[kind]()
    forecaster = closed_form(time="when", missing="mask")
    with pytest.raises((TypeError, ValueError), match=r"; here `X` is `X.*set_index\('when'\)`\.$") as caught:
        forecaster.fit(X)
    message = str(caught.value)
    assert len(message) < 400
    assert "first_value=None" not in message
    line, indexed = re.findall(r"`(X[^`]*)`", message)[0], re.findall(r"here `X` is `(.*)`", message)[0]
    mended = eval(line, {"X": eval(indexed, {"X": X}), "pd": pd})
    assert isinstance(forecaster.fit(mended).predict().index, pd.DatetimeIndex)


@pytest.mark.parametrize("kind", KINDS)
def test_a_backtest_of_a_long_table_starts_at_a_time(kind: str) -> None:
    long = pd.concat([COLUMN.assign(shop="x"), COLUMN.assign(shop="y")])
    long = {"pandas": lambda _: long, "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}[kind](long)
    forecaster = closed_form(time="when", series_id="shop").fit(long)
    start = pd.Timestamp("2026-01-05", tz="Europe/Berlin")
    for refit in (False, "linear"):
        found = [
            to_pandas(forecaster.backtest(long, start=one, refit=refit, every=99 if refit else None))
            for one in ("2026-01-05", start, start.to_pydatetime())
        ]
        assert found[0]["cutoff"].min() == start
        for other in found[1:]:
            pd.testing.assert_frame_equal(other, found[0])
    with pytest.raises(TypeError, match="which holds integers; `time=` takes times from a column, if there is one"):
        closed_form().fit(COLUMN[["a", "b"]]).backtest(COLUMN[["a", "b"]], start="2026-01-05")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "call",
    [
        lambda X: compare({"ours": closed_form()}, X, time="when"),
        lambda X: audit(lambda rows: rows[-3:], X, 3, time="when"),
    ],
    ids=["compare", "audit"],
)
def test_errors_of_times_as_text_name_a_line_that_works(kind: str, call: Callable[[Any], Any]) -> None:
    X = damaged(KINDS["polars"].with_columns(pl.col("when").dt.replace_time_zone(None)))["text"]
    X = {"pandas": X.to_pandas, "polars": lambda: X, "pyarrow": X.to_arrow}[kind]()
    with pytest.raises(
        TypeError, match=r"`X.set_axis\(pd.to_datetime\(X.index\)\)` reads times.*; here `X` is `X"
    ) as caught:
        call(X)
    mended = eval(re.findall(r"here `X` is `(.*)`", str(caught.value))[0], {"X": X})
    call(mended.set_axis(pd.to_datetime(mended.index).rename("when")))


def test_errors_of_rows_known_ahead_name_lines_that_work() -> None:
    forecaster = closed_form(time="when", future_covariates="b").fit(KINDS["polars"][:117])
    future = KINDS["polars"][[117, 119], ["when", "b"]]
    with pytest.raises(ValueError, match="`future` must have exactly the 3 steps") as caught:
        forecaster.predict(future=future)
    line, indexed = re.findall(r"`(future\.[^`]*)`", str(caught.value))
    mended = eval(line, {"future": eval(indexed, {"future": future}), "pd": pd})
    assert len(forecaster.predict(future=mended.rename_axis("when"))) == 3


def test_errors_of_a_second_column_of_times_do_not_name_the_parameter_again() -> None:
    X = KINDS["polars"].with_columns(also=pl.col("when"))
    with pytest.raises(TypeError, match=r"or `X.drop\(columns=\['also'\]\)` does without.*; here") as caught:
        closed_form(time="when").fit(X)
    assert "time=" not in str(caught.value)


def test_columns_of_two_levels_are_joined_where_there_are_none():
    polars = pytest.importorskip("polars")
    columns = pd.MultiIndex.from_tuples([("a b", 0.1), ("a b", "upper 80%")])
    forecasts = pd.DataFrame([[1.0, 2.0]], pd.DatetimeIndex(["2026-03-28"]), columns)
    assert Layout("polars", "when").give_back(forecasts).columns == ["when", "a b 0.1", "a b upper 80%"]
    assert Layout("pyarrow", "when").give_back(forecasts).column_names == ["when", "a b 0.1", "a b upper 80%"]
    assert isinstance(Layout("polars", "when").give_back(forecasts), polars.DataFrame)


def test_errors_name_lines_that_work_on_arrays() -> None:
    X = np.c_[np.arange(60.0), np.arange(60) % 3]
    X[5, 1] = 1e200
    with pytest.raises(ValueError, match=r"here `X` is `pd\.DataFrame\(X\)`\.$") as caught:
        closed_form().fit(X)
    line = re.findall(r"`(X[^`]*)`", str(caught.value))[0]
    assert closed_form().fit(eval(line, {"X": pd.DataFrame(X)})).predict().shape == (3, 2)


def test_errors_of_a_column_of_times_that_holds_none_work() -> None:
    frame = pd.DataFrame({"when": np.arange(60) * 0.5, "a": np.arange(60) % 3})
    with pytest.raises(TypeError, match=r"`X\.reset_index\(drop=True\)`, with `time=None`, numbers the rows"):
        closed_form(time="when").fit(frame)
    assert len(closed_form(time=None).fit(frame.set_index("when").reset_index(drop=True)).predict()) == 3
