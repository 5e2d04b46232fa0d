import numpy as np
import pytest

from tscnn.statistics import diebold_mariano


def twin(d, h):
    """Write the formulas of Harvey, Leybourne and Newbold as they stand."""
    n, mean = len(d), np.mean(d)
    gamma = [sum((d[t] - mean) * (d[t - k] - mean) for t in range(k, n)) / n for k in range(h)]
    variance = (gamma[0] + 2 * sum(gamma[1:])) / n
    return mean / variance**0.5 * ((n + 1 - 2 * h + h * (h - 1) / n) / n) ** 0.5


@pytest.mark.parametrize("h", [1, 2, 5])
def test_equals_its_formulas(h):
    stats = pytest.importorskip("scipy.stats")
    d = np.random.default_rng(0).normal(0.2, size=60)
    statistic, p_value = diebold_mariano(d, h)
    assert statistic == pytest.approx(twin(d, h))
    assert p_value == pytest.approx(2 * stats.t.sf(abs(statistic), 59))
    assert diebold_mariano(-d, h) == pytest.approx((-statistic, p_value))


def test_rejects_as_often_as_it_says():
    random = np.random.default_rng(0)
    noise = random.normal(size=(1500, 104))
    overlapping = np.stack([noise[:, k : k + 100] for k in range(5)]).sum(axis=0)  # correlated up to four apart
    share = np.mean([diebold_mariano(d, 5)[1] < 0.05 for d in overlapping])
    assert 0.03 < share < 0.09
    assert np.mean([diebold_mariano(d, 1)[1] < 0.05 for d in overlapping]) > 0.25


def test_a_variance_below_zero_is_none():
    d = np.tile([1.0, -1.0], 10) + 0.1
    statistic, p_value = diebold_mariano(d, 2)
    assert np.isfinite(statistic)
    assert 0 < p_value < 1


def test_few_and_equal_differences():
    assert np.isnan(diebold_mariano([1.0, 2.0, 3.0], 3)).all()
    assert np.isnan(diebold_mariano([1.0], 1)).all()
    assert diebold_mariano([0.0, 0.0, 0.0]) == (0.0, 1.0)
    assert diebold_mariano([0.5, 0.5, 0.5]) == (np.inf, 0.0)
    assert diebold_mariano([1.0, np.nan, 2.0, 4.0]) == diebold_mariano([1.0, 2.0, 4.0])
