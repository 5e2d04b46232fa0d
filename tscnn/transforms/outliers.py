"""Windows are rid of what is missing, far outside of values of training, or stuck, before they are forecast from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import received
from tscnn.data.mapped import every_few
from tscnn.transforms.missing import SHORT, GapMaps, fill_missing, find_dependent, find_partial, find_runs
from tscnn.transforms.stuck import GAP, MOST_OF_WINDOW, find_long, find_stuck, mark_long

__all__ = ["OutlierFilter", "fill_gaps", "keep_levels", "middle_of"]


@dataclass(frozen=True, eq=False)
class OutlierFilter:
    """Fills the values of a window that are missing, and replaces those far outside of training's, and what is stuck.

    What a window forecasts depends on that window alone, so that all ways to forecast agree. A window more than half
    of which lies outside, or repeats one value, has another level, or a column that is dead by now, and stays as it is;
    so does a column that was constant in training. A column that is missing all over a window is filled with zeros, the
    mean of training.

    Attributes
    ----------
    lower, upper : ndarray of shape (n_features,)
        Values outside of them are replaced.
    season : int
        Rows of a season, that longer gaps are filled from; 0 for none.
    gaps : GapMaps or None
        That long gaps are filled by; None for straight lines.
    stuck_from : ndarray of shape (n_features,), or None
        Equal values in a row, from which on these are replaced; infinite, or None, for never.

    Examples
    --------
    >>> rows = np.sin(np.arange(100.0) / 4)[:, None]
    >>> outliers = OutlierFilter.fit(rows)
    >>> outliers.clean(np.array([[[0.1], [-999.0], [0.3]]])).ravel()
    array([0.1, 0.2, 0.3])
    """

    name: ClassVar[str] = "outliers"

    lower: np.ndarray
    upper: np.ndarray
    season: int = 0
    gaps: GapMaps | None = None
    stuck_from: np.ndarray | None = None

    @classmethod
    def unbounded(cls, n_features: int, gaps: GapMaps | None = None) -> Self:
        """Make a filter that fills what is missing, and nothing else.

        Parameters
        ----------
        n_features : int
            Columns.
        gaps : GapMaps, optional
            As of the class.

        Returns
        -------
        OutlierFilter
            Without bounds.
        """
        reach = np.full(n_features, np.inf, np.float32)
        return cls(-reach, reach, 0, gaps)

    @classmethod
    def fit(
        cls,
        rows: np.ndarray,
        season: int | None = None,
        gaps: GapMaps | None = None,
        stuck_from: np.ndarray | None = None,
    ) -> Self:
        """Find the range of columns without outliers, and widen it.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            Of `clean_rows`, in the units of the terms.
        season : int, optional
            Rows of a season.
        gaps : GapMaps, optional
            As of the class.
        stuck_from : ndarray of shape (n_features,), optional
            Of `tscnn.transforms.stuck.learn_stuck_from`.

        Returns
        -------
        OutlierFilter
            Of three times the distances from the median to both ends of the range.
        """
        bounds = []
        for column in rows.T:
            middle, typical = middle_of(every_few(column))
            reach = [GAP * max(typical, side) for side in (middle - column.min(), column.max() - middle)]
            bounds.append((middle - reach[0], middle + reach[1]) if typical else (-np.inf, np.inf))
        lower, upper = np.array(bounds, np.float64).reshape(-1, 2).T
        return cls(lower.astype(np.float32), upper.astype(np.float32), season or 0, gaps, stuck_from)

    def outside(self, rows: np.ndarray) -> np.ndarray:
        """Tell which values lie outside.

        Parameters
        ----------
        rows : ndarray of shape (..., n_features)
            In the units of the terms.

        Returns
        -------
        ndarray of bool
            Of the same shape.
        """
        return (rows < self.lower) | (rows > self.upper)

    def may_change(self, rows: np.ndarray, runs: np.ndarray | None = None) -> bool:
        """Tell quickly whether `clean` may change a window.

        Parameters
        ----------
        rows, runs : ndarray of shape (..., n_features)
            As of `clean`, in any order.

        Returns
        -------
        bool
            False where nothing is to be replaced or filled.
        """
        if not ((rows >= self.lower) & (rows <= self.upper)).all():
            return True  # NaN is neither
        return runs is not None and bool((runs >= self.stuck_from).any())

    def clean(self, windows: np.ndarray, runs: np.ndarray | None = None) -> np.ndarray:
        """Replace the values of windows that lie outside or are stuck, and fill those that are missing.

        Parameters
        ----------
        windows : ndarray of shape (n_windows, n_rows, n_features)
            In the units of the terms.
        runs : ndarray of the same shape, optional
            Of `tscnn.transforms.stuck.count_runs`; without them nothing is stuck.

        Returns
        -------
        ndarray of the same shape
            The same, if nothing has to be replaced; else a copy.
        """
        if not self.may_change(windows, runs):
            return windows
        cleaned = _by_column(_by_column(windows).copy())  # which has the rows of each column side by side in memory
        outside, missing = self.outside(cleaned), np.isnan(cleaned).any(axis=1)
        share = outside.mean(axis=1)
        suspect = far = (share > 0) & (share <= MOST_OF_WINDOW)
        in_suspect = least = None
        if runs is not None and self.stuck_from is not None:
            suspect = far | (runs >= self.stuck_from).any(axis=1)
            in_suspect, least = (
                _by_column(runs)[suspect][..., None],
                self.stuck_from[np.nonzero(suspect)[1], None, None],
            )
        columns, outside = (_by_column(one)[suspect] for one in (cleaned, outside))  # (n_suspect, n_rows)
        outside &= far[suspect][:, None]
        stuck = find_stuck(in_suspect, least, outside[..., None])
        bad = keep_levels(columns, outside, self.season)
        bad = bad if stuck is None else bad | stuck[..., 0]
        if not bad.any() and not missing.any():
            return windows
        filled = fill_gaps(columns, bad, self.season)
        filled[bad & missing[suspect][:, None]] = np.nan  # which is filled with what is missing
        _by_column(cleaned)[suspect] = filled
        for i in np.flatnonzero(missing.any(axis=1)):
            cleaned[i] = fill_missing(cleaned[i], self.gaps, np.flatnonzero(missing[i]))
        return cleaned

    def fill(
        self, rows: np.ndarray, lookback: int, runs: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Clean a series as a whole, and find the windows that are cleaned in another way by themselves.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            In the units of the terms, at least `lookback` of them.
        lookback : int
            Rows of a window.
        runs : ndarray of the same shape, optional
            As of `clean`.

        Returns
        -------
        filled : ndarray of shape (n_rows, n_features)
            The same array, if nothing is to be replaced or filled.
        alone : ndarray of bool of shape (n_rows - lookback + 1, n_features), or None
            Columns of windows that `clean` may make something else of than `filled` is; None where there are none.
        """
        outside, missing, long = self.outside(rows), np.isnan(rows), find_long(runs, self.stuck_from)
        stuck = np.zeros(rows.shape, bool) if runs is None or long is None else mark_long(runs, long)
        filled, alone = rows, np.zeros((len(rows) - lookback + 1, rows.shape[1]), bool)
        if missing.any():
            filled, alone = fill_missing(rows, self.gaps), find_dependent(missing, lookback, self.gaps)
        for f in np.flatnonzero((outside | stuck).any(axis=0)):
            bad = keep_levels(rows[:, f], outside[:, f], self.season) | stuck[:, f]
            filled = rows.copy() if filled is rows else filled
            filled[:, f] = fill_gaps(filled[:, f], bad, self.season)
            alone[:, f] |= self._find_own(bad, outside[:, f] | stuck[:, f], missing[:, f], lookback)
        return filled, alone if alone.any() else None

    def _find_own(self, bad: np.ndarray, suspect: np.ndarray, missing: np.ndarray, lookback: int) -> np.ndarray:
        """Find the windows in which one column is to be cleaned in another way than in the whole series."""
        _, start, stop = find_runs(suspect)
        own = find_partial(start, stop, start - 1, stop, lookback, len(bad))
        if self.season:
            _, start, stop = find_runs(bad)
            start, stop = start[stop - start > SHORT], stop[stop - start > SHORT]
            own |= find_partial(start, stop, start - self.season, stop + self.season - 1, lookback, len(bad))
        n_suspect, n_missing = (count_in_windows(flags, lookback) for flags in (suspect, missing))
        return own | (n_suspect > MOST_OF_WINDOW * lookback) | ((n_suspect > 0) & (n_missing > 0))

    def settings(self) -> dict[str, Any]:
        """Return the season, and the period of long gaps."""
        return {"season": self.season, "period": None if self.gaps is None else self.gaps.period}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the bounds of values and of runs, and the maps that fill gaps."""
        maps = {} if self.gaps is None else {"gap_kernels": self.gaps.kernels, "gap_errors": self.gaps.errors}
        stuck_from = {} if self.stuck_from is None else {"stuck_from": self.stuck_from}
        return {"lower": self.lower, "upper": self.upper, **stuck_from, **maps}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the filter that `settings` and `arrays` describe."""
        lower, upper = arrays["lower"], arrays["upper"]
        if lower.ndim != 1 or lower.shape != upper.shape or not (lower <= upper).all():
            raise ValueError(received("`outliers` must have one range a column.", shapes=[lower.shape, upper.shape]))
        stuck_from = arrays.get("stuck_from")  # files of earlier versions have none
        if stuck_from is not None and (stuck_from.shape != lower.shape or not (stuck_from > 1).all()):
            raise ValueError(received("`stuck_from` must be more than one row of each column.", shape=stuck_from.shape))
        period = settings.get("period")
        gaps = None if period is None else GapMaps(arrays["gap_kernels"], arrays["gap_errors"], int(period))
        return cls(lower, upper, int(settings["season"]), gaps, stuck_from)


# One column


def middle_of(column: np.ndarray) -> tuple[float, float]:
    """Measure where a column lies, and how far from there.

    Parameters
    ----------
    column : ndarray of shape (n_rows,)
        In any units.

    Returns
    -------
    median, typical : float
        And the median distance from it of those values that differ from it, 0 of a constant.

    Examples
    --------
    >>> middle_of(np.array([0.0, 0.0, 0.0, 2.0, 4.0]))
    (0.0, 3.0)
    """
    middle = float(np.median(column))
    differing = column[column != middle]
    return middle, float(np.median(np.abs(differing - middle))) if len(differing) else 0.0


def keep_levels(columns: np.ndarray, bad: np.ndarray, season: int) -> np.ndarray:
    """Take back what may be a new level: runs of different values, as long as a season, or three rows at the end.

    Parameters
    ----------
    columns : ndarray of shape (..., n_rows)
        In any units: a column, or one of each of many windows.
    bad : ndarray of bool of the same shape
        Values far from the others.
    season : int
        Rows of a season; 0 for none.

    Returns
    -------
    ndarray of bool of the same shape
        Those of them that are outliers.
    """
    if not bad.any():
        return bad
    kept, n_rows = bad.copy(), bad.shape[-1]
    of_each, values = kept.reshape(-1, n_rows), columns.reshape(-1, n_rows)
    which, start, stop = find_runs(bad)
    long = stop - start >= np.where(stop == n_rows, SHORT, max(season, SHORT))
    for i, first, after in np.column_stack([which, start, stop])[long].tolist():
        if np.ptp(values[i, first:after]) > 0:
            of_each[i, first:after] = False
    return kept


def fill_gaps(columns: np.ndarray, bad: np.ndarray, season: int) -> np.ndarray:
    """Fill short gaps by a straight line, and others by the seasons before and after, as far as there are any.

    Parameters
    ----------
    columns : ndarray of shape (..., n_rows)
        In any units: a column, or one of each of many windows.
    bad : ndarray of bool of the same shape
        Rows to replace.
    season : int
        Rows of a season; 0 for none.

    Returns
    -------
    ndarray of the same shape
        The same array, if there is nothing to replace, or nothing to replace it by.

    Examples
    --------
    >>> fill_gaps(np.array([1.0, -99.0, 3.0]), np.array([False, True, False]), season=0)
    array([1., 2., 3.])
    """
    n_rows = columns.shape[-1]
    which, start, stop = find_runs(bad & ~bad.all(axis=-1, keepdims=True))
    if not len(which):
        return columns
    known = columns.reshape(-1, n_rows)
    filled = known.copy()
    at, step = _number_rows(stop - start)
    after = known[which, np.where(stop < n_rows, stop, start - 1)]
    before = np.where(start > 0, known[which, start - 1], after).astype(np.float64)
    share = (step + 1) / (stop - start + 1)[at]
    filled[which[at], start[at] + step] = before[at] + share * (after - before)[at]
    if season:
        _fill_by_seasons(known, filled, which, start, stop, season)
    return filled.reshape(columns.shape)


def _fill_by_seasons(
    known: np.ndarray, filled: np.ndarray, which: np.ndarray, start: np.ndarray, stop: np.ndarray, season: int
) -> None:
    """Fill those runs of `find_runs` that are long, or at the end, by the seasons beside them: where one is complete.

    The season before a run may have runs itself, which are filled first.
    """
    n_rows = known.shape[1]
    long = (stop - start > SHORT) | (stop == n_rows)
    if not long.any():
        return
    next_start = np.append(np.where(which[1:] == which[:-1], start[1:], n_rows), n_rows)
    has_before, has_after = start >= season, stop + season <= next_start
    long &= has_before | has_after
    which, start, stop, has_before, has_after = (one[long] for one in (which, start, stop, has_before, has_after))
    number = np.arange(len(which))
    depends = np.append(False, (which[1:] == which[:-1]) & (start[1:] - season < stop[:-1]))[: len(which)]
    n_before = number - np.maximum.accumulate(np.where(depends, 0, number))  # runs to be filled before each
    for turn in range(n_before.max(initial=-1) + 1):
        own = np.flatnonzero(n_before == turn)
        at, step = _number_rows((stop - start)[own])
        at = own[at]
        column, row = which[at], start[at] + step
        before = filled[column, np.maximum(start[at] - season, 0) + step % season]
        after = known[column, np.minimum(stop[at] + season, n_rows) - 1 - (stop[at] - 1 - row) % season]
        both = np.where(has_after[at], (before + after) / 2, before)
        filled[column, row] = np.where(has_before[at], both, after)


def _number_rows(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which run each row is of, run by run, and how many rows of the run lie before it."""
    which = np.repeat(np.arange(len(lengths)), lengths)
    return which, np.arange(len(which)) - (np.cumsum(lengths) - lengths)[which]


def _by_column(windows: np.ndarray) -> np.ndarray:
    """Return (n_windows, n_features, n_rows) of (n_windows, n_rows, n_features), or the other way round: a view."""
    return windows.transpose(0, 2, 1)


def count_in_windows(flags: np.ndarray, lookback: int) -> np.ndarray:
    """Count how often a flag is set in every window of a series.

    Parameters
    ----------
    flags : ndarray of bool of shape (n_rows,)
        At least `lookback` of them.
    lookback : int
        Rows of a window.

    Returns
    -------
    ndarray of int of shape (n_rows - lookback + 1,)
        The first is that of the window that ends with row lookback - 1.

    Examples
    --------
    >>> count_in_windows(np.array([True, False, False, True]), lookback=2)
    array([1, 0, 1])
    """
    counts = np.concatenate([[0], np.cumsum(flags)])
    return np.asarray(counts[lookback:] - counts[:-lookback])
