"""What several layers need."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import received
from tscnn.network.backend import keras

__all__ = ["count_positions", "register"]

register = keras.saving.register_keras_serializable(package="tscnn")


def count_positions(inputs: Any, field: int) -> int | None:
    """Count the positions that see all of their field: None while the number of rows is not known.

    TensorFlow returns nonsense, not an error, for a convolution that is longer than its input.
    """
    n_rows = inputs.shape[1]
    if n_rows is None:
        return None
    if n_rows < field:
        rule = f"The inputs must have at least {field} rows, the receptive field."
        raise ValueError(received(rule, input_shape=tuple(inputs.shape)))
    return int(n_rows) - field + 1
