import warnings

import numpy as np
import pytest

from tscnn.network.activations import ACTIVATIONS, check_activation, find_activation
from tscnn.network.backend import keras, ops

VALUES = np.concatenate([np.linspace(-12, 12, 400), [-100, -1e-6, 0, 1e-6, 100]]).astype(np.float32)


@pytest.mark.parametrize("name", sorted({*ACTIVATIONS, "hard_shrink", "softmax"} - {"gated"}))
def test_an_activation_of_numpy_equals_that_of_keras(name):
    values = np.minimum(VALUES, 80) if name == "exponential" else VALUES
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = find_activation(name)(values.reshape(5, -1))
    expected = keras.activations.get(name)(ops.convert_to_tensor(values.reshape(5, -1)))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array(expected), rtol=2e-5, atol=1e-6)


def test_the_gate_multiplies_tanh_and_sigmoid():
    values = np.stack([VALUES, VALUES[::-1]], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = find_activation("gated")(values)
    np.testing.assert_allclose(found[:, 0], np.tanh(VALUES) / (1 + np.exp(-VALUES[::-1].astype(float))), atol=1e-6)


def test_names_are_checked():
    for name in ("gated", "relu", "hard_shrink"):
        assert check_activation(name) == name
    with pytest.raises(ValueError, match=r"`activation` must be 'gated' or .* Received: activation='nope'"):
        check_activation("nope")
    with pytest.raises(TypeError, match=r"`activation` must be .* Received: activation=3"):
        check_activation(3)


@pytest.mark.parametrize("name", ["glu", "threshold", "get", "Layer", ""])
def test_errors_name_an_activation_that_is_no_function_of_one_array(name):
    with pytest.raises(ValueError, match=rf"`activation` must be 'gated' or .* Received: activation='{name}'"):
        check_activation(name)
