"""Train a network on every origin of a series that stays where it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tscnn.data.windows import Segments, cut_segments
from tscnn.network.backend import can_jit, device_scope, keras, on_tensorflow, ops
from tscnn.network.config import NetworkConfig
from tscnn.network.graph import Network
from tscnn.statistics.gate import FEWEST_BLOCKS
from tscnn.training.best_weights import BestWeights, describe_trust, scale_head
from tscnn.training.optimizer import FlatAdamW

__all__ = ["TrainingSettings", "train", "write_line"]

N_STEPS = 300  # that epochs="auto" aims at: from its linear start a network learns fast, and then overfits
N_ROUNDS = 3  # of epochs="auto" at most, each twice as long as the one before
ROUND_VALUES = 500_000_000  # forecast values up to the end of any round but the first: some minutes at most
EPOCH_VALUES = 50_000_000  # forecast values in an epoch of epochs="auto", at most: some seconds
EPOCH_STEPS = 30  # that it has in any case, or all there are
JUDGED_VALUES = 20_000_000  # outcomes that an epoch is judged by, unless a horizon is shorter than a segment
STEP_VALUES = 1_000_000  # forecast values that are judged at a time, unless a training step has more
LOOPED_STEPS = 64  # of one call, at most
SEGMENT_ORIGINS = 32  # at least: neighbours are alike, so that several short segments a step teach more than a long one


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained; the fields are parameters of `tscnn.Forecaster`."""

    training: str
    loss: Any
    epochs: int | str
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int
    callbacks: Sequence[Any]
    device: str
    seed: int
    verbose: bool


def train(
    network: Network,
    rows: np.ndarray,
    training_origins: Iterable[range],
    validation_origins: Iterable[range],
    settings: TrainingSettings,
) -> tuple[dict[str, list[float]], np.ndarray]:
    """Train a network in place, and leave it with the weights of its best epoch.

    Parameters
    ----------
    network : Network
        Its present weights are the start, and compete with those of every epoch on the validation origins.
    rows : ndarray of shape (n_rows, n_features)
        Series one behind the other.
    training_origins, validation_origins : iterable of range
        Of `find_origins`. Without validation origins every epoch runs, and the last weights stay.
    settings : TrainingSettings
        See there.

    Returns
    -------
    history : dict
        "loss", and "val_loss" where there are validation origins: a float an epoch.
    losses : ndarray of shape (n_origins,)
        Of the weights that stay, one for each validation origin that is judged, which are some evenly spread stretches
        where horizons are long and outcomes are many; without these one of the last epoch's training.
    """
    config, judged = network.config, list(validation_origins)
    batches, validation, rounds = _plan(list(training_origins), judged, config, settings)
    trainer_class = LoopingTrainer if batches.n_looped else SegmentTrainer
    with device_scope(settings.device):
        model = network.dense if settings.training == "dense" else network.single_origin
        trainer = trainer_class(model, rows, config, batches.weights.shape[1], settings.loss)
        decay = keras.optimizers.schedules.CosineDecayRestarts(settings.learning_rate, rounds[0] * batches.n_batches)
        optimizer = FlatAdamW(decay, settings.weight_decay)
        optimizer.build(trainer.trainable_variables)  # here, or the first step is traced twice
        trainer.compile(optimizer=optimizer, loss=weighted_mean, jit_compile=can_jit(settings.device))
        best, has_linear_map = None, config.linear_maps is not None
        if validation is not None:
            judge, scales = partial(origin_losses, trainer, validation), has_linear_map and _can_tell(judged, config)
            best = BestWeights(network.dense, judge, settings.patience, rounds, scales=scales)
        lines = EpochLines(rounds) if settings.verbose else None
        fitted = trainer.fit(
            batches,
            epochs=rounds[-1],
            callbacks=[callback for callback in (best, *settings.callbacks, lines) if callback is not None],
            shuffle=False,  # the batches shuffle themselves, from their own seed
            verbose=0,
        )
        history = {name: list(map(float, values)) for name, values in fitted.history.items()}
        if best is None:
            return history, np.array(history["loss"][-1:])
        losses = best.losses
        if has_linear_map:
            apart = -(-config.horizon * len(losses) // sum(map(len, judged)))
            share = scale_head(network, best.start_losses - best.losses, apart)
            if share is not None:
                losses = best.judge() if share else best.start_losses
                share *= best.scale
            if settings.verbose:
                write_line(describe_trust(share))
    return history, losses


def _plan(
    training: Sequence[range], validation: Sequence[range], config: NetworkConfig, settings: TrainingSettings
) -> tuple[SegmentBatches, SegmentBatches | None, list[int]]:
    """Return the batches to train on, those to judge on, and the epochs after which each round ends."""
    longest = max(len(stretch) for stretch in training)
    n_origins = min(_segment_origins(settings.training, config.lookback), settings.batch_size, longest)
    segments, judged = (cut_segments(origins, config.lookback, n_origins) for origins in (training, validation))
    batch_size = min(settings.batch_size // n_origins, len(segments.starts))
    n_values = batch_size * n_origins * config.horizon * len(config.targets)  # that a step forecasts
    most_batches = None
    if isinstance(settings.epochs, int):
        rounds = [settings.epochs]
    else:
        telling = validation if judged.n_origins else training
        hopeless = config.linear_maps is not None and not _can_tell(telling, config)
        n_rounds = N_ROUNDS if judged.n_origins else 1
        rounds, most_batches = plan_rounds(-(-len(segments.starts) // batch_size), n_values, hopeless, n_rounds)
        if hopeless and judged.n_origins:
            most_batches = 1  # what it teaches is taken back
    n_looped = LOOPED_STEPS if on_tensorflow() else None  # what other backends compile is launched in no time
    batches = SegmentBatches(segments, batch_size, n_looped, settings.seed, most_batches)
    judged = _thin(judged, config)
    judged_size = batch_size * int(np.clip(STEP_VALUES // n_values, 1, 4))
    return batches, SegmentBatches(judged, judged_size) if judged.n_origins else None, rounds


def _thin(segments: Segments, config: NetworkConfig) -> Segments:
    """Leave out segments that share most of their outcomes with those beside them, if there are many outcomes."""
    n_values = segments.n_origins * config.horizon * len(config.targets)
    every = max(1, min(-(-n_values // JUDGED_VALUES), config.horizon // segments.weights.shape[1]))
    return Segments(segments.starts[::every], segments.weights[::every])


def _can_tell(origins: Sequence[range], config: NetworkConfig) -> bool:
    """Return whether they are enough for `scale_head` to trust anything."""
    return sum(map(len, origins)) >= FEWEST_BLOCKS * config.horizon


def plan_rounds(n_batches: int, n_values: int, hopeless: bool, most_rounds: int) -> tuple[list[int], int]:
    """Return what epochs="auto" makes of passes of so many batches, and a batch of so many forecast values.

    That is the epochs after which each round ends, and the most batches of one epoch. What `scale_head` will not trust
    in any case, `hopeless`, is given one epoch.
    """
    most_batches = max(EPOCH_STEPS, EPOCH_VALUES // n_values)
    if hopeless:
        return [1], most_batches
    epochs = int(np.clip(-(-N_STEPS // n_batches), 3, 50))
    rounds = [epochs * (2**n - 1) for n in range(1, most_rounds + 1)]
    values = n_values * min(n_batches, most_batches)  # of an epoch
    return [rounds[0], *(end for end in rounds[1:] if end * values <= ROUND_VALUES)], most_batches


def origin_losses(trainer: SegmentTrainer, batches: SegmentBatches) -> np.ndarray:
    """Return the loss of every origin, oldest first."""
    losses = [
        trainer.predict_on_batch(batches.starts[i : i + batches.batch_size])
        for i in range(0, len(batches.starts), batches.batch_size)
    ]
    return np.concatenate(losses)[batches.weights > 0]


def _segment_origins(training: str, lookback: int) -> int:
    """Choose the origins of a segment: long enough that the context before them costs at most a few times as much."""
    if training == "window":
        return 1
    return max(SEGMENT_ORIGINS, 1 << (lookback // 4 - 1).bit_length() if lookback > 4 else 1)


class SegmentTrainer(keras.Model):
    """Give the loss of each origin of a batch of segments, taken from rows that are held in memory once.

    Parameters
    ----------
    network : keras.Model
        (batch, time, features) -> (batch, positions, horizon, targets); a single origin's for segments of one.
    rows : ndarray of shape (n_rows, n_features)
        All series, one behind the other.
    config : NetworkConfig
        Of the network.
    n_origins : int
        Origins of a segment.
    loss : str or callable
        Name of a Keras loss, a Keras loss, or a function (targets, forecasts) -> loss, the last axis averaged.
    """

    def __init__(self, network: Any, rows: np.ndarray, config: NetworkConfig, n_origins: int, loss: Any) -> None:
        super().__init__(name="segment_trainer")
        self.network = network
        loss = keras.losses.get(loss)
        self.origin_loss = loss.call if isinstance(loss, keras.losses.Loss) else loss
        self.targets = list(config.targets)
        self.n_inputs = config.lookback + n_origins - 1
        self.lookback = config.lookback
        self.offsets = np.arange(self.n_inputs + config.horizon)
        self.target_offsets = np.arange(n_origins)[:, None] + np.arange(config.horizon)
        self.rows = self.add_weight(shape=rows.shape, initializer="zeros", trainable=False, name="rows")
        self.rows.assign(rows)
        self.built = True

    def call(self, starts: Any, training: bool = False) -> Any:
        """Return the loss of every origin: (batch,) -> (batch, n_origins)."""
        at = ops.clip(starts[:, None] + self.offsets, 0, self.rows.shape[0] - 1)
        segments = ops.take(self.rows, at, axis=0)  # (batch, lookback + n_origins - 1 + horizon, features)
        forecasts = self.network(segments[:, : self.n_inputs], training=training)
        outcomes = ops.take(segments[:, self.lookback :], self.target_offsets, axis=1)
        if self.targets != list(range(self.rows.shape[1])):
            outcomes = ops.take(outcomes, self.targets, axis=-1)
        losses = self.origin_loss(outcomes, ops.cast(forecasts, "float32"))  # (batch, n_origins, horizon)
        return ops.mean(losses, axis=-1)


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
            super(LoopingTrainer, self).train_step((starts[i], weights[i]))
            return i + 1

        ops.while_loop(lambda i: i < n_steps, body, 0)
        return self.get_metrics_result()


class SegmentBatches(keras.utils.PyDataset):
    """Batches of (starts, weights), all of one shape, reshuffled each epoch from `seed`.

    The last batch is filled up with segments of weight 0, and the weights are scaled to a mean of one, so that the
    mean over equal batches is the mean over origins. Given `n_looped`, an item is what a `LoopingTrainer` takes: up to
    that many batches on a leading axis, the last item filled up with batches of weight 0. Given `most_batches`, an
    epoch has no more of them: those that come first in its order.
    """

    def __init__(
        self,
        segments: Segments,
        batch_size: int,
        n_looped: int | None = None,
        seed: int | None = None,
        most_batches: int | None = None,
    ) -> None:
        super().__init__()
        self.batch_size = batch_size
        n_batches = -(-len(segments.starts) // batch_size)
        n_filling = n_batches * batch_size - len(segments.starts)
        self.n_batches = min(n_batches, most_batches or n_batches)
        weights = np.pad(segments.weights, ((0, n_filling), (0, 0)))
        self.starts = np.pad(segments.starts, (0, n_filling), mode="edge")
        self.weights = weights / weights.mean()
        self.n_looped = n_looped and min(n_looped, self.n_batches)
        self.order = np.arange(len(self.starts))
        self.random = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        """Count the items."""
        return -(-self.n_batches // (self.n_looped or 1))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (starts, weights) of one batch, (batch_size,) and (batch_size, n_origins), or of a loop of them."""
        n_segments = self.batch_size * (self.n_looped or 1)
        item = self.order[index * n_segments : min((index + 1) * n_segments, self.n_batches * self.batch_size)]
        starts, weights = self.starts[item], self.weights[item]
        if self.n_looped:
            n_filling = n_segments - len(item)
            starts = np.pad(starts, (0, n_filling)).reshape(self.n_looped, self.batch_size)
            weights = np.pad(weights, ((0, n_filling), (0, 0))).reshape(*starts.shape, -1)
        return starts, weights

    def on_epoch_end(self) -> None:
        """Shuffle the segments."""
        if self.random is not None:
            self.random.shuffle(self.order)


class EpochLines(keras.callbacks.Callback):
    """Write one line an epoch."""

    def __init__(self, rounds: Sequence[int]) -> None:
        super().__init__()
        self.rounds = rounds

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take the time."""
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the epoch's losses."""
        losses = f"loss {logs['loss']:.4f}"
        if "val_loss" in logs:
            losses += f"   validation loss {logs['val_loss']:.4f}"
        last, seconds = next(end for end in self.rounds if epoch < end), time.perf_counter() - self.began
        write_line(f"epoch {epoch + 1:{len(str(last))}}/{last}   {losses}   {seconds:.1f} s")


def write_line(line: str) -> None:
    """Write a line at once, also where output is piped."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
