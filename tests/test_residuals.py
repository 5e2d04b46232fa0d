import numpy as np
import pytest

from tscnn.residuals import Residuals, judge_by_target


def fold(random, n_targets, n_origins=30):
    errors, ones = random.normal(size=(n_origins, n_targets, 2)), np.ones((n_origins, n_targets))
    return Residuals(np.arange(n_origins), n_origins, np.arange(2), errors, 0 * ones, ones, ones)


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
