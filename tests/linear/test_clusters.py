import numpy as np
import pytest

from tests.linear.series import autoregression, random_walks
from tscnn.linear.clusters import group_alike


def columns_of_three_laws(n_each=7, n_rows=3000):
    season = np.sin(np.arange(n_rows)[:, None] * 2 * np.pi / 24 + np.arange(n_each))
    noise = np.random.default_rng(0).normal(size=(n_rows, n_each))
    laws = [autoregression(n_rows, 30, n_each), season + 0.3 * noise, noise]
    return np.hstack([law / law.std(axis=0) for law in laws]).astype(np.float32)


@pytest.mark.parametrize("lookback", [8, 48, 96])
def test_columns_of_one_law_are_one_group(lookback):
    rows, order = columns_of_three_laws(), np.random.default_rng(1).permutation(21)
    scaled = rows[:, order] * np.linspace(0.5, 2, 21, dtype=np.float32)
    groups = group_alike(scaled, [range(200, 2999)], lookback, 3, 2000)
    for law in range(3):
        assert len(set(groups[order // 7 == law])) == 1
    assert sorted(set(groups)) == [0, 1, 2]


@pytest.mark.parametrize(("n_features", "n_groups"), [(1, 1), (3, 3), (3, 9)])
def test_few_columns_are_a_group_each(n_features, n_groups):
    rows = random_walks([100], n_features, 0)
    np.testing.assert_array_equal(group_alike(rows, [range(9, 99)], 10, n_groups, 2000), np.arange(n_features))


def test_all_may_be_one_group():
    np.testing.assert_array_equal(group_alike(random_walks([100], 4, 0), [range(9, 99)], 10, 1, 2000), np.zeros(4))


def test_groups_are_told_by_the_given_origins_alone():
    rows = columns_of_three_laws()
    changed = rows.copy()
    changed[1500:] = np.random.default_rng(2).normal(size=(1500, 21))
    groups, others = (group_alike(each, [range(200, 1500)], 48, 3, 500) for each in (rows, changed))
    np.testing.assert_array_equal(groups, others)


def test_constant_columns_and_copies_can_be_grouped():
    rows = np.hstack([np.zeros((500, 3)), columns_of_three_laws(n_rows=500)[:, [0, 0, 0, 8, 15]]]).astype(np.float32)
    groups = group_alike(rows, [range(100, 499)], 24, 4, 2000)
    assert len(set(groups[:3])) == len(set(groups[3:6])) == 1
    assert len(set(groups)) == 4
