from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.shell import shell
from tests.exporting.runtimes import run_exported
from tscnn import Forecaster

pytestmark = pytest.mark.usefixtures("here")
pytest.importorskip("onnx")


def test_a_model_is_written_and_what_goes_in_is_printed(here: Path) -> None:
    done = shell("tscnn export weather.tscnn weather.onnx --coverage 0.8")
    assert done.status == 0, done.err
    assert done.err == ""
    assert "input   rows        float64  batch x 24 x 2: JFK_temp, LGA_temp\n" in done.out
    assert "output  quantiles   float64  batch x 2 x 3 x 2: 0.1, 0.9\n" in done.out
    forecaster = Forecaster.load("weather.tscnn")
    found = run_exported(here / "weather.onnx", "onnx", forecaster.export_inputs(coverage=0.8))
    assert abs(found["forecast"][0] - forecaster.predict().to_numpy()).max() < 1e-4


def test_json(here: Path) -> None:
    found = json.loads(shell("tscnn export weather.tscnn weather.onnx --json").out)
    assert found["outputs"] == {
        "forecast": {"shape": ["batch", 3, 2], "dtype": "float64", "columns": ["JFK_temp", "LGA_temp"]}
    }
    assert (here / "weather.onnx").is_file()


def test_one_line_says_what_is_wrong(here: Path) -> None:
    done = shell("tscnn export weather.tscnn weather.csv --format saved_model")
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert "`path` must be new, or an older SavedModel" in done.err
    assert (here / "weather.csv").is_file()
    assert shell("tscnn export weather.tscnn weather.x --format keras").status == 2
