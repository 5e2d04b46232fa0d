import numpy as np
import pytest

from tscnn.linear.mixture import JudgedMap
from tscnn.linear.out_of_fold import Residuals, find_helped, find_residuals, judge_by_target


def fold(random, n_targets, n_origins=30, n_steps=2):
    errors, ones = random.normal(size=(n_origins, n_targets, n_steps)), np.ones((n_origins, n_targets))
    return Residuals(np.arange(n_origins), n_origins, np.arange(n_steps), errors, 0 * ones, ones, ones)


def test_of_many_targets_fewer_origins_are_judged(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(500, 6)).astype("float32")
    judged = [JudgedMap(np.full((1, 8, 2), 1 / 8), np.zeros(6, int), np.arange(2), [range(100, 400)])]
    (whole,), _ = find_residuals(rows, range(6), judged, 4)
    monkeypatch.setattr("tscnn.linear.out_of_fold.MOST_WINDOWS", 600)
    (part,), _ = find_residuals(rows, range(6), judged, 4)
    (of_two,), _ = find_residuals(rows, [2, 5], judged, 4)
    assert whole.n_origins == part.n_origins == of_two.n_origins == len(whole.origins) == len(of_two.origins) == 300
    np.testing.assert_array_equal(part.origins, np.arange(100, 400, 3))
    np.testing.assert_array_equal(part.errors, whole.errors[::3])


def test_targets_that_a_change_helps_are_told_apart():
    random = np.random.default_rng(0)
    folds = [fold(random, 4) for _ in range(3)]
    before = [each.errors for each in folds]
    after = [errors * np.array([0.9, 1.1, 0.8, 50.0])[:, None] for errors in before]
    better, gain = judge_by_target(folds, before, after)
    np.testing.assert_array_equal(better, [True, False, True, False])
    kept = [errors * np.array([0.9, 1.0, 0.8, 1.0])[:, None] for errors in before]
    squared, absolute = (
        np.mean([1 - measure(b).mean() / measure(a).mean() for a, b in zip(before, kept, strict=True)])
        for measure in (np.square, np.abs)
    )
    assert gain == pytest.approx(squared + absolute, rel=0.05)


def test_what_helps_by_chance_gains_nothing():
    gains = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        folds = [fold(random, 40) for _ in range(4)]
        before = [each.errors for each in folds]
        after = [errors * (1 + 0.2 * random.normal(size=(40, 1))) for errors in before]
        gains.append(judge_by_target(folds, before, after)[1])
    assert np.mean(gains) < 0.02  # 0.10 if each fold had a say in the targets that it is judged by


@pytest.mark.parametrize(("n_origins", "n_steps"), [(192, 24), (191, 12), (96, 12), (95, 6), (24, 3), (23, 0)])
def test_near_steps_are_helped_where_folds_tell_too_little_of_far_ones(n_origins, n_steps):
    folds = [fold(np.random.default_rng(seed), 2, n_origins, n_steps=24) for seed in range(3)]
    before = [each.errors for each in folds]
    helped = find_helped(folds, before, [errors / 2 for errors in before], horizon=24)
    np.testing.assert_array_equal(helped, np.tile(np.arange(24) < n_steps, (2, 1)))


def test_parts_of_the_horizon_are_judged_by_themselves():
    folds = [fold(np.random.default_rng(seed), 2, 200, n_steps=24) for seed in range(3)]
    before = [each.errors for each in folds]
    factors = np.ones((2, 24))
    factors[0, 3:6], factors[1, 12:] = 0.9, 0.8
    factors[1, 3:6] = factors[0, 12:] = 1.2
    helped = find_helped(folds, before, [errors * factors for errors in before], horizon=24)
    np.testing.assert_array_equal(helped, factors < 1)
