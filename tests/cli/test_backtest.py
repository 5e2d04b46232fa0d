from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.cli.shell import shell
from tscnn import Forecaster

pytestmark = pytest.mark.usefixtures("here")


def test_forecasts_are_those_of_python() -> None:
    frame = pd.read_csv("weather.csv", index_col="time", parse_dates=["time"])
    done = shell("tscnn backtest weather.tscnn weather.csv --start 2013-01-20T00:00 --stride 9 --json")
    ours, theirs = json.loads(done.out), Forecaster.load("weather.tscnn").backtest(frame, start="2013-01-20", stride=9)
    assert [row["JFK_temp"] for row in ours] == pytest.approx(theirs["JFK_temp"].tolist())
    assert (ours[0]["cutoff"], ours[0]["time"]) == ("2013-01-20 00:00", "2013-01-20 01:00")


def test_every_fit_anew() -> None:
    command = "tscnn backtest weather.tscnn weather.csv --start 2013-01-20 --stride 24 --refit linear --folder folds"
    done = shell(command)
    assert done.status == 0, done.err
    assert shell(command).out == done.out


def test_a_start_in_the_format_of_the_table_or_a_number() -> None:
    frame = pd.read_csv("weather.csv", index_col="time", parse_dates=["time"])
    frame.to_csv("days.csv", date_format="%d.%m.%Y %H:%M")
    done = shell("tscnn backtest weather.tscnn days.csv --start '20.01.2013 07:00' --stride 99")
    assert done.out.splitlines()[1].startswith("20.01.2013 07:00,20.01.2013 08:00")
    frame.set_axis(np.arange(len(frame))).rename_axis("n").to_csv("numbers.csv")
    shell("tscnn fit numbers.csv --time n --lookback 9 --no-network -o n.tscnn")
    done = shell("tscnn backtest n.tscnn numbers.csv --start 490 --stride 99")
    assert done.out.splitlines()[1].startswith("490,491,")
