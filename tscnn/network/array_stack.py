"""Residual blocks of arrays on top of each other: dense, and row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from tscnn.common import numpy_ops
from tscnn.common.ring import Ring
from tscnn.network import functional
from tscnn.network.activations import find_activation
from tscnn.network.config import NetworkConfig
from tscnn.network.functional import Affine, BlockWeights
from tscnn.network.planning import Layers

__all__ = ["Stack"]

NORMALIZATION_EPSILON = 1e-3  # that of Keras's normalisations


@dataclass(frozen=True)
class Block:
    """One residual block.

    Parameters
    ----------
    weights : BlockWeights
        Its weights.
    between : callable
        What comes between its convolutions: normalisation and activation.
    kernel_size, dilation_rate : int
        Of its dilated convolution.
    is_gate : bool
        Whether `between` is `functional.gate` alone.
    ops : module
        That `dense` is computed in.
    """

    weights: BlockWeights
    between: Callable[[np.ndarray], np.ndarray]
    kernel_size: int
    dilation_rate: int
    is_gate: bool
    ops: Any = numpy_ops

    def dense(self, inputs: np.ndarray, spacing: int, stride: int, skip_at: slice) -> tuple[Any, Any]:
        """Return residual and skip: (batch, time, filters) -> (batch, positions, filters) each."""
        step = self.dilation_rate // spacing
        return functional.residual_block(inputs, self.weights, self.between, step, stride, skip_at, self.ops)

    def start(self, inputs: np.ndarray) -> Ring:
        """Remember the newest inputs, (n_series, time, filters), for `step`."""
        field = (self.kernel_size - 1) * self.dilation_rate + 1
        return Ring.of(inputs[:, inputs.shape[1] - field :].transpose(1, 0, 2))

    def step(self, row: np.ndarray, ring: Ring) -> tuple[np.ndarray, np.ndarray]:
        """Return residual and what is activated of the next row of each series: (n_series, filters) each."""
        conv, between, to_residual, _ = self.of_step
        return functional.step_residual_block(row, ring, conv, between, to_residual, self.dilation_rate)

    @cached_property
    def of_step(self) -> tuple[Affine, Callable[[np.ndarray], np.ndarray], Affine, Affine]:
        """The convolution, what comes between, to residual and skip, for `step`; factors of 1/2 change no digit."""
        (conv, bias), to_residual, to_skip = self.weights
        conv, between = conv.reshape(-1, conv.shape[-1]), self.between
        if self.is_gate:
            halves = np.repeat(np.array([1, 0.5], np.float32), len(bias) // 2)
            conv, bias, between = conv * halves, bias * halves, functional.gate_halved
            to_residual, to_skip = (Affine(kernel / 2, shift) for kernel, shift in (to_residual, to_skip))
        return Affine(conv, bias), between, to_residual, to_skip


@dataclass(frozen=True)
class Stack:
    """Residual blocks on top of each other.

    Parameters
    ----------
    project : Affine
        Of the input.
    blocks : list of Block
        First to last.
    ops : module
        Of the blocks.
    """

    project: Affine
    blocks: list[Block]
    ops: Any = numpy_ops

    @classmethod
    def read(
        cls, config: NetworkConfig, arrays: Mapping[str, np.ndarray], name: str, layers: Layers, ops: Any = numpy_ops
    ) -> Stack:
        """Make the stack of a name, from arrays of `tscnn.network.inference.weight_shapes`."""
        blocks = []
        for i, (kernel_size, dilation_rate) in enumerate(layers):
            block = f"{name}/block_{i}"
            weights = BlockWeights(*(_read(arrays, f"{block}/{layer}") for layer in ("conv", "to_residual", "to_skip")))
            between = _between(config, arrays, f"{block}/normalize", ops)
            is_gate = config.activation == "gated" and config.normalization is None
            blocks.append(Block(weights, between, kernel_size, dilation_rate, is_gate, ops))
        return cls(_read(arrays, f"{name}/project"), blocks, ops)

    def dense(self, inputs: np.ndarray, spacings: list[int], rings: list[Ring] | None = None) -> np.ndarray:
        """Run the stack: (batch, time, n) -> (batch, positions, filters); `rings` is given what `step` needs."""

        def remember(block: Block, inputs: np.ndarray, **how: Any) -> Any:
            if rings is not None:
                rings.append(block.start(inputs))
            return block.dense(inputs, **how)

        blocks = [block.dense if rings is None else partial(remember, block) for block in self.blocks]
        layers = [(block.kernel_size, block.dilation_rate) for block in self.blocks]
        return functional.stack(inputs, self.project, blocks, layers, spacings, self.ops)

    def step(self, row: np.ndarray, rings: list[Ring]) -> np.ndarray:
        """Do the same to the next row of each series: (n_series, n) -> (n_series, filters)."""
        if not self.blocks:
            return row @ self.project.kernel + self.project.bias
        return functional.step_stack(row, self.project, [block.step for block in self.blocks], self._to_skips, rings)

    @cached_property
    def _to_skips(self) -> Affine:
        """From what is activated in all blocks, side by side, to the sum of their skips: one product for all."""
        kernels, biases = zip(*(block.of_step[3] for block in self.blocks), strict=True)
        return Affine(np.concatenate(kernels), np.sum(biases, axis=0))


def _read(arrays: Mapping[str, np.ndarray], name: str) -> Affine:
    return Affine(arrays[f"{name}/kernel"], arrays[f"{name}/bias"])


def _between(config: NetworkConfig, arrays: Mapping[str, np.ndarray], name: str, ops: Any) -> Callable[[Any], Any]:
    """Return what comes between the convolutions of a block, in inference."""
    activate = find_activation(config.activation, ops)
    if config.normalization is None:
        return activate
    gamma, beta = arrays[f"{name}/gamma"], arrays[f"{name}/beta"]
    if config.normalization == "layer":
        normalize = partial(functional.normalize_layer, gamma=gamma, beta=beta, epsilon=NORMALIZATION_EPSILON, ops=ops)
    else:
        factor = gamma / np.sqrt(arrays[f"{name}/moving_variance"] + np.float32(NORMALIZATION_EPSILON))
        shift = beta - arrays[f"{name}/moving_mean"] * factor
        normalize = partial(functional.scale_and_shift, factor=factor, shift=shift)
    return lambda inputs: activate(normalize(inputs))
