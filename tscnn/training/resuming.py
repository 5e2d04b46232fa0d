"""Training that goes on, to the bit, from where it was after some epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tscnn.common.archive import arrays_of
from tscnn.network.backend import keras, to_numpy
from tscnn.training.best_weights import BestWeights
from tscnn.training.checkpoint import Keep, State
from tscnn.training.segments import SegmentBatches

__all__ = ["Resuming"]


class Resuming(keras.callbacks.Callback):
    """Keep the state of training after each epoch, or take training to such a state.

    Parameters
    ----------
    variables : sequence of keras.Variable
        All that change in training: weights, seeds of dropout, the optimizer's.
    batches : SegmentBatches
        That are trained on, in their first order.
    best : BestWeights or None
        None without validation origins.
    n_epochs : int
        After which training ends in any case.
    keep : callable
        Takes the state.

    Attributes
    ----------
    n_done : int
        Epochs that ended.
    history : dict of str to list of float
        Of these.
    has_ended : bool
        Whether no other one follows.
    """

    def __init__(
        self,
        variables: Sequence[Any],
        batches: SegmentBatches,
        best: BestWeights | None,
        n_epochs: int,
        keep: Keep,
    ) -> None:
        super().__init__()
        self.variables = list(variables)
        self.batches = batches
        self.best = best
        self.n_epochs = n_epochs
        self.keep = keep
        self.n_done, self.has_ended = 0, False
        self.history: dict[str, list[float]] = {}

    def restore(self, state: State) -> None:
        """Take training to a state.

        Parameters
        ----------
        state : State
            That was kept.
        """
        header, arrays = state
        self.n_done, self.has_ended, self.history = header["n_done"], header["has_ended"], header["history"]
        for i, variable in enumerate(self.variables):
            variable.assign(arrays[f"variable/{i}"].astype(variable.dtype))
        for _ in range(self.n_done):
            self.batches.on_epoch_end()
        if self.best is not None:
            self.best.restore((header["best"], arrays_of("best", arrays)))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep the state: the last of the callbacks."""
        self.n_done = epoch + 1
        self.has_ended = bool(self.model.stop_training) or self.n_done == self.n_epochs
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))
        arrays = {f"variable/{i}": _plain(to_numpy(variable)) for i, variable in enumerate(self.variables)}
        header = {"n_done": self.n_done, "has_ended": self.has_ended, "history": self.history}
        if self.best is not None:
            header["best"], own = self.best.state()
            arrays |= {f"best/{name}": array for name, array in own.items()}
        self.keep((header, arrays))


def _plain(array: np.ndarray) -> np.ndarray:
    """Return what an archive holds: seeds are of uint32."""
    return array.astype(np.int64) if array.dtype == np.uint32 else array
