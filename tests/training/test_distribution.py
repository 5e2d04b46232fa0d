"""One model that several devices and processes train, each on its part of every batch."""

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import small_forecaster
from tscnn.data.windows import cut_segments
from tscnn.training.segments import SegmentBatches

SETTINGS = {"dropout": 0, "batch_size": 128, "segment_origins": 32}
WORKER = """
import os, sys
import jax, numpy as np
process, port, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
jax.distributed.initialize(f"localhost:{port}", 2, process, heartbeat_timeout_seconds=20, shutdown_timeout_seconds=20)
import keras
from tests.conftest import make_frame, small_forecaster
from tests.training.test_distribution import SETTINGS

def end(epoch, _):
    if process == 1:
        os._exit(3)

with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
    np.save(f"{path}/{process}.npy", small_forecaster(**SETTINGS).fit(make_frame()).predict())
    ending = keras.callbacks.LambdaCallback(on_epoch_end=end)
    small_forecaster(callbacks=[ending], random_state=None, **SETTINGS).fit(make_frame())
"""


def test_parts_of_a_batch_make_up_the_batch():
    segments = cut_segments([range(5, 150)], 6, 8)
    whole = SegmentBatches(segments, 4, seed=0)
    parts = [SegmentBatches(segments, 4, seed=0, share=(part, 2)) for part in range(2)]
    for i in range(len(whole)):
        for joined, expected in zip(
            map(np.concatenate, zip(*(part[i] for part in parts), strict=True)), whole[i], strict=True
        ):
            np.testing.assert_array_equal(joined, expected)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_two_processes_learn_what_one_does_and_one_that_ends_is_missed(frame, tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    how = {"env": environment, "cwd": Path(__file__).parents[2], "text": True, "stderr": subprocess.PIPE}
    runs = [[sys.executable, "-W", "ignore", "-c", WORKER, str(i), port, str(tmp_path)] for i in range(2)]
    first, second = (subprocess.Popen(run, **how) for run in runs)
    try:
        said = first.communicate(timeout=500)[1]
    finally:
        first.kill()
        second.kill()
        complaint = second.communicate()[1]
    assert second.returncode == 3, complaint
    assert first.returncode != 0
    assert "RuntimeError: All 2 processes that train a model must run to its end, but one no longer answers" in said
    expected = small_forecaster(**SETTINGS).fit(frame).predict()
    for i in range(2):
        np.testing.assert_allclose(np.load(tmp_path / f"{i}.npy"), expected, rtol=1e-4, atol=1e-3)
