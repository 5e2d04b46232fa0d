"""What is known of the steps to forecast: covariates that are given for exactly these times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_object_dtype

from tscnn.common.checks import received, show
from tscnn.data.categories import number_categories
from tscnn.data.index import find_kind
from tscnn.data.schema import Schema
from tscnn.data.steps import write_step
from tscnn.data.times import Times
from tscnn.data.values import as_float, list_some

__all__ = ["future_of", "read_future"]


def read_future(future: Any, schema: Schema, newest: np.ndarray, due: pd.Index, *, is_read: bool = False) -> Times:
    """Check what is known of the steps to forecast.

    Parameters
    ----------
    future : DataFrame, Series or None
        The future covariates, indexed by exactly the times that are due. Other columns of training are ignored, as in
        a frame whose outcomes are known; None if there are no future covariates.
    schema : Schema
        Of the training frame.
    newest : ndarray of shape (n_columns,)
        The newest row, whose static covariates stay.
    due : Index
        Times of the steps to forecast.
    is_read : bool, default False
        Whether `future` holds the numbers of categories, not the categories.

    Returns
    -------
    Times
        Of these steps.

    Raises
    ------
    TypeError, ValueError
        If something is missing, or belongs to other times.

    Examples
    --------
    >>> columns = pd.Index(["load", "sun"])
    >>> settings = {"freq": 1, "kind": "integers", "dtype": np.dtype(float)}
    >>> schema = Schema.of(columns, "load", future="sun", **settings)
    >>> due = pd.RangeIndex(5, 7)
    >>> read_future(pd.DataFrame({"sun": [0.5, 0.7]}, due), schema, np.zeros(2), due).covariates.ravel()
    array([0.5, 0.7])
    """
    wanted = [at for at, role in enumerate(schema.roles) if role == "future_covariate"]
    if not wanted:
        if future is not None:
            rule = "`future` must be None: the forecaster was fitted without `future_covariates`."
            raise ValueError(received(rule, future=type(future).__name__))
        return Times(due, schema.encode(np.repeat(newest[None], len(due), axis=0))[1])
    names = schema.columns[wanted]
    needed = f"{len(due)} rows, from {due[0]} to {due[-1]}, of the columns {show(list_some(names), 100)}"
    if future is None:
        raise ValueError(received(f"`future` must hold what is known ahead: {needed}.", future=None))
    frame = future
    if isinstance(future, pd.Series):
        frame = future.to_frame(names[0] if future.name is None and len(names) == 1 else future.name)
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(received(f"`future` must be a DataFrame: {needed}.", type=type(future).__name__))
    missing = names.difference(frame.columns, sort=False)
    unknown = frame.columns.difference(schema.columns, sort=False)
    if len(missing) or len(unknown):
        rule = f"`future` must have the columns {show(list_some(names), 100)}, known ahead of every step"
        mend = f"; `future[{list(names)}]` takes them"
        rule += mend if not len(missing) and len(mend) < 130 else ""
        raise ValueError(received(f"{rule}.", missing=list_some(missing), unknown=list_some(unknown)))
    if not frame.columns.is_unique:
        rule = "The columns of `future` must be unique; `future.loc[:, ~future.columns.duplicated()]` keeps the first."
        raise ValueError(received(rule, repeated=list_some(frame.columns[frame.columns.duplicated()])))
    own = frame.iloc[:, frame.columns.get_indexer(names)]
    try:
        _check_times(own.index, due, schema.freq)
        _check_complete(own)
        own = own if is_read else number_categories(own, [schema.categories[at] for at in wanted])
        numbers = as_float(own).to_numpy()
    except (TypeError, ValueError) as error:  # what others say of `X`
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(re.sub(r"(?<!')\bX\b(?!')", "future", str(error))) from None  # a column may be called 'X'
    values = np.repeat(newest[None], len(due), axis=0)
    values[:, wanted] = numbers
    return Times(due, schema.encode(values)[1])


def future_of(future: Any, name: Any) -> Any:
    """Take what is known ahead of one series.

    Parameters
    ----------
    future : DataFrame, mapping of DataFrame, or None
        Of the user.
    name : label or None
        Of the series; None of a single one without name.

    Returns
    -------
    DataFrame or None
        For `read_future`.

    Raises
    ------
    ValueError
        If a mapping has no such entry.
    """
    if name is None or not isinstance(future, Mapping):
        return future
    if name not in future:
        rule = "`future` must have an entry for every series of `X`; give as `X` the rows of those to forecast alone,"
        raise ValueError(received(f"{rule} without series that have ended.", missing=name))
    return future[name]


def _check_complete(frame: pd.DataFrame) -> None:
    """Complain about what is not known."""
    numbers = [name for name, dtype in frame.dtypes.items() if dtype.kind == "f" or is_object_dtype(dtype)]
    infinite = frame[numbers].isin([np.inf, -np.inf])  # which text of pyarrow can't be compared with
    missing = frame.isna().to_numpy() | infinite.reindex(columns=frame.columns, fill_value=False).to_numpy(bool)
    if missing.any():
        row, column = np.argwhere(missing)[0]
        rule = f"`future` must have a value at every step, but column {show(frame.columns.tolist()[column])} has none"
        gaps = "future" if frame.isna().to_numpy()[row, column] else "future.replace([np.inf, -np.inf], np.nan)"
        rule += f" at row {frame.index[row]}; `{gaps}.ffill().bfill()` repeats those before and after."
        raise ValueError(received(rule, n_missing=int(missing.sum())))


def _check_times(index: pd.Index, due: pd.Index, freq: Any) -> None:
    """Complain about times that are missing, too many, or others."""
    if find_kind(index) != find_kind(due):
        rule = f"`future` must be indexed by {find_kind(due)}, as the rows before it are: from {due[0]} to {due[-1]}."
        raise TypeError(received(rule, index=type(index).__name__))
    if getattr(index, "tz", None) is None and getattr(due, "tz", None) is None:
        same = len(index) == len(due) and bool((index == due).all())
    else:
        same = len(index) == len(due) and index.equals(due)
    if same:
        return
    zones = [getattr(one, "tz", None) for one in (index, due)]
    rule = f"`future` must have exactly the {len(due)} steps from {due[0]} to {due[-1]}, in order"
    if str(zones[0]) != str(zones[1]):
        change = "convert" if None not in zones else "localize"
        mend = f"future.tz_{change}({None if zones[1] is None else show(str(zones[1]))})"
        raise ValueError(received(f"{rule}; `{mend}` has their time zone.", tz=str(zones[0])))
    if not index.is_unique:
        repeated = str(index[index.duplicated()][0])
        raise ValueError(
            received(f"{rule}; `future[~future.index.duplicated()]` keeps the first of each.", repeated=repeated)
        )
    missing, extra = due.difference(index), index.difference(due)
    if len(missing) == len(due):
        rule += f"; `{_write_times(due, freq)}` are these"
    elif len(missing):
        rule += f"; `future.reindex({_write_times(due, freq)}).ffill().bfill()` repeats others for absent ones"
    else:
        mend = f"future.loc[{show(str(due[0]))}:{show(str(due[-1]))}]" if len(extra) else "future.sort_index()"
        rule += f"; `{mend}` has them"
    listed = {name: list(map(str, some[:2])) for name, some in (("missing", missing), ("extra", extra)) if len(some)}
    raise ValueError(received(f"{rule}.", n_rows=len(index), **listed))


def _write_times(due: pd.Index, freq: Any) -> str:
    """Write the times that are due as code."""
    if not isinstance(due, pd.DatetimeIndex | pd.PeriodIndex):
        step = f", {due[1] - due[0]}" if len(due) > 1 and due[1] - due[0] > 1 else ""
        return f"range({due[0]}, {due[-1] + 1}{step})"
    kind, zone = "period" if isinstance(due, pd.PeriodIndex) else "date", getattr(due, "tz", None)
    first = str(due[0] if zone is None else due[0].tz_localize(None))
    there = "" if zone is None else f", tz={show(str(zone))}"
    return f"pd.{kind}_range({show(first)}, periods={len(due)}, freq={write_step(freq, due)}{there})"
