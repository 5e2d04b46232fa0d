"""What every test shares: quiet settings, and one small fitted model."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if "PYTEST_XDIST_WORKER" in os.environ:  # workers, and processes that they start, have a core each
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(threads, "1")

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from tscnn import Forecaster

settings.register_profile("tscnn", deadline=None)  # the first call of a layer is slow
settings.load_profile("tscnn")


def make_frame(n_rows: int = 300, n_columns: int = 3, seed: int = 0) -> pd.DataFrame:
    """Hourly columns a, b, c, ..: daily waves of their own level and scale, and noise."""
    random = np.random.default_rng(seed)
    hours = np.arange(n_rows)[:, None]
    waves = np.sin(2 * np.pi * (hours + 3 * np.arange(n_columns)) / 24)
    values = 100 * np.arange(n_columns) + (1 + np.arange(n_columns)) * (waves + 0.1 * random.normal(size=waves.shape))
    times = pd.date_range("2026-01-01", periods=n_rows, freq="h", name="time")
    return pd.DataFrame(values, index=times, columns=list("abcdefghij"[:n_columns]))


# Begins the code of another process: what Keras and TensorFlow import where it is there, and no fit needs, is half of
# the seconds that they take to start.
QUICK_START = """
import os, sys
sys.modules.update(dict.fromkeys(["matplotlib", "sklearn", *["jax"] * (os.environ.get("KERAS_BACKEND") != "jax")]))
"""


def start_quickly() -> None:
    """Do the same in a process of a pool, as its initializer."""
    exec(QUICK_START)


def run_with_jax() -> dict[str, str]:
    """The environment of a process whose networks JAX computes, compiled fast for want of better code."""
    flags = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    return {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}


def small_forecaster(**changes) -> Forecaster:
    """A forecaster that trains in a second or two."""
    parameters = {"lookback": 12, "horizon": 3, "filters": 4, "epochs": 2, "random_state": 0, "verbose": 0, **changes}
    if isinstance(parameters["lookback"], int) and "dilation_rates" not in parameters:
        span = parameters["lookback"] // 2
        parameters.setdefault("normalizer_span", span if span > 1 else None)  # one network, not two
    return Forecaster(**parameters)


def closed_form(**changes) -> Forecaster:
    """A forecaster without network, which is fitted in no time."""
    return Forecaster(**{"lookback": 12, "horizon": 3, "network": None, "verbose": 0, **changes})


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return make_frame()


@pytest.fixture(scope="session")
def fitted(frame) -> Forecaster:
    """One fitted forecaster for all tests that only look at it."""
    return small_forecaster().fit(frame)
