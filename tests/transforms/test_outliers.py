"""Outliers: a robust fit cleans its training rows, robust forecasts their windows."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form
from tscnn.data.windows import sliding_windows
from tscnn.forecasting.pipeline import Pipeline
from tscnn.linear.mixture import LinearMixture
from tscnn.transforms import OutlierFilter, cleaning
from tscnn.transforms.cleaning import clean_rows
from tscnn.transforms.outliers import fill_gaps
from tscnn.transforms.stuck import count_runs

N, SEASON = 1000, 24


def day_and_noise(seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return 30 + 10 * np.sin(2 * np.pi * np.arange(N) / SEASON) + random.normal(size=N)


# Training rows


@pytest.mark.parametrize(
    "kind", ["walk", "noise", "heavy tails", "counts", "rare events", "exponential growth", "Sundays"]
)
def test_robust_cleaning_leaves_clean_rows_alone(kind):
    random = np.random.default_rng(1)
    values = {
        "walk": np.cumsum(random.normal(size=N)),
        "noise": random.normal(size=N),
        "heavy tails": random.laplace(size=N),
        "counts": random.poisson(0.4, N).astype(float),
        "rare events": (random.random(N) < 0.01).astype(float),
        "exponential growth": np.exp(np.arange(N) / 100),
        "Sundays": np.where(np.arange(N) % 7 == 6, 0, 50 + random.normal(size=N)),
    }[kind][:, None]
    cleaned = clean_rows(values, 7 if kind == "Sundays" else SEASON)
    assert cleaned.replaced.tolist() == [0]
    assert cleaned.shifted == []
    np.testing.assert_array_equal(cleaned.rows, values)


@pytest.mark.parametrize("where", [0, 1, 500, N - 2, N - 1])
@pytest.mark.parametrize("value", [-9999, 1e9, 400, -100])
def test_robust_cleaning_replaces_a_spike(where, value):
    values = day_and_noise()
    damaged = values.copy()
    damaged[where] = value
    cleaned = clean_rows(damaged[:, None], SEASON)
    assert cleaned.replaced.tolist() == [1]
    assert abs(cleaned.rows[where, 0] - values[where]) < 8
    others = np.arange(N) != where
    np.testing.assert_array_equal(cleaned.rows[others, 0], values[others])


def test_robust_cleaning_names_sentinels():
    damaged = np.stack([day_and_noise(), day_and_noise(1)], axis=1)
    at = np.random.default_rng(2).random(N) < 0.05
    damaged[at, 1] = -9999
    cleaned = clean_rows(damaged, SEASON)
    assert cleaned.sentinels == [(1, -9999.0, at.sum())]
    assert cleaned.replaced.tolist() == [0, at.sum()]
    assert np.abs(cleaned.rows[at, 1] - day_and_noise(1)[at]).max() < 8


def test_robust_cleaning_fills_a_stuck_day_from_the_days_about_it():
    values = day_and_noise()
    damaged = values.copy()
    damaged[500:530] = damaged[500]
    cleaned = clean_rows(damaged[:, None], SEASON)
    assert cleaned.replaced.tolist() == [30]
    assert np.abs(cleaned.rows[500:530, 0] - values[500:530]).max() < 5


def test_robust_cleaning_takes_a_level_shift_out_but_not_many():
    values = day_and_noise()
    damaged = values + 50 * (np.arange(N) >= 400)
    cleaned = clean_rows(damaged[:, None], SEASON)
    assert cleaned.shifted == [(0, 400)]
    assert np.abs(cleaned.rows[:, 0] - values - 50).max() < 3
    often = values + 50 * (np.arange(N) // 150 % 2)
    assert clean_rows(often[:, None], SEASON).shifted == []


def test_robust_cleaning_of_minutes_takes_no_memory_for_windows_of_days():
    minutes = np.arange(200_000)
    values = np.sin(2 * np.pi * minutes / 1440) + 0.1 * np.random.default_rng(0).normal(size=len(minutes))
    cleaned = clean_rows((values + 20 * (minutes >= 90_000))[:, None], 1440)  # all windows of five days: 11 GB
    assert cleaned.shifted == [(0, 90_000)]
    assert np.abs(cleaned.rows[:, 0] - values - 20).max() < 0.1


@pytest.mark.parametrize("at", [[400], [400, 401, 700]])
def test_robust_cleaning_of_a_constant_with_sentinels(at):
    values = np.full((N, 1), 5.0)
    values[at] = -9999
    cleaned = clean_rows(values, SEASON)
    np.testing.assert_array_equal(cleaned.rows, 5)
    assert cleaned.replaced.tolist() == [len(at)]
    assert cleaned.sentinels == ([(0, -9999.0, 3)] if len(at) == 3 else [])


@pytest.mark.parametrize(("at", "value"), [([400, 401], 7.0), ([N - 1], -9999.0), (range(900, N), -9999.0)])
def test_robust_cleaning_leaves_what_may_be_an_event_or_a_new_level_of_a_constant(at, value):
    values = np.full((N, 1), 5.0)
    values[list(at)] = value
    assert clean_rows(values, SEASON).rows is values


def test_rows_that_need_no_cleaning_are_not_copied():
    values = day_and_noise()[:, None]
    assert clean_rows(values, SEASON).rows is values
    assert np.shares_memory(clean_rows(values[100:], SEASON).rows, values)


def test_a_quarter_of_the_rows_are_no_outliers():
    damaged = day_and_noise()
    damaged[: N // 3] = np.random.default_rng(0).normal(1e4, 1, N // 3)
    assert clean_rows(damaged[:, None], SEASON).replaced.tolist() == [0]


@pytest.mark.parametrize("n_rows", [1, 2, 5, 11, 30])
def test_robust_cleaning_of_few_rows(n_rows):
    values = day_and_noise()[:n_rows, None]
    np.testing.assert_array_equal(clean_rows(values, SEASON).rows, values)


def test_gaps_are_filled_by_lines_and_by_seasons():
    column = np.tile([0.0, 1.0, 5.0, 1.0], 6)
    bad = np.zeros(24, bool)
    bad[[9, 10]] = True
    np.testing.assert_allclose(fill_gaps(column, bad, 4)[9:11], [1 / 3, 2 / 3])
    bad[8:15] = True
    np.testing.assert_array_equal(fill_gaps(column, bad, 4), column)
    bad[:] = False
    bad[4:8] = bad[9:13] = True  # the season before the second gap is what fills the first
    np.testing.assert_array_equal(fill_gaps(np.stack([column, column]), np.stack([bad, ~bad]), 4)[0], column)
    bad[:] = False
    bad[-2:] = True
    np.testing.assert_array_equal(fill_gaps(column, bad, 4), column)  # at the end: by the season before
    np.testing.assert_array_equal(fill_gaps(column, bad, 0)[-2:], [1, 1])  # without one: the newest value


# Windows


@pytest.fixture(scope="module")
def outliers() -> OutlierFilter:
    return OutlierFilter.fit(np.stack([day_and_noise(), np.full(N, 7.0)], axis=1), SEASON)


def test_windows_are_cleaned_one_by_one(outliers):
    window = np.stack([day_and_noise(3)[:48], np.full(48, 7.0)], axis=1)
    damaged = window.copy()
    damaged[[5, 47], 0] = -9999
    found = outliers.clean(np.stack([window, damaged]))
    np.testing.assert_array_equal(found[0], window)
    assert np.abs(found[1] - window).max() < 8
    assert outliers.clean(window[None]).base is window  # nothing is copied for nothing


def test_another_level_is_no_outlier(outliers):
    window = np.stack([day_and_noise(3)[:48], np.full(48, 7.0)], axis=1)
    np.testing.assert_array_equal(outliers.clean(window[None] + 1e5), window[None] + 1e5)
    window[-5:, 0] += 1000  # five rows that differ, at the end
    np.testing.assert_array_equal(outliers.clean(window[None]), window[None])
    window[-5:, 0] = 1000  # one value five times
    assert outliers.clean(window[None]).max() < 60


def test_what_is_stuck_is_filled_by_the_day_before(outliers):
    outliers = replace(outliers, stuck_from=np.float32([13, np.inf]))
    window = np.stack([day_and_noise(3)[:72], np.full(72, 7.0)], axis=1)
    stuck = window.copy()
    stuck[-20:, 0] = stuck[-20, 0]
    runs = np.stack([count_runs(window), count_runs(stuck)])
    found = outliers.clean(np.stack([window, stuck]), runs)
    np.testing.assert_array_equal(found[0], window)
    np.testing.assert_array_equal(found[1, -20:], window[-44:-24])
    np.testing.assert_array_equal(found[1, :-20], window[:-20])
    assert outliers.clean(window[None], runs[:1]).base is window


def damage(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Put spikes, long runs of other values, of one value, and of none into some columns."""
    rows = rows.copy()
    for start in random.integers(0, len(rows), 9).tolist():
        own, f = slice(start, start + random.integers(1, 40)), random.integers(rows.shape[1])
        kind = random.integers(5)
        if kind == 0:
            rows[start, f] = -9999
        elif kind == 1:
            rows[own, f] += 500
        elif kind == 2:
            rows[own, f] = 500
        else:
            rows[own, f] = rows[start, f] if kind == 3 else np.nan
    return rows


@pytest.mark.parametrize("season", [0, SEASON])
def test_a_series_is_cleaned_as_its_windows_are_but_for_those_found(season):
    clean, stuck_from = np.stack([day_and_noise(), day_and_noise(1) - 20], axis=1), np.float32([13, 13])
    outliers = OutlierFilter.fit(clean, season, stuck_from=stuck_from)
    by_column = [OutlierFilter.fit(clean[:, [f]], season, stuck_from=stuck_from[[f]]) for f in range(2)]
    n_alone = 0
    for seed in range(40):
        rows = damage(clean[:300], np.random.default_rng(seed))
        filled, alone = outliers.fill(rows, 72, count_runs(rows))
        windows, runs, as_series = (sliding_windows(one, 72) for one in (rows, count_runs(rows), filled))
        alone = np.zeros((len(windows), 2), bool) if alone is None else alone
        cleaned = outliers.clean(np.array(windows), runs)
        np.testing.assert_allclose(*(np.where(alone[:, None], 0, one) for one in (cleaned, as_series)), rtol=1e-6)
        for f, one in enumerate(by_column):
            np.testing.assert_array_equal(cleaned[..., [f]], one.clean(np.array(windows[..., [f]]), runs[..., [f]]))
        n_alone += alone.mean() / 40
    assert n_alone < 0.6  # of series of which a column is damaged every 67 rows


@pytest.mark.parametrize("stride", [1, 5, 80])
def test_damaged_rows_are_forecast_from_as_each_window_is(stride):
    clean, random = np.stack([day_and_noise(), day_and_noise(1)], axis=1).astype(np.float32), np.random.default_rng(0)
    maps = LinearMixture(random.normal(size=(2, 72, 3)).astype(np.float32) / 72, np.arange(2), np.arange(2))
    outliers = OutlierFilter.fit(clean, SEASON, stuck_from=np.float32([13, 16]))
    pipeline = Pipeline((), (maps,), lookback=72, horizon=3, targets=(0, 1), outliers=outliers)
    for seed in range(20):
        rows = damage(clean[:300], np.random.default_rng(seed))
        runs = count_runs(rows)
        windows, in_runs = (sliding_windows(one, 72)[::stride] for one in (rows, runs))
        expected = pipeline.last(windows, runs=in_runs)
        found = pipeline.dense(rows, stride=stride, runs=runs)
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_few_windows_are_cleaned_by_themselves(outliers):
    rows = np.stack([day_and_noise(3), np.full(N, 7.0)], axis=1)
    rows[[100, 101, 500], 0] = -9999
    _, alone = outliers.fill(rows, 48)
    assert alone.sum(axis=0).tolist() == [2 + 2 + 1 + 1, 0]  # that begin or end with one of them


def test_a_filter_is_restored_and_refuses_ranges_that_are_none(outliers):
    outliers = replace(outliers, stuck_from=np.float32([13, np.inf]))
    again = OutlierFilter.from_arrays(json.loads(json.dumps(outliers.settings())), outliers.arrays())
    assert again.season == SEASON
    np.testing.assert_array_equal(again.lower, outliers.lower)
    np.testing.assert_array_equal(again.stuck_from, outliers.stuck_from)
    bounds = {"lower": outliers.lower, "upper": outliers.upper}
    assert OutlierFilter.from_arrays({"season": 0}, bounds).stuck_from is None
    with pytest.raises(ValueError, match="one range a column"):
        OutlierFilter.from_arrays({"season": 0}, {"lower": outliers.upper, "upper": outliers.lower})
    with pytest.raises(ValueError, match="more than one row of each column"):
        OutlierFilter.from_arrays({"season": 0}, {**bounds, "stuck_from": np.float32([1, 5])})


# Forecasters


def hourly(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"load": values}, pd.date_range("2026-01-01", periods=len(values), freq="h"))


@pytest.mark.slow
def test_robust_forecasts_agree_in_every_form():
    frame = hourly(day_and_noise())
    forecaster = closed_form(lookback=48, horizon=6).fit(frame[:800])
    frame.iloc[[850, 870, 871, 900]] = [[-9999], [500], [500], [1e7]]
    dense = forecaster.backtest(frame[800:])
    apart = forecaster.backtest(frame[800:], stride=50)
    pd.testing.assert_frame_equal(apart, dense.loc[apart.index.get_level_values("cutoff").unique()])
    stream = forecaster.stream(frame[800:848])
    for row in range(848, 960):
        step = stream.update(frame.iloc[row])
        expected = dense.loc[frame.index[row]] if row < N - 6 else None
        np.testing.assert_allclose(step, expected, rtol=1e-4)
        np.testing.assert_allclose(forecaster.predict(frame[800 : row + 1]), expected, rtol=1e-4)
    assert dense["load"].between(0, 60).all()
    forecaster.pipeline_ = forecaster.pipeline_.without("outliers")
    assert not forecaster.backtest(frame[800:])["load"].between(0, 60).all()


def test_a_robust_fit_warns_of_sentinels_once_and_can_be_told_not_to():
    values = day_and_noise()
    values[[100, 300, 500, 700]] = -9999
    with pytest.warns(UserWarning, match=r"'load' holds -9999 4 times.*X\.replace\(-9999"):
        robust = closed_form(lookback=48, horizon=6).fit(hourly(values))
    assert robust.predict()["load"].between(0, 60).all()
    naive = closed_form(lookback=48, horizon=6, outliers=None).fit(hourly(values))
    assert naive.pipeline_.outliers is None
    assert naive.scale_[0] > 100 > robust.scale_[0]
    assert naive.outliers_ is None


@pytest.mark.parametrize("first", [840, 912, 801])  # at the start of a week, in its midst, before a weekend
@pytest.mark.parametrize("seed", [0, 1])
def test_robust_cleaning_measures_a_level_shift_by_the_same_days_of_the_week(first, seed):
    hours = np.arange(10 * 7 * 24)
    rows = np.sin(2 * np.pi * hours / 24) - 2.0 * (hours // 24 % 7 >= 5)
    rows += 0.1 * np.random.default_rng(seed).normal(size=len(hours))
    shifted = rows + 8.0 * (hours < first)
    cleaned = clean_rows(shifted[:, None], 24)
    assert cleaned.shifted == [(0, first)]
    assert abs((cleaned.rows[:first, 0] - rows[:first]).mean()) < 0.15


def test_a_robust_fit_counts_what_it_replaces_and_shifts(tmp_path):
    frame = hourly(day_and_noise()).assign(other=day_and_noise(1), still=5.0)
    frame.iloc[[100, 300], 0] = 500
    frame.iloc[:400, 1] -= 50
    frame.iloc[200, 2] = -9999
    forecaster = closed_form(lookback=48, horizon=6).fit(frame)
    assert forecaster.outliers_.to_dict("index") == {
        "load": {"replaced": 2, "shifts": 0},
        "other": {"replaced": 0, "shifts": 1},
        "still": {"replaced": 1, "shifts": 0},
    }
    assert (forecaster.predict()["still"] == 5).all()
    forecaster.save(tmp_path / "model.tscnn")
    pd.testing.assert_frame_equal(type(forecaster).load(tmp_path / "model.tscnn").outliers_, forecaster.outliers_)


def test_a_column_that_wakes_up_has_the_unit_of_the_rows_where_it_moves():
    values = np.where(np.arange(N) < 950, 0, 5000 + 500 * np.random.default_rng(0).normal(size=N))
    frame = hourly(day_and_noise()).assign(new=values)
    forecaster = closed_form(lookback=24, outliers=None).fit(frame)
    assert 300 < forecaster.scale_[1] < 3000


def test_blocks_change_no_bit(monkeypatch):
    rows = np.random.default_rng(0).standard_t(2, size=(400, 2))
    expected = clean_rows(rows, 7)
    monkeypatch.setattr(cleaning, "BLOCK", 64)
    np.testing.assert_array_equal(clean_rows(rows, 7).rows, expected.rows)
    assert expected.replaced.any()


def test_very_many_rows_are_cleaned_in_parts(monkeypatch):
    monkeypatch.setattr("tscnn.transforms.cleaning.MOST_ROWS", 2**18)
    rows = np.random.default_rng(0).normal(size=(2**19 + 7, 2))
    assert clean_rows(rows, None).rows is rows
    damaged = rows.copy()
    damaged[[1000, 2**18 + 9, 2**19], 1] = 1e4
    damaged[300_000:, 0] += 50
    cleaned = clean_rows(damaged, None)
    assert cleaned.replaced.tolist() == [0, 3]
    assert not cleaned.shifted
    assert np.abs(cleaned.rows[:, 1]).max() < 10
    np.testing.assert_array_equal(cleaned.rows[:, 0], damaged[:, 0])


def test_spikes_that_go_with_something_known_ahead_are_none():
    random, at = np.random.default_rng(0), np.arange(300) % 10 == 0
    rows = random.normal(size=(300, 1))
    rows[at] += 40
    rows[[55, 155], 0] = 60, -9999
    covariates = np.column_stack([random.normal(size=300), at])
    cleaned = clean_rows(rows, 7, covariates)
    np.testing.assert_array_equal(np.flatnonzero(cleaned.rows != rows), [55, 155])
    assert clean_rows(rows, 7, random.permutation(covariates)).replaced[0] > 20
    damaged = rows.copy()
    damaged[at] = -9999
    assert clean_rows(damaged, 7, covariates).sentinels == [(0, -9999.0, 31)]


@pytest.mark.parametrize("gap", [1, 40])
def test_a_sentinel_beside_a_gap_is_found(gap):
    rows = day_and_noise()[:400, None].copy()
    rows[200] = -9999
    rows[201 - gap : 200] = rows[201 : 201 + gap] = np.nan
    cleaned = clean_rows(rows, 24)
    assert cleaned.replaced.tolist() == [1]
    assert np.nanmin(cleaned.rows) >= np.nanmin(np.delete(rows, 200))
