"""A causal convolution."""

from __future__ import annotations

import math
from typing import Any

from tscnn.common.checks import check_choice, check_int, received
from tscnn.network.backend import keras, ops
from tscnn.network.functional import Affine, convolve
from tscnn.network.layers.shared import count_positions, register
from tscnn.network.positions import align
from tscnn.network.receptive_field import receptive_field
from tscnn.network.taps import Taps

__all__ = ["CausalConv1D"]


@register
class CausalConv1D(keras.layers.Layer):
    """Dilated convolution whose output at row t sees rows t, t - d, .., t - (k - 1) d.

    The last entry of the kernel weighs the present row, as in ``keras.layers.Conv1D``.

    Parameters
    ----------
    filters : int
        Size of the last axis of the output.
    kernel_size : int
        Taps k, at least 1.
    dilation_rate : int, default 1
        Rows d from one tap to the next.
    padding : {"valid", "causal"}, default "valid"
        "valid" returns only positions that see real rows: (batch, time - (k - 1) d, filters).
        "causal" puts zeros before the first row and keeps the length: (batch, time, filters).
    kernel_initializer : str or keras.initializers.Initializer, default "glorot_uniform"
        Of the kernel; the bias starts at zero.
    **kwargs
        Of ``keras.layers.Layer``.

    Notes
    -----
    Input (batch, time, features). The call takes two static integers for inputs of which only every `spacing`-th row
    is given and outputs of which only every `stride`-th, counted from the end, is wanted. `dilation_rate` must be a
    multiple of `spacing`, and with a `stride` the number of rows must be known.

    References
    ----------
    .. [1] van den Oord et al. (2016), WaveNet: A Generative Model for Raw Audio, section 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> CausalConv1D(4, kernel_size=3, dilation_rate=2)(np.zeros((1, 10, 5))).shape
    TensorShape([1, 6, 4])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        dilation_rate: int = 1,
        padding: str = "valid",
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = check_int("filters", filters)
        self.kernel_size = check_int("kernel_size", kernel_size)
        self.dilation_rate = check_int("dilation_rate", dilation_rate)
        self.padding = check_choice("padding", padding, ("valid", "causal"))
        try:
            self.kernel_initializer = keras.initializers.get(kernel_initializer)
        except (TypeError, ValueError):
            rule = "`kernel_initializer` must be one of Keras, such as 'he_normal'."
            raise ValueError(received(rule, kernel_initializer=kernel_initializer)) from None
        self.taps = [Taps(self.kernel_size, self.dilation_rate, padding=padding)]
        self.receptive_field = receptive_field(self.taps)

    def build(self, input_shape: Any) -> None:
        """Make the kernel (kernel_size, features, filters) and the bias (filters,)."""
        shape = (self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, inputs: Any, spacing: int = 1, stride: int = 1) -> Any:
        """Convolve: (batch, time, features) -> (batch, positions, filters)."""
        step = self.step(spacing)
        reach = (self.kernel_size - 1) * step
        if self.padding == "causal":
            inputs = ops.pad(inputs, ((0, 0), (reach, 0), (0, 0)))
        count_positions(inputs, reach + 1)
        return convolve(align(inputs, reach, stride, ops), Affine(self.kernel, self.bias), step, stride, ops)

    def compute_output_spec(self, inputs: Any, spacing: int = 1, stride: int = 1) -> Any:
        """Return the shape of the output without computing it."""
        span = (self.kernel_size - 1) * self.step(spacing) + 1
        n_positions = count_positions(inputs, 1 if self.padding == "causal" else span)
        if n_positions is not None:
            n_positions = math.ceil(n_positions / stride)
        return keras.KerasTensor((inputs.shape[0], n_positions, self.filters), self.compute_dtype)

    def step(self, spacing: int) -> int:
        """Return the distance between taps.

        Parameters
        ----------
        spacing : int
            Of the call.

        Returns
        -------
        int
            In rows of an input that holds every `spacing`-th.
        """
        if self.dilation_rate % spacing:
            rule = f"`spacing` must divide the dilation rate, {self.dilation_rate}."
            raise ValueError(received(rule, spacing=spacing))
        return self.dilation_rate // spacing

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dilation_rate": self.dilation_rate,
            "padding": self.padding,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
