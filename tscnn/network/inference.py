"""A network of arrays: dense forecasts, and steps row by row, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from tscnn.common import numpy_ops
from tscnn.common.ring import Ring
from tscnn.common.term import NormalizedRow, empty_forecasts
from tscnn.network import functional
from tscnn.network.ahead import AheadWeights, ahead_forecasts
from tscnn.network.array_stack import Stack
from tscnn.network.config import NetworkConfig
from tscnn.network.connect import Parts, connect
from tscnn.network.functional import Affine
from tscnn.network.planning import Layers
from tscnn.network.positions import take_features
from tscnn.transforms.rolling import rolling_normalize, start_normalizing, step_normalizing

__all__ = ["ArrayNetwork", "weight_shapes"]

_AHEAD = ("hidden_kernel", "steps", "known_kernel", "kernel")  # in the order of `AheadWeights`
AHEAD_VALUES = 2**19  # of the units that see what is known ahead, in memory at a time: 2 MB a thread
CACHED_POSITIONS = 2048  # of a stack's input at a time: with 32 filters, what is made of them stays in a core's cache


@dataclass(frozen=True)
class ArrayNetwork:
    """A network, made of arrays.

    Parameters
    ----------
    config : NetworkConfig
        Without linear skip.
    front_end : Stack or None
        Of one feature, below the place where features meet.
    stack : Stack
        Above it; of one feature where features never meet.
    head : ndarray of shape (n_targets or 1, filters + 1, horizon)
        To the steps of each target, or of all where features are kept apart; the last row of each is the bias.
    ahead : AheadWeights or None
        Of what is known ahead; None where nothing is.
    ops : module
        That `in_graph` is computed in.
    """

    config: NetworkConfig
    front_end: Stack | None
    stack: Stack
    head: np.ndarray
    ahead: AheadWeights | None = None
    ops: Any = numpy_ops

    @classmethod
    def of(cls, config: NetworkConfig, arrays: Mapping[str, np.ndarray], ops: Any = numpy_ops) -> ArrayNetwork:
        """Make the network of a configuration, from arrays of `weight_shapes`."""
        front_end = None
        if config.feature_mode == "front_end":
            front_end = Stack.read(config, arrays, "front_end_stack", config.front_end_layers, ops)
        head = np.concatenate([arrays["head/kernel"], arrays["head/bias"][None]])
        head = np.ascontiguousarray(head.reshape(len(head), config.horizon, -1).transpose(2, 0, 1))
        ahead = AheadWeights(*(arrays[f"ahead/{name}"] for name in _AHEAD)) if config.n_ahead else None
        return cls(config, front_end, Stack.read(config, arrays, "stack", config.layers, ops), head, ahead, ops)

    def forecast(
        self,
        rows: np.ndarray,
        ahead: np.ndarray | None,
        last_only: bool,
        rings: list[Ring] | None = None,
        out: np.ndarray | None = None,
        normalizer: Callable[..., Any] | None = None,
    ) -> np.ndarray:
        """Forecast from rows of several series.

        Parameters
        ----------
        rows : ndarray of shape (n_series, n_rows, n_features), float32
            At least `lookback` rows each.
        ahead : ndarray of shape (n_series, n_rows - lookback + 1, horizon, n_ahead), or None
            What is known ahead of each origin.
        last_only : bool
            Whether there are `lookback` rows, of which only what the newest origin needs is computed.
        rings : list, optional
            Is given what `step` needs of these rows; not with `last_only`.
        out : ndarray of shape (n_series * (n_rows - lookback + 1), horizon, n_targets), optional
            Of `empty_forecasts`, or some of its first axis: where the forecasts are written.
        normalizer : callable, optional
            In place of `rolling_normalize`, of rows that are normalised already.

        Returns
        -------
        ndarray of shape (n_series, n_rows - lookback + 1, horizon, n_targets)
            A forecast for each origin, in memory as by `empty_forecasts`.
        """
        config, span = self.config, self.config.normalizer_span
        if rings is not None and span > 1:
            rings.extend(start_normalizing(rows, span))
        stack: Callable[..., Any] = partial(self.stack.dense, rings=rings)
        front_end = None
        if self.front_end is not None:
            front_end = partial(_per_feature, partial(self.front_end.dense, rings=rings), rings)
        parts = Parts(
            normalizer=(normalizer or partial(rolling_normalize, span=span)) if span > 1 else None,
            front_end=front_end,
            merge=_merge_features,
            stack=partial(_per_feature, stack, rings) if config.feature_mode == "independent" else stack,
            head=partial(self._head, out=out),
            scale_back=self._scale_back if span > 1 else None,
            ahead=self._add_ahead if self.ahead is not None and ahead is not None else None,
        )
        return connect(rows, parts, config, last_only, ahead)

    def in_graph(self, rows: Any, ahead: Any) -> Any:
        """Forecast from the newest row of windows, in operations that write nothing in place.

        Parameters
        ----------
        rows : tensor of shape (batch, lookback, n_features), float32
            One window each.
        ahead : tensor of shape (batch, 1, horizon, n_ahead), or None
            What is known ahead.

        Returns
        -------
        tensor of shape (batch, 1, horizon, n_targets)
            In `ops`.
        """
        config, ops, span = self.config, self.ops, self.config.normalizer_span

        def per_feature(apply: Callable[..., Any], inputs: Any, spacings: Any) -> Any:
            return functional.fold_features(inputs, partial(apply, spacings=spacings), ops)

        def merge(hidden: Any) -> Any:
            return ops.reshape(hidden, (-1, hidden.shape[1], config.n_features * config.filters))

        def head(hidden: Any) -> Any:
            outputs = self.head.transpose(1, 2, 0)  # (filters + 1, horizon, targets or 1)
            if config.feature_mode == "independent":
                swapped = take_features(ops.transpose(hidden, (0, 1, 3, 2)), config.targets, ops)
                kept = ops.transpose(swapped, (0, 1, 3, 2))  # (batch, 1, targets, filters)
                return ops.transpose(ops.matmul(kept, outputs[:-1, :, 0]) + outputs[-1, :, 0], (0, 1, 3, 2))
            flat = outputs.reshape(len(outputs), -1)
            return ops.reshape(functional.affine(hidden, Affine(flat[:-1], flat[-1]), ops), (-1, 1, *outputs.shape[1:]))

        def add_ahead(hidden: Any, ahead: Any, forecasts: Any) -> Any:
            assert self.ahead is not None
            gate = partial(functional.gate, ops=ops)
            return forecasts + ahead_forecasts(hidden, ahead, self.ahead, config.targets, ops, gate)

        stack, front_end = self.stack.dense, self.front_end
        parts = Parts(
            normalizer=partial(rolling_normalize, span=span, ops=ops) if span > 1 else None,
            front_end=None if front_end is None else partial(per_feature, front_end.dense),
            merge=merge,
            stack=partial(per_feature, stack) if config.feature_mode == "independent" else stack,
            head=head,
            scale_back=self._scale_back if span > 1 else None,
            ahead=add_ahead if self.ahead is not None and ahead is not None else None,
        )
        return connect(rows, parts, config, True, ahead)

    def step(
        self, rings: list[Ring], row: np.ndarray, ahead: np.ndarray | None, normalized: NormalizedRow | None = None
    ) -> np.ndarray:
        """Forecast from the next row of each series.

        Parameters
        ----------
        rings : list of Ring
            Of `forecast`; changed in place.
        row : ndarray of shape (n_series, n_features), float32
            The next row of each.
        ahead : ndarray of shape (n_series, horizon, n_ahead), or None
            What is known ahead of the steps after it.
        normalized : tuple of ndarray, optional
            As of `NormalizingTerm`.

        Returns
        -------
        ndarray of shape (n_series, horizon, n_targets)
            A forecast for each series.
        """
        config, n_series = self.config, len(row)
        n_blocks, n_front = len(config.front_end_layers) + len(config.layers), len(config.front_end_layers)
        of_normalizer, of_blocks = rings[: len(rings) - n_blocks], rings[len(rings) - n_blocks :]
        hidden = row
        if config.normalizer_span > 1:
            hidden, level, scale = normalized or step_normalizing(of_normalizer, row, config.normalizer_span)
        if config.feature_mode != "joint":
            hidden = hidden.reshape(-1, 1)  # (n_series * n_features, 1)
        if self.front_end is not None:
            hidden = self.front_end.step(hidden, of_blocks[:n_front]).reshape(n_series, -1)
        hidden = self.stack.step(hidden, of_blocks[n_front:])
        if config.feature_mode == "independent":
            hidden = hidden.reshape(n_series, config.n_features, -1)
            forecasts = self._head(hidden[:, None])
        else:
            flat = hidden @ self._flat_head.kernel
            flat += self._flat_head.bias
            forecasts = flat.reshape(n_series, 1, -1, config.horizon).transpose(0, 1, 3, 2)
        if ahead is not None:
            forecasts = self._add_ahead(hidden[:, None], ahead[:, None], forecasts)
        if config.normalizer_span > 1:
            forecasts = self._scale_back(forecasts, level[:, None], scale[:, None])
        return forecasts[:, 0]

    def _head(self, hidden: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Forecast from (batch, positions, [features,] filters), target by target."""
        rows = np.concatenate([hidden, np.ones_like(hidden[..., :1])], axis=-1)
        if self.config.feature_mode == "independent":
            rows = np.take(rows, self.config.targets, axis=2).transpose(2, 0, 1, 3)
        rows = rows.reshape(*rows.shape[:-3], -1, rows.shape[-1])  # ([targets,] batch * positions, filters + 1)
        if out is None:
            out = empty_forecasts(rows.shape[-2], self.config.horizon, len(self.config.targets))
        np.matmul(rows, self.head, out=out.transpose(2, 0, 1))
        return out.reshape(*hidden.shape[:2], *out.shape[1:])

    @cached_property
    def _flat_head(self) -> Affine:
        """The head of all targets as one map: (filters, targets * horizon)."""
        flat = self.head.transpose(1, 0, 2).reshape(self.head.shape[1], -1)
        return Affine(flat[:-1], flat[-1])

    def _add_ahead(self, hidden: np.ndarray, ahead: np.ndarray, forecasts: np.ndarray) -> np.ndarray:
        """Add what is known ahead, a part of the origins at a time, in place."""
        assert self.ahead is not None
        n_kept, weights = hidden.shape[2] if hidden.ndim == 4 else 1, self._halved
        together = max(1, AHEAD_VALUES // (len(hidden) * n_kept * self.ahead.steps.size))
        for first in range(0, hidden.shape[1], together):
            own, gate = slice(first, first + together), functional.gate_halved
            found = ahead_forecasts(hidden[:, own], ahead[:, own], weights, self.config.targets, numpy_ops, gate)
            forecasts[:, own] += found
        return forecasts

    @cached_property
    def _halved(self) -> AheadWeights:
        """The weights that see what is known ahead, for `gate_halved`."""
        assert self.ahead is not None
        return self.ahead.halved()

    def _scale_back(self, forecasts: np.ndarray, level: np.ndarray, scale: np.ndarray) -> np.ndarray:
        config = self.config
        return functional.scale_back(forecasts, level, scale, config.targets, config.add_level, self.ops)


def _per_feature(apply: Callable[..., Any], rings: list[Ring] | None, inputs: np.ndarray, spacings: Any) -> np.ndarray:
    """Fold features, as many at a time as fit the cache: (batch, time, n) -> (batch, positions, n, filters)."""
    n_features, n_positions = inputs.shape[2], inputs.shape[0] * inputs.shape[1]
    together = n_features if rings is not None else max(1, CACHED_POSITIONS // n_positions)
    outputs = [
        functional.fold_features(inputs[..., i : i + together], partial(apply, spacings=spacings), numpy_ops)
        for i in range(0, n_features, together)
    ]
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=2)


def _merge_features(hidden: np.ndarray) -> np.ndarray:
    """Put what is known of every feature side by side: (batch, positions, features * filters)."""
    return hidden.reshape(*hidden.shape[:2], -1)


# Weights by name


def weight_shapes(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """List the weights of a network without linear skip.

    Parameters
    ----------
    config : NetworkConfig
        Of the network.

    Returns
    -------
    dict of str to tuple of int
        Shapes by name: the layer's names, from the outermost in, and that of the weight, with slashes between.
    """
    filters, independent = config.filters, config.feature_mode == "independent"
    shapes: dict[str, tuple[int, ...]] = {}
    if config.feature_mode == "front_end":
        shapes |= _stack_shapes(config, "front_end_stack", 1, config.front_end_layers)
        n_inputs = config.n_features * filters
    else:
        n_inputs = 1 if independent else config.n_features
    shapes |= _stack_shapes(config, "stack", n_inputs, config.layers)
    n_outputs = config.horizon * (1 if independent else len(config.targets))
    shapes |= {"head/kernel": (filters, n_outputs), "head/bias": (n_outputs,)}
    if config.n_ahead:
        found = (filters, 2 * filters), (config.horizon, 2 * filters), (config.n_ahead, 2 * filters)
        shapes |= {f"ahead/{name}": shape for name, shape in zip(_AHEAD, found, strict=False)}
        shapes["ahead/kernel"] = (filters, 1 if independent else len(config.targets))
    return shapes


def _stack_shapes(config: NetworkConfig, name: str, n_inputs: int, layers: Layers) -> dict[str, tuple[int, ...]]:
    filters = config.filters
    width = 2 * filters if config.activation == "gated" else filters
    statistics = {None: (), "layer": ("gamma", "beta"), "batch": ("gamma", "beta", "moving_mean", "moving_variance")}
    kernels: dict[str, tuple[int, ...]] = {"project": (n_inputs, filters)}
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (kernel_size, _) in enumerate(layers):
        kernels |= {
            f"block_{i}/conv": (kernel_size, filters, width),
            f"block_{i}/to_residual": (filters, filters),
            f"block_{i}/to_skip": (filters, filters),
        }
        for weight in statistics[config.normalization]:
            shapes[f"{name}/block_{i}/normalize/{weight}"] = (width,)
    for layer, shape in kernels.items():
        shapes |= {f"{name}/{layer}/kernel": shape, f"{name}/{layer}/bias": shape[-1:]}
    return shapes
