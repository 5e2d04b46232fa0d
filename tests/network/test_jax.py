"""Keras on JAX computes in all digits of float32, forecasts the same, and learns the same."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import small_forecaster

ON_JAX = """
import json, sys
import jax
from tests.conftest import make_frame, small_forecaster
from tscnn.network.backend import device_scope, keras, ops

assert keras.backend.backend() == "jax"
forecaster = small_forecaster(dropout=0).fit(make_frame())
backtest = forecaster.backtest(make_frame(), stride=40)
stream = forecaster.stream().update([0, 100, 200])
print(json.dumps([each.values.tolist() for each in (forecaster.predict(), backtest, stream)]))
assert "tensorflow" not in sys.modules

product = lambda: str(jax.make_jaxpr(lambda x: ops.matmul(x, x))(jax.numpy.ones((2, 2))))
with device_scope("auto"):
    assert "HIGHEST" in product(), product()
assert "HIGHEST" not in product(), product()

from tests.network.test_term import check_with_keras, random_term
check_with_keras(random_term(7, feature_mode="front_end", normalization="batch"))  # joint afterwards
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_jax_forecasts_and_learns_the_same(frame):
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    run = [sys.executable, "-c", ON_JAX]
    done = subprocess.run(run, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours = small_forecaster(dropout=0).fit(frame)
    expected = (ours.predict(), ours.backtest(frame, stride=40), ours.stream().update([0, 100, 200]))
    for found, own in zip(json.loads(done.stdout), expected, strict=True):
        np.testing.assert_allclose(found, own, rtol=1e-4, atol=1e-3)
