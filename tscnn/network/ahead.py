"""Forecasts of what a stack says of an origin, together with what is known ahead of each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from tscnn.network.positions import take_features

__all__ = ["AheadWeights", "ahead_forecasts"]


class AheadWeights(NamedTuple):
    """Weights of `ahead_forecasts`.

    Attributes
    ----------
    hidden : array or tensor of shape (filters, 2 * filters)
        Of what the stack says of an origin.
    steps : array or tensor of shape (horizon, 2 * filters)
        Of each step.
    known : array or tensor of shape (n_ahead, 2 * filters)
        Of what is known ahead of a step.
    outputs : array or tensor of shape (filters, n_targets), or (filters, 1) where features are kept apart
        To the forecasts.
    """

    hidden: Any
    steps: Any
    known: Any
    outputs: Any

    def halved(self) -> Self:
        """Return the weights, arrays, with which `gate_halved` says what `gate` says with these.

        Returns
        -------
        AheadWeights
            Gates are halved, and so is what their units add.
        """
        gates = np.repeat(np.array([1, 0.5], np.float32), self.outputs.shape[0])
        return self._replace(
            hidden=self.hidden * gates,
            steps=self.steps * gates,
            known=self.known * gates,
            outputs=self.outputs * np.float32(0.5),
        )


def ahead_forecasts(
    hidden: Any,
    ahead: Any,
    weights: AheadWeights,
    targets: Sequence[int],
    ops: Any,
    gate: Callable[[Any], Any],
) -> Any:
    """Forecast every step from what a stack says of its origin and from what is known ahead of the step alone.

    Both meet in gated units, so that what is known ahead counts in another way in another state.

    Parameters
    ----------
    hidden : array or tensor of shape (batch, positions, [features,] filters)
        Of the stack.
    ahead : array or tensor of shape (batch, positions, horizon, n_ahead)
        What is known ahead of the steps after each origin.
    weights : AheadWeights
        See there.
    targets : sequence of int
        Positions of the targets among the features, where these are kept apart.
    ops : module
        ``keras.ops`` or `tscnn.common.numpy_ops`.
    gate : callable
        Of `tscnn.network.functional`: the units' activation.

    Returns
    -------
    array or tensor of shape (batch, positions, horizon, n_targets)
        What is added to the forecasts of the stack alone.
    """
    units = ops.matmul(ahead, weights.known)  # (batch, positions, horizon, 2 * filters)
    units += weights.steps  # in place where that is possible, which takes half the time
    apart = len(hidden.shape) == 4
    if apart:
        swapped = take_features(ops.transpose(hidden, (0, 1, 3, 2)), targets, ops)
        hidden = ops.transpose(swapped, (0, 1, 3, 2))  # (batch, positions, targets, filters)
    said = ops.matmul(hidden, weights.hidden)[..., None, :]
    if apart:
        units = said + units[:, :, None]  # (batch, positions, targets, horizon, ..)
    else:
        units += said
    forecasts = ops.matmul(gate(units), weights.outputs)
    return ops.transpose(forecasts[..., 0], (0, 1, 3, 2)) if apart else forecasts
