"""The examples of docs/exports.md run."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "exports.md"


@pytest.mark.slow
def test_examples_run_in_order(tmp_path, monkeypatch):
    for package in ("onnx", "onnxruntime", "tensorflow", "ai_edge_litert"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "exports"}
    blocks = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(compile(block, DOCS, "exec"), namespace)
    assert abs(namespace["forecast"][0] - namespace["forecaster"].predict().to_numpy()).max() < 1e-4
