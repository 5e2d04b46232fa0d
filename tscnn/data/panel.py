"""Panels: many series of the same columns, in one long frame or in a dict of frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received, show
from tscnn.data.frame import learn_schema, read_frame
from tscnn.data.grid import put_on_grid
from tscnn.data.index import check_spacing
from tscnn.data.schema import Schema
from tscnn.data.values import list_some

__all__ = ["is_panel", "join_forecasts", "learn_panel", "read_panel", "refuse_y", "split_panel"]

Frames = dict[Any, pd.DataFrame]


def is_panel(X: Any, series_id: Any) -> bool:
    """Tell many series from one.

    Parameters
    ----------
    X : DataFrame, Series, array or mapping
        Of the user.
    series_id : column name or None
        Of the column that tells the series of a long frame.

    Returns
    -------
    bool
        Whether it is a dict, or a frame that has this column.
    """
    if isinstance(X, Mapping):
        return not hasattr(X, "toarray")  # as a kind of sparse arrays has
    return series_id is not None and isinstance(X, pd.DataFrame) and series_id in X.columns


def learn_panel(
    X: Any,
    series_id: Any,
    targets: Any = None,
    future: Any = None,
    static: Any = None,
    *,
    missing: str = "raise",
    freq: Any = None,
) -> tuple[Schema, Frames]:
    """Check the series of training, and remember what they look like.

    Parameters
    ----------
    X : DataFrame, or mapping of frames
        A long frame, with a column that tells the series; or frames by the name of their series. Series may begin and
        end at different times; all have one step.
    series_id : column name or None
        Of that column.
    targets, future, static : column name or list of column names, optional
        Of `tscnn.data.frame.learn_schema`, as the following.
    missing : {"raise", "mask", "interpolate"}, default "raise"
        What becomes of missing values.
    freq : str, offset, timedelta or int, optional
        Step of the index, on which absent rows become missing values.

    Returns
    -------
    schema : Schema
        What `read_panel` holds later series to.
    frames : dict of DataFrame
        By series, as float64.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, the column, the series or the row that breaks a rule.

    Examples
    --------
    >>> X = pd.DataFrame({"shop": list("aabb"), "sales": [1, 2, 3, 4]}, index=[7, 8, 1, 2])
    >>> schema, frames = learn_panel(X, "shop")
    >>> schema.columns.tolist(), {name: frame.index.tolist() for name, frame in frames.items()}
    (['sales'], {'a': [7, 8], 'b': [1, 2]})
    """
    parts = split_panel(X, series_id)
    if freq is not None:
        parts = {name: put_on_grid(part, freq) for name, part in parts.items()}
    longest = max(parts, key=lambda name: len(parts[name]))
    joined = pd.concat([parts[longest], *(part for name, part in parts.items() if name != longest)])
    schema, frame = learn_schema(
        joined, targets, future, static, missing=missing, freq=freq, n_rows=len(parts[longest])
    )
    order = [longest, *(name for name in parts if name != longest)]
    ends = np.cumsum([len(parts[name]) for name in order])
    found = {name: frame.iloc[end - len(parts[name]) : end] for name, end in zip(order, ends, strict=True)}
    for name in parts:
        _check_series(name, found[name], schema)
    return schema, {name: found[name] for name in parts}


def read_panel(X: Any, series_id: Any, schema: Schema, freq: Any = None) -> Frames:
    """Check series against those of training.

    Parameters
    ----------
    X : DataFrame, or mapping of frames
        As of `learn_panel`; there may be other series.
    series_id : column name or None
        Of the column that tells the series of a long frame.
    schema : Schema
        Of `learn_panel`.
    freq : str, offset, timedelta or int, optional
        As of `learn_panel`.

    Returns
    -------
    dict of DataFrame
        By series, as float64.

    Raises
    ------
    TypeError, ValueError
        Naming the series, the column or the row that breaks a rule.
    """
    found = {}
    for name, part in split_panel(X, series_id).items():
        try:
            found[name] = read_frame(part, schema, freq)
        except (TypeError, ValueError) as error:
            raise type(error)(f"Series {show(name)}: {error}") from None
    return found


def refuse_y(y: Any) -> None:
    """Refuse a `y` beside a panel, whose targets are columns of its frames.

    Parameters
    ----------
    y : object
        Of the user.

    Raises
    ------
    ValueError
        If there is one.
    """
    if y is not None:
        rule = "`y` must be None beside many series: `Forecaster(targets=..)` names the columns of `X` to forecast."
        raise ValueError(received(rule, y=type(y).__name__))


def join_forecasts(
    forecasts: Mapping[Any, pd.DataFrame], series_id: Any, *, long: bool, names: tuple[str, ...] = ("time",)
) -> pd.DataFrame:
    """Lay out the forecasts of many series one below the other.

    Parameters
    ----------
    forecasts : mapping of DataFrame
        By series, of one length each.
    series_id : column name or None
        Of a long frame.
    long : bool
        Whether the series came in a long frame.
    names : tuple of str, default ("time",)
        Levels of their indexes.

    Returns
    -------
    DataFrame
        Indexed by ("series", *names); as a long frame by time, with the column `series_id` before the others.
    """
    frames = list(forecasts.values())
    values = np.concatenate([frame.to_numpy() for frame in frames])
    lengths = [len(frame) for frame in frames]
    ids = pd.Index(list(forecasts), tupleize_cols=False).repeat(lengths)
    index = frames[0].index.append([frame.index for frame in frames[1:]])
    if long and len(names) == 1:
        joined = pd.DataFrame(values, index, frames[0].columns, copy=False)
        joined.insert(0, series_id, ids)
        return joined
    levels = [index] if len(names) == 1 else [index.get_level_values(i) for i in range(len(names))]
    named = pd.MultiIndex.from_arrays([ids, *levels], names=["series", *names])
    return pd.DataFrame(values, named, frames[0].columns, copy=False)


def split_panel(X: Any, series_id: Any) -> Frames:
    """Tell the rows of series apart.

    Parameters
    ----------
    X : DataFrame, or mapping of frames
        Of the user.
    series_id : column name or None
        Of the column that tells the series of a long frame.

    Returns
    -------
    dict of DataFrame
        By series, in their order, as they came.

    Raises
    ------
    ValueError
        If there is no series, no such column, or a row that names none.
    """
    if isinstance(X, Mapping):
        if not X:
            raise ValueError(received("`X` must hold at least one series.", X=X))
        return {name: _as_frame(part) for name, part in X.items()}
    if not isinstance(X, pd.DataFrame) or series_id not in X.columns:
        columns = list_some(X.columns) if isinstance(X, pd.DataFrame) else type(X).__name__
        rule = f"`series_id` must be a column of `X`, a long frame; {show(series_id)} is none."
        raise ValueError(received(rule, X=columns))
    ids = X[series_id]
    if ids.isna().any():
        rule = f"Every row must name its series; `X.dropna(subset=[{show(series_id)}])` leaves the others out."
        raise ValueError(received(rule, n_missing=int(ids.isna().sum())))
    codes, names = pd.factorize(ids)
    order = np.argsort(codes, kind="stable")
    rest = X.drop(columns=[series_id]).iloc[order]
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    starts = [0, *ends[:-1].tolist()]
    return {name: rest.iloc[a:b] for name, a, b in zip(names.tolist(), starts, ends.tolist(), strict=True)}


def _as_frame(part: Any) -> pd.DataFrame:
    if isinstance(part, pd.Series):
        return part.to_frame(0 if part.name is None else part.name)
    return part if isinstance(part, pd.DataFrame) else pd.DataFrame(part, copy=False)


def _check_series(name: Any, frame: pd.DataFrame, schema: Schema) -> None:
    """Check the index and the static covariates of one series."""
    try:
        check_spacing(frame.index, schema.freq)
    except ValueError as error:
        raise ValueError(f"Series {show(name)}: {error}") from None
    for at, role in enumerate(schema.roles):
        if role == "static_covariate" and frame.iloc[:, at].nunique() > 1:
            column = schema.columns.tolist()[at]
            rule = f"A static covariate must have one value a series, but {show(column)} has several in {show(name)};"
            rule += " what is known ahead of every step goes into `future_covariates`."
            raise ValueError(received(rule, values=frame.iloc[:, at].unique()[:3].tolist()))
