"""Missing values are filled: those of whole series once, and those about the ends of a window from it alone."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from tscnn.common.checks import received
from tscnn.common.threads import on_one_thread
from tscnn.data.mapped import blocks
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.windows import sliding_windows

__all__ = ["SHORT", "GapMaps", "carry_forward", "fill_missing", "fill_series", "find_dependent", "find_runs"]

SHORT = 3  # rows of a gap between two values that a straight line fills, and of what may be a new level
LONGEST, UNSEASONAL = 192, 16  # rows that a gap is filled from, at most, and without a season
MOST_WINDOWS = 10_000  # that maps are solved on, of each column
POOLED = 4  # times the rows of a window: windows of all columns that count in the maps of each
STRENGTH = 0.01  # of the ridge, relative to the mean square of an input


@dataclass(frozen=True, eq=False)
class GapMaps:
    """Ridge regressions that fill long gaps of a column from the rows before and after, each as far as it errs least.

    Attributes
    ----------
    kernels : ndarray of shape (2, n_features, n_rows, n_steps)
        From the rows before a gap to its own, in standard deviations from the mean; and the same backwards in time.
    errors : ndarray of shape (2, n_features, n_steps)
        Their mean squared errors on training rows.
    period : int
        Rows that repeat where a gap is longer than `n_steps`.
    """

    kernels: np.ndarray
    errors: np.ndarray
    period: int

    def __post_init__(self) -> None:
        """Check that the arrays fit each other."""
        directions, n_features, _, n_steps = self.kernels.shape
        if directions != 2 or self.errors.shape != (2, n_features, n_steps) or not 0 < self.period <= n_steps:
            shapes = [self.kernels.shape, self.errors.shape]
            raise ValueError(received("Gaps must have two maps a column.", shapes=shapes, period=self.period))

    @property
    def n_rows(self) -> int:
        """Rows before and after that a gap is filled from.

        Returns
        -------
        int
            Of the kernels.
        """
        return int(self.kernels.shape[2])

    @classmethod
    def fit(cls, series: SeriesSet, split: Split, season: int | None) -> Self | None:
        """Solve the maps on the training rows.

        Parameters
        ----------
        series : SeriesSet
            In the units of the terms, NaN where a value is missing.
        split : Split
            Of these series.
        season : int or None
            Rows of a season: gaps are filled from two, where that is not too long.

        Returns
        -------
        GapMaps or None
            None where the training rows are too few.
        """
        n_rows = min(2 * (season or UNSEASONAL // 2), LONGEST)
        n_steps = n_rows // 2
        origins = [np.asarray(stretch, int) for stretch in split.training(n_rows, n_steps)]
        at = np.concatenate([np.empty(0, int), *origins])
        at = at[:: -(-len(at) // MOST_WINDOWS) or 1]
        if len(at) < 2:
            return None
        filled, known = fill_series(series, None).values, ~np.isnan(series.values)
        newest = len(filled) - 1 - at  # of what precedes, backwards in time, where it is oldest
        solved = [
            _solve(filled, known, at, n_rows, n_steps),
            _solve(filled[::-1], known[::-1], newest + n_rows - 1 - n_steps, n_rows, n_steps),
        ]
        kernels, errors = (np.stack(parts) for parts in zip(*solved, strict=True))
        return cls(kernels, errors, season if season and season <= n_steps else 1)

    def fill(self, column: np.ndarray, f: int, start: int, stop: int) -> np.ndarray:
        """Fill one gap.

        Parameters
        ----------
        column : ndarray of shape (n_rows,)
            Without missing values before and after the gap, at least one of which there is.
        f : int
            Which column.
        start, stop : int
            Its first row, and the row after its last.

        Returns
        -------
        ndarray of shape (stop - start,)
            Its values.
        """
        n, n_gap = self.n_rows, stop - start
        total, weights = np.zeros(n_gap), np.zeros(n_gap)
        for backwards, seen in enumerate((column[max(0, start - n) : start], column[stop : stop + n][::-1])):
            if not len(seen):
                continue
            padded = np.empty(n)  # by the oldest row, where there are fewer
            padded[: n - len(seen)], padded[n - len(seen) :] = seen[0], seen
            found = self._continue(padded @ self.kernels[backwards, f], n_gap)
            weight = self._continue(1 / self.errors[backwards, f], n_gap)
            if backwards:
                found, weight = found[::-1], weight[::-1]
            total += weight * found
            weights += weight
        return np.asarray(total / weights, column.dtype)

    def _continue(self, values: np.ndarray, n_gap: int) -> np.ndarray:
        """Return the first of some values, or repeat the last of them."""
        n_more = n_gap - len(values)
        return values[:n_gap] if n_more <= 0 else np.append(values, np.resize(values[-self.period :], n_more))


def find_runs(bad: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the stretches of True.

    Parameters
    ----------
    bad : ndarray of bool of shape (..., n_rows)
        Of one column, or of many.

    Returns
    -------
    which, start, stop : ndarray of int of shape (n_runs,)
        The number of the column that each is of, its first row, and the row after its last: column by column.

    Examples
    --------
    >>> find_runs(np.array([[True, True, False], [False, False, True]]))
    (array([0, 1]), array([0, 2]), array([2, 3]))
    """
    n_rows = bad.shape[-1]
    padded = np.zeros((math.prod(bad.shape[:-1]), n_rows + 2), bool)
    padded[:, 1:-1] = bad.reshape(-1, n_rows)
    which, ends = np.divmod(np.flatnonzero(padded[:, 1:] != padded[:, :-1]), n_rows + 1)
    return which[::2], ends[::2], ends[1::2]


def fill_missing(rows: np.ndarray, maps: GapMaps | None, columns: np.ndarray | None = None) -> np.ndarray:
    """Fill the missing values of every column from its others.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        One series or one window, NaN where a value is missing.
    maps : GapMaps or None
        For gaps of more than three rows, and those at the end; None fills them, too, by straight lines, and by the
        nearest value.
    columns : ndarray of int, optional
        Those to fill; by default all.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        The same array, if nothing is missing; of a column without any value zeros, the mean in standardised units.

    Examples
    --------
    >>> fill_missing(np.array([[1.0], [np.nan], [3.0], [np.nan]]), None).ravel()
    array([1., 2., 3., 3.])
    """
    missing = np.isnan(rows)
    columns = np.flatnonzero(missing.any(axis=0)) if columns is None else columns
    if not len(columns):
        return rows
    filled, at = rows.copy(), np.arange(len(rows))
    for f in columns:
        bad, column = missing[:, f], rows[:, f]
        if bad.all():
            filled[:, f] = 0
            continue
        if not bad.any():
            continue
        line = column.copy()
        line[bad] = np.interp(at[bad], at[~bad], column[~bad])
        filled[:, f] = line
        if maps is None:
            continue
        for _, start, stop in np.column_stack(find_runs(bad)).tolist():
            if stop - start > SHORT or stop == len(rows):
                filled[start:stop, f] = maps.fill(line, int(f), start, stop)
    return filled


def fill_series(series: SeriesSet, maps: GapMaps | None) -> SeriesSet:
    """Fill the missing values of every series from its own.

    Parameters
    ----------
    series : SeriesSet
        In the units of the maps.
    maps : GapMaps or None
        Of `fill_missing`.

    Returns
    -------
    SeriesSet
        The same, if nothing is missing.
    """
    if series.observed is None:
        return series
    parts = [fill_missing(series.values[a:b], maps) for a, b in itertools.pairwise(series.bounds.tolist())]
    return series.with_values(np.concatenate(parts))


def carry_forward(rows: np.ndarray, apart: int = 1) -> np.ndarray:
    """Fill missing values by the newest ones before them, as a naive forecast would.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        One series or several, NaN where a value is missing.
    apart : int, default 1
        Rows that lie so many, or twice or three times as many, before: of a season for its phase.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        The same array, if nothing is missing; 0 where nothing lies before.

    Examples
    --------
    >>> carry_forward(np.array([[1.0], [2.0], [np.nan], [4.0], [np.nan]]), apart=2).ravel()
    array([1., 2., 1., 4., 1.])
    """
    if not any(np.isnan(rows[block]).any() for block in blocks(rows)):
        return rows
    observed, (n_rows, n_features) = ~np.isnan(rows), rows.shape
    turns = -(-n_rows // apart)
    at = np.where(observed, np.arange(n_rows)[:, None], -1)
    at = np.pad(at, ((0, turns * apart - n_rows), (0, 0)), constant_values=-1).reshape(turns, apart, n_features)
    newest = np.maximum.accumulate(at, axis=0).reshape(-1, n_features)[:n_rows]
    return np.where(newest >= 0, np.take_along_axis(rows, np.maximum(newest, 0), axis=0), rows.dtype.type(0))


def find_dependent(missing: np.ndarray, lookback: int, maps: GapMaps | None) -> np.ndarray:
    """Find the windows whose missing values may be filled in another way than those of the whole series.

    What fills a gap is the same in every window that holds the gap and all that it is filled from.

    Parameters
    ----------
    missing : ndarray of bool of shape (n_rows, n_features)
        Of one series, at least `lookback` rows.
    lookback : int
        Rows of a window.
    maps : GapMaps or None
        Of `fill_missing`.

    Returns
    -------
    ndarray of bool of shape (n_rows - lookback + 1, n_features)
        The first is that of the window that ends with row lookback - 1.
    """
    n_rows, n_features = missing.shape
    dependent = np.zeros((n_rows - lookback + 1, n_features), bool)
    for f in np.flatnonzero(missing.any(axis=0)):
        _, start, stop = find_runs(missing[:, f])
        first, last = start - 1, stop.copy()  # what it is filled from: the values beside it, ..
        if maps is not None:
            long = stop - start > SHORT
            first[long], last[long] = start[long] - maps.n_rows, stop[long] + maps.n_rows - 1
            # .. or the rows before and after, and the values beside the gaps in which these begin and end
            before, after = (np.searchsorted(stop, end, side="right") for end in (first, last))
            inside = (before < len(start)) & (start[np.minimum(before, len(start) - 1)] <= first)
            first = np.where(inside, start[np.minimum(before, len(start) - 1)] - 1, first)
            inside = (after < len(start)) & (start[np.minimum(after, len(start) - 1)] <= last)
            last = np.where(inside, stop[np.minimum(after, len(start) - 1)], last)
        dependent[:, f] = find_partial(start, stop, first, last, lookback, n_rows)
    return dependent


def find_partial(
    start: np.ndarray, stop: np.ndarray, first: np.ndarray, last: np.ndarray, lookback: int, n_rows: int
) -> np.ndarray:
    """Find the windows that hold some rows of a run, but not all rows that it is filled from.

    Parameters
    ----------
    start, stop : ndarray of int of shape (n_runs,)
        The first row of each run, and the row after its last.
    first, last : ndarray of int of shape (n_runs,)
        The first and the last of the rows that it is filled from; some may lie outside of the series.
    lookback, n_rows : int
        Rows of a window, and of the series.

    Returns
    -------
    ndarray of bool of shape (n_rows - lookback + 1,)
        The first is that of the window that ends with row lookback - 1.
    """
    n_origins = n_rows - lookback + 1
    changes = np.zeros(n_origins + 1, int)
    for low, high in (
        (start, np.minimum(last, stop + lookback - 1)),  # ends of windows that hold some of the run, not `last`
        (np.maximum(start, first + lookback), stop + lookback - 1),  # not `first`
    ):
        low, high = (np.clip(end - lookback + 1, 0, n_origins) for end in (low, high))
        some = high > low
        np.add.at(changes, low[some], 1)
        np.add.at(changes, high[some], -1)
    return np.asarray(np.cumsum(changes[:-1]) > 0)


@on_one_thread
def _solve(
    rows: np.ndarray, known: np.ndarray, at: np.ndarray, n_rows: int, n_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Solve a ridge regression of each column: kernels, and squared errors."""
    length, products, counts = n_rows + n_steps, [], []
    n_known = np.pad(np.cumsum(known, axis=0), ((1, 0), (0, 0)))
    for f in range(rows.shape[1]):
        begin = at - n_rows + 1
        begin = begin[2 * (n_known[begin + length, f] - n_known[begin, f]) > length]  # of which more is known than not
        windows = sliding_windows(np.ascontiguousarray(rows[:, f]), length)
        cut = windows[begin].astype(np.float64)
        products.append(cut.T @ cut)
        counts.append(len(begin))
    pooled = POOLED * n_rows * np.mean(products, axis=0) / max(np.mean(counts), 1)
    kernels, errors = [], []
    for product, count in zip(products, counts, strict=True):
        joined = (product + pooled) / (count + POOLED * n_rows)
        inputs, cross = joined[:n_rows, :n_rows], joined[:n_rows, n_rows:]
        ridge = STRENGTH * np.trace(inputs) / n_rows + 1e-9
        kernel = np.linalg.solve(inputs + ridge * np.eye(n_rows), cross)
        squares = np.diag(joined)[n_rows:] + np.einsum("ls,ls->s", kernel, inputs @ kernel - 2 * cross)
        kernels.append(kernel)
        errors.append(np.maximum(squares, 1e-6))
    return np.stack(kernels), np.stack(errors)
