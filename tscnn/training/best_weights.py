"""The weights that stay: those of the best epoch, shrunk as far as their gain may be chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from tscnn.network.backend import keras, to_numpy
from tscnn.statistics.gate import GateResult, gate, relative_block_gains
from tscnn.training.checkpoint import State

__all__ = ["BestWeights", "describe_scaling", "find_scale", "scale_head"]


class BestWeights(keras.callbacks.Callback):
    """Leave a network with the weights of its best epoch, the start included; stop when it no longer improves.

    Unlike ``keras.callbacks.EarlyStopping`` this copies the network's weights only, not the rows it is trained on, and
    keeps the loss of every origin, which the gate needs. It gives the callbacks after it "val_loss".

    Parameters
    ----------
    network : keras.Model
        Whose weights are kept: what has `get_weights` and `set_weights`.
    head_variables : sequence of keras.Variable
        Kernel and bias of its last layer, in which its forecast is linear.
    judge : callable
        () -> loss of each validation origin, oldest first, with the present weights.
    patience : int
        Epochs without improvement in the first round after which training stops, unless it has another one before it.
    rounds : sequence of int
        Epochs after which each round of training ends. Another one follows if the second half of one, so far, still
        lowered the loss by `round_gain`.
    scales : bool
        Whether the head of each epoch is scaled, between 0 and 1, to the least validation loss: where linear terms
        forecast as well, half of what a network has learnt is often better than all.
    round_gain : float, default 0.01
        Part by which the second half of a round has to lower the loss for another round. A convention.
    least_scale : float, default 0.1
        Least scale that an epoch is kept with: some tiny part of anything is better by chance. A convention.

    Attributes
    ----------
    start_losses, losses : ndarray of shape (n_origins,)
        Of the start and of the best weights.
    scale : float
        Of the head in the best weights.
    has_better : bool
        Whether an epoch was better than the start.
    """

    def __init__(
        self,
        network: Any,
        head_variables: Sequence[Any],
        judge: Callable[[], np.ndarray],
        patience: int,
        rounds: Sequence[int],
        *,
        scales: bool,
        round_gain: float = 0.01,
        least_scale: float = 0.1,
    ) -> None:
        super().__init__()
        self.network = network
        self.head_variables = head_variables
        self.judge = judge
        self.patience = patience
        self.rounds = rounds
        self.scales = scales
        self.round_gain = round_gain
        self.least_scale = least_scale
        self.has_better = False
        self.course: list[float] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Take the losses of the start, unless training goes on from later."""
        if self.course:
            return
        self.start_losses = self.losses = self.judge()
        self.weights = self.network.get_weights()
        self.scale = 1.0
        self.n_worse = 0
        self.course = [self.losses.mean()]

    def state(self) -> State:
        """Return what `restore` takes.

        Returns
        -------
        header : dict
            Of numbers.
        arrays : dict of str to ndarray
            Losses and weights.
        """
        names = ("scale", "has_better", "n_worse")
        header = {**{name: getattr(self, name) for name in names}, "course": list(map(float, self.course))}
        weights = {f"weight/{i}": weight for i, weight in enumerate(self.weights)}
        return header, {"start_losses": self.start_losses, "losses": self.losses, **weights}

    def restore(self, state: State) -> None:
        """Go on from a state.

        Parameters
        ----------
        state : State
            Of `state`.
        """
        header, arrays = state
        self.weights = [arrays[f"weight/{i}"] for i in range(len(arrays) - 2)]
        self.start_losses, self.losses = arrays["start_losses"], arrays["losses"]
        self.scale, self.has_better, self.n_worse = header["scale"], header["has_better"], header["n_worse"]
        self.course = list(np.array(header["course"], self.losses.dtype))  # compared in the digits of the losses

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep the weights if they are the best so far."""
        scale, losses = 1.0, self.judge()
        logs["val_loss"] = float(losses.mean())
        if self.scales:
            with _scaled(self.head_variables, 0.5):
                scale, losses = find_scale(self.start_losses, self.judge(), losses)
        if losses.mean() < self.losses.mean() and scale >= self.least_scale:
            with _scaled(self.head_variables, scale):
                weights = self.network.get_weights()
            # All at once: an interrupt may come between any two lines.
            self.weights, self.losses, self.scale, self.has_better = weights, losses, scale, True
            self.n_worse = 0
        else:
            self.n_worse += 1
        self.course.append(self.losses.mean())
        self.model.stop_training |= self._is_over(epoch + 1)

    def _is_over(self, n_epochs: int) -> bool:
        """Return whether patience is spent in the first round, or a round ends, and no further one is worth it."""
        ends = n_epochs in self.rounds
        spent = self.n_worse >= self.patience and n_epochs < self.rounds[0]
        still_pays = self.course[-1] < (1 - self.round_gain) * self.course[len(self.course) // 2]
        if ends:
            self.course = self.course[-1:]
        return (ends or spent) and not (still_pays and len(self.rounds) > 1)

    def put_back(self) -> None:
        """Give the network its best weights."""
        self.network.set_weights(self.weights)


@contextmanager
def _scaled(variables: Sequence[Any], scale: float) -> Iterator[None]:
    """Scale variables inside, and put their values back."""
    weights = [to_numpy(variable) for variable in variables]
    for variable, weight in zip(variables, weights, strict=True):
        variable.assign(scale * weight)
    try:
        yield
    finally:
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(weight)


def find_scale(none: np.ndarray, half: np.ndarray, full: np.ndarray) -> tuple[float, np.ndarray]:
    """Find the scale between 0 and 1 with the least loss, from the losses at three.

    Parameters
    ----------
    none, half, full : ndarray of shape (n_origins,)
        Losses at scales 0, 0.5 and 1.

    Returns
    -------
    scale : float
        Where the parabola through their means is least.
    losses : ndarray of shape (n_origins,)
        On the parabola of each origin there: exact for squared errors.

    Examples
    --------
    >>> find_scale(np.array([4.0]), np.array([2.25]), np.array([1.0]))  # (2 - scale) ** 2
    (1.0, array([1.]))
    >>> find_scale(np.array([1.0]), np.array([0.0]), np.array([1.0]))  # (1 - 2 * scale) ** 2
    (0.5, array([0.]))
    """
    curvature = 2 * (none + full - 2 * half)
    slope = full - none - curvature
    bend = curvature.mean()
    scale = float(np.clip(-slope.mean() / (2 * bend), 0, 1)) if bend > 0 else float(full.mean() < none.mean())
    return scale, none + scale * slope + scale**2 * curvature


def scale_head(
    head_variables: Sequence[Any],
    losses_before: np.ndarray,
    losses_after: np.ndarray,
    apart: int,
    *,
    level: float = 0.05,
    shrinkage: float = 1.0,
) -> GateResult | None:
    """Shrink what a network adds to linear terms by the gate's factor for its gain on the validation origins.

    Parameters
    ----------
    head_variables : sequence of keras.Variable
        Kernel and bias of the last layer of the network, changed in place: times the result's `shrinkage`, as far as
        `shrinkage` says, or 0 where the gain is not kept.
    losses_before, losses_after : ndarray of shape (n_origins,)
        Loss of each validation origin, oldest first, of the linear terms alone and with the network.
    apart : int
        Of `relative_block_gains`.
    level : float in (0, 1), default 0.05
        Of `gate`.
    shrinkage : float in [0, 1], default 1.0
        Of `Training`.

    Returns
    -------
    GateResult or None
        None where the network is still at its start, where its kernel is 0: no epoch was better.
    """
    if not np.any(to_numpy(head_variables[0])):
        return None
    gains, weights = relative_block_gains(losses_before, losses_after, apart)
    result = gate(gains, weights=weights, level=level)
    if result.kept and not result.shrinkage:
        why = f"not kept: {result.reason.removeprefix('kept: ')}, of which nothing is left but chance"
        result = replace(result, kept=False, reason=why)
    factor = 1 - shrinkage * (1 - result.shrinkage) if result.kept else 0.0
    for variable in head_variables:
        variable.assign(factor * variable)
    return result


def describe_scaling(result: GateResult | None) -> str:
    """Say what `scale_head` has left of a network.

    Parameters
    ----------
    result : GateResult or None
        Of `scale_head`.

    Returns
    -------
    str
        One line.
    """
    if result is None:
        return "the linear terms forecast alone: no epoch improved on them"
    if not result.kept:
        return f"the linear terms forecast alone; network {result.reason}"
    return f"the network's forecast is shrunk by a factor of {result.shrinkage:.2f}; {result.reason}"
