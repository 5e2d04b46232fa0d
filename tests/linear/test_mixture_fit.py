from dataclasses import replace

import numpy as np
import pytest

from tests.linear.series import (
    autoregression,
    errors_of,
    example,
    mix,
    random_walks,
    relative_gram,
    two_kinds,
)
from tscnn.data.windows import find_origins
from tscnn.linear import LinearModel
from tscnn.linear.mixture_fit import Origins, fit_mixture
from tscnn.linear.ridge import as_kernel, solve_ridge
from tscnn.linear.settings import MixtureSettings


def with_mixture(maps="auto", **changes):
    return LinearModel(maps=maps, mixture=MixtureSettings(**changes))


def squared(matrices, weights):
    return matrices.squared_errors(weights).mean()


def test_a_mixture_is_no_worse_than_its_best_candidate():
    _, training, validation = example()
    rows = autoregression(400, 5).astype(float)
    fitted, held_out = relative_gram(rows, training, 12, 3), relative_gram(rows, validation, 12, 3)
    settings = with_mixture(n_folds=0)  # nothing counts but the validation origins
    mixed = squared(held_out, mix(rows, 300, [12], 3, settings=settings).solve()[0])
    own = [np.concatenate([solve_ridge(fitted.feature(f), alpha) for f in range(2)]) for alpha in (0.001, 0.01, 0.1)]
    best = min(squared(held_out, weights) for weights in [*own, solve_ridge(fitted.mean(), 0.01)])
    assert mixed < 1.005 * best  # it leans a little towards equal weights


@pytest.mark.parametrize("season", [30])
def test_the_lookback_found_covers_a_season(season):
    random = np.random.default_rng(3)
    shape = random.normal(size=(season, 1))  # nothing shorter tells what comes next
    rows = np.tile(shape, (3000 // season, 1)) + 0.01 * random.normal(size=(3000, 1))
    assert mix(rows, 2000, [1, 2, 4, 8, 16, 32, 64], 2).lookback >= 32


def test_the_lookback_found_is_short_where_nothing_older_helps():
    found = [mix(random_walks([3000], 1, seed) / 30, 2000, [1, 2, 4, 8, 16, 32, 64], 2).lookback for seed in range(3)]
    assert np.median(found) <= 2


@pytest.mark.parametrize("maps", ["shared", "per_feature", "auto"])
@pytest.mark.parametrize("first", [300, None])
def test_weights_of_each_step_sum_to_one(maps, first):
    rows, _, _ = example()
    found = mix(rows, first, [12], 3, settings=with_mixture(maps))
    for kernel in found.solve():
        assert kernel.shape[0] == (1 if maps == "shared" or (first is None and maps == "auto") else 2)
        np.testing.assert_allclose(kernel.sum(axis=1), 1)


@pytest.mark.parametrize("horizon", [1, 24])
def test_what_a_map_can_forecast_exactly_is_forecast(horizon):
    times = np.arange(3000.0)[:, None]
    rows = np.hstack([np.sin(times / 150) + np.sin(times / 37), (times - 1200) / 700]).astype(np.float32)
    found = mix(rows[:2400], 2200, [1, 2, 4, 8, 16, 32, 64, 128, 256], horizon)
    _, kernel = found.solve()
    later = find_origins([3000], found.lookback, horizon, [2400])
    assert np.square(errors_of(kernel, rows, later, found.lookback, horizon)).mean() < 1e-3


def gain_over_repetition(rows, n_known, settings=None, lookback=128, horizon=48):
    """By what part the mixture's squared errors on later rows are smaller than those of repeating the newest row."""
    _, kernel = mix(rows[:n_known], n_known * 9 // 10, [lookback], horizon, settings=settings).solve()
    later = find_origins([len(rows)], lookback, horizon, [n_known])
    repetition = as_kernel(np.zeros((1, 1, horizon)), lookback)
    ours, theirs = (
        np.square(errors_of(weights, rows, later, lookback, horizon)).mean() for weights in (kernel, repetition)
    )
    return 1 - ours / theirs


@pytest.mark.slow
def test_random_walks_are_left_where_they_are():
    walks = [random_walks([3000], 1, seed) / 30 for seed in range(12)]
    gains = [gain_over_repetition(rows, 1000) for rows in walks]
    assert np.mean(gains) > -0.01
    credulous = [gain_over_repetition(rows, 1000, LinearModel(level=0.999)) for rows in walks[:6]]
    assert np.mean(credulous) < np.mean(gains[:6]) - 0.005


def test_noise_is_forecast_by_its_mean():
    rows = np.random.default_rng(0).normal(size=(2000, 2))
    _, kernel = mix(rows[:1000], 900, [96], 12).solve()
    errors = errors_of(kernel, rows, find_origins([2000], 96, 12, [1000]), 96, 12)
    assert np.square(errors).mean() < 1.03  # the variance, and what the mean of 96 rows must cost


def test_a_certain_gain_over_repetition_is_kept_whole():
    season = np.sin(np.arange(2000) * 2 * np.pi / 24)[:, None]
    rows = season + 0.3 * np.random.default_rng(0).normal(size=(2000, 2))
    gain = gain_over_repetition(rows, 1500)
    assert gain > 0.5
    assert gain == gain_over_repetition(rows, 1500, LinearModel(level=0.999))


def test_what_is_doubted_is_mixed_with_repetition_by_target():
    season = np.sin(np.arange(1000) * 2 * np.pi / 24)[:, None]
    noise = np.random.default_rng(0).normal(size=(1000, 1))
    rows = np.hstack([season + 0.3 * noise, random_walks([1000], 1, 0) / 30])
    found = mix(rows, 900, [128], 48)
    for kernel in (*found.solve(), *(fold.kernel for fold in found.folds)):
        np.testing.assert_allclose(kernel.sum(axis=1), 1)
        own, walk = kernel[:, -1].mean(axis=1)
        assert own < 0.2
        assert walk > 0.5


@pytest.mark.parametrize("n_rows", [97, 130])
def test_a_season_of_few_windows_is_kept_whole(n_rows):
    random = np.random.default_rng(0)
    rows = np.tile(random.normal(size=(12, 1)), (12, 1))[:n_rows] + 0.1 * random.normal(size=(n_rows, 1))
    first = n_rows * 85 // 100
    found = mix(rows, first, [12], 6, season_length=12)
    assert not found.weights[-1].any()  # of repeating the newest row
    assert np.abs(found.solve()[1][0, -1]).max() < 0.5


@pytest.mark.parametrize("validated", [True, False])
def test_targets_that_vary_alike_share_a_map_where_not_all_can_have_their_own(validated):
    rows = two_kinds()
    settings = with_mixture("auto", most_entries=2 * 48 * 51)
    found = mix(rows, 1300 if validated else None, [48], 3, settings=settings)
    fitted, refitted = found.solve()
    if not validated:
        assert fitted.shape == (1, 48, 3)
        return
    assert fitted.shape == refitted.shape == (2, 48, 3)
    np.testing.assert_array_equal(found.maps % 2, (found.maps[0] + np.arange(6)) % 2)
    for fold in found.folds:
        assert fold.kernel.shape == (2, 48, 3)
        np.testing.assert_array_equal(fold.maps, found.maps)


def test_validation_rows_do_not_tell_groups():
    rows, settings = two_kinds(), with_mixture(most_entries=2 * 48 * 51)
    changed = rows.copy()
    changed[1300:] = rows[1300:][:, [0, 2, 1, 3, 5, 4]] * np.linspace(1, 9, 6, dtype=np.float32)
    first, second = (mix(each, 1300, [48], 3, settings=settings) for each in (rows, changed))
    np.testing.assert_array_equal(first.maps, second.maps)


def test_later_rows_have_no_part_in_what_is_fitted_on_training_rows():
    rows = autoregression(400, 5).astype(float)
    settings = with_mixture(n_folds=0, n_lengths=1, alphas=(0.1,), mean_alphas=(), structural_windows=0.0)
    spoiled = rows.copy()
    spoiled[300:] += 0.1 * np.random.default_rng(0).normal(size=(100, 2))
    (fitted, refitted), (other, changed) = (
        mix(each, 300, [12], 3, settings=replace(settings, maps="shared")).solve() for each in (rows, spoiled)
    )
    np.testing.assert_allclose(fitted, other)
    assert np.abs(refitted - changed).max() > 1e-3


def test_a_map_for_each_group_is_worth_nearly_as_much_as_one_for_each_target():
    rows = two_kinds(2400)

    def error(maps, most=6):
        found = mix(rows[:1500], 1300, [48], 3, settings=with_mixture(maps, most_entries=most * 48 * 51))
        kernel = found.solve()[1][found.maps]
        return np.square(errors_of(kernel, rows, find_origins([2400], 48, 3, [1500]), 48, 3)).mean()

    shared, grouped, own = error("shared"), error("auto", most=2), error("auto")
    assert own < 0.95 * shared
    assert grouped < 1.01 * own
    assert error("per_feature", most=2) == error("per_feature")


def test_a_lookback_of_one_repeats_the_last_row():
    rows, _, _ = example()
    np.testing.assert_array_equal(mix(rows[:300], None, [1], 2).solve()[0], np.ones((1, 1, 2)))


@pytest.mark.parametrize("lengths", [[400], [250, 350]])
def test_one_map_is_solved_on_the_training_origins_and_one_on_all(lengths):
    settings = with_mixture("shared", n_folds=0, n_lengths=1, mean_alphas=(), structural_windows=0.0)
    rows = np.concatenate([autoregression(n, 2).astype(float) for n in lengths])
    known, starts = [length - 60 for length in lengths], np.cumsum([0, *lengths[:-1]]).tolist()
    training = [range(start + 11, start + n - 3) for start, n in zip(starts, known, strict=True)]
    validation = find_origins(lengths, 12, 3, known)
    solved = fit_mixture(rows, Origins(training, validation, 3, None), [12], settings).solve()
    everything = find_origins(lengths, 12, 3)
    for kernel, origins in zip(solved, (training, everything), strict=True):
        matrices = relative_gram(rows, origins, 12, 3).mean()
        strengths = np.array(settings.mixture.alphas) * sum(map(len, training)) / sum(map(len, origins))
        expected = [as_kernel(solve_ridge(matrices, alpha), 12) for alpha in strengths]
        assert min(np.abs(kernel - weights).max() for weights in expected) < 1e-9


def test_few_windows_may_shrink_to_the_season():
    later = [range(65, 102)]

    def error(season_length, **changes):
        _, kernel = mix(rows[:66], 54, [12], 6, season_length, with_mixture(**changes)).solve()
        return np.square(errors_of(kernel, rows, later, 12, 6)).mean()

    ratios = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        rows = np.tile(random.normal(size=(12, 1)), (9, 1)) + 0.3 * random.normal(size=(108, 1))
        ratios.append(error(12) / error(None))
    assert np.mean(ratios) < 0.95
    assert error(24) == error(None)  # no window sees it
    assert error(12, few_windows=10) == error(None, few_windows=10)


def test_few_windows_may_shrink_to_the_season_far_ahead():
    random = np.random.default_rng(0)
    rows = np.tile(random.normal(size=(12, 1)), (60, 1)) + 0.1 * random.normal(size=(720, 1))
    _, kernel = mix(rows[:520], 400, [12], 100, season_length=12).solve()  # errors are computed at every third step
    errors = errors_of(kernel, rows, find_origins([720], 12, 100, [520]), 12, 100)
    assert np.square(errors).mean() < 3 * 0.1**2  # repeating the season has twice the noise


@pytest.mark.parametrize("broken", ["a step", "an outlier", "the first steps of a constant"])
def test_what_the_newest_rows_alone_say_is_not_explained(broken):
    rows = np.random.default_rng(0).normal(size=(600, 1))
    if broken == "a step":
        rows[595:] += 1e4
    elif broken == "an outlier":
        rows[580] = 1e6
    else:
        rows[:540] = 0
    _, kernel = mix(rows, 540, [1, 3, 6, 12, 24, 48, 96], 12).solve()
    seen = rows[-kernel.shape[1] :, 0]
    assert np.abs(seen @ kernel[0] - seen.mean()).max() < np.ptp(seen)


def test_a_few_windows_that_nothing_tests_are_not_explained_by_chance():
    ratios = []
    for seed in range(10):
        rows = np.random.default_rng(seed).normal(size=(80, 1))
        kernel, _ = mix(rows[:30], None, [10], 12).solve()
        later = find_origins([80], 10, 12, [30])
        mean = np.full((1, 10, 12), 0.1)
        ours, theirs = (np.square(errors_of(weights, rows, later, 10, 12)).mean() for weights in (kernel, mean))
        ratios.append(ours / theirs)
    assert np.mean(ratios) < 2  # one ridge regression of a usual strength has 21


def test_many_windows_that_nothing_tests_are_explained():
    rows = np.sin(np.arange(600.0) / 5)[:, None] + np.random.default_rng(0).normal(0, 0.1, (600, 1))
    found = mix(rows[:500], None, [32], 4)
    assert found.gain.reason == "not kept: no validation rows"
    assert np.square(errors_of(found.solve()[0], rows, find_origins([600], 32, 4, [500]), 32, 4)).mean() < 0.03


@pytest.mark.parametrize("n_rows", [25, 40, 60, 100])
def test_few_rows_are_enough(n_rows):
    rows = random_walks([n_rows], 2, 7) / 5
    for kernel in mix(rows, n_rows - 5, [2, 4, 8], 4).solve():
        assert np.isfinite(kernel).all()


def test_a_memory_is_kept_by_the_gate():
    found = mix(autoregression(2000, 10), 1800, [24], 6)
    assert found.gain.kept
    assert found.gain.n_blocks >= 8
    assert found.gain.n_tries == 1
    assert len(found.errors) == len(found.folds) == 4


def test_columns_that_never_move_share_a_map():
    rows, training, validation = example(n_features=3)
    rows = np.hstack([rows[:, :1], np.zeros((400, 30)), rows[:, 1:]])
    found = fit_mixture(rows, Origins(training, validation, 3, None), [12], LinearModel())
    np.testing.assert_array_equal(found.maps, [0, *[1] * 30, 2, 3])
    alone = fit_mixture(np.zeros((400, 300)), Origins(training, validation, 3, None), [12], LinearModel())
    assert not alone.maps.any()
