"""Exported models forecast what the forecaster does; what can't be exported is said before anything is written."""

import json
import subprocess
import sys
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tests.exporting.runtimes import run_exported
from tscnn import Forecaster, LinearModel
from tscnn.transforms import CovariateEffects
from tscnn.transforms.covariates import CovariateBasis

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_frame(300, 2)


@pytest.fixture(scope="module")
def plain(frame: pd.DataFrame) -> Forecaster:
    """Without the calendar: rows alone go in."""
    return closed_form(calendar=None).fit(frame)


def check(forecaster: Forecaster, path: Path, X=None, *, scale=None, future=None, coverage=None) -> dict:
    """Compare an exported model with `predict`, in standard deviations."""
    described = forecaster.export(path, coverage=coverage)
    inputs = forecaster.export_inputs(X, future=future, coverage=coverage)
    assert {name: one["dtype"] for name, one in described["inputs"].items()} == {
        name: one.dtype.name for name, one in inputs.items()
    }
    found = run_exported(path, "onnx", inputs)
    expected = forecaster.predict(X, future=future, coverage=coverage)
    scale = forecaster.scale_[: found["forecast"].shape[2]] if scale is None else scale
    columns = [found["forecast"][..., None]]
    if coverage is not None:
        columns.append(found["quantiles"].transpose(0, 2, 3, 1))
    off = np.concatenate(columns, axis=-1) - expected.to_numpy().reshape(*found["forecast"].shape, -1)
    assert np.isfinite(off).all()
    assert np.abs(off / np.reshape(scale, (-1, 1, found["forecast"].shape[2], 1))).max() < 1e-5
    return described


def test_rows_alone_and_intervals(plain, frame, tmp_path):
    described = check(plain, tmp_path / "model.onnx", frame.iloc[:200])
    assert described == {
        "inputs": {"rows": {"shape": ["batch", 12, 2], "dtype": "float64", "columns": ["a", "b"]}},
        "outputs": {"forecast": {"shape": ["batch", 3, 2], "dtype": "float64", "columns": ["a", "b"]}},
    }
    described = check(plain, tmp_path / "model.onnx", frame.iloc[:200], coverage=0.9)
    assert "clock" in described["inputs"]  # errors are larger at busy hours
    assert described["outputs"]["quantiles"]["levels"] == [0.05, 0.95]


def test_quantiles_of_the_forecaster(frame, tmp_path):
    forecaster = closed_form(quantiles=(0.1, 0.5)).fit(frame)
    forecaster.export(tmp_path / "model.onnx")
    found = run_exported(tmp_path / "model.onnx", "onnx", forecaster.export_inputs())
    expected = forecaster.predict().to_numpy().reshape(3, 2, 2)
    np.testing.assert_allclose(found["quantiles"][0].transpose(1, 2, 0), expected, rtol=1e-6)


def test_a_level_of_a_million_standard_deviations(frame, tmp_path):
    forecaster = closed_form(calendar=None).fit(frame + 1e6)
    check(forecaster, tmp_path / "model.onnx")
    with pytest.raises(ValueError, match=r"LiteRT computes in float32.* `format='onnx'`.* Received: column='a'"):
        forecaster.export(tmp_path / "model.tflite", "litert")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_forecasts_of_what_ends_at_zero_do_too(frame, tmp_path):
    night = (frame - frame.median()).clip(lower=0)
    forecaster = closed_form(linear_model=LinearModel(logarithms=False)).fit(night)
    ends = [end for end in range(200, 224) if (forecaster.predict(night.iloc[:end]) == 0).any(axis=None)]
    check(forecaster, tmp_path / "model.onnx", night.iloc[: ends[0]], coverage=0.8)


@pytest.mark.parametrize("gap", [slice(-2, None), slice(-9, -3), slice(-7, -6)])
def test_missing_values_are_filled(frame, gap, tmp_path):
    damaged = frame.copy()
    damaged.iloc[40:50, 0] = np.nan
    forecaster = closed_form(missing="mask").fit(damaged)
    X = frame.copy()
    X.iloc[gap, 0] = np.nan
    check(forecaster, tmp_path / "model.onnx", X, coverage=0.8)


def test_outliers_are_replaced_and_what_is_missing_is_no_number(plain, frame, tmp_path):
    X = frame.copy()
    X.iloc[-5, 0] = 1e4
    check(plain, tmp_path / "model.onnx", X, coverage=0.8)
    inputs = plain.export_inputs(coverage=0.8)
    inputs["rows"][0, 3, 0] = np.nan
    found = run_exported(tmp_path / "model.onnx", "onnx", inputs)["forecast"]
    assert np.isnan(found[..., 0]).all()


def test_covariates_categories_and_the_calendar(frame, tmp_path):
    random = np.random.default_rng(0)
    known = random.normal(size=len(frame))
    X = frame.assign(a=frame["a"] + 3 * np.abs(known), known=known, kind=np.array(["x", "y"])[np.arange(300) % 2])
    X["a"] += 2.0 * (X["kind"] == "x")
    forecaster = closed_form(future_covariates=["known", "kind"]).fit(X.iloc[:280])
    described = check(forecaster, tmp_path / "model.onnx", X.iloc[:280], future=X.iloc[280:283])
    assert described["inputs"]["covariates"]["columns"] == ["known", "kind=x", "kind=y"]


def test_time_zones_and_periods(frame, tmp_path):
    for index in (frame.index.tz_localize("UTC").tz_convert("Asia/Kolkata"), frame.index.to_period("h")):
        check(closed_form().fit(frame.set_axis(index)), tmp_path / "model.onnx")


def test_a_panel(frame, tmp_path):
    panel = {"north": frame, "south": 5 * frame + 1000}
    forecaster = closed_form(calendar=None, structural_models=False).fit(panel)
    described = check(forecaster, tmp_path / "model.onnx", scale=forecaster.scale_, coverage=0.8)
    assert described["inputs"]["series"]["names"] == ["north", "south"]
    with pytest.raises(ValueError, match=r"knows the series of `fit` alone.* Received: unknown=\['east'\]"):
        forecaster.export_inputs({"east": frame})


def test_a_logarithm(frame, tmp_path):
    growing = np.exp((frame - frame.mean()) / frame.std() + np.linspace(0, 3, 300)[:, None])
    forecaster = closed_form(calendar=None).fit(growing)
    assert "logarithm" in [part.name for part in forecaster.pipeline_.parts]
    check(forecaster, tmp_path / "model.onnx", coverage=0.8)


def test_short_series(tmp_path):
    random, months = np.random.default_rng(0), pd.date_range("2010-01-01", periods=90, freq="MS")
    values = 50 + np.arange(90) + 10 * np.sin(np.arange(90) * np.pi / 6) + random.normal(size=90)
    short = pd.DataFrame({"a": values}, months)
    forecaster = closed_form(lookback="auto", horizon=12).fit(short)
    assert "structural_mixture" in [term.name for term in forecaster.pipeline_.terms]
    check(forecaster, tmp_path / "model.onnx", short.iloc[-forecaster.pipeline_.fewest_rows :])
    check(forecaster, tmp_path / "model.onnx", short.iloc[20:])  # repetitions before aren't a stuck sensor


def test_no_framework_is_imported(plain, tmp_path):
    plain.save(tmp_path / "model.tscnn")
    code = "import sys, tscnn; tscnn.Forecaster.load(sys.argv[1]).export(sys.argv[2])"
    code += "; assert not {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "model.tscnn", tmp_path / "model.onnx"], check=False)
    assert done.returncode == 0


def test_the_description_goes_with_the_file(plain, tmp_path):
    onnx = pytest.importorskip("onnx")
    described = plain.export(tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert json.loads({one.key: one.value for one in model.metadata_props}["tscnn"]) == described


def test_what_cannot_be_exported_is_said_before_anything_is_written(plain, tmp_path):
    class Nothing:
        name = "nothing"

    other = copy(plain)
    other.pipeline_ = replace(plain.pipeline_, terms=(Nothing(),))
    with pytest.raises(ValueError, match=r"A part of this model can't be exported.* Received: term='nothing'"):
        other.export(tmp_path / "model.onnx")
    effects = CovariateEffects(CovariateBasis(("holidays:US",), np.zeros((0, 5))), np.zeros(1), np.zeros((1, 2)))
    festive, pipeline = copy(plain), plain.pipeline_
    festive.pipeline_ = replace(pipeline, transforms=(*pipeline.transforms, effects))
    with pytest.raises(ValueError, match=r"Holidays .* can't be exported.* Received: calendar=\('holidays:US',\)"):
        festive.export(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_the_path_and_the_format_are_checked(plain, tmp_path):
    with pytest.raises(ValueError, match="`format` must be one of 'onnx', 'saved_model', 'litert'"):
        plain.export(tmp_path / "model", "keras")
    with pytest.raises(IsADirectoryError, match="`path` must name a file"):
        plain.export(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("kept")
    with pytest.raises(FileExistsError, match="`path` must be new, or an older SavedModel"):
        plain.export(tmp_path / "notes", "saved_model")
    with pytest.raises(FileNotFoundError, match="folder of `path` must exist"):
        plain.export(tmp_path / "none" / "model", "saved_model")
    assert [path.name for path in tmp_path.rglob("*")] == ["notes", "mine.txt"]


def test_the_extra_is_named_that_is_missing(plain, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"needs the package `onnx`: pip install 'tscnn\[export\]'"):
        plain.export(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_saved_model_is_replaced(plain, tmp_path):
    pytest.importorskip("tensorflow")
    described = plain.export(tmp_path / "model", "saved_model")
    assert json.loads((tmp_path / "model" / "assets.extra" / "tscnn.json").read_text()) == described
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert plain.export(tmp_path / "model", "saved_model") == described
