"""The weights that stay: those of the best epoch, as far as what they gain can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tscnn.network.backend import keras
from tscnn.network.graph import Network
from tscnn.statistics.gate import trusted_share

__all__ = ["BestWeights", "describe_trust", "find_scale", "scale_head"]

GOES_ON = 0.01  # of the loss that the second half of a round takes off, for the sake of which another one is begun
LEAST_SCALE = 0.1  # that an epoch counts with: some tiny part of anything serves by chance


class BestWeights(keras.callbacks.Callback):
    """Leave a network with the weights of its best epoch, the start included; stop when it no longer improves.

    Unlike ``keras.callbacks.EarlyStopping`` this copies the network's weights only, not the rows it is trained on, and
    keeps the loss of every origin, which says how far an improvement is more than chance. It gives the callbacks after
    it "val_loss".

    Parameters
    ----------
    network : keras.Model
        Whose weights are kept.
    judge : callable
        () -> loss of each validation origin, oldest first, with the present weights.
    patience : int
        Epochs without improvement in the first round after which training stops, unless it has another one before it.
    rounds : sequence of int
        Epochs after which each round of training ends. Another one follows if the second half of one, so far, still
        took a hundredth off the loss.
    scales : bool
        Whether an epoch counts with the head scaled as serves the validation origins best, between the start and what
        was learnt: where there is something to fall back on, half of what a network says is often better than all.

    Attributes
    ----------
    start_losses, losses : ndarray of shape (n_origins,)
        Of the start and of the best weights.
    scale : float
        Of the head in the best weights.
    """

    def __init__(
        self, network: Any, judge: Callable[[], np.ndarray], patience: int, rounds: Sequence[int], scales: bool
    ) -> None:
        super().__init__()
        self.network = network
        self.judge = judge
        self.patience = patience
        self.rounds = rounds
        self.scales = scales

    def on_train_begin(self, logs: Any = None) -> None:
        """Judge the start."""
        self.start_losses = self.losses = self.judge()
        self.weights = self.network.get_weights()
        self.scale = 1.0
        self.n_worse = 0
        self.course = [self.losses.mean()]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep the weights if they are the best so far."""
        scale, losses = 1.0, self.judge()
        logs["val_loss"] = float(losses.mean())
        if self.scales:
            with _scaled_head(self.network, 0.5):
                scale, losses = find_scale(self.start_losses, self.judge(), losses)
        if losses.mean() < self.losses.mean() and scale >= LEAST_SCALE:
            self.losses, self.scale = losses, scale
            with _scaled_head(self.network, scale):
                self.weights = self.network.get_weights()
            self.n_worse = 0
        else:
            self.n_worse += 1
        self.course.append(self.losses.mean())
        self.model.stop_training |= self._is_over(epoch + 1)

    def _is_over(self, n_epochs: int) -> bool:
        """Return whether patience is spent in the first round, or a round ends, and no further one is worth it."""
        ends = n_epochs in self.rounds
        spent = self.n_worse >= self.patience and n_epochs < self.rounds[0]
        still_pays = self.course[-1] < (1 - GOES_ON) * self.course[len(self.course) // 2]
        if ends:
            self.course = self.course[-1:]
        return (ends or spent) and not (still_pays and len(self.rounds) > 1)

    def on_train_end(self, logs: Any = None) -> None:
        """Put the best weights back."""
        self.network.set_weights(self.weights)


@contextmanager
def _scaled_head(network: Any, scale: float) -> Iterator[None]:
    """Scale what the convolutions say, inside."""
    variables = network.get_layer("head").trainable_weights
    weights = [keras.ops.convert_to_numpy(variable) for variable in variables]
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


def scale_head(network: Network, gains: np.ndarray, apart: int) -> float | None:
    """Scale what the convolutions add to the linear map by how far their gain on the validation origins can be trusted.

    Forecasts of overlapping windows err together, so that a long horizon leaves few independent origins, on which a
    network can look better by chance.

    Parameters
    ----------
    network : Network
        Changed in place.
    gains : ndarray of shape (n_origins,)
        By how much the loss of each validation origin is smaller than without convolutions.
    apart : int
        Of `trusted_share`.

    Returns
    -------
    float or None
        The scale, None where the convolutions add nothing.
    """
    weights = network.dense.get_layer("head").trainable_weights
    if not np.any(keras.ops.convert_to_numpy(weights[0])):
        return None
    share = trusted_share(gains, apart)
    for weight in weights:
        weight.assign(share * weight)
    return share


def describe_trust(share: float | None) -> str:
    """Say what `scale_head` left of the convolutions."""
    if share is None:
        return "the linear map forecasts alone: no epoch improved on it"
    if not share:
        return "the linear map forecasts alone: what an epoch improved on it may be chance"
    return f"the convolutions add {share:.0%} of what they learnt to the linear map"
