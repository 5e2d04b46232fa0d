"""On every backend of Keras a network forecasts the same and learns the same."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import QUICK_START, run_with_jax, small_forecaster

CORE = """
import json, sys
import pytest
from tests.conftest import make_frame, small_forecaster
from tscnn.network.backend import keras

forecaster = small_forecaster(lookback=4, dropout=0).fit(make_frame())
backtest = forecaster.backtest(make_frame(), stride=40)
stream = forecaster.stream().update([0, 100, 200])
found = [each.values.tolist() for each in (forecaster.predict(), backtest, stream)]
assert "tensorflow" not in sys.modules
# All of the core, `python -m pytest -m backend`, takes minutes where everything is compiled.
FILES = [f"tests/{name}.py" for name in ("network/test_backends", "network/test_layers", "training/test_optimizer")]
ignored = "ignore::pytest.PytestAssertRewriteWarning"  # of what is imported above
failed = pytest.main(["-q", "-W", ignored, "-p", "no:cacheprovider", "-m", "backend and not slow", *FILES])
print("\\n" + json.dumps([keras.backend.backend(), found]))
sys.exit(failed)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_core_of_the_tests_passes_on_another_backend_which_learns_the_same(backend, frame):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    ours = {**run_with_jax(), "KERAS_BACKEND": backend}
    ours.pop("PYTEST_ADDOPTS", None)  # no coverage of a part
    run = [sys.executable, "-c", QUICK_START + CORE]
    done = subprocess.run(run, env=ours, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    name, found = json.loads(done.stdout.splitlines()[-1])
    assert name == backend
    own = small_forecaster(lookback=4, dropout=0).fit(frame)
    expected = (own.predict(), own.backtest(frame, stride=40), own.stream().update([0, 100, 200]))
    for theirs, each in zip(found, expected, strict=True):
        np.testing.assert_allclose(theirs, each, rtol=1e-4, atol=1e-3)


@pytest.mark.backend
@pytest.mark.skipif(os.environ.get("KERAS_BACKEND") != "jax", reason="a setting of JAX")
def test_jax_computes_in_all_digits_of_float32_inside_a_scope():
    import jax

    from tscnn.network.backend import device_scope, ops

    def product():
        return str(jax.make_jaxpr(lambda x: ops.matmul(x, x))(jax.numpy.ones((2, 2))))

    with device_scope("auto"):
        assert "HIGHEST" in product()
    assert "HIGHEST" not in product()
