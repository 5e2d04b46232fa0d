"""Train a network on every origin of a series that stays where it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tscnn.common.interrupts import is_own_fit
from tscnn.common.progress import Tell, say_nothing
from tscnn.data.mapped import is_mapped
from tscnn.data.windows import Segments, cut_segments
from tscnn.network.backend import can_jit, device_scope, find_distribution, keras, on_tensorflow
from tscnn.network.config import NetworkConfig
from tscnn.network.graph import Network
from tscnn.network.term import NetworkTerm
from tscnn.statistics.gate import GateResult
from tscnn.statistics.influence import limit_influence
from tscnn.training.best_weights import BestWeights, describe_scaling, scale_head
from tscnn.training.callbacks import EpochLines, FiniteLosses, diverged
from tscnn.training.checkpoint import Keep, State
from tscnn.training.graph import Assembled, TermsLayer
from tscnn.training.loss import check_loss
from tscnn.training.optimizer import FlatAdamW
from tscnn.training.resuming import Resuming
from tscnn.training.segments import SegmentBatches, StoredSegments
from tscnn.training.settings import Training
from tscnn.training.trainer import LoopingTrainer, SegmentTrainer, weighted_mean

__all__ = ["Trained", "train"]

MOST_JUDGED = 2**26  # outcomes that segments which share none are evaluated on: a convention


@dataclass(frozen=True)
class Trained:
    """What training tells of itself; the weights that stay are in the network.

    Attributes
    ----------
    history : dict
        "loss", and "val_loss" where there are validation origins: a float an epoch.
    losses : ndarray of shape (n_origins,)
        Of the forecasts with the weights that stay, one for each validation origin that is evaluated, which are some
        evenly spread stretches where horizons are long and outcomes are many; without these one of the last epoch's
        training.
    gate : GateResult or None
        Of what the network gains beside linear terms. None without them or without validation origins, and where no
        epoch was better than the start.
    interrupted : bool
        Whether it ended before its time.
    """

    history: dict[str, list[float]]
    losses: np.ndarray
    gate: GateResult | None = None
    interrupted: bool = False


def train(
    network: Network,
    rows: np.ndarray,
    terms: Sequence[Any],
    training_origins: Iterable[range],
    validation_origins: Iterable[range],
    settings: Training,
    *,
    ahead: Any = None,
    beside: np.ndarray | None = None,
    observed: np.ndarray | None = None,
    device: str = "auto",
    seed: int = 0,
    tell: Tell = say_nothing,
    before: State | None = None,
    keep: Keep | None = None,
) -> Trained:
    """Train a network in place, and leave it with the weights of its best epoch.

    Parameters
    ----------
    network : Network
        Its present weights are the start, and compete with those of every epoch on the validation origins.
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    terms : sequence of Term
        Linear terms, with `in_graph`, whose forecasts the network's are added to; they are not trained. May be empty.
    training_origins, validation_origins : iterable of range
        Of `find_origins`. Without validation origins every epoch runs, and the last weights stay.
    settings : Training
        See there.
    ahead : ndarray of shape (n_rows, n_ahead), optional
        What is known ahead of each row; where rows lie in a file the function of `StoredSegments` that returns it.
    beside : ndarray of shape (n_rows, horizon, n_targets), optional
        Other forecasts from every row, that the network's are added to; of rows in memory.
    observed : ndarray of bool of shape (n_rows, n_features), optional
        Which values are no fillings, and count as outcomes.
    device : str, default "auto"
        Of `device_scope`.
    seed : int, default 0
        Of the order of the segments.
    tell : callable, default none
        Takes a line an epoch.
    before : State, optional
        To go on from, to the bit, without `callbacks` of the user.
    keep : callable, optional
        Takes the state after each epoch.

    Returns
    -------
    Trained
        See there.

    Raises
    ------
    TypeError, ValueError
        Naming the setting that breaks a rule; or if a loss is not finite, saying what to try.
    KeyboardInterrupt
        If there is nothing yet that could stay, or the fit is a part of something larger.
    """
    settings.check()
    check_loss(settings.loss, len(network.config.targets))
    config, validation = network.config, list(validation_origins)
    plan = plan_training(list(training_origins), validation, config, settings, has_terms=bool(terms), seed=seed)
    with device_scope(device):
        units = find_units(rows, validation, config)
        if is_mapped(rows):
            n_inputs = config.lookback + plan.training.weights.shape[1] - 1
            stored = StoredSegments(rows, n_inputs, config.horizon, config.lookback, ahead, beside, observed)
            for batches in (plan.training, plan.validation):
                if batches is not None:
                    batches.stored = stored
        given = {"units": units, "ahead": ahead, "beside": beside, "observed": observed}
        trainer = _make_trainer(network, rows, terms, plan, settings, given, can_jit(device))
        best = None
        if plan.validation is not None:
            best = BestWeights(
                network.dense,
                network.head_variables,
                partial(origin_losses, trainer, plan.validation),
                settings.patience,
                plan.rounds,
                scales=bool(terms) and _can_tell(validation, config, settings),
                round_gain=settings.round_gain,
                least_scale=settings.least_scale,
            )
        ended = FiniteLosses(settings)
        resuming = None
        if keep is not None:
            variables = [*network.dense.variables, *trainer.optimizer.variables]
            resuming = Resuming(variables, plan.training, best, plan.rounds[-1], keep)
            if before is not None:
                resuming.restore(before)
                ended.n_epochs = resuming.n_done
        callbacks = [best, ended, *(settings.callbacks or ()), EpochLines(plan.rounds, tell), resuming]
        interrupted = False
        try:
            if resuming is None or not resuming.has_ended:
                trainer.fit(
                    plan.training,
                    initial_epoch=0 if resuming is None else resuming.n_done,
                    epochs=plan.rounds[-1],
                    callbacks=[callback for callback in callbacks if callback is not None],
                    shuffle=False,  # the batches shuffle themselves, from their own seed
                    verbose=0,
                )
        except KeyboardInterrupt:
            if not (ended.n_epochs if best is None else best.has_better) or not is_own_fit():
                raise
            interrupted = True
            for callback in settings.callbacks or ():
                callback.on_train_end()
        history = _read_history(trainer.history.history if resuming is None else resuming.history)
        if best is None:
            _check_finite(network, rows, ahead, settings)
            return Trained(history, np.array(history["loss"][-1:]), interrupted=interrupted)
        best.put_back()  # here, since callbacks set weights, too, when training ends
        if not terms:
            return Trained(history, best.losses, interrupted=interrupted)
        trained = _shrink(network, best, history, sum(map(len, validation)), settings, tell)
        return replace(trained, interrupted=interrupted)


def _make_trainer(
    network: Network,
    rows: np.ndarray,
    terms: Sequence[Any],
    plan: Plan,
    settings: Training,
    given: Mapping[str, Any],
    jit: bool | str,
) -> SegmentTrainer:
    """Make what trains a network beside linear terms, and compile it."""
    model = network.dense if settings.mode == "dense" else network.single_origin
    linear = TermsLayer(terms, network.config.lookback, dtype="float32", name="terms") if terms else None
    assembled = Assembled(model, linear, dtype="float32", name="assembled")
    trainer_class = LoopingTrainer if plan.training.n_looped else SegmentTrainer
    n_origins = plan.training.weights.shape[1]
    trainer = trainer_class(assembled, rows, network, n_origins, settings.loss, **given)
    n_first = plan.rounds[0] * plan.training.n_batches
    decay = keras.optimizers.schedules.CosineDecayRestarts(settings.learning_rate, n_first)
    optimizer = FlatAdamW(decay, settings.weight_decay)
    optimizer.build(trainer.trainable_variables)  # here, or the first step is traced twice
    eagerly = on_tensorflow() and plan.n_steps < settings.traced_steps
    trainer.compile(optimizer=optimizer, loss=weighted_mean, jit_compile=jit and not eagerly, run_eagerly=eagerly)
    return trainer


def _read_history(history: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Return the losses of the epochs that ended, and what callbacks add to them."""
    found = {name: list(map(float, values)) for name, values in history.items()}
    n_epochs = min(map(len, found.values()), default=0)  # an interrupt may come while an epoch is noted
    return {"loss": [], **{name: values[:n_epochs] for name, values in found.items()}}


def _check_finite(network: Network, rows: np.ndarray, ahead: Any, settings: Training) -> None:
    """Complain of weights that the last step, whose loss nothing has looked at, has made useless."""
    lookback, horizon = network.config.lookback, network.config.horizon
    known = (
        None if ahead is None else ahead(np.arange(-horizon, 0) + len(rows)) if callable(ahead) else ahead[-horizon:]
    )
    known = None if known is None else known[None]
    with np.errstate(all="ignore"):
        forecast = NetworkTerm.from_keras(network).last(rows[None, -lookback:], known)
    if not np.isfinite(forecast).all():
        raise diverged("forecasts are not", settings)


def _shrink(
    network: Network,
    best: BestWeights,
    history: dict[str, list[float]],
    n_origins: int,
    settings: Training,
    tell: Tell,
) -> Trained:
    """Scale the head by how far what the network gains beside linear terms can be told from chance."""
    apart = -(-network.config.horizon * len(best.losses) // n_origins)  # of the origins that were evaluated
    how = {"level": settings.level, "shrinkage": settings.shrinkage}
    result = scale_head(network.head_variables, best.start_losses, best.losses, apart, **how)
    losses = best.losses
    if result is not None:
        losses = best.judge() if result.kept else best.start_losses
    tell(describe_scaling(result))
    return Trained(history, losses, result)


# What is trained on, and for how long


@dataclass(frozen=True)
class Plan:
    """Batches to train on and to evaluate on, and the epochs after which each round ends."""

    training: SegmentBatches
    validation: SegmentBatches | None
    rounds: list[int]

    @property
    def n_steps(self) -> int:
        """Steps of training and of evaluation, at most."""
        n_epochs = self.rounds[-1]
        return n_epochs * self.training.n_batches + (n_epochs + 2) * (
            self.validation.n_batches if self.validation else 0
        )


def plan_training(
    training: Sequence[range],
    validation: Sequence[range],
    config: NetworkConfig,
    settings: Training,
    *,
    has_terms: bool,
    seed: int,
) -> Plan:
    """Decide what is trained and evaluated on.

    Parameters
    ----------
    training, validation : sequence of range
        Origins.
    config : NetworkConfig
        Of the network.
    has_terms : bool
        Whether it is trained beside linear terms.
    settings : Training
        How it is trained.
    seed : int
        Of the order of the segments.

    Returns
    -------
    Plan
        See there.
    """
    longest = max(len(stretch) for stretch in training)
    n_origins = min(_segment_origins(settings, config.lookback), settings.batch_size, longest)
    segments, held_out = (cut_segments(origins, config.lookback, n_origins) for origins in (training, validation))
    batch_size = min(settings.batch_size // n_origins, len(segments.starts))
    together = find_distribution()
    batch_size += -batch_size % together.n_devices  # each has as many segments
    n_values = batch_size * n_origins * config.horizon * len(config.targets)  # that a step forecasts
    most_batches = None
    if isinstance(settings.epochs, str):
        telling = validation if held_out.n_origins else training
        hopeless = has_terms and not _can_tell(telling, config, settings)
        n_rounds = settings.n_rounds if held_out.n_origins else 1
        n_batches = -(-len(segments.starts) // batch_size)
        rounds, most_batches = plan_rounds(n_batches, n_values, hopeless, n_rounds, settings)
    else:
        rounds = [int(settings.epochs)]
    n_looped = settings.looped_steps if on_tensorflow() else None  # what other backends compile is launched in no time
    share = together.process, together.n_processes
    batches = SegmentBatches(segments, batch_size, n_looped, seed, most_batches, share)
    held_out = thin(held_out, config, settings)
    validation_size = batch_size * int(np.clip(settings.step_values // n_values, 1, 4))
    return Plan(batches, SegmentBatches(held_out, validation_size) if held_out.n_origins else None, rounds)


def _segment_origins(settings: Training, lookback: int) -> int:
    """Choose the origins of a segment: long enough that the context before them costs at most a few times as much."""
    if settings.mode == "window":
        return 1
    if not isinstance(settings.segment_origins, str):
        return int(settings.segment_origins)
    return max(32, 1 << (lookback // 4 - 1).bit_length() if lookback > 4 else 1)


def thin(segments: Segments, config: NetworkConfig, settings: Training) -> Segments:
    """Leave out segments if there are many outcomes: those that share most of them with those beside, or any of more.

    Parameters
    ----------
    segments : Segments
        Of the validation origins.
    config : NetworkConfig
        For the horizon and the number of targets.
    settings : Training
        For the outcomes to evaluate.

    Returns
    -------
    Segments
        Every first, second, third .. of them.
    """
    n_values = segments.n_origins * config.horizon * len(config.targets)
    every = max(1, min(-(-n_values // settings.validation_values), config.horizon // segments.weights.shape[1]))
    if n_values > MOST_JUDGED * every:  # of millions of rows
        every = -(-n_values // settings.validation_values)
    return Segments(segments.starts[::every], segments.weights[::every])


def _can_tell(origins: Sequence[range], config: NetworkConfig, settings: Training) -> bool:
    """Return whether they are enough for `scale_head` to keep anything."""
    return sum(map(len, origins)) >= settings.fewest_blocks * config.horizon


def find_units(rows: np.ndarray, validation: Sequence[range], config: NetworkConfig) -> np.ndarray | None:
    """Find units for targets far outside of their training values in validation, where they would decide for all.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    validation : sequence of range
        Origins.
    config : NetworkConfig
        For the horizon and the targets.

    Returns
    -------
    ndarray of shape (n_targets,), float32, or None
        1, or more where the mean square of the outcomes is more than ten times that of the median target. None where
        that is none.
    """
    outcomes = [rows[s.start + 1 : s.stop + config.horizon, list(config.targets)] for s in validation if s]
    if not outcomes:
        return None
    shares = limit_influence(np.maximum(np.square(np.concatenate(outcomes), dtype=np.float64).mean(axis=0), 1))
    return None if (shares == 1).all() else np.asarray(shares**-0.5, np.float32)


def plan_rounds(
    n_batches: int, n_values: int, hopeless: bool, most_rounds: int, settings: Training
) -> tuple[list[int], int]:
    """Plan the epochs of ``epochs="auto"``.

    Parameters
    ----------
    n_batches, n_values : int
        Of a pass over all origins, and forecast values of a batch.
    hopeless : bool
        Whether `scale_head` will keep nothing in any case: one epoch is enough, then.
    most_rounds : int
        At most so many.
    settings : Training
        Which says how long they may take.

    Returns
    -------
    rounds : list of int
        Epochs after which each round ends.
    most_batches : int
        Of one epoch.
    """
    most_batches = max(settings.epoch_steps, settings.epoch_values // n_values)
    if hopeless:
        return [1], most_batches
    epochs = int(np.clip(-(-settings.n_steps // n_batches), 3, 50))
    rounds = [epochs * (2**n - 1) for n in range(1, most_rounds + 1)]
    values = n_values * min(n_batches, most_batches)  # of an epoch
    return [rounds[0], *(end for end in rounds[1:] if end * values <= settings.round_values)], most_batches


def origin_losses(trainer: SegmentTrainer, batches: SegmentBatches) -> np.ndarray:
    """Return the loss of every origin, oldest first."""
    losses = [
        trainer.predict_on_batch(batches.feed(batches.starts[i : i + batches.batch_size]))
        for i in range(0, len(batches.starts), batches.batch_size)
    ]
    return np.concatenate(losses)[batches.weights > 0]
