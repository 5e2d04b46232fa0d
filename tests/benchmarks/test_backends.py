"""Backends are measured; no figure is judged here."""

import io
import json
import subprocess
from contextlib import redirect_stdout
from functools import partial
from types import SimpleNamespace

import pytest

import tscnn
from benchmarks import backends
from tscnn import Forecaster


def in_this_process(command, **how):  # noqa: ARG001
    """Run the code of a command: a process of its own takes as long to start as all else."""
    with redirect_stdout(io.StringIO()) as written:
        exec(command[-1], {})
    return subprocess.CompletedProcess(command, 0, written.getvalue(), "")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_line_for_each_backend_and_a_word_for_what_is_missing(csv, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(backends, "subprocess", SimpleNamespace(run=in_this_process))
    monkeypatch.setattr(tscnn, "Forecaster", partial(Forecaster, filters=4, epochs=2, normalizer_span=None))
    out = tmp_path / "backends.json"
    sizes = ["--lookback", "6", "--horizon", "2", "--epochs", "2", "--data", csv, "--out", str(out)]
    backends.main(["--backends", "tensorflow", *sizes])
    assert "origins/s after it" in capsys.readouterr().out
    (record,) = json.loads(out.read_text())["results"]
    assert record["backend"] == "tensorflow"
    assert min(record["train_per_s"], record["default_s"], record["mse"]) > 0
