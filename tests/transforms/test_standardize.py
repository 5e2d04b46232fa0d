import numpy as np
import pandas as pd
import pytest

from tscnn.transforms.standardize import fit_scaler


@pytest.mark.parametrize("unit", [1e-300, 1e-15, 1.0, 1e15, 1e300])
def test_values_of_any_size_are_standardised(unit):
    values = np.random.default_rng(0).normal(3, 2, (50, 2)) * unit
    scaler = fit_scaler(values)
    standardized = scaler.standardize(values, pd.RangeIndex(len(values)))
    np.testing.assert_allclose(standardized.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(standardized.std(axis=0), 1, rtol=1e-6)
    restored = scaler.restore(standardized[:, None, 1:], [1], np.empty((50, 1, 1)))
    np.testing.assert_allclose(restored[:, 0, 0], values[:, 1], rtol=1e-5, atol=1e-6 * unit)


def test_the_unit_costs_no_digit():
    values = np.random.default_rng(1).normal(3, 2, (50, 3))
    scaler = fit_scaler(values)
    np.testing.assert_array_equal(scaler.mean, values.mean(axis=0))
    np.testing.assert_array_equal(scaler.scale, values.std(axis=0))


@pytest.mark.parametrize("level", [0.0, 0.1, 7.0, 1e12])
def test_a_column_that_varies_by_rounding_alone_is_constant(level):
    values = np.full((30, 1), level)
    values[::2] *= 1 + 2e-16
    assert fit_scaler(values).scale == 1
