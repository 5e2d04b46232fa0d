"""Panels: many series of the same columns, in one long frame or in a dict of frames."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received, show
from tscnn.data.frame import as_frame, compare_columns, learn_schema, read_frame, read_numbers, settle_static
from tscnn.data.grid import put_on_grid
from tscnn.data.index import check_spacing, find_kind
from tscnn.data.schema import Schema
from tscnn.data.values import list_some

__all__ = ["is_panel", "join_forecasts", "learn_panel", "naming", "read_panel", "refuse_y", "split_panel"]

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
    return series_id is not None and isinstance(X, pd.DataFrame) and _has_column(X, series_id)


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
    longest = max(parts, key=lambda name: len(parts[name]))
    for name, part in parts.items():
        with naming(name):
            _check_alike(part, parts[longest], longest)
            parts[name] = part if freq is None else put_on_grid(part, freq)
    joined = pd.concat([parts[longest], *(part for name, part in parts.items() if name != longest)])
    try:
        schema, frame = learn_schema(
            joined, targets, future, static, missing=missing, freq=freq, n_rows=len(parts[longest])
        )
    except (TypeError, ValueError):
        roles = (targets, future, static)
        _blame_one(parts, lambda part: read_numbers(part, *roles, missing=missing))
        raise
    order = [longest, *(name for name in parts if name != longest)]
    ends = np.cumsum([len(parts[name]) for name in order])
    found = {name: frame.iloc[end - len(parts[name]) : end] for name, end in zip(order, ends, strict=True)}
    for name in parts:
        with naming(name):
            check_spacing(found[name].index, schema.freq)
            found[name] = settle_static(found[name], schema)
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
    parts, found = split_panel(X, series_id), {}
    for name, part in parts.items():
        try:
            found[name] = read_frame(part, schema, freq)
        except (TypeError, ValueError):
            _blame_one(parts, lambda part: read_frame(part, schema, freq))
            with naming(name):
                raise
    return found


@contextlib.contextmanager
def naming(name: Any) -> Iterator[None]:
    """Put the name of a series before errors.

    Parameters
    ----------
    name : label or None
        Of the series; None of a single one without name, whose errors stay as they are.

    Yields
    ------
    None
        While the series is read.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if name is None:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"Series {show(name, 30)}: {error}") from None


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
        rule = "`y` must be None beside many series and files: "
        rule += "`Forecaster(targets=..)` names the columns of `X` to forecast."
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
        joined.insert(0, series_id if joined.columns.nlevels == 1 else (series_id, ""), ids)
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
        if any(pd.api.types.is_scalar(name) and pd.isna(name) for name in X):
            raise ValueError(received("Every series must have a name, neither None nor NaN.", names=list_some(X)))
        return {name: _as_frame(name, part) for name, part in X.items()}
    if not isinstance(X, pd.DataFrame) or not _has_column(X, series_id):
        columns = list_some(X.columns) if isinstance(X, pd.DataFrame) else type(X).__name__
        rule = f"`series_id` must be a column of `X`, a long frame; {show(series_id)} is none."
        raise ValueError(received(rule, X=columns))
    ids = X[series_id]
    if ids.isna().any():
        rule = f"Every row must name its series; `X.dropna(subset=[{show(series_id)}])` leaves the others out."
        raise ValueError(received(rule, n_missing=int(ids.isna().sum())))
    codes, names = pd.factorize(ids)
    order = np.argsort(codes, kind="stable")
    level = 0 if X.columns.nlevels > 1 and not isinstance(series_id, tuple) else None
    rest = X.drop(columns=[series_id], level=level).iloc[order]
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    starts = [0, *ends[:-1].tolist()]
    return {name: rest.iloc[a:b] for name, a, b in zip(names.tolist(), starts, ends.tolist(), strict=True)}


def _has_column(X: pd.DataFrame, series_id: Any) -> bool:
    try:
        return series_id in X.columns
    except TypeError:  # a list
        return False


def _as_frame(name: Any, part: Any) -> pd.DataFrame:
    """Read the rows of one series; a column named as its series, as of ``dict(X.items())``, has no name of its own."""
    with naming(name):
        return as_frame(part.rename(None) if isinstance(part, pd.Series) and part.name == name else part)


def _blame_one(parts: Frames, check: Callable[[pd.DataFrame], Any]) -> None:
    """Raise the error of the first series that breaks a rule by itself: of a long column its own rows may be fine."""
    for name, part in parts.items():
        with naming(name):
            check(part.infer_objects())


def _check_alike(part: pd.DataFrame, longest: pd.DataFrame, name: Any) -> None:
    """Check that columns and kind of index are those of the longest series."""
    if not part.columns.equals(longest.columns):
        compare_columns(part.columns, longest.columns, f"of series {show(name, 30)}")
    if part.index.dtype == longest.index.dtype:
        return
    kind, zones = find_kind(longest.index), [getattr(one.index, "tz", None) for one in (part, longest)]
    if find_kind(part.index) != kind:
        rule = f"The index must hold {kind}, as that of series {show(name, 30)} does."
        raise TypeError(received(rule, index=type(part.index).__name__, dtype=str(part.index.dtype)))
    if str(zones[0]) != str(zones[1]):
        change = "convert" if None not in zones else "localize"
        rule = f"The index must have the time zone of series {show(name, 30)}; `X.tz_{change}({show(str(zones[1]))})`"
        if zones[1] is None:
            rule = f"The index must have no time zone, as that of series {show(name, 30)}; `X.tz_localize(None)`"
        raise ValueError(received(f"{rule} does that.", tz=str(zones[0])))
