import numpy as np
import pytest
from scipy.optimize import minimize

from tscnn.linear.candidates import Candidate, CandidateErrors
from tscnn.linear.combination import choose_lookback, combination_weights
from tscnn.linear.settings import MixtureSettings

SETTINGS = MixtureSettings()


def test_each_feature_has_the_weights_that_serve_it_best():
    good, bad = 0.1, 10.0
    products = np.array([np.diag([good, bad]), np.diag([bad, good]), np.diag([good, good])])
    weights = combination_weights(products, SETTINGS)
    assert weights.shape == (2, 3)
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    first, second, both = weights[0]
    assert first > both > second
    assert both == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_weights_minimise_the_squared_error_on_the_simplex(seed):
    random = np.random.default_rng(seed)
    errors = random.normal(size=(200, 5)) @ random.normal(size=(5, 5)) * [1, 1, 1, 2, 3]
    products = errors.T @ errors
    settings = MixtureSettings(equal_weights=1e-9, least_weight=0.0)
    found = combination_weights(products[None], settings)[:, 0]
    best = minimize(
        lambda w: w @ products @ w / products.trace(),
        np.full(5, 0.2),
        bounds=[(0, 1)] * 5,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-12},
    )
    np.testing.assert_allclose(found, best.x, atol=1e-3)


def test_candidates_without_errors_share_the_weight():
    np.testing.assert_allclose(combination_weights(np.zeros((1, 2, 2)), SETTINGS), 0.5)
    exact = np.diag([0.0, 1.0])
    assert combination_weights(exact[None], SETTINGS)[0, 0] > 0.9


def test_a_feature_weighs_by_its_own_errors_and_those_of_all():
    own = np.array([np.diag([1.0, 4.0]), np.diag([3.0, 2.0])])
    weights = combination_weights(own, MixtureSettings(equal_weights=1e-9))[0]
    common = own.mean(axis=0) / own.mean(axis=0).trace()
    for weight, products in zip(weights, own, strict=True):
        a, b = np.diag(products / products.trace() + common)
        assert weight == pytest.approx(b / (a + b), abs=1e-6)


def test_one_column_of_many_decides_neither_weights_nor_lookback():
    candidates = [Candidate(length, "shared", [], np.zeros(1, int)) for length in (2, 1)]
    usual, outlying = np.diag([1.0, 1.5]), np.diag([1000.0, 1.0]) * 1e4
    for n_outlying in (0, 1):
        products = np.array([usual] * (50 - n_outlying) + [outlying] * n_outlying)
        errors = CandidateErrors(candidates, np.array([products] * 2), [])
        assert choose_lookback(errors, [1, 2], MixtureSettings(n_lengths=1))[0] == 2
        weights = combination_weights(products, SETTINGS)
        assert weights[0, 0] > weights[1, 0]  # of a column among the others


def test_a_lookback_is_not_chosen_by_weights_that_flatter_it():
    candidates = [Candidate(length, "shared", [], np.zeros(1, int)) for length in (2, 2, 1)]

    def products(first, second):
        """Errors of three candidates on a fold, which those of the longer lookback share with none."""
        return np.diag([first, second, 1.0])[None]

    # Each candidate of two rows errs on the fold where the other does not.
    for contrast, expected in ((1.3, 2), (1.9, 2), (3.0, 1), (6.0, 1)):
        by_fold = np.array([products(0.1, contrast), products(contrast, 0.1)])
        errors = CandidateErrors(candidates, by_fold, [])
        lookback, weights, unseen = choose_lookback(errors, [1, 2], SETTINGS)
        assert lookback == expected
        np.testing.assert_allclose(weights, np.mean(unseen, axis=0))
        assert weights.shape == unseen[0].shape == unseen[1].shape == (3, 1)
        assert len(unseen) == 2
