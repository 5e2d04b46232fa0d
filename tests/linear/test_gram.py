import numpy as np
import pytest

from tests.linear.series import autoregression, errors_of, example
from tests.reference.windows import windows_from_mean
from tscnn.data.windows import find_origins
from tscnn.linear.gram import affordable_part, sum_gram_matrices
from tscnn.linear.ridge import as_kernel, solve_ridge
from tscnn.transforms.rolling import window_scales


def solve_each(matrices):
    """A ridge regression of each feature."""
    return np.concatenate([solve_ridge(matrices.feature(f), 1e-3) for f in range(len(matrices.inputs))])


def test_shortened_matrices_are_those_of_shorter_windows():
    rows, training, _ = example()
    shortened = sum_gram_matrices(rows, training, 12, 3).shorten(5)
    direct = sum_gram_matrices(rows, training, 5, 3)
    assert shortened.n_windows == direct.n_windows
    for name in ("inputs", "cross", "outcomes"):
        np.testing.assert_allclose(getattr(shortened, name), getattr(direct, name), rtol=1e-8, atol=1e-8)


def test_short_windows_of_a_smooth_series_keep_their_digits():
    rows = np.sin(np.arange(4000.0) / 500)[:, None].astype(np.float32)  # four of them span 1e-4 of the variance
    origins = find_origins([4000], 1000, 1)
    shortened = sum_gram_matrices(rows, origins, 1000, 1).shorten(4)
    direct = sum_gram_matrices(rows.astype(np.float64), origins, 4, 1)
    for name in ("inputs", "cross", "outcomes"):
        exact = getattr(direct, name)
        np.testing.assert_allclose(getattr(shortened, name), exact, atol=1e-3 * np.abs(exact).max())


def test_joined_matrices_are_the_mean_over_features():
    rows, training, _ = example()
    joined = sum_gram_matrices(rows, training, 12, 3, groups=np.zeros(rows.shape[1], int))
    mean = sum_gram_matrices(rows, training, 12, 3).mean()
    for name in ("inputs", "cross", "outcomes"):
        np.testing.assert_allclose(getattr(joined, name), getattr(mean, name), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "block", [7, 2048]
)  # windows of a block are of several columns, or a column's of several blocks
def test_groups_join_the_relative_products_of_their_features(block):
    rows = autoregression(300, 5, n_features=3).astype(np.float64)
    training, scales, groups = find_origins([300], 12, 3), window_scales(rows, 12, 0.5), np.array([1, 0, 1])
    found = sum_gram_matrices(rows, training, 12, 3, groups=groups, scales=scales, block=block)
    single = sum_gram_matrices(rows, training, 12, 3, scales=scales)
    for name in ("inputs", "cross", "outcomes"):
        of_each = getattr(single, name)
        expected = np.stack([of_each[1], of_each[0] + of_each[2]]) * 2 / 3
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-9, atol=1e-9)


def test_error_products_equal_those_of_explicit_errors():
    rows, training, validation = example()
    fitted = sum_gram_matrices(rows, training, 12, 3)
    maps = [solve_each(matrices) for matrices in (fitted.mean(), fitted, fitted.shorten(5))]
    kernels = [as_kernel(weights, weights.shape[1]) for weights in maps]
    products = sum_gram_matrices(rows, validation, 12, 3).error_products(kernels)
    errors = [errors_of(as_kernel(weights, 12), rows, validation) for weights in maps]
    expected = np.transpose([[np.mean(a * b, axis=(0, 1)) for a in errors] for b in errors])
    np.testing.assert_allclose(products, expected, rtol=1e-8)


def test_relative_matrices_are_those_of_windows_divided_by_their_scale():
    rows, training, _ = example()
    matrices = sum_gram_matrices(rows, training, 12, 3, scales=window_scales(rows, 12, 0.5))
    for f in range(2):
        inputs, targets = windows_from_mean(rows[:, f], training[0], 12, 3)
        scales = (inputs.var(axis=1, keepdims=True) + 0.05) ** 0.25
        np.testing.assert_allclose(window_scales(rows, 12, 0.5)[11:297, f], scales[:, 0], rtol=1e-9)
        inputs, targets = inputs / scales, targets / scales
        np.testing.assert_allclose(matrices.inputs[f], inputs.T @ inputs, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(matrices.cross[f], inputs.T @ targets, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(matrices.outcomes[f], targets.T @ targets, rtol=1e-7)


def test_a_share_of_the_windows_says_about_the_same():
    rows, training, _ = example(n_rows=3000)
    training = find_origins([3000], 12, 3)
    every, some = sum_gram_matrices(rows, training, 12, 3), sum_gram_matrices(rows, training, 12, 3, part=0.3)
    assert 0.25 < some.n_windows / every.n_windows < 0.35
    np.testing.assert_allclose(some.inputs / some.n_windows, every.inputs / every.n_windows, rtol=0.3, atol=0.03)
    assert affordable_part(1000, 7, 96, 24, 1e11) == 1
    assert affordable_part(10**6, 7, 336, 96, 1e11) == pytest.approx(0.098, rel=0.01)


def test_matrices_of_two_stretches_add_up():
    rows, training, validation = example()
    both = sum_gram_matrices(rows, training, 12, 3) + sum_gram_matrices(rows, validation, 12, 3)
    joined = sum_gram_matrices(rows, [*training, *validation], 12, 3)
    assert both.n_windows == joined.n_windows
    for name in ("inputs", "cross", "outcomes"):
        np.testing.assert_allclose(getattr(both, name), getattr(joined, name), rtol=1e-9, atol=1e-9)


def test_matrices_at_some_steps_are_those_of_a_shorter_list():
    rows, training, _ = example(horizon=5)
    every = solve_each(sum_gram_matrices(rows, training, 12, 5))
    matrices = sum_gram_matrices(rows, training, 12, 5, scored=np.array([0, 2, 4]))
    np.testing.assert_allclose(solve_each(matrices), every, rtol=1e-9, atol=1e-12)
    thin = matrices.at_scored()
    np.testing.assert_allclose(solve_each(thin), every[:, :, ::2], rtol=1e-9, atol=1e-12)
    direct = sum_gram_matrices(rows, training, 5, 5)
    for shortened in (matrices.shorten(5), thin.shorten(5)):
        np.testing.assert_allclose(shortened.outcomes, direct.outcomes[:, ::2, ::2], rtol=1e-7)
        np.testing.assert_allclose(shortened.at_scored().cross, direct.cross[:, :, ::2], rtol=1e-7, atol=1e-9)


def test_features_that_vary_alike_share_their_windows():
    random = np.random.default_rng(0)
    walks, noise = random.normal(size=(2000, 2)).cumsum(axis=0), random.normal(size=(2000, 1))
    rows = np.hstack([walks / 50, noise, np.ones((2000, 1))])
    matrices = sum_gram_matrices(rows, find_origins([2000], 12, 3), 12, 3)
    pooled = matrices.pool(0.05)
    assert pooled.n_windows == matrices.n_windows
    units = matrices.variances()
    for name in ("inputs", "cross", "outcomes"):
        own, found = getattr(matrices, name), getattr(pooled, name)
        np.testing.assert_allclose(found[2:], own[2:], rtol=1e-6)  # noise is alike to nothing, nor is a constant
        both = (own[0] / units[0] + own[1] / units[1]) / 2
        for i in (0, 1):
            np.testing.assert_allclose(found[i] / units[i], both, rtol=0.05, atol=0.01 * 12)
        np.testing.assert_allclose(getattr(matrices.pool(1e-9), name), own, rtol=1e-9)


def test_missing_outcomes_are_left_out_of_the_products():
    rows, training, _ = example()
    observed = np.random.default_rng(0).random(rows.shape) < 0.7
    found = sum_gram_matrices(rows, training, 12, 1, observed=observed)
    for f in range(2):  # a window has one outcome: it is there, or it isn't
        there = [range(i, i + 1) for i in training[0] if observed[i + 1, f]]
        expected = sum_gram_matrices(rows[:, [f]], there, 12, 1)
        for name in ("inputs", "cross", "outcomes"):
            np.testing.assert_allclose(getattr(found, name)[f], getattr(expected, name)[0], rtol=1e-8, atol=1e-8)
    assert found.n_windows == pytest.approx(0.7 * len(training[0]), rel=0.05)


def test_missing_outcomes_of_some_steps_hardly_change_the_maps():
    rows, _, _ = example(n_rows=4000)
    origins = find_origins([4000], 12, 3)
    observed = np.random.default_rng(0).random(rows.shape) < 0.8
    every, most = (sum_gram_matrices(rows, origins, 12, 3, observed=known) for known in (None, observed))
    for name in ("inputs", "cross", "outcomes"):
        exact = getattr(every, name) / every.n_windows
        np.testing.assert_allclose(getattr(most, name) / most.n_windows, exact, atol=0.05 * np.abs(exact).max())
    np.testing.assert_allclose(solve_each(most), solve_each(every), atol=0.1)
    complete = sum_gram_matrices(rows, origins, 12, 3, observed=np.ones(rows.shape, bool))
    np.testing.assert_allclose(complete.outcomes, every.outcomes)
    nothing = sum_gram_matrices(rows, origins, 12, 3, observed=np.zeros(rows.shape, bool))
    assert not nothing.outcomes.any()
    assert not solve_each(nothing).any()
