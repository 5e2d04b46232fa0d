"""Backends are measured; no figure is judged here."""

import json

import pytest

from benchmarks import backends


@pytest.mark.slow
def test_a_line_for_each_backend_and_a_word_for_what_is_missing(csv, tmp_path, capsys):
    out = tmp_path / "backends.json"
    sizes = ["--lookback", "6", "--horizon", "2", "--epochs", "2", "--data", csv, "--out", str(out)]
    backends.main(["--backends", "tensorflow", *sizes])
    assert "origins/s after it" in capsys.readouterr().out
    (record,) = json.loads(out.read_text())["results"]
    assert record["backend"] == "tensorflow"
    assert min(record["train_per_s"], record["default_s"], record["mse"]) > 0
