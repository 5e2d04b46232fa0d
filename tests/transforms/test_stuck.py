"""Stuck sensors: runs of one value that are longer than any in training."""

import numpy as np
import pandas as pd
import pytest

from tscnn.data.series import SeriesSet
from tscnn.transforms.stuck import count_runs, find_stuck, learn_stuck_from

N, SEASON = 400, 24


def series_of(values: np.ndarray, n_series: int = 1) -> SeriesSet:
    indexes = tuple(pd.RangeIndex(len(values) // n_series) for _ in range(n_series))
    return SeriesSet(values, indexes, None if n_series == 1 else tuple("abcde"[:n_series]))


@pytest.mark.parametrize("seed", range(5))
def test_runs_are_counted_row_by_row(seed):
    random = np.random.default_rng(seed)
    values = random.integers(0, 2, size=(40, 3)).astype(float)
    values[random.random(values.shape) < 0.1] = np.nan
    runs, expected = count_runs(values), np.ones(3)
    for row, count in enumerate(runs):
        expected = np.where(values[row] == values[max(row - 1, 0)], expected + 1, 1) if row else expected
        np.testing.assert_array_equal(count, expected)


def test_what_is_long_is_learnt_from_each_column():
    random = np.random.default_rng(0)
    moving = random.normal(size=N)
    rounded = moving.copy()
    rounded[100:107] = 1.0
    counts = random.poisson(0.3, N)  # most are zeros, like the values before
    values = np.stack([moving, rounded, counts, np.full(N, 5.0)], axis=1).astype(float)
    assert learn_stuck_from(series_of(values), SEASON).tolist() == [
        13,
        22,
        np.inf,
        np.inf,
    ]  # half a season; thrice 7 rows
    assert learn_stuck_from(series_of(values), None).tolist() == [10, 22, np.inf, np.inf]
    assert learn_stuck_from(series_of(values[:, 2:]), SEASON) is None


def test_runs_end_with_a_series_and_go_on_from_block_to_block(monkeypatch):
    values = np.random.default_rng(0).normal(size=(N, 1))
    values[195:206] = 1.0
    assert learn_stuck_from(series_of(values), None).tolist() == [34]
    assert learn_stuck_from(series_of(values, n_series=2), None).tolist() == [19]
    monkeypatch.setattr("tscnn.data.mapped.MOST_VALUES", 4)
    assert learn_stuck_from(series_of(values), None).tolist() == [34]


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (10, 16, (10, 16)),
        (10, 14, None),  # four equal values may be
        (-3, 4, None),  # of which the window holds four
        (-3, 5, (0, 5)),
        (14, 20, (14, 20)),
        (0, 11, None),  # more than half of the window
    ],
)
def test_a_window_is_judged_by_its_own_rows(start, stop, expected):
    values = np.random.default_rng(0).normal(size=(30, 1))
    values[10 + start : 10 + stop] = 1.0
    runs = np.stack([count_runs(values)[10:], count_runs(values[10:])])
    for found in (find_stuck(one[None], np.float32([5]), np.zeros((1, 20, 1), bool)) for one in runs):
        if expected is None:
            assert found is None
        else:
            assert np.flatnonzero(found).tolist() == list(range(*expected))


def test_outliers_beside_count_among_what_a_window_would_lose():
    values = np.random.default_rng(0).normal(size=(20, 1))
    values[:8] = 1.0
    runs, far = count_runs(values)[None], np.zeros((1, 20, 1), bool)
    assert find_stuck(runs, np.float32([5]), far).sum() == 8
    far[0, 10:13] = True
    assert find_stuck(runs, np.float32([5]), far) is None
