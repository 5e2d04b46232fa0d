from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.shell import shell
from tscnn import Forecaster

pytestmark = pytest.mark.usefixtures("here")


def test_the_summary_and_json() -> None:
    assert shell("tscnn inspect weather.tscnn").out == f"{Forecaster.load('weather.tscnn').summary_}\n"
    found = json.loads(shell("tscnn inspect weather.tscnn --json").out)
    assert (found["lookback"], found["horizon"], found["step"], found["time"]) == (24, 3, "h", "time")
    assert found["columns"] == {"JFK_temp": "target", "LGA_temp": "target"}
    assert "tscnn" in found["report"]


def test_what_is_no_model(here: Path) -> None:
    done = shell("tscnn inspect weather.csv")
    assert (done.status, done.err.count("\n")) == (1, 1)
    (here / "folder").mkdir()
    assert shell("tscnn inspect folder").status == 1
