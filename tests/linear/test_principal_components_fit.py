from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA

from tests.linear.series import autoregression, errors_of, mix, origins_of, panel, random_walks, standardized
from tscnn.data.windows import find_origins, make_windows
from tscnn.linear import LinearModel, principal_components_fit
from tscnn.linear.mixture_fit import fit_mixture
from tscnn.linear.principal_components_fit import fit_principal_components
from tscnn.linear.settings import ComponentSettings

FIRST, MODEL = 1600, LinearModel()


def fit_on(rows, lookback=24, horizon=6, first=FIRST, settings=MODEL, mixture=None):
    mixture = mixture or mix(rows, first, [lookback], horizon, settings=settings)
    origins = origins_of(len(rows), first, lookback, horizon)
    return mixture, *fit_principal_components(rows, np.arange(len(rows)) < first, mixture, origins, settings)


@pytest.fixture(scope="module")
def fitted():
    rows = panel()
    return rows, *fit_on(rows)


def test_what_many_columns_share_is_forecast_from_all_of_them():
    rows = panel(4000)
    mixture, found, result = fit_on(rows[:2000])
    assert result.kept
    assert result.gain > 0.005
    assert np.all((found.weights >= 0.25) & (found.weights <= 0.75))
    later = find_origins([4000], 24, 6, [2000])
    own = errors_of(mixture.solve()[1], rows, later, 24, 6)
    of_components = errors_of(found.mixture.solve()[1], rows @ found.axes, later, 24, 6) @ found.axes.T
    mixed = (1 - found.weights) * own + found.weights * of_components
    assert np.mean(mixed**2) < 0.98 * np.mean(own**2)


def test_axes_are_those_of_scikit_learn_on_the_training_rows(fitted):
    rows, _, found, _ = fitted
    theirs = PCA().fit(rows[:FIRST].astype(float)).components_.T
    np.testing.assert_allclose(np.abs(theirs.T @ found.axes), np.eye(8), atol=1e-3)
    spoiled = rows.copy()
    spoiled[FIRST:] *= np.linspace(0.9, 1.1, 8, dtype=np.float32)
    np.testing.assert_array_equal(fit_on(spoiled)[1].axes, found.axes)


@pytest.mark.parametrize("seed", range(3))
def test_random_walks_are_left_alone(seed):
    _, found, result = fit_on(standardized(random_walks([2000], 4, seed)))
    assert found is None
    assert result.reason == "not kept: the mixture may be no better than repeating the newest row"


def test_columns_that_have_nothing_in_common_are_left_alone():
    kept = sum(fit_on(autoregression(2000, 10, 3, seed))[2].kept for seed in range(5))
    assert kept <= 1


def test_weights_are_halfway_between_one_half_and_least_squares(fitted):
    _, mixture, found, _ = fitted
    weight = np.linspace(-1, 3, 4001)
    squares = np.zeros((8, len(weight)))  # by target, of each weight
    for own, mixed in zip(mixture.errors, found.errors, strict=True):
        by = found.weights[:, None]
        others = (mixed.errors - (1 - by) * own.errors) / by  # of the components alone
        unit = own.weights[:, :, None]
        for product, factor in (
            (own.errors**2, (1 - weight) ** 2),
            (others**2, weight**2),
            (own.errors * others, 2 * weight * (1 - weight)),
        ):
            squares += np.sum(unit * product, axis=(0, 2))[:, None] * factor
    best, common = weight[squares.argmin(axis=1)], weight[squares.sum(axis=0).argmin()]
    np.testing.assert_allclose(found.weights, 0.25 + np.clip((best + common) / 2, 0, 1) / 2, atol=3e-3)


def test_out_of_fold_errors_are_those_of_the_kernels(fitted):
    rows, mixture, found, _ = fitted
    fold, own = found.mixture.folds[-1], mixture.errors[-1]
    inputs, outcomes = make_windows(rows @ found.axes, 24, 6)
    at = own.origins - 23
    forecast = np.einsum("nlf,flh->nhf", inputs[at], fold.kernel[fold.maps]) @ found.axes.T
    errors = (1 - found.weights) * own.errors.transpose(0, 2, 1)
    errors += found.weights * (forecast - outcomes[at] @ found.axes.T)
    np.testing.assert_allclose(found.errors[-1].errors.transpose(0, 2, 1), errors, atol=1e-4)


def test_columns_that_repeat_each_other_leave_no_component_of_rounding():
    rows = panel()
    _, found, _ = fit_on(rows[:, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]])
    assert found is not None
    assert np.isfinite(found.mixture.solve()[1]).all()


def test_a_target_that_its_own_map_forecasts_exactly_does_not_keep_the_others_from_them():
    rows = np.hstack([panel(), np.linspace(-2, 2, len(panel()), dtype=np.float32)[:, None]])
    _, found, _ = fit_on(rows)
    assert found is not None
    assert found.weights[8] == 0
    assert np.all(found.weights[:8] >= 0.25)


def test_reasons_against_them_are_told(fitted):
    rows, mixture, _, _ = fitted
    assert fit_on(rows[:, :1])[2].reason == "not kept: one target has no components"
    few = LinearModel(component_settings=ComponentSettings(most_targets=7))
    assert fit_on(rows, settings=few, mixture=mixture)[2].reason == "not kept: more than 7 targets"
    doubted = replace(mixture, gain=replace(mixture.gain, kept=False))
    assert "no better than repeating" in fit_on(rows, mixture=doubted)[2].reason
    two_folds = replace(mixture, folds=mixture.folds[:2])
    assert fit_on(rows, mixture=two_folds)[2].reason == "not kept: fewer than 3 folds"
    greedy = replace(MODEL, least_gain=0.5)
    assert "are asked for" in fit_on(rows, mixture=mixture, settings=greedy)[2].reason


def test_long_windows_are_only_fitted_where_short_ones_gain(monkeypatch):
    fitted = []

    def noting(rows, origins, lookbacks, settings):
        fitted.append(lookbacks)
        return fit_mixture(rows, origins, lookbacks, settings)

    monkeypatch.setattr(principal_components_fit, "fit_mixture", noting)
    settings = LinearModel(component_settings=ComponentSettings(screening_lookback=24))
    assert fit_on(autoregression(2000, 10, seed=1), lookback=48, settings=settings)[1] is None
    assert fitted == [[24], [24]]
    assert fit_on(panel(), lookback=48, settings=settings)[1] is not None
    assert fitted[2:] == [[24], [24], [48]]
