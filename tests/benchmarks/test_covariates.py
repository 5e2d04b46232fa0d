"""The protocol of covariates is the published one, and so are its errors."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks import covariates, trees


@pytest.fixture(scope="module")
def frame():
    return covariates.simulate_load(800)


def _task(frame, **changes):
    return covariates.read_task(frame, None, ["all"], "fev", **{"horizon": 6, "season": 24, **changes})


def test_covariates_are_judged_on_the_last_windows_and_on_every_midnight():
    np.testing.assert_array_equal(covariates.last_windows(100, 10, 3), [69, 79, 89])  # the last outcome is row 99
    assert covariates.last_windows(52416, 24)[0] == 52416 - 20 * 24 - 1
    times = pd.date_range("2026-01-01 05:00", periods=500, freq="h")
    cutoffs = covariates.midnights(times, 24)
    np.testing.assert_array_equal(cutoffs, [402, 426, 450, 474])  # of the rows from 400 on
    assert set(times[cutoffs].hour) == {23}


def test_mase_of_covariates_scales_each_window_by_all_rows_before_it(frame):
    task = _task(frame)
    values = frame["load"].to_numpy()
    forecasts = np.zeros((20, 6))
    expected = [
        np.abs(values[c + 1 : c + 7]).mean() / np.abs(np.subtract(values[24 : c + 1], values[: c + 1 - 24])).mean()
        for c in task.cutoffs
    ]
    outcomes = values[-120:]
    found = covariates.judge(task, forecasts)
    assert found["mase"] == pytest.approx(np.mean(expected))
    assert found["mae"] == pytest.approx(np.abs(outcomes).mean())
    assert found["rmse"] == pytest.approx(np.sqrt(np.square(outcomes).mean()))


def test_naive_forecasts_beside_covariates_repeat_a_day_and_a_week():
    hours = np.arange(800)
    times = pd.date_range("2026-01-01", periods=800, freq="h")
    task = _task(pd.DataFrame({"y": hours // 24 % 7 + hours % 24 / 24}, index=times), horizon=30)
    assert covariates.judge(task, covariates.METHODS["repeat week"](task, {}).forecasts)["mae"] == 0
    run = covariates.METHODS["seasonal naive"](task, {})
    outcomes = task.frame["y"].to_numpy()[task.cutoffs[0] + 1 :][:30]
    np.testing.assert_array_equal(run.forecasts[0, :24], task.frame["y"].to_numpy()[task.cutoffs[0] - 23 :][:24])
    np.testing.assert_array_equal(run.forecasts[0, 24:], run.forecasts[0, :6])  # nothing later is known
    assert np.abs(run.forecasts[0] - outcomes).max() > 0.5


def test_covariates_known_ahead_are_all_none_or_named(frame):
    assert _task(frame).known == ["temperature", "holiday", "weather"]
    sizes = {"horizon": 6, "season": 24}
    assert covariates.read_task(frame, "temperature", ["none"], "midnights", **sizes).known == []
    assert covariates.read_task(frame, None, ["weather"], "fev", **sizes).known == ["weather"]
    with pytest.raises(SystemExit, match="must name columns"):
        covariates.read_task(frame, None, ["sun"], "fev", **sizes)


def test_trees_with_covariates_see_no_outcome(frame, monkeypatch):
    pytest.importorskip("lightgbm")
    monkeypatch.setitem(trees.SETTINGS, "n_estimators", 20)
    monkeypatch.setattr(trees, "THREADS", 1)
    monkeypatch.setattr(trees, "MOST_ROWS", 2000)
    known, cutoffs = ["temperature", "weather"], np.array([700, 710])
    forecasts = trees.fit_trees(frame, "load", known, 700, 6)(cutoffs)
    later = frame.copy()
    later.loc[later.index[711] :, "load"] = 1e6
    np.testing.assert_array_equal(trees.fit_trees(later, "load", known, 700, 6)(cutoffs), forecasts)
    later.loc[later.index[711] :, "temperature"] += 30
    moved = trees.fit_trees(later, "load", known, 700, 6)(cutoffs) != forecasts
    assert moved[1].any()  # of the hours whose temperature is another
    assert not moved[0].any()


def test_published_figures_of_covariates_are_those_of_the_task(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text("task,metric,model,value\na,MASE,X,0.8\na,MASE,Y,0.7\na,SQL,X,0.1\nb,MASE,X,0.2\n")
    assert covariates.read_published(path, "a") == [("Y", 0.7), ("X", 0.8)]
    assert covariates.read_published(tmp_path / "none.csv", "a") == []


def test_covariates_print_a_line_a_method_and_what_is_published(frame, tmp_path, capsys):
    frame.rename(columns={"weather": " weather"}).to_csv(tmp_path / "epf.csv")
    (tmp_path / "published_fev.csv").write_text("task,metric,model,value\nepf,MASE,Best,0.783\n")
    out = tmp_path / "out.json"
    methods = ["--methods", "seasonal naive", "repeat week"]
    covariates.main(["--data", str(tmp_path / "epf.csv"), "--future", "all", *methods, "--out", str(out)])
    printed = capsys.readouterr().out
    assert "Known ahead: temperature, holiday, weather" in printed
    assert "published MASE: Best 0.783" in printed
    assert set(json.loads(out.read_text())["results"]) == {"seasonal naive", "repeat week"}


@pytest.mark.slow
def test_a_forecaster_with_covariates_beats_one_without(frame):
    task = _task(frame)
    settings = {"lookback": 24, "network": None}
    errors = {name: covariates.judge(task, covariates.METHODS[name](task, settings).forecasts)["mae"] for name in
              ("tscnn", "tscnn, no covariates", "seasonal naive")}  # fmt: skip
    assert errors["tscnn"] < errors["tscnn, no covariates"] < errors["seasonal naive"]
