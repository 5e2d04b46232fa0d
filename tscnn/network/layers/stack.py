"""The causal stack: residual blocks of gated convolutions, their skips summed."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tscnn.common.checks import check_choice, check_int, check_real, received
from tscnn.network.activations import check_activation
from tscnn.network.backend import keras, ops
from tscnn.network.functional import Affine, BlockWeights, gate, residual_block, stack
from tscnn.network.layers.convolution import CausalConv1D
from tscnn.network.layers.shared import count_positions, register
from tscnn.network.receptive_field import receptive_field

__all__ = ["GatedActivation", "ResidualBlock", "WaveNetStack"]


@register
class GatedActivation(keras.layers.Layer):
    """Gated activation unit: ``tanh(value) * sigmoid(gate)``.

    The last axis, of even size, holds the values in its first half and their gates in its second:
    (.., 2 filters) -> (.., filters).

    References
    ----------
    .. [1] van den Oord et al. (2016), WaveNet, equation 2.

    Examples
    --------
    >>> import numpy as np
    >>> GatedActivation()(np.ones((1, 10, 8))).shape
    TensorShape([1, 10, 4])
    """

    def build(self, input_shape: Any) -> None:
        """Check that the last axis splits in two."""
        if input_shape[-1] % 2:
            raise ValueError(received("The last axis must have an even size.", input_shape=tuple(input_shape)))

    def call(self, inputs: Any) -> Any:
        """Gate: (.., 2 filters) -> (.., filters)."""
        return gate(inputs, ops)


def _normalization_layer(normalization: str | None, dtype: Any) -> Any:
    if normalization == "layer":
        return keras.layers.LayerNormalization(name="normalize", dtype=dtype)
    if normalization == "batch":
        return keras.layers.BatchNormalization(name="normalize", dtype=dtype)
    return None


def _split_seed(seed: int | None, n_parts: int) -> list[int | None]:
    """Return a seed for each part: None where there is none."""
    if seed is None:
        return [None] * n_parts
    seed = check_int("seed", seed, minimum=0)
    return [int(part) for part in np.random.SeedSequence(seed).generate_state(n_parts) >> 1]


@register
class ResidualBlock(keras.layers.Layer):
    """Dilated convolution, activation, dropout, then one 1x1 convolution each for the residual sum and the skip sum.

    Parameters
    ----------
    filters : int
        Size of the last axis of the input and of both outputs.
    kernel_size, dilation_rate : int
        Of the convolution, see `CausalConv1D`.
    activation : str, default "gated"
        "gated" (see `GatedActivation`) or the name of any Keras activation.
    normalization : {None, "layer", "batch"}, default None
        Applied between the convolution and the activation.
    dropout : float in [0, 1), default 0.0
        Share of whole filters that are dropped in training.
    seed : int, optional
        Of initial weights and dropout; default drawn by Keras.
    **kwargs
        Of ``keras.layers.Layer``.

    Notes
    -----
    Returns ``(residual, skip)``: (batch, time - (k - 1) d, filters) each. The call takes `spacing` and `stride` as
    `CausalConv1D` does, and `skip_at`, a slice: the positions whose skip is wanted.

    References
    ----------
    .. [1] van den Oord et al. (2016), WaveNet, figure 4.

    Examples
    --------
    >>> import numpy as np
    >>> residual, skip = ResidualBlock(4, kernel_size=2, dilation_rate=2)(np.zeros((1, 10, 4)))
    >>> residual.shape, skip.shape
    (TensorShape([1, 8, 4]), TensorShape([1, 8, 4]))
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        dilation_rate: int = 1,
        activation: str = "gated",
        normalization: str | None = None,
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = check_int("filters", filters)
        self.kernel_size = kernel_size
        self.dilation_rate = dilation_rate
        self.activation = check_activation(activation)
        self.normalization = check_choice("normalization", normalization, (None, "layer", "batch"))
        self.dropout = check_real("dropout", dropout, low=0, high=1)
        self.seed = seed
        gated, dtype = activation == "gated", self.dtype_policy
        *seeds, dropout_seed = _split_seed(seed, 4)
        first, second, third = map(keras.initializers.GlorotUniform, seeds)
        width = (2 if gated else 1) * filters
        self.conv = CausalConv1D(width, kernel_size, dilation_rate, kernel_initializer=first, name="conv", dtype=dtype)
        self.normalize = _normalization_layer(normalization, dtype)
        self.activate = GatedActivation(dtype=dtype) if gated else keras.layers.Activation(activation, dtype=dtype)
        self.drop = keras.layers.SpatialDropout1D(dropout, seed=dropout_seed, dtype=dtype)
        self.to_residual = keras.layers.Dense(filters, kernel_initializer=second, name="to_residual", dtype=dtype)
        self.to_skip = keras.layers.Dense(filters, kernel_initializer=third, name="to_skip", dtype=dtype)

    def build(self, input_shape: Any) -> None:
        """Build the convolutions; the last axis of the input must have the size `filters`."""
        if input_shape[-1] != self.filters:
            rule = f"A residual block of {self.filters} filters needs a last axis of that size."
            raise ValueError(received(rule, input_shape=tuple(input_shape)))
        self.conv.build(input_shape)
        if self.normalize is not None:
            self.normalize.build((None, None, self.conv.filters))
        self.activate.build((None, None, self.conv.filters))
        for layer in (self.drop, self.to_residual, self.to_skip):
            layer.build((None, None, self.filters))

    def call(
        self, inputs: Any, training: bool = False, spacing: int = 1, stride: int = 1, skip_at: slice = slice(None)
    ) -> tuple[Any, Any]:
        """Return ``(residual, skip)``: (batch, time, filters) -> (batch, positions, filters) each."""
        step = self.conv.step(spacing)
        count_positions(inputs, (self.kernel_size - 1) * step + 1)

        def between(hidden: Any) -> Any:
            if self.normalize is not None:
                hidden = self.normalize(hidden, training=training)
            return self.drop(self.activate(hidden), training=training)

        weights = BlockWeights(*(Affine(x.kernel, x.bias) for x in (self.conv, self.to_residual, self.to_skip)))
        return residual_block(inputs, weights, between, step, stride, skip_at, ops)

    def compute_output_spec(
        self, inputs: Any, *, spacing: int = 1, stride: int = 1, skip_at: slice = slice(None), **_: Any
    ) -> Any:
        """Return the shapes of the outputs without computing them."""
        batch, n_positions, _ = self.conv.compute_output_spec(inputs, spacing, stride).shape
        n_skips = None if n_positions is None else len(range(n_positions)[skip_at])
        shapes = (batch, n_positions, self.filters), (batch, n_skips, self.filters)
        return tuple(keras.KerasTensor(shape, self.compute_dtype) for shape in shapes)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dilation_rate": self.dilation_rate,
            "activation": self.activation,
            "normalization": self.normalization,
            "dropout": self.dropout,
            "seed": self.seed,
        }


@register
class WaveNetStack(keras.layers.Layer):
    """Residual blocks on top of each other, their skips summed.

    Parameters
    ----------
    layers : sequence of (int, int)
        ``(kernel_size, dilation_rate)`` of each block, first to last. This list builds the blocks and is what
        `receptive_field` is computed from.
    filters : int, default 32
        Of every block, and size of the last axis of the output.
    activation : str, default "gated"
        As in `ResidualBlock`.
    normalization : {None, "layer", "batch"}, default None
        As in `ResidualBlock`.
    dropout : float in [0, 1), default 0.0
        As in `ResidualBlock`.
    seed : int, optional
        As in `ResidualBlock`.
    **kwargs
        Of ``keras.layers.Layer``.

    Notes
    -----
    (batch, time, features) -> (batch, time - receptive_field + 1, filters). With `spacings`, of
    `tscnn.network.positions.pyramid_spacings`, each block computes only the positions that the newest output needs,
    about 2 * receptive_field in all when dilations double, and the same numbers.

    References
    ----------
    .. [1] van den Oord et al. (2016), WaveNet, figure 4.
    .. [2] Paine et al. (2016), Fast Wavenet Generation Algorithm, figure 2 (what one output needs).

    Examples
    --------
    >>> import numpy as np
    >>> stack = WaveNetStack([(2, 1), (2, 2), (2, 4)], filters=4)
    >>> stack.receptive_field, stack(np.zeros((1, 10, 5))).shape
    (8, TensorShape([1, 3, 4]))
    """

    def __init__(
        self,
        layers: Any,
        filters: int = 32,
        activation: str = "gated",
        normalization: str | None = None,
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.receptive_field = receptive_field(layers)
        self.layers = [tuple(layer) for layer in layers]
        if any(len(layer) > 2 for layer in self.layers):
            raise ValueError(received("`layers` must be a sequence of (kernel_size, dilation_rate).", layers=layers))
        self.filters = check_int("filters", filters)
        self.activation = check_activation(activation)
        self.normalization = normalization
        self.dropout = dropout
        self.seed = seed
        dtype = self.dtype_policy
        first, *seeds = _split_seed(seed, 1 + len(self.layers))
        start = keras.initializers.GlorotUniform(first)
        self.project = keras.layers.Dense(filters, kernel_initializer=start, name="project", dtype=dtype)
        self.blocks: list[Any] = [
            ResidualBlock(filters, k, d, activation, normalization, dropout, seeds[i], name=f"block_{i}", dtype=dtype)
            for i, (k, d) in enumerate(self.layers)
        ]

    def build(self, input_shape: Any) -> None:
        """Build the projection and the blocks."""
        self.project.build(input_shape)
        for block in self.blocks:
            block.build((*input_shape[:-1], self.filters))

    def call(self, inputs: Any, training: bool = False, spacings: Any = None) -> Any:
        """Run the stack: (batch, time, features) -> (batch, positions, filters)."""
        blocks = [partial(block, training=training) for block in self.blocks]
        project = Affine(self.project.kernel, self.project.bias)
        return stack(inputs, project, blocks, self.layers, spacings or [1] * (len(self.layers) + 1), ops)

    def compute_output_spec(self, inputs: Any, *, spacings: Any = None, **_: Any) -> Any:
        """Return the shape of the output without computing it."""
        first, last = (spacings[0], spacings[-1]) if spacings else (1, 1)
        n_positions = count_positions(inputs, (self.receptive_field - 1) // first + 1)
        if n_positions is not None:
            n_positions = (n_positions - 1) * first // last + 1
        return keras.KerasTensor((inputs.shape[0], n_positions, self.filters), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {
            **super().get_config(),
            "layers": self.layers,
            "filters": self.filters,
            "activation": self.activation,
            "normalization": self.normalization,
            "dropout": self.dropout,
            "seed": self.seed,
        }
