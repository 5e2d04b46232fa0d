"""Convolutions and pools beside each other."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import check_choice, check_int, check_real
from tscnn.network.activations import check_activation
from tscnn.network.backend import keras, ops
from tscnn.network.layers.shared import PADDINGS, count_positions, pad_rows, register, split_padding
from tscnn.network.layers.unit import ConvolutionUnit, split_seed
from tscnn.network.taps import Taps

__all__ = ["ConvPoolBlock"]


@register
class ConvPoolBlock(keras.layers.Layer):
    """Maxima and averages of convolutions over a pool of rows, and averages of the input beside them.

    Three branches are concatenated: convolutions, each with normalisation, activation and dropout, to a max pool;
    others of the same kind to an average pool; and an average pool of the input to a dense layer.

    Parameters
    ----------
    filters : int
        Of each branch: the last axis of the output has ``3 * filters``.
    kernel_size, dilation_rate : int
        Of each convolution, see `CausalConv1D`.
    pool_size : int, default 2
        Positions of which the maximum or the average is taken.
    stride : int, default 1
        Rows from one output to the next, counted back from the newest.
    n_convolutions : int, default 1
        On top of each other in each of the first two branches.
    activation : str, default "gated"
        As in `ResidualBlock`.
    normalization : {None, "layer", "batch"}, default None
        As in `ResidualBlock`.
    dropout : float in [0, 1), default 0.0
        As in `ResidualBlock`.
    seed : int, optional
        As in `ResidualBlock`.
    padding : {"valid", "causal", "same"}, default "valid"
        "valid" returns only positions that see real rows; "causal" puts zeros before the first row, "same" around all,
        so that each row has an output, if the stride is 1.
    **kwargs
        Of ``keras.layers.Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> ConvPoolBlock(4, kernel_size=3, pool_size=2)(np.zeros((1, 10, 5))).shape
    TensorShape([1, 7, 12])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        dilation_rate: int = 1,
        pool_size: int = 2,
        stride: int = 1,
        n_convolutions: int = 1,
        activation: str = "gated",
        normalization: str | None = None,
        dropout: float = 0.0,
        seed: int | None = None,
        padding: str = "valid",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = check_int("filters", filters)
        self.kernel_size = check_int("kernel_size", kernel_size)
        self.dilation_rate = check_int("dilation_rate", dilation_rate)
        self.pool_size, self.stride = check_int("pool_size", pool_size), check_int("stride", stride)
        self.n_convolutions = check_int("n_convolutions", n_convolutions)
        self.activation = check_activation(activation)
        self.normalization = check_choice("normalization", normalization, (None, "layer", "batch"))
        self.dropout = check_real("dropout", dropout, low=0, high=1)
        self.padding = check_choice("padding", padding, PADDINGS)
        self.seed = seed
        *seeds, last = split_seed(seed, 2 * n_convolutions + 1)
        unit = (filters, kernel_size, dilation_rate, activation, normalization, dropout)
        units = [ConvolutionUnit(*unit, part, dtype=self.dtype_policy) for part in seeds]
        self.to_maxima, self.to_averages = units[:n_convolutions], units[n_convolutions:]
        start = keras.initializers.GlorotUniform(last)
        self.pass_through = keras.layers.Dense(filters, kernel_initializer=start, dtype=self.dtype_policy)
        self._reach = n_convolutions * (kernel_size - 1) * dilation_rate  # of the convolutions, before the pool
        self.receptive_field = self._reach + pool_size
        ends = split_padding(padding, self.receptive_field - 1)
        convolutions = [Taps(kernel_size, dilation_rate, padding="valid")] * n_convolutions
        pool = Taps(pool_size, 1, stride, padding="valid", from_end=True)
        self.taps = [Taps(1, padding=ends), *convolutions, pool]

    def build(self, input_shape: Any) -> None:
        """Build the branches."""
        for units in (self.to_maxima, self.to_averages):
            for i, unit in enumerate(units):
                unit.build((None, None, self.filters if i else input_shape[-1]))
        self.pass_through.build((None, None, input_shape[-1]))

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the branches side by side: (batch, time, features) -> (batch, positions, 3 filters)."""
        self.compute_output_spec(inputs)
        rows = pad_rows(inputs, self.padding, self.receptive_field - 1)
        maxima = averages = rows
        for unit in self.to_maxima:
            maxima = unit(maxima, training=training)
        for unit in self.to_averages:
            averages = unit(averages, training=training)
        before = self._reach // 2 if self.padding == "same" else self._reach
        passed = rows[:, before : ops.shape(rows)[1] - self._reach + before]
        pools = [self._pool(maxima, ops.max_pool), self._pool(averages, ops.average_pool)]
        return ops.concatenate([*pools, self.pass_through(self._pool(passed, ops.average_pool))], axis=-1)

    def _pool(self, rows: Any, pool: Any) -> Any:
        rows = rows[:, (ops.shape(rows)[1] - self.pool_size) % self.stride :]
        return pool(rows, self.pool_size, self.stride, "valid", "channels_last")

    def compute_output_spec(self, inputs: Any, **_: Any) -> Any:
        """Return the shape of the output without computing it."""
        n_positions = count_positions(inputs, self.receptive_field if self.padding == "valid" else 1)
        if n_positions is not None:
            n_positions = (n_positions - 1) // self.stride + 1
        return keras.KerasTensor((inputs.shape[0], n_positions, 3 * self.filters), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), **{name: getattr(self, name) for name in _SETTINGS}}


_SETTINGS = [
    *("filters", "kernel_size", "dilation_rate", "pool_size", "stride", "n_convolutions"),
    *("activation", "normalization", "dropout", "seed", "padding"),
]
