"""What is known of a time before it comes: its label, and the covariates that are known ahead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.windows import sliding_windows

__all__ = ["Stretch", "Times", "at_steps", "pad_times"]


class Stretch:
    """Neighbouring times of which several parts are asked the same: what is found of all of them is kept.

    Parameters
    ----------
    index : Index
        Of n times.
    """

    def __init__(self, index: pd.Index) -> None:
        self.index = index
        self._found: dict[Any, np.ndarray] = {}

    def look_up(self, asked: Any, describe: Callable[[pd.Index], np.ndarray]) -> np.ndarray:
        """Return what a function of the times says of all of them.

        Parameters
        ----------
        asked : hashable
            What tells the function from others.
        describe : callable
            From an index of n times to an array of n rows.

        Returns
        -------
        ndarray of n rows
            Computed once.
        """
        if asked not in self._found:
            self._found[asked] = describe(self.index)
        return self._found[asked]


class Times:
    """Labels of some rows, and what is known ahead at each of them.

    Parameters
    ----------
    index : Index
        Times, periods or integers.
    covariates : ndarray of shape (n_times, n_covariates), or None
        Future and static covariates, in their own units, categories one-hot; None without any.
    series : int, default 0
        Which series of several they belong to.

    Examples
    --------
    >>> times = Times(pd.RangeIndex(4), np.array([[1.0], [2.0], [3.0], [4.0]]))
    >>> times[1:3].covariates.ravel(), len(times[:2].append(times[3:]))
    (array([2., 3.]), 3)
    """

    _make_index: Callable[[], pd.Index]

    def __init__(self, index: pd.Index, covariates: np.ndarray | None = None, series: int = 0) -> None:
        self._index: pd.Index | None = index
        self._stretch: Stretch | None = None
        self._first, self._n = 0, len(index)
        self.covariates, self.series = covariates, series

    @classmethod
    def part_of(
        cls, stretch: Stretch, first: int, n: int, covariates: np.ndarray | None = None, series: int = 0
    ) -> Self:
        """Take neighbouring times.

        Parameters
        ----------
        stretch : Stretch
            Of at least first + n times.
        first, n : int
            Where they begin in it, and how many they are.
        covariates : ndarray of shape (n, n_covariates), optional
            Of these.
        series : int, default 0
            To which they belong.

        Returns
        -------
        Times
            Functions of them are computed for the whole stretch.
        """
        part = cls._of(lambda: stretch.index[first : first + n], n, covariates, series)
        part._stretch, part._first = stretch, first
        return part

    @classmethod
    def _of(cls, make_index: Callable[[], pd.Index], n: int, covariates: np.ndarray | None, series: int) -> Self:
        """Take n times whose index, of pandas and slow, is made once it is asked for: few models do."""
        times = cls.__new__(cls)
        times._index, times._make_index = None, make_index
        times._stretch, times._first, times._n = None, 0, n
        times.covariates, times.series = covariates, series
        return times

    def knowing(self, covariates: np.ndarray | None, series: int) -> Self:
        """Add what is known ahead.

        Parameters
        ----------
        covariates : ndarray of shape (n_times, n_covariates), or None
            Of these times.
        series : int
            To which they belong.

        Returns
        -------
        Times
            The same times.
        """
        if self._stretch is None:
            return type(self)(self.index, covariates, series)
        return self.part_of(self._stretch, self._first, self._n, covariates, series)

    @property
    def index(self) -> pd.Index:
        """Their labels.

        Returns
        -------
        Index
            Times, periods or integers.
        """
        if self._index is None:
            self._index = self._make_index()
        return self._index

    def look_up(self, asked: Any, describe: Callable[[pd.Index], np.ndarray]) -> np.ndarray:
        """Return what a function of times says of these: see `Stretch.look_up`.

        Parameters
        ----------
        asked : hashable
            What tells the function from others.
        describe : callable
            From an index of n times to an array of n rows.

        Returns
        -------
        ndarray of n_times rows
            Taken from what was found of the whole stretch, if they are a part of one.
        """
        if self._stretch is None:
            return describe(self.index)
        return self._stretch.look_up(asked, describe)[self._first : self._first + self._n]

    def __len__(self) -> int:
        """Count the times."""
        return self._n

    def __getitem__(self, at: Any) -> Self:
        """Take some of them, by a slice or an array of row numbers."""
        covariates = None if self.covariates is None else self.covariates[at]
        if not isinstance(at, slice) or at.step not in (None, 1):
            return type(self)(self.index[at], covariates, self.series)
        first, stop, _ = at.indices(self._n)
        n = max(0, stop - first)
        if self._stretch is not None:
            return self.part_of(self._stretch, self._first + first, n, covariates, self.series)
        return self._of(lambda: self.index[at], n, covariates, self.series)

    def append(self, later: Times) -> Self:
        """Join times.

        Parameters
        ----------
        later : Times
            With covariates, if these have.

        Returns
        -------
        Times
            These, then those.
        """
        covariates = None
        if self.covariates is not None and later.covariates is not None:
            covariates = np.concatenate([self.covariates, later.covariates])
        return self._of(lambda: self.index.append(later.index), len(self) + len(later), covariates, self.series)


def pad_times(times: Times, n: int) -> Times:
    """Repeat the first of too few times before it.

    Parameters
    ----------
    times : Times
        At least one.
    n : int
        How many there are to be at least.

    Returns
    -------
    Times
        The same, if they are enough.
    """
    missing = n - len(times)
    return times if missing <= 0 else times[np.r_[np.zeros(missing, int), np.arange(len(times))]]


def at_steps(
    times: Times, at: np.ndarray, horizon: int, describe: Callable[[Times], np.ndarray], before: int = 0
) -> np.ndarray:
    """Describe the steps after some rows, each time once where rows are close.

    Parameters
    ----------
    times : Times
        Of some rows and at least `horizon` steps after the last of them.
    at : ndarray of int of shape (n,)
        Row numbers.
    horizon : int
        Steps after each.
    describe : callable
        From n times to an array of shape (n, n_numbers).
    before : int, default 0
        Rows up to each that are described, too.

    Returns
    -------
    ndarray of shape (n, before + horizon, n_numbers)
        Of ``times[at + 1 - before]`` to ``times[at + horizon]``.

    Raises
    ------
    ValueError
        If `times` end before the last step.
    """
    at, n_steps = np.asarray(at) - before, before + horizon
    if len(at) == 0:
        return np.zeros((0, n_steps, describe(times[:1]).shape[1]), np.float32)
    lowest, highest = (at[0], at[0]) if len(at) == 1 else (at.min(), at.max())  # most often there is one
    first, last = int(lowest) + 1, int(highest) + n_steps
    if last >= len(times) or first < 0:
        rule = f"`times` must go on for {horizon} steps after the last row that is forecast from"
        rule += f", and begin {before} rows up to the first one." if before else "."
        raise ValueError(received(rule, n_times=len(times), row=last - horizon))
    if len(at) == 1:
        return describe(times[first : last + 1])[None]
    if last - first < len(at) * n_steps:  # close origins share times
        return sliding_windows(describe(times[first : last + 1]), n_steps)[at + 1 - first]
    steps = at[:, None] + 1 + np.arange(n_steps)
    return describe(times[steps.ravel()]).reshape(*steps.shape, -1)
