"""Rows put on a grid of even steps: absent ones become missing values."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import check_int, received
from tscnn.data.clock import clock_times, is_calendar
from tscnn.data.index import check_order, find_kind
from tscnn.data.steps import find_step, keeps_step, name_step, on_steps, spaced, whole_numbers, write_step

__all__ = ["put_on_grid", "read_step"]

_MOST_ROWS = 10_000_000  # of a grid a hundred times as long as the frame


def read_step(freq: Any, index: pd.Index) -> Any:
    """Read the step that an index is to have.

    Parameters
    ----------
    freq : str, offset, timedelta or int
        An alias or offset of pandas for times and periods, an int for integers.
    index : Index
        Of a kind that `tscnn.data.index.find_kind` knows.

    Returns
    -------
    offset or int
        As of `tscnn.data.index.check_spacing`.

    Raises
    ------
    TypeError, ValueError
        If it is no step, or none of such an index.

    Examples
    --------
    >>> read_step("2h", pd.date_range("2026-01-01", periods=3, freq="h")), read_step(3, pd.RangeIndex(9))
    (<2 * Hours>, 3)
    """
    kind = find_kind(index)
    if kind == "integers":
        if isinstance(freq, str | pd.offsets.BaseOffset):
            rule = "`freq` must be an int where the index holds integers; `X.set_axis(pd.to_datetime(..))` gives times."
            raise TypeError(received(rule, freq=freq))
        return check_int("freq", freq)
    step = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # aliases of earlier days
            step = pd.Period(ordinal=0, freq=freq).freq if kind == "periods" else pd.tseries.frequencies.to_offset(freq)
    except (ValueError, TypeError):
        step = None
    if step is None or isinstance(freq, bool | int) or step.n < 1:
        rule = f"`freq` must be an alias or an offset of pandas that fits an index of {kind}, such as 'h' or 'D'."
        raise ValueError(received(rule, freq=freq))
    if kind == "periods" and step != index.freq:
        own = name_step(index.freq, index)
        raise ValueError(received(f"`freq` must be {own!r} as that of the periods of the index, or None.", freq=freq))
    return step


def put_on_grid(X: Any, freq: Any) -> Any:
    """Give a frame a row at every step from its first to its last.

    Parameters
    ----------
    X : DataFrame or Series
        Oldest row first.
    freq : str, offset, timedelta or int
        Of `read_step`.

    Returns
    -------
    DataFrame or Series
        Itself if no row is absent; else a copy, with missing values in rows that were.

    Raises
    ------
    TypeError, ValueError
        If a row is repeated or between two steps, naming the first and what would mend it.

    Examples
    --------
    >>> put_on_grid(pd.Series([1.0, 2.0], index=[3, 7]), 2).to_dict()
    {3: 1.0, 5: nan, 7: 2.0}
    """
    index = X.index
    if len(index) == 0:
        return X
    step = read_step(freq, index)
    check_order(index)
    if keeps_step(index, step):
        return X
    _check_on_grid(index, step)
    every = _every_step(index, step)
    if isinstance(X, pd.DataFrame):
        X = X.astype(dict.fromkeys(X.select_dtypes(bool).columns, "boolean"))
    elif X.dtype == np.bool_:
        X = X.astype("boolean")
    positions = clock_times(every, step).get_indexer(clock_times(index, step))
    return X.set_axis(every[positions]).reindex(every)


def _every_step(index: pd.Index, step: Any) -> pd.Index:
    """List the steps from the first row to the last."""
    clock = clock_times(index, step)
    if is_calendar(step, index):
        n_rows = len(pd.date_range(clock[0], clock[-1], freq=step, unit=clock.unit)) + 1
    elif isinstance(index, pd.DatetimeIndex):
        n_rows = (index[-1] - index[0]) // pd.Timedelta(step) + 1
    else:
        numbers = whole_numbers(index)
        n_rows = int(numbers[-1] - numbers[0]) // (step if isinstance(step, int) else step.n) + 1
    if n_rows > max(_MOST_ROWS, 100 * len(index)):
        rule = f"On the grid of `freq={write_step(step, index)}` most rows would be missing; is a row's time a mistake?"
        ends = {"first_row": str(index[0]), "last_row": str(index[-1])}
        raise ValueError(received(rule, n_rows=len(index), n_steps=n_rows, **ends))
    every = spaced(index, 0, step, n_rows)
    return every[clock_times(every, step) <= clock[-1]]


def _check_on_grid(index: pd.Index, step: Any) -> None:
    on_grid = on_steps(index, step)
    if len(index) > 2 and on_grid.mean() < 0.5:  # it may be the first row that is off the grid of the others
        others = np.append(False, on_steps(index[1:], step))
        on_grid = others if others.sum() > on_grid.sum() else on_grid
    if on_grid.all():
        return
    at = int(on_grid.argmin())
    rule = f"Every row must lie on the grid of `freq={write_step(step, index)}`, but {index[at]} does not"
    hint = _suggest(index, step)
    raise ValueError(received(f"{rule}{hint}.", row=at, n_such_rows=int((~on_grid).sum())))


def _suggest(index: pd.Index, step: Any) -> str:
    """Name what puts all rows on a grid, if there is a short line that does."""
    own = find_step(index)
    if own != step and keeps_step(index, own):
        return f"; `freq={write_step(own, index)}` is the step of all rows"
    if isinstance(step, int):
        return f"; `X.groupby(X.index // {step} * {step}).mean()` averages the rows of each step"
    if isinstance(index, pd.DatetimeIndex):
        with contextlib.suppress(ValueError, TypeError):
            averaged = pd.Series(0.0, index).resample(step).mean().index
            if on_steps(averaged, step).all():
                return f"; `X.resample({write_step(step, index)}).mean()` averages the rows of each step"
    return ""
