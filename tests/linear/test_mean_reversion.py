import pickle

import numpy as np
import pytest

from tests.series import autoregression, judged_maps, random_walks
from tscnn import Forecaster
from tscnn.fitting import fit_corrections, fit_linear_maps
from tscnn.linear.mean_reversion import STRENGTH, find_reversion
from tscnn.linear.mixture import JudgedMap, LinearMixture
from tscnn.linear.out_of_fold import find_residuals
from tscnn.network.config import resolve_config


def reversion_of(rows, judged, span, horizon):
    residuals, _ = find_residuals(rows, range(rows.shape[1]), judged, span)
    return find_reversion(residuals, horizon)


def test_a_series_that_returns_to_its_mean_is_forecast_to():
    rows = autoregression(4000, memory=30)
    reversion = reversion_of(rows, judged_maps(rows), 8, 32)
    assert reversion.shape == (32,)
    assert reversion[-1] < reversion[0] < 0.01
    assert reversion[-1] < -0.05


@pytest.mark.parametrize("seed", range(3))
def test_a_trend_is_not_called_back(seed):
    rows = random_walks([3000], 2, seed) / 30 + np.linspace(-2, 2, 3000)[:, None]
    assert reversion_of(rows.astype(np.float32), judged_maps(rows), 8, 32) is None


def test_two_folds_are_not_enough():
    rows = autoregression(4000, memory=30)
    assert reversion_of(rows, judged_maps(rows)[-2:], 8, 32) is None


def test_a_series_without_errors_has_no_reversion():
    rows = np.tile(np.arange(4.0), 500)[:, None].astype(np.float32) - 1
    repeat = JudgedMap(np.eye(4)[None], np.zeros(1, int), np.arange(4), [range(100, 500)])
    assert reversion_of(rows, [repeat] * 3, 8, 4) is None


def test_the_reversion_is_half_of_what_least_squares_finds():
    rows = autoregression(2000, memory=20, n_features=1)
    kernel = np.zeros((1, 4, 3))
    kernel[:, -1] = 1  # repeats the last row
    blocks = range(100, 600), range(600, 1300), range(1300, 1900)
    folds = [JudgedMap(kernel, np.zeros(1, int), np.array([0, 4, 8]), [block]) for block in blocks]
    reversion = reversion_of(rows, folds, 50, 9)
    at = np.arange(100, 1900)
    windows = np.lib.stride_tricks.sliding_window_view(rows[:, 0].astype(float), 50)[at - 49]
    level, scale = windows.mean(axis=1), windows.std(axis=1) + 1e-3
    pull, weights = scale * np.tanh(level / scale), (windows.var(axis=1) + 0.05) ** -0.5
    for step in (0, 4, 8):
        errors = rows[at, 0] - rows[at + 1 + step, 0]
        found = -np.sum(weights * pull * errors) / np.sum(weights * pull**2)
        np.testing.assert_allclose(reversion[step], STRENGTH * found, rtol=1e-3)
    np.testing.assert_allclose(reversion[1], 0.75 * reversion[0] + 0.25 * reversion[4])


def test_few_horizons_tell_of_none(monkeypatch):
    rows = autoregression(2400, memory=30)
    start = fit_linear_maps(rows, 2160, [16], 32, "auto", "joint", None, False)
    config = resolve_config(16, 32, 2, normalizer_span=8)
    assert fit_corrections(start, rows, config).reversion is not None
    monkeypatch.setattr(LinearMixture, "can_judge", False)
    assert fit_corrections(start, rows, config).reversion is None


def test_a_fitted_step_back_is_the_same_in_every_evaluator_and_copy():
    rows = autoregression(2500, memory=30) * 5 + 20
    settings = {"filters": 2, "epochs": 1, "normalizer_span": 8, "random_state": 0, "verbose": 0}
    forecaster = Forecaster(16, 32, **settings).fit(rows[:2400])
    assert forecaster.config_.reversion
    assert forecaster.network_.dense.get_layer("head").reversion.numpy()[-1] < -0.05
    later = rows[2380:2460]
    backtest = forecaster.backtest(later).to_numpy().reshape(-1, 32, 2)
    context, row = later[:16], later[16]
    for other in (forecaster, pickle.loads(pickle.dumps(forecaster))):
        np.testing.assert_allclose(other.predict(context), backtest[0], rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(other.stream(context).update(row), backtest[1], rtol=1e-5, atol=1e-4)
