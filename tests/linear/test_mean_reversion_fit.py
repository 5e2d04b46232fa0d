import numpy as np
import pytest

from tests.linear.series import autoregression, mix, random_walks, standardized
from tscnn.linear import LinearModel
from tscnn.linear.mean_reversion_fit import fit_mean_reversion
from tscnn.linear.out_of_fold import FoldMaps, out_of_fold_errors
from tscnn.transforms.rolling import rolling_normalize

MODEL = LinearModel()


def fit_on(rows, lookback=16, horizon=32, settings=MODEL):
    errors = mix(rows, len(rows) * 9 // 10, [lookback], horizon).errors
    return fit_mean_reversion(rows, errors, lookback // 2, horizon, settings)


def errors_of_repetition(rows, horizon=6, starts=(100, 900, 1700, 2500)):
    """Out-of-fold errors of repeating the newest row, every origin of the same weight."""
    kernel = np.zeros((1, 4, horizon))
    kernel[:, -1] = 1
    maps, steps = np.zeros(rows.shape[1], int), np.arange(horizon)
    folds = [FoldMaps(kernel, maps, steps, [range(a, a + 700)]) for a in starts]
    return out_of_fold_errors(rows, folds, np.ones(rows.shape), MODEL)


def test_series_that_return_to_their_mean_are_called_back_the_further_the_later():
    rows = autoregression(6000, memory=40, n_features=3)
    coefficients, left, result = fit_mean_reversion(rows, errors_of_repetition(rows), 8, 6, MODEL)
    assert result.kept
    assert coefficients.shape == (6,)
    assert (np.diff(coefficients) < 0).all()
    assert coefficients[-1] < 0
    before, after = (
        np.mean([np.square(fold.errors).mean() for fold in folds]) for folds in (errors_of_repetition(rows), left)
    )
    assert after < before


@pytest.mark.parametrize("seed", range(3))
def test_random_walks_are_left_alone(seed):
    rows = standardized(random_walks([4000], 3, seed))
    coefficients, left, result = fit_on(rows)
    assert coefficients is None
    assert not result.kept
    assert left


def test_coefficients_are_a_part_of_weighted_least_squares():
    rows = autoregression(4000, memory=20)
    errors = errors_of_repetition(rows)
    coefficients, _, _ = fit_mean_reversion(rows, errors, 8, 6, MODEL)
    _, level, scale = (found[0] for found in rolling_normalize(rows[None], 8))
    scale = scale + 1e-3
    pull = scale * np.tanh(level / scale)
    at = np.concatenate([fold.origins for fold in errors])
    x, y = pull[at - 7], -np.concatenate([fold.errors for fold in errors])
    expected = [np.linalg.lstsq(x.reshape(-1, 1), y[..., step].ravel(), rcond=None)[0][0] for step in range(6)]
    np.testing.assert_allclose(coefficients, MODEL.reversion_strength * np.array(expected), rtol=1e-4)


def test_one_column_of_large_errors_does_not_decide_for_all():
    rows, quick = autoregression(4000, memory=40, n_features=4), autoregression(4000, memory=5)[:, 0]

    def coefficients_of(rows):
        return fit_mean_reversion(rows, errors_of_repetition(rows), 8, 6, MODEL)[0]

    alone, others = coefficients_of(quick[:, None]), coefficients_of(rows)
    for factor in (30, 300):
        rows[:, 0] = factor * quick
        found = coefficients_of(rows)
        assert ((found - others) / (alone - others) < 0.8).all()


def test_few_folds_tell_nothing():
    rows = autoregression(4000, memory=20)
    coefficients, left, result = fit_mean_reversion(rows, errors_of_repetition(rows)[:2], 8, 6, MODEL)
    assert coefficients is None
    assert len(left) == 2
    assert result.reason == "not kept: fewer than 3 folds"
