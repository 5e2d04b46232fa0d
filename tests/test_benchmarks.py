"""The benchmarks run and say what they promise; no figure is judged here."""

import importlib
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import ablation, kernels, long_stream, ltsf, memory_tasks, speed, time_to_accuracy
from benchmarks.contestants import CONTESTANTS, PEERS
from benchmarks.contestants.accuracy import squared_error
from benchmarks.contestants.common import cut_windows, powers_of_two
from benchmarks.contestants.launch import Launcher, parse_interpreters
from benchmarks.report import load_values, print_table, write_json
from tests.series import autoregression, follower, judged_maps, panel
from tscnn import make_windows, receptive_field
from tscnn.data.windows import find_origins
from tscnn.linear.cross_series import fit_vector_autoregression
from tscnn.linear.mean_reversion import find_reversion
from tscnn.linear.mixture import mix_linear_maps
from tscnn.linear.out_of_fold import find_residuals
from tscnn.linear.principal_components import find_components

ROOT = Path(__file__).parents[1]


@pytest.fixture
def csv(tmp_path) -> str:
    """A small file of two columns."""
    times = pd.date_range("2026-01-01", periods=400, freq="h")
    waves = np.sin(np.arange(400)[:, None] * 2 * np.pi / 24 + np.arange(2))
    noise = 0.1 * np.random.default_rng(0).standard_normal(waves.shape)
    path = tmp_path / "waves.csv"
    pd.DataFrame(waves + noise, index=times, columns=["a", "b"]).to_csv(path)
    return str(path)


# What they are made of


@pytest.mark.parametrize("lookback", [3, 96, 255, 256, 336])
def test_dilations_just_cover_the_lookback_or_just_fit_into_it(lookback):
    covering = powers_of_two(lookback, 3)
    fitting = powers_of_two(lookback, 3, cover=False)
    assert receptive_field([(3, d) for d in covering]) >= lookback > receptive_field([(3, d) for d in covering[:-1]])
    assert receptive_field([(3, d) for d in fitting]) <= lookback
    assert receptive_field([(3, d) for d in [*fitting, 2 ** len(fitting)]]) > lookback


def test_windows_and_their_error_are_those_of_the_package():
    values = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    for found, expected in zip(cut_windows(values, 7, 4), make_windows(values, 7, 4), strict=True):
        np.testing.assert_array_equal(found, expected)
    outcomes = make_windows(values, 7, 4)[1]
    assert squared_error(outcomes + 2, values, 7) == pytest.approx(4)


def test_target_is_the_error_of_the_linear_map():
    values = np.sin(np.arange(300)[:, None] / 4 + np.arange(2)).astype(np.float32)
    target, first, rows = time_to_accuracy.find_target(values, 24, 6)
    assert first == 270
    assert target < 1e-3  # a wave is linear in its past
    np.testing.assert_allclose(rows[:first].std(axis=0), 1, rtol=1e-5)


def test_cases_are_told_apart_by_name():
    cases = {name: (contestant, extra) for name, contestant, extra in time_to_accuracy.list_cases([8], ["darts"])}
    assert list(cases) == [
        "dense, 8 origins, linear skip",
        "window, linear skip",
        "dense, 8 origins, no linear skip",
        "window, no linear skip",
        "everything by default",
        "darts",
    ]
    assert cases["dense, 8 origins, linear skip"] == (
        "tscnn",
        {"segment_origins": 8, "options": {"linear_skip": "auto"}},
    )


def test_ratios_are_above_one_where_we_are_better():
    records = [
        {"contestant": "tscnn", "lookback": 96, "measures": {"train_per_s": 60.0, "predict_median_s": 2.0}},
        {"contestant": "darts", "lookback": 96, "measures": {"train_per_s": 20.0, "predict_median_s": 6.0}},
        {"contestant": "keras recipe", "lookback": 96, "measures": {"train_per_s": 30.0, "predict_median_s": 20.0}},
        {"contestant": "keras recipe", "lookback": 336, "measures": {"train_per_s": 1.0}},
        {"contestant": "keras-tcn", "lookback": 96, "error": "not done in 1 s"},
    ]
    train, predict = speed.find_ratios(records)
    assert (train["best_peer"], train["darts"], train["keras recipe"]) == (2, 3, 2)
    assert (predict["best_peer"], predict["darts"], predict["keras recipe"]) == (3, 3, 10)


def test_bundled_data_stand_in_for_etth1(monkeypatch):
    monkeypatch.setattr("benchmarks.report.ETTH1", Path("nowhere.csv"))
    name, values, freq = load_values()
    assert (name, values.shape, freq) == ("nyc_weather", (8730, 7), "h")


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "figures.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_table_lines_up(capsys):
    print_table(["", "per s"], [["one", 1234.5], ["three", None]])
    assert capsys.readouterr().out == "       per s\none    1,234\nthree      -\n"


def test_interpreters_are_given_by_name():
    assert parse_interpreters(["darts=/a=b"]) == {"darts": "/a=b"}
    with pytest.raises(SystemExit, match="other=x"):
        parse_interpreters(["other=x"])


def test_a_process_that_fails_or_takes_too_long_is_reported_and_not_raised():
    task = {"measure": "none", "settings": {"lookback": 4, "horizon": 2}}
    for limit, said in ((60, "none"), (0.01, "not done")):
        launcher = Launcher({}, threads=1, limit=limit)
        assert said in launcher.run("tscnn", task)["error"]
        launcher.close()


@pytest.mark.parametrize("name", PEERS)
def test_peers_modules_need_no_peer(name):
    module = importlib.import_module(f"benchmarks.contestants.{CONTESTANTS[name].module}")
    assert isinstance(module, types.ModuleType)
    assert {"train", "predict", "backtest"} <= set(dir(module.Model))


# The programs


@pytest.mark.slow
def test_speed_prints_tables_and_writes_json(csv, tmp_path, capsys):
    out = tmp_path / "speed.json"
    names = ["tscnn default", "keras recipe"]
    speed.main(["--quick", "--lookbacks", "16", "--data", csv, "--out", str(out), "--contestants", *names])
    printed, written = capsys.readouterr().out, json.loads(out.read_text())
    assert "\nlookback 16\n" in printed
    assert "times better than the best peer" in printed
    assert set(written) == {"machine", "settings", "not_installed", "results", "ratios"}
    measures = {(r["contestant"], r["lookback"]): r["measures"] for r in written["results"]}
    assert set(measures) == {(name, lookback) for name in names for lookback in (None, 16)}
    streaming = {"stream_update_s", "stream_network_s", "stream_stack_s"}
    common = {column[0] for column in speed.COLUMNS} - streaming - {"first_forecast_s"}
    assert set(measures["keras recipe", 16]) == common
    assert set(measures["tscnn default", 16]) == common | streaming
    assert all(figure > 0 for figures in measures.values() for figure in figures.values())
    assert {r["measure"] for r in written["ratios"]} == common | {"first_forecast_s"}
    assert str(Path.home()) not in out.read_text()


@pytest.mark.slow
def test_time_to_accuracy_prints_a_line_a_case(csv, tmp_path, capsys):
    out = tmp_path / "accuracy.json"
    sizes = ["--lookback", "24", "--horizon", "6", "--epochs", "1", "--peer-epochs", "1", "--segments"]
    time_to_accuracy.main([*sizes, "--peers", "keras recipe", "--data", csv, "--out", str(out)])
    printed, written = capsys.readouterr().out, json.loads(out.read_text())
    assert "not reached" in printed
    assert written["target_mse"] > 0
    cases = {result["case"]: result for result in written["results"]}
    assert len(cases) == 4
    assert all(set(result) == {"case", "seconds", "best_mse", "epochs", "trained_s"} for result in cases.values())
    assert cases["everything by default"]["best_mse"] < 1.01 * written["target_mse"]  # it starts near it


@pytest.mark.slow
def test_a_long_stream_agrees_with_predict(capsys):
    long_stream.main(["--rows", "200", "--lookback", "12", "--horizon", "3"])
    lines = capsys.readouterr().out.splitlines()[-10:]
    assert [line.split()[0] for line in lines] == [str(n) for n in range(20, 201, 20)]
    assert all(float(line.split()[2]) < 1e-4 for line in lines)


def test_kernels_agree(tmp_path, capsys):
    out = tmp_path / "kernels.json"
    kernels.main(["--layers", "2", "--filters", "4", "--batch", "2", "--repeats", "1", "--out", str(out)])
    written = json.loads(out.read_text())
    assert "gradients ms" in capsys.readouterr().out
    assert {result["way"] for result in written["results"]} >= {"conv_causal", "pyramid", "per_feature"}
    assert all(result["difference"] < 1e-5 for result in written["results"])
    assert all(result["first_call_ms"] > result["gradients_ms"] > 0 for result in written["results"])


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_gpu_runs_without_tensorflow_and_without_a_gpu(backend, tmp_path):
    pytest.importorskip(backend)
    out = tmp_path / "gpu.json"
    hidden = ["tensorflow", "sklearn", "pandas", "scipy.stats"] if backend == "jax" else []
    sizes = ["--batches", "64", "--segments", "32", "--rows", "600", "--epochs", "2", "--seeds", "1"]
    code = f"""
import sys
sys.modules.update(dict.fromkeys({hidden}))
from benchmarks import gpu
gpu.main({[*sizes, "--out", str(out)]})
"""
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    written = json.loads(out.read_text())
    assert written["backend"] == backend
    if not written["has_gpu"]:
        assert "No GPU" in done.stdout
    keys = {"device", "batch", "segment", "origins_per_s", "bytes_floor_per_s", "flops_floor_per_s"}
    assert keys <= set(written["speed"][0])
    assert np.isfinite(written["accuracy"][0]["val_losses"]).all()


# Accuracy


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


def test_drawn_sequences_are_those_of_the_tasks():
    random = np.random.default_rng(0)
    rows, targets = memory_tasks.draw_adding(random, 6, 20)
    assert rows.shape == (6, 20, 2)
    np.testing.assert_allclose((rows[:, :, 0] * rows[:, :, 1]).sum(axis=1), targets[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(rows[:, :, 1].sum(axis=1), 2)
    rows, targets = memory_tasks.draw_copy(random, 6, 20)
    assert rows.shape == (6, 40, 10)
    symbols = rows.argmax(axis=2)
    np.testing.assert_array_equal(symbols[:, :10], targets[:, -10:])
    assert (symbols[:, 29:] == 9).all()
    assert not targets[:, :-10].any()


def test_memory_tasks_can_reach_as_far_as_they_must():
    length, symbol = 20, memory_tasks.build_copy(20, 4, 3, "tanh")
    rows = np.zeros((1, length + 20, 10), np.float32)
    changed = rows.copy()
    changed[0, 9] = 1  # the last symbol, to be said at the last row
    moved = np.abs(symbol.predict(changed, verbose=0) - symbol.predict(rows, verbose=0))[0].max(axis=1) > 0
    assert moved[-1]


@pytest.mark.slow
def test_memory_tasks_print_a_line_a_task(tmp_path, capsys):
    out = tmp_path / "memory.json"
    memory_tasks.main(["--lengths", "10", "--steps", "500", "--out", str(out)])
    printed = capsys.readouterr().out
    assert "adding, length 10" in printed
    assert "copy, length 1000   3.5e-05" in printed
    records = json.loads(out.read_text())["results"]
    assert all(record["loss"] < 0.5 * record["no_memory"] for record in records)


def test_ablation_switches_off_what_no_parameter_does():
    rows = autoregression(4000, memory=30)
    leading = follower(3000)
    (returning, _), (leads, normalized) = (
        find_residuals(series, [0, 1], judged_maps(series), 8) for series in (rows, leading)
    )
    with ablation.changed(ablation.SWITCHES["no step back to the mean"]):
        assert find_reversion(returning, 32) is None
    assert find_reversion(returning, 32) is not None
    with ablation.changed(ablation.SWITCHES["no vector autoregression"]):
        assert fit_vector_autoregression(normalized, leads, None, 32, 1) is None
    assert fit_vector_autoregression(normalized, leads, None, 32, 1) is not None
    rows, origins = panel(), (find_origins([1600], 24, 6), find_origins([2000], 24, 6, [1600]))
    mixture = mix_linear_maps(rows, *origins, [24], 6)
    with ablation.changed(ablation.SWITCHES["no principal components"]):
        assert find_components(rows, 1600, mixture, *origins, 6) is None
    assert find_components(rows, 1600, mixture, *origins, 6) is not None


def test_ablation_compares_with_one_ridge_map(csv, tmp_path, capsys):
    out = tmp_path / "ablation.json"
    ablation.main(["--data", csv, "--horizons", "3", "--lookback", "12", "--networks", "--out", str(out)])
    assert "+ solved again on all rows" in capsys.readouterr().out
    found = json.loads(out.read_text())["relative_mse"]["3"]
    assert found["one ridge map"] == 1
    alike = "+ windows of columns that vary alike"
    assert found["+ strengths and shares by band of the horizon"] == found[alike]  # of few windows there is one band
    assert found["+ near steps by themselves"] == found[alike]
    assert found["+ means of seasons"] != found[alike]
    shrunk = found["+ correlations of errors less what may be chance"]
    assert shrunk == found["+ means of seasons"]  # of few windows they are not
    certain = found["+ repetition where the gain over it may be chance"]
    assert certain == shrunk  # a day's wave leaves no doubt
    assert len(found) == 12
    assert len(set(found.values())) == 8
