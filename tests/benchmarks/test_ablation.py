"""The ablation compares what it says, on the stretches that it says."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from benchmarks import ablation
from benchmarks.parts import BASES, PARTS
from tscnn.linear import LinearModel


def test_stretches_to_judge_are_the_last_rows_and_none_is_fitted():
    frames = {"a": pd.DataFrame(np.zeros((100, 1))), "b": pd.DataFrame(np.zeros((20, 1)))}
    cases = ablation.list_cases(frames, {"a": (1, 5), "b": (5,)}, 2)
    assert [(case.key, case.n_fitted, len(case.frame)) for case in cases] == [
        ("a, 1 ahead, cut 1", 60, 80),
        ("a, 1 ahead, cut 2", 80, 100),
        ("a, 5 ahead, cut 1", 60, 80),
        ("a, 5 ahead, cut 2", 80, 100),
    ]  # four rows of b are no horizon


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_left_out_by_settings(name):
    whole = LinearModel()
    without = PARTS[name].without(whole)
    assert without
    assert without.get("linear_model") != whole
    assert PARTS[name].base in BASES


def test_worth_is_the_geometric_mean_over_sets_of_that_over_cuts():
    results = {
        "a, 1 ahead, cut 1": {"all: closed form": {"mse": 1.0}, "folds": {"mse": 1.1}},
        "a, 1 ahead, cut 2": {"all: closed form": {"mse": 2.0}, "folds": {"mse": 2.0}},
        "b, 1 ahead, cut 1": {"all: closed form": {"mse": 1.0}, "folds": {"mse": 0.9}},
        "random_walks, 1 ahead, cut 1": {"all: closed form": {"mse": 1.0}, "folds": {"mse": 2.0}},
        "c, 1 ahead, cut 1": {"all: closed form": {"mse": 1.0}, "folds": {"error": "no"}},
    }
    gains = ablation.find_gains(results, ["folds"])["folds"]
    assert gains == pytest.approx({"a": math.log(1.1) / 2, "b": math.log(0.9), "random_walks": math.log(2)})
    found = ablation.summarize(gains)
    logs = [math.log(1.1) / 2, math.log(0.9)]  # simulated sets count in the extremes alone
    assert found["gain"] == pytest.approx(100 * math.expm1(np.mean(logs)))
    assert found["standard_error"] == pytest.approx(100 * np.std(logs, ddof=1) / math.sqrt(2))
    assert (found["n_sets"], found["most"], found["least"][1]) == (2, (pytest.approx(100), "random_walks"), "b")
    assert found["earns_its_lines"]
    assert not ablation.summarize({"a": 0.001, "b": 0.0})["earns_its_lines"]


def test_ablation_says_what_to_judge(capsys):
    for wrong, said in (([], "say which sets"), (["--sets", "nowhere"], "nowhere")):
        with pytest.raises(SystemExit):
            ablation.main(wrong)
        assert said in capsys.readouterr().err


@pytest.mark.slow
def test_ablation_prints_a_line_a_part_and_round_gain_where_it_stopped(tmp_path, capsys):
    out = tmp_path / "ablation.json"
    arguments = ["--sets", "short_season", "--parts", "lengths", "refit", "--jobs", "1", "--out", str(out)]
    ablation.main(arguments)
    printed = capsys.readouterr().out
    assert "1 sets, 2 stretches, 2 parts" in printed
    assert "windows of several lengths" in printed
    written = json.loads(out.read_text())
    assert set(written["results"]) == {"short_season, 6 ahead, cut 1", "short_season, 6 ahead, cut 2"}
    assert all(set(found) == {"all: closed form", "lengths", "refit"} for found in written["results"].values())
    assert set(written["worth"]) == {"lengths", "refit"}
    assert abs(written["gains"]["lengths"]["short_season"]) > 0.1
    ablation.main([*arguments, "--resume"])
    assert capsys.readouterr().err == ""  # nothing was left to judge
    assert json.loads(out.read_text())["worth"] == written["worth"]


def test_a_variant_that_fails_is_reported_and_not_raised(monkeypatch):
    def fail(_, settings):
        if settings["linear_model"].maps == "shared":
            raise ValueError("no map")
        return {"mse": 1.0}

    monkeypatch.setattr(ablation, "judge_settings", fail)
    case = ablation.Case("a", 1, 1, pd.DataFrame(np.zeros((9, 1))), 6)
    found = ablation.judge_case(case, ["groups", "refit", "network"], {})
    assert found["groups"] == {"error": "ValueError: no map"}
    assert found["network"] is found["all: closed form"]  # the same settings are judged once
