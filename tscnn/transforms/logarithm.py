"""Logarithms of columns that are never negative, whose effects multiply."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import received
from tscnn.data.encoding import label_from_json, label_to_json
from tscnn.data.graph_times import GraphTimes
from tscnn.data.mapped import blocks, empty_like, every_few
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.times import Times

__all__ = ["Logarithm"]

SHARE = 0.01  # of a column's mean, which is added before taking logarithms: zeros have one, too. A convention
REACH = 3.0  # times the largest value of training that forecasts may reach. A convention


@dataclass(frozen=True, eq=False)
class Logarithm:
    """Take the logarithm of some columns, of a value and a small part of the column's mean.

    Attributes
    ----------
    offsets : ndarray of shape (n_features,), or (n_series, n_features)
        What is added before, in the data's own units; NaN for columns that stay as they are.
    largest : ndarray of the same shape
        What forecasts may reach.
    names : tuple, or None
        Of the series; None of a single one.

    Examples
    --------
    >>> import pandas as pd
    >>> series = SeriesSet(np.array([[0.0], [200.0]]), (pd.RangeIndex(2),))
    >>> logarithm = Logarithm.fit(Split.at(series, [2]), np.array([True]))
    >>> logarithm.apply(np.array([[0.0], [99.0]]), Times(pd.RangeIndex(2))).ravel().round(2)
    array([0.  , 4.61])
    """

    name: ClassVar[str] = "logarithm"

    offsets: np.ndarray
    largest: np.ndarray
    names: tuple[Any, ...] | None = None

    @classmethod
    def fit(cls, split: Split, columns: np.ndarray) -> Self:
        """Find what to add to each column, series by series.

        Parameters
        ----------
        split : Split
            Of the series, in their own units; what is held back doesn't count.
        columns : ndarray of bool of shape (n_features,)
            Which to take the logarithm of; a series in which one is negative, or nothing else but 0, keeps it as it is.

        Returns
        -------
        Logarithm
            Of these.
        """
        starts = split.series.bounds[:-1].tolist()
        rows = [split.series.values[a:b] for a, b in zip(starts, split.validation_from, strict=True)]
        offsets, largest = (np.array(found) for found in zip(*(_measure(one, columns) for one in rows), strict=True))
        if split.series.names is None:
            return cls(offsets[0], largest[0])
        return cls(offsets, largest, split.series.names)

    def admit(self, series: SeriesSet, n_rows: int) -> Self:
        """Return the same for other series: those of training keep their offsets, others have those of newest rows.

        Parameters
        ----------
        series : SeriesSet
            To forecast, in their own units.
        n_rows : int
            Newest rows of a series that was not in `fit`.

        Returns
        -------
        Logarithm
            Of these; the same, if it was fitted to a single series.
        """
        if self.names is None:
            return self
        known, columns = {name: i for i, name in enumerate(self.names)}, np.isfinite(self.offsets).any(axis=0)
        names, bounds = series.names or (None,) * len(series.indexes), series.bounds.tolist()
        found = [
            (self.offsets[known[name]], self.largest[known[name]])
            if name in known
            else _measure(series.values[max(a, b - n_rows) : b], columns)
            for name, (a, b) in zip(names, itertools.pairwise(bounds), strict=True)
        ]
        offsets, largest = (np.array(each) for each in zip(*found, strict=True))
        return replace(self, offsets=offsets, largest=largest, names=names)

    def _of(self, times: Times) -> tuple[np.ndarray, np.ndarray]:
        if self.names is None:
            return self.offsets, self.largest
        return self.offsets[times.series], self.largest[times.series]

    def apply_all(self, series: SeriesSet) -> np.ndarray:
        """Take logarithms of the rows of all series.

        Parameters
        ----------
        series : SeriesSet
            In their own units.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            Of `apply`, one series behind the other.
        """
        found = empty_like(series.values)
        for i, (a, b) in enumerate(itertools.pairwise(series.bounds.tolist())):
            own, times = series.values[a:b], series.times(i)
            for block in blocks(own, found):
                found[a:b][block] = self.apply(np.asarray(own[block], np.float64), times[block])
        return found

    def apply(self, values: np.ndarray, times: Times) -> np.ndarray:
        """Take logarithms of rows, in which what is negative counts as 0: see `Transform.apply`."""
        offsets, _ = self._of(times)
        which = np.flatnonzero(np.isfinite(offsets))
        changed = np.array(values)
        changed[:, which] = np.log(np.maximum(changed[:, which], 0) + offsets[which])
        return changed

    def invert(self, forecasts: np.ndarray, times: Times, at: np.ndarray, targets: Sequence[int]) -> np.ndarray:  # noqa: ARG002
        """Return forecasts from 0 up to three times the largest value of training: see `Transform.invert`."""
        offsets, largest = (each[list(targets)] for each in self._of(times))
        restored = np.array(forecasts)
        for f in np.flatnonzero(np.isfinite(offsets)):
            most = np.log(largest[f] + offsets[f])
            restored[..., f] = np.maximum(np.exp(np.minimum(restored[..., f], most)) - offsets[f], 0)
        return restored

    def apply_in_graph(self, values: Any, times: GraphTimes) -> Any:
        """Take logarithms of windows: see `Transform.apply_in_graph`."""
        offsets, _, found = self._in_graph(times, slice(None), values.dtype)
        return times.ops.where(found, times.ops.log(times.ops.maximum(values, 0) + offsets), values)

    def invert_in_graph(self, forecasts: Any, times: GraphTimes, targets: Sequence[int]) -> Any:
        """Return forecasts from 0 up to three times the largest value: see `Transform.invert_in_graph`."""
        ops = times.ops
        offsets, most, found = self._in_graph(times, list(targets), forecasts.dtype)
        return ops.where(found, ops.maximum(ops.exp(ops.minimum(forecasts, most)) - offsets, 0), forecasts)

    def _in_graph(self, times: GraphTimes, columns: Any, dtype: Any) -> tuple[Any, Any, Any]:
        """Return offsets, logarithms of the largest forecasts, and which columns have any."""
        found = np.isfinite(self.offsets)
        offsets, largest = (np.where(found, each, 1.0)[..., columns] for each in (self.offsets, self.largest))
        which = times.of_series(found[..., columns].astype(np.float32), "float32") > 0
        return times.of_series(offsets, dtype), times.of_series(np.log(largest + offsets), dtype), which

    def settings(self) -> dict[str, Any]:
        """Return the names of series."""
        return {"names": None if self.names is None else [label_to_json(name) for name in self.names]}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return offsets and the largest forecasts."""
        return {"offsets": self.offsets, "largest": self.largest}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the transform that `settings` and `arrays` describe."""
        offsets, largest, names = arrays["offsets"], arrays["largest"], settings["names"]
        shape = offsets.shape[-1:] if names is None else (len(names), *offsets.shape[-1:])
        if not offsets.shape == largest.shape == shape:
            rule = "`logarithm` must have one offset and one largest value a column, of each series."
            raise ValueError(received(rule, shapes=[offsets.shape, largest.shape]))
        return cls(offsets, largest, None if names is None else tuple(label_from_json(name) for name in names))


def _measure(rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return offset and largest forecast of each column of one series, NaN where it has no logarithm."""
    offsets, largest = np.full((2, rows.shape[1]), np.nan)
    for f in np.flatnonzero(columns):
        low, high = np.fmin.reduce(rows[:, f]), np.fmax.reduce(rows[:, f])
        if low >= 0 and high > 0:
            column = np.asarray(every_few(rows[:, f]), np.float64)
            offsets[f], largest[f] = SHARE * column[np.isfinite(column)].mean(), REACH * high
    return offsets, largest
