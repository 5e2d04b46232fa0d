"""The layer in which what a stack has seen meets what is known ahead."""

from __future__ import annotations

from functools import partial
from typing import Any

from tscnn.common.checks import check_int, check_ints
from tscnn.network.ahead import AheadWeights, ahead_forecasts
from tscnn.network.backend import keras, ops
from tscnn.network.functional import gate
from tscnn.network.layers.shared import register

__all__ = ["AheadHead"]


@register
class AheadHead(keras.layers.Layer):
    """Add to forecasts what is known ahead of each step, gated by what a stack says of the origin.

    Called on (batch, positions, [features,] filters), on what is known ahead (batch, positions, horizon, n_ahead), and
    on forecasts (batch, positions, horizon, targets). What it adds is zero at first.

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
    >>> layer = AheadHead(horizon=3, targets=[0, 1])
    >>> layer(np.ones((1, 5, 8)), np.ones((1, 5, 3, 4)), np.ones((1, 5, 3, 2))).shape
    TensorShape([1, 5, 3, 2])
    """

    def __init__(self, horizon: int, targets: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon = check_int("horizon", horizon)
        self.targets = list(check_ints("targets", targets, minimum=0, fewest=1))

    def build(self, hidden_shape: Any, ahead_shape: Any, forecasts_shape: Any) -> None:  # noqa: ARG002
        """Make the weights."""
        filters, n_outputs = hidden_shape[-1], 1 if len(hidden_shape) == 4 else len(self.targets)
        self.hidden_kernel = self.add_weight(shape=(filters, 2 * filters), name="hidden_kernel")
        self.steps = self.add_weight(shape=(self.horizon, 2 * filters), initializer="zeros", name="steps")
        self.known_kernel = self.add_weight(shape=(ahead_shape[-1], 2 * filters), name="known_kernel")
        self.kernel = self.add_weight(shape=(filters, n_outputs), initializer="zeros", name="kernel")

    def call(self, hidden: Any, ahead: Any, forecasts: Any) -> Any:
        """Return the sum: (batch, positions, horizon, targets)."""
        weights = AheadWeights(self.hidden_kernel, self.steps, self.known_kernel, self.kernel)
        return forecasts + ahead_forecasts(hidden, ahead, weights, self.targets, ops, partial(gate, ops=ops))

    def compute_output_spec(self, hidden: Any, ahead: Any, forecasts: Any) -> Any:  # noqa: ARG002
        """Return the shape of the output without computing it."""
        return keras.KerasTensor(forecasts.shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "horizon": self.horizon, "targets": self.targets}
