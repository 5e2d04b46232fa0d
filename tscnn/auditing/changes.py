"""Rows to forecast from, and changes of them that show what a forecast takes notice of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

__all__ = ["Context", "Frames", "Range", "change_later", "find_ranges", "nudge", "part_of"]

Frames = dict[Any, pd.DataFrame]  # by series; a single one by None
Range = tuple[float, float, float, float]  # mean, standard deviation, smallest, largest value of a column

STEP = 0.5  # standard deviations by which values are moved: a convention


@dataclass(frozen=True)
class Context:
    """Rows to forecast from, and those that came after.

    Attributes
    ----------
    frames : dict of DataFrame
        By series.
    after : dict of DataFrame
        By series: as many rows as the horizon, of which future covariates are known.
    """

    frames: Frames
    after: Frames

    @property
    def table(self) -> Any:
        """Return the rows as they are given to `predict`.

        Returns
        -------
        DataFrame, or dict of them by series
            One frame if there is a single series.
        """
        return _as_given(self.frames)

    @property
    def future(self) -> Any:
        """Return the rows after them, as they are given to `predict`.

        Returns
        -------
        DataFrame, or dict of them by series
            As `table`.
        """
        return _as_given(self.after)

    def change(self, change: Callable[[Any, pd.DataFrame], pd.DataFrame], *, after: bool = False) -> Self:
        """Change the rows of every series.

        Parameters
        ----------
        change : callable
            Name of the series, frame -> frame.
        after : bool, default False
            Change the rows after the newest one instead.

        Returns
        -------
        Context
            Another one.
        """
        which = "after" if after else "frames"
        return replace(self, **{which: {name: change(name, own) for name, own in getattr(self, which).items()}})


def find_ranges(frame: pd.DataFrame) -> dict[int, Range]:
    """Find mean, standard deviation and bounds of all columns that hold numbers.

    Parameters
    ----------
    frame : DataFrame
        Of one series.

    Returns
    -------
    dict of tuple
        By position of the column.
    """
    found = {}
    for at, dtype in enumerate(frame.dtypes):
        values = _numbers(frame.iloc[:, at]) if dtype.kind in "iuf" else np.array([])
        values = values[np.isfinite(values)]
        if len(values):
            found[at] = float(values.mean()), float(values.std()), float(values.min()), float(values.max())
    return found


def nudge(
    frame: pd.DataFrame, rows: slice, like: pd.DataFrame, ranges: Mapping[int, Range], columns: Sequence[Any] | None
) -> pd.DataFrame:
    """Move values of some rows, to others that the column might have.

    Parameters
    ----------
    frame : DataFrame
        Some rows of a series.
    rows : slice
        Positions of those to change.
    like : DataFrame
        All rows of the series.
    ranges : mapping of int to tuple
        Of `find_ranges`, of all rows.
    columns : sequence or None
        To change; None for all.

    Returns
    -------
    DataFrame
        A copy. Numbers move by half a standard deviation towards the mean of their column, within what it holds; of
        anything else another value is taken. What is missing stays so.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": [0.0, 2.0, 4.0], "b": list("xyx")})
    >>> nudge(frame, slice(-1, None), frame, find_ranges(frame), None).round(1)
         a  b
    0  0.0  x
    1  2.0  y
    2  3.2  y
    """
    changed = frame.copy()
    for at, label in enumerate(frame.columns.tolist()):
        if columns is not None and label not in columns:
            continue
        if at in ranges:
            changed.isetitem(at, _move(frame.iloc[:, at], rows, *ranges[at]))
        elif like.dtypes.iloc[at].kind not in "iuf":
            changed.isetitem(at, _swap(frame.iloc[:, at], rows, like.iloc[:, at]))
    return changed


def change_later(frame: pd.DataFrame, first: int, columns: Sequence[Any] | None = None) -> pd.DataFrame:
    """Put other rows behind some rows: backwards in time, at another level, and wider.

    Parameters
    ----------
    frame : DataFrame
        Of one series.
    first : int
        Position of the first row to change.
    columns : sequence, optional
        To change, default all that hold numbers.

    Returns
    -------
    DataFrame
        A copy, in which nothing that is fitted to the later rows is the same.

    Examples
    --------
    >>> change_later(pd.DataFrame({"a": [0.0, 0.0, 2.0, 4.0]}), 2)["a"].round(1).tolist()
    [0.0, 0.0, 8.6, 5.6]
    """
    changed = frame.copy()
    for label in frame.select_dtypes("number").columns:
        if columns is None or label in columns:
            values = _numbers(frame[label])
            if np.isnan(values).all():
                continue
            mean, spread, least = np.nanmean(values), np.nanstd(values), np.nanmin(values)
            values[first:] = np.maximum(mean + 1.5 * (values[first:][::-1] - mean) + 2 * spread, least)
            changed[label] = values.astype(_float(frame[label]))
    return changed


def part_of(forecast: Any, name: Any) -> Any:
    """Take the forecast of one series.

    Parameters
    ----------
    forecast : DataFrame, Series, array, or dict of them
        Of all series.
    name : object
        Of the series, None if there is one.

    Returns
    -------
    DataFrame, Series or array
        Indexed by time.
    """
    if name is None:
        return forecast
    return forecast[name] if isinstance(forecast, Mapping) else forecast.xs(name, level=0)


def _as_given(frames: Frames) -> Any:
    return frames.get(None, frames)


def _move(column: pd.Series, rows: slice, mean: float, spread: float, low: float, high: float) -> np.ndarray:
    """Move numbers towards the mean."""
    values = _numbers(column)
    own = values[rows]
    values[rows] = np.clip(own + np.where(own < mean, STEP, -STEP) * spread, low, high)
    return values.astype(_float(column))


def _swap(column: pd.Series, rows: slice, like: pd.Series) -> Any:
    """Take other values of a column that holds categories, text or flags."""
    kinds, swapped = like.dropna().unique().tolist(), column.astype(object)
    for at in range(len(column))[rows]:
        others = [kind for kind in kinds if kind != swapped.iloc[at]]
        if others and not pd.isna(swapped.iloc[at]):
            swapped.iloc[at] = others[0]
    return swapped.astype(column.dtype)


def _numbers(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)


def _float(column: pd.Series) -> Any:
    return np.float32 if str(column.dtype).lower() == "float32" else np.float64
