"""A model that takes outcomes as `make_windows` cuts them, and refuses those that don't belong to its forecasts."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import received
from tscnn.network.backend import keras, ops
from tscnn.network.layers.shared import register

__all__ = ["CausalModel"]


@register
class CausalModel(keras.Model):
    """A functional model from rows to forecasts, (batch, time, features) -> (batch, positions, horizon, targets).

    It is trained and evaluated on outcomes of that shape; or, where each sample is one window, so that there is one
    position, of the shape (batch, horizon, targets), or (batch, horizon) of one target. Any other shape is refused:
    Keras would repeat the outcomes of each window for all of the others, and train on that.
    """

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Compute the loss of outcomes that belong to the forecasts.

        Parameters
        ----------
        x, y, y_pred, sample_weight : tensor
            As Keras passes them.
        training : bool, default True
            As Keras passes it.

        Returns
        -------
        tensor
            A number.

        Raises
        ------
        ValueError
            If the outcomes `y` have another shape.
        """
        return super().compute_loss(x, _match(y, y_pred), y_pred, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Compute the metrics of outcomes that belong to the forecasts.

        Parameters
        ----------
        x, y, y_pred, sample_weight : tensor
            As Keras passes them.

        Returns
        -------
        dict of str to tensor
            By name.
        """
        return super().compute_metrics(x, _match(y, y_pred), y_pred, sample_weight)


def _match(outcomes: Any, forecasts: Any) -> Any:
    if outcomes is None:
        return None
    _, n_positions, horizon, n_targets = forecasts.shape
    if getattr(outcomes.shape, "rank", 0) is None:  # TensorFlow forgets it where it was another before
        return ops.reshape(outcomes, ops.shape(forecasts))
    _, *shape = outcomes.shape
    if shape == [horizon, n_targets] or (shape == [horizon] and n_targets == 1):
        if n_positions in (1, None):
            return ops.reshape(outcomes, ops.shape(forecasts))
    elif shape[1:] == [horizon, n_targets] and (shape[0] == n_positions or None in (shape[0], n_positions)):
        return outcomes
    of_rows, of_window = f"{n_positions or 'positions'}, {horizon}, {n_targets}", f"{horizon}, {n_targets}"
    rule = f"`y` must have the shape of the forecasts, (batch, {of_rows}), or of one window a sample, "
    rule += f"(batch, {of_window}), as make_windows cuts them."
    raise ValueError(received(rule, shape=("batch", *shape)))
