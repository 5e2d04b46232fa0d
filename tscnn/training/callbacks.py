"""What a fit does at the end of each epoch, beside what its user passes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tscnn.common.checks import received
from tscnn.common.progress import Tell
from tscnn.network.backend import keras
from tscnn.training.settings import Training

__all__ = ["EpochLines", "FiniteLosses", "diverged"]


def diverged(found: str, settings: Training) -> ValueError:
    """Make the error of a fit whose loss is not finite.

    Parameters
    ----------
    found : str
        What is not finite.
    settings : Training
        Of the fit.

    Returns
    -------
    ValueError
        Saying what to try.
    """
    rule = f"Training must end in finite numbers, but {found}. Try a smaller `learning_rate`, or a `loss` that is "
    rule += "finite for any forecast."
    return ValueError(received(rule, learning_rate=settings.learning_rate, loss=settings.loss))


class FiniteLosses(keras.callbacks.Callback):
    """End a fit whose loss is not finite with an error.

    Parameters
    ----------
    settings : Training
        For the message.

    Attributes
    ----------
    n_epochs : int
        That ended, in finite losses.

    Raises
    ------
    ValueError
        At the end of an epoch.
    """

    def __init__(self, settings: Training) -> None:
        super().__init__()
        self.settings = settings
        self.n_epochs = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look at the losses of the epoch."""
        for name in ("loss", "val_loss"):
            loss = logs.get(name, 0.0)
            if not np.isfinite(loss):
                raise diverged(f"`{name}` is {loss} after epoch {epoch + 1}", self.settings)
        self.n_epochs = epoch + 1


class EpochLines(keras.callbacks.Callback):
    """Write one line an epoch.

    Parameters
    ----------
    rounds : sequence of int
        Epochs after which each round of training ends.
    tell : callable
        Takes the lines.
    """

    def __init__(self, rounds: Sequence[int], tell: Tell) -> None:
        super().__init__()
        self.rounds = rounds
        self.tell = tell

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take the time."""
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the epoch's losses."""
        losses = f"loss {logs['loss']:.4f}"
        if "val_loss" in logs:
            losses += f"   validation loss {logs['val_loss']:.4f}"
        last, seconds = next(end for end in self.rounds if epoch < end), time.perf_counter() - self.began
        self.tell(f"epoch {epoch + 1:{len(str(last))}}/{last}   {losses}   {seconds:.1f} s")
