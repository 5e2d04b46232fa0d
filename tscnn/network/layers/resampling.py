"""Fewer positions, and more: strided and transposed convolutions, and straight lines between positions.

A block of `factor` rows becomes one position, and one position a block. With "causal" padding a position stands at the
last row of its block, so that no row is made of a later one; with "same" the fields lie around the blocks. What has
been made fewer and then more has as many positions as before, if their number is a multiple of the factor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tscnn.common.checks import check_choice, check_int, received
from tscnn.network.backend import keras, ops
from tscnn.network.layers.shared import PADDINGS, count_positions, register
from tscnn.network.taps import Taps

__all__ = ["Downsample1D", "LinearUpsample1D", "Upsample1D"]


class _Resample(keras.layers.Layer):
    """A convolution with a stride, or its transpose."""

    def __init__(
        self, filters: int, factor: int, kernel_size: int | None = None, padding: str = "causal", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.filters = check_int("filters", filters)
        self.factor = check_int("factor", factor)
        self.kernel_size = self.factor if kernel_size is None else check_int("kernel_size", kernel_size)
        self.padding = check_choice("padding", padding, PADDINGS)
        if self.kernel_size < self.factor:
            rule = f"`kernel_size` must be at least the factor, {self.factor}: no row is left out."
            raise ValueError(received(rule, kernel_size=kernel_size))

    def _add_weights(self, *kernel_shape: int) -> None:
        self.kernel = self.add_weight(shape=(self.kernel_size, *kernel_shape), name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape of the output without computing it."""
        return keras.KerasTensor((inputs.shape[0], _count(inputs, self.taps[0]), self.filters), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        settings = {name: getattr(self, name) for name in ("filters", "factor", "kernel_size", "padding")}
        return {**super().get_config(), **settings}


@register
class Downsample1D(_Resample):
    """Learned downsampling: a convolution of which every `factor`-th position is kept, the newest included.

    Parameters
    ----------
    filters : int
        Size of the last axis of the output.
    factor : int
        Rows for each position.
    kernel_size : int, optional
        Taps, at least `factor`, the default.
    padding : {"causal", "same", "valid"}, default "causal"
        "causal" puts zeros before the first row: (batch, time, features) -> (batch, ceil(time / factor), filters);
        "same" around the rows, (batch, time // factor, filters); "valid" none.
    **kwargs
        Of ``keras.layers.Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> Downsample1D(4, factor=2)(np.zeros((1, 10, 3))).shape
    TensorShape([1, 5, 4])
    """

    def __init__(
        self, filters: int, factor: int, kernel_size: int | None = None, padding: str = "causal", **kwargs: Any
    ) -> None:
        super().__init__(filters, factor, kernel_size, padding, **kwargs)
        surplus = self.kernel_size - self.factor
        before = {"causal": self.kernel_size - 1, "same": surplus // 2, "valid": 0}[padding]
        ends = (before, surplus - before if padding == "same" else 0)
        self.taps = [Taps(self.kernel_size, 1, self.factor, padding=ends, from_end=True)]

    def build(self, input_shape: Any) -> None:
        """Make the kernel (kernel_size, features, filters) and the bias (filters,)."""
        self._add_weights(input_shape[-1], self.filters)

    def call(self, inputs: Any) -> Any:
        """Convolve: (batch, time, features) -> (batch, positions, filters)."""
        self.compute_output_spec(inputs)
        ends = self.taps[0].ends(0)
        rows = ops.pad(inputs, ((0, 0), ends, (0, 0))) if any(ends) else inputs
        rows = rows[:, (ops.shape(rows)[1] - self.kernel_size) % self.factor :]
        return ops.conv(rows, self.kernel, self.factor, "valid", "channels_last") + self.bias


@register
class Upsample1D(_Resample):
    """Learned upsampling: a transposed convolution.

    Where the kernel size is no multiple of the factor, some positions are sums of more taps than others, which shows as
    a checkerboard; `LinearUpsample1D` before a convolution leaves none.

    Parameters
    ----------
    filters : int
        Size of the last axis of the output.
    factor : int
        Rows made of each position.
    kernel_size : int, optional
        Taps, at least `factor`, the default.
    padding : {"causal", "same", "valid"}, default "causal"
        "causal" and "same" return (batch, time * factor, filters), see `tscnn.network.layers.resampling`, "valid" only
        those rows of "causal" that see whole fields, (batch, time * factor - kernel_size + 1, filters).
    **kwargs
        Of ``keras.layers.Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> Upsample1D(4, factor=2)(np.zeros((1, 5, 3))).shape
    TensorShape([1, 10, 4])
    """

    def __init__(
        self, filters: int, factor: int, kernel_size: int | None = None, padding: str = "causal", **kwargs: Any
    ) -> None:
        super().__init__(filters, factor, kernel_size, padding, **kwargs)
        ends = _cut_ends(self.kernel_size, self.factor, padding)
        self.taps = [Taps(self.kernel_size, 1, self.factor, transposed=True, padding=ends)]

    def build(self, input_shape: Any) -> None:
        """Make the kernel (kernel_size, filters, features) and the bias (filters,)."""
        self._add_weights(self.filters, input_shape[-1])

    def call(self, inputs: Any) -> Any:
        """Convolve: (batch, time, features) -> (batch, positions, filters)."""
        self.compute_output_spec(inputs)
        rows = ops.conv_transpose(inputs, self.kernel, self.factor, "valid", data_format="channels_last")
        return _cut(rows, *self.taps[0].ends(0)) + self.bias


@register
class LinearUpsample1D(keras.layers.Layer):
    """Upsampling by straight lines between positions, without weights; a constant stays one.

    (batch, time, n) -> (batch, time * factor, n). Before the first position and after the last, their values are
    repeated. "causal" lags: a line can only be drawn once its end is known.

    Parameters
    ----------
    factor : int
        Rows made of each position.
    padding : {"causal", "same", "valid"}, default "causal"
        As in `Upsample1D` with a kernel of ``2 * factor - 1`` taps.
    **kwargs
        Of ``keras.layers.Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> np.asarray(LinearUpsample1D(2, padding="same")(np.array([[[0.0], [2.0], [4.0]]])))[0, :, 0]
    array([0., 0., 1., 2., 3., 4.], dtype=float32)
    """

    def __init__(self, factor: int, padding: str = "causal", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = check_int("factor", factor)
        self.padding = check_choice("padding", padding, PADDINGS)
        kernel_size = 2 * self.factor - 1
        ends = _cut_ends(kernel_size, self.factor, padding)
        self.taps = [Taps(kernel_size, 1, self.factor, transposed=True, padding=ends)]

    def call(self, inputs: Any) -> Any:
        """Interpolate: (batch, time, n) -> (batch, positions, n)."""
        self.compute_output_spec(inputs)
        batch, _, n = ops.shape(inputs)
        shares = ops.convert_to_tensor(np.arange(self.factor)[:, None] / self.factor, dtype=inputs.dtype)
        starts, rises = inputs[:, :-1, None], inputs[:, 1:, None] - inputs[:, :-1, None]
        lines = ops.reshape(starts + rises * shares, (batch, -1, n)) if inputs.shape[1] != 1 else inputs[:, :0]
        first, last = (ops.repeat(row, self.factor - 1, axis=1) for row in (inputs[:, :1], inputs[:, -1:]))
        rows = ops.concatenate([first, lines, inputs[:, -1:], last], axis=1)  # as a transposed convolution has them
        before, after = self.taps[0].ends(0)
        return _cut(ops.concatenate([first, rows], axis=1), 0, after) if before < 0 else _cut(rows, before, after)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape of the output without computing it."""
        return keras.KerasTensor((inputs.shape[0], _count(inputs, self.taps[0]), inputs.shape[2]), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "factor": self.factor, "padding": self.padding}


def _count(inputs: Any, taps: Taps) -> int | None:
    """Count the positions of the output, see `count_positions`."""
    fewest = next(n for n in range(1, taps.kernel_size + 1) if taps.length(n) > 0)
    return None if count_positions(inputs, fewest) is None else taps.length(inputs.shape[1])


def _cut_ends(kernel_size: int, factor: int, padding: str) -> tuple[int, int]:
    """Return what is cut off a transposed convolution; "causal" moves it to the last rows of its blocks instead."""
    surplus = kernel_size - factor
    if padding == "same":
        return surplus // 2, surplus - surplus // 2
    return (1 - factor if padding == "causal" else surplus), kernel_size - 1


def _cut(rows: Any, before: int, after: int) -> Any:
    """Cut positions off both ends; a negative number puts zeros there instead."""
    rows = rows[:, max(0, before) : ops.shape(rows)[1] - after]
    return ops.pad(rows, ((0, 0), (-before, 0), (0, 0))) if before < 0 else rows
