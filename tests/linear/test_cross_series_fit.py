import numpy as np
import pytest

from tests.linear.series import follower, mix, random_walks, standardized
from tscnn.linear import LinearModel
from tscnn.linear.cross_series_fit import fit_cross_series
from tscnn.linear.out_of_fold import FoldMaps, out_of_fold_errors
from tscnn.linear.settings import CrossSeriesSettings

MODEL = LinearModel()


def fit_on(rows, lookback=16, horizon=3, settings=MODEL, targets=None):
    targets = np.arange(rows.shape[1]) if targets is None else np.asarray(targets)
    errors = mix(rows[:, targets], len(rows) * 9 // 10, [lookback], horizon).errors
    return fit_cross_series(rows, targets, errors, lookback // 2, lookback, horizon, settings)


def fit_on_zero_maps(rows, starts=(100, 600, 1100), span=50, settings=MODEL):
    """One row seen, and the errors of maps that forecast zero, from 400 origins a fold."""
    n = rows.shape[1]
    folds = [FoldMaps(np.zeros((1, 4, 2)), np.zeros(n, int), np.arange(2), [range(a, a + 400)]) for a in starts]
    errors = out_of_fold_errors(rows, folds, scales_of(rows), settings)
    return fit_cross_series(rows, np.arange(n), errors, span, span, 2, settings)


def scales_of(rows):
    return np.random.default_rng(0).uniform(1, 2, size=rows.shape)


def test_a_column_that_follows_another_is_forecast_from_it():
    found, result = fit_on(follower(3000))
    assert result.kept
    assert result.n_tries == 10
    for kernel in (found.fitted, found.refitted):
        assert kernel.shape[1:] == (2, 3, 2)
        # One row ahead the follower will be what the leader was a row ago, two rows ahead what it is now.
        assert kernel[-2, 0, 0, 1] > 0.6 * 0.5
        assert kernel[-1, 0, 1, 1] > 0.6 * 0.5
        assert np.abs(kernel[:, :, :, 0]).max() < 0.2  # nothing tells the leader


def test_a_column_that_is_no_target_may_tell():
    found, result = fit_on(follower(3000), targets=[1])
    assert result.kept
    assert found.fitted.shape[1:] == (2, 3, 1)
    assert found.fitted[-1, 0, 1, 0] > 0.3


@pytest.mark.parametrize("seed", range(3))
def test_columns_that_say_nothing_about_each_other_are_left_alone(seed):
    noise = np.random.default_rng(seed).normal(size=(3000, 4))
    for rows in (noise, random_walks([3000], 4, seed)):
        found, result = fit_on(standardized(rows))
        assert found is None
        assert not result.kept


def test_the_last_fold_has_no_part_in_what_it_judges():
    rows = follower(1600)
    spoiled = rows.copy()
    spoiled[1150:] = follower(450, seed=9)
    (found, _), (other, _) = fit_on_zero_maps(rows), fit_on_zero_maps(spoiled)
    np.testing.assert_allclose(found.fitted, other.fitted, atol=1e-5)
    assert np.abs(found.refitted - other.refitted).max() > 1e-3


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_weights_are_a_part_of_a_weighted_ridge_regression_on_the_errors(strength):
    rows = follower(1600)
    own = CrossSeriesSettings(strength=strength)
    found, _ = fit_on_zero_maps(rows, settings=LinearModel(cross_series_settings=own))
    at = np.concatenate([np.arange(a, a + 400) for a in (100, 600, 1100)])
    windows = np.lib.stride_tricks.sliding_window_view(rows.astype(float), 50, axis=0)[at - 49]
    level, scale = windows.mean(axis=2), windows.std(axis=2) + 1e-3
    inputs, scale = (rows[at] - level) / scale, scale - 1e-3
    outputs = np.stack([rows[at + 1], rows[at + 2]], axis=2) / scale[:, :, None]  # (origins, targets, steps)
    weights = np.mean(scales_of(rows)[at] ** -2 * scale**2, axis=1)
    product = (inputs * weights[:, None]).T @ inputs
    solutions = [
        np.linalg.solve(
            product + alpha * np.trace(product) / 2 * np.eye(2),
            (inputs * weights[:, None]).T @ outputs.reshape(-1, 4),
        ).reshape(2, 2, 2)
        for alpha in own.alphas
    ]
    expected = [strength * solution.transpose(0, 2, 1)[None] for solution in solutions]
    assert min(np.abs(found.refitted - each)[:, :, 1, 1].max() for each in expected) < 1e-5
    assert not found.refitted[:, :, 0].any()  # what follows one row ahead is in no row that is seen
    assert not found.refitted[..., 0].any()  # of the leader, which it does not help


def test_a_target_that_is_constant_for_long_does_not_spoil_the_others():
    rows = np.hstack([follower(1600), np.zeros((1600, 1), np.float32)])
    rows[[200, 300, 700, 900, 1250, 1400], 2] = 3  # of its windows before a step, nothing is left but rounding
    found, _ = fit_on_zero_maps(rows)
    assert found.refitted[0, 0, 1, 1] > 0.6 * 0.5


def test_parts_of_the_horizon_are_corrected_by_themselves():
    found, _ = fit_on(follower(3000, lag=1), horizon=8)
    assert np.abs(found.fitted[:, :, 0, 1]).max() > 0.3
    assert not found.fitted[:, :, 4:].any()
    assert all(part.stop <= 4 for part in found.helped)


def test_steps_between_those_that_are_scored_are_interpolated():
    rows = follower(4000)
    smooth = np.convolve(rows[:, 0], np.ones(60) / np.sqrt(60), "same")[:, None]
    rows = standardized(np.hstack([smooth, np.roll(smooth, 40) + 0.3 * rows[:, 1:]]))
    found, _ = fit_on(rows, lookback=32, horizon=96)
    assert found is not None
    steps = found.fitted[-1, 0, :, 1]
    np.testing.assert_allclose(steps[1:8:2], (steps[0:8:2] + steps[2:10:2]) / 2, atol=1e-9)


def test_reasons_against_it_are_told():
    assert fit_on_zero_maps(follower(1600), starts=(100, 600))[1].reason == "not kept: fewer than 3 folds"
    many = LinearModel(cross_series_settings=CrossSeriesSettings(most_weights=7))
    assert fit_on_zero_maps(follower(1600), settings=many)[1].reason == "not kept: too many columns"
