"""Where Keras computes, and in how many digits."""

import importlib.util
import os
import subprocess
import sys

import pytest
from tensorflow.config.experimental import enable_tensor_float_32_execution, tensor_float_32_execution_enabled

from tscnn.network.backend import device_scope, list_devices


@pytest.mark.parametrize("device", ["auto", "cpu", "cpu:0"])
def test_float32_keeps_its_digits_inside_a_scope_and_the_setting_is_put_back(device):
    for before in (False, True):
        enable_tensor_float_32_execution(before)
        with device_scope(device):
            assert not tensor_float_32_execution_enabled()
        assert tensor_float_32_execution_enabled() == before
    with pytest.raises(KeyError), device_scope(device):
        {}["missing"]
    assert tensor_float_32_execution_enabled()


ON_JAX = """
import jax
from tscnn.network.backend import device_scope, keras, ops
assert keras.backend.backend() == "jax"
product = lambda: str(jax.make_jaxpr(lambda x: ops.matmul(x, x))(jax.numpy.ones((2, 2))))
with device_scope("auto"):
    assert "HIGHEST" in product(), product()
assert "HIGHEST" not in product(), product()
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_float32_keeps_its_digits_on_jax():
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", ON_JAX], env=environment, check=True)


def test_a_device_that_is_not_there_is_refused_and_those_that_are_are_named():
    with pytest.raises(ValueError, match=r"`device` must be .*'cpu:0'.* Received: device='tpu'"), device_scope("tpu"):
        pass
    assert "cpu:0" in list_devices()
