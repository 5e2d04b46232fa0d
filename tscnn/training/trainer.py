"""A Keras model whose output is the loss of each origin: many steps in one call, and no window is ever copied out."""

from __future__ import annotations

from typing import Any

import numpy as np

from tscnn.data.mapped import is_mapped
from tscnn.network.backend import keras, ops
from tscnn.network.graph import Network
from tscnn.training.loss import loss_function

__all__ = ["LoopingTrainer", "SegmentTrainer", "weighted_mean"]


class SegmentTrainer(keras.Model):
    """Give the loss of each origin of a batch of segments, taken from rows that are held in memory once.

    Parameters
    ----------
    forecast : callable
        Layer: (batch, time, features), and what is known ahead (batch, positions, horizon, n_ahead) or None ->
        (batch, positions, horizon, targets); a single origin's for segments of one.
    rows : ndarray of shape (n_rows, n_features)
        All series, one behind the other. Where they lie in a file they are not held in memory: what segments hold is
        called with in place of their starts, of `StoredSegments.cut`.
    network : Network
        Whose weights are trained: what callbacks save, load, get and set.
    n_origins : int
        Origins of a segment.
    loss : str or callable
        Of `loss_function`.
    units : ndarray of shape (n_targets,), optional
        By which targets are divided where they are evaluated; not in training.
    ahead : ndarray of shape (n_rows, n_ahead), optional
        What is known ahead of each row.
    beside : ndarray of shape (n_rows, horizon, n_targets), optional
        Other forecasts from every row, that these are added to.
    observed : ndarray of bool of shape (n_rows, n_features), optional
        Which outcomes count: the others are taken as forecast, so that they carry no loss.
    """

    def __init__(
        self,
        forecast: Any,
        rows: np.ndarray,
        network: Network,
        n_origins: int,
        loss: Any,
        *,
        units: Any = None,
        ahead: np.ndarray | None = None,
        beside: np.ndarray | None = None,
        observed: np.ndarray | None = None,
    ) -> None:
        super().__init__(name="segment_trainer")
        self.forecast = forecast
        self.network = network.dense
        config = network.config
        self.origin_loss = loss_function(loss)
        self.targets = list(config.targets)
        self.units = units
        self.n_inputs = config.lookback + n_origins - 1
        self.lookback = config.lookback
        self.offsets = np.arange(self.n_inputs + config.horizon)
        self.target_offsets = np.arange(n_origins)[:, None] + np.arange(config.horizon)
        self.every_column = self.targets == list(range(rows.shape[1]))
        self.rows = self.ahead = self.beside = self.observed = None
        if observed is not None:
            self.share = float(observed[:, self.targets].mean())
        self.has = [one is not None for one in (ahead, beside, observed)]
        if is_mapped(rows):
            self.built = True
            return
        self.rows = self.add_weight(shape=rows.shape, initializer="zeros", trainable=False, name="rows")
        self.rows.assign(rows)
        if ahead is not None:
            self.ahead = self.add_weight(shape=ahead.shape, initializer="zeros", trainable=False, name="ahead")
            self.ahead.assign(ahead)
        if beside is not None:
            self.beside = self.add_weight(shape=beside.shape, initializer="zeros", trainable=False, name="beside")
            self.beside.assign(beside)
        if observed is not None:
            # Of bytes: a bool one is taken for trainable by torch.
            self.observed = self.add_weight(shape=rows.shape, dtype="uint8", initializer="ones", trainable=False)
            self.observed.assign(observed)
        self.built = True

    def __reduce__(self) -> Any:
        """Leave nothing in a copy of a callback that refers to this: neither rows nor graph."""
        return type(None), ()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the network, as ``keras.callbacks.ModelCheckpoint`` asks."""
        self.network.save(*args, **kwargs)

    def save_weights(self, *args: Any, **kwargs: Any) -> None:
        """Save the weights of the network."""
        self.network.save_weights(*args, **kwargs)

    def load_weights(self, *args: Any, **kwargs: Any) -> None:
        """Load the weights of the network."""
        self.network.load_weights(*args, **kwargs)

    def get_weights(self) -> list[np.ndarray]:
        """Return the weights of the network, not the rows."""
        return list(self.network.get_weights())

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Set the weights of the network."""
        self.network.set_weights(weights)

    def call(self, starts: Any, training: bool = False) -> Any:
        """Return the loss of every origin: (batch,) -> (batch, n_origins)."""
        if self.rows is None:
            segments, later, beside, observed = self._unpack(starts)
        else:
            at = ops.clip(starts[:, None] + ops.cast(self.offsets, starts.dtype), 0, self.rows.shape[0] - 1)
            segments = ops.take(self.rows, at, axis=0)  # (batch, lookback + n_origins - 1 + horizon, features)
            later = None if self.ahead is None else ops.take(self.ahead, at[:, self.lookback :], axis=0)
            observed = None if self.observed is None else ops.take(self.observed, at, axis=0)
            origins = at[:, self.lookback - 1 : self.n_inputs]
            beside = None if self.beside is None else ops.take(self.beside, origins, axis=0)
        known = None
        if later is not None:
            known = ops.take(later, self.target_offsets, axis=1)  # (batch, n_origins, horizon, n_ahead)
        forecasts = self.forecast(segments[:, : self.n_inputs], known, training=training)
        forecasts, outcomes = ops.cast(forecasts, "float32"), self._outcomes_of(segments)
        if beside is not None:
            forecasts += beside
        if observed is not None:
            outcomes = ops.where(self._outcomes_of(observed) > 0, outcomes, forecasts)
        if self.units is not None and not training:
            units = ops.convert_to_tensor(self.units)
            outcomes, forecasts = outcomes / units, forecasts / units
        losses = self.origin_loss(outcomes, forecasts)  # (batch, n_origins, horizon)
        losses = ops.mean(losses, axis=-1)
        return losses if observed is None else losses / self.share

    def _unpack(self, held: Any) -> list[Any]:
        """Tell what segments hold: rows, what is known ahead, other forecasts, which outcomes count; None without."""
        rows, *others = held
        left = iter(others)
        return [rows, *(next(left) if has else None for has in self.has)]

    def _outcomes_of(self, segments: Any) -> Any:
        """Cut what follows each origin: (batch, n_origins, horizon, targets)."""
        outcomes = ops.take(segments[:, self.lookback :], self.target_offsets, axis=1)
        if not self.every_column:
            outcomes = ops.take(outcomes, self.targets, axis=-1)
        return outcomes


def weighted_mean(weights: Any, losses: Any) -> Any:
    """Average the losses of a batch's origins; the weights of an epoch's batches have a mean of one."""
    return ops.mean(weights * losses, axis=-1)


class LoopingTrainer(SegmentTrainer):
    """A `SegmentTrainer` that takes many batches a call, and runs one step after the other in the compiled graph.

    A call is (starts, weights) of shapes (steps, batch) and (steps, batch, n_origins); steps without weight are left
    out. A step of a small network takes less time than Keras and TensorFlow take to feed it and to launch it.
    """

    def train_step(self, data: Any) -> Any:
        """Train on each batch."""
        starts, weights = data
        n_steps = ops.sum(ops.cast(ops.any(weights > 0, axis=(1, 2)), "int32"))

        def body(i: Any) -> Any:
            one = starts[i] if self.rows is not None else tuple(part[i] for part in starts)
            super(LoopingTrainer, self).train_step((one, weights[i]))
            return i + 1

        ops.while_loop(lambda i: i < n_steps, body, 0)
        return self.get_metrics_result()
