"""The last layer: from what a stack says about an origin to the forecasts of the steps after it."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import check_int, check_ints, received
from tscnn.network.backend import keras, ops
from tscnn.network.layers._shared import at_origins, register

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
    reversion : bool, default False
        Whether the layer is also called on the level and the scale of a `RollingNormalizer`, (batch, time, features),
        and adds ``reversion[step] * tanh(level / scale)``: a step back to zero, the mean of standardised data, that is
        never longer than the recent scale, so that a series that has left for good is not called back. These weights,
        (horizon,), are not trained.
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

    def __init__(self, horizon: int, targets: Any, reversion: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon = check_int("horizon", horizon)
        self.targets = list(check_ints("targets", targets, minimum=0))
        self.has_reversion = bool(reversion)
        self.reversion: Any = None

    def build(self, hidden_shape: Any, level_shape: Any = None, scale_shape: Any = None) -> None:  # noqa: ARG002
        """Make the weights."""
        n_outputs = self.horizon if len(hidden_shape) == 4 else self.horizon * len(self.targets)
        self.kernel = self.add_weight(shape=(hidden_shape[-1], n_outputs), initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=(n_outputs,), initializer="zeros", name="bias")
        if self.has_reversion:
            self.reversion = self.add_weight(
                shape=(self.horizon,), initializer="zeros", trainable=False, name="reversion"
            )

    def call(self, hidden: Any, level: Any = None, scale: Any = None) -> Any:
        """Return the forecasts: (batch, positions, horizon, targets)."""
        n_positions, n_targets, apart = ops.shape(hidden)[1], len(self.targets), len(hidden.shape) == 4
        if apart and self.targets != list(range(n_targets)):
            hidden = ops.take(hidden, self.targets, axis=2)
        kernel = ops.concatenate([self.kernel, self.bias[None]], axis=0)  # of one product, the bias included
        rows = ops.concatenate([hidden, ops.ones_like(hidden[..., :1])], axis=-1)
        outputs = ops.matmul(ops.reshape(rows, (-1, kernel.shape[0])), kernel)
        if apart:
            outputs = ops.transpose(ops.reshape(outputs, (-1, n_positions, n_targets, self.horizon)), (0, 1, 3, 2))
        else:
            outputs = ops.reshape(outputs, (-1, n_positions, self.horizon, n_targets))
        if self.reversion is None:
            return outputs
        if level is None or scale is None:
            rule = "With `reversion` the level and the scale must be given."
            raise ValueError(received(rule, level=level, scale=scale))
        level, scale = (at_origins(statistic, n_positions, self.targets) for statistic in (level, scale))
        return outputs + self.reversion[:, None] * ops.tanh(level / scale)[:, :, None]

    def compute_output_spec(self, hidden: Any, level: Any = None, scale: Any = None) -> Any:  # noqa: ARG002
        """Return the shape of the output without computing it."""
        return keras.KerasTensor((*hidden.shape[:2], self.horizon, len(self.targets)), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        own = {"horizon": self.horizon, "targets": self.targets, "reversion": self.has_reversion}
        return {**super().get_config(), **own}
