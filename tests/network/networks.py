"""Small networks that several tests of this folder share."""

import numpy as np

from tscnn.network.config import resolve_config
from tscnn.network.inference import weight_shapes
from tscnn.network.term import NetworkTerm


def random_parameters(config, seed=0):
    """Weights by name: none at zero, none to saturate a gate."""
    random = np.random.default_rng(seed)
    parameters = {}
    for name, shape in weight_shapes(config).items():
        kind = name.rsplit("/", 1)[1]
        if kind == "kernel":
            parameters[name] = random.uniform(0.5, 1, shape) * random.choice([-1, 1], shape)
            parameters[name] /= np.sqrt(np.prod(shape[:-1]))
        elif kind in ("moving_variance", "gamma"):
            parameters[name] = random.uniform(0.5, 2, shape)
        else:
            parameters[name] = 0.3 * random.normal(size=shape)
    return parameters


def random_term(lookback=12, horizon=2, n_features=2, seed=0, **settings):
    """A network of random weights; `settings` are those of `resolve_config`."""
    config = resolve_config(lookback, horizon, n_features, **{"filters": 3, **settings})
    return NetworkTerm(config, random_parameters(config, seed))


def random_rows(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def difference(found, expected):
    """The largest difference, relative to the largest value."""
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    return np.abs(found - expected).max() / np.abs(expected).max()
