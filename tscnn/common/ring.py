"""The newest rows of an array that grows, in one piece."""

from __future__ import annotations

from typing import Self

import numpy as np

__all__ = ["Ring"]


class Ring:
    """The last `length` rows; each is written twice, so that they always lie next to each other.

    Parameters
    ----------
    length : int
        Rows kept.
    shape : tuple of int
        Of a row.

    Examples
    --------
    >>> ring = Ring(2, (1,))
    >>> for value in (1.0, 2.0, 3.0):
    ...     ring.push(np.array([value]))
    >>> ring.last().ravel(), ring.ago(1)
    (array([2., 3.], dtype=float32), array([2.], dtype=float32))
    """

    def __init__(self, length: int, shape: tuple[int, ...]) -> None:
        self.length = length
        self.rows = np.zeros((2 * length, *shape), np.float32)
        self.at = 0

    @classmethod
    def of(cls, rows: np.ndarray) -> Self:
        """Make a ring that holds given rows.

        Parameters
        ----------
        rows : ndarray of shape (length, *shape)
            Oldest first.

        Returns
        -------
        Ring
            Of as many rows.

        Examples
        --------
        >>> Ring.of(np.array([1.0, 2.0, 3.0])).last(step=2)
        array([1., 3.], dtype=float32)
        """
        ring = cls(len(rows), rows.shape[1:])
        ring.rows[: len(rows)] = ring.rows[len(rows) :] = rows
        ring.at = len(rows) - 1
        return ring

    def push(self, row: np.ndarray) -> None:
        """Add the next row.

        Parameters
        ----------
        row : ndarray
            Of the shape of a row.
        """
        self.at = (self.at + 1) % self.length
        self.rows[self.at] = self.rows[self.at + self.length] = row

    def last(self, step: int = 1) -> np.ndarray:
        """Return every `step`-th row, the newest included, oldest first.

        Parameters
        ----------
        step : int, default 1
            Rows from one to the next.

        Returns
        -------
        ndarray of shape (ceil(length / step), *shape)
            A view.
        """
        return self.rows[self.at + 1 : self.at + self.length + 1][(self.length - 1) % step :: step]

    def ago(self, n_rows: int) -> np.ndarray:
        """Return the row that came `n_rows` before the newest.

        Parameters
        ----------
        n_rows : int
            At least 0, less than `length`.

        Returns
        -------
        ndarray
            A view.
        """
        return self.rows[self.at + self.length - n_rows]
