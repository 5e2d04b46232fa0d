import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.series import follower, judged_maps, random_walks
from tscnn import Forecaster, fitting
from tscnn.linear.cross_series import STRENGTH, VectorAutoregression, fit_vector_autoregression
from tscnn.linear.mixture import JudgedMap, LinearMixture
from tscnn.linear.out_of_fold import find_residuals
from tscnn.network.config import resolve_config


def fit_on(rows, lookback=16, horizon=3, span=8, most_rows=9):
    judged = judged_maps(rows, lookback, horizon)
    residuals, normalized = find_residuals(rows, range(rows.shape[1]), judged, span)
    return fit_vector_autoregression(normalized, residuals, None, horizon, most_rows)


def fit_on_zero_maps(rows, starts=(100, 600, 1100)):
    """One row seen, and the errors of maps that forecast zero, from 400 origins a fold."""
    folds = [JudgedMap(np.zeros((1, 4, 2)), np.zeros(3, int), np.arange(2), [range(a, a + 400)]) for a in starts]
    residuals, normalized = find_residuals(rows, [0, 1], folds, 50)
    return fit_vector_autoregression(normalized, residuals, None, 2, most_rows=1)


def test_a_column_that_follows_another_is_forecast_from_it():
    found = fit_on(follower(3000))
    assert found is not None
    for weights in found:
        assert weights.shape[1:] == (2, 3, 2)
        # One row ahead the follower will be what the leader was a row ago, two rows ahead what it is now.
        assert weights[-2, 0, 0, 1] > 0.6 * STRENGTH
        assert weights[-1, 0, 1, 1] > 0.6 * STRENGTH
        assert np.abs(weights[:, :, :, 0]).max() < 0.2  # nothing tells the leader


@pytest.mark.parametrize("seed", range(3))
def test_columns_that_say_nothing_about_each_other_are_left_alone(seed):
    rows = random_walks([3000], 4, seed)
    assert fit_on((rows / rows.std(axis=0)).astype(np.float32)) is None


def test_the_last_fold_has_no_part_in_what_it_judges():
    rows = follower(1600)
    spoiled = rows.copy()
    spoiled[1150:] = follower(450, seed=9)
    found, other = fit_on_zero_maps(rows), fit_on_zero_maps(spoiled)
    np.testing.assert_allclose(found.fitted, other.fitted, atol=1e-5)
    assert np.abs(found.refitted - other.refitted).max() > 1e-3


def test_weights_are_half_of_a_ridge_regression_on_the_errors():
    rows = follower(1600)
    found = fit_on_zero_maps(rows)
    at = np.concatenate([np.arange(a, a + 400) for a in (100, 600, 1100)])
    windows = np.lib.stride_tricks.sliding_window_view(rows.astype(float), 50, axis=0)[at - 49]
    level, scale = windows.mean(axis=2), windows.std(axis=2) + 1e-3
    inputs = (rows[at] - level) / scale
    outputs = np.stack([rows[at + 1], rows[at + 2]], axis=2) / scale[:, :, None]  # (origins, targets, steps)
    weights = np.mean((windows.var(axis=2) + 0.05) ** -0.5 * scale**2, axis=1)
    product = (inputs * weights[:, None]).T @ inputs
    solutions = [
        np.linalg.solve(
            product + alpha * np.trace(product) / 2 * np.eye(2),
            (inputs * weights[:, None]).T @ outputs.reshape(-1, 4),
        ).reshape(2, 2, 2)
        for alpha in (0.01, 0.1, 1, 10, 100)
    ]
    expected = [STRENGTH * solution.transpose(0, 2, 1)[None] for solution in solutions]
    assert min(np.abs(found.refitted - each)[:, :, 1, 1].max() for each in expected) < 1e-6
    assert not found.refitted[:, :, 0].any()  # what follows one row ahead is in no row that is seen
    assert not found.refitted[..., 0].any()  # of the leader, which it does not help


def test_a_target_that_is_constant_for_long_does_not_spoil_the_others():
    rows = np.hstack([follower(1600), np.zeros((1600, 1), np.float32)])
    rows[[200, 300, 700, 900, 1250, 1400], 2] = 3  # of its windows before a step, nothing is left but rounding
    starts = 100, 600, 1100
    folds = [JudgedMap(np.zeros((1, 4, 2)), np.zeros(3, int), np.arange(2), [range(a, a + 400)]) for a in starts]
    residuals, normalized = find_residuals(rows, range(3), folds, 50)
    found = fit_vector_autoregression(normalized, residuals, None, 2, most_rows=1)
    assert found.refitted[0, 0, 1, 1] > 0.6 * STRENGTH


def test_there_is_none_where_all_gains_may_be_chance(monkeypatch):
    rows = follower(2500)
    start = fitting.fit_linear_maps(rows, 2250, [16], 3, "auto", "joint", None, False)
    config = resolve_config(16, 3, 2, normalizer_span=8)
    assert fitting.fit_corrections(start, rows, config).vector is not None
    monkeypatch.setattr(LinearMixture, "beats_repetition", False)
    assert fitting.fit_corrections(start, rows, config).vector is None


def test_a_doubted_gain_over_repetition_is_none():
    rows = follower(2500)
    mixture = fitting.fit_linear_maps(rows, 2250, [16], 3, "auto", "joint", None, False).mixture
    assert mixture.beats_repetition
    assert not replace(mixture, trusted=np.full(2, 0.5)).beats_repetition


def test_two_folds_are_not_enough():
    assert fit_on_zero_maps(follower(1600), starts=(100, 600)) is None


@pytest.mark.parametrize("feature_mode", ["joint", "front_end"])
def test_a_fitted_one_is_the_same_in_every_evaluator_and_copy(feature_mode):
    rows = follower(2500) * 5 + 20
    settings = {"filters": 2, "epochs": 1, "normalizer_span": 8, "random_state": 0, "verbose": 0}
    forecaster = Forecaster(16, 3, feature_mode=feature_mode, **settings).fit(rows[:2400])
    assert forecaster.config_.vector_skip > 1
    later = rows[2380:2460]
    backtest = forecaster.backtest(later).to_numpy().reshape(-1, 3, 2)
    context, row = later[:16], later[16]
    for other in (forecaster, pickle.loads(pickle.dumps(forecaster))):
        np.testing.assert_allclose(other.predict(context), backtest[0], rtol=1e-5, atol=1e-4)
        stream = other.stream(context)
        state = stream.state
        np.testing.assert_allclose(stream.update(row), backtest[1], rtol=1e-5, atol=1e-4)
        stream.restore(state)
        np.testing.assert_allclose(stream.update(row), backtest[1], rtol=1e-5, atol=1e-4)


def test_the_report_does_not_see_what_is_solved_on_the_rows_that_it_judges(monkeypatch):
    settings = {"filters": 2, "epochs": 1, "normalizer_span": 8, "random_state": 0, "verbose": 0}
    fitted, reports = np.zeros((1, 2, 3, 2)), []
    for refitted in (fitted, fitted + 1):
        found = VectorAutoregression(fitted, refitted)
        monkeypatch.setattr(fitting, "fit_vector_autoregression", lambda *_, found=found: found)
        forecaster = Forecaster(16, 3, **settings).fit(follower(1000))
        np.testing.assert_array_equal(forecaster.network_.dense.get_layer("vector_skip").weight, refitted)
        reports.append(forecaster.report_)
    pd.testing.assert_frame_equal(*reports, check_exact=True)


def test_independent_features_do_not_see_each_other():
    settings = {"filters": 2, "epochs": 1, "normalizer_span": 8, "random_state": 0, "verbose": 0}
    forecaster = Forecaster(16, 3, feature_mode="independent", **settings).fit(follower(2500))
    assert forecaster.config_.vector_skip == 0
