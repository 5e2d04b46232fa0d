from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from tests.reference.windows import list_origins, ridge, windows_from_mean
from tests.series import errors_of, example, random_walks
from tscnn.data.windows import find_origins, make_windows
from tscnn.evaluation.naive import repeat_last, repeat_season
from tscnn.linear.gram import window_moments
from tscnn.linear.ridge import ALPHAS, fit_linear_map, fit_shared_map, solve_ridge

MIDDLE = ALPHAS[1]


def explicit_map(rows: np.ndarray, origins: list[int], lookback: int, horizon: int, alpha: float) -> np.ndarray:
    """One feature's map, from windows that are cut out, by augmented least squares."""
    inputs, targets = windows_from_mean(rows, origins, lookback, horizon)
    return ridge(inputs, targets, alpha * np.square(inputs).sum() / lookback + 1e-12 * len(inputs))


def explicit_error(rows: np.ndarray, origins: list[int], weights: np.ndarray) -> float:
    inputs, targets = windows_from_mean(rows, origins, *weights.shape)
    return np.square(targets - inputs @ weights).mean()


def test_repeating_equals_a_loop() -> None:
    inputs, _ = make_windows(np.random.default_rng(0).normal(size=(40, 2)), 10, 1)
    np.testing.assert_array_equal(repeat_last(inputs, 3), np.stack([inputs[:, -1]] * 3, axis=1))
    for seasonality in range(1, 11):
        forecast = repeat_season(inputs, 25, seasonality)
        assert forecast.shape == (len(inputs), 25, 2)
        series = [list(window) for window in inputs]
        for window in series:
            for _ in range(25):
                window.append(window[-seasonality])
        np.testing.assert_array_equal(forecast, np.array(series)[:, 10:])


@pytest.mark.parametrize(
    ("horizon", "seasonality", "message"),
    [
        (3, 11, "`seasonality` must be at most the lookback, 10. Received: seasonality=11"),
        (3, 0, "`seasonality` must be an integer of at least 1. Received: seasonality=0"),
        (0, 2, "`horizon` must be an integer of at least 1. Received: horizon=0"),
    ],
)
def test_a_season_lies_in_the_window(horizon: int, seasonality: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        repeat_season(np.zeros((1, 10, 1)), horizon, seasonality)


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
            window_moments(rows, origins, lookback, horizon)
        return
    moments = window_moments(rows, iter(origins), lookback, horizon)
    maps = fit_linear_map(moments)
    errors = moments.squared_error(maps)
    assert moments.n_windows == len(listed)
    assert maps.shape == (n_features, lookback, horizon)
    for f in range(n_features):
        expected = explicit_map(rows[:, f], listed, lookback, horizon, MIDDLE)
        np.testing.assert_allclose(maps[f], expected, atol=1e-8)
        np.testing.assert_allclose(errors[f], explicit_error(rows[:, f], listed, maps[f]), rtol=1e-7, atol=1e-9)


def test_the_map_is_that_of_scikit_learn() -> None:
    rows = random_walks([300], 1, 0)
    moments = window_moments(rows, find_origins([300], 12, 4), 12, 4)
    inputs, targets = windows_from_mean(rows[:, 0], range(11, 296), 12, 4)
    for alpha in ALPHAS:
        strength = alpha * np.square(inputs).sum() / 12
        theirs = Ridge(alpha=strength, fit_intercept=False, solver="svd").fit(inputs, targets).coef_.T
        np.testing.assert_allclose(fit_linear_map(moments, alphas=[alpha])[0], theirs, atol=1e-7)


def test_a_ridge_draws_to_its_centre() -> None:
    rows = random_walks([300], 1, 0)
    moments = window_moments(rows, find_origins([300], 12, 4), 12, 4)
    inputs, targets = windows_from_mean(rows[:, 0], range(11, 296), 12, 4)
    centre = np.eye(12)[:, :4]
    for alpha in ALPHAS:
        left = Ridge(alpha=alpha * np.square(inputs).sum() / 12, fit_intercept=False, solver="svd")
        theirs = centre + left.fit(inputs, targets - inputs @ centre).coef_.T
        np.testing.assert_allclose(solve_ridge(moments, alpha, centre)[0], theirs, atol=1e-7)
    np.testing.assert_array_equal(solve_ridge(moments, np.inf, centre)[0], centre)
    np.testing.assert_array_equal(solve_ridge(moments, np.inf), np.zeros((1, 12, 4)))


def test_one_map_for_all_features() -> None:
    rows = random_walks([80, 50], 3, 1)
    moments = window_moments(rows, find_origins([80, 50], 6, 2), 6, 2)
    listed = [*range(5, 78), *range(85, 128)]
    cut = [windows_from_mean(rows[:, f], listed, 6, 2) for f in range(3)]
    inputs, targets = (np.concatenate(parts) for parts in zip(*cut, strict=True))
    expected = ridge(inputs, targets, MIDDLE * np.square(inputs).sum() / 6)
    shared = fit_linear_map(moments.mean())
    np.testing.assert_allclose(shared[0], expected, atol=1e-7)
    each = [explicit_error(rows[:, f], listed, shared[0]) for f in range(3)]
    np.testing.assert_allclose(moments.squared_error(shared), each)
    np.testing.assert_allclose(moments.mean().squared_error(shared), [np.mean(each)])


def test_validation_chooses_the_strength() -> None:
    random = np.random.default_rng(2)
    rows = np.column_stack([random.normal(size=200), np.sin(np.arange(200) * 0.7)])  # noise, and a pure wave
    training = window_moments(rows, find_origins([120], 10, 3), 10, 3)
    validation = window_moments(rows, find_origins([200], 10, 3, [120]), 10, 3)
    chosen = []
    for f in range(2):
        maps = [explicit_map(rows[:, f], range(9, 117), 10, 3, alpha) for alpha in ALPHAS]
        errors = [explicit_error(rows[:, f], range(119, 197), weights) for weights in maps]
        chosen.append(int(np.argmin(errors)))
        np.testing.assert_allclose(fit_linear_map(training, validation)[f], maps[chosen[-1]], atol=1e-6)
    assert chosen[0] > chosen[1]
    shared = fit_linear_map(training.mean(), validation)
    every = [fit_linear_map(training.mean(), alphas=[alpha]) for alpha in ALPHAS]
    best = min(every, key=lambda weights: validation.squared_error(weights).mean())
    np.testing.assert_array_equal(shared, best)


@pytest.mark.parametrize("drift", [0, 1e-2])
@pytest.mark.parametrize("level", [0, 1e4, 1e8])
@pytest.mark.parametrize("n_rows", [3000, 20_000])
def test_a_high_level_costs_no_digits(level: float, drift: float, n_rows: int) -> None:
    rows = random_walks([n_rows], 1, 3) + level + drift * np.arange(n_rows)[:, None]
    lookback, horizon = 24, 6
    moments = window_moments(rows, find_origins([n_rows], lookback, horizon), lookback, horizon)
    inputs, targets = windows_from_mean(rows[:, 0], range(lookback - 1, n_rows - horizon), lookback, horizon)
    size = np.square(inputs).sum() / lookback
    np.testing.assert_allclose(moments.inputs[0], inputs.T @ inputs, atol=1e-7 * size)
    np.testing.assert_allclose(moments.cross[0], inputs.T @ targets, atol=1e-7 * size)
    np.testing.assert_allclose(moments.targets[0], targets.T @ targets, rtol=1e-7)
    expected = ridge(inputs, targets, MIDDLE * size)
    np.testing.assert_allclose(fit_linear_map(moments)[0], expected, atol=1e-5)


@pytest.mark.parametrize("level", [0, 0.1, -1e6])
@pytest.mark.parametrize("with_validation", [True, False])
def test_a_constant_needs_no_map(level: float, with_validation: bool) -> None:
    rows = np.column_stack([np.full(100, level), np.sin(np.arange(100))])
    moments = window_moments(rows, find_origins([100], 8, 2), 8, 2)
    maps = fit_linear_map(moments, moments if with_validation else None)
    np.testing.assert_allclose(maps[0], 0, atol=1e-6)
    assert np.isfinite(maps).all()
    assert moments.squared_error(maps)[0] == pytest.approx(0, abs=1e-12)
    assert moments.squared_error(maps)[1] < 1e-3


def test_few_windows_still_give_a_map() -> None:
    rows = random_walks([33], 2, 4)
    origins = find_origins([33], 30, 2)
    moments = window_moments(rows, origins, 30, 2)
    for validation in (None, moments):
        maps = fit_linear_map(moments, validation)
        assert np.isfinite(maps).all()
        assert (moments.squared_error(maps) < moments.squared_error(np.zeros((1, 30, 2)))).all()


def test_rounding_may_end_in_no_map() -> None:
    moments = window_moments(random_walks([30], 1, 5), find_origins([30], 5, 2), 5, 2)
    moments.inputs[0] -= 10 * np.eye(5) * np.trace(moments.inputs[0])
    assert not fit_linear_map(moments).any()


def test_the_rows_stay_as_they_are() -> None:
    rows = random_walks([50], 2, 6).astype(np.float32)
    before = rows.copy()
    window_moments(rows, find_origins([50], 5, 2), 5, 2)
    np.testing.assert_array_equal(rows, before)


def test_the_shared_map_is_the_ridge_regression_of_raw_windows():
    rows, training, validation = example()
    moments = [window_moments(rows, origins, 12, 3) for origins in (training, validation)]
    kernel = fit_shared_map(rows, training, validation, 12, 3)
    assert kernel.shape == (1, 12, 3)
    np.testing.assert_allclose(kernel.sum(axis=1), 1)
    errors = np.square(errors_of(kernel, rows, validation)).mean()
    expected = moments[1].squared_error(fit_linear_map(moments[0].mean(), moments[1])).mean()
    assert errors == pytest.approx(expected, rel=1e-7)
