"""Gaps: drawn at random to learn and to judge by, measured, and filled by what is simplest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["UNSEASONAL", "draw_gaps", "gap_lengths", "interpolate", "measure_gaps", "nearest_length"]

HOURS = (1 / 24, 1 / 4, 1, 3)  # lengths of gaps, in seasons: of hourly rows 1, 6, 24 and 72 hours. Conventions
UNSEASONAL = 24  # rows of what stands for a season where there is none


def gap_lengths(season: int | None, n_rows: int) -> tuple[int, ...]:
    """List the lengths of gaps to learn and to judge by.

    Parameters
    ----------
    season : int or None
        Rows of a season.
    n_rows : int
        In which gaps are to be.

    Returns
    -------
    tuple of int
        Rows, ascending, beginning with 1.

    Examples
    --------
    >>> gap_lengths(24, 1000), gap_lengths(7, 100)
    ((1, 6, 24, 72), (1, 2, 7, 21))
    """
    rows = {max(1, round(part * (season or UNSEASONAL))) for part in HOURS}
    return tuple(sorted({1, *(n for n in rows if 4 * n <= n_rows)}))


def draw_gaps(
    shape: tuple[int, int], length: int, share: float, random: np.random.Generator, *, together: bool
) -> np.ndarray:
    """Draw gaps that are apart from each other.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    length : int
        Rows of a gap.
    share : float
        Of the rows of a column that are in gaps, about; there is one gap at least.
    random : Generator
        Draws where they begin.
    together : bool
        Whether all columns have the same gaps, or each its own.

    Returns
    -------
    ndarray of bool of shape (n_rows, n_columns)
        True in gaps.
    """
    n_rows, n_columns = shape
    gone = np.zeros(shape, bool)
    slot = max(length + 2, round(length / share))
    for column in range(1 if together else n_columns):
        shift = random.integers(0, slot)
        starts = np.arange(shift - slot, n_rows, slot)
        starts = starts + random.integers(0, slot - length, len(starts))
        starts = starts[(starts > 0) & (starts + length < n_rows)]
        if not len(starts) and n_rows > length:
            starts = random.integers(0, n_rows - length, 1)
        rows = (starts[:, None] + np.arange(length)).ravel()
        gone[rows[rows < n_rows], slice(None) if together else column] = True
    return gone


def measure_gaps(missing: np.ndarray) -> np.ndarray:
    """Count the rows of the gap that each missing value is in.

    Parameters
    ----------
    missing : ndarray of bool of shape (n_rows, n_columns)
        True in gaps.

    Returns
    -------
    ndarray of int of shape (n_rows, n_columns)
        Of the gap in its column; 0 outside.
    """
    padded = np.zeros((len(missing) + 2, missing.shape[1]), np.int8)
    padded[1:-1] = missing
    lengths = np.zeros(missing.shape, int)
    for column, steps in enumerate(np.diff(padded, axis=0).T):
        starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
        lengths[missing[:, column], column] = np.repeat(ends - starts, ends - starts)
    return lengths


def nearest_length(lengths: np.ndarray, known: Sequence[int]) -> np.ndarray:
    """Find which of some lengths is nearest, as a ratio.

    Parameters
    ----------
    lengths : ndarray of int
        At least 1.
    known : sequence of int
        To choose from.

    Returns
    -------
    ndarray of int
        Positions in `known`.
    """
    return np.abs(np.log(lengths)[..., None] - np.log(np.asarray(known, float))).argmin(axis=-1)


def interpolate(rows: np.ndarray, season: int | None = None) -> np.ndarray:
    """Fill gaps by straight lines, beyond both ends by the nearest value, and by zeros where nothing is there.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        NaN where a value is missing.
    season : int, optional
        Rows of a season: in gaps that long and longer, lines go between the means of a season before and after.

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
        A copy.
    """
    filled, at = rows.copy(), np.arange(len(rows))
    for column in filled.T:
        known = ~np.isnan(column)
        if not known.all():
            column[~known] = np.interp(at[~known], at[known], column[known]) if known.any() else 0.0
    for f, sizes in enumerate(measure_gaps(np.isnan(rows)).T) if season else ():
        longer = np.concatenate([[False], sizes >= season, [False]])
        starts, ends = np.flatnonzero(np.diff(longer)).reshape(-1, 2).T
        for start, end in zip(starts, ends, strict=True):
            before, after = filled[max(0, start - season) : start, f], filled[end : end + season, f]
            if len(before) and len(after):
                filled[start:end, f] = np.linspace(before.mean(), after.mean(), end - start + 2)[1:-1]
    return filled
