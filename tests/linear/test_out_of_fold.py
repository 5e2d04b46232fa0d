import numpy as np
import pytest

from tscnn.linear import LinearModel
from tscnn.linear.out_of_fold import FoldErrors, FoldMaps, find_better_targets, gate_gain, out_of_fold_errors

MODEL = LinearModel()


def fold(random, n_targets, n_origins=30, n_steps=2):
    errors, ones = random.normal(size=(n_origins, n_targets, n_steps)), np.ones((n_origins, n_targets))
    return FoldErrors(np.arange(n_origins), (n_origins,), 1, np.arange(n_steps), errors, ones)


def scaled(folds, factors):
    return [each.with_errors(each.errors * factors) for each in folds]


def test_errors_are_those_of_forecasts_and_outcomes():
    rows = np.random.default_rng(0).normal(size=(500, 3))
    maps = FoldMaps(
        np.full((1, 8, 2), 1 / 8), np.zeros(3, int), np.array([0, 3]), [range(100, 110), range(0), range(200, 205)]
    )
    scales = np.random.default_rng(1).uniform(1, 2, size=rows.shape)
    (found,) = out_of_fold_errors(rows, [maps], scales, MODEL)
    at = [*range(100, 110), *range(200, 205)]
    np.testing.assert_array_equal(found.origins, at)
    for i, t in enumerate(at):
        expected = rows[t - 7 : t + 1].mean(axis=0)[:, None] - rows[[t + 1, t + 4]].T
        np.testing.assert_allclose(found.errors[i], expected, atol=1e-12)
    np.testing.assert_allclose(found.losses(False), (found.errors**2).mean(axis=2) / scales[at] ** 2)
    np.testing.assert_allclose(found.losses(True), np.abs(found.errors).mean(axis=2) / scales[at])
    assert [len(piece) for piece in found.by_stretch(found.losses(True))] == [10, 5]


def test_of_many_targets_fewer_origins_are_forecast():
    rows = np.random.default_rng(0).normal(size=(500, 6)).astype("float32")
    stretches = [[range(100, 400)], [range(402, 450)]]
    folds = [FoldMaps(np.full((1, 8, 2), 1 / 8), np.zeros(6, int), np.arange(2), each) for each in stretches]
    whole = out_of_fold_errors(rows, folds, np.ones_like(rows), MODEL)
    part = out_of_fold_errors(rows, folds, np.ones_like(rows), LinearModel(most_windows=600))
    few = out_of_fold_errors(rows, folds, np.ones_like(rows), LinearModel(most_origins=100))
    assert [each.stride for each in (*whole, *part)] == [1, 1, 3, 3]
    for found in (part, few):
        for each, every in zip(found, whole, strict=True):
            np.testing.assert_array_equal(each.errors, every.errors[::3])
            np.testing.assert_array_equal(each.origins, every.origins[::3])


def test_missing_outcomes_have_no_errors():
    random = np.random.default_rng(0)
    rows, observed = random.normal(size=(60, 2)), random.random((60, 2)) < 0.7
    maps = FoldMaps(random.normal(size=(1, 4, 2)), np.zeros(2, int), np.array([0, 2]), [range(5, 50)])
    (every,), (some,) = (
        out_of_fold_errors(rows, [maps], np.ones_like(rows), MODEL, known) for known in (None, observed)
    )
    there = np.stack([observed[some.origins + 1], observed[some.origins + 3]], axis=2)
    np.testing.assert_array_equal(some.errors, np.where(there, every.errors, 0))
    np.testing.assert_array_equal(some.with_errors(every.errors + 1).errors, np.where(there, every.errors + 1, 0))


def test_targets_that_a_change_helps_are_told_apart():
    random = np.random.default_rng(0)
    before = [fold(random, 4) for _ in range(3)]
    after = scaled(before, np.array([0.9, 1.1, 0.8, 50.0])[:, None])
    better, switched = find_better_targets(before, after)
    np.testing.assert_array_equal(better, [True, False, True, False])
    for found, each in zip(switched, before, strict=True):
        np.testing.assert_allclose(found.errors, each.errors * np.array([0.9, 1.0, 0.8, 1.0])[:, None])
    result, testable = gate_gain(before, switched, 2, MODEL)
    squared, absolute = (
        1 - np.mean([f.losses(measure) for f in switched]) / np.mean([f.losses(measure) for f in before])
        for measure in (False, True)
    )
    assert result.gain == pytest.approx((squared + absolute) / 2)
    assert result.kept
    assert testable


def test_one_target_of_many_does_not_decide_whether_a_gain_is_kept():
    random = np.random.default_rng(0)
    before = scaled([fold(random, 50) for _ in range(3)], np.where(np.arange(50) == 7, 100.0, 1.0)[:, None])
    after = scaled(before, np.where(np.arange(50) == 7, 1.05, 0.95)[:, None])
    losses = [np.mean([each.losses(False) for each in folds]) for folds in (before, after)]
    assert losses[1] > losses[0]
    assert gate_gain(before, after, 2, MODEL)[0].kept


def test_what_helps_by_chance_gains_nothing():
    gains, kept = [], 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        before, after = ([fold(random, 20, 60) for _ in range(4)] for _ in range(2))  # errors of the same size
        result, _ = gate_gain(before, find_better_targets(before, after)[1], 2, MODEL)
        gains.append(result.gain)
        kept += result.kept
    assert np.mean(gains) < 0.01  # 0.05 if each fold had a say in the targets that are switched
    assert kept <= 8  # 4 are to be expected: folds that choose targets for each other depend on each other a little


def test_tries_and_the_least_gain_count():
    random = np.random.default_rng(0)
    before = [fold(random, 2, 100) for _ in range(3)]
    after = [each.with_errors(each.errors + 0.3 * random.normal(size=each.errors.shape)) for each in before]
    better = scaled(before, 0.999)
    assert gate_gain(before, better, 2, MODEL)[0].kept
    assert not gate_gain(before, better, 2, MODEL, least_gain=0.01)[0].kept
    once, often = (gate_gain(after, before, 20, MODEL, n_tries=n)[0].p_value for n in (1, 20))
    assert often == pytest.approx(1 - (1 - once) ** 20)


@pytest.mark.parametrize(("apart", "testable"), [(10, True), (30, False), (90, False)])
def test_few_blocks_tell_nothing(apart, testable):
    before = [fold(np.random.default_rng(seed), 2) for seed in range(3)]
    result, found = gate_gain(before, scaled(before, 0.5), apart, MODEL)
    assert found == testable
    assert result.kept == testable


def test_gains_of_sets_of_targets_are_averaged():
    before = [fold(np.random.default_rng(seed), 2) for seed in range(3)]
    after = scaled(before, np.array([0.5, 1.0])[:, None])
    gain = gate_gain(before, after, 2, MODEL, measures=[False], targets=[[0], [1]])[0].gain
    assert gain == pytest.approx(0.75 / 2)
