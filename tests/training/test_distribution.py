"""One model that several devices and processes train, each on its part of every batch."""

import importlib.util
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import QUICK_START, run_with_jax, small_forecaster
from tscnn.data.windows import cut_segments
from tscnn.training.segments import SegmentBatches

SETTINGS = {"lookback": 4, "dropout": 0, "batch_size": 128, "segment_origins": 32}
WORKER = """
import os, sys
import jax, numpy as np
process, port, path, goes_on = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4] == "goes on"
jax.distributed.initialize(f"localhost:{port}", 2, process, heartbeat_timeout_seconds=20, shutdown_timeout_seconds=20)
import keras
from tests.conftest import make_frame, small_forecaster
from tests.training.test_distribution import SETTINGS
from tscnn.training.checkpoint import Checkpoint

own, write = f"{path}/{process}.checkpoint", Checkpoint.write

def write_and_end(self):
    write(self)
    if process == 1 and self.states:
        os._exit(3)

with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
    if not goes_on:
        Checkpoint.write = write_and_end
    resume = f"{path}/0.checkpoint" if goes_on else None
    found = small_forecaster(**SETTINGS).fit(make_frame(), resume=resume, checkpoint=own).predict()
    np.save(f"{path}/{process}.npy", found)
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


def run_two(path, which):
    """Run two processes; return their exit statuses, and what they write to standard error."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    how = {"env": run_with_jax(), "cwd": Path(__file__).parents[2], "text": True, "stderr": subprocess.PIPE}
    code = ["-W", "ignore", "-c", QUICK_START + WORKER]
    runs = [[sys.executable, *code, str(i), port, str(path), which] for i in range(2)]
    processes = [subprocess.Popen(run, **how) for run in runs]
    try:
        said = [processes[0].communicate(timeout=500)[1]]
        processes[1].wait(60)
    finally:
        for one in processes:
            one.kill()
        said.append(processes[1].communicate()[1])
    return [one.returncode for one in processes], said


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_two_processes_learn_what_one_does_and_go_on_when_one_has_ended(frame, tmp_path):
    (first, second), said = run_two(tmp_path, "breaks off")
    assert second == 3, said[1]
    assert first != 0
    assert "RuntimeError: All 2 processes that train a model must run to its end, but one no longer answers" in said[0]
    statuses, said = run_two(tmp_path, "goes on")
    assert statuses == [0, 0], said
    expected = small_forecaster(**SETTINGS).fit(frame).predict()
    for i in range(2):
        np.testing.assert_allclose(np.load(tmp_path / f"{i}.npy"), expected, rtol=1e-4, atol=1e-3)
