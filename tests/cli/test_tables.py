from __future__ import annotations

import io
import sys
from pathlib import Path

import pandas as pd
import pytest

from tscnn.cli.tables import Reading, read_table


def read(folder: Path, text: str | bytes, **how: object) -> pd.DataFrame:
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(str(path), Reading(**how)).frame  # type: ignore[arg-type]


def test_the_first_column_of_times_is_the_index(tmp_path: Path) -> None:
    frame = read(tmp_path, "n,when,a\n1,2026-01-01,1.5\n2,2026-01-02,\n")
    assert frame.index.name == "when"
    assert isinstance(frame.index, pd.DatetimeIndex)
    assert list(frame.columns) == ["n", "a"]
    assert frame["a"].isna().tolist() == [False, True]


def test_decimal_commas_and_thousands(tmp_path: Path) -> None:
    frame = read(tmp_path, "Zeit;Größe\n1.4.2026;1,5\n2.4.2026;1.234,5\n".encode("cp1252"))
    assert frame["Größe"].tolist() == [1.5, 1234.5]
    assert frame.index[1] == pd.Timestamp("2026-04-02")


def test_integers_are_times_if_they_are_named(tmp_path: Path) -> None:
    text = "step,a\n7,1\n8,2\n"
    assert read(tmp_path, text).columns.tolist() == ["step", "a"]
    assert read(tmp_path, text, time="step").index.tolist() == [7, 8]


def test_an_index_without_name_is_called_time(tmp_path: Path) -> None:
    assert read(tmp_path, ",a\n2026-01-01,1\n2026-01-02,2\n").index.name == "time"


def test_columns_may_be_left_out(tmp_path: Path) -> None:
    frame = read(tmp_path, "time,a,b,\n2026-01-01,1,x,\n2026-01-02,1,y,\n", drop=["b"])  # and what a last comma makes
    assert frame.columns.tolist() == ["a"]


def test_names_of_series_stay_text(tmp_path: Path) -> None:
    frame = read(tmp_path, "shop,time,a\n007,2026-01-01,1\n", series_id="shop")
    assert frame["shop"].tolist() == ["007"]


def test_without_header_columns_are_those_of_the_model(tmp_path: Path) -> None:
    lines = "2026-01-01,1,2\n2026-01-02,3,4\n"
    frame = read(tmp_path, lines, columns=["a", "b"], usual_time="when")
    assert (frame.index.name, list(frame.columns), len(frame)) == ("when", ["a", "b"], 2)
    with pytest.raises(ValueError, match="The first line must name the columns, or the lines have the 4"):
        read(tmp_path, lines, columns=["a", "b", "c"], usual_time="when")


def test_backtests_have_cutoffs(tmp_path: Path) -> None:
    frame = read(tmp_path, "series,cutoff,time,a\nx,2026-01-01,2026-01-02,1\n", series_id="series")
    assert frame.index.names == ["series", "cutoff", "time"]
    assert frame.index[0][1] < frame.index[0][2]


@pytest.mark.parametrize(
    ("text", "how", "message"),
    [
        ("", {}, "empty"),
        ("time,a\n2026-01-01,1\n", {"time": "when"}, "`--time` must name a column"),
        ("time,a\n2026-01-01,1\n,2\n", {"time": "time"}, "lacks some"),
        ("time,a\n" + "2026-01-01,1\n" * 60 + "Total,2\n", {}, "time='Total'"),
        ("time,a\n2026-01-01,1\n", {"drop": ["b"]}, "`--drop` must name columns"),
        ("time,a\nsoon,1\n", {"time": "time"}, "must hold times; `--time` names another one"),
        ('time,a\n2026-01-01,"1\n', {}, "--separator"),
        ("2026-01-01,1\n2026-01-02,2\n", {}, "first line must name the columns, but it holds a time"),
        ("1/2/2026,1\n1/3/2026,2\n", {}, "first line must name the columns, but it holds a time"),
        ("time,a,b,a\n2026-01-01,1,2,3\n", {}, r"every column differently. Received: repeated=\['a'\]"),
    ],
)
def test_what_is_no_table(tmp_path: Path, text: str, how: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text, **how)


def test_parquet_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    days = pd.date_range("2026-01-01", periods=3)
    for given in (pd.DataFrame({"a": [1.0, 2, 3]}, days), pd.DataFrame({"when": days.date, "a": [1.0, 2, 3]})):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.to_parquet())))
        frame = read_table("-", Reading()).frame
        assert list(frame.columns) == ["a"]
        assert frame.index[1] == days[1]


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"tscnn\[parquet\]"):
        read(tmp_path, b"PAR1")
