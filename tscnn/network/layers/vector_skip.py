"""What the newest rows of all features say together."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import check_int
from tscnn.network.backend import keras, ops
from tscnn.network.layers._shared import count_positions, register
from tscnn.network.layers.convolution import cut_taps

__all__ = ["VectorSkip"]


@register
class VectorSkip(keras.layers.Layer):
    """One linear map from the last `n_rows` rows of all features to the steps after them: a vector autoregression.

    (batch, time, features) -> (batch, time - n_rows + 1, horizon, targets). The weights,
    (n_rows, features, horizon, targets), oldest row first, are zero at first and not trained.

    Parameters
    ----------
    n_rows, horizon, n_targets : int
        Rows seen, steps and features predicted.
    **kwargs
        Of ``keras.layers.Layer``.

    References
    ----------
    .. [1] Marcellino, Stock and Watson (2006), A Comparison of Direct and Iterated Multistep AR Methods.

    Examples
    --------
    >>> import numpy as np
    >>> VectorSkip(n_rows=2, horizon=3, n_targets=4)(np.zeros((1, 10, 5))).shape
    TensorShape([1, 9, 3, 4])
    """

    def __init__(self, n_rows: int, horizon: int, n_targets: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_rows = check_int("n_rows", n_rows)
        self.horizon = check_int("horizon", horizon)
        self.n_targets = check_int("n_targets", n_targets)
        self.receptive_field = self.n_rows

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        shape = (self.n_rows, input_shape[-1], self.horizon, self.n_targets)
        self.weight = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="weight")

    def call(self, inputs: Any) -> Any:
        """Map every position: (batch, time, features) -> (batch, positions, horizon, targets)."""
        count_positions(inputs, self.n_rows)
        taps = cut_taps(inputs, self.n_rows, 1)  # (batch, positions, n_rows * features)
        weight = ops.cast(self.weight, self.compute_dtype)
        kernel = ops.reshape(weight, (-1, self.horizon * self.n_targets))
        outputs = ops.matmul(ops.reshape(taps, (-1, kernel.shape[0])), kernel)
        return ops.reshape(outputs, (-1, ops.shape(taps)[1], self.horizon, self.n_targets))

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape of the output without computing it."""
        shape = (inputs.shape[0], count_positions(inputs, self.n_rows), self.horizon, self.n_targets)
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        own = {"n_rows": self.n_rows, "horizon": self.horizon, "n_targets": self.n_targets}
        return {**super().get_config(), **own}
