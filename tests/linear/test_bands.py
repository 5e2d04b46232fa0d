import numpy as np
import pytest
from scipy.fft import dct

from tscnn.linear.bands import Bands

HORIZONS = [1, 2, 3, 7, 8, 9, 31, 32, 33, 48, 720]


@pytest.mark.parametrize("horizon", HORIZONS)
def test_bands_hold_every_wave_once(horizon):
    bands = Bands.of_horizon(horizon)
    n_waves = len(bands.to_waves(np.zeros(horizon)))
    slices = bands.slices(horizon)
    np.testing.assert_array_equal(np.concatenate([np.arange(n_waves)[band] for band in slices]), np.arange(n_waves))
    assert len(slices) == bands.n_octaves + bands.n_near
    assert all(band.stop > band.start for band in slices)
    assert n_waves == horizon + (-(-horizon // 8) if horizon >= 8 else 0)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_waves_of_the_whole_horizon_are_orthonormal_and_add_up_to_the_steps(horizon):
    bands = Bands.of_horizon(horizon)
    steps = np.random.default_rng(0).normal(size=(3, horizon))
    waves = bands.to_waves(steps)
    np.testing.assert_allclose(waves[:, :horizon], dct(steps, norm="ortho"))
    np.testing.assert_allclose(np.square(waves[:, :horizon]).sum(axis=1), np.square(steps).sum(axis=1))
    np.testing.assert_allclose(bands.to_steps(waves, horizon), steps, atol=1e-12)


def test_near_steps_are_what_their_own_waves_say():
    bands = Bands.of_horizon(16)
    steps = np.random.default_rng(0).normal(size=16)
    waves = bands.to_waves(steps)
    waves[:16] = 0
    np.testing.assert_allclose(bands.to_steps(waves, 16), [*steps[:2], *np.zeros(14)], atol=1e-12)
    waves = bands.to_waves(steps)
    waves[16:] = 0
    np.testing.assert_allclose(bands.to_steps(waves, 16), [0, 0, *steps[2:]], atol=1e-12)


@pytest.mark.parametrize("horizon", [49, 96, 168, 333, 720])
def test_bands_of_the_steps_that_are_judged_are_those_of_all(horizon):
    judged = np.arange(horizon)[:: -(-horizon // 48)]
    bands = Bands.of_horizon(len(judged))
    of_judged, of_all = bands.slices(len(judged)), bands.slices(horizon)
    assert len(of_judged) == len(of_all)
    assert [b.stop - b.start for b in of_judged[:5]] == [b.stop - b.start for b in of_all[:5]] == [1, 1, 2, 4, 8]
    values = np.arange(len(of_all))[:, None]
    for n_steps in (len(judged), horizon):
        by_wave = bands.by_wave(values, n_steps)[0]
        assert len(by_wave) == len(bands.to_waves(np.zeros(n_steps)))
        assert sorted(set(by_wave)) == list(range(len(of_all)))
    # Steps judged for the near waves are those that are near.
    zeros = np.zeros(len(bands.to_waves(judged.astype(float))))
    zeros[len(judged) :] = 1
    assert np.all(judged[bands.to_steps(zeros, len(judged)) != 0] < -(-horizon // 8))
