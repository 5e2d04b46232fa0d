from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cli.shell import shell
from tscnn import Forecaster

pytestmark = pytest.mark.usefixtures("here")

LINEAR = "--lookback 8 --no-network -o m.tscnn"


def write(frame: pd.DataFrame, name: str = "data.csv", **how: object) -> None:
    frame.to_csv(name, **how)


def daily(n: int = 60, **columns: object) -> pd.DataFrame:
    days = pd.date_range("2026-01-01", periods=n, name="day")
    return pd.DataFrame({"y": np.sin(np.arange(n)) + np.arange(n) % 3, **columns}, days)


def test_a_fit_is_what_it_is_in_python() -> None:
    frame = pd.read_csv("weather.csv", index_col="time", parse_dates=["time"])
    ours, theirs = Forecaster.load("weather.tscnn"), Forecaster(24, 3, network=None).fit(frame)
    pd.testing.assert_frame_equal(ours.predict(), theirs.predict(), check_freq=False)
    assert ours.time == "time"


def test_a_fit_of_decimal_commas_is_the_same() -> None:
    frame = pd.read_csv("weather.csv", index_col="time", parse_dates=["time"])
    frame.to_csv("german.csv", sep=";", decimal=",", date_format="%d.%m.%Y %H:%M", encoding="utf-16")
    assert shell("tscnn fit german.csv --lookback 24 --horizon 3 --no-network -o m.tscnn").status == 0
    assert Forecaster.load("m.tscnn").predict().equals(Forecaster.load("weather.tscnn").predict())
    done = shell("tscnn forecast weather.tscnn german.csv")
    assert done.out.startswith("time;JFK_temp;LGA_temp\n22.01.2013 02:00;")
    assert "." not in done.out.splitlines()[1].partition(";")[2]


def test_json_and_progress() -> None:
    done = shell("tscnn fit weather.csv --targets JFK_temp --set verbose=True --json " + LINEAR)
    assert json.loads(done.out)["columns"] == {"JFK_temp": "target", "LGA_temp": "past_covariate"}
    assert "transforms .." in done.err
    assert ".." not in shell("tscnn fit weather.csv --quiet " + LINEAR).err


def test_missing_rows_have_a_fix_that_works() -> None:
    write(daily().drop(index="2026-01-09"))
    done = shell("tscnn fit data.csv " + LINEAR)
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert "`--freq D --missing mask` takes absent rows as missing values" in done.err
    assert shell("tscnn fit data.csv --freq D --missing mask " + LINEAR).status == 0


def test_rows_without_times_are_numbered() -> None:
    write(daily(), index=False)
    done = shell("tscnn fit data.csv --quiet " + LINEAR)
    assert done.status == 0
    assert done.err.startswith("tscnn fit: note: no column of times was found: rows are numbered; `--time` names one")
    assert shell("tscnn forecast m.tscnn data.csv").out.startswith("time,y\n60,")


def test_rows_in_any_order() -> None:
    write(daily()[::-1])
    assert shell("tscnn fit data.csv " + LINEAR).status == 0


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ("nothing.csv -o m.tscnn", 1, "No such file or directory: nothing.csv"),
        ("weather.csv -o nowhere/m.tscnn", 1, "The folder of `path` must exist"),
        ("weather.csv -o . ", 1, "must name a file, not a folder"),
        ("weather.csv --set epochs -o m.tscnn", 1, "`--set` takes NAME=VALUE"),
        ("weather.csv --set epoch=1 -o m.tscnn", 1, "epoch"),
        ("weather.csv --targets rain -o m.tscnn", 1, "`--targets`"),
        ("weather.csv --time when -o m.tscnn", 1, "`--time` must name a column"),
        ("weather.csv", 2, "the following arguments are required: -o/--out"),
        ("weather.csv --lookback 0 -o m.tscnn", 2, "must be an integer of at least 1, received '0'"),
        ("weather.csv --separator ab -o m.tscnn", 2, "must be one character"),
    ],
)
def test_errors_are_one_line(options: str, status: int, said: str) -> None:
    done = shell(f"tscnn fit {options}")
    assert (done.status, done.out) == (status, "")
    assert done.err.count("\n") == 1
    assert said in done.err


@pytest.mark.slow
def test_without_a_network_no_framework_is_imported() -> None:
    code = (
        "import sys; from tscnn.cli.commands import main\n"
        f"main('fit weather.csv --quiet {LINEAR}'.split())\n"
        "main('forecast m.tscnn weather.csv -o f.csv'.split())\n"
        "main('inspect m.tscnn'.split())\n"
        "main('backtest m.tscnn weather.csv --stride 99 -o b.csv'.split())\n"
        "sys.exit(str(sorted({'tensorflow', 'keras', 'jax', 'torch', 'matplotlib'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("\n[]\n")


def test_a_folder_of_parquet_files_is_a_table() -> None:
    pytest.importorskip("pyarrow")
    Path("days").mkdir()
    frame = daily(200)
    for i in range(4):
        frame.iloc[50 * i : 50 * i + 50].reset_index().to_parquet(f"days/{i}.parquet")
    assert shell(f"tscnn fit days --time day --quiet {LINEAR}").status == 0
    theirs = Forecaster(8, network=None, time="day").fit(frame.reset_index())
    pd.testing.assert_frame_equal(Forecaster.load("m.tscnn").predict(), theirs.predict(), check_freq=False)
