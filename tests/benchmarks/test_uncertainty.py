"""Intervals of seasonal naive are conformal, and both are judged alike."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks import uncertainty


@pytest.fixture(scope="module")
def task():
    hours = np.arange(700)
    values = np.sin(2 * np.pi * hours / 24)[:, None] + 0.1 * np.random.default_rng(0).normal(size=(700, 2))
    frame = pd.DataFrame(values, pd.date_range("2026-01-01", periods=700, freq="h"), columns=["a", "b"])
    return uncertainty.make_task("waves", frame, ["a", "b"], 6, np.arange(499, 694, 6))


def test_conformal_intervals_of_seasonal_naive_cover_what_they_say(task):
    np.testing.assert_allclose(task.frame.iloc[:500].std(ddof=0), 1)
    found = uncertainty.judge(task, uncertainty.repeat_with_intervals(task, uncertainty.COVERAGES))
    assert found["coverage 80%"] == pytest.approx(0.8, abs=0.06)
    assert found["coverage 95%"] == pytest.approx(0.95, abs=0.04)


def test_quantiles_and_conformal_intervals_are_judged_on_the_cutoffs_of_the_task(task):
    found, _ = uncertainty.forecast(task, {"network": None, "lookback": 24}, {"coverage": uncertainty.COVERAGES})
    assert len(found) == 6 * len(task.cutoffs)
    naive = uncertainty.repeat_with_intervals(task, uncertainty.COVERAGES)
    pd.testing.assert_index_equal(found.index, naive.index, check_names=False)
    assert uncertainty.judge(task, found)["score 80%"] < uncertainty.judge(task, naive)["score 80%"]


@pytest.mark.slow
def test_quick_uncertainty_is_written_to_a_file(tmp_path):
    uncertainty.main(["--quick", "--stride", "20", "--set", "lookback=24", "--out", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())["results"]["weather"]
    assert found["ours"]["score 80%"] < found["seasonal naive"]["score 80%"]
