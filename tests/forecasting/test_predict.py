"""Forecasts from many cutoffs are those of each."""

import numpy as np
import pytest

from tscnn.data.times import Times
from tscnn.forecasting.predict import forecast_rows


@pytest.mark.parametrize("stride", [1, 3, 20])
def test_chunks_make_no_difference(fitted, frame, stride):
    pipeline, cutoffs = fitted.pipeline_, np.arange(11, 297, stride)
    rows = pipeline.apply(frame.to_numpy(), Times(frame.index))
    ((_, whole),) = forecast_rows(pipeline, rows, Times(frame.index), cutoffs)
    parts = list(forecast_rows(pipeline, rows, Times(frame.index), cutoffs, most_values=1))
    assert len(parts) > 5
    np.testing.assert_array_equal(np.concatenate([cutoffs[chunk] for chunk, _ in parts]), cutoffs)
    np.testing.assert_allclose(np.concatenate([found for _, found in parts]), whole, rtol=1e-5, atol=1e-5)
