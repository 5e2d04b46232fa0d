"""The arithmetic of the layers, for Keras in training and for NumPy in inference.

What is said here is said once: functions take `ops`, which is ``keras.ops`` for tensors or `tscnn.common.numpy_ops` for
arrays. Beside the form for many positions stands, where it differs, the step: what the next row of each series adds,
in NumPy, from a ring of the inputs that are still needed.

Every function is *valid*: it returns one position for each that sees all of its field, so that nothing is ever
computed from zero padding. One with a field of R rows takes (batch, time, ...) to (batch, time - R + 1, ...), and
output position j belongs to input row j + R - 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tscnn.common.ring import Ring
from tscnn.network.positions import align, crop, take_features

__all__ = [
    "Affine",
    "BlockWeights",
    "affine",
    "convolve",
    "cut_taps",
    "fold_features",
    "gate",
    "normalize_layer",
    "residual_block",
    "scale_and_shift",
    "scale_back",
    "stack",
    "step_residual_block",
    "step_stack",
]


class Affine(NamedTuple):
    """An affine map of the last axis; a convolution's kernel has an axis of taps before the two others."""

    kernel: Any  # ([kernel_size,] n_inputs, n_outputs)
    bias: Any  # (n_outputs,)


# Convolution


def cut_taps(inputs: Any, kernel_size: int, step: int, stride: int, ops: Any) -> Any:
    """Put the rows that each position sees side by side.

    One matrix product of them all is faster on a CPU than the convolutions of Keras's backends, which spend more on
    rearranging a dilated input than on arithmetic.

    Parameters
    ----------
    inputs : array or tensor of shape (batch, time, n)
        Rows.
    kernel_size, step : int
        Taps, and rows from one to the next.
    stride : int
        Positions from one output to the next.
    ops : module
        As everywhere here.

    Returns
    -------
    array or tensor of shape (batch, positions, kernel_size * n)
        Oldest tap first.
    """
    if kernel_size == 1:
        return inputs[:, ::stride] if stride > 1 else inputs
    batch, n_rows, n_inputs = ops.shape(inputs)
    n_positions = n_rows - (kernel_size - 1) * step
    if stride > 1:
        taps = [inputs[:, k * step : k * step + n_positions : stride] for k in range(kernel_size)]
    else:  # the gradient of `slice` is faster than that of a strided one
        taps = [ops.slice(inputs, (0, k * step, 0), (batch, n_positions, n_inputs)) for k in range(kernel_size)]
    return ops.concatenate(taps, axis=-1)


def affine(inputs: Any, weights: Affine, ops: Any) -> Any:
    """Map the last axis, (batch, positions, n) -> (batch, positions, m): of two axes, not three, it is fast."""
    kernel, bias = weights
    batch, n_positions, n_inputs = ops.shape(inputs)
    outputs = ops.matmul(ops.reshape(inputs, (-1, n_inputs)), kernel)
    outputs += ops.convert_to_tensor(bias)  # of an array in place: new memory costs as much as the sum
    return ops.reshape(outputs, (batch, n_positions, bias.shape[0]))


def convolve(inputs: Any, weights: Affine, step: int, stride: int, ops: Any) -> Any:
    """Convolve aligned rows: (batch, time, n) -> (batch, positions, m), taps `step` rows apart."""
    kernel, bias = weights
    kernel_size, n_inputs, n_outputs = kernel.shape
    taps = cut_taps(inputs, kernel_size, step, stride, ops)
    return affine(taps, Affine(ops.reshape(kernel, (kernel_size * n_inputs, n_outputs)), bias), ops)


# Residual block


class BlockWeights(NamedTuple):
    """Of a residual block: the dilated convolution, and what maps its activated output to both sums."""

    conv: Affine
    to_residual: Affine
    to_skip: Affine


def gate(inputs: Any, ops: Any) -> Any:
    """Gated activation unit, ``tanh(value) * sigmoid(gate)``: (.., 2 filters) -> (.., filters)."""
    value, gate = ops.split(inputs, 2, axis=-1)
    outputs, share = ops.tanh(value), ops.sigmoid(gate)
    if not isinstance(outputs, np.ndarray):  # torch needs the first as it is for its gradient
        return outputs * share
    outputs *= share
    return outputs


def gate_halved(inputs: np.ndarray) -> np.ndarray:
    """Twice what `gate` says of inputs whose gate is halved: ``2 sigmoid(gate) = 1 + tanh(gate / 2)``, in one tanh.

    The memory of the inputs is used again.
    """
    both = np.tanh(inputs, out=inputs)
    n_filters = both.shape[-1] // 2
    value, outputs = both[..., :n_filters], both[..., n_filters:]
    outputs *= value
    outputs += value  # not a product with 1 + outputs: NumPy takes twice as long to add a number to so few
    return outputs


def normalize_layer(inputs: Any, gamma: Any, beta: Any, epsilon: float, ops: Any) -> Any:
    """Standardise each position over the last axis, then scale and shift: layer normalisation."""
    centred = inputs - ops.mean(inputs, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
    return centred / ops.sqrt(variance + epsilon) * gamma + beta


def scale_and_shift(inputs: Any, factor: Any, shift: Any) -> Any:
    """Scale and shift each entry of the last axis: batch normalisation in inference."""
    return inputs * factor + shift


def residual_block(
    inputs: Any,
    weights: BlockWeights,
    between: Callable[[Any], Any],
    step: int,
    stride: int,
    skip_at: slice,
    ops: Any,
) -> tuple[Any, Any]:
    """Dilated convolution, activation, then one 1x1 convolution each for the residual sum and the skip sum.

    Parameters
    ----------
    inputs : array or tensor of shape (batch, time, filters)
        Rows.
    weights : BlockWeights
        See there.
    between : callable
        What comes between the convolutions, position by position: normalisation, activation, dropout.
    step, stride : int
        Of `cut_taps`.
    skip_at : slice
        The positions whose skip is wanted.
    ops : module
        As everywhere here.

    Returns
    -------
    residual, skip : array or tensor of shape (batch, positions, filters)
        Of every `stride`-th position, the newest included; the skip of those of `skip_at` only.
    """
    reach = (weights.conv.kernel.shape[0] - 1) * step
    inputs = align(inputs, reach, stride, ops)
    hidden = between(convolve(inputs, weights.conv, step, stride, ops))
    ends = crop(inputs, reach, ops)
    residual = affine(hidden, weights.to_residual, ops)
    residual += ends[:, ::stride] if stride > 1 else ends
    wanted = crop(hidden, skip_at.start, ops) if skip_at.step == 1 else hidden[:, skip_at]
    return residual, affine(wanted, weights.to_skip, ops)


def step_residual_block(
    row: np.ndarray, ring: Ring, conv: Affine, between: Callable[[Any], Any], to_residual: Affine, dilation_rate: int
) -> tuple[np.ndarray, np.ndarray]:
    """Do the same to the next row of each series.

    Parameters
    ----------
    row : ndarray of shape (n_series, filters)
        The next row.
    ring : Ring
        The rows of the field; changed in place.
    conv : Affine
        Of `BlockWeights`, its taps one below the other: a kernel of shape (kernel_size * filters, n_outputs).
    between : callable
        As in `residual_block`.
    to_residual : Affine
        Of `BlockWeights`.
    dilation_rate : int
        Rows between the taps.

    Returns
    -------
    residual, activated : ndarray of shape (n_series, filters)
        Of that row; `step_stack` makes the skips of all blocks of what is activated in them.
    """
    ring.push(row)
    taps = ring.last(dilation_rate).transpose(1, 0, 2).reshape(len(row), -1)  # (n_series, kernel_size * filters)
    hidden = taps @ conv.kernel
    hidden += conv.bias
    activated = between(hidden)
    residual = activated @ to_residual.kernel
    residual += to_residual.bias
    residual += row
    return residual, activated


# Stack


def stack(
    inputs: Any, project: Affine, blocks: Sequence[Callable[..., Any]], layers: Any, spacings: Sequence[int], ops: Any
) -> Any:
    """Residual blocks on top of each other, their skips summed.

    Parameters
    ----------
    inputs : array or tensor of shape (batch, time, n)
        Every ``spacings[0]``-th row.
    project : Affine
        To as many filters as the blocks have.
    blocks : sequence of callable
        `residual_block`, called with `spacing`, rows between those given, `stride` and `skip_at`.
    layers : sequence of (int, int)
        ``(kernel_size, dilation_rate)`` of each block.
    spacings : sequence of int
        Of `pyramid_spacings`, or ones for every position.
    ops : module
        As everywhere here.

    Returns
    -------
    array or tensor of shape (batch, positions, filters)
        Every ``spacings[-1]``-th position.
    """
    hidden = affine(inputs, project, ops)
    above = sum((kernel_size - 1) * dilation_rate for kernel_size, dilation_rate in layers)
    skips = []
    for i, (block, (kernel_size, dilation_rate)) in enumerate(zip(blocks, layers, strict=True)):
        above, spacing = above - (kernel_size - 1) * dilation_rate, spacings[i + 1]
        skip_at = np.s_[above // spacing :: spacings[-1] // spacing]
        hidden, skip = block(hidden, spacing=spacings[i], stride=spacing // spacings[i], skip_at=skip_at)
        skips.append(skip)
    return sum(skips, hidden)


def step_stack(
    row: np.ndarray, project: Affine, blocks: Sequence[Callable[..., Any]], to_skips: Affine, rings: Any
) -> np.ndarray:
    """Do the same to the next row of each series.

    Parameters
    ----------
    row : ndarray of shape (n_series, n)
        The next row.
    project : Affine
        As in `stack`.
    blocks : sequence of callable
        `step_residual_block`, called with a row and its ring; at least one.
    to_skips : Affine
        From what is activated in all blocks, side by side, to the sum of their skips.
    rings : sequence of Ring
        One a block.

    Returns
    -------
    ndarray of shape (n_series, filters)
        Of that row.
    """
    hidden, of_blocks = row @ project.kernel + project.bias, []
    for block, ring in zip(blocks, rings, strict=True):
        hidden, activated = block(hidden, ring)
        of_blocks.append(activated)
    hidden += np.concatenate(of_blocks, axis=1) @ to_skips.kernel
    hidden += to_skips.bias
    return hidden


def fold_features(inputs: Any, apply: Callable[[Any], Any], ops: Any) -> Any:
    """Apply a map of one feature's rows to every feature by itself.

    The feature axis is folded into the batch axis: a merge of leading axes, which moves no number. Axes are swapped by
    transposing, never by a reshape, which would mix time steps of different features.

    Parameters
    ----------
    inputs : array or tensor of shape (batch, time, features)
        Rows.
    apply : callable
        (batch, time, 1) -> (batch, positions, filters).
    ops : module
        As everywhere here.

    Returns
    -------
    array or tensor of shape (batch, positions, features, filters)
        Of each feature.
    """
    n_features = inputs.shape[2]
    series = ops.transpose(inputs, (0, 2, 1))  # (batch, features, time)
    series = ops.reshape(series, (-1, ops.shape(inputs)[1], 1))  # (batch * features, time, 1)
    outputs = apply(series)  # (batch * features, positions, filters)
    outputs = ops.reshape(outputs, (-1, n_features, ops.shape(outputs)[1], outputs.shape[2]))
    return ops.transpose(outputs, (0, 2, 1, 3))  # (batch, positions, features, filters)


# Forecasts


def scale_back(forecasts: Any, level: Any, scale: Any, targets: Sequence[int], add_level: bool, ops: Any) -> Any:
    """Bring forecasts from the units of a rolling normaliser back to those of the data.

    Parameters
    ----------
    forecasts : array or tensor of shape (batch, positions, horizon, targets)
        In units of the scale; an array is changed in place.
    level, scale : array or tensor of shape (batch, time, features)
        Each forecast takes those of its own origin: the last `positions` of `time`.
    targets : sequence of int
        Positions of the targets among the features.
    add_level : bool
        Whether the level is added.
    ops : module
        As everywhere here.

    Returns
    -------
    array or tensor of shape (batch, positions, horizon, targets)
        In the data's units.
    """

    def at_origins(statistic: Any) -> Any:
        newest = statistic[:, ops.shape(statistic)[1] - ops.shape(forecasts)[1] :]
        return take_features(newest, targets, ops)[:, :, None]

    forecasts *= at_origins(scale)
    if add_level:
        forecasts += at_origins(level)
    return forecasts
