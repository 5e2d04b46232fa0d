import numpy as np
import pytest

from tscnn.linear.structural import Structure, structural_map


@pytest.mark.parametrize("level", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("change", [0.0, 0.3, 1e9])
def test_weights_of_each_step_sum_to_one(level, change):
    found = structural_map(Structure(level, 4, change, 3.0), 12, (0, 1, 5, 30))
    np.testing.assert_allclose(found.sum(axis=0), 1)


@pytest.mark.parametrize(("level", "change"), [(0.03, 0.0), (0.3, 0.3), (3.0, 2.0)])
@pytest.mark.parametrize("variance", [1.0, 3.0])
def test_the_forecast_is_what_is_to_be_expected_of_simulated_series(level, change, variance):
    random, n_series, season, lookback = np.random.default_rng(0), 40_000, 3, 9
    wandering = np.cumsum(np.sqrt(level) * random.normal(size=(n_series, 12)), axis=1)
    steps = np.sqrt(variance) * random.normal(size=(n_series, 4, season))
    steps *= np.sqrt([1 + change, change, change, change])[:, None]
    effects = np.cumsum(steps, axis=1).reshape(n_series, 12)
    series = 100 * random.normal(size=(n_series, 1)) + wandering + effects + random.normal(size=(n_series, 12))
    best = np.linalg.lstsq(series[:, :lookback], series[:, lookback:], rcond=None)[0]
    found = structural_map(Structure(level, season, change, variance), lookback, (0, 1, 2))
    np.testing.assert_allclose(found, best, atol=0.03)


@pytest.mark.parametrize("level", [0.01, 0.3, 5.0])
@pytest.mark.parametrize("seasonal", [False, True])
@pytest.mark.parametrize("trend", [False, True])
def test_the_forecast_is_that_of_statsmodels_with_the_same_variances(level, seasonal, trend):
    components = pytest.importorskip("statsmodels.tsa.api", reason="statsmodels is not installed").UnobservedComponents
    window = np.random.default_rng(0).normal(size=24).cumsum()
    parts = {"level": True, "stochastic_level": True, "irregular": True, "trend": trend}
    if seasonal:
        parts |= {"seasonal": 4, "stochastic_seasonal": False}
    theirs = components(window, use_exact_diffuse=True, **parts)
    assert theirs.param_names == ["sigma2.irregular", "sigma2.level"]
    expected = theirs.smooth([1.0, level]).forecast(6)
    free = 1e6  # a variance that shrinks nothing
    ours = Structure(level, 4 if seasonal else 1, 0.0, free if seasonal else 0.0, free if trend else 0.0)
    np.testing.assert_allclose(window @ structural_map(ours, 24, tuple(range(6))), expected, rtol=1e-3, atol=1e-3)


def test_one_season_is_repeated_where_it_changes_wholly():
    found = structural_map(Structure(0.0, 4, 1e9, 3.0), 10, (0, 3, 5))
    np.testing.assert_allclose(found, np.eye(10)[[6, 9, 7]].T, atol=1e-8)


def test_a_season_that_stays_is_taken_from_all_of_them():
    window, steady = np.tile([1.0, 5.0, 2.0, 8.0], 25), Structure(0.0, 4, 0.0, 3.0)
    forecasts = window @ structural_map(steady, 100, (0, 1, 2, 3, 4))
    np.testing.assert_allclose(forecasts, [1, 5, 2, 8, 1], atol=0.1)
    window[-4:] += 10  # one season of 25
    assert np.abs(window @ structural_map(steady, 100, (0, 1, 2, 3, 4)) - forecasts).max() < 0.5


def test_damped_growth_comes_to_an_end() -> None:
    window = np.arange(40.0)
    steps = tuple(range(60))
    for damping, growth in ((0.0, 1.0), (0.1, 0.1)):
        found = window @ structural_map(Structure(0.01, 1, 0.0, 0.0, 30.0, damping), 40, steps)
        assert found[0] - 39 == pytest.approx(1, abs=0.3)
        assert found[-1] - found[-2] == pytest.approx(growth, abs=0.1)
    undamped = structural_map(Structure(0.3, 4, 0.3, 3.0, 5.0), 12, (0, 3))
    hardly = structural_map(Structure(0.3, 4, 0.3, 3.0, 5.0, 1e-9), 12, (0, 3))
    np.testing.assert_allclose(hardly, undamped, atol=1e-5)
