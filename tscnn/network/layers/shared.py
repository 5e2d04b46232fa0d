"""What several layers need."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import received
from tscnn.network.backend import keras, ops

__all__ = ["PADDINGS", "count_positions", "pad_rows", "register", "split_padding"]

register = keras.saving.register_keras_serializable(package="tscnn")
PADDINGS = ("valid", "causal", "same")


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


def split_padding(padding: str, reach: int) -> tuple[int, int]:
    """Return how many zeros `padding` puts before and after rows of which each output sees `reach` others."""
    before = {"valid": 0, "causal": reach, "same": reach // 2}[padding]
    return before, reach - before if padding == "same" else 0


def pad_rows(inputs: Any, padding: str, reach: int) -> Any:
    """Put them there: (batch, time, n) -> (batch, before + time + after, n)."""
    return inputs if padding == "valid" else ops.pad(inputs, ((0, 0), split_padding(padding, reach), (0, 0)))
