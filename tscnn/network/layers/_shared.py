"""What several layers need."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import received
from tscnn.network.backend import keras, ops

__all__ = ["at_origins", "count_positions", "crop", "register", "take_features"]

register = keras.saving.register_keras_serializable(package="tscnn")


def at_origins(statistic: Any, n_positions: Any, features: list[int]) -> Any:
    """Take some features of the last `n_positions` rows: (batch, n_positions, features)."""
    return take_features(statistic[:, ops.shape(statistic)[1] - n_positions :], features)


def crop(inputs: Any, n_rows: int) -> Any:
    """Drop the first `n_rows` positions, so that what is left ends at the same row."""
    if not n_rows:
        return inputs
    batch, n_positions, n_features = ops.shape(inputs)
    return ops.slice(inputs, (0, n_rows, 0), (batch, n_positions - n_rows, n_features))


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


def take_features(inputs: Any, features: list[int]) -> Any:
    """Select from the last axis; nothing to do when it is all of it in order."""
    n_features = inputs.shape[-1]
    if max(features) >= n_features:
        raise ValueError(received(f"The positions must be among {n_features} features.", positions=features))
    return inputs if features == list(range(n_features)) else ops.take(inputs, features, axis=-1)
