"""Covariates in numbers: piecewise linear functions, and what lies far outside of all others."""

import numpy as np
import pandas as pd
import pytest

from tscnn.data.times import Times
from tscnn.transforms.covariates import CovariateBasis, replace_outliers


def test_values_far_outside_of_a_covariates_others_are_its_median():
    values = np.column_stack([np.arange(300.0), np.tile([0.0, 0, 1], 100), np.where(np.arange(300) == 7, 1.0, 0)])
    spoilt = values.copy()
    spoilt[5, 0] = -9999
    cleaned, replaced = replace_outliers(spoilt)
    assert replaced.tolist() == [1, 0, 0]  # a rare flag is none
    assert cleaned[5, 0] == pytest.approx(150, abs=1)
    basis = CovariateBasis.of((), cleaned)
    times = Times(pd.RangeIndex(2), np.array([[-9999.0, 0, 0], [basis.knots[0][2], 0, 0]]))
    far, median = basis.describe(times)
    np.testing.assert_array_equal(far, median)
