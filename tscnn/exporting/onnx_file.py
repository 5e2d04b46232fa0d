"""Writing a graph as a file of ONNX."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tscnn.common.archive.writing import replacing
from tscnn.common.checks import received
from tscnn.exporting.onnx_ops import OPSET, Traced
from tscnn.exporting.plan import Plan

__all__ = ["write_onnx"]

IR_VERSION = 8  # that of the operations: runtimes refuse what is newer than they are
LARGEST = 2**31 - 2**20  # bytes of weights: a file of ONNX has at most 2 GB


def write_onnx(plan: Plan, place: Path) -> None:
    """Write a model as ONNX.

    Parameters
    ----------
    plan : Plan
        Of the model.
    place : Path
        Of `find_place`.

    Raises
    ------
    ImportError
        If the package `onnx` is missing.
    ValueError
        If the model is too large.
    """
    try:
        from onnx import helper, numpy_helper
    except ImportError:
        raise ImportError("`format='onnx'` needs the package `onnx`: pip install 'tscnn[export]'.") from None
    size = sum(array.nbytes for array in plan.graph.arrays.values())
    if size > LARGEST:
        rule = "A file of ONNX holds at most 2 GB; `format='saved_model'` has no limit."
        raise ValueError(received(rule, n_bytes=size))

    def attribute(value: Any) -> Any:
        if isinstance(value, np.dtype):
            return helper.np_dtype_to_tensor_dtype(value)
        return numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value

    def declare(name: str, tensor: Traced) -> Any:
        kind = helper.np_dtype_to_tensor_dtype(tensor.dtype)
        return helper.make_tensor_value_info(name, kind, ["batch", *tensor.shape[1:]])

    nodes = []
    for operation, inputs, output, attributes in plan.graph.nodes:
        outputs = [output, f"{output}_places"] if operation == "TopK" else [output]
        written = {name: attribute(value) for name, value in attributes.items()}
        nodes.append(helper.make_node(operation, inputs, outputs, **written))
    nodes += [helper.make_node("Identity", [tensor.name], [name]) for name, tensor in plan.outputs.items()]
    graph = helper.make_graph(
        nodes,
        "forecaster",
        [declare(name, tensor) for name, tensor in plan.inputs.items()],
        [declare(name, tensor) for name, tensor in plan.outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in plan.graph.arrays.items()],
    )
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
    model.producer_name = "tscnn"
    helper.set_model_props(model, {"tscnn": json.dumps(plan.description)})
    with replacing(place) as file:
        file.write(model.SerializeToString())
