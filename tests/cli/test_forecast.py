from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cli.shell import shell
from tests.cli.test_fit import daily, write
from tscnn import Forecaster

pytestmark = pytest.mark.usefixtures("here")


def test_times_and_values_are_those_of_python() -> None:
    frame = pd.read_csv("weather.csv", index_col="time", parse_dates=["time"])
    assert shell("tscnn forecast weather.tscnn weather.csv -o out.csv").status == 0
    ours = pd.read_csv("out.csv")
    assert ours["time"].tolist() == ["2013-01-22 02:00", "2013-01-22 03:00", "2013-01-22 04:00"]
    theirs = Forecaster.load("weather.tscnn").predict(frame)
    np.testing.assert_allclose(ours[["JFK_temp", "LGA_temp"]], theirs, rtol=1e-12)


def test_formats_say_the_same() -> None:
    command = "tscnn forecast weather.tscnn weather.csv --coverage 0.9"
    rows = json.loads(shell(f"{command} --json").out)
    assert list(rows[0])[:4] == ["time", "JFK_temp forecast", "JFK_temp lower", "JFK_temp upper"]
    for name in ("out.json", "out.parquet", "out.csv"):
        assert shell(f"{command} -o {name}").out == ""
    for frame in (
        pd.read_json("out.json", dtype={"time": str}),
        pd.read_parquet("out.parquet"),
        pd.read_csv("out.csv"),
    ):
        np.testing.assert_allclose(frame["JFK_temp lower"], [row["JFK_temp lower"] for row in rows])


def test_quantiles_and_other_horizons() -> None:
    done = shell("tscnn forecast weather.tscnn weather.csv --quantiles 0.1 0.5 --horizon 2")
    assert done.out.splitlines()[0] == "time,JFK_temp 0.1,JFK_temp 0.5,LGA_temp 0.1,LGA_temp 0.5"
    assert len(done.out.splitlines()) == 3
    done = shell("tscnn forecast weather.tscnn weather.csv --horizon 4")
    assert done.err.startswith("tscnn forecast: note: Steps beyond the horizon")


def test_a_file_without_header_and_its_end() -> None:
    whole = shell("tscnn forecast weather.tscnn weather.csv").out
    assert shell("tail -n 24 weather.csv | tscnn forecast weather.tscnn -").out == whole
    done = shell("tail -n 9 weather.csv | tscnn forecast weather.tscnn -")
    assert done.status == 1
    assert "must have at least lookback = 24 rows" in done.err


@pytest.mark.slow
def test_columns_of_others_are_left_out() -> None:
    frame = pd.read_csv("weather.csv").assign(station="JFK")
    frame.to_csv("more.csv", index=False)
    done = shell("tscnn forecast weather.tscnn more.csv")
    assert done.err == "tscnn forecast: note: Columns that the model does not have are left out: ['station']\n"
    assert done.out == shell("tscnn forecast weather.tscnn weather.csv").out
    refused = shell("tscnn fit more.csv --no-network -o more.tscnn")
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    fit = "tscnn fit more.csv --lookback 24 --horizon 3 --no-network --drop station -o more.tscnn"
    assert shell(fit).status == 0
    assert shell("tail -n 30 more.csv | tscnn stream more.tscnn").status == 1  # a line without names has four fields
    lines = Path("more.csv").read_bytes().splitlines(keepends=True)[:40]
    assert shell("tscnn stream more.tscnn", b"".join(lines)).status == 0


def test_what_is_known_ahead() -> None:
    random = np.random.default_rng(0)
    frame = daily(120, promo=random.integers(0, 2, 120))
    frame["y"] += 5 * frame["promo"]
    write(frame)
    write(frame[["promo"]], "known.csv")
    write(frame[:110], "seen.csv")
    fit = "tscnn fit seen.csv --future promo --lookback 8 --horizon 5 --no-network -o m.tscnn"
    assert shell(fit).status == 0
    done = shell("tscnn forecast m.tscnn seen.csv --future known.csv")
    rows = [line.split(",") for line in done.out.splitlines()[1:]]
    assert [row[0] for row in rows] == [str(day.date()) for day in frame.index[110:115]]
    assert shell("tscnn forecast m.tscnn --future known.csv").out.splitlines()[1].split(",")[1] == rows[0][1]
    assert shell("tscnn forecast m.tscnn seen.csv").status == 1
    stream = shell("tail -n 20 seen.csv | tscnn stream m.tscnn --future known.csv")
    np.testing.assert_allclose(float(stream.out.splitlines()[-5].split(",")[2]), float(rows[0][1]), rtol=1e-9)
    assert shell("tscnn plot m.tscnn data.csv --cutoff 2026-04-20 -o past.png").status == 0
    assert shell("tscnn plot m.tscnn seen.csv --future known.csv -o next.png").status == 0


@pytest.mark.slow
def test_many_series() -> None:
    one = daily(80)
    long = pd.concat([one.assign(shop=name, y=size * one["y"]) for name, size in (("01", 1), ("02", 9))])
    write(long)
    assert shell("tscnn fit data.csv --series-id shop --lookback 8 --horizon 2 --no-network -o m.tscnn").status == 0
    done = shell("tscnn forecast m.tscnn data.csv")
    assert [line.split(",")[:2] for line in done.out.splitlines()] == [
        ["day", "shop"],
        ["2026-03-22", "01"],
        ["2026-03-23", "01"],
        ["2026-03-22", "02"],
        ["2026-03-23", "02"],
    ]
    assert shell("tscnn backtest m.tscnn data.csv --stride 20 -o b.csv").status == 0
    done = shell("tscnn evaluate b.csv data.csv --series-id shop --by series --metrics mae")
    assert [line.split()[0] for line in done.out.splitlines()] == ["mae", "series", "01", "02"]
    assert shell("tscnn plot m.tscnn data.csv --series 02 -o p.png").status == 0
    rows = long.sort_index(kind="stable")
    write(rows[["shop", "y"]], "rows.csv")
    done = shell("tscnn stream m.tscnn < rows.csv")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "series,cutoff,day,y"
    assert len(lines) == 1 + 4 * (80 - 8 + 1)
    missing = shell("tscnn stream m.tscnn", b"2026-03-22,01,1\n2026-03-23,01,1\n")
    assert "Rows of 2026-03-22 00:00:00 are missing" in missing.err
    assert "Rows must be of the series" in shell("tscnn stream m.tscnn", b"2026-03-22,03,1\n").err


@pytest.mark.parametrize("zone", ["", "Europe/Berlin"])
def test_models_of_python(zone: str) -> None:
    frame = daily().set_axis(pd.date_range("2026-01-01", periods=60, tz=zone or None))
    Forecaster(8, 1, network=None).fit(frame).save("m.tscnn")
    write(daily(), date_format="%d/%m/%Y")
    assert shell("tscnn forecast m.tscnn data.csv").out.startswith("day,y\n02/03/2026,")
    Forecaster(8, 1, network=None).fit(frame.tz_localize(None).to_period("D")).save("m.tscnn")
    assert shell("tscnn forecast m.tscnn data.csv").out.startswith("day,y\n02/03/2026,")
