"""What measures the network runs and says what it promises; no figure is judged here."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import gpu, kernels, long_stream, memory_tasks
from tests.conftest import run_with_jax

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_long_stream_agrees_with_predict(capsys):
    long_stream.main(["--rows", "200", "--lookback", "12", "--horizon", "3"])
    lines = capsys.readouterr().out.splitlines()[-10:]
    assert [line.split()[0] for line in lines] == [str(n) for n in range(20, 201, 20)]
    assert all(float(line.split()[2]) < 1e-4 for line in lines)


@pytest.mark.slow
def test_kernels_agree(tmp_path, capsys):
    out = tmp_path / "kernels.json"
    kernels.main(["--layers", "1", "--filters", "2", "--batch", "2", "--repeats", "1", "--out", str(out)])
    written = json.loads(out.read_text())
    assert "gradients ms" in capsys.readouterr().out
    assert {result["way"] for result in written["results"]} >= {"conv_causal", "pyramid", "per_feature"}
    assert all(result["difference"] < 1e-5 for result in written["results"])
    assert all(result["first_call_ms"] > result["gradients_ms"] > 0 for result in written["results"])


@pytest.mark.slow
def test_gpu_runs_without_tensorflow_and_without_a_gpu(tmp_path):
    pytest.importorskip("jax")
    out = tmp_path / "gpu.json"
    sizes = ["--batches", "64", "--segments", "32", "--rows", "300", "--epochs", "2", "--seeds", "1"]
    code = f"""
import sys
sys.modules.update(dict.fromkeys(["tensorflow", "sklearn", "scipy.stats"]))
from benchmarks import gpu
gpu.LOOKBACK, gpu.HORIZON, gpu.RATES = 24, 6, (1, 2)
gpu.main({[*sizes, "--out", str(out)]})
"""
    environment = {**run_with_jax(), "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_measured(json.loads(out.read_text()), "jax", done.stdout)


@pytest.mark.slow
def test_gpu_runs_on_tensorflow(tmp_path, monkeypatch, capsys):
    pytest.importorskip("tensorflow")
    for name, value in {"LOOKBACK": 24, "HORIZON": 6, "RATES": (1, 2)}.items():
        monkeypatch.setattr(gpu, name, value)
    sizes = ["--batches", "64", "--segments", "32", "--rows", "300", "--epochs", "2", "--seeds", "1"]
    gpu.main([*sizes, "--out", str(tmp_path / "gpu.json")])
    assert_measured(json.loads((tmp_path / "gpu.json").read_text()), "tensorflow", capsys.readouterr().out)


def assert_measured(written, backend, printed):
    assert written["backend"] == backend
    if not written["has_gpu"]:
        assert "No GPU" in printed
    keys = {"device", "batch", "segment", "origins_per_s", "bytes_floor_per_s", "flops_floor_per_s"}
    assert keys <= set(written["speed"][0])
    assert np.isfinite(written["accuracy"][0]["val_losses"]).all()


def test_drawn_sequences_are_those_of_the_tasks():
    random = np.random.default_rng(0)
    rows, targets = memory_tasks.draw_adding(random, 6, 20)
    assert rows.shape == (6, 20, 2)
    np.testing.assert_allclose((rows[:, :, 0] * rows[:, :, 1]).sum(axis=1), targets[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(rows[:, :, 1].sum(axis=1), 2)
    rows, targets = memory_tasks.draw_copy(random, 6, 20)
    assert rows.shape == (6, 40, 10)
    symbols = rows.argmax(axis=2)
    np.testing.assert_array_equal(symbols[:, :10], targets[:, -10:])
    assert (symbols[:, 29:] == 9).all()
    assert not targets[:, :-10].any()


def test_memory_tasks_can_reach_as_far_as_they_must():
    length, symbol = 20, memory_tasks.build_copy(20, 4, 3, "tanh")
    rows = np.zeros((1, length + 20, 10), np.float32)
    changed = rows.copy()
    changed[0, 9] = 1  # the last symbol, to be said at the last row
    moved = np.abs(symbol.predict(changed, verbose=0) - symbol.predict(rows, verbose=0))[0].max(axis=1) > 0
    assert moved[-1]


@pytest.mark.slow
def test_memory_tasks_print_a_line_a_task(tmp_path, capsys):
    out = tmp_path / "memory.json"
    memory_tasks.main(["--lengths", "5", "--steps", "150", "--learning-rate", "0.02", "--out", str(out)])
    printed = capsys.readouterr().out
    assert "adding, length 5" in printed
    assert "copy, length 1000   3.5e-05" in printed
    records = json.loads(out.read_text())["results"]
    assert all(record["loss"] < 0.5 * record["no_memory"] for record in records)
