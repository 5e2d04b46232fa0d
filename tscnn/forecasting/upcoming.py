"""The times after the rows that a stream has seen, many of them found at once."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tscnn.data.index import future_index
from tscnn.data.times import Stretch, Times

__all__ = ["MOST_AT_ONCE", "Upcoming"]

MOST_AT_ONCE = 256  # rows: what pandas takes for one is shared by so many. A convention


class Upcoming:
    """The next row's time and those of the steps after it, of all series whose newest rows have the same times.

    Parameters
    ----------
    end : Index
        Of the newest one or two rows.
    freq : offset, int or None
        Of `tscnn.data.index.future_index`.
    horizon : int
        Steps.
    n_at_once : int
        Rows whose times are found at once.
    """

    def __init__(self, end: pd.Index, freq: Any, horizon: int, n_at_once: int) -> None:
        self._end, self._freq, self._horizon, self._n_at_once = end, freq, horizon, n_at_once
        self._stretch, self._at = Stretch(end[:0]), 0

    @property
    def end(self) -> pd.Index:
        """Times of the newest rows.

        Returns
        -------
        Index
            Of one or two: two tell the time of a day without a midnight.
        """
        if self._at == 0:
            return self._end
        newest = self._stretch.index[max(0, self._at - 2) : self._at]
        return newest if len(newest) == 2 else self._end[-1:].append(newest)

    def find(self) -> Times:
        """Return the times to come.

        Returns
        -------
        Times
            Of the next row and of `horizon` steps after it, without covariates.

        Raises
        ------
        ValueError
            If the type of the index has no room for them.
        """
        n = 1 + self._horizon
        if self._at + n > len(self._stretch.index):
            end = self.end
            try:
                index = future_index(end, self._freq, n + self._n_at_once)
            except ValueError:  # near the end of what the index has room for
                index = future_index(end, self._freq, n)
            self._end, self._stretch, self._at = end, Stretch(index), 0
        return Times.part_of(self._stretch, self._at, n)

    def advance(self) -> None:
        """Go on by a row, after `find`."""
        self._at += 1
