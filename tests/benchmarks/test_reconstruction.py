"""The benchmark of gaps and anomalies takes out what it says, and compares all methods on it."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks import reconstruction


def test_gaps_have_the_length_asked_for_where_values_are_known():
    known = np.ones((600, 2), bool)
    known[:50, 1] = False
    gone = reconstruction.take_out(known, 6, together=False, seed=0)
    assert not gone[:50, 1].any()
    starts = np.flatnonzero(np.diff(gone[:, 0].astype(int)) == 1)
    ends = np.flatnonzero(np.diff(gone[:, 0].astype(int)) == -1)
    np.testing.assert_array_equal(ends - starts, 6)
    assert gone[:, 0].mean() == pytest.approx(reconstruction.SHARE, abs=0.02)
    together = reconstruction.take_out(np.ones((600, 2), bool), 6, together=True, seed=0)
    np.testing.assert_array_equal(together[:, 0], together[:, 1])


def test_planted_anomalies_are_labelled():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(1200, 3)))
    planted, kinds = reconstruction.plant(frame, 0)
    np.testing.assert_array_equal(planted.to_numpy()[kinds == 0], frame.to_numpy()[kinds == 0])
    assert set(np.unique(kinds)) == set(range(6))


@pytest.mark.slow
def test_the_benchmark_prints_and_writes_a_figure_for_each_method(tmp_path, capsys):
    pytest.importorskip("statsmodels")
    out = tmp_path / "found.json"
    times = pd.date_range("2026-01-01", periods=300, freq="h")
    pd.DataFrame({"x": np.sin(np.arange(300) / 5)}, times).to_csv(tmp_path / "wave.csv")
    arguments = [
        "--rows",
        "700",
        "--columns",
        "2",
        "--hours",
        "6",
        "--seeds",
        "1",
        "--data",
        str(tmp_path / "wave.csv"),
    ]
    reconstruction.main([*arguments, "--out", str(out)])
    results = json.loads(out.read_text())["results"]
    for name, kinds in {"nyc_weather": 2, "wave": 1}.items():
        assert len(results[name]) == kinds
        for line in results[name].values():
            assert all(np.isfinite(line[method]) for method in reconstruction.METHODS)
    assert set(results["anomalies"]) == set(reconstruction.SCORES)
    assert "Kalman smoother" in capsys.readouterr().out
