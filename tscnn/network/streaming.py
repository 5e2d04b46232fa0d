"""A network with the memory of what it has seen: the next row in, the next forecast out.

Each layer keeps a ring of the inputs that it still needs, so that a row costs as much at row one million as at row
one, and a lookback twice as long costs one layer more. It is plain NumPy: for one row that is faster than the call of a
compiled function.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tscnn.network.backend import keras
from tscnn.network.config import NetworkConfig
from tscnn.network.graph import Network

__all__ = ["StreamingNetwork"]


class StreamingNetwork:
    """A network that takes one row of each of several series at a time.

    Parameters
    ----------
    network : Network
        Its weights are copied.
    rows : ndarray of shape (n_series, n_rows, n_features)
        What the series have seen so far, at least `lookback` rows, in the network's units.
    """

    def __init__(self, network: Network, rows: np.ndarray) -> None:
        config, n_series = network.config, len(rows)
        layer = {layer.name: layer for layer in network.dense.layers}
        n_rows = n_series * config.n_features
        self.config = config
        self.normalizer = None
        if "normalizer" in layer:
            self.normalizer = _Normalizer(layer["normalizer"], (n_series, config.n_features))
        self.front_end = _Stack(layer["front_end"].layer, n_rows) if "front_end" in layer else None
        if "per_feature" in layer:
            self.stack = _Stack(layer["per_feature"].layer, n_rows)
        else:
            self.stack = _Stack(layer["stack"], n_series)
        self.head = _arrays(layer["head"])
        self.vector_skip = _VectorSkip(layer["vector_skip"], n_series) if "vector_skip" in layer else None
        self.linear_skip = _LinearSkip(layer, n_series, config) if "linear_skip" in layer else None
        for row in rows[:, -config.lookback :].transpose(1, 0, 2):
            self.update(row)

    def update(self, rows: np.ndarray) -> np.ndarray:
        """Take the next row of every series.

        Parameters
        ----------
        rows : ndarray of shape (n_series, n_features)
            In the network's units.

        Returns
        -------
        ndarray of shape (n_series, horizon, n_targets)
            The forecasts of the steps after it, in the network's units.
        """
        config, n_series = self.config, len(rows)
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        hidden = rows
        if self.normalizer is not None:
            hidden, level, scale = self.normalizer.update(rows)
        added: Any = 0 if self.vector_skip is None else self.vector_skip.update(hidden)
        if self.front_end is not None:
            hidden = self.front_end.update(hidden.reshape(-1, 1)).reshape(n_series, -1)  # (series, features * filters)
        if config.feature_mode == "independent":
            hidden = hidden.reshape(-1, 1)  # (series * features, 1)
        kernel, bias, *reversion = self.head
        targets = list(config.targets)
        outputs = self.stack.update(hidden) @ kernel + bias
        if config.feature_mode == "independent":
            forecasts = outputs.reshape(n_series, -1, config.horizon)[:, targets].transpose(0, 2, 1)
        else:
            forecasts = outputs.reshape(n_series, config.horizon, -1) + added
        if self.normalizer is not None:
            if reversion:
                forecasts = forecasts + reversion[0][:, None] * np.tanh(level / scale)[:, None, targets]
            forecasts = forecasts * scale[:, None, targets]
            if self.linear_skip is None:
                forecasts = forecasts + level[:, None, targets]
        if self.linear_skip is not None:
            forecasts = forecasts + self.linear_skip.update(rows)
        return forecasts

    def rings(self) -> list[_Ring]:
        """List everything that is remembered.

        Returns
        -------
        list of rings
            Always in the same order.
        """
        stacks = [stack for stack in (self.front_end, self.stack) if stack is not None]
        rings = [block.ring for stack in stacks for block in stack.blocks]
        if self.normalizer is not None:
            rings += self.normalizer.stretches
        return rings + [skip.ring for skip in (self.vector_skip, self.linear_skip) if skip is not None]


class _Ring:
    """The last `length` rows of an array that grows; written twice, so that they always lie in one piece."""

    def __init__(self, length: int, shape: tuple[int, ...]) -> None:
        self.length = length
        self.rows = np.zeros((2 * length, *shape), np.float32)
        self.at = 0

    def push(self, row: np.ndarray) -> None:
        self.at = (self.at + 1) % self.length
        self.rows[self.at] = self.rows[self.at + self.length] = row

    def last(self, step: int = 1) -> np.ndarray:
        """Return every `step`-th row, ending with the newest, oldest first."""
        return self.rows[self.at + 1 : self.at + self.length + 1][(self.length - 1) % step :: step]

    def ago(self, n_rows: int) -> np.ndarray:
        return self.rows[self.at + self.length - n_rows]


def _arrays(layer: Any) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(weight) for weight in layer.weights]


class _Normalizer:
    """Twin of `tscnn.network.layers.RollingNormalizer`: stretches of 1, 2, 4, .. rows."""

    def __init__(self, layer: Any, shape: tuple[int, int]) -> None:
        self.span, self.epsilon = layer.span, layer.epsilon
        # Stretch b + 1 needs stretch b of 2 ** b rows ago; joining the binary digits of the span needs no older one.
        self.stretches = [_Ring(2**bit + 1, (2, *shape)) for bit in range(self.span.bit_length())]

    def update(self, row: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        moments = np.stack([row, np.zeros_like(row)])  # mean, sum of squared deviations
        merged, n_merged = None, 0
        for bit, ring in enumerate(self.stretches):
            ring.push(moments)
            n_rows = 2**bit
            if self.span & n_rows:
                merged = moments if merged is None else _merge(ring.ago(n_merged), n_rows, merged, n_merged)
                n_merged += n_rows
            moments = _merge(ring.ago(n_rows), n_rows, moments, n_rows)
        assert merged is not None
        level, squares = merged
        scale = np.sqrt(squares / self.span) + np.float32(self.epsilon)
        return (row - level) / scale, level, scale


def _merge(early: np.ndarray, n: int, late: np.ndarray, m: int) -> np.ndarray:
    difference = late[0] - early[0]
    merged = np.empty_like(late)
    merged[0] = early[0] + difference * np.float32(m / (n + m))
    merged[1] = early[1] + late[1] + difference * difference * np.float32(n * m / (n + m))
    return merged


class _Stack:
    """Twin of `tscnn.network.layers.WaveNetStack`."""

    def __init__(self, stack: Any, n_rows: int) -> None:
        self.project = _arrays(stack.project)
        self.blocks = [_Block(block, n_rows) for block in stack.blocks]

    def update(self, rows: np.ndarray) -> np.ndarray:
        kernel, bias = self.project
        hidden = rows @ kernel + bias
        skips: Any = 0
        for block in self.blocks:
            hidden, skip = block.update(hidden)
            skips = skips + skip
        return hidden + skips


class _Block:
    """Twin of `tscnn.network.layers.ResidualBlock`."""

    def __init__(self, block: Any, n_rows: int) -> None:
        kernel, self.bias = _arrays(block.conv)
        self.kernel = kernel.reshape(-1, kernel.shape[-1])  # (taps * filters, outputs)
        self.dilation_rate = block.conv.dilation_rate
        self.ring = _Ring(block.conv.receptive_field, (n_rows, block.filters))
        self.normalize = _normalization(block.normalize)
        self.activate = _activation(block.activation)
        (to_residual, residual_bias), (to_skip, skip_bias) = _arrays(block.to_residual), _arrays(block.to_skip)
        self.outputs = np.hstack([to_residual, to_skip]), np.hstack([residual_bias, skip_bias])

    def update(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.ring.push(rows)
        taps = self.ring.last(self.dilation_rate)  # (taps, rows, filters)
        hidden = taps.transpose(1, 0, 2).reshape(len(rows), -1) @ self.kernel + self.bias
        if self.normalize is not None:
            hidden = self.normalize(hidden)
        kernel, bias = self.outputs
        outputs = self.activate(hidden) @ kernel + bias
        filters = rows.shape[1]
        return rows + outputs[:, :filters], outputs[:, filters:]


def _normalization(layer: Any) -> Callable[[np.ndarray], np.ndarray] | None:
    if layer is None:
        return None
    gamma, beta, *moving = _arrays(layer)
    epsilon = np.float32(layer.epsilon)
    if moving:
        mean, variance = moving
        factor = gamma / np.sqrt(variance + epsilon)
        return partial(_scale_and_shift, factor, beta - mean * factor)
    return partial(_normalize_layer, gamma, beta, epsilon)


def _scale_and_shift(factor: np.ndarray, shift: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return rows * factor + shift


def _normalize_layer(gamma: np.ndarray, beta: np.ndarray, epsilon: np.floating, rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(axis=1, keepdims=True)
    variance = np.square(centred).mean(axis=1, keepdims=True)
    return centred / np.sqrt(variance + epsilon) * gamma + beta


def _activation(name: str) -> Callable[[np.ndarray], np.ndarray]:
    if name == "gated":
        return _gate
    if name == "relu":
        return _rectify
    return partial(_activate_by_keras, name)


def _rectify(rows: np.ndarray) -> np.ndarray:
    return np.maximum(rows, 0)


def _activate_by_keras(name: str, rows: np.ndarray) -> np.ndarray:
    activated = keras.activations.get(name)(keras.ops.convert_to_tensor(rows))
    return np.asarray(keras.ops.convert_to_numpy(activated))


def _gate(rows: np.ndarray) -> np.ndarray:
    filters = rows.shape[1] // 2
    half = np.float32(0.5)
    return np.tanh(rows[:, :filters]) * (half + half * np.tanh(half * rows[:, filters:]))


class _VectorSkip:
    """Twin of `tscnn.network.layers.VectorSkip`."""

    def __init__(self, layer: Any, n_series: int) -> None:
        weight = keras.ops.convert_to_numpy(layer.weight)
        n_rows, n_features, *self.shape = weight.shape
        self.kernel = weight.reshape(n_rows * n_features, -1)
        self.ring = _Ring(n_rows, (n_series, n_features))

    def update(self, rows: np.ndarray) -> np.ndarray:
        self.ring.push(rows)
        taps = self.ring.last().transpose(1, 0, 2).reshape(len(rows), -1)
        return (taps @ self.kernel).reshape(len(rows), *self.shape)


class _LinearSkip:
    """Twin of `tscnn.network.layers.LinearSkip`, and of the components before and after it."""

    def __init__(self, layer: dict[str, Any], n_series: int, config: NetworkConfig) -> None:
        skip = layer["linear_skip"]
        self.kernel = keras.ops.convert_to_numpy(skip.kernel())  # (maps, lookback, horizon)
        one_each = skip.maps in (None, list(range(len(self.kernel))))  # or one for all
        self.members = None if one_each else [np.flatnonzero(np.equal(skip.maps, i)) for i in range(len(self.kernel))]
        self.targets, n_columns = list(config.targets), len(config.targets)
        self.into = self.back = None
        if config.components:
            (self.into,), (self.back,) = _arrays(layer["to_components"]), _arrays(layer["from_components"])
            n_columns = len(self.back)
        self.ring = _Ring(config.lookback, (n_series, n_columns))

    def update(self, rows: np.ndarray) -> np.ndarray:
        self.ring.push(rows[:, self.targets] if self.into is None else rows @ self.into)
        windows = self.ring.last().transpose(2, 1, 0)  # (columns, series, lookback)
        if self.members is None:
            forecasts = windows @ self.kernel
        else:
            forecasts = np.empty((*windows.shape[:2], self.kernel.shape[2]), np.float32)
            for members, kernel in zip(self.members, self.kernel, strict=True):
                forecasts[members] = windows[members] @ kernel
        forecasts = forecasts.transpose(1, 2, 0)  # (series, horizon, columns)
        return forecasts if self.back is None else forecasts @ self.back
