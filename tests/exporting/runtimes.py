"""Exported models, run by their own runtimes."""

from pathlib import Path

import numpy as np
import pytest


def run_exported(path: Path, kind: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Forecast with an exported model; skip the test where its runtime is missing."""
    if kind == "onnx":
        runtime = pytest.importorskip("onnxruntime")
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_outputs()]
        return dict(zip(names, session.run(None, inputs), strict=True))
    if kind == "saved_model":
        tensorflow = pytest.importorskip("tensorflow")
        served = tensorflow.saved_model.load(str(path)).signatures["serving_default"]
        found = served(**{name: tensorflow.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in found.items()}
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(model_path=str(path))
    return dict(interpreter.get_signature_runner()(**inputs))
