"""Missing values are removed as said, no method sees later rows, and errors are those of outcomes that are there."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks import missing


@pytest.fixture(scope="module")
def frame():
    times = pd.date_range("2026-01-01", periods=1000, freq="h")
    waves = np.sin(np.arange(1000)[:, None] * 2 * np.pi / 24 + np.arange(2))
    return pd.DataFrame(waves + 0.3 * np.random.default_rng(0).standard_normal(waves.shape), times, ["a", "b"])


def _task(frame, complete=None, horizon=6, stride=1):
    return missing.make_task(frame, complete, missing._parse(["--horizon", str(horizon), "--stride", str(stride)]))


def test_a_fifth_is_missing_at_random_or_in_blocks_of_a_day(frame):
    gone = {name: remove(frame).isna().to_numpy() for name, remove in missing.REMOVALS.items()}
    assert gone["at random"].mean() == pytest.approx(0.2, abs=0.02)
    np.testing.assert_array_less(0.2 - 1e-9, gone["in blocks of a day"].mean(axis=0))
    assert gone["in blocks of a day"].mean() < 0.225
    starts = np.flatnonzero(np.diff(gone["in blocks of a day"][:, 0].astype(int), prepend=0) == 1)
    assert all(gone["in blocks of a day"][first : first + 24, 0].all() for first in starts)
    assert (gone["at random"] != gone["in blocks of a day"]).any()


def test_missing_outcomes_count_nothing(frame):
    task = _task(missing.remove_at_random(frame), stride=7)
    assert (task.cutoffs[0], task.cutoffs[-1]) == (799, 988)
    found = missing.judge(task, np.zeros((len(task.cutoffs), 6, 2)))
    values = task.frame.to_numpy() / np.nanstd(task.frame.to_numpy()[:800], axis=0)
    outcomes = np.stack([values[cutoff + 1 : cutoff + 7] for cutoff in range(799, 994, 7)])
    assert found["mse"] == pytest.approx(np.nanmean(outcomes**2))
    assert found["mae"] == pytest.approx(np.nanmean(np.abs(outcomes)))


def test_seasonal_naive_repeats_the_newest_value_that_is_not_missing(frame):
    gaps = frame.copy()
    gaps.iloc[780:790, 0] = np.nan
    task = _task(gaps, horizon=30)
    found = missing.METHODS["seasonal naive"](task, {})[0]
    values = frame["a"].to_numpy()
    expected = [values[799 + h - (48 if 780 <= 799 + h - 24 < 790 else 24)] for h in range(1, 25)]
    np.testing.assert_array_equal(found[:, 0], [*expected, *expected[:6]])
    gaps["b"] = np.where(np.arange(1000) < 795, np.nan, frame["b"])
    found = missing.METHODS["seasonal naive"](_task(gaps), {})[0, :, 1]
    np.testing.assert_allclose(found, gaps["b"].iloc[:800].mean())  # hours that were never seen


def test_missing_rows_are_filled_without_later_ones(frame):
    gaps = frame.copy()
    gaps.iloc[[0, 5, 799, 850, 851], 0] = np.nan
    filled = missing.fill(gaps, 800)["a"].to_numpy()
    values = frame["a"].to_numpy()
    np.testing.assert_allclose(
        filled[[0, 5, 799, 850, 851]], [values[1], values[[4, 6]].mean(), *values[[798, 849, 849]]]
    )


@pytest.mark.parametrize("method", ["seasonal naive", "tscnn, filled first"])
def test_no_method_for_missing_values_sees_later_rows(frame, method):
    gaps = missing.remove_at_random(frame)
    later = gaps.copy()
    later.iloc[900:] = 50.0
    settings = {"lookback": 24, "network": None}
    forecasts = [missing.METHODS[method](_task(rows), settings) for rows in (gaps, later)]
    np.testing.assert_allclose(forecasts[0][: 900 - 799], forecasts[1][: 900 - 799], rtol=1e-6)
    assert np.abs(forecasts[0][-1] - forecasts[1][-1]).max() > 1


def test_missing_prints_a_table_a_way_of_missing(frame, tmp_path, capsys):
    missing.remove_blocks(frame).to_csv(tmp_path / "gaps.csv")
    out = tmp_path / "out.json"
    methods = ["--methods", "tscnn, complete rows", "seasonal naive"]
    missing.main(["--data", str(tmp_path / "gaps.csv"), *methods, "--out", str(out)])
    assert "gaps: 1,000 rows x 2, 20 % missing, 24 ahead from 177 cutoffs" in capsys.readouterr().out
    written = json.loads(out.read_text())["results"]
    assert set(written["gaps"]) == {"seasonal naive"}  # no complete rows are known
    missing.main(["--quick", "--methods", "seasonal naive"])
    printed = capsys.readouterr().out
    assert "nyc_weather, at random" in printed
    assert "nyc_weather, in blocks of a day" in printed
