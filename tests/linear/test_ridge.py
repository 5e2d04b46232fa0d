from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from tests.linear.series import errors_of, example, random_walks
from tests.reference.windows import list_origins, ridge, windows_from_mean
from tscnn.data.windows import find_origins
from tscnn.linear.gram import GramMatrices, sum_gram_matrices
from tscnn.linear.ridge import as_kernel, fit_ridge_map, solve_ridge

ALPHAS = (1e-5, 1e-3, 1e-2, 1e-1)
MIDDLE = ALPHAS[1]


def solve_each(matrices: GramMatrices, alpha: float = MIDDLE) -> np.ndarray:
    """A ridge regression of each feature."""
    return np.concatenate([solve_ridge(matrices.feature(f), alpha) for f in range(len(matrices.inputs))])


def explicit_map(rows: np.ndarray, origins: list[int], lookback: int, horizon: int, alpha: float) -> np.ndarray:
    """One feature's map, from windows that are cut out, by augmented least squares."""
    inputs, targets = windows_from_mean(rows, origins, lookback, horizon)
    return ridge(inputs, targets, alpha * np.square(inputs).sum() / lookback + 1e-12 * len(inputs))


def squared_error(matrices: GramMatrices, weights: np.ndarray) -> np.ndarray:
    """By feature."""
    return matrices.squared_errors(weights).mean(axis=1)


def explicit_error(rows: np.ndarray, origins: list[int], weights: np.ndarray) -> float:
    inputs, targets = windows_from_mean(rows, origins, *weights.shape)
    return np.square(targets - inputs @ weights).mean()


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=4),
    st.integers(1, 9),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 10**6),
)
def test_the_map_is_the_ridge_regression_of_the_windows(
    lengths: list[int], lookback: int, horizon: int, n_features: int, seed: int
) -> None:
    rows = random_walks(lengths, n_features, seed)
    origins = find_origins(lengths, lookback, horizon)
    listed = [row for series in list_origins(lengths, lookback, horizon, [None] * len(lengths)) for row in series]
    if not listed:
        with pytest.raises(ValueError, match="`origins` must hold an origin"):
            sum_gram_matrices(rows, origins, lookback, horizon)
        return
    matrices = sum_gram_matrices(rows, iter(origins), lookback, horizon)
    maps = solve_each(matrices)
    errors = squared_error(matrices, maps)
    assert matrices.n_windows == len(listed)
    assert maps.shape == (n_features, lookback, horizon)
    for f in range(n_features):
        expected = explicit_map(rows[:, f], listed, lookback, horizon, MIDDLE)
        np.testing.assert_allclose(maps[f], expected, atol=1e-8)
        np.testing.assert_allclose(errors[f], explicit_error(rows[:, f], listed, maps[f]), rtol=1e-7, atol=1e-9)


def test_the_map_is_that_of_scikit_learn() -> None:
    rows = random_walks([300], 1, 0)
    matrices = sum_gram_matrices(rows, find_origins([300], 12, 4), 12, 4)
    inputs, targets = windows_from_mean(rows[:, 0], range(11, 296), 12, 4)
    for alpha in ALPHAS:
        strength = alpha * np.square(inputs).sum() / 12
        theirs = Ridge(alpha=strength, fit_intercept=False, solver="svd").fit(inputs, targets).coef_.T
        np.testing.assert_allclose(solve_each(matrices, alpha)[0], theirs, atol=1e-7)


def test_a_ridge_draws_to_its_centre() -> None:
    rows = random_walks([300], 1, 0)
    matrices = sum_gram_matrices(rows, find_origins([300], 12, 4), 12, 4)
    inputs, targets = windows_from_mean(rows[:, 0], range(11, 296), 12, 4)
    centre = np.eye(12)[:, :4]
    for alpha in ALPHAS:
        left = Ridge(alpha=alpha * np.square(inputs).sum() / 12, fit_intercept=False, solver="svd")
        theirs = centre + left.fit(inputs, targets - inputs @ centre).coef_.T
        np.testing.assert_allclose(solve_ridge(matrices, alpha, centre)[0], theirs, atol=1e-7)
    np.testing.assert_array_equal(solve_ridge(matrices, np.inf, centre)[0], centre)
    np.testing.assert_array_equal(solve_ridge(matrices, np.inf), np.zeros((1, 12, 4)))


def test_one_map_for_all_features() -> None:
    rows = random_walks([80, 50], 3, 1)
    matrices = sum_gram_matrices(rows, find_origins([80, 50], 6, 2), 6, 2)
    listed = [*range(5, 78), *range(85, 128)]
    cut = [windows_from_mean(rows[:, f], listed, 6, 2) for f in range(3)]
    inputs, targets = (np.concatenate(parts) for parts in zip(*cut, strict=True))
    expected = ridge(inputs, targets, MIDDLE * np.square(inputs).sum() / 6)
    shared = solve_each(matrices.mean())
    np.testing.assert_allclose(shared[0], expected, atol=1e-7)
    each = [explicit_error(rows[:, f], listed, shared[0]) for f in range(3)]
    np.testing.assert_allclose(squared_error(matrices, shared), each)
    np.testing.assert_allclose(squared_error(matrices.mean(), shared), [np.mean(each)])


def test_validation_chooses_the_strength_of_one_map() -> None:
    random = np.random.default_rng(2)
    for rows in (random.normal(size=(200, 2)), np.sin(np.arange(200)[:, None] * [0.7, 0.3])):
        origins = find_origins([120], 10, 3), find_origins([200], 10, 3, [120])
        training, validation = (sum_gram_matrices(rows, each, 10, 3).mean() for each in origins)
        errors = [squared_error(validation, solve_ridge(training, alpha))[0] for alpha in ALPHAS]
        best = solve_ridge(training, ALPHAS[int(np.argmin(errors))])
        found = fit_ridge_map(rows, *origins, 10, 3, ALPHAS, 1e11)
        np.testing.assert_allclose(found, as_kernel(best, 10), atol=1e-9)
        untested = fit_ridge_map(rows, origins[0], [], 10, 3, ALPHAS, 1e11)
        np.testing.assert_allclose(untested, as_kernel(solve_ridge(training, MIDDLE), 10), atol=1e-9)


@pytest.mark.parametrize("drift", [0, 1e-2])
@pytest.mark.parametrize("level", [0, 1e4, 1e8])
@pytest.mark.parametrize("n_rows", [3000, 20_000])
def test_a_high_level_costs_no_digits(level: float, drift: float, n_rows: int) -> None:
    rows = random_walks([n_rows], 1, 3) + level + drift * np.arange(n_rows)[:, None]
    lookback, horizon = 24, 6
    matrices = sum_gram_matrices(rows, find_origins([n_rows], lookback, horizon), lookback, horizon)
    inputs, targets = windows_from_mean(rows[:, 0], range(lookback - 1, n_rows - horizon), lookback, horizon)
    size = np.square(inputs).sum() / lookback
    np.testing.assert_allclose(matrices.inputs[0], inputs.T @ inputs, atol=1e-7 * size)
    np.testing.assert_allclose(matrices.cross[0], inputs.T @ targets, atol=1e-7 * size)
    np.testing.assert_allclose(matrices.outcomes[0], targets.T @ targets, rtol=1e-7)
    expected = ridge(inputs, targets, MIDDLE * size)
    np.testing.assert_allclose(solve_each(matrices)[0], expected, atol=1e-5)


@pytest.mark.parametrize("level", [0, 0.1, -1e6])
def test_a_constant_needs_no_map(level: float) -> None:
    rows = np.column_stack([np.full(100, level), np.sin(np.arange(100))])
    matrices = sum_gram_matrices(rows, find_origins([100], 8, 2), 8, 2)
    maps = solve_each(matrices)
    np.testing.assert_allclose(maps[0], 0, atol=1e-6)
    assert np.isfinite(maps).all()
    assert squared_error(matrices, maps)[0] == pytest.approx(0, abs=1e-12)
    assert squared_error(matrices, maps)[1] < 1e-3


def test_few_windows_still_give_a_map() -> None:
    rows = random_walks([33], 2, 4)
    origins = find_origins([33], 30, 2)
    matrices = sum_gram_matrices(rows, origins, 30, 2)
    maps = solve_each(matrices)
    assert np.isfinite(maps).all()
    assert (squared_error(matrices, maps) < squared_error(matrices, np.zeros((1, 30, 2)))).all()


def test_rounding_may_end_in_no_map() -> None:
    matrices = sum_gram_matrices(random_walks([30], 1, 5), find_origins([30], 5, 2), 5, 2)
    matrices.inputs[0] -= 10 * np.eye(5) * np.trace(matrices.inputs[0])
    assert not solve_each(matrices).any()


def test_the_rows_stay_as_they_are() -> None:
    rows = random_walks([50], 2, 6).astype(np.float32)
    before = rows.copy()
    sum_gram_matrices(rows, find_origins([50], 5, 2), 5, 2)
    np.testing.assert_array_equal(rows, before)


def test_the_baseline_acts_on_raw_windows() -> None:
    rows, training, validation = example()
    matrices = [sum_gram_matrices(rows, origins, 12, 3).mean() for origins in (training, validation)]
    kernel = fit_ridge_map(rows, training, validation, 12, 3, ALPHAS, 1e11)
    assert kernel.shape == (1, 12, 3)
    np.testing.assert_allclose(kernel.sum(axis=1), 1)
    errors = np.square(errors_of(kernel, rows, validation)).mean()
    expected = min(squared_error(matrices[1], solve_ridge(matrices[0], alpha))[0] for alpha in ALPHAS)
    assert errors == pytest.approx(expected, rel=1e-7)
