"""Batches of segments: what is fed are the rows that they start at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tscnn.data.mapped import release
from tscnn.data.windows import Segments
from tscnn.network.backend import keras

__all__ = ["SegmentBatches", "StoredSegments"]


@dataclass(frozen=True)
class StoredSegments:
    """Rows that lie in a file: what segments hold is cut out of them batch by batch.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_features)
        All series, one behind the other.
    n_inputs, horizon : int
        Rows that a segment sees, and those after them.
    lookback : int
        Rows that its first origin sees.
    ahead : callable, optional
        From row numbers, of any shape, to what is known ahead of these rows, on one more axis.
    beside : ndarray of shape (n_rows, horizon, n_targets), optional
        Other forecasts from every row.
    observed : ndarray of bool of shape (n_rows, n_features), optional
        Which outcomes count.
    """

    rows: np.ndarray
    n_inputs: int
    horizon: int
    lookback: int
    ahead: Callable[[np.ndarray], np.ndarray] | None = None
    beside: np.ndarray | None = None
    observed: np.ndarray | None = None

    def cut(self, starts: np.ndarray) -> tuple[np.ndarray, ...]:
        """Cut segments out.

        Parameters
        ----------
        starts : ndarray of int
            Row that each begins with, of any shape.

        Returns
        -------
        tuple of ndarray
            Rows, what is known ahead of those that are forecast, other forecasts from the origins, and which values
            count, as far as there is such.
        """
        at = np.clip(starts[..., None] + np.arange(self.n_inputs + self.horizon), 0, len(self.rows) - 1)
        found = [self.rows[at]]
        if self.ahead is not None:
            found.append(self.ahead(at[..., self.lookback :]))
        if self.beside is not None:
            found.append(self.beside[at[..., self.lookback - 1 : self.n_inputs]])
        if self.observed is not None:
            found.append(self.observed[at].astype(np.uint8))
        release(self.rows)
        return tuple(found)


class SegmentBatches(keras.utils.PyDataset):
    """Batches of (starts, weights), all of one shape, reshuffled each epoch from `seed`.

    The last batch is filled up with segments of weight 0, and the weights are scaled to a mean of one, so that the
    mean over equal batches is the mean over origins. Given `n_looped`, an item is what a `LoopingTrainer` takes: up to
    that many batches on a leading axis, the last item filled up with batches of weight 0. Given `most_batches`, an
    epoch has no more of them: those that come first in its order. Given `share`, (i, n), an item is the i-th of n equal
    parts of a batch. With `stored`, an attribute, an item has what segments hold in place of their starts.
    """

    stored: StoredSegments | None = None

    def __init__(
        self,
        segments: Segments,
        batch_size: int,
        n_looped: int | None = None,
        seed: int | None = None,
        most_batches: int | None = None,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        super().__init__()
        self.batch_size = batch_size
        n_batches = -(-len(segments.starts) // batch_size)
        n_filling = n_batches * batch_size - len(segments.starts)
        self.n_batches = min(n_batches, most_batches or n_batches)
        weights = np.pad(segments.weights, ((0, n_filling), (0, 0)))
        self.starts = np.pad(segments.starts, (0, n_filling), mode="edge")
        self.weights = weights / weights.mean()
        part, n_parts = share
        self.share = slice(part * batch_size // n_parts, (part + 1) * batch_size // n_parts)
        self.n_looped = n_looped and min(n_looped, self.n_batches)
        self.order = np.arange(len(self.starts))
        self.random = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        """Count the items."""
        return -(-self.n_batches // (self.n_looped or 1))

    def __getitem__(self, index: int) -> tuple[Any, np.ndarray]:
        """Return (starts, weights) of one batch, (batch_size,) and (batch_size, n_origins), or of a loop of them."""
        n_segments = self.batch_size * (self.n_looped or 1)
        item = self.order[index * n_segments : min((index + 1) * n_segments, self.n_batches * self.batch_size)]
        starts, weights = self.starts[item], self.weights[item]
        if self.n_looped:
            n_filling = n_segments - len(item)
            starts = np.pad(starts, (0, n_filling)).reshape(self.n_looped, self.batch_size)
            weights = np.pad(weights, ((0, n_filling), (0, 0))).reshape(*starts.shape, -1)
        return self.feed(starts[..., self.share]), weights[..., self.share, :]

    def feed(self, starts: np.ndarray) -> Any:
        """Return what a trainer takes for segments: their starts, or what they hold."""
        return starts if self.stored is None else self.stored.cut(starts)

    def on_epoch_end(self) -> None:
        """Shuffle the segments."""
        if self.random is not None:
            self.random.shuffle(self.order)
