from dataclasses import replace

import numpy as np
import pytest

from tests.linear.series import autoregression, errors_of, fit_model, follower, panel, random_walks, standardized
from tscnn.data.windows import find_origins
from tscnn.linear import LinearModel
from tscnn.linear.cross_series import CrossSeries
from tscnn.linear.mean_reversion import MeanReversion
from tscnn.linear.mixture import LinearMixture
from tscnn.linear.ridge import fit_ridge_map

NAMES = ["linear_mixture", "mean_reversion", "cross_series"]


def forecast(terms, rows):
    """The sum of the terms, at every origin that all of them have."""
    context = max(term.context for term in terms)
    return sum(term.dense(rows)[context - term.context :] for term in terms)


@pytest.fixture(scope="module")
def rows():
    """A column that follows another, columns that share a slow part, and a covariate among them."""
    together = np.hstack([panel(3000, 4), follower(3000), np.random.default_rng(9).normal(size=(3000, 1))])
    return together.astype(np.float32)[:, [0, 4, 6, 1, 5, 2, 3]]


@pytest.fixture(scope="module")
def fitted(rows):
    return fit_model(rows[:2500], [12, 24], 4, targets=[0, 1, 3, 4, 5, 6])


def test_terms_are_those_that_the_gates_keep(fitted):
    assert list(fitted.gates) == NAMES
    assert [term.name for term in fitted.fitted] == [name for name in NAMES if fitted.gates[name].kept] == NAMES
    assert [type(term) for term in fitted.refitted] == [LinearMixture, MeanReversion, CrossSeries]
    assert all(term.context <= fitted.lookback for term in fitted.fitted)
    assert any("lookback" in line for line in fitted.messages)
    assert any("cross-series" in line for line in fitted.messages)


def test_together_they_forecast_better_than_the_baseline(fitted, rows):
    targets, later = [0, 1, 3, 4, 5, 6], np.arange(2500, 2996)
    outcomes = np.stack([rows[t + 1 : t + 5, targets] for t in later])
    found = {}
    for name, terms in (("fitted", fitted.fitted), ("refitted", fitted.refitted)):
        context = max(term.context for term in terms)
        found[name] = np.square(forecast(terms, rows)[later - context + 1] - outcomes).mean()
    own, origins = rows[:, targets], [range(2500, 2996)]
    baseline = np.square(errors_of(fitted.ridge_map, own, origins, fitted.lookback, 4)).mean()
    assert found["refitted"] < 1.002 * found["fitted"]
    assert found["refitted"] < 0.95 * baseline


@pytest.mark.parametrize("maps", ["auto", "shared", "per_feature"])
def test_the_baseline_is_the_same_in_all_modes(fitted, rows, maps):
    targets = [0, 1, 3, 4, 5, 6]
    other = fit_model(
        rows[:2500], [fitted.lookback], 4, targets=targets, settings=LinearModel(maps=maps), isolated=True
    )
    np.testing.assert_array_equal(other.ridge_map, fitted.ridge_map)
    origins = find_origins([2250], other.lookback, 4), find_origins([2500], other.lookback, 4, [2250])
    expected = fit_ridge_map(rows[:2500, targets], *origins, other.lookback, 4, (1e-5, 1e-3, 1e-2, 1e-1), 1e11)
    np.testing.assert_allclose(other.ridge_map, expected, atol=1e-9)


def test_isolated_targets_see_no_other_column(rows):
    targets = [1, 4]
    found = fit_model(rows, [24], 4, targets=targets, isolated=True)
    assert {term.name for term in found.fitted} <= {"linear_mixture", "mean_reversion"}
    assert "may not see" in found.gates["cross_series"].reason
    spoiled = rows.copy()
    spoiled[:, [0, 2, 3, 5, 6]] = 7
    for term in found.fitted:
        np.testing.assert_array_equal(term.dense(spoiled), term.dense(rows))
    changed = fit_model(spoiled, [24], 4, targets=targets, isolated=True)
    np.testing.assert_array_equal(changed.fitted[0].kernel, found.fitted[0].kernel)


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        (LinearModel(cross_series=False), "cross_series"),
        (LinearModel(mean_reversion=False), "mean_reversion"),
    ],
)
def test_parts_can_be_switched_off(rows, settings, missing):
    found = fit_model(rows[:1500], [12], 4, settings=settings)
    assert found.gates[missing].reason == "not kept: switched off"
    assert missing not in [term.name for term in found.fitted]


def test_random_walks_repeat_their_newest_row():
    rows = standardized(random_walks([2000], 3, 1))
    found = fit_model(rows, [1, 2, 4, 8, 16, 32], 8)
    assert not found.gates["linear_mixture"].kept
    (mixture,) = found.refitted
    assert mixture.kernel[:, -1].min() > 0.7


def test_validation_rows_have_no_part_in_what_they_judge():
    rows = panel(2000, 4)
    spoiled = rows.copy()
    spoiled[1800:] += 0.05 * np.random.default_rng(1).normal(size=(200, 4)).astype(np.float32)
    settings = LinearModel(cross_series=False)
    mixture = replace(settings.mixture, alphas=(0.1,), mean_alphas=(), n_lengths=1, structural_windows=0.0)
    alone = LinearModel(mixture=mixture, maps="shared")
    found, other = (fit_model(each, [24], 4, settings=alone, isolated=True) for each in (rows, spoiled))
    np.testing.assert_allclose(found.fitted[0].kernel, other.fitted[0].kernel, atol=1e-6)
    assert np.abs(found.refitted[0].kernel - other.refitted[0].kernel).max() > 1e-4


def test_without_validation_rows_nothing_is_chosen():
    rows = autoregression(300, 10)
    found = fit_model(rows, [24], 4, first=300)
    assert {term.name for term in found.fitted} <= {"linear_mixture", "mean_reversion"}
    assert found.gates["linear_mixture"].reason == "not kept: no validation rows"
    np.testing.assert_array_equal(found.fitted[0].kernel, found.refitted[0].kernel)
    assert found.ridge_map.shape == (1, 24, 4)


def test_a_short_lookback_has_no_rolling_scale(rows):
    found = fit_model(rows[:1000], [3], 2)
    assert "too short" in found.gates["cross_series"].reason
