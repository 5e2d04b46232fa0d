"""The last layer: from what a stack says about an origin to the forecasts of the steps after it."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import check_int, check_ints, received
from tscnn.network.backend import keras, ops
from tscnn.network.layers.shared import register

__all__ = ["Head"]


@register
class Head(keras.layers.Layer):
    """One affine map at every position, to all steps of all targets.

    (batch, positions, filters) -> (batch, positions, horizon, targets); or, where features were kept apart,
    (batch, positions, features, filters) -> (batch, positions, horizon, targets), each target mapped by itself with the
    same weights. The map is zero at first.

    Parameters
    ----------
    horizon : int
        Steps predicted.
    targets : sequence of int
        Positions of the targets among the features.
    **kwargs
        Of ``keras.layers.Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> Head(horizon=3, targets=[0, 1])(np.ones((1, 5, 8))).shape
    TensorShape([1, 5, 3, 2])
    >>> Head(horizon=3, targets=[0, 1])(np.ones((1, 5, 2, 8))).shape
    TensorShape([1, 5, 3, 2])
    """

    def __init__(self, horizon: int, targets: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon = check_int("horizon", horizon)
        self.targets = list(check_ints("targets", targets, minimum=0, fewest=1))

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        if len(input_shape) == 4 and max(self.targets) >= input_shape[2]:
            rule = f"`targets` must be positions among {input_shape[2]} features."
            raise ValueError(received(rule, targets=self.targets))
        n_outputs = self.horizon if len(input_shape) == 4 else self.horizon * len(self.targets)
        self.kernel = self.add_weight(shape=(input_shape[-1], n_outputs), initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=(n_outputs,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Return the forecasts: (batch, positions, horizon, targets)."""
        n_positions, n_targets, apart = ops.shape(inputs)[1], len(self.targets), len(inputs.shape) == 4
        if apart and self.targets != list(range(inputs.shape[2])):
            inputs = ops.take(inputs, self.targets, axis=2)
        kernel = ops.concatenate([self.kernel, self.bias[None]], axis=0)  # so that one product does all
        rows = ops.concatenate([inputs, ops.ones_like(inputs[..., :1])], axis=-1)
        outputs = ops.matmul(ops.reshape(rows, (-1, kernel.shape[0])), kernel)
        if apart:
            return ops.transpose(ops.reshape(outputs, (-1, n_positions, n_targets, self.horizon)), (0, 1, 3, 2))
        return ops.reshape(outputs, (-1, n_positions, self.horizon, n_targets))

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape of the output without computing it."""
        return keras.KerasTensor((*inputs.shape[:2], self.horizon, len(self.targets)), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "horizon": self.horizon, "targets": self.targets}
