"""Windows are rid of values far outside of those of training, before they are forecast from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import received

__all__ = ["GAP", "SHORT", "OutlierFilter", "fill_gaps", "keep_levels", "middle_of"]

GAP = 3.0  # times as far from the median as any other value: far outside. Conventions, both of them
SHORT = 3  # rows: what is as long at the end of a window, and doesn't repeat one value, may be a new level


@dataclass(frozen=True, eq=False)
class OutlierFilter:
    """Replaces the values of a window that lie far outside of those of training.

    What a window forecasts depends on that window alone, so that all ways to forecast agree. A window more than half
    of which lies outside has another level, and stays as it is; so does a column that was constant in training.

    Attributes
    ----------
    lower, upper : ndarray of shape (n_features,)
        Values outside of them are replaced.
    season : int
        Rows of a season, that longer gaps are filled from; 0 for none.

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

    @classmethod
    def fit(cls, rows: np.ndarray, season: int | None = None) -> Self:
        """Find the range of columns without outliers, and widen it.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            Of `clean_rows`, in the units of the terms.
        season : int, optional
            Rows of a season.

        Returns
        -------
        OutlierFilter
            Of three times the distances from the median to both ends of the range.
        """
        bounds = []
        for column in rows.T:
            middle, typical = middle_of(column)
            reach = [GAP * max(typical, side) for side in (middle - column.min(), column.max() - middle)]
            bounds.append((middle - reach[0], middle + reach[1]) if typical else (-np.inf, np.inf))
        lower, upper = np.array(bounds, np.float64).reshape(-1, 2).T
        return cls(lower.astype(np.float32), upper.astype(np.float32), season or 0)

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

    def clean(self, windows: np.ndarray) -> np.ndarray:
        """Replace the values of windows that lie outside.

        Parameters
        ----------
        windows : ndarray of shape (n_windows, n_rows, n_features)
            In the units of the terms.

        Returns
        -------
        ndarray of the same shape
            The same, if nothing has to be replaced; else a copy.
        """
        outside = self.outside(windows)
        share = outside.mean(axis=1)
        changed = np.argwhere((share > 0) & (share <= 0.5))
        if not len(changed):
            return windows
        cleaned = windows.copy()
        for i, column in changed:
            bad = keep_levels(windows[i, :, column], outside[i, :, column], self.season)
            cleaned[i, :, column] = fill_gaps(windows[i, :, column], bad, self.season)
        return cleaned

    def settings(self) -> dict[str, Any]:
        """Return what `from_arrays` needs besides arrays.

        Returns
        -------
        dict
            The season.
        """
        return {"season": self.season}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the bounds.

        Returns
        -------
        dict of str to ndarray
            For `from_arrays`.
        """
        return {"lower": self.lower, "upper": self.upper}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the filter that `settings` and `arrays` describe.

        Parameters
        ----------
        settings : dict
            Of `settings`.
        arrays : dict of str to ndarray
            Of `arrays`.

        Returns
        -------
        OutlierFilter
            Equal to the bit.

        Raises
        ------
        ValueError
            If the arrays don't fit each other.
        """
        lower, upper = arrays["lower"], arrays["upper"]
        if lower.ndim != 1 or lower.shape != upper.shape or not (lower <= upper).all():
            raise ValueError(received("`outliers` must have one range a column.", shapes=[lower.shape, upper.shape]))
        return cls(lower, upper, int(settings["season"]))


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


def keep_levels(column: np.ndarray, bad: np.ndarray, season: int) -> np.ndarray:
    """Take back what may be a new level: runs of different values, as long as a season, or three rows at the end.

    Parameters
    ----------
    column : ndarray of shape (n_rows,)
        In any units.
    bad : ndarray of bool of shape (n_rows,)
        Values far from the others.
    season : int
        Rows of a season; 0 for none.

    Returns
    -------
    ndarray of bool of shape (n_rows,)
        Those of them that are outliers.
    """
    kept = bad.copy()
    for start, stop in _find_runs(bad):
        needed = SHORT if stop == len(column) else max(season, SHORT)
        if stop - start >= needed and np.ptp(column[start:stop]) > 0:
            kept[start:stop] = False
    return kept


def fill_gaps(column: np.ndarray, bad: np.ndarray, season: int) -> np.ndarray:
    """Fill short gaps by a straight line, and others by the seasons before and after, as far as there are any.

    Parameters
    ----------
    column : ndarray of shape (n_rows,)
        In any units.
    bad : ndarray of bool of shape (n_rows,)
        Values to replace.
    season : int
        Rows of a season; 0 for none.

    Returns
    -------
    ndarray of shape (n_rows,)
        The same array, if there is nothing to replace, or nothing to replace it by.

    Examples
    --------
    >>> fill_gaps(np.array([1.0, -99.0, 3.0]), np.array([False, True, False]), season=0)
    array([1., 2., 3.])
    """
    if not bad.any() or bad.all():
        return column
    at = np.arange(len(column))
    filled = np.where(bad, np.interp(at, at[~bad], column[~bad]), column).astype(column.dtype)
    for start, stop in _find_runs(bad):
        if not season or (stop - start <= SHORT and stop < len(column)):
            continue
        cycles = [np.resize(filled[start - season : start], stop - start)] if start >= season else []
        if stop + season <= len(column) and not bad[stop : stop + season].any():
            cycles.append(np.resize(column[stop : stop + season][::-1], stop - start)[::-1])
        if cycles:
            filled[start:stop] = np.mean(cycles, axis=0)
    return filled


def _find_runs(bad: np.ndarray) -> list[tuple[int, int]]:
    """Return the first row of each stretch of True, and the row after its last."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]])))
    return list(pairwise(ends.tolist()))[::2]
