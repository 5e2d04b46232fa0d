import pickle

import numpy as np
import pytest

from tests.series import autoregression, errors_of, panel, random_walks
from tscnn import Forecaster
from tscnn.data.windows import find_origins, make_windows
from tscnn.fitting import fit_linear_maps
from tscnn.linear import principal_components
from tscnn.linear.mixture import LinearMixture, mix_linear_maps
from tscnn.linear.out_of_fold import find_residuals
from tscnn.linear.principal_components import find_components
from tscnn.network.config import FEATURE_MODES, resolve_config

FIRST = 1600


def find_on(rows, lookback=24, horizon=6, first=FIRST):
    origins = find_origins([first], lookback, horizon), find_origins([len(rows)], lookback, horizon, [first])
    mixture = mix_linear_maps(rows, *origins, [lookback], horizon)
    return mixture, find_components(rows, first, mixture, *origins, horizon)


def test_what_many_columns_share_is_forecast_from_all_of_them():
    rows = panel(4000)
    mixture, found = find_on(rows[:2000])
    assert found is not None
    np.testing.assert_allclose(found.axes.T @ found.axes, np.eye(8), atol=1e-5)
    assert np.all((found.shares >= 0.25) & (found.shares <= 0.75))
    later = find_origins([4000], 24, 6, [2000])
    own = errors_of(mixture.solved.refitted, rows, later, 24, 6)
    of_components = errors_of(found.mixture.solved.refitted, rows @ found.axes, later, 24, 6) @ found.axes.T
    mixed = (1 - found.shares) * own + found.shares * of_components
    assert np.mean(mixed**2) < 0.98 * np.mean(own**2)


@pytest.mark.parametrize("seed", range(3))
def test_random_walks_are_left_alone(seed):
    rows = random_walks([2000], 4, seed)
    assert find_on(((rows - rows.mean(axis=0)) / rows.std(axis=0)).astype(np.float32))[1] is None


def test_shares_are_halfway_between_one_half_and_least_squares():
    rows = panel()
    mixture, found = find_on(rows)
    own, _ = find_residuals(rows, range(8), mixture.judged, 24)
    of_components = found._replace(shares=np.ones(8)).mix_errors(rows, own)
    share = np.linspace(-1, 3, 4001)
    squares = np.zeros((8, len(share)))  # by target, of each share
    for a, b in zip(own, of_components, strict=True):
        weights = a.weights[:, :, None] * a.n_origins / len(a.origins)
        for product, factor in ((a.errors**2, (1 - share) ** 2), (b.errors**2, share**2)):
            squares += np.sum(weights * product, axis=(0, 2))[:, None] * factor
        squares += np.sum(weights * a.errors * b.errors, axis=(0, 2))[:, None] * 2 * share * (1 - share)
    best, common = share[squares.argmin(axis=1)], share[squares.sum(axis=0).argmin()]
    np.testing.assert_allclose(found.shares, 0.25 + np.clip((best + common) / 2, 0, 1) / 2, atol=2e-3)


def test_an_even_average_judges_on_the_folds_as_its_kernels_do():
    rows = panel()
    mixture, found = find_on(rows)
    folds, _ = find_residuals(rows, range(8), mixture.judged, 24)
    mixed = found.mix_errors(rows, folds)[-1]
    of_components = found.mixture.judged[-1].kernel
    inputs, outcomes = make_windows(rows @ found.axes, 24, 6)
    at = folds[-1].origins - 23
    forecast = np.einsum("nlf,flh->nhf", inputs[at], of_components) @ found.axes.T
    errors = (1 - found.shares) * folds[-1].errors.transpose(0, 2, 1)
    errors += found.shares * (forecast - outcomes[at] @ found.axes.T)
    np.testing.assert_allclose(mixed.errors.transpose(0, 2, 1), errors, atol=1e-4)


def test_axes_are_those_of_the_rows_before_validation():
    rows = panel()
    spoiled = rows.copy()
    spoiled[FIRST:] *= np.linspace(0.9, 1.1, 8, dtype=np.float32)
    found, other = find_on(rows)[1], find_on(spoiled)[1]
    np.testing.assert_array_equal(found.axes, other.axes)
    np.testing.assert_array_equal(found.scales, other.scales)


def test_one_target_and_two_folds_are_not_enough():
    assert find_on(panel()[:, :1])[1] is None
    assert find_on(panel(100), first=75)[1] is None


def test_columns_that_repeat_each_other_leave_no_component_of_rounding():
    rows = panel()
    _, found = find_on(rows[:, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]])
    assert found is not None
    assert np.all(np.isfinite(found.mixture.solved.refitted))
    assert np.all(found.scales[-2:] == 1)


def test_a_target_that_its_own_map_forecasts_exactly_does_not_keep_the_others_from_them():
    rows = np.hstack([panel(), np.linspace(-2, 2, len(panel()), dtype=np.float32)[:, None]])
    _, found = find_on(rows)
    assert found is not None
    assert found.shares[8] == 0
    assert np.all(found.shares[:8] >= 0.25)


@pytest.mark.parametrize("lacking", ["can_judge", "beats_repetition"])
def test_there_are_none_where_all_gains_may_be_chance(monkeypatch, lacking):
    monkeypatch.setattr(LinearMixture, lacking, False)
    assert find_on(panel())[1] is None


def test_there_are_none_of_more_targets_than_are_affordable(monkeypatch):
    monkeypatch.setattr(principal_components, "MOST_TARGETS", 7)
    assert find_on(panel())[1] is None


def test_long_windows_are_only_fitted_where_short_ones_gain(monkeypatch):
    fitted = []

    def noting(rows, training, validation, lookbacks, *others, **settings):
        fitted.append(lookbacks)
        return mix_linear_maps(rows, training, validation, lookbacks, *others, **settings)

    monkeypatch.setattr(principal_components, "mix_linear_maps", noting)
    assert find_on(autoregression(2000, 10), lookback=112)[1] is None
    assert fitted == [[96], [96]]
    assert find_on(panel(3000), lookback=112, first=2500)[1] is not None
    assert fitted[2:] == [[96], [96], [112]]


def test_their_maps_know_the_season(monkeypatch):
    seasons = []

    def noting(*arguments, seasonality):
        seasons.append(seasonality)
        return mix_linear_maps(*arguments, seasonality=seasonality)

    monkeypatch.setattr(principal_components, "mix_linear_maps", noting)
    found = fit_linear_maps(panel(3000), 2500, [112], 6, "auto", "joint", 8, False)
    assert found.components is not None
    assert seasons == [8, 8, 8]  # of short windows, of their components, of those of long ones


# In a forecaster


@pytest.fixture(scope="module")
def forecaster():
    """Of two covariates, and of the other columns as targets."""
    settings = {"filters": 4, "epochs": 1, "random_state": 0, "verbose": 0, "targets": [9, *range(1, 8)]}
    rows = np.hstack([np.random.default_rng(1).normal(size=(2000, 1)), panel(), panel(seed=2)[:, :1]])
    return Forecaster(24, 6, **settings).fit(5 * rows + 20)


def test_the_network_averages_both(forecaster):
    assert forecaster.config_.components
    network = forecaster.network_
    into, back, kernel = (
        np.asarray(network.dense.get_layer(name).weights[0])
        for name in ("to_components", "from_components", "linear_skip")
    )
    targets = [9, *range(1, 8)]
    np.testing.assert_array_equal(into[targets, :8], np.eye(8))
    np.testing.assert_allclose(into @ back, np.eye(10)[:, targets], atol=1e-5)  # levels stay
    assert not network.dense.get_layer("linear_skip").trainable
    for name in ("to_components", "from_components"):
        assert not network.dense.get_layer(name).trainable
    head = network.dense.get_layer("head")
    weights = head.get_weights()
    head.set_weights([np.zeros_like(weight) for weight in weights])
    rows = np.random.default_rng(0).normal(size=(1, 24, 10)).astype(np.float32)
    if "vector_skip" in [layer.name for layer in network.dense.layers]:
        pytest.fail("The vector autoregression would count, too: take another series.")
    kernel = kernel - kernel.mean(axis=1, keepdims=True) + 1 / 24
    expected = np.einsum("lf,flh->hf", rows[0] @ into, kernel) @ back
    np.testing.assert_allclose(network.dense.predict_on_batch(rows)[0, 0], expected, atol=1e-4)
    head.set_weights(weights)


def test_it_is_the_same_in_every_evaluator_and_copy(forecaster):
    rows = 5 * np.random.default_rng(3).normal(size=(40, 10)) + 20
    forecast = forecaster.predict(rows).to_numpy()
    streamed = forecaster.stream(rows[:-1]).update(rows[-1])
    copied = pickle.loads(pickle.dumps(forecaster)).predict(rows)
    for other in (streamed, copied):
        np.testing.assert_allclose(np.asarray(other), forecast, rtol=1e-4)


@pytest.mark.parametrize(
    ("linear_skip", "feature_mode", "meet"),
    [("auto", "joint", True), ("per_feature", "joint", False), ("auto", "independent", False)],
)
def test_columns_that_are_not_to_meet_do_not(linear_skip, feature_mode, meet):
    start = fit_linear_maps(panel(1000), 900, [24], 6, linear_skip, feature_mode, None, False)
    assert (start.components is not None) == meet


def test_of_two_networks_one_has_components():
    start = fit_linear_maps(panel(1000), 900, [24], 6, "auto", "auto", None, False)
    has = {mode: start.adapt(resolve_config(24, 6, 8, feature_mode=mode)).components for mode in FEATURE_MODES}
    assert has == {"joint": True, "front_end": True, "independent": False}
