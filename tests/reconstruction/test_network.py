import numpy as np
import pytest

from tscnn.common import numpy_ops
from tscnn.network.functional import Affine
from tscnn.reconstruction.network import DOWN, UP, GapNetwork, half_field, run_layers


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


def make_weights(latent, n_features):
    """Draw weights with which every ReLU passes what it gets."""
    random = np.random.default_rng(0)
    joined = [(3, 10, 5)] * len(UP)
    middle = joined if latent is None else [(1, 5, latent), (3, latent, 5), *[(3, 5, 5)] * (len(UP) - 1)]
    sizes = [(3, 2 * n_features, 5), *[(3, 5, 5)] * (len(DOWN) - 1), *middle, (1, 5, n_features)]
    return tuple(Affine(0.1 * random.normal(size=size), np.full(size[2], 5.0)) for size in sizes)


def test_through_a_latent_layer_go_as_many_numbers_a_row_as_it_has():
    inputs, n_features = np.random.default_rng(1).normal(size=(1, 40 + 2 * half_field(), 8)), 4
    steps = 1e-3 * np.random.default_rng(2).normal(size=(400, *inputs.shape[1:]))

    def count_directions(weights):
        changes = run_layers(inputs + steps, weights, numpy_ops) - run_layers(inputs, weights, numpy_ops)
        sizes = np.linalg.svd(changes.reshape(len(steps), -1), compute_uv=False)
        return int(np.sum(sizes > 1e-7 * sizes[0]))

    n_latents = 40 + 2 * sum(UP)  # of all rows that the outputs see
    assert count_directions(make_weights(1, n_features)) <= n_latents < count_directions(make_weights(None, n_features))
    network = GapNetwork(make_weights(3, 2))
    rows = np.random.default_rng(3).normal(size=(50, 2))
    again = GapNetwork.from_arrays(network.settings(), network.arrays())
    assert network(rows, rows > 1).shape == rows.shape
    np.testing.assert_array_equal(again(rows, rows > 1), network(rows, rows > 1))
