"""Speed beside the peers runs and says what it promises; no figure is judged here."""

import importlib
import json
import types
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import speed, time_to_accuracy
from benchmarks.contestants import CONTESTANTS, PEERS
from benchmarks.contestants.accuracy import squared_error, train_to_target
from benchmarks.contestants.common import Settings, cut_windows, powers_of_two
from benchmarks.contestants.launch import Launcher, parse_interpreters
from benchmarks.contestants.ours import Model
from benchmarks.report import load_values, print_table, write_json
from tscnn import make_windows, receptive_field


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
        "dense, 8 origins, linear model",
        "window, linear model",
        "dense, 8 origins, no linear model",
        "window, no linear model",
        "everything by default",
        "darts",
    ]
    assert cases["dense, 8 origins, linear model"] == (
        "tscnn",
        {"segment_origins": 8, "options": {"linear_model": "auto"}},
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
def test_speed_prints_tables_and_writes_json(csv, tmp_path, capsys, in_this_process, monkeypatch):
    out = tmp_path / "speed.json"
    names = ["tscnn default", "keras recipe"]
    in_this_process(*names)
    monkeypatch.setattr(speed, "FIRST", {"lookback": 4, "horizon": 2})
    monkeypatch.setattr(speed, "HORIZON", 2)
    speed.main(["--quick", "--lookbacks", "3", "--data", csv, "--out", str(out), "--contestants", *names])
    printed, written = capsys.readouterr().out, json.loads(out.read_text())
    assert "\nlookback 3\n" in printed
    assert "times better than the best peer" in printed
    assert set(written) == {"machine", "settings", "not_installed", "results", "ratios"}
    measures = {(r["contestant"], r["lookback"]): r["measures"] for r in written["results"]}
    assert set(measures) == {(name, lookback) for name in names for lookback in (None, 3)}
    streaming = {"stream_update_s", "stream_network_s", "stream_stack_s"}
    common = {column[0] for column in speed.COLUMNS} - streaming - {"first_forecast_s"}
    assert set(measures["keras recipe", 3]) == common
    found = set(measures["tscnn default", 3])
    assert common | streaming >= found >= common | streaming - {"stream_stack_s"}  # a network may say nothing
    assert all(figure > 0 for figures in measures.values() for figure in figures.values())
    assert {r["measure"] for r in written["ratios"]} == common | {"first_forecast_s"}
    assert str(Path.home()) not in out.read_text()


@pytest.mark.slow
def test_time_to_accuracy_prints_a_line_a_case(csv, tmp_path, capsys, in_this_process):
    in_this_process("tscnn", "tscnn default", "keras recipe")
    out = tmp_path / "accuracy.json"
    sizes = ["--lookback", "24", "--horizon", "6", "--epochs", "1", "--peer-epochs", "1", "--segments"]
    time_to_accuracy.main([*sizes, "--peers", "keras recipe", "--data", csv, "--out", str(out)])
    printed, written = capsys.readouterr().out, json.loads(out.read_text())
    assert "not reached" in printed
    assert written["target_mse"] > 0
    cases = {result["case"]: result for result in written["results"]}
    assert len(cases) == 4
    assert all(set(result) == {"case", "seconds", "best_mse", "epochs", "trained_s"} for result in cases.values())
    assert cases["everything by default"]["best_mse"] < 0.5 * cases["keras recipe"]["best_mse"]


@pytest.mark.slow
def test_the_start_is_judged_as_the_report_judges_it(csv):
    rows = pd.read_csv(csv, index_col=0).to_numpy(np.float32)
    target, first, rows = time_to_accuracy.find_target(rows, 24, 6)
    frame = pd.DataFrame(rows, pd.date_range("2026-01-01", periods=len(rows), freq="h"), ["a", "b"])
    model = Model(Settings(24, 6), default=True)
    task = {"first": first, "fraction": time_to_accuracy.FRACTION, "epochs": 1, "target": 0.0, "seconds": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a linear map that is as good on so few rows
        found = train_to_target(model, CONTESTANTS["tscnn default"], frame, task)
    report = model.forecaster.report_["mse"]
    assert report["linear map"] == pytest.approx(target, rel=1e-4)
    assert found["best_mse"] == pytest.approx(report["tscnn"], rel=1e-4)  # one epoch teaches nothing here
