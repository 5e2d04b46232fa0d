"""Slow, obvious versions of `tscnn.receptive_field`: send impulses through the stack, try every plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

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
