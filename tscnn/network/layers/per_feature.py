"""One layer for every feature."""

from __future__ import annotations

from functools import partial
from typing import Any

from tscnn.common.checks import received
from tscnn.network.backend import keras, ops
from tscnn.network.functional import fold_features
from tscnn.network.layers.shared import register

__all__ = ["PerFeature"]


@register
class PerFeature(keras.layers.Layer):
    """One causal layer applied to every feature by itself, with shared weights.

    (batch, time, features) -> (batch, positions, features, filters). It means ``Permute((2, 1))``, then
    ``TimeDistributed(layer)`` on one channel each, then ``Permute((2, 1, 3))``, but the feature axis is folded into the
    batch axis instead of unrolled.

    Parameters
    ----------
    layer : keras.layers.Layer
        Takes (batch, time, 1) to (batch, positions, filters).
    **kwargs
        Of ``keras.layers.Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> from tscnn.network.layers import WaveNetStack
    >>> PerFeature(WaveNetStack([(2, 1)], filters=4))(np.zeros((1, 10, 5))).shape
    TensorShape([1, 9, 5, 4])
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = keras.saving.deserialize_keras_object(layer) if isinstance(layer, dict) else layer
        if not isinstance(self.layer, keras.layers.Layer):
            raise TypeError(received("`layer` must be a Keras layer.", layer=layer))

    def build(self, input_shape: Any) -> None:
        """Build the layer for one feature."""
        if not self.layer.built:
            self.layer.build((None, input_shape[1], 1))

    def call(self, inputs: Any, training: bool = False, **kwargs: Any) -> Any:
        """Apply the layer to each feature; further arguments go to it."""
        return fold_features(inputs, partial(self.layer, training=training, **kwargs), ops)

    def compute_output_spec(self, inputs: Any, training: bool = False, **kwargs: Any) -> Any:  # noqa: ARG002
        """Return the shape of the output without computing it."""
        batch, n_rows, n_features = inputs.shape
        series = keras.KerasTensor((None, n_rows, 1), self.compute_dtype)
        _, n_positions, filters = self.layer.compute_output_spec(series, **kwargs).shape
        return keras.KerasTensor((batch, n_positions, n_features, filters), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "layer": keras.saving.serialize_keras_object(self.layer)}
