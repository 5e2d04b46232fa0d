"""Slow, obvious versions of `tscnn.network.layers`: one row, one tap, one feature at a time, in float64.

Arrays are (time, features) of one series. Weights go by the names of the layers' own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Weights = dict[str, np.ndarray]


def causal_convolution(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, dilation_rate: int) -> np.ndarray:
    """Convolve (time, features) with (kernel_size, features, filters); rows before the first are zeros."""
    kernel_size, _, n_filters = kernel.shape
    y = np.zeros((len(x), n_filters))
    for t in range(len(x)):
        y[t] = bias
        for tap in range(kernel_size):
            row = t - (kernel_size - 1 - tap) * dilation_rate  # the last tap weighs the present row
            if row >= 0:
                y[t] += x[row].astype(float) @ kernel[tap].astype(float)
    return y


def valid_convolution(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, dilation_rate: int) -> np.ndarray:
    """Keep the positions of the causal convolution that see real rows only."""
    return causal_convolution(x, kernel, bias, dilation_rate)[(len(kernel) - 1) * dilation_rate :]


def gated_unit(x: np.ndarray) -> np.ndarray:
    """Gate the first half of the last axis by the second."""
    n_filters = x.shape[-1] // 2
    return np.tanh(x[..., :n_filters]) / (1 + np.exp(-x[..., n_filters:]))


def residual_block(x: np.ndarray, weights: Weights, dilation_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the residual sum and the skip, (positions, filters) each, of a gated block."""
    hidden = gated_unit(valid_convolution(x, weights["conv/kernel"], weights["conv/bias"], dilation_rate))
    residual = x[len(x) - len(hidden) :] + hidden @ weights["to_residual/kernel"] + weights["to_residual/bias"]
    return residual, hidden @ weights["to_skip/kernel"] + weights["to_skip/bias"]


def wavenet_stack(x: np.ndarray, weights: Weights, dilation_rates: Sequence[int]) -> np.ndarray:
    """Project, run the blocks, and add up what they skip and the last residual, row by row from the end."""
    hidden = x @ weights["project/kernel"] + weights["project/bias"]
    skips = []
    for i, dilation_rate in enumerate(dilation_rates):
        prefix = f"block_{i}/"
        block = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        hidden, skip = residual_block(hidden, block, dilation_rate)
        skips.append(skip)
    return hidden + sum(skip[len(skip) - len(hidden) :] for skip in skips)


def rolling_moments(x: np.ndarray, span: int) -> tuple[np.ndarray, np.ndarray]:
    """Take the mean and standard deviation of every `span` rows, each from scratch."""
    stretches = [x[t : t + span].astype(np.float64) for t in range(len(x) - span + 1)]
    return np.array([s.mean(axis=0) for s in stretches]), np.array([s.std(axis=0) for s in stretches])


def float32_cumulative_moments(x: np.ndarray, span: int) -> tuple[np.ndarray, np.ndarray]:
    """Do the same by differences of running sums in float32: how not to do it."""
    sums, squares = (np.cumsum(np.float32(x) ** p, axis=0, dtype=np.float32) for p in (1, 2))
    zero = np.zeros((1, x.shape[1]), np.float32)
    first, second = (np.concatenate([zero, s]) for s in (sums, squares))
    mean = (first[span:] - first[:-span]) / np.float32(span)
    return mean, np.sqrt(np.maximum((second[span:] - second[:-span]) / np.float32(span) - mean**2, 0))


def linear_skip(x: np.ndarray, weight: np.ndarray, lookback: int) -> np.ndarray:
    """Map each window of each feature: its mean, and the deviations from it times the weights."""
    n_maps, _, horizon = weight.shape
    n_positions = len(x) - lookback + 1
    y = np.zeros((n_positions, horizon, x.shape[1]))
    for t in range(n_positions):
        for feature in range(x.shape[1]):
            window = x[t : t + lookback, feature].astype(float)
            deviations = window - window.mean()
            y[t, :, feature] = window.mean() + deviations @ weight[feature if n_maps > 1 else 0]
    return y


def scale_back(
    forecasts: np.ndarray, level: np.ndarray, scale: np.ndarray, targets: Sequence[int], add_level: bool
) -> np.ndarray:
    """Scale (positions, horizon, targets) by the statistics (time, features) of each position's own row."""
    y = np.zeros(forecasts.shape)
    n_earlier = len(scale) - len(forecasts)
    for t in range(len(forecasts)):
        for i, target in enumerate(targets):
            y[t, :, i] = forecasts[t, :, i] * scale[n_earlier + t, target]
            if add_level:
                y[t, :, i] += level[n_earlier + t, target]
    return y
