import numpy as np
import pytest

from tscnn.reconstruction.autoregression import VectorAutoregression
from tscnn.reconstruction.autoregression_fit import fit_autoregression


@pytest.fixture(scope="module")
def reconstructor_model():
    coefficients = np.array([[[0.5, 0.2], [0.0, 0.6]], [[0.1, 0.0], [0.1, 0.2]]])
    return VectorAutoregression(coefficients, np.array([[1.0, 0.3], [0.3, 0.5]]))


def simulate(model: VectorAutoregression, n_rows: int) -> np.ndarray:
    random = np.random.default_rng(0)
    rows = np.zeros((n_rows + 50, 2))
    for t in range(2, len(rows)):
        mean = model.coefficients[0] @ rows[t - 1] + model.coefficients[1] @ rows[t - 2]
        rows[t] = random.multivariate_normal(mean, model.covariance)
    return rows[50:]


def joint_precision(model: VectorAutoregression, n_rows: int) -> np.ndarray:
    """Return the precision of `order` rows before the first, and of all rows, by the definition."""
    size, order = 2 * (n_rows + model.order), model.order
    precision, inverse = np.zeros((size, size)), np.linalg.inv(model.covariance)
    precision[: 2 * order, : 2 * order] = np.eye(2 * order)
    for t in range(order, n_rows + order):
        equation = np.zeros((2, size))
        equation[:, 2 * t : 2 * t + 2] = np.eye(2)
        for k, coefficients in enumerate(model.coefficients, 1):
            equation[:, 2 * (t - k) : 2 * (t - k) + 2] = -coefficients
        precision += equation.T @ inverse @ equation
    return precision


def test_reconstructor_fills_gaps_by_the_mean_and_the_variance_of_the_joint_distribution(reconstructor_model):
    rows = simulate(reconstructor_model, 30)
    rows[[0, 7, 8, 9, 28, 29]] = np.nan
    rows[15:19, 1] = np.nan
    found = reconstructor_model.condition(rows)
    flat = np.concatenate([np.full(4, np.nan), rows.ravel()])
    gone = np.isnan(flat)
    precision = joint_precision(reconstructor_model, 30)
    inverse = np.linalg.inv(precision[np.ix_(gone, gone)])
    mean = -inverse @ precision[np.ix_(gone, ~gone)] @ flat[~gone]
    missing = np.isnan(rows)
    np.testing.assert_allclose(found.mean[missing], mean[4:], rtol=1e-4)
    np.testing.assert_allclose(found.variance[missing], np.diag(inverse)[4:], rtol=1e-4)
    full = np.zeros((64, 64))
    full[np.ix_(gone, gone)] = inverse
    expected = sum(full[2 * t - 2 : 2 * t, 2 * t : 2 * t + 2] for t in range(3, 32))
    np.testing.assert_allclose(found.lagged[1], expected, rtol=1e-4, atol=1e-8)


def test_reconstructor_learns_the_coefficients_in_spite_of_gaps(reconstructor_model):
    rows = simulate(reconstructor_model, 4000)
    rows[np.random.default_rng(1).random(rows.shape) < 0.2] = np.nan
    found = fit_autoregression([rows], 2)
    np.testing.assert_allclose(found.coefficients, reconstructor_model.coefficients, atol=0.08)
    np.testing.assert_allclose(found.covariance, reconstructor_model.covariance, atol=0.08)


def test_reconstructor_leaves_a_value_out(reconstructor_model):
    rows = simulate(reconstructor_model, 40)
    mean, variance = reconstructor_model.leave_out(rows)
    gappy = rows.copy()
    gappy[20, 1] = np.nan
    found = reconstructor_model.condition(gappy)
    assert mean[20, 1] == pytest.approx(found.mean[20, 1], rel=1e-4)
    assert variance[20, 1] == pytest.approx(found.variance[20, 1], rel=1e-4)
