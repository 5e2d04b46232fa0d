"""The weights that stay: those of the best epoch, as far as what they gain can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tscnn._backend import keras
from tscnn.network import Network
from tscnn.trust import trusted_share

__all__ = ["BestWeights", "describe_trust", "scale_head"]


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
        Epochs without improvement after which training stops.

    Attributes
    ----------
    start_losses, losses : ndarray of shape (n_origins,)
        Of the start and of the best weights.
    """

    def __init__(self, network: Any, judge: Callable[[], np.ndarray], patience: int) -> None:
        super().__init__()
        self.network = network
        self.judge = judge
        self.patience = patience

    def on_train_begin(self, logs: Any = None) -> None:
        """Judge the start."""
        self.start_losses = self.losses = self.judge()
        self.weights = self.network.get_weights()
        self.n_worse = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep the weights if they are the best so far."""
        losses = self.judge()
        logs["val_loss"] = float(losses.mean())
        if losses.mean() < self.losses.mean():
            self.losses = losses
            self.weights = self.network.get_weights()
            self.n_worse = 0
        else:
            self.n_worse += 1
            self.model.stop_training |= self.n_worse >= self.patience

    def on_train_end(self, logs: Any = None) -> None:
        """Put the best weights back."""
        self.network.set_weights(self.weights)


def scale_head(network: Network, gains: np.ndarray) -> float | None:
    """Scale what the convolutions add to the linear map by how far their gain on the validation origins can be trusted.

    Forecasts of overlapping windows err together, so that a long horizon leaves few independent origins, on which a
    network can look better by chance.

    Parameters
    ----------
    network : Network
        Changed in place.
    gains : ndarray of shape (n_origins,)
        By how much the loss of each validation origin is smaller than without convolutions.

    Returns
    -------
    float or None
        The scale, None where the convolutions add nothing.
    """
    weights = network.dense.get_layer("head").trainable_weights
    if not np.any(keras.ops.convert_to_numpy(weights[0])):
        return None
    share = trusted_share(gains, network.config.horizon)
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
