import numpy as np
import pytest

from tests.linear.series import autoregression
from tscnn.data.windows import find_origins
from tscnn.linear.error_scales import error_scales
from tscnn.linear.settings import MixtureSettings
from tscnn.transforms.rolling import window_scales

PLAIN = MixtureSettings(residual_power=0)


def make(n_rows=600):
    rows = autoregression(n_rows, 20, 2).astype(float)
    return rows, find_origins([500], 12, 4), find_origins([n_rows], 12, 4, [500])


def test_without_residuals_errors_count_by_the_scale_of_the_window():
    rows, training, validation = make()
    np.testing.assert_array_equal(
        error_scales(rows, training, validation, 12, 4, PLAIN), window_scales(rows, 12, PLAIN.scale_power)
    )
    few = error_scales(rows, [], validation, 12, 4, MixtureSettings())  # no residuals to be had
    np.testing.assert_array_equal(few, window_scales(rows, 12, PLAIN.scale_power))


@pytest.mark.parametrize("first", [300, 550])
def test_windows_that_nothing_could_forecast_count_less(first):
    rows, training, validation = make()
    rows[first : first + 8, 0] += 5 * np.random.default_rng(0).normal(size=8)
    found = error_scales(rows, training, validation, 12, 4, MixtureSettings()) / window_scales(rows, 12, 0.5)
    assert (found[first - 4 : first, 0] > 1.5).all()  # whose outcomes these are
    usual = np.delete(found[11:596], np.arange(first - 20, first + 12), axis=0)
    assert np.median(usual) == pytest.approx(1, abs=0.1)
    assert usual.min() >= np.sqrt(1 / 3) - 1e-9
    assert (usual[:, 1] < 2).all()


def test_residuals_are_those_of_what_was_observed():
    rows, training, validation = make()
    observed = np.ones(rows.shape, bool)
    filled = rows.copy()
    filled[300:302, 0], observed[300:302, 0] = 50.0, False
    found = error_scales(filled, training, validation, 4, 4, MixtureSettings(), observed)
    assert (found[296:300, 0] < 2).all()
