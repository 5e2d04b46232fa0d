"""What the layers of a Keras model read, told by their settings. Imports no framework: what is given has done so."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tscnn.common.checks import received
from tscnn.network.taps import Chain, Rows, Taps

__all__ = ["read_keras"]

# Each output position depends on the same position of every input, by the names of the layers.
_POINTWISE = {
    *("Activation", "ReLU", "LeakyReLU", "ELU", "GatedActivation", "Head", "AheadHead", "ScaleBack", "InputLayer"),
    *("Dense", "EinsumDense", "Dropout", "SpatialDropout1D", "GaussianDropout", "GaussianNoise", "AlphaDropout"),
    *("BatchNormalization", "UnitNormalization", "Rescaling", "Identity", "TimeDistributed", "Masking"),
    *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Divide"),
}
_POINTWISE_ON_LAST_AXIS = {"LayerNormalization", "RMSNormalization", "Concatenate", "Softmax"}


def read_keras(layer: Any, shape: Sequence[int | None] = (None, None, None)) -> Any:
    """Find what a layer or a model reads.

    Parameters
    ----------
    layer : keras.layers.Layer or keras.Model
        A model has been built, with one input of rows, (batch, time, ..), and one output.
    shape : sequence of int or None, optional
        Of its first input, by default (batch, time, features).

    Returns
    -------
    object
        With `rates`, `length` and `read`, as `tscnn.network.taps.Chain`.

    Raises
    ------
    ValueError
        If a layer reads all rows, or is not known, or the model is not built or has several inputs or outputs.
    """
    if getattr(layer, "taps", None) is not None:
        return Chain(tuple(layer.taps))
    if hasattr(layer, "compile"):
        return _Graph(layer)
    if _is_a(layer, {"PerFeature"}):
        return read_keras(layer.layer, (*shape[:2], 1))
    for name in (base.__name__ for base in type(layer).__mro__):
        if name in _TAPS:
            return Chain((_TAPS[name](layer),))
    if _is_a(layer, _POINTWISE) or (_is_a(layer, _POINTWISE_ON_LAST_AXIS) and _acts_on_last_axis(layer, len(shape))):
        return Chain()
    if _is_a(layer, {"Reshape"}) and _keeps_rows(layer, shape):
        return Chain()
    rule = "A layer must read a bounded number of rows that its settings tell, and {} is not known to: a layer of your "
    rule += "own tells it by an attribute, `self.taps = [tscnn.Taps(kernel_size, ..)]`."
    raise ValueError(received(rule.format(type(layer).__name__), layer=getattr(layer, "name", layer)))


def _is_a(layer: Any, names: set[str]) -> bool:
    return any(base.__name__ in names for base in type(layer).__mro__)


def _acts_on_last_axis(layer: Any, n_axes: int) -> bool:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    return all(axis in (-1, n_axes - 1) for axis in axes)


def _keeps_rows(layer: Any, shape: Sequence[int | None]) -> bool:
    """Whether a Reshape merges the axes behind time, and leaves time alone."""
    rows, *others = layer.target_shape
    _, before, *features = shape
    return rows in (-1, before) and math.prod(others) == math.prod(size or 0 for size in features)


def _one(value: Any) -> int:
    return int(value if isinstance(value, int) else value[0])


def _convolution(layer: Any) -> Taps:
    stride, padding = _one(layer.strides), layer.padding
    return Taps(_one(layer.kernel_size), _one(layer.dilation_rate), stride, padding=padding)


def _pooling(layer: Any) -> Taps:
    return Taps(_one(layer.pool_size), 1, _one(layer.strides), padding=layer.padding)


def _transposed(layer: Any) -> Taps:
    if layer.output_padding is not None and _one(layer.output_padding):
        rule = "A transposed convolution must have no `output_padding`."
        raise ValueError(received(rule, output_padding=layer.output_padding, layer=layer.name))
    kernel_size, dilation_rate, stride = map(_one, (layer.kernel_size, layer.dilation_rate, layer.strides))
    return Taps(kernel_size, dilation_rate, stride, transposed=True, padding=layer.padding)


def _padding(sign: int) -> Callable[[Any], Taps]:
    def taps(layer: Any) -> Taps:
        before, after = layer.padding if sign > 0 else layer.cropping
        return Taps(1, padding=(sign * before, sign * after))

    return taps


_TAPS: dict[str, Callable[[Any], Taps]] = {
    "Conv1D": _convolution,
    "SeparableConv1D": _convolution,
    "DepthwiseConv1D": _convolution,
    "MaxPooling1D": _pooling,
    "AveragePooling1D": _pooling,
    "Conv1DTranspose": _transposed,
    "UpSampling1D": lambda layer: Taps(layer.size, 1, layer.size, transposed=True),
    "ZeroPadding1D": _padding(1),
    "Cropping1D": _padding(-1),
}


class _Graph:
    """A model: layers that are connected. Where a layer has several inputs, their last positions belong together."""

    def __init__(self, model: Any) -> None:
        inputs, outputs = (getattr(model, name, None) or [] for name in ("inputs", "outputs"))
        if len(inputs) != 1 or len(outputs) != 1:
            rule = "A model must be built, with one input of rows and one output."
            raise ValueError(received(rule, model=model.name, inputs=len(inputs), outputs=len(outputs)))
        self.rows, self.output = inputs[0], outputs[0]
        self.nodes: list[tuple[Any, Sequence[Any], Sequence[Any]]] = []  # what it reads, inputs, outputs
        self._visit(self.output, set())

    def _visit(self, tensor: Any, seen: set[int]) -> None:
        """List the nodes that a tensor depends on, those nearest to the input first."""
        layer, index, _ = tensor._keras_history
        node = layer._inbound_nodes[index]
        if tensor is self.rows or id(node) in seen:
            return
        seen.add(id(node))
        for earlier in node.input_tensors:
            self._visit(earlier, seen)
        reads = read_keras(layer, node.input_tensors[0].shape)
        self.nodes.append((reads, node.input_tensors, node.output_tensors))

    @property
    def rates(self) -> tuple[int, int]:
        """Return products of strides, of which all paths go through some."""
        ups, downs = zip(*(network.rates for network, _, _ in self.nodes), strict=True) if self.nodes else ((), ())
        return math.prod(ups), math.prod(downs)

    def _lengths(self, length: int) -> dict[int, int]:
        lengths = {id(self.rows): length}
        for network, inputs, outputs in self.nodes:
            n_outputs = network.length(min(lengths[id(tensor)] for tensor in inputs))
            lengths |= {id(tensor): n_outputs for tensor in outputs}
        return lengths

    def length(self, length: int) -> int:
        """Count the output positions of an input of `length`."""
        return self._lengths(length)[id(self.output)]

    def read(self, rows: Rows, length: int) -> Rows:
        """Return what the positions `rows` of the output depend on, see `Taps.read`."""
        lengths, nothing = self._lengths(length), Rows(0, rows.reached[:0])
        wanted = {id(self.output): rows}
        for network, inputs, outputs in reversed(self.nodes):
            together = nothing
            for tensor in outputs:
                together |= wanted.get(id(tensor), nothing)
            fewest = min(lengths[id(tensor)] for tensor in inputs)
            read = network.read(together, fewest)
            for tensor in inputs:
                moved = Rows(read.first + lengths[id(tensor)] - fewest, read.reached)
                wanted[id(tensor)] = wanted.get(id(tensor), nothing) | moved
        return wanted.get(id(self.rows), nothing)
