"""One model that several devices and processes train, each on its part of every batch."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import QUICK_START, run_with_jax, small_forecaster
from tscnn.data.windows import cut_segments
from tscnn.training.segments import SegmentBatches

SETTINGS = {"lookback": 4, "normalizer_span": None, "dropout": 0, "batch_size": 128, "segment_origins": 32}
# One process imports what all others are forked from, before JAX has begun any thread.
WORKERS = """
import json, multiprocessing, os, sys
import jax, keras, numpy as np
import tscnn.layers, tscnn.training.fit
from tests.conftest import make_frame, small_forecaster
from tests.training.test_distribution import SETTINGS
from tscnn.training.checkpoint import Checkpoint

path, write, limits = sys.argv[1], Checkpoint.write, {"heartbeat_timeout_seconds": 20, "shutdown_timeout_seconds": 50}

def run(process, port, resume):
    def write_and_end(self):
        write(self)
        if process == 1 and self.states:
            os._exit(3)

    os.dup2(os.open(f"{path}/{process}.txt", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), 2)
    jax.distributed.initialize(f"localhost:{port}", 2, process, **limits)
    with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
        if resume is None:
            Checkpoint.write = write_and_end
        own = f"{path}/{process}.checkpoint"
        found = small_forecaster(**SETTINGS).fit(make_frame(), resume=resume, checkpoint=own).predict()
    np.save(f"{path}/{process}.npy", found)
    jax.distributed.shutdown()  # waits for the other; a script's end does, but not that of a fork

runs = []
for port, resume in (sys.argv[2], None), (sys.argv[3], f"{path}/0.checkpoint"):
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=run, args=(process, port, resume)) for process in range(2)]
    for process in processes:
        process.start()
    for process, limit in zip(processes, (250, 60)):
        process.join(limit)
        process.kill()
        process.join()
    said = [open(f"{path}/{process}.txt").read() for process in range(2)]
    runs.append([[process.exitcode for process in processes], said])
json.dump(runs, open(f"{path}/runs.json", "w"))
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


def free_ports(n):
    """Return the numbers of ports that no process listens on."""
    with ExitStack() as open_ones:
        sockets = [open_ones.enter_context(socket.socket()) for _ in range(n)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [str(each.getsockname()[1]) for each in sockets]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_two_processes_learn_what_one_does_and_go_on_when_one_has_ended(frame, tmp_path):
    run = [sys.executable, "-W", "ignore", "-c", QUICK_START + WORKERS, str(tmp_path), *free_ports(2)]
    how = {"env": run_with_jax(), "cwd": Path(__file__).parents[2], "timeout": 580, "text": True}
    done = subprocess.run(run, capture_output=True, check=False, **how)
    assert done.returncode == 0, done.stderr
    breaks_off, goes_on = json.loads((tmp_path / "runs.json").read_text())
    (first, second), said = breaks_off
    assert second == 3, said[1]
    assert first != 0
    assert "RuntimeError: All 2 processes that train a model must run to its end, but one no longer answers" in said[0]
    statuses, said = goes_on
    assert statuses == [0, 0], said
    expected = small_forecaster(**SETTINGS).fit(frame).predict()
    for i in range(2):
        np.testing.assert_allclose(np.load(tmp_path / f"{i}.npy"), expected, rtol=1e-4, atol=1e-3)
