"""The linear map beside the stack."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import check_int, check_ints, received
from tscnn.network.backend import keras, ops
from tscnn.network.layers.shared import count_positions, register
from tscnn.network.positions import take_features
from tscnn.network.taps import Taps

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
    maps : sequence of int, optional
        Which map each target has, from 0; default one for all.
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

    def __init__(self, lookback: int, horizon: int, maps: Any = None, features: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lookback = check_int("lookback", lookback)
        self.horizon = check_int("horizon", horizon)
        self.maps = None if maps is None else list(check_ints("maps", maps, minimum=0))
        self.features = None if features is None else list(check_ints("features", features, minimum=0))
        self.receptive_field = self.lookback
        self.taps = [Taps(self.lookback, padding="valid")]

    def build(self, input_shape: Any) -> None:
        """Make the weights: (maps, lookback, horizon)."""
        n_targets = self._n_targets(input_shape)
        if self.maps is not None and len(self.maps) != n_targets:
            raise ValueError(received(f"`maps` must name one for each of {n_targets} targets.", maps=self.maps))
        shape = (1 if self.maps is None else max(self.maps) + 1, self.lookback, self.horizon)
        self.weight = self.add_weight(shape=shape, initializer="zeros", name="weight")

    def _n_targets(self, input_shape: Any) -> int:
        return int(input_shape[-1]) if self.features is None else len(self.features)

    def kernel(self) -> Any:
        """Return the map that acts on raw rows.

        Returns
        -------
        tensor of shape (maps, lookback, horizon)
            The weights of each step sum to one.
        """
        weight = ops.cast(self.weight, self.compute_dtype)
        return weight - ops.mean(weight, axis=1, keepdims=True) + 1 / self.lookback

    def call(self, inputs: Any) -> Any:
        """Map every window: (batch, time, features) -> (batch, positions, horizon, features)."""
        if self.features is not None:
            inputs = take_features(inputs, self.features, ops)
        count_positions(inputs, self.lookback)
        batch, n_rows, n_features = ops.shape(inputs)
        kernel = self.kernel()
        series = ops.transpose(inputs, (2, 0, 1))
        apply = ops.matmul if inputs.shape[1] == self.lookback else _convolve  # which to one position is slow
        if self.maps is None:
            forecasts = apply(ops.reshape(series, (-1, n_rows)), kernel[0])
        else:  # one after the other is faster than any product of all windows, which are many
            forecasts = ops.map(lambda pair: apply(pair[0], kernel[pair[1]]), (series, ops.array(self.maps)))
        forecasts = ops.reshape(forecasts, (n_features, batch, n_rows - self.lookback + 1, self.horizon))
        return ops.transpose(forecasts, (1, 2, 3, 0))

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
            "maps": self.maps,
            "features": self.features,
        }


def _convolve(series: Any, kernel: Any) -> Any:
    """Map every window of some series: (series, time), (lookback, horizon) -> (series, positions, horizon)."""
    return ops.conv(series[:, :, None], kernel[:, None], 1, "valid", "channels_last")
