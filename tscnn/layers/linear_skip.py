"""The linear map beside the stack."""

from __future__ import annotations

from typing import Any

from tscnn._backend import keras, ops
from tscnn._validation import check_int, check_ints
from tscnn.layers._shared import count_positions, register, take_features

__all__ = ["LinearSkip"]


@register
class LinearSkip(keras.layers.Layer):
    """One linear map from each window to the steps after it, feature by feature.

    (batch, time, features) -> (batch, time - lookback + 1, horizon, targets). Adding a constant to a window adds it to
    the forecast, whatever the weights: those of each step sum to one. With zero weights the map repeats the
    window's mean.

    Parameters
    ----------
    lookback, horizon : int
        Rows seen and steps predicted.
    shared : bool, default True
        One map for all targets, or one for each.
    features : sequence of int, optional
        Positions of the targets among the features, default all.
    **kwargs
        Of ``keras.layers.Layer``.

    References
    ----------
    .. [1] Zeng et al. (2023), Are Transformers Effective for Time Series Forecasting?, NLinear.

    Examples
    --------
    >>> import numpy as np
    >>> forecast = LinearSkip(lookback=3, horizon=2)(np.arange(6.0).reshape(1, 6, 1))
    >>> np.asarray(forecast)[0, :, :, 0].round(4)
    array([[1., 1.],
           [2., 2.],
           [3., 3.],
           [4., 4.]], dtype=float32)
    """

    def __init__(self, lookback: int, horizon: int, shared: bool = True, features: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lookback = check_int("lookback", lookback)
        self.horizon = check_int("horizon", horizon)
        self.shared = bool(shared)
        self.features = None if features is None else list(check_ints("features", features, minimum=0))
        self.receptive_field = self.lookback

    def build(self, input_shape: Any) -> None:
        """Make the weights: (1 or targets, lookback, horizon)."""
        n_targets = self._n_targets(input_shape)
        shape = (1 if self.shared else n_targets, self.lookback, self.horizon)
        self.weight = self.add_weight(shape=shape, initializer="zeros", name="weight")

    def _n_targets(self, input_shape: Any) -> int:
        return int(input_shape[-1]) if self.features is None else len(self.features)

    def kernel(self) -> Any:
        """Return the map that acts on raw rows.

        Returns
        -------
        tensor of shape (1 or targets, lookback, horizon)
            The weights of each step sum to one.
        """
        weight = ops.cast(self.weight, self.compute_dtype)
        return weight - ops.mean(weight, axis=1, keepdims=True) + 1 / self.lookback

    def call(self, inputs: Any) -> Any:
        """Map every window: (batch, time, features) -> (batch, positions, horizon, features)."""
        if self.features is not None:
            inputs = take_features(inputs, self.features)
        count_positions(inputs, self.lookback)
        n_features = inputs.shape[2]
        n_positions = ops.shape(inputs)[1] - self.lookback + 1
        series = ops.transpose(inputs, (0, 2, 1))  # (batch, features, time)
        if self.shared and inputs.shape[1] == self.lookback:  # a convolution to one position is slow
            windows = ops.reshape(series, (-1, self.lookback))
            forecasts = ops.reshape(ops.matmul(windows, self.kernel()[0]), (-1, n_features, 1, self.horizon))
        elif self.shared:
            series = ops.reshape(series, (-1, ops.shape(inputs)[1], 1))  # (batch * features, time, 1)
            kernel = ops.transpose(self.kernel(), (1, 0, 2))  # (lookback, 1, horizon)
            forecasts = ops.conv(series, kernel, 1, "valid")  # (batch * features, positions, horizon)
            forecasts = ops.reshape(forecasts, (-1, n_features, n_positions, self.horizon))
        else:
            rows = ops.arange(n_positions)[:, None] + ops.arange(self.lookback)
            windows = ops.take(series, rows, axis=2)  # (batch, features, positions, lookback)
            forecasts = ops.matmul(windows, self.kernel())  # (batch, features, positions, horizon)
        return ops.transpose(forecasts, (0, 2, 3, 1))

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape of the output without computing it."""
        n_positions = count_positions(inputs, self.lookback)
        shape = (inputs.shape[0], n_positions, self.horizon, self._n_targets(inputs.shape))
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {
            **super().get_config(),
            "lookback": self.lookback,
            "horizon": self.horizon,
            "shared": self.shared,
            "features": self.features,
        }
