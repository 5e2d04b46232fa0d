"""A convolution with what comes after it: normalisation, activation, dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from tscnn.common.checks import check_int, received
from tscnn.network.backend import keras, ops
from tscnn.network.functional import gate
from tscnn.network.layers.convolution import CausalConv1D
from tscnn.network.layers.shared import register

__all__ = ["ConvolutionUnit", "GatedActivation", "normalization_layer", "split_seed"]


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


def normalization_layer(normalization: str | None, dtype: Any) -> Any:
    """Make a layer that normalises.

    Parameters
    ----------
    normalization : {None, "layer", "batch"}
        Of `ResidualBlock`.
    dtype : str or keras.DTypePolicy
        That it computes in.

    Returns
    -------
    keras.layers.Layer or None
        None for None.
    """
    if normalization == "layer":
        return keras.layers.LayerNormalization(name="normalize", dtype=dtype)
    if normalization == "batch":
        return keras.layers.BatchNormalization(name="normalize", dtype=dtype)
    return None


def split_seed(seed: int | None, n_parts: int) -> list[int | None]:
    """Draw seeds from a seed.

    Parameters
    ----------
    seed : int or None
        Of the whole.
    n_parts : int
        How many are wanted.

    Returns
    -------
    list of int or None
        A seed for each part: None where there is none.
    """
    if seed is None:
        return [None] * n_parts
    seed = check_int("seed", seed, minimum=0)
    return [int(part) for part in np.random.SeedSequence(seed).generate_state(n_parts) >> 1]


class ConvolutionUnit(keras.layers.Layer):
    """Dilated convolution, normalisation, activation, dropout.

    (batch, time, features) -> (batch, time - (kernel_size - 1) * dilation_rate, filters).

    Parameters
    ----------
    filters, kernel_size, dilation_rate : int
        Of the convolution, see `CausalConv1D`.
    activation : str
        As in `ResidualBlock`.
    normalization : {None, "layer", "batch"}
        As in `ResidualBlock`.
    dropout : float in [0, 1)
        As in `ResidualBlock`.
    seed : int or None
        As in `ResidualBlock`.
    **kwargs
        Of ``keras.layers.Layer``.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        dilation_rate: int,
        activation: str,
        normalization: str | None,
        dropout: float,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        dtype, gated = self.dtype_policy, activation == "gated"
        start_seed, drop_seed = split_seed(seed, 2)
        start, width = keras.initializers.GlorotUniform(start_seed), (2 if gated else 1) * filters
        self.conv = CausalConv1D(width, kernel_size, dilation_rate, kernel_initializer=start, name="conv", dtype=dtype)
        self.normalize = normalization_layer(normalization, dtype)
        self.activate = GatedActivation(dtype=dtype) if gated else keras.layers.Activation(activation, dtype=dtype)
        self.drop = keras.layers.SpatialDropout1D(dropout, seed=drop_seed, dtype=dtype)

    def build(self, input_shape: Any) -> None:
        """Build the layers."""
        self.conv.build(input_shape)
        hidden_shape = (None, None, self.conv.filters)
        if self.normalize is not None:
            self.normalize.build(hidden_shape)
        self.activate.build(hidden_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Run them: (batch, time, features) -> (batch, positions, filters)."""
        hidden = self.conv(inputs)
        if self.normalize is not None:
            hidden = self.normalize(hidden, training=training)
        return self.drop(self.activate(hidden), training=training)
