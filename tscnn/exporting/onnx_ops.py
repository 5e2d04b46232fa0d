"""The part of ``keras.ops`` that forecasts need, as nodes of an ONNX graph.

A `Traced` stands for a tensor of the graph, and carries the array that it is for an example: of that the shape and the
type of every result are read off, so that none of ONNX's rules is written down here. The first axis of what is given to
the graph is the batch, whose size it doesn't know: no other axis may depend on it. Arrays among the arguments are
constants; what is computed of arrays alone stays an array.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tscnn.common import numpy_ops

__all__ = ["Graph", "Traced"]

OPSET = 18  # of 2022: every runtime in use knows it


class Graph:
    """Nodes and constants, in the order in which they were computed."""

    def __init__(self) -> None:
        self.nodes: list[tuple[str, list[str], str, dict[str, Any]]] = []  # operation, inputs, output, attributes
        self.arrays: dict[str, np.ndarray] = {}
        self._names: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def emit(self, operation: str, inputs: Sequence[Any], value: Any, /, **attributes: Any) -> Traced:
        """Add a node whose one output is `value` for the example."""
        names = [one.name if isinstance(one, Traced) else self._constant(one) for one in inputs]
        name = f"v{len(self.nodes)}"
        self.nodes.append((operation, names, name, attributes))
        return Traced(self, name, np.asarray(value))

    def prune(self, outputs: Sequence[str]) -> set[str]:
        """Drop what no output needs; return the names of all that is needed, inputs included."""
        needed, nodes = set(outputs), []
        for node in reversed(self.nodes):
            if node[2] in needed:
                needed.update(node[1])
                nodes.append(node)
        self.nodes = nodes[::-1]
        self.arrays = {name: array for name, array in self.arrays.items() if name in needed}
        return needed

    def _constant(self, value: Any) -> str:
        """Name an array, the same for all that are equal."""
        array = np.array(value, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._names:
            self._names[key] = f"c{len(self._names)}"
            self.arrays[self._names[key]] = array
        return self._names[key]


class Batch(int):
    """The size of the first axis for the example, which another batch need not have."""


class Traced:
    """A tensor of a graph.

    Parameters
    ----------
    graph : Graph
        Where it is computed.
    name : str
        Of the tensor.
    value : ndarray
        For the example.
    """

    __array_ufunc__ = None  # so that an array on the left leaves an operator to the tensor on the right
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, graph: Graph, name: str, value: np.ndarray) -> None:
        self.graph, self.name, self.value = graph, name, value

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes for the example."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.value.dtype

    def __add__(self, other: Any) -> Any:
        return _binary("Add", operator.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _binary("Add", operator.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _binary("Sub", operator.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _binary("Sub", operator.sub, other, self)

    def __mul__(self, other: Any) -> Any:
        return _binary("Mul", operator.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _binary("Mul", operator.mul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _binary("Div", operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _binary("Div", operator.truediv, other, self)

    def __neg__(self) -> Any:
        return _unary("Neg", operator.neg, self)

    def __lt__(self, other: Any) -> Any:
        return _binary("Less", operator.lt, self, other)

    def __gt__(self, other: Any) -> Any:
        return _binary("Greater", operator.gt, self, other)

    def __le__(self, other: Any) -> Any:
        return _binary("LessOrEqual", operator.le, self, other)

    def __ge__(self, other: Any) -> Any:
        return _binary("GreaterOrEqual", operator.ge, self, other)

    def __and__(self, other: Any) -> Any:
        return _binary("And", operator.and_, self, other)

    def __or__(self, other: Any) -> Any:
        return _binary("Or", operator.or_, self, other)

    def __invert__(self) -> Any:
        return _unary("Not", operator.invert, self)

    def __getitem__(self, at: Any) -> Any:
        """Take slices and single positions of axes, and put new axes between them."""
        at = at if isinstance(at, tuple) else (at,)
        if Ellipsis in at:
            i, n_taken = at.index(Ellipsis), len([one for one in at if one is not None and one is not Ellipsis])
            at = (*at[:i], *(builtins.slice(None),) * (len(self.shape) - n_taken), *at[i + 1 :])
        found, axis = self, 0
        dropped: list[int] = []
        added: list[int] = []
        for one in at:
            if one is None:
                added.append(axis - len(dropped) + len(added))
                continue
            if isinstance(one, int):
                dropped.append(axis)
                one = builtins.slice(one, one + 1 or None)
            if one != builtins.slice(None):
                found = _cut(found, axis, *one.indices(self.shape[axis]))
            axis += 1
        if dropped:
            found = found.graph.emit("Squeeze", [found, np.array(dropped)], found.value.squeeze(tuple(dropped)))
        if added:
            value = np.expand_dims(found.value, tuple(added))
            found = found.graph.emit("Unsqueeze", [found, np.array(added)], value)
        return found


def _graph_of(*inputs: Any) -> Graph | None:
    return next((one.graph for one in inputs if isinstance(one, Traced)), None)


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Traced) else x


def _cut(x: Traced, axis: int, start: int, stop: int, step: int) -> Traced:
    at = (builtins.slice(None),) * axis
    stop = stop if stop >= 0 else np.iinfo(np.int64).min
    value = x.value[(*at, builtins.slice(start, None if stop < 0 else stop, step))]
    return x.graph.emit("Slice", [x, *(np.array([one]) for one in (start, stop, axis, step))], value)


def _unary(operation: str, compute: Callable[..., Any], x: Any) -> Any:
    return x.graph.emit(operation, [x], compute(x.value)) if isinstance(x, Traced) else compute(x)


def _binary(operation: str, compute: Callable[..., Any], x: Any, y: Any) -> Any:
    graph, values = _graph_of(x, y), (_value(x), _value(y))
    value = compute(*values)
    if graph is None:
        return value
    common = np.result_type(*values)
    return graph.emit(operation, [cast(x, common), cast(y, common)], value)


def _reduce(operation: str, compute: Callable[..., Any], x: Any, axis: int, keepdims: bool) -> Any:
    if not isinstance(x, Traced):
        return compute(x, axis=axis, keepdims=keepdims)
    value = compute(x.value, axis=axis, keepdims=keepdims)
    return x.graph.emit(operation, [x, np.array([axis])], value, keepdims=int(keepdims))


# One function each, as of `tscnn.common.numpy_ops`


def abs(x: Any) -> Any:
    return _unary("Abs", np.abs, x)


def cast(x: Any, dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    if not isinstance(x, Traced):
        return numpy_ops.cast(x, dtype)
    return x if x.dtype == dtype else x.graph.emit("Cast", [x], x.value.astype(dtype), to=dtype)


def concatenate(xs: Sequence[Any], axis: int = 0) -> Any:
    graph, value = _graph_of(*xs), np.concatenate([_value(x) for x in xs], axis)
    return value if graph is None else graph.emit("Concat", [cast(x, value.dtype) for x in xs], value, axis=axis)


def convert_to_tensor(x: Any) -> Any:
    return x


def cos(x: Any) -> Any:
    return _unary("Cos", np.cos, x)


def cumsum(x: Any, axis: int) -> Any:
    if not isinstance(x, Traced):
        return np.cumsum(x, axis=axis)
    return x.graph.emit("CumSum", [x, np.array(axis)], np.cumsum(x.value, axis=axis, dtype=x.dtype))


def equal(x: Any, y: Any) -> Any:
    return _binary("Equal", np.equal, x, y)


def erf(x: Any) -> Any:
    return _unary("Erf", numpy_ops.erf, x)


def exp(x: Any) -> Any:
    return _unary("Exp", np.exp, x)


def expm1(x: Any) -> Any:
    return exp(x) - 1


def floor_divide(x: Any, y: Any) -> Any:
    """Of integers that aren't negative: ONNX rounds to 0."""
    return _binary("Div", np.floor_divide, x, y)


def log(x: Any) -> Any:
    return _unary("Log", np.log, x)


def matmul(x: Any, y: Any) -> Any:
    return _binary("MatMul", np.matmul, x, y)


def max(x: Any, axis: int, keepdims: bool = False) -> Any:
    return _reduce("ReduceMax", np.max, x, axis, keepdims)


def maximum(x: Any, y: Any) -> Any:
    return _binary("Max", np.maximum, x, y)


def mean(x: Any, axis: int, keepdims: bool = False) -> Any:
    return _reduce("ReduceMean", np.mean, x, axis, keepdims)


def min(x: Any, axis: int, keepdims: bool = False) -> Any:
    return _reduce("ReduceMin", np.min, x, axis, keepdims)


def minimum(x: Any, y: Any) -> Any:
    return _binary("Min", np.minimum, x, y)


def mod(x: Any, y: Any) -> Any:
    return _binary("Mod", np.mod, x, y)


def not_equal(x: Any, y: Any) -> Any:
    found = equal(x, y)
    return ~found


def ones_like(x: Any) -> Any:
    return _filled(x, 1)


def zeros_like(x: Any) -> Any:
    return _filled(x, 0)


def _filled(x: Any, number: int) -> Any:
    value = np.full_like(_value(x), number)
    if not isinstance(x, Traced):
        return value
    sizes = x.graph.emit("Shape", [x], np.array(x.shape))
    return x.graph.emit("ConstantOfShape", [sizes], value, value=np.array([number], x.dtype))


def reshape(x: Any, newshape: Sequence[int]) -> Any:
    if not isinstance(x, Traced):
        return np.reshape(x, newshape)
    value = x.value.reshape(newshape)
    if any(isinstance(size, Batch) for size in newshape):
        newshape = [-1 if isinstance(size, Batch) else own for size, own in zip(newshape, value.shape, strict=True)]
    return x.graph.emit("Reshape", [x, np.array(newshape, np.int64)], value)


def shape(x: Any) -> tuple[int, ...]:
    return (Batch(x.shape[0]), *x.shape[1:]) if isinstance(x, Traced) else x.shape


def sigmoid(x: Any) -> Any:
    return _unary("Sigmoid", numpy_ops.sigmoid, x)


def sin(x: Any) -> Any:
    return _unary("Sin", np.sin, x)


def slice(inputs: Any, start_indices: Sequence[int], shape: Sequence[int]) -> Any:
    if not isinstance(inputs, Traced):
        return numpy_ops.slice(inputs, start_indices, shape)
    for axis, (start, size) in enumerate(zip(start_indices, shape, strict=True)):
        if (start, size) != (0, inputs.shape[axis]):
            inputs = _cut(inputs, axis, start, start + size, 1)
    return inputs


def sort(x: Any, axis: int) -> Any:
    """ONNX has no other way than the smallest of as many as there are, of which it returns their places, too."""
    if not isinstance(x, Traced):
        return np.sort(x, axis=axis)
    return x.graph.emit("TopK", [x, np.array([x.shape[axis]])], np.sort(x.value, axis=axis), axis=axis, largest=0)


def split(x: Any, indices_or_sections: int, axis: int = 0) -> list[Any]:
    if not isinstance(x, Traced):
        return numpy_ops.split(x, indices_or_sections, axis)
    axis %= len(x.shape)
    size = x.shape[axis] // indices_or_sections
    return [_cut(x, axis, i * size, (i + 1) * size, 1) for i in range(indices_or_sections)]


def sqrt(x: Any) -> Any:
    return _unary("Sqrt", np.sqrt, x)


def square(x: Any) -> Any:
    return x * x


def stack(xs: Sequence[Any], axis: int = 0) -> Any:
    value = np.stack([_value(x) for x in xs], axis)
    axis %= value.ndim
    at = (*(builtins.slice(None),) * axis, None)
    return concatenate([x[at] for x in xs], axis)


def sum(x: Any, axis: int, keepdims: bool = False) -> Any:
    return _reduce("ReduceSum", np.sum, x, axis, keepdims)


def take(x: Any, indices: Any, axis: int) -> Any:
    graph, value = _graph_of(x, indices), np.take(_value(x), _value(indices), axis)
    places = indices if isinstance(indices, Traced) else np.asarray(indices, np.int64)
    return value if graph is None else graph.emit("Gather", [x, places], value, axis=axis % _value(x).ndim)


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    graph, value = _graph_of(x, indices), np.take_along_axis(_value(x), _value(indices), axis)
    return value if graph is None else graph.emit("GatherElements", [x, indices], value, axis=axis)


def tanh(x: Any) -> Any:
    return _unary("Tanh", np.tanh, x)


def transpose(x: Any, axes: Sequence[int]) -> Any:
    value = _value(x).transpose(axes)
    return x.graph.emit("Transpose", [x], value, perm=list(axes)) if isinstance(x, Traced) else value


def where(condition: Any, x: Any, y: Any) -> Any:
    graph, value = _graph_of(condition, x, y), np.where(_value(condition), _value(x), _value(y))
    if graph is None:
        return value
    common = np.result_type(_value(x), _value(y))
    return graph.emit("Where", [condition, cast(x, common), cast(y, common)], value.astype(common))
