"""What exported models do to windows with outliers and gaps is what forecasts do to them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tscnn.common import numpy_ops
from tscnn.transforms import OutlierFilter
from tscnn.transforms.missing import GapMaps
from tscnn.transforms.outliers_in_graph import clean_in_graph
from tscnn.transforms.stuck import count_runs


def damaged_windows(data: st.DataObject, n_rows: int, n_features: int) -> np.ndarray:
    """Waves, with runs of outliers, constant or not."""
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    windows = np.sin(np.arange(n_rows) / 2)[:, None] + 0.1 * random.normal(size=(3, n_rows, n_features))
    for _ in range(data.draw(st.integers(0, 5))):
        start, length = data.draw(st.integers(0, n_rows - 1)), data.draw(st.integers(1, n_rows // 3))
        which, size = data.draw(st.integers(0, n_features - 1)), data.draw(st.sampled_from([-20, 20, np.nan]))
        moving = random.normal(size=windows[:, start : start + length, which].shape)
        windows[:, start : start + length, which] = size + data.draw(st.booleans()) * moving
    return windows.astype(np.float32)


@given(st.data(), st.integers(4, 40), st.sampled_from([0, 2, 5, 12]))
def test_outliers_are_replaced_alike(data, n_rows, season):
    windows = np.nan_to_num(damaged_windows(data, n_rows, 2), nan=30)
    outliers = OutlierFilter(np.float32([-5, -np.inf]), np.float32([5, 5]), season)
    found = clean_in_graph(windows, None, outliers, numpy_ops)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, outliers.clean(windows), atol=1e-5)


@pytest.mark.parametrize("with_maps", [False, True])
@given(data=st.data(), n_rows=st.integers(4, 40), season=st.sampled_from([0, 3]))
def test_gaps_are_filled_alike(with_maps, data, n_rows, season):
    windows, random = damaged_windows(data, n_rows, 2), np.random.default_rng(1)
    gaps = GapMaps(random.normal(size=(2, 2, 8, 6)) / 8, 1 + random.random(size=(2, 2, 6)), 3) if with_maps else None
    outliers = OutlierFilter(np.float32([-5, -5]), np.float32([5, 5]), season, gaps)
    missing = np.isnan(windows)
    found = clean_in_graph(np.where(missing, np.float32(0), windows), missing, outliers, numpy_ops)
    np.testing.assert_allclose(found, outliers.clean(windows), atol=2e-5)


@given(st.data(), st.integers(4, 40), st.sampled_from([0, 3]))
def test_stuck_values_are_replaced_alike(data, n_rows, season):
    windows = np.maximum(damaged_windows(data, n_rows, 2), np.float32(-0.5))  # where waves are low
    outliers = OutlierFilter(np.float32([-5, -5]), np.float32([5, 5]), season, stuck_from=np.float32([2, 5]))
    runs, missing = np.stack([count_runs(window) for window in windows]), np.isnan(windows)
    found = clean_in_graph(np.nan_to_num(windows), missing, outliers, numpy_ops, windows)
    np.testing.assert_allclose(found, outliers.clean(windows, runs), atol=1e-5)
