"""Cropping to fully informed outputs."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import check_int
from tscnn.network.backend import keras, ops
from tscnn.network.layers.shared import count_positions, register
from tscnn.network.taps import Taps

__all__ = ["CropToField"]


@register
class CropToField(keras.layers.Layer):
    """Keep the positions whose receptive field lies inside the data.

    Behind padded layers, the first `left` and the last `right` positions are partly made of padding:
    (batch, time, ..) -> (batch, time - left - right, ..).

    Parameters
    ----------
    left, right : int
        Rows that an output sees before and after its own, as `tscnn.find_field` tells them.
    **kwargs
        Of ``keras.layers.Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> import tscnn
    >>> centred = keras.Sequential([keras.Input((None, 2)), keras.layers.Conv1D(4, 5, padding="same")])
    >>> left, right, _ = tscnn.find_field(centred)
    >>> CropToField(left, right)(centred(np.zeros((1, 10, 2)))).shape
    TensorShape([1, 6, 4])
    """

    def __init__(self, left: int, right: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.left = check_int("left", left, minimum=0)
        self.right = check_int("right", right, minimum=0)
        self.taps = [Taps(1, padding=(-self.left, -self.right))]

    def call(self, inputs: Any) -> Any:
        """Crop: (batch, time, ..) -> (batch, time - left - right, ..)."""
        count_positions(inputs, self.left + 1 + self.right)
        return inputs[:, self.left : ops.shape(inputs)[1] - self.right]

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape of the output without computing it."""
        n_positions = count_positions(inputs, self.left + 1 + self.right)
        return keras.KerasTensor((inputs.shape[0], n_positions, *inputs.shape[2:]), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "left": self.left, "right": self.right}
