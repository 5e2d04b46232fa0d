"""One or several series in one array, and what tells them apart: the only place that cuts windows out of rows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.mapped import blocks
from tscnn.data.schema import Schema
from tscnn.data.times import Times
from tscnn.data.windows import find_origins, sliding_windows

__all__ = ["SeriesSet"]


@dataclass(frozen=True)
class SeriesSet:
    """Series that lie one behind the other.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_features)
        Rows of the first series, then those of the next; NaN where a value is missing.
    indexes : tuple of Index
        One a series; their lengths are those of the series.
    names : tuple, or None
        Of the series; None for a single one without.
    covariates : ndarray of shape (n_rows, n_covariates), or None
        What is known ahead of each row; None without.

    Examples
    --------
    >>> series = SeriesSet(np.arange(18.0)[:, None], (pd.RangeIndex(10), pd.RangeIndex(8)))
    >>> series.stretches()
    [range(0, 10), range(10, 18)]
    >>> series.origins(lookback=4, horizon=2)
    [range(3, 8), range(13, 16)]
    >>> series.windows(np.array([13]), lookback=4)[0, :, 0], series.outcomes(np.array([13]), horizon=2)[0, :, 0]
    (array([10., 11., 12., 13.]), array([14., 15.]))
    """

    values: np.ndarray
    indexes: tuple[pd.Index, ...]
    names: tuple[object, ...] | None = None
    covariates: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check that the parts fit each other."""
        lengths = [len(index) for index in self.indexes]
        if sum(lengths) != len(self.values):
            rule = "The indexes must have as many entries as there are rows."
            raise ValueError(received(rule, n_rows=len(self.values), entries=lengths))
        if self.names is not None and len(self.names) != len(self.indexes):
            raise ValueError(received("Every series must have a name.", names=self.names, n_series=len(self.indexes)))

    @classmethod
    def of_frames(cls, frames: Mapping[Any, pd.DataFrame], schema: Schema) -> Self:
        """Join frames of the same columns.

        Parameters
        ----------
        frames : mapping of DataFrame
            At least one, of `tscnn.data.frame.read_frame`, by the name of its series; a single one without by None.
        schema : Schema
            Of the frames.

        Returns
        -------
        SeriesSet
            Of their features, copied where there are several frames, and of what is known ahead.
        """
        names = None if None in frames else tuple(frames)
        arrays = [frame.to_numpy() for frame in frames.values()]
        values, covariates = schema.encode(arrays[0] if len(arrays) == 1 else np.concatenate(arrays))
        return cls.of_arrays(values, tuple(frame.index for frame in frames.values()), names, covariates)

    @classmethod
    def of_arrays(
        cls,
        values: np.ndarray,
        indexes: tuple[pd.Index, ...],
        names: tuple[object, ...] | None,
        covariates: np.ndarray | None,
    ) -> Self:
        """Take arrays as they are, and fill what is missing of what is known ahead, in place.

        Parameters
        ----------
        values, indexes, names, covariates : ndarray, tuple of Index, tuple or None, ndarray or None
            The attributes.

        Returns
        -------
        SeriesSet
            Of these.
        """
        series = cls(values, indexes, names, covariates)
        if covariates is not None and np.isnan(covariates).any():
            for a, b in itertools.pairwise(series.bounds.tolist()):
                covariates[a:b] = _interpolate(covariates[a:b])
        return series

    def times(self, i: int) -> Times:
        """Return what is known ahead of the rows of one series.

        Parameters
        ----------
        i : int
            Which series.

        Returns
        -------
        Times
            One a row.
        """
        start, stop = self.bounds[i : i + 2]
        return Times(self.indexes[i], None if self.covariates is None else self.covariates[start:stop], i)

    def all_times(self) -> list[Times]:
        """Return what is known ahead of the rows of every series.

        Returns
        -------
        list of Times
            Of `times`.
        """
        return [self.times(i) for i in range(len(self.indexes))]

    def times_at(self, at: np.ndarray) -> Times:
        """Return what is known ahead of some rows.

        Parameters
        ----------
        at : ndarray of int of shape (n,)
            Row numbers of the whole array.

        Returns
        -------
        Times
            Of these, in their order.
        """
        owners, covariates = np.searchsorted(self.bounds, at, side="right") - 1, self.covariates
        order = np.argsort(owners, kind="stable")
        first, *others = [self.indexes[i][at[owners == i] - self.bounds[i]] for i in np.unique(owners)]
        index = first.append(others) if others else first
        return Times(index[np.argsort(order)], None if covariates is None else covariates[at])

    def joined_times(self) -> Times:
        """Return what is known ahead of all rows, one series behind the other.

        Returns
        -------
        Times
            One a row.
        """
        return Times(self.indexes[0].append(list(self.indexes[1:])), self.covariates)

    def take(self, which: Sequence[int]) -> Self:
        """Take some of the series.

        Parameters
        ----------
        which : sequence of int
            Which, ascending.

        Returns
        -------
        SeriesSet
            The same if it is all of them, else a copy.
        """
        if len(which) == len(self.indexes):
            return self
        bounds = self.bounds
        rows = np.concatenate([np.arange(bounds[i], bounds[i + 1]) for i in which])
        names = None if self.names is None else tuple(self.names[i] for i in which)
        covariates = None if self.covariates is None else self.covariates[rows]
        return type(self)(self.values[rows], tuple(self.indexes[i] for i in which), names, covariates)

    def cut(self, first: int, end: int) -> Self:
        """Take some rows of a single series.

        Parameters
        ----------
        first, end : int
            Rows, the end excluded.

        Returns
        -------
        SeriesSet
            Of views.
        """
        covariates = None if self.covariates is None else self.covariates[first:end]
        return type(self)(self.values[first:end], (self.indexes[0][first:end],), self.names, covariates)

    @cached_property
    def bounds(self) -> np.ndarray:
        """Rows that series begin with, and the end of the last.

        Returns
        -------
        ndarray of int of shape (n_series + 1,)
            Ascending, from 0.
        """
        return np.cumsum([0, *(len(index) for index in self.indexes)])

    @cached_property
    def observed(self) -> np.ndarray | None:
        """Tell which values are there.

        Returns
        -------
        ndarray of bool of shape (n_rows, n_features), or None
            False where `values` has NaN; None where it has none.
        """
        if not any(np.isnan(self.values[block]).any() for block in blocks(self.values)):
            return None
        return ~np.isnan(self.values)

    def with_values(self, values: np.ndarray) -> Self:
        """Return the same series with other values.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            As `values`, in other units, or of other columns.

        Returns
        -------
        SeriesSet
            With the same boundaries.
        """
        return replace(self, values=values)

    def stretches(self) -> list[range]:
        """List the rows between boundaries: those of each series.

        Returns
        -------
        list of range
            Row numbers, ascending.
        """
        bounds = self.bounds.tolist()
        return [range(a, b) for a, b in itertools.pairwise(bounds)]

    def origins(
        self, lookback: int, horizon: int, first: Sequence[int] | None = None, end: Sequence[int] | None = None
    ) -> list[range]:
        """Find the rows that a complete window ends with and complete outcomes follow.

        Parameters
        ----------
        lookback, horizon : int
            Steps seen and steps predicted.
        first, end : sequence of int, optional
            Rows of the whole array, one a series: outcomes lie at or after `first`, and before `end`. Windows may reach
            back before `first`.

        Returns
        -------
        list of range
            Of the whole array, one for each of `stretches`, empty where it is too short.
        """
        bounds = self.bounds
        first = bounds[:-1].tolist() if first is None else first
        end = bounds[1:].tolist() if end is None else end
        found = []
        for rows in self.stretches():
            i = min(int(np.searchsorted(bounds, rows.start, side="right")), len(self.indexes)) - 1
            n_rows = max(0, min(rows.stop, end[i]) - rows.start)
            (origins,) = find_origins([n_rows], lookback, horizon, [max(0, first[i] - rows.start)])
            found.append(range(origins.start + rows.start, origins.stop + rows.start))
        return found

    def windows(self, at: np.ndarray, lookback: int) -> np.ndarray:
        """Cut the windows that end with some rows.

        Parameters
        ----------
        at : ndarray of int
            Row numbers, of `origins`.
        lookback : int
            Rows of a window.

        Returns
        -------
        ndarray of shape (len(at), lookback, n_features)
            A copy.
        """
        return sliding_windows(self.values, lookback)[np.asarray(at) - lookback + 1]

    def outcomes(self, at: np.ndarray, horizon: int) -> np.ndarray:
        """Cut the rows that follow some rows.

        Parameters
        ----------
        at : ndarray of int
            Row numbers, of `origins`.
        horizon : int
            Rows after each.

        Returns
        -------
        ndarray of shape (len(at), horizon, n_features)
            A copy.
        """
        return sliding_windows(self.values, horizon)[np.asarray(at) + 1]

    def newest(self, lookback: int) -> np.ndarray:
        """Cut the newest window of every series.

        Parameters
        ----------
        lookback : int
            Rows of a window, no more than the shortest series has.

        Returns
        -------
        ndarray of shape (n_series, lookback, n_features)
            A copy.

        Raises
        ------
        ValueError
            If a series is shorter.
        """
        if (shortest := min(map(len, self.indexes))) < lookback:
            raise ValueError(received(f"Every series must have at least {lookback} rows.", shortest=shortest))
        return self.windows(self.bounds[1:] - 1, lookback)


def _interpolate(covariates: np.ndarray) -> np.ndarray:
    """Fill what is missing of one series' covariates by straight lines, and by zeros where nothing is there."""
    filled, at = covariates.copy(), np.arange(len(covariates))
    for column in filled.T:
        known = ~np.isnan(column)
        column[~known] = np.interp(at[~known], at[known], column[known]) if known.any() else 0.0
    return filled
