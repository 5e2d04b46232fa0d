"""Fitting the calibration."""

from types import SimpleNamespace

import numpy as np
import pytest

from tscnn.fitting.calibration import compare_series
from tscnn.fitting.held_out_errors import Errors


@pytest.mark.parametrize(("n_each", "factor"), [(1, 1.0), (200, 3.0)])
def test_calibration_divides_errors_of_a_series_by_those_of_its_other_origins(n_each, factor):
    origins = np.concatenate([np.arange(n_each), 1000 + np.arange(n_each)])
    values = np.where(origins < 1000, 1.0, 3.0)[:, None, None] * np.ones((1, 1, 1))
    errors = Errors(origins, np.arange(1), values, (n_each, n_each))
    seen = SimpleNamespace(indexes=[None] * 2, bounds=np.array([0, 1000, 2000]))
    of_series, (numbers,) = compare_series([errors], [values], seen)
    assert of_series[0, 0] == pytest.approx(1.0)
    np.testing.assert_allclose(values[-1] / numbers[-1], factor, rtol=0.05)  # a single error says nothing of itself
