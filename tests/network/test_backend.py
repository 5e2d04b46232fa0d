"""Where Keras computes, and in how many digits."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.conftest import QUICK_START
from tscnn.network.backend import device_scope, keras, list_devices

experimental = pytest.importorskip("tensorflow").config.experimental
enable_tensor_float_32_execution = experimental.enable_tensor_float_32_execution
tensor_float_32_execution_enabled = experimental.tensor_float_32_execution_enabled


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


def test_a_device_that_is_not_there_is_refused_and_those_that_are_are_named():
    with pytest.raises(ValueError, match=r"`device` must be .*'cpu:0'.* Received: device='tpu'"), device_scope("tpu"):
        pass
    assert "cpu:0" in list_devices()


# The state of the process


def run_alone(code, *options):
    """Run code in a fresh interpreter; return what it writes to standard output."""
    command = [sys.executable, *options, "-c", QUICK_START + code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


FIT = """
import numpy as np
from tscnn import Forecaster
rows = 500 + np.sin(np.arange(200) / 4)[:, None] + np.linspace(0, 9, 200)[:, None] * [1, -1]
own = {"filters": 2, "epochs": 1, "dropout": 0.1, "linear_model": None, "normalizer_span": 3}
fitted = Forecaster(6, 2, random_state=0, verbose=0, **own).fit(rows)
print(repr(fitted.predict(rows + 60_000).to_numpy().tolist()))
"""
SETTINGS = [  # one after the other in one process, which takes many seconds to start
    "keras.config.set_dtype_policy('mixed_bfloat16'); keras.config.set_image_data_format('channels_first')",
    "keras.config.enable_interactive_logging(); tf.config.run_functions_eagerly(True)",
    "keras.config.set_floatx('float64'); keras.config.set_dtype_policy('float64'); keras.config.set_epsilon(1e-2)",
    "keras.config.set_floatx('float16'); tf.config.experimental.enable_op_determinism()",  # which is for good
]
SNAPSHOT = """
import os, random, keras, tensorflow as tf, numpy
def snapshot():
    found = [getattr(keras.config, name)() for name in ("floatx", "epsilon", "image_data_format")]
    found += [keras.config.dtype_policy().name, keras.config.is_interactive_logging_enabled()]
    found += [tf.config.functions_run_eagerly(), tf.config.experimental.tensor_float_32_execution_enabled()]
    found += [tf.get_logger().level, list(tf.get_logger().filters), dict(os.environ)]
    return [*found, random.getstate(), str(numpy.random.get_state())]
def unset():
    keras.config.set_floatx('float32'); keras.config.set_epsilon(1e-7); keras.config.set_dtype_policy('float32')
    keras.config.set_image_data_format('channels_last'); keras.config.disable_interactive_logging()
    tf.config.run_functions_eagerly(False)
"""
CHECKED = """
before = snapshot()
{0}
assert snapshot() == before, [pair for pair in zip(before, snapshot()) if pair[0] != pair[1]]
unset()
"""


@pytest.fixture(scope="module")
def plain():
    names = {}
    exec(FIT.replace("print(repr(", "found = (("), names)
    return names["found"]


@pytest.mark.slow
def test_state_that_users_set_neither_matters_nor_changes(plain):
    code = SNAPSHOT + "".join(settings + CHECKED.format(FIT) for settings in SETTINGS)
    said = run_alone(code, "-W", "ignore").splitlines()
    assert len(said) == len(SETTINGS)
    for line in said:
        np.testing.assert_allclose(json.loads(line), plain, rtol=1e-6)


@pytest.mark.slow
def test_state_of_the_environment_and_of_random_is_left_alone_and_nothing_is_written():
    code = f"import os, random; before = random.getstate()\n{FIT}\nassert random.getstate() == before"
    code += "; assert not {'TF_CPP_MIN_LOG_LEVEL', 'TF_CPU_ALLOCATOR_USE_BFC'} & {*os.environ}"
    silent = ["-W", "error", "-W", "ignore:On the validation rows:UserWarning"]  # no errors where warnings are errors
    command = [sys.executable, *silent, "-c", QUICK_START + code]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    assert subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stderr == ""


@pytest.mark.slow
def test_a_state_without_standard_error_or_output_is_fine():
    run_alone(
        f"import os; os.close(1); os.close(2)\n{FIT.replace('print(', '(').replace('verbose=0', 'verbose=1')}",
        "-W",
        "ignore",
    )


FORKED = """
import multiprocessing
import tscnn.layers, tscnn.training.fit
def fit(seed):
    FIT
    return float(fitted.predict().iloc[0, 0])
def fit_in_child():
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.map_async(fit, [0]).get(timeout=200)[0]
first = fit_in_child()
assert fit(0) == first
assert fit_in_child() == first
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_state_of_a_forked_child_allows_a_fit_before_and_after_one_in_the_parent():
    run_alone(FORKED.replace("FIT", FIT.strip().replace("\n", "\n    ")), "-W", "ignore")


def test_overlapping_scopes_put_back_the_state():
    before = keras.config.floatx(), keras.config.dtype_policy().name
    met = threading.Barrier(2, timeout=60)

    def inside(first):
        with device_scope("cpu"):
            met.wait()
            if first:
                return keras.config.floatx(), tensor_float_32_execution_enabled()
            later.wait(60)
            return keras.config.floatx(), tensor_float_32_execution_enabled()

    later = threading.Event()
    keras.config.set_floatx("float64")
    try:
        with ThreadPoolExecutor(2) as pool:
            second, first = pool.submit(inside, False), pool.submit(inside, True)
            assert first.result() == ("float32", False)
            later.set()
            assert second.result() == ("float32", False)
        assert (keras.config.floatx(), tensor_float_32_execution_enabled()) == ("float64", True)
    finally:
        keras.config.set_floatx(before[0])
    assert keras.config.dtype_policy().name == before[1]
