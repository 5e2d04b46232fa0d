from dataclasses import replace

import numpy as np
import pytest

from tests.linear.series import autoregression, errors_of, mix, random_walks, relative_gram
from tscnn.data.windows import find_origins
from tscnn.linear import LinearModel
from tscnn.linear.candidates import REPEATING, Ridge, evaluate_candidates, of_kind
from tscnn.linear.folds import cut_folds, relative_gram_matrices
from tscnn.linear.gram import sum_gram_matrices
from tscnn.linear.ridge import as_kernel, solve_ridge
from tscnn.linear.settings import MixtureSettings
from tscnn.linear.structural import Structure, structural_map

SETTINGS = MixtureSettings()


def evaluate(rows, first, lengths, horizon, settings=SETTINGS, season_length=None, few=False, kinds=("shared",)):
    training = find_origins([first], max(lengths), horizon)
    validation = find_origins([len(rows)], max(lengths), horizon, [first])
    groups = np.arange(rows.shape[1])
    summing = relative_gram_matrices(rows, training, max(lengths), horizon, groups, settings)
    folds, *_ = cut_folds(summing, training, validation, horizon, settings.n_folds)
    return folds, evaluate_candidates(folds, lengths, kinds, season_length, few, settings)


def test_the_strength_is_the_one_that_serves_the_fold_best():
    noise = np.random.default_rng(0).normal(size=(400, 1))
    rows = autoregression(400, 20, 1).astype(float) + 0.5 * noise
    own = MixtureSettings(
        n_folds=0, n_lengths=1, few_windows=100, mean_alphas=(), tolerance=0.0, structural_windows=0.0
    )
    training, validation = find_origins([250], 24, 16), find_origins([400], 24, 16, [250])
    fitted, held_out = relative_gram(rows, training, 24, 16), relative_gram(rows, validation, 24, 16)
    best = min((solve_ridge(fitted, alpha) for alpha in own.alphas), key=lambda w: held_out.squared_errors(w).sum())
    found, _ = mix(rows, 250, [24], 16, settings=LinearModel(mixture=own)).solve()
    np.testing.assert_allclose(found, as_kernel(best, 24), atol=1e-9)


def test_a_weaker_ridge_is_taken_if_it_errs_hardly_more():
    rows = random_walks([400], 1, 0) / 10
    for tolerance, expected in ((0.0, None), (0.99, 0)):
        _, errors = evaluate(rows, 300, [12], 4, replace(SETTINGS, tolerance=tolerance))
        if expected is not None:
            assert not errors.candidates[0].chosen.any()
        else:
            assert errors.candidates[0].chosen.any()


def test_products_are_those_of_the_errors_of_the_kernels():
    rows = autoregression(600, 20).astype(float)
    folds, errors = evaluate(rows, 500, [12, 6], 4, kinds=("shared", "grouped"))
    fold, kernels = folds[-1], errors.kernels[-1]
    assert len(kernels) == len(errors.candidates) == 8
    expected = fold.held_out.n_windows * fold.held_out.error_products(kernels)
    np.testing.assert_allclose(errors.products[-1], expected, rtol=1e-7)


def test_a_seasonal_ridge_shrinks_to_the_season_of_its_steps():
    rows = np.random.default_rng(0).normal(size=(300, 1))
    matrices = sum_gram_matrices(rows, find_origins([300], 12, 12), 12, 12, scored=np.array([0, 6, 11]))
    for structure in (Structure(0.0, 4, REPEATING, 3.0), Structure(0.3, 4, 0.3, 3.0)):
        expected = structural_map(structure, 12, (0, 6, 11))
        np.testing.assert_allclose(Ridge(1e12, structure).solve(matrices.at_scored())[0], expected, atol=1e-6)


def test_an_infinite_strength_leaves_the_means_of_the_season():
    rows = np.random.default_rng(0).normal(size=(300, 1))
    matrices = sum_gram_matrices(rows, find_origins([300], 28, 6), 28, 6)
    for structure in (None, Structure(0.0, 4, 0.0, 3.0)):
        near, alone = (Ridge(alpha, structure).solve(matrices)[0] for alpha in (1e12, np.inf))
        np.testing.assert_allclose(alone, near, atol=1e-9)
    window = rows[100:128, 0]
    shrunk = 3 * 7 / (3 * 7 + 1)  # seven seasons of a variance of three in that of the noise
    means = window.mean() + shrunk * (window.reshape(7, 4).mean(axis=0) - window.mean())
    np.testing.assert_allclose(window @ alone, means[[0, 1, 2, 3, 0, 1]])


@pytest.mark.parametrize(
    ("length", "season_length", "seasons"),
    [(56, 4, [4, 28]), (55, 4, [4]), (8, 4, [4]), (7, 4, [None]), (56, None, [None]), (56, 1, [None])],
)
def test_strong_ridges_shrink_to_the_seasons_that_windows_hold_twice(length, season_length, seasons):
    _, errors = evaluate(np.random.default_rng(0).normal(size=(300, 1)), 250, [length], 2, season_length=season_length)
    weak, strong = errors.candidates
    assert [ridge.structure for ridge in weak.ridges] == [None] * len(SETTINGS.alphas)
    expected = [None if season is None else Structure(0.0, season, 0.0, 3.0) for season in seasons]
    assert strong.ridges == [Ridge(alpha, structure) for alpha in (100.0, np.inf) for structure in expected]


@pytest.mark.parametrize(("length", "n_candidates"), [(3, 1), (4, 2), (7, 2), (8, 3)])
def test_few_windows_may_shrink_to_structural_models(length, n_candidates):
    rows = np.random.default_rng(0).normal(size=(300, 1))
    _, errors = evaluate(rows, 250, [length], 2, season_length=4, few=True)
    assert len(errors.candidates) == n_candidates


@pytest.mark.parametrize("period", [4, 28])
def test_a_season_under_noise_is_told_by_its_means(period):
    random = np.random.default_rng(0)
    rows = random.normal(size=(period, 1))[np.arange(3000) % period] + random.normal(size=(3000, 1))
    settings = LinearModel(mixture=replace(SETTINGS, few_windows=10))

    def error(season_length):
        _, kernel = mix(rows[:1000], 800, [224], 8, season_length, settings).solve()
        return np.square(errors_of(kernel, rows, [range(999, 2992)], 224, 8)).mean() - 1  # beyond the noise

    assert error(4) < 0.8 * error(None)


def test_shared_maps_are_solved_on_all_features():
    matrices = sum_gram_matrices(random_walks([100], 3, 0), [range(9, 90)], 6, 2)
    np.testing.assert_array_equal(of_kind("shared", matrices).inputs, matrices.inputs.mean(axis=0, keepdims=True))
    assert of_kind("grouped", matrices) is matrices
    np.testing.assert_array_equal(of_kind("grouped", matrices, 0.03).inputs, matrices.pool(0.03).inputs)


def test_one_feature_of_many_does_not_decide_the_strength_of_shared_maps():
    random = np.random.default_rng(0)
    rows, chosen = random.normal(size=(400, 50)).cumsum(axis=0) / 10, []
    for _ in range(2):
        _, errors = evaluate(rows, 300, [12], 2)
        chosen.append([candidate.chosen for candidate in errors.candidates])
        rows[305:, 7] = 1e4 * random.normal(size=95)  # of which the strongest ridge says most
    np.testing.assert_array_equal(*chosen)
