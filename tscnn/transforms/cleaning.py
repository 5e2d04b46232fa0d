"""Training rows are rid of outliers, stuck sensors and level shifts, once, before anything is fitted."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from tscnn.data.mapped import MOST_ROWS, copy_of, release
from tscnn.data.windows import sliding_windows
from tscnn.transforms.missing import SHORT
from tscnn.transforms.outliers import fill_gaps, keep_levels, middle_of
from tscnn.transforms.stuck import GAP, shortest_run

__all__ = ["Cleaned", "clean_rows"]

# Conventions: no table chose them.
MOST_FAR, MOST_STUCK, MOST_SHIFTS = 0.25, 0.05, 2  # shares of the rows, and number, of which more are no outliers
FILL_VALUE = re.compile(r"-?99+9(\.0)?")  # 999, -9999 ..
SCALES, QUANTILE, QUANTILES = 8.0, 0.975, 3.0  # a residual is large beyond so many scales, and quantiles, in size
BLOCK = 2**16  # rows whose neighbours are in memory at a time: a convention
NEIGHBOURS = 5  # rows about each, itself included, whose median it is compared with
LEVEL_SCALES = 4.0  # a change of level is large beyond so many
LEVELS_APART, MOST_CHANGES, MOST_JUMPS = 8, 2000, 50  # parts of these rows apart; changes and jumps looked at
LEVEL_SEASONS, LEVEL_ROWS = 5, 60  # before and after a shift, whose medians are compared; rows without a season
WEEK, LONGEST_WEEK = 7, 12  # seasons that a week may have, and rows of a season that is no day
UNUSUAL, LEVEL = 3.0, 0.01  # scales of a covariate beyond which it is unusual; chance that outliers go with it
LONGER = 4  # times as many rows, over which half of the change is still there


@dataclass(frozen=True)
class Cleaned:
    """Rows that forecasts may learn from.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_features)
        The same array, if there was nothing to clean.
    replaced : ndarray of int of shape (n_features,)
        How many values were replaced.
    shifted : list of (int, int)
        Column and row of level shifts: the rows before are moved to the level after.
    sentinels : list of (int, float, int)
        Column, value and count of numbers that stand for something else, such as -9999 for what is missing.
    """

    rows: np.ndarray
    replaced: np.ndarray
    shifted: list[tuple[int, int]]
    sentinels: list[tuple[int, float, int]]


def clean_rows(
    rows: np.ndarray, season: int | None, covariates: np.ndarray | None = None, *, thorough: bool = True
) -> Cleaned:
    """Replace values that no forecast should learn from, and take level shifts out.

    Replaced are, column by column, values three times as far from the median as any other; spikes, which are far both
    from the rows about them and from the same phase of the seasons about them, by the Hampel identifier [1]_ with a
    threshold that heavy tails raise; and repetitions of one value, three times as long as any other. Of a column that
    is constant but for one row, or for a few of a number like -9999, these are. Level shifts [2]_ are jumps between
    stretches of steady level. What is frequent is no outlier, and stays; so does what goes with something known ahead,
    as sales of holidays do. More rows than `MOST_ROWS` are cleaned in parts, each by itself, and keep their level
    shifts.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        One series, in its own units; what is missing stays so.
    season : int or None
        Rows of a season.
    covariates : ndarray of shape (n_rows, n_covariates), optional
        What is known ahead, without missing values.
    thorough : bool, default True
        Whether spikes and level shifts are taken out, too.

    Returns
    -------
    Cleaned
        See there.

    References
    ----------
    .. [1] Davies and Gather (1993), The Identification of Multiple Outliers.
    .. [2] Chen and Liu (1993), Joint Estimation of Model Parameters and Outlier Effects in Time Series.

    Examples
    --------
    >>> rows = np.sin(np.arange(200.0))[:, None]
    >>> rows[[50, 90, 120]] = -9999
    >>> cleaned = clean_rows(rows, season=None)
    >>> cleaned.replaced, cleaned.sentinels, bool(abs(cleaned.rows).max() < 1.1)
    (array([3]), [(0, -9999.0, 3)], True)
    """
    if len(rows) > MOST_ROWS:
        return _clean_by_blocks(rows, season, covariates, spikes=thorough)
    return _clean_columns(np.asarray(rows, np.float64), season, covariates, spikes=thorough, shifts=thorough)


def _clean_by_blocks(
    rows: np.ndarray, season: int | None, covariates: np.ndarray | None, *, spikes: bool = True
) -> Cleaned:
    """Clean many millions of rows, a part of them at a time, each by what it holds itself, but for level shifts."""
    n_parts = -(-len(rows) // max(MOST_ROWS // (4 * rows.shape[1]), 2**18))
    edges = np.linspace(0, len(rows), n_parts + 1).astype(int).tolist()
    cleaned, replaced, counts = rows, np.zeros(rows.shape[1], int), Counter[tuple[int, float]]()
    for a, b in itertools.pairwise(edges):
        own = None if covariates is None else covariates[a:b]
        part = _clean_columns(np.array(rows[a:b], np.float64), season, own, spikes=spikes, shifts=False)
        if part.replaced.any():
            cleaned = copy_of(rows) if cleaned is rows else cleaned
            cleaned[a:b] = part.rows
        replaced += part.replaced
        counts.update({(column, value): n for column, value, n in part.sentinels})
        release(rows, cleaned)
    return Cleaned(cleaned, replaced, [], [(column, value, n) for (column, value), n in counts.items()])


def _clean_columns(
    rows: np.ndarray,
    season: int | None,
    covariates: np.ndarray | None,
    *,
    spikes: bool = True,
    shifts: bool = True,
) -> Cleaned:
    """Clean column by column."""
    columns, replaced, shifted, sentinels = [], [], [], []
    for i, column in enumerate(rows.T):
        missing = np.isnan(column)
        if missing.all() or (column[~missing] == column[~missing][0]).all():
            columns.append(column)
            replaced.append(0)
            continue
        known = np.where(missing, np.nanmedian(column), column) if missing.any() else column
        far = keep_levels(known, _find_far(known, season), season or 0)
        far &= ~_is_known(column, far, covariates)
        values, counts = np.unique(column[far], return_counts=True)
        sentinels += [(i, float(value), int(n)) for value, n in zip(values, counts, strict=True) if n >= SHORT]
        filled = fill_gaps(column, far | missing, season or 0)  # at once: lines must not begin at what is far
        others = _find_stuck(filled, season) & ~missing
        if spikes:
            found = _find_spikes(filled, season) & ~missing
            others |= found & ~_is_known(column, found, covariates)
        filled = fill_gaps(filled, others, season or 0)
        filled, at = _without_shifts(filled, season) if shifts else (filled, [])
        columns.append(np.where(missing, np.nan, filled) if missing.any() else filled)
        replaced.append(int(np.count_nonzero(far | others)))
        shifted += [(i, row) for row in at]
    changes = any(replaced) or shifted
    return Cleaned(np.stack(columns, axis=1) if changes else rows, np.array(replaced), shifted, sentinels)


def _find_far(column: np.ndarray, season: int | None) -> np.ndarray:
    """Tell what lies beyond a gap between the values of a column."""
    far = _interrupts(column)
    if far.any():
        return far
    middle, typical = middle_of(column)
    for side in (-1, 1) if typical else ():
        distances = side * (column - middle)
        ordered = np.sort(distances[distances > typical])
        gaps = np.flatnonzero(ordered > GAP * np.concatenate([[typical], ordered])[: len(ordered)])
        if len(gaps):
            far |= distances >= ordered[gaps[0]]
    return far if far.mean() <= MOST_FAR and not _recurs(far, season) else np.zeros(len(column), bool)


def _interrupts(column: np.ndarray) -> np.ndarray:
    """Tell what interrupts a constant: a single row, or a number in a few that stands for missing values."""
    differs = column != np.median(column)
    at = np.flatnonzero(differs)
    few = 0 < len(at) <= MOST_STUCK * len(column) and np.ptp(column[at]) == 0 and at[-1] < len(column) - 1
    if few and (len(at) == 1 or FILL_VALUE.fullmatch(str(float(column[at[0]])))):
        return differs
    return np.zeros(len(column), bool)


def _recurs(found: np.ndarray, season: int | None) -> bool:
    """Tell whether most of what was found comes again a season or seven later, as what happens on Sundays does."""
    for apart in (season, 7 * season) if season else ():
        if np.count_nonzero(found[apart:] & found[:-apart]) > np.count_nonzero(found[apart:]) / 2:
            return True
    return False


def _is_known(column: np.ndarray, found: np.ndarray, covariates: np.ndarray | None) -> np.ndarray:
    """Tell which rows that were found go with something unusual known ahead, more often than by chance."""
    if covariates is None or not found.any():
        return np.zeros(len(found), bool)
    from scipy.special import bdtrc  # takes longer to import than to clean a short series

    distances = np.abs(covariates - np.median(covariates, axis=0))
    unusual = distances > UNUSUAL * 1.4826 * np.median(distances, axis=0)
    both = unusual & found[:, None]
    chance = bdtrc(both.sum(axis=0) - 1.0, np.count_nonzero(found), unusual.mean(axis=0))
    known = np.asarray(both[:, chance < LEVEL / covariates.shape[1]].any(axis=1))
    known[known] = [FILL_VALUE.fullmatch(str(float(value))) is None for value in column[known]]
    return known


def _find_spikes(column: np.ndarray, season: int | None) -> np.ndarray:
    """Tell what differs from both the rows about it and the same phase of other seasons."""
    n_rows = len(column)
    if n_rows < 2 * NEIGHBOURS:
        return np.zeros(n_rows, bool)
    spikes = _is_large(column - _median_about(column, 1))
    if season and n_rows > NEIGHBOURS * season:
        spikes &= _is_large(column - _median_about(column, season))
    return spikes


def _median_about(column: np.ndarray, apart: int) -> np.ndarray:
    """Return the medians of five rows, `apart` from each other, about each; at the ends those of the first and last."""
    half, medians = NEIGHBOURS // 2 * apart, np.empty_like(column)
    for first in range(0, len(column), BLOCK):
        at = np.clip(np.arange(first, min(first + BLOCK, len(column))), half, len(column) - 1 - half)
        about = np.stack([column[at + k] for k in range(-half, half + 1, apart)])
        medians[first : first + BLOCK] = np.sort(about, axis=0)[NEIGHBOURS // 2]
    return medians


def _is_large(residuals: np.ndarray) -> np.ndarray:
    sizes = np.abs(residuals)
    ordered = np.sort(sizes)
    threshold = max(SCALES * 1.4826 * _quantile(ordered, 0.5), QUANTILES * _quantile(ordered, QUANTILE))
    return sizes > threshold if threshold else np.zeros(len(sizes), bool)  # rare events are no spikes


def _quantile(ordered: np.ndarray, share: float) -> float:
    """Interpolate a quantile of sorted values, as `numpy.quantile` does in twenty times the time."""
    below, part = divmod(share * (len(ordered) - 1), 1)
    near, far = ordered[int(below)], ordered[min(int(below) + 1, len(ordered) - 1)]
    return float(near + (far - near) * part)


def _find_stuck(column: np.ndarray, season: int | None) -> np.ndarray:
    """Tell where one value is repeated three times as often in a row as any that isn't."""
    stuck = np.zeros(len(column), bool)
    starts = np.flatnonzero(np.concatenate([[True], column[1:] != column[:-1]]))
    lengths = np.diff(starts, append=len(column))
    shortest = shortest_run(season)
    longer = np.sort(lengths[lengths > shortest])  # no more of them are in memory than it takes
    if len(longer) < len(lengths):
        longer = np.concatenate([[shortest], longer])
    gaps = np.flatnonzero(longer[1:] > GAP * longer[:-1])
    if len(gaps):
        stuck = np.repeat(lengths >= longer[gaps[0] + 1], lengths)
    return stuck if stuck.mean() <= MOST_STUCK and not _recurs(stuck, season) else np.zeros(len(column), bool)


def _without_shifts(column: np.ndarray, season: int | None) -> tuple[np.ndarray, list[int]]:
    """Move the rows before level shifts to the level after them; return the rows where these are."""
    n_level = LEVEL_SEASONS * season if season else LEVEL_ROWS
    last = len(column) - n_level
    if last < 3 * n_level:
        return column, []

    def change(row: int, n_rows: int = n_level) -> float:
        return float(np.median(column[row : row + n_rows]) - np.median(column[max(0, row - n_rows) : row]))

    jumps = np.diff(column, prepend=column[0])
    large = np.flatnonzero(_is_large(jumps))
    large = large[(large >= n_level) & (large <= last)]
    if not len(large):
        return column, []
    apart = max(1, n_level // LEVELS_APART, last // MOST_CHANGES)
    windows, at = sliding_windows(column, n_level), np.arange(n_level, last + 1, apart)
    usual = 1.4826 * np.median(np.abs(np.median(windows[at], axis=1) - np.median(windows[at - n_level], axis=1)))
    shifts: dict[int, float] = {}
    for row in large[np.argsort(-np.abs(jumps[large]))][:MOST_JUMPS].tolist():
        found = change(row)
        lasts = found / jumps[row] >= 0.5 and change(row, LONGER * n_level) / found >= 0.5  # half of it, at least
        if lasts and abs(found) > LEVEL_SCALES * usual and all(abs(row - other) > n_level for other in shifts):
            shifts[row] = found
    if not shifts or len(shifts) > MOST_SHIFTS:
        return column, []
    moved = column.copy()
    for row in shifts:
        moved[:row] += _measure_shift(column, row, season)
    return moved, sorted(shifts)


def _measure_shift(column: np.ndarray, row: int, season: int | None) -> float:
    """Return the mean of two measures of a shift, which err in different ways.

    One is how much higher rows are than those of a week, or of some seasons, before; the other is the jump of the two
    rows beside it, beyond those at the same phase of other weeks, or seasons.
    """
    n_rows, cycle = (LEVEL_SEASONS * season, season) if season else (LEVEL_ROWS, 0)
    if season and LONGEST_WEEK < season <= min(row, len(column) - row) // WEEK:
        n_rows = cycle = WEEK * season
    change = float(np.median(column[row : row + n_rows] - column[row - n_rows : row]))

    def jump(at: int) -> float:
        return float(column[at : at + 2].mean() - column[at - 2 : at].mean())

    alike = [row + k * cycle for k in range(-LEVEL_SEASONS, LEVEL_SEASONS + 1) if k] if cycle > 2 else []
    usual = [jump(at) for at in alike if 2 <= at <= len(column) - 2]
    return (change + jump(row) - (float(np.median(usual)) if usual else 0.0)) / 2
