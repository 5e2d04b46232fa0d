"""Slow, obvious versions of `tscnn.receptive_field`: send impulses through the stack, try every plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tscnn.network.taps import Taps

Plan = list[tuple[int, int]]


def causal_convolution_of_ones(x: np.ndarray, kernel_size: int, dilation_rate: int, stride: int) -> np.ndarray:
    """Convolve (batch, time), kernel all ones, and keep every stride-th step, the newest one included."""
    y = np.zeros_like(x)
    for t in range(x.shape[1]):
        for tap in range(kernel_size):
            if t - tap * dilation_rate >= 0:
                y[:, t] += x[:, t - tap * dilation_rate]
    newest_first = y[:, ::-1][:, ::stride]
    return newest_first[:, ::-1]


def impulse_lags(layers: Sequence[Sequence[int]], length: int) -> list[int]:
    """List the lags below `length` at which an impulse moves the newest output."""
    y = np.eye(length)
    for kernel_size, dilation_rate, *stride in layers:
        y = causal_convolution_of_ones(y, kernel_size, dilation_rate, *(stride or [1]))
    return [lag for lag in range(length) if y[length - 1 - lag, -1] > 0]


def matrix_of_ones(layer: Taps, length: int) -> np.ndarray:
    """Write a layer, kernel all ones, as a matrix: a row for each output, a column for each of `length` inputs."""
    span = 1 + (layer.kernel_size - 1) * layer.dilation_rate
    offsets = [tap * layer.dilation_rate for tap in range(layer.kernel_size)]
    if layer.transposed:
        full = np.zeros(((length - 1) * layer.stride + span, length))
        for j in range(length):
            for offset in offsets:
                full[j * layer.stride + offset, j] = 1
        before = max(0, span - layer.stride) // 2 if layer.padding == "same" else 0
        wide = np.vstack([full, np.zeros((layer.stride, length))])
        return wide[before : before + length * layer.stride]
    if layer.padding == "causal":
        before, n_outputs = span - 1, -(-length // layer.stride)
    else:  # "same", as TensorFlow defines it
        n_outputs = -(-length // layer.stride)
        before = max(0, (n_outputs - 1) * layer.stride + span - length) // 2
    y = np.zeros((n_outputs, length))
    for j in range(n_outputs):
        for offset in offsets:
            if 0 <= j * layer.stride + offset - before < length:
                y[j, j * layer.stride + offset - before] = 1
    return y


def measured_lags(reads: np.ndarray) -> list[int]:
    """List the lags of the outputs in the middle, of which output j stands at row j, or at the newest that it reads."""
    n_outputs, length = reads.shape
    lags: set[int] = set()
    for j in range(n_outputs // 3, 2 * n_outputs // 3):
        rows = np.flatnonzero(reads[j])
        if len(rows):
            lags.update(((j if n_outputs == length else rows[-1]) - rows).tolist())
    return sorted(lags)


def stacks_of_field(field: int, kernel_size: int, smallest: tuple[int, int] = (2, 1)) -> Iterator[Plan]:
    """Yield every multiset of layers of that field, with holes and without."""
    if field == 1:
        yield []
    for size in range(2, kernel_size + 1):
        for dilation_rate in range(1, (field - 1) // (size - 1) + 1):
            if (size, dilation_rate) >= smallest:
                rest = field - (size - 1) * dilation_rate
                for others in stacks_of_field(rest, kernel_size, (size, dilation_rate)):
                    yield [(size, dilation_rate), *others]


def fewest_layers(longest: int, kernel_size: int) -> list[int]:
    """Tabulate the fewest hole-free layers for each field 0 (unused) to `longest`, smaller fields first."""
    depths = [0, 0]
    for field in range(2, longest + 1):
        options = []
        for before in range(1, field):
            for size in range(2, kernel_size + 1):
                dilation_rate, rest = divmod(field - before, size - 1)
                if rest == 0 and dilation_rate <= before:
                    options.append(depths[before] + 1)
        depths.append(min(options))
    return depths


def starts_of_kernel(length: int, span: int, stride: int, padded: int) -> int:
    """Count the places at which a kernel fits."""
    return sum(1 for start in range(0, length + padded, stride) if start + span <= length + padded)
