import numpy as np
import pytest
from scipy.fft import dct

from tscnn.linear.bands import CosineBands

HORIZONS = [1, 2, 3, 7, 8, 9, 31, 32, 33, 48, 720]


@pytest.mark.parametrize("horizon", HORIZONS)
def test_bands_hold_every_coefficient_once(horizon):
    bands = CosineBands.of_horizon(horizon, most=6)
    slices = bands.slices(horizon)
    np.testing.assert_array_equal(np.concatenate([np.arange(horizon)[band] for band in slices]), np.arange(horizon))
    assert len(slices) == bands.n_bands <= 6
    assert all(band.stop > band.start for band in slices)
    np.testing.assert_array_equal(bands.spans(horizon)[:2], [horizon, horizon][: bands.n_bands])


@pytest.mark.parametrize("horizon", HORIZONS)
def test_coefficients_are_orthonormal_and_add_up_to_the_steps(horizon):
    steps = np.random.default_rng(0).normal(size=(3, horizon))
    coefficients = CosineBands.to_coefficients(steps)
    np.testing.assert_allclose(coefficients, dct(steps, norm="ortho"))
    np.testing.assert_allclose(np.square(coefficients).sum(axis=1), np.square(steps).sum(axis=1))
    np.testing.assert_allclose(CosineBands.to_steps(coefficients), steps, atol=1e-12)


def test_the_second_band_is_half_a_wave():
    slow = np.cos(np.pi * (np.arange(24) + 0.5) / 24)
    coefficients = CosineBands.to_coefficients(slow)
    band = CosineBands.of_horizon(24, most=6).slices(24)[1]
    assert np.abs(coefficients[band]).sum() == pytest.approx(np.abs(coefficients).sum())


@pytest.mark.parametrize("horizon", [49, 96, 168, 333, 720])
def test_bands_of_the_steps_that_are_scored_are_those_of_all(horizon):
    n_scored = len(np.arange(horizon)[:: -(-horizon // 48)])
    bands = CosineBands.of_horizon(n_scored, most=6)
    assert bands == CosineBands.of_horizon(horizon, most=6)
    of_scored, of_all = bands.slices(n_scored), bands.slices(horizon)
    assert [b.stop - b.start for b in of_scored[:5]] == [b.stop - b.start for b in of_all[:5]] == [1, 1, 2, 4, 8]
    values = np.arange(bands.n_bands)[:, None]
    for n_steps in (n_scored, horizon):
        by_coefficient = bands.by_coefficient(values, n_steps)
        assert by_coefficient.shape == (1, n_steps)
        assert sorted(set(by_coefficient[0])) == list(range(bands.n_bands))
