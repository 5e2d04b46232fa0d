"""One set of weights, several evaluators, one answer."""

import dataclasses
import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import CORRECTIONS, corrected
from tscnn.network.backend import keras, ops
from tscnn.network.config import FEATURE_MODES, resolve_config
from tscnn.network.graph import build_network, seed_weights

N_EXTRA = 5


def randomize(model, seed):
    """Seed the weights, and move those that start at zero or one."""
    seed_weights(model, seed)
    values = np.random.default_rng(seed)
    for weight in model.weights:
        if not (weight.path.endswith("kernel") and ops.convert_to_numpy(weight).any()):
            weight.assign(ops.convert_to_numpy(weight) + values.uniform(0.05, 0.3, weight.shape))


def call(model, rows):
    return model(rows)


def difference_of_evaluators(network, rows, evaluate=call):
    """Return the largest difference, relative to the largest forecast, between dense and single origin."""
    lookback = network.config.lookback
    dense = ops.convert_to_numpy(evaluate(network.dense, rows))
    assert np.ptp(dense, axis=1).min() > 1e-4  # or all would be equal for no merit
    assert dense.shape[1] == rows.shape[1] - lookback + 1
    windows = np.concatenate([rows[:, j : j + lookback] for j in range(dense.shape[1])])
    single = ops.convert_to_numpy(evaluate(network.single_origin, windows))
    assert single.shape[1] == 1
    single = np.concatenate(np.split(single, dense.shape[1]), axis=1)
    return np.abs(dense - single).max() / np.abs(dense).max()


def check(lookback, n_features=2, horizon=2, seed=0, **settings):
    corrections = {name: settings.pop(name, default) for name, default in CORRECTIONS.items()}
    config = resolve_config(lookback, horizon, n_features, **{"filters": 3, **settings})
    network = build_network(corrected(config, **corrections))
    randomize(network.dense, seed)
    rows = np.random.default_rng(seed).normal(size=(2, lookback + N_EXTRA, n_features)).astype(np.float32)
    assert difference_of_evaluators(network, rows) < 1e-5


@settings(max_examples=25)
@given(
    lookback=st.integers(1, 40),
    kernel_size=st.integers(2, 4),
    n_stacks=st.integers(1, 3),
    feature_mode=st.sampled_from(FEATURE_MODES),
    normalizer_span=st.sampled_from(["auto", None]),
    normalization=st.sampled_from([None, "layer", "batch"]),
    activation=st.sampled_from(["gated", "relu", "gelu"]),
    linear_skip=st.sampled_from([None, "shared", "per_feature"]),
    components=st.booleans(),
    reversion=st.booleans(),
    vector_skip=st.integers(0, 5),
    seed=st.integers(0, 99),
)
def test_dense_equals_single_origin_at_every_origin(lookback, n_stacks, **settings):
    check(lookback, n_stacks=n_stacks if lookback > 4 else 1, **settings)


@pytest.mark.parametrize("feature_mode", FEATURE_MODES)
@pytest.mark.parametrize("normalization", [None, "layer", "batch"])
@pytest.mark.parametrize("linear_skip", [None, "shared", "per_feature"])
def test_dense_equals_single_origin_for_every_combination(feature_mode, normalization, linear_skip):
    check(11, feature_mode=feature_mode, normalization=normalization, linear_skip=linear_skip)


@pytest.mark.parametrize("activation", ["gated", "elu", "relu", "gelu", "tanh", "linear"])
def test_dense_equals_single_origin_for_every_activation(activation):
    check(11, activation=activation)


@pytest.mark.parametrize(
    ("lookback", "settings"),
    [
        (12, {"dilation_rates": [4, 1, 2, 2]}),
        (10, {"dilation_rates": [4, 1, 2, 2], "normalizer_span": None}),
        (12, {"dilation_rates": [4, 2, 2], "normalizer_span": 4}),  # every second row
        (16, {"dilation_rates": [6, 3], "normalizer_span": 7}),  # every third
        (25, {"dilation_rates": [2, 6, 3], "kernel_size": 3, "normalizer_span": 3}),
        (19, {"dilation_rates": [2, 4, 2], "n_stacks": 2}),
        (12, {"dilation_rates": ([4, 1], [2, 2]), "feature_mode": "front_end"}),
        (12, {"dilation_rates": ([4, 2], [2]), "feature_mode": "front_end", "normalizer_span": 4}),
        (12, {"dilation_rates": ([], [4, 1, 2]), "feature_mode": "front_end"}),
        (12, {"dilation_rates": ([1, 2, 4], []), "feature_mode": "front_end"}),
        (12, {"dilation_rates": [4, 2, 2], "normalizer_span": 4, "feature_mode": "independent"}),
        (12, {"normalizer_span": 12}),
        (12, {"targets": [1], "n_features": 3}),
        (12, {"targets": [2, 0], "n_features": 3, "feature_mode": "front_end", "linear_skip": "per_feature"}),
        (12, {"targets": [2, 0], "n_features": 3, "reversion": True, "vector_skip": 3}),
        (12, {"dilation_rates": [4, 2, 2], "normalizer_span": 4, "vector_skip": 4}),
        (12, {"targets": [2, 0], "n_features": 3, "components": True}),
        (12, {"n_features": 3, "feature_mode": "front_end", "vector_skip": 2}),
        (12, {"targets": [2, 0, 1], "n_features": 3, "feature_mode": "independent", "reversion": True}),
    ],
)
def test_dense_equals_single_origin_for_odd_settings(lookback, settings):
    check(lookback, **settings)


def test_evaluators_with_other_weights_would_be_told_apart():
    network, other = (build_network(resolve_config(11, 2, 2, filters=3)) for _ in range(2))
    randomize(network.dense, 0)
    randomize(other.dense, 1)
    rows = np.random.default_rng(0).normal(size=(2, 16, 2)).astype(np.float32)
    assert difference_of_evaluators(dataclasses.replace(network, single_origin=other.single_origin), rows) > 1e-2


# The same on JAX

SAVE_FORECASTS = """
import sys
import numpy as np
from tests.test_evaluators import forecasts_of_every_mode
from tscnn.network.backend import keras

assert keras.backend.backend() == "jax"
np.savez(sys.argv[1], **forecasts_of_every_mode())
"""


def forecasts_of_every_mode():
    """Return dense forecasts by feature mode, after a comparison with those of single origins."""
    forecasts = {}
    for mode, linear_skip in zip(FEATURE_MODES, ("shared", "per_feature", None), strict=True):
        config = resolve_config(7, 2, 3, feature_mode=mode, filters=3, linear_skip=linear_skip)
        network = build_network(corrected(config, components=True, reversion=True, vector_skip=2))
        randomize(network.dense, 0)
        rows = np.random.default_rng(0).normal(size=(2, 10, 3)).astype(np.float32)
        assert difference_of_evaluators(network, rows, lambda model, x: model.predict_on_batch(x)) < 1e-5
        forecasts[mode] = network.dense.predict_on_batch(rows)
    return forecasts


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="compares TensorFlow with JAX")
def test_evaluators_agree_on_jax_and_dense_forecasts_equal_those_of_tensorflow(tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    code = [sys.executable, "-c", SAVE_FORECASTS, str(tmp_path / "forecasts.npz")]
    done = subprocess.run(code, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "forecasts.npz") as loaded:
        on_jax = dict(loaded)
    for mode, on_tensorflow in forecasts_of_every_mode().items():
        assert np.abs(on_jax[mode] - on_tensorflow).max() < 1e-5 * np.abs(on_tensorflow).max()
