import numpy as np
import pytest
from sklearn.covariance import oas

from tscnn.statistics.shrinkage import oas_intensity, shrink_products


def equicorrelated(p: int, correlation: float) -> np.ndarray:
    return (1 - correlation) * np.eye(p) + correlation


def sample(p: int, n: int, correlation: float, seed: int, n_samples: int = 1) -> np.ndarray:
    """Sample covariances of variables of mean 0 and variance 1, (n_samples, p, p)."""
    factor = np.linalg.cholesky(equicorrelated(p, correlation))
    observations = np.random.default_rng(seed).normal(size=(n_samples, n, p)) @ factor.T
    return observations.transpose(0, 2, 1) @ observations / n


def iterate_oracle(covariance: np.ndarray, n: int) -> float:
    """The paper's equations 21 and 22: the oracle's intensity at the estimate that it gives, until nothing changes."""
    p = len(covariance)
    target = np.trace(covariance) / p * np.eye(p)
    intensity = 0.5
    for _ in range(10_000):
        estimate = (1 - intensity) * covariance + intensity * target
        square, trace = np.trace(estimate @ covariance), np.trace(estimate) ** 2
        intensity = ((1 - 2 / p) * square + trace) / ((n + 1 - 2 / p) * square + (1 - n / p) * trace)
    return min(1.0, intensity)


@pytest.mark.parametrize("p", [2, 3, 5, 20])
@pytest.mark.parametrize(("n", "correlation"), [(15, 0.9), (40, 0.6), (400, 0.3)])
def test_the_intensity_is_where_the_oracle_s_iteration_ends(p, n, correlation):
    (covariance,) = sample(p, n, correlation, seed=p)
    assert oas_intensity(covariance, n) == pytest.approx(iterate_oracle(covariance, n), rel=1e-4)


@pytest.mark.parametrize(("p", "n", "correlation"), [(2, 40, 0.6), (3, 40, 0.5), (3, 20, 0.7), (6, 30, 0.5)])
def test_the_intensity_is_near_the_one_with_the_least_expected_error(p, n, correlation):
    covariances = sample(p, n, correlation, seed=0, n_samples=4000)
    truth = equicorrelated(p, correlation)
    targets = np.trace(covariances, axis1=1, axis2=2)[:, None, None] / p * np.eye(p)
    away = targets - covariances
    least = np.sum(away * (truth - covariances)) / np.sum(np.square(away))  # of the expected squared Frobenius norm
    found = np.array([oas_intensity(covariance, n) for covariance in covariances])
    assert 0.01 < least < 0.5
    assert np.median(found) == pytest.approx(least, rel=0.2)
    if p <= 3:
        without = np.array([oas_without_small_terms(covariance, n) for covariance in covariances])
        assert abs(np.median(without) - least) > 2 * abs(np.median(found) - least)


def oas_without_small_terms(covariance: np.ndarray, n: int) -> float:
    square, trace = np.trace(covariance @ covariance), np.trace(covariance) ** 2
    return min(1.0, (square + trace) / ((n + 1) * (square - trace / len(covariance))))


def test_scikit_learn_leaves_out_terms_that_count_for_few_variables():
    ratios = {}
    for p in (2, 3, 10, 100):
        observations = np.random.default_rng(p).normal(size=(60, p)) @ np.linalg.cholesky(equicorrelated(p, 0.6)).T
        theirs = oas(observations, assume_centered=True)[1]
        ours = oas_intensity(observations.T @ observations / 60, 60)
        assert 0 < ours < theirs < 1
        ratios[p] = theirs / ours
    assert ratios[2] > 1.4
    assert ratios[3] > 1.2
    assert ratios[10] == pytest.approx(1, abs=0.1)
    assert ratios[100] == pytest.approx(1, abs=0.02)


def test_what_is_certain_is_not_shrunk_and_what_is_chance_is():
    correlations = equicorrelated(3, 0.4)
    assert oas_intensity(correlations, np.inf) == 0
    assert oas_intensity(correlations, 1e9) < 1e-6
    assert oas_intensity(correlations, 0.5) == 1
    assert oas_intensity(np.eye(3), 1e9) == 1
    assert oas_intensity(np.ones((1, 1)), 100) == 1


def test_products_are_shrunk_by_their_correlations():
    correlations, scales = equicorrelated(3, 0.5), np.array([1.0, 10.0, 100.0])
    products, target = correlations * np.outer(scales, scales), np.diag([1.0, 200.0, 30000.0])
    intensity = oas_intensity(correlations, 50)
    assert 0 < intensity < 1
    shrunk = shrink_products(products, 50, target)
    np.testing.assert_allclose(shrunk, (1 - intensity) * products + intensity * target)
    np.testing.assert_array_equal(shrink_products(products, np.inf, target), products)
    products[0] = products[:, 0] = 0
    np.testing.assert_array_equal(shrink_products(products, 50, target), products)


@pytest.mark.parametrize(
    ("correlations", "n", "match"),
    [(np.ones((2, 3)), 10, "square.*shape=\\(2, 3\\)"), (np.ones(3), 10, "square"), (np.eye(2), 0, "`n`")],
)
def test_what_has_no_intensity(correlations, n, match):
    with pytest.raises(ValueError, match=match):
        oas_intensity(correlations, n)
