"""What is traced as ONNX is what NumPy computes, for batches of any size."""

from pathlib import Path

import numpy as np
import pytest

from tests.exporting.runtimes import run_exported
from tests.network.networks import random_rows, random_term
from tscnn.common import numpy_ops
from tscnn.data.graph_times import GraphTimes
from tscnn.exporting import onnx_ops
from tscnn.exporting.onnx_file import write_onnx
from tscnn.exporting.onnx_ops import Graph, Traced
from tscnn.exporting.plan import Plan
from tscnn.network.activations import ACTIVATIONS

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def run(compute, path: Path, **arrays) -> list[np.ndarray]:
    """Trace a function of tensors and operations with two of each, and run it on all."""
    graph = Graph()
    inputs = {name: Traced(graph, name, array[:2]) for name, array in arrays.items()}
    outputs = {f"y{i}": one for i, one in enumerate(compute(onnx_ops, **inputs))}
    graph.prune([one.name for one in outputs.values()])
    write_onnx(Plan(None, np.zeros(0), False, graph, inputs, outputs, {}), path / "model.onnx")
    return list(run_exported(path / "model.onnx", "onnx", arrays).values())


def check(compute, path: Path, **arrays) -> None:
    expected = list(compute(numpy_ops, **arrays))
    for found, own in zip(run(compute, path, **arrays), expected, strict=True):
        assert found.dtype == own.dtype
        np.testing.assert_allclose(found, own, rtol=2e-6, atol=2e-6)


X = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
NUMBERS = np.arange(60, dtype=np.int32).reshape(5, 4, 3)


def test_every_operation_is_there():
    assert set(numpy_ops.__all__) - set(dir(onnx_ops)) == {"convert_to_numpy", "pad"}


def test_arithmetic(tmp_path):
    check(lambda _, x: (x + 1, 1 - x, x * 2.5, 1 / (2 + x * x), -x, X[0] - x, x / X[0]), tmp_path, x=X)
    check(lambda _, x: (x > 0, x < X[0], x >= 0, x <= 0, (x > 0) & ~(x > 1), (x > 1) | (x < 0)), tmp_path, x=X)
    check(lambda ops, n: (ops.mod(n, 7), ops.floor_divide(n, 7), n * 2 + 1, ops.equal(n, 4)), tmp_path, n=NUMBERS)
    check(lambda ops, x, n: (ops.cast(n, "float32") + x, ops.cast(x, "float64") * 2), tmp_path, x=X, n=NUMBERS)


def test_functions(tmp_path):
    names = ("abs", "cos", "erf", "exp", "expm1", "sigmoid", "sin", "square", "tanh", "ones_like", "zeros_like")
    check(lambda ops, x: [getattr(ops, name)(x) for name in names], tmp_path, x=X)
    check(lambda ops, x: (ops.log(ops.abs(x)), ops.sqrt(ops.abs(x))), tmp_path, x=X)
    check(lambda ops, x: (ops.maximum(x, 0), ops.minimum(x, 0.5), ops.not_equal(x, x)), tmp_path, x=X)
    for keepdims in (False, True):
        check(
            lambda ops, x, keepdims=keepdims: [
                getattr(ops, name)(x, axis=1, keepdims=keepdims) for name in ("max", "mean", "min", "sum")
            ],
            tmp_path,
            x=X,
        )


def test_shapes(tmp_path):
    check(lambda _, x: (x[:, 1], x[:, -1:], x[..., None], x[:, None, 1:, 0], x[:, ::-1], x[:, ::2]), tmp_path, x=X)
    check(lambda ops, x: (ops.reshape(x, (-1, 6)), ops.reshape(x, (ops.shape(x)[0], 12))), tmp_path, x=X)
    check(lambda ops, x: (ops.transpose(x, (2, 0, 1)), *ops.split(x, 3, axis=-1)), tmp_path, x=X)
    check(lambda ops, x: (ops.slice(x, (0, 1, 0), (ops.shape(x)[0], 2, 3)), ops.stack([x, x], axis=-1)), tmp_path, x=X)
    check(lambda ops, x: (ops.concatenate([x, x], axis=1), ops.matmul(x, X[0].T), ops.sort(x, axis=1)), tmp_path, x=X)


def test_selections(tmp_path):
    places = np.argsort(X, axis=1)
    check(lambda ops, x, at: [ops.take_along_axis(x, at, axis=1)], tmp_path, x=X, at=places)
    check(lambda ops, x: (ops.take(x, [2, 0], axis=-1), ops.cumsum(x, axis=1)), tmp_path, x=X)
    check(lambda ops, n: [ops.take(np.arange(60.0), n, axis=0)], tmp_path, n=NUMBERS)
    check(lambda ops, x: (ops.where(x > 0, x, 0), ops.where(x > 0, 1.5, x)), tmp_path, x=X)


@pytest.mark.parametrize("settings", [{"feature_mode": mode} for mode in ("joint", "independent", "front_end")])
@pytest.mark.parametrize("normalization", [None, "layer", "batch"])
def test_networks(settings, normalization, tmp_path):
    term = random_term(targets=(1, 0), normalization=normalization, **settings)
    rows = random_rows(5, term.context, 2)
    (found,) = run(lambda ops, x: [term.last_in_graph(x, GraphTimes(ops), None)], tmp_path, x=rows)
    np.testing.assert_allclose(found, term.last(rows), atol=1e-5)


def test_activations(tmp_path):
    names = [name for name in ACTIVATIONS if name != "gated"]
    check(lambda ops, x: [ACTIVATIONS[name](x, ops) for name in names], tmp_path, x=X)
