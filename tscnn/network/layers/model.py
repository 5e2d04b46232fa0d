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

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Train, see ``keras.Model.fit``.

        Parameters
        ----------
        x, y : array, tensor or dataset
            Rows and outcomes.
        *args, **kwargs
            Of ``keras.Model.fit``.

        Returns
        -------
        keras.callbacks.History
            Of the losses.
        """
        if self.compiled and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)  # here, or TensorFlow traces the first step twice
        return super().fit(x, self._match_arrays(x, y), *args, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Evaluate, see ``keras.Model.evaluate``.

        Parameters
        ----------
        x, y : array, tensor or dataset
            Rows and outcomes.
        *args, **kwargs
            Of ``keras.Model.evaluate``.

        Returns
        -------
        float, list of float or dict
            Loss and metrics.
        """
        return super().evaluate(x, self._match_arrays(x, y), *args, **kwargs)

    def _match_arrays(self, x: Any, y: Any) -> Any:
        """Match what has a shape before Keras makes batches, of which TensorFlow may not know the rank."""
        if not (hasattr(x, "shape") and hasattr(y, "shape")):
            return y
        return _match(y, self.compute_output_spec(keras.KerasTensor((*x.shape[:2], self.input_shape[-1]))))

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
        if n_positions == 1:
            return outcomes[:, None] if len(shape) == 2 else outcomes[:, None, :, None]
        if n_positions is None:
            return ops.reshape(outcomes, ops.shape(forecasts))
    elif shape[1:] == [horizon, n_targets] and (shape[0] == n_positions or None in (shape[0], n_positions)):
        return outcomes
    of_rows, of_window = f"{n_positions or 'positions'}, {horizon}, {n_targets}", f"{horizon}, {n_targets}"
    rule = f"`y` must have the shape of the forecasts, (batch, {of_rows}), or of one window a sample, "
    rule += f"(batch, {of_window}), as make_windows cuts them."
    raise ValueError(received(rule, shape=("batch", *shape)))
