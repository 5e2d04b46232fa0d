"""A vector autoregression with Gaussian errors, and what it says of missing values: their joint distribution.

Rows obey ``x[t] = sum over k of coefficients[k] @ x[t - k] + error``. What is missing is as probable as the errors that
it implies before and after it, in all columns: the logarithm of that is quadratic in the missing values, with a banded
matrix, so that the most probable ones, which are their means, too, and their variances come from one Cholesky
factorisation, whatever the pattern of the gaps. A Kalman smoother returns the same, row by row [1]_.

References
----------
.. [1] Rue and Held (2005), Gaussian Markov Random Fields, chapters 2 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from tscnn.common.checks import received
from tscnn.common.threads import on_one_thread

__all__ = ["Conditional", "VectorAutoregression"]

BEFORE = 1.0  # precision of rows before the first, in standardised units: they are unknown, and vary as others do
ANYWHERE = 1e-6  # least precision of a value, for rows that nothing follows


class Conditional(NamedTuple):
    """The distribution of the missing values of a series, given the others.

    Attributes
    ----------
    mean : ndarray of shape (n_rows, n_features)
        The rows, missing values filled.
    variance : ndarray of shape (n_rows, n_features)
        Of the missing values; 0 of the others.
    lagged : ndarray of shape (order + 1, n_features, n_features)
        Sums over rows t of the covariances of x[t - k], by k, and x[t]: what the expected products of rows have more
        than those of `mean`.
    """

    mean: np.ndarray
    variance: np.ndarray
    lagged: np.ndarray


@dataclass(frozen=True, eq=False)
class VectorAutoregression:
    """A fitted vector autoregression.

    Attributes
    ----------
    coefficients : ndarray of shape (order, n_features, n_features)
        Of the row before, of the one before that ..: from the columns of the last axis to those of the one before.
    covariance : ndarray of shape (n_features, n_features)
        Of the errors, positive definite.
    """

    coefficients: np.ndarray
    covariance: np.ndarray

    def __post_init__(self) -> None:
        """Check that the arrays fit each other."""
        shape = self.coefficients.shape
        if len(shape) != 3 or not shape[0] or shape[1:] != self.covariance.shape or shape[1] != shape[2]:
            shapes = [shape, self.covariance.shape]
            raise ValueError(
                received("Coefficients must be one square matrix a lag, as the covariance.", shapes=shapes)
            )

    @property
    def order(self) -> int:
        """Rows on either side that a value depends on beside the others.

        Returns
        -------
        int
            At least 1.
        """
        return len(self.coefficients)

    @cached_property
    def _whitened(self) -> np.ndarray:
        """Maps from x[t - k], by k, to errors of unit variance: (order + 1, n_features, n_features)."""
        root = np.linalg.cholesky(np.linalg.inv(self.covariance)).T
        return np.concatenate([root[None], -root @ self.coefficients])

    @cached_property
    def _products(self) -> list[np.ndarray]:
        """By distance d of two rows, sums of the first n terms of their precision, n = 0 .. order + 1 - d."""
        maps, found = self._whitened, []
        for d in range(self.order + 1):
            terms = maps[: len(maps) - d].transpose(0, 2, 1) @ maps[d:]
            found.append(np.concatenate([np.zeros_like(terms[:1]), np.cumsum(terms, axis=0)]))
        return found

    def _gradient(self, padded: np.ndarray) -> np.ndarray:
        """Multiply rows by their precision: equations count from row `order` on."""
        order, n_rows, maps = self.order, len(padded), self._whitened
        errors = sum(padded[order - k : n_rows - k] @ maps[k].T for k in range(order + 1))
        gradient = np.zeros_like(padded)
        for k in range(order + 1):
            gradient[order - k : n_rows - k] += errors @ maps[k]
        gradient[:order] += BEFORE * padded[:order]
        return gradient

    def _precision(self, d: int, rows: np.ndarray, first: np.ndarray, second: np.ndarray, n_rows: int) -> np.ndarray:
        """Return the precision of pairs: column `first` of `rows` and column `second` of the rows d before."""
        sums, most = self._products[d], self.order + 1 - d
        high, low = np.minimum(most, n_rows - rows), np.clip(self.order - rows, 0, most)
        found = sums[np.maximum(high, low), first, second] - sums[low, first, second]
        return found + (BEFORE * (rows < self.order) + ANYWHERE) * (first == second) if d == 0 else found

    @on_one_thread
    def condition(self, rows: np.ndarray, *, with_variance: bool = True) -> Conditional:
        """Say what the missing values of a series are, given all others.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            Standardised, NaN where a value is missing.
        with_variance : bool, default True
            Whether variances and covariances are computed, too, which takes longer.

        Returns
        -------
        Conditional
            Of float64. Values on which no missing one depends make no difference to the bit.
        """
        padded = np.concatenate([np.full((self.order, rows.shape[1]), np.nan), rows])
        missing = np.isnan(padded)
        padded[missing] = 0.0
        at, column = np.nonzero(missing)
        factor = self._factorize(at, column, len(padded))
        from scipy.linalg import cho_solve_banded

        padded[at, column] = cho_solve_banded((factor, True), -self._gradient(padded)[at, column])
        variance, lagged = np.zeros_like(padded), np.zeros((self.order + 1, *self.covariance.shape))
        if with_variance:
            variance[at, column] = _invert_diagonal(factor, at, column, self.order, lagged)
            lagged[0] += lagged[0].T - np.diag(np.diag(lagged[0]))
        return Conditional(padded[self.order :], variance[self.order :], lagged)

    def _factorize(self, at: np.ndarray, column: np.ndarray, n_rows: int) -> np.ndarray:
        """Return the Cholesky factor of the precision of some values, as bands below the diagonal."""
        ends = np.cumsum(np.bincount(at, minlength=n_rows + self.order + 1))
        starts = np.concatenate([[0], ends[:-1]])
        each = np.arange(len(at))
        bands = np.zeros((int((ends[at + self.order] - each).max()), len(at)))
        for d in range(self.order + 1):
            first = each if d == 0 else starts[at + d]
            n_pairs = ends[at + d] - first
            j = np.repeat(each, n_pairs)
            i = np.arange(n_pairs.sum()) - np.repeat(np.cumsum(n_pairs) - n_pairs, n_pairs) + np.repeat(first, n_pairs)
            bands[i - j, j] = self._precision(d, at[i], column[i], column[j], n_rows)
        from scipy.linalg import cholesky_banded

        return cholesky_banded(bands, lower=True, overwrite_ab=True, check_finite=False)

    def leave_out(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Say what every value is, given all others.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            Standardised, without missing values.

        Returns
        -------
        mean, variance : ndarray of shape (n_rows, n_features)
            Of each value.
        """
        gradient, precision = self.scores(rows)
        return rows - gradient / precision, 1 / precision

    def scores(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return by how much the log-likelihood falls with every value, and its precision.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            Standardised, without missing values.

        Returns
        -------
        gradient, precision : ndarray of shape (n_rows, n_features)
            Their quotient is how far a value lies from its mean given all others.
        """
        unknown = np.full((self.order, rows.shape[1]), np.nan)
        padded = self.condition(np.concatenate([unknown, rows]), with_variance=False).mean
        n_rows, n_features = padded.shape
        at, column = np.divmod(np.arange(n_rows * n_features), n_features)
        precision = self._precision(0, at, column, column, n_rows).reshape(padded.shape)
        return self._gradient(padded)[self.order :], precision[self.order :]

    def block_precision(self, column: int, length: int) -> np.ndarray:
        """Return the precision of neighbouring values of a column, far from both ends of a series.

        Parameters
        ----------
        column : int
            Which.
        length : int
            Values.

        Returns
        -------
        ndarray of shape (length, length)
            Symmetric, the same along every diagonal.
        """
        by_distance = np.zeros(max(length, self.order + 1))
        by_distance[: self.order + 1] = [sums[-1, column, column] for sums in self._products]
        return by_distance[np.abs(np.subtract.outer(np.arange(length), np.arange(length)))]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what it is made of.

        Returns
        -------
        dict of str to ndarray
            For `from_arrays`.
        """
        return {"coefficients": self.coefficients, "covariance": self.covariance}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """Make it of its arrays.

        Parameters
        ----------
        arrays : dict of str to ndarray
            Of `arrays`.

        Returns
        -------
        VectorAutoregression
            Equal to the bit.
        """
        return cls(arrays["coefficients"], arrays["covariance"])


def _invert_diagonal(
    factor: np.ndarray, at: np.ndarray, column: np.ndarray, order: int, lagged: np.ndarray
) -> np.ndarray:
    """Return the diagonal of the inverse of a banded matrix, from its Cholesky factor (Takahashi's recursion).

    The covariances of values at most `order` rows apart, which it passes, are added to `lagged`, (lag, column, later
    column).
    """
    width, n = factor.shape[0] - 1, factor.shape[1]
    room = max(4 * width, 64)
    inverse, start = np.zeros((room, room)), room  # of the values after the present one, which begins at `start`
    bands = np.zeros((width + 1, n))  # of the inverse
    columns = factor.T / factor[0][:, None]
    for j in range(n - 1, -1, -1):
        n_after = min(width, n - 1 - j)
        if start == 0:
            start = room - n_after
            inverse[start:, start:] = inverse[:n_after, :n_after].copy()
        after = slice(start, start + n_after)
        below = columns[j, 1 : n_after + 1]
        covariances = -(inverse[after, after] @ below)
        start -= 1
        inverse[start, start] = bands[0, j] = 1 / factor[0, j] ** 2 - below @ covariances
        inverse[start, after] = inverse[after, start] = bands[1 : n_after + 1, j] = covariances
    for d in range(width + 1):
        apart = at[d:] - at[: n - d]
        near = np.flatnonzero((at[: n - d] >= order) & (apart <= order))  # not before the first row
        np.add.at(lagged, (apart[near], column[near], column[near + d]), bands[d, near])
    return bands[0]
