from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.cli.shell import shell
from tscnn import Forecaster, evaluate

pytestmark = pytest.mark.usefixtures("here")

BACKTEST = "tscnn backtest weather.tscnn weather.csv --start 2013-01-15 --stride 24 --coverage 0.9"


def test_figures_are_those_of_python() -> None:
    frame = pd.read_csv("weather.csv", index_col="time", parse_dates=["time"])
    forecaster = Forecaster.load("weather.tscnn")
    theirs = evaluate(forecaster.backtest(frame, start="2013-01-15", stride=24, coverage=0.9), frame, by="target")
    done = shell(f"{BACKTEST} | tscnn evaluate - weather.csv --by target --coverage 0.9 --json")
    ours = pd.DataFrame(json.loads(done.out)).set_index("target")
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)


def test_a_table_for_people_and_a_file() -> None:
    done = shell(f"{BACKTEST} | tscnn evaluate - weather.csv --metrics mae --by step target")
    assert done.out.split()[:6] == ["mae", "n", "n_missing", "step", "target", "1"]
    shell(f"{BACKTEST} -o b.parquet")
    assert shell("tscnn evaluate b.parquet weather.csv --metrics mae -o e.csv").out == ""
    assert pd.read_csv("e.csv").columns.tolist() == ["of", "mae", "n", "n_missing"]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ("weather.csv weather.csv", "must be of `tscnn backtest`"),
        ("- -", "One of the two tables"),
        ("b.csv nothing.csv", "No such file or directory: nothing.csv"),
        ("b.csv weather.csv --metrics mea", "mea"),
    ],
)
def test_errors_are_one_line(tables: str, said: str) -> None:
    shell(f"{BACKTEST} -o b.csv")
    done = shell(f"tscnn evaluate {tables}")
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert said in done.err
