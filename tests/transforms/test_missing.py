"""Filling what is missing: lines, maps, and which windows see what whole series do."""

import json

import numpy as np
import pandas as pd
import pytest

from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.windows import sliding_windows
from tscnn.transforms import OutlierFilter, Standardize
from tscnn.transforms.cleaning import clean_rows
from tscnn.transforms.missing import GapMaps, carry_forward, fill_missing, fill_series, find_dependent
from tscnn.transforms.yearly import fit_yearly_season

SEASON = 6


def waves(n_rows=600, seed=0):
    random = np.random.default_rng(seed)
    slow = np.convolve(random.normal(size=n_rows + 19), np.ones(20) / 20, "valid")
    wave = np.sin(2 * np.pi * np.arange(n_rows) / SEASON)
    rows = np.stack([slow + wave, 0.5 * wave], axis=1) + 0.05 * random.normal(size=(n_rows, 2))
    return ((rows - rows.mean(axis=0)) / rows.std(axis=0)).astype(np.float32)


def as_series(rows):
    return SeriesSet(rows, (pd.RangeIndex(len(rows)),))


def fit_maps(rows, season=SEASON):
    series = as_series(rows)
    return GapMaps.fit(series, Split.at(series, [None]), season)


def with_gaps(rows, share, n_blocks, seed):
    random = np.random.default_rng(seed)
    missing = random.random(rows.shape) < share
    for start in random.integers(0, len(rows), n_blocks):
        missing[start : start + random.integers(2, 40), random.integers(rows.shape[1])] = True
    return np.where(missing, np.nan, rows).astype(rows.dtype)


@pytest.fixture(scope="module")
def maps():
    return fit_maps(with_gaps(waves(), 0.1, 3, seed=1))


def test_missing_gaps_are_filled_by_lines_and_by_the_nearest_values():
    rows = np.array([[np.nan, 1.0, np.nan], [2.0, np.nan, np.nan], [np.nan, np.nan, np.nan], [np.nan, 4.0, np.nan]])
    np.testing.assert_array_equal(fill_missing(rows, None).T, [[2, 2, 2, 2], [1, 2, 3, 4], [0, 0, 0, 0]])
    assert fill_missing(rows[:0], None) is not None
    complete = np.ones((3, 2))
    assert fill_missing(complete, None) is complete


@pytest.mark.parametrize(("start", "stop"), [(200, 212), (588, 600), (0, 12), (200, 203), (100, 190)])
def test_missing_long_gaps_are_filled_by_what_follows_the_season(maps, start, stop):
    rows = waves()
    gap = rows.copy()
    gap[start:stop] = np.nan
    filled, line = fill_missing(gap, maps), fill_missing(gap, None)
    np.testing.assert_array_equal(np.delete(filled, np.s_[start:stop], axis=0), np.delete(rows, np.s_[start:stop], 0))
    errors = [np.abs(found - rows)[start:stop].mean(axis=0) for found in (filled, line)]
    if stop - start > 3:
        assert (errors[0] < 0.6 * errors[1]).all()
        assert errors[0][1] < 0.25
    else:
        np.testing.assert_array_equal(filled, line)


@pytest.mark.parametrize("lookback", [5, 20, 60])
@pytest.mark.parametrize(("share", "n_blocks"), [(0.02, 2), (0.2, 0), (0.2, 10), (0.6, 4)])
def test_missing_values_of_other_windows_are_filled_as_in_the_whole_series(maps, lookback, share, n_blocks):
    rows = with_gaps(waves(300), share, n_blocks, seed=lookback)
    for by in (maps, None):
        own = np.stack([fill_missing(window, by) for window in sliding_windows(rows, lookback)])
        differs = (own != sliding_windows(fill_missing(rows, by), lookback)).any(axis=1)
        dependent = find_dependent(np.isnan(rows), lookback, by)
        assert np.isfinite(own).all()
        assert dependent.shape == differs.shape
        assert not (differs & ~dependent).any()
        assert share > 0.1 or dependent.mean() < 0.9


def test_missing_values_too_few_rows_for_maps():
    assert fit_maps(waves(10)) is None
    assert fit_maps(waves(300), season=None).period == 1


def test_missing_values_are_filled_series_by_series():
    series = SeriesSet(np.array([[1.0], [np.nan], [np.nan], [5.0]]), (pd.RangeIndex(2), pd.RangeIndex(2)))
    assert fill_series(series, None).values.ravel().tolist() == [1, 1, 5, 5]
    complete = as_series(np.ones((2, 1)))
    assert fill_series(complete, None) is complete


def test_missing_values_of_naive_forecasts_are_those_before():
    rows = np.array([[np.nan, 1.0], [2.0, np.nan], [np.nan, 3.0], [np.nan, np.nan]])
    assert carry_forward(rows).T.tolist() == [[0, 2, 2, 2], [1, 1, 3, 3]]
    assert carry_forward(rows, 2).T.tolist() == [[0, 2, 0, 2], [1, 0, 3, 0]]


def test_missing_values_in_a_window_with_outliers(maps):
    rows = waves()
    outliers = OutlierFilter.fit(rows, SEASON, maps)
    window = rows[None, 100:148].copy()
    window[0, 20, 0] = 1e4
    window[0, 30:40, 0] = np.nan
    window[0, 10, 1] = np.nan
    cleaned = outliers.clean(window)
    assert np.abs(cleaned - rows[100:148]).max() < 0.6
    again = OutlierFilter.from_arrays(json.loads(json.dumps(outliers.settings())), outliers.arrays())
    np.testing.assert_array_equal(again.clean(window), cleaned)
    without = OutlierFilter.unbounded(2, maps).clean(window)
    assert without[0, 20, 0] == 1e4
    assert np.isfinite(without).all()
    with pytest.raises(ValueError, match="two maps a column"):
        OutlierFilter.from_arrays({"season": 6, "period": 99}, outliers.arrays())


def test_missing_values_are_no_outliers_and_stay_missing():
    rows = np.sin(np.arange(300.0))[:, None] * [1, 1, 1]
    rows[50, 0] = 1e5
    rows[60:90, 0] = np.nan
    rows[:, 2] = np.nan
    cleaned = clean_rows(rows, None)
    assert cleaned.replaced.tolist() == [1, 0, 0]
    np.testing.assert_array_equal(np.isnan(cleaned.rows), np.isnan(rows))


def test_missing_values_are_left_out_of_mean_and_scale():
    values = np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]])
    known = np.vstack([values, [[2.0, 5.0], [2.0, 9.0]]])
    found = Standardize.fit(values, known=known)
    np.testing.assert_allclose([found.mean, found.scale], [[2, 7], [1, 2]])


def test_missing_values_hide_no_yearly_season():
    times = pd.date_range("2020-01-01", periods=700)
    warmth = np.sin(2 * np.pi * times.day_of_year.to_numpy() / 365.25)
    rows = (warmth + 0.3 * np.random.default_rng(0).normal(size=700))[:, None]
    rows[100:160] = np.nan
    assert fit_yearly_season(rows, times, season_length=7) is not None
