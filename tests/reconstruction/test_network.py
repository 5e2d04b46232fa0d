import numpy as np
import pytest

from tscnn.network.functional import Affine
from tscnn.reconstruction.network import DOWN, UP, GapNetwork, half_field


@pytest.fixture(scope="module")
def reconstructor_network():
    random = np.random.default_rng(0)
    sizes = [(3, 4, 5), *[(3, 5, 5)] * (len(DOWN) - 1), *[(3, 10, 5)] * len(UP), (1, 5, 2)]
    return GapNetwork(tuple(Affine(random.random(size), random.random(size[2])) for size in sizes))


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(1).normal(size=(200, 2))


def test_no_seam_shows_wherever_tiles_begin(reconstructor_network, rows):
    missing = np.abs(rows) > 1
    whole = reconstructor_network(rows, missing)
    for tile in (1, 37, 100):
        np.testing.assert_allclose(reconstructor_network(rows, missing, tile), whole, rtol=1e-5)
    half = half_field()
    part = reconstructor_network(rows[13:], missing[13:])
    np.testing.assert_allclose(part[half:], whole[13 + half :], rtol=1e-5)


def test_the_field_is_the_one_declared(reconstructor_network, rows):
    missing, half = np.zeros(rows.shape, bool), half_field()
    changed = rows.copy()
    changed[100] += 1
    reached = np.flatnonzero(
        (reconstructor_network(changed, missing) != reconstructor_network(rows, missing)).any(axis=1)
    )
    assert (reached[0], reached[-1]) == (100 - half, 100 + half)


def test_arrays_make_the_same_network(reconstructor_network, rows):
    again = GapNetwork.from_arrays(reconstructor_network.settings(), reconstructor_network.arrays())
    missing = np.zeros(rows.shape, bool)
    np.testing.assert_array_equal(again(rows, missing), reconstructor_network(rows, missing))
    with pytest.raises(ValueError, match="a kernel and a bias a layer"):
        GapNetwork(reconstructor_network.weights[:3])
