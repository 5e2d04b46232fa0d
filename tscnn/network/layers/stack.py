"""The causal stack: residual blocks of gated convolutions, their skips summed."""

from __future__ import annotations

from functools import partial
from typing import Any

from tscnn.common.checks import check_choice, check_int, check_real, received
from tscnn.network.activations import check_activation
from tscnn.network.backend import keras, ops
from tscnn.network.functional import Affine, BlockWeights, residual_block, stack
from tscnn.network.layers.conv_pool import ConvPoolBlock
from tscnn.network.layers.convolution import CausalConv1D
from tscnn.network.layers.shared import PADDINGS, count_positions, pad_rows, register, split_padding
from tscnn.network.layers.unit import GatedActivation, normalization_layer, split_seed
from tscnn.network.positions import crop
from tscnn.network.receptive_field import receptive_field
from tscnn.network.taps import Taps

__all__ = ["ResidualBlock", "WaveNetStack"]


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
        *seeds, dropout_seed = split_seed(seed, 4)
        first, second, third = map(keras.initializers.GlorotUniform, seeds)
        width = (2 if gated else 1) * filters
        self.conv = CausalConv1D(width, kernel_size, dilation_rate, kernel_initializer=first, name="conv", dtype=dtype)
        self.normalize = normalization_layer(normalization, dtype)
        self.activate = GatedActivation(dtype=dtype) if gated else keras.layers.Activation(activation, dtype=dtype)
        self.drop = keras.layers.SpatialDropout1D(dropout, seed=dropout_seed, dtype=dtype)
        self.taps = self.conv.taps
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


class _ConvPoolResidual(keras.layers.Layer):
    """A `ConvPoolBlock` in the place of a `ResidualBlock`: its output is mapped to the residual and the skip sum."""

    def __init__(self, settings: dict[str, Any], seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        seeds, filters, dtype = split_seed(seed, 3), settings["filters"], self.dtype_policy
        first, second = map(keras.initializers.GlorotUniform, seeds[1:])
        self.pools = ConvPoolBlock(**settings, seed=seeds[0], name="pools", dtype=dtype)
        self.to_residual = keras.layers.Dense(filters, kernel_initializer=first, name="to_residual", dtype=dtype)
        self.to_skip = keras.layers.Dense(filters, kernel_initializer=second, name="to_skip", dtype=dtype)

    def build(self, input_shape: Any) -> None:
        """Build the block and both maps."""
        self.pools.build(input_shape)
        for layer in (self.to_residual, self.to_skip):
            layer.build((None, None, 3 * self.pools.filters))

    def call(
        self, inputs: Any, training: bool = False, *, spacing: int = 1, stride: int = 1, skip_at: slice = slice(None)
    ) -> tuple[Any, Any]:
        """Return ``(residual, skip)``: (batch, time, filters) -> (batch, positions, filters) each."""
        assert spacing == stride == 1
        hidden = self.pools(inputs, training=training)
        newest = crop(inputs, self.pools.receptive_field - 1, ops)
        return newest + self.to_residual(hidden), self.to_skip(hidden[:, skip_at])


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
    padding : {"valid", "causal", "same"}, default "valid"
        "valid" returns only positions that see real rows. "causal" puts ``receptive_field - 1`` zeros before the first
        row, once, below all layers, "same" half of them before and half after: each row has an output, the same as of a
        longer series that had zeros there. A forecaster takes "valid" alone: its forecasts are made of real rows.
    block : {"residual", "conv_pool"}, default "residual"
        `ResidualBlock`, or `ConvPoolBlock` with maps to the residual sum and the skip sum. A forecaster takes
        "residual" alone, which it can also evaluate row by row and in NumPy.
    pool_size : int, default 2
        Of "conv_pool": each block sees ``pool_size - 1`` rows more than its convolution.
    **kwargs
        Of ``keras.layers.Layer``.

    Notes
    -----
    (batch, time, features) -> (batch, time - receptive_field + 1, filters), or, if padded, (batch, time, filters). With
    `spacings`, of
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
        padding: str = "valid",
        block: str = "residual",
        pool_size: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        receptive_field(layers)  # checks them
        self.layers = [tuple(layer) for layer in layers]
        if any(len(layer) > 2 for layer in self.layers):
            raise ValueError(received("`layers` must be a sequence of (kernel_size, dilation_rate).", layers=layers))
        self.filters = check_int("filters", filters)
        self.activation = check_activation(activation)
        self.normalization = normalization
        self.dropout = dropout
        self.seed = seed
        self.padding = check_choice("padding", padding, PADDINGS)
        self.block = check_choice("block", block, ("residual", "conv_pool"))
        self.pool_size = check_int("pool_size", pool_size)
        pool = [Taps(pool_size, padding="valid")] if block == "conv_pool" else []
        taps = [tap for k, d in self.layers for tap in (Taps(k, d, padding="valid"), *pool)]
        self.receptive_field = receptive_field(taps)
        self.taps = [Taps(1, padding=split_padding(padding, self.receptive_field - 1)), *taps]
        dtype = self.dtype_policy
        first, *seeds = split_seed(seed, 1 + len(self.layers))
        start = keras.initializers.GlorotUniform(first)
        self.project = keras.layers.Dense(filters, kernel_initializer=start, name="project", dtype=dtype)
        self.blocks: list[Any] = []
        for i, (k, d) in enumerate(self.layers):
            settings = {"filters": filters, "kernel_size": k, "dilation_rate": d, "activation": activation}
            settings |= {"normalization": normalization, "dropout": dropout}
            named: dict[str, Any] = {"seed": seeds[i], "name": f"block_{i}", "dtype": dtype}
            if block == "residual":
                self.blocks.append(ResidualBlock(**settings, **named))
            else:
                self.blocks.append(_ConvPoolResidual({**settings, "pool_size": pool_size}, **named))

    def build(self, input_shape: Any) -> None:
        """Build the projection and the blocks."""
        self.project.build(input_shape)
        for block in self.blocks:
            block.build((*input_shape[:-1], self.filters))

    def call(self, inputs: Any, training: bool = False, spacings: Any = None) -> Any:
        """Run the stack: (batch, time, features) -> (batch, positions, filters)."""
        self.compute_output_spec(inputs, spacings=spacings)
        blocks = [partial(block, training=training) for block in self.blocks]
        project = Affine(self.project.kernel, self.project.bias)
        rows = pad_rows(inputs, self.padding, self.receptive_field - 1)
        pool_reach = self.pool_size - 1 if self.block == "conv_pool" else 0
        spans = [(1 + (k - 1) * d + pool_reach, 1) for k, d in self.layers]
        return stack(rows, project, blocks, spans, spacings or [1] * (len(self.layers) + 1), ops)

    def compute_output_spec(self, inputs: Any, *, spacings: Any = None, **_: Any) -> Any:
        """Return the shape of the output without computing it."""
        if spacings and (self.padding != "valid" or self.block != "residual"):
            rule = "`spacings` are for padding='valid' and block='residual'."
            raise ValueError(received(rule, padding=self.padding, block=self.block))
        first, last = (spacings[0], spacings[-1]) if spacings else (1, 1)
        n_positions = count_positions(inputs, (self.receptive_field - 1) // first + 1 if self.padding == "valid" else 1)
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
            "padding": self.padding,
            "block": self.block,
            "pool_size": self.pool_size,
        }
