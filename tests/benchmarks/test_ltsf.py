"""The protocol of long-term forecasting is the published one."""

import json

import numpy as np
import pytest

from benchmarks import ltsf
from tscnn import make_windows


def test_splits_are_those_of_the_protocol():
    assert ltsf.find_splits(17420, "etth") == (8640, 11520, 14400)
    assert ltsf.find_splits(69680, "ettm") == (34560, 46080, 57600)
    assert ltsf.find_splits(8730, "custom") == (6111, 6984, 8730)
    with pytest.raises(SystemExit, match="needs 14400 rows"):
        ltsf.find_splits(1000, "etth")


def test_every_test_window_counts():
    rows = np.random.default_rng(0).normal(size=(3000, 2)).astype(np.float32)
    found = ltsf.test_errors(rows, 1500, 5, lambda at: np.zeros((len(at), 5, 2)))
    outcomes = make_windows(rows[1499:], 1, 5)[1]
    assert len(outcomes) == 3000 - 1500 - 5 + 1
    assert found == pytest.approx({"mse": np.square(outcomes).mean(), "mae": np.abs(outcomes).mean()})


def test_baselines_of_the_protocol():
    rows = (np.arange(600)[:, None] % 24 + np.zeros(2)).astype(np.float32) / 10
    errors = ltsf.judge_baselines(rows, (400, 500, 600), 48, 6, 24)
    assert list(errors) == [
        "repeat last",
        "repeat 24 rows",
        "linear map, OLS, lookback 48",
        "linear map, ridge, lookback 48",
    ]
    assert errors["repeat 24 rows"]["mse"] == 0
    assert errors["linear map, OLS, lookback 48"]["mse"] < 1e-3 < errors["repeat last"]["mse"]


@pytest.mark.parametrize("text", ["scales=False", "scales=false", "dilation_rates=(1, 2)", "activation=elu", "a=None"])
def test_a_setting_is_read_as_python_or_json_or_text(text):
    values = {"scales": False, "dilation_rates": (1, 2), "activation": "elu", "a": None}
    name, value = ltsf.read_setting(text)
    assert value == values[name]
    assert type(value) is type(values[name])


@pytest.mark.slow
def test_ltsf_prints_a_table_a_horizon_and_writes_json(csv, tmp_path, capsys):
    out = tmp_path / "ltsf.json"
    small = ["--set", "filters=4", "--set", "epochs=1", "--set", "feature_mode=joint", "--set", "normalizer_span=12"]
    arguments = ["--data", csv, "--horizons", "3", "6", "--seeds", "2", "--lookback", "24", "--baseline-lookback", "24"]
    ltsf.main([*arguments, *small, "--out", str(out)])
    printed = capsys.readouterr().out
    assert "training to row 280, validation to 320,\ntest to 400." in printed
    assert "horizon 3\n" in printed
    assert "mean over horizons" in printed
    content = json.loads(out.read_text())
    runs = content["results"][1]["runs"]
    assert [run["seed"] for run in runs] == [0, 1]
    assert all(run["mse"] < content["results"][1]["baselines"]["repeat last"]["mse"] for run in runs)
    assert content["settings"]["filters"] == 4
    with pytest.raises(SystemExit):
        ltsf.main([*arguments, "--set", "filters"])
