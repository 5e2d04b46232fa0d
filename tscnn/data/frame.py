"""Pandas in, pandas out: what a frame must be, and how forecasts are laid out."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import as_array, received, show
from tscnn.data.categories import learn_categories, number_categories
from tscnn.data.grid import put_on_grid, read_step
from tscnn.data.index import check_spacing, find_kind, future_index
from tscnn.data.roles import assign_roles
from tscnn.data.schema import Schema
from tscnn.data.values import as_float, check_observed, list_some

__all__ = [
    "Schema",
    "as_frame",
    "check_y",
    "compare_columns",
    "forecast_frame",
    "learn_schema",
    "read_frame",
    "read_numbers",
    "read_values",
    "settle_static",
]


def learn_schema(
    X: Any,
    targets: Any = None,
    future: Any = None,
    static: Any = None,
    *,
    missing: str = "raise",
    freq: Any = None,
    n_rows: int | None = None,
) -> tuple[Schema, pd.DataFrame]:
    """Check a training frame, and remember its columns, their roles and its step.

    Parameters
    ----------
    X : DataFrame, Series or array of shape (n_timesteps, n_features)
        Numeric, oldest row first; the index evenly spaced: times, periods or integers.
    targets : column name or list of column names, optional
        Columns to forecast, default all without another role. The others are past covariates: seen, not forecast.
    future, static : column name or list of column names, optional
        Columns that are known ahead, and that never change. They may hold text, which is taken for categories, as other
        columns that are not forecast may if they are of pandas' categorical type.
    missing : {"raise", "mask", "interpolate"}, default "raise"
        What becomes of missing values, of this frame and of later ones; only "raise" refuses them.
    freq : str, offset, timedelta or int, optional
        Step of the index, on which absent rows become missing values; default that of the rows, of which none may be
        absent.
    n_rows : int, optional
        Rows, from the first on, that tell the step of the index; default all. The others belong to other series, all of
        them on the grid.

    Returns
    -------
    schema : Schema
        What `read_frame` holds later frames to.
    frame : DataFrame
        A copy of `X`, as float64, categories by number.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, the column or the row that breaks a rule.

    Examples
    --------
    >>> times = pd.date_range("2026-03-27", periods=4, tz="Europe/Berlin")
    >>> schema, frame = learn_schema(pd.DataFrame({"a": [1, 2, 3, 4]}, index=times))
    >>> schema.columns.tolist(), schema.freq, schema.kind, schema.dtype
    (['a'], <Day>, 'times', dtype('float64'))
    """
    frame = as_frame(X)
    kind = find_kind(frame.index)
    if freq is not None:
        frame, freq = frame if n_rows else put_on_grid(frame, freq), read_step(freq, frame.index)
    small = all(dtype in (np.float32, np.float16) for dtype in frame.dtypes)
    frame, categories = read_numbers(frame, targets, future, static, missing=missing)
    check_observed(frame)
    dtype = np.dtype(np.float32 if small else np.float64)
    freq = check_spacing(frame.index[:n_rows], freq)
    schema = Schema.of(
        frame.columns,
        targets,
        future=future,
        static=static,
        categories=categories,
        freq=freq,
        kind=kind,
        dtype=dtype,
        missing=missing,
        zone=getattr(frame.index, "tz", None),
    )
    return schema, frame if n_rows else settle_static(frame, schema)


def settle_static(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Give every row of a series the values of its static covariates, those that were absent, too.

    Parameters
    ----------
    frame : DataFrame
        Of one series, as float64.
    schema : Schema
        Of its columns.

    Returns
    -------
    DataFrame
        Itself if nothing is missing.

    Raises
    ------
    ValueError
        If a static covariate has several values.
    """
    for at in schema.static_covariates:
        column = frame.iloc[:, at]
        known = column.dropna()
        if known.nunique() > 1:
            rule = f"A static covariate must have one value a series, but {show(schema.columns.tolist()[at])} has"
            rule += " several; what is known ahead of every step goes into `future_covariates`."
            raise ValueError(received(rule, values=known.unique()[:3].tolist()))
        if 0 < len(known) < len(column):
            frame = frame.copy(deep=False)
            frame.isetitem(at, np.full(len(column), known.iloc[0]))
    return frame


def read_numbers(
    frame: pd.DataFrame, targets: Any = None, future: Any = None, static: Any = None, *, missing: str = "raise"
) -> tuple[pd.DataFrame, tuple[pd.Index | None, ...]]:
    """Read the values of a training frame, whatever its index.

    Parameters
    ----------
    frame : DataFrame
        Of `as_frame`.
    targets, future, static : column name or list of column names, optional
        Of `learn_schema`.
    missing : {"raise", "mask", "interpolate"}, default "raise"
        What becomes of missing values.

    Returns
    -------
    frame : DataFrame
        A copy, as float64, categories by number.
    categories : tuple of (Index or None)
        Of `learn_categories`.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, the column or the row that breaks a rule.
    """
    categories = learn_categories(frame, assign_roles(frame.columns, targets, future, static), missing)
    return as_float(number_categories(frame, categories, missing), missing), categories


def read_frame(X: Any, schema: Schema, freq: Any = None) -> pd.DataFrame:
    """Check a frame against `schema` and put its columns into the order of training.

    Parameters
    ----------
    X : DataFrame, Series or array of shape (n_timesteps, n_features)
        The columns of training, in any order if they have names. The index must be of the kind and step of training;
        an array has none and is taken as it is.
    schema : Schema
        Of `learn_schema`.
    freq : str, offset, timedelta or int, optional
        As of `learn_schema`.

    Returns
    -------
    DataFrame
        A copy, as float64, categories by number.

    Raises
    ------
    TypeError, ValueError
        Naming the column or the row that breaks a rule.
    """
    if freq is not None and isinstance(X, pd.DataFrame | pd.Series):
        X = put_on_grid(X, freq)
    frame = read_values(X, schema)
    if isinstance(X, pd.DataFrame | pd.Series):
        if find_kind(frame.index) != schema.kind:
            rule = f"The index must hold {schema.kind}, as that of the training data does."
            raise TypeError(received(rule, index=type(frame.index).__name__, dtype=str(frame.index.dtype)))
        check_spacing(frame.index, schema.freq)
    return settle_static(frame, schema)


def read_values(X: Any, schema: Schema) -> pd.DataFrame:
    """Check the columns and the values of a frame as `read_frame` does, whatever its index.

    Parameters
    ----------
    X : DataFrame, Series or array of shape (n_timesteps, n_features)
        The columns of training, in any order if they have names.
    schema : Schema
        Of `learn_schema`.

    Returns
    -------
    DataFrame
        A copy, as float64, its columns in the order of training, categories by number.

    Raises
    ------
    TypeError, ValueError
        Naming the column or the row that breaks a rule.
    """
    frame, columns = as_frame(X), schema.columns
    if isinstance(X, pd.DataFrame) or getattr(X, "name", None) is not None:
        frame = _match_columns(frame, columns)
    elif frame.shape[1] != len(columns):  # in the words that scikit-learn's checks look for
        rule = f"X has {frame.shape[1]} features, but Forecaster is expecting {len(columns)} features as input."
        raise ValueError(received(rule, shape=frame.shape, columns_of_training=list_some(columns)))
    else:
        frame.columns = columns
    return as_float(number_categories(frame, schema.categories, schema.missing), schema.missing)


def check_y(y: Any, X: Any, frame: pd.DataFrame, schema: Schema) -> None:
    """Refuse a `y` that is no target of a frame; scikit-learn's way to call an estimator has a place for one.

    Parameters
    ----------
    y : Series, DataFrame, array or None
        None, or one or several columns that have the values of targets.
    X : DataFrame, Series or array of shape (n_timesteps, n_features)
        As given.
    frame : DataFrame
        What was read of it.
    schema : Schema
        Of the frame.

    Raises
    ------
    ValueError
        If it is anything else. Beside an array, an array of labels of classes (text or whole numbers) is no more than
        warned of: scikit-learn's own checks pass them to every estimator.
    """
    if y is None or _is_among(y, frame.iloc[:, list(schema.targets)]):
        return
    rule = "`y` must be None, or targets among the columns of `X`: what follows a row is cut from `X` itself."
    name, is_array = getattr(y, "name", None), not isinstance(X, pd.DataFrame | pd.Series)
    name = name if isinstance(name, str) else "y"
    whole = "X.to_frame()" if isinstance(X, pd.Series) else "X"
    if name in schema.columns:
        mend = f"Forecaster(targets={show(name)}).fit(X)"
    elif is_array:
        mend = f"Forecaster(targets={frame.shape[1]}).fit(np.column_stack([X, y]))"
    elif isinstance(y, pd.DataFrame):
        table = f"y.combine_first({whole})" if y.columns.isin(schema.columns).any() else f"{whole}.join(y)"
        mend = f"Forecaster(targets={show(y.columns.tolist())}).fit({table})"
    else:
        entry = f"{name}=y" if name.isidentifier() else f"**{{{show(name)}: y}}"
        mend = f"Forecaster(targets={show(name)}).fit({whole}.assign({entry}))"
    told = received(f"{rule} `{mend}` forecasts it.", y=type(y).__name__, shape=np.shape(y))
    if is_array and not isinstance(y, pd.DataFrame | pd.Series) and _are_labels(y):
        warnings.warn(told, stacklevel=3)
    else:
        raise ValueError(told)


def forecast_frame(
    forecasts: np.ndarray, index: pd.Index, positions: Any, columns: pd.Index, freq: Any
) -> pd.DataFrame:
    """Lay out forecasts of many cutoffs one below the other.

    Parameters
    ----------
    forecasts : ndarray of shape (n_cutoffs, horizon, n_targets)
        In the data's own units.
    index : Index
        Of the rows that the forecasts were made from.
    positions : sequence of int, or array
        Row number of each cutoff.
    columns : Index
        Names of the targets.
    freq : offset or int
        Step of the index.

    Returns
    -------
    DataFrame of shape (n_cutoffs * horizon, n_targets)
        Indexed by ("cutoff", "time"), one column a target.
    """
    n_cutoffs, horizon, n_targets = forecasts.shape
    positions = np.asarray(positions)
    times = index.append(future_index(index, freq, horizon))
    first, last = positions[0] + 1, positions[-1] + horizon
    # Large enough for any frame that fits into memory, and half of what pandas would copy.
    cutoff_codes = np.repeat(np.arange(n_cutoffs, dtype=np.int32), horizon)
    time_codes = ((positions - positions[0]).astype(np.int32)[:, None] + np.arange(horizon, dtype=np.int32)).ravel()
    names = pd.MultiIndex(
        levels=[index[positions], times[first : last + 1]],
        codes=[cutoff_codes, time_codes],
        names=["cutoff", "time"],
        verify_integrity=False,
    )
    values = forecasts.transpose(2, 0, 1).reshape(n_targets, -1)  # not copied if made by `empty_forecasts`
    return pd.DataFrame(values.T, index=names, columns=columns, copy=False)


def _is_among(y: Any, targets: pd.DataFrame) -> bool:
    """Say whether every column of `y` has the values of a target."""
    try:
        values = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    if values.ndim not in (1, 2) or len(values) != len(targets):
        return False
    known = targets.to_numpy().T
    columns = values.reshape(len(values), -1).T
    return all(any(np.array_equal(own, target, equal_nan=True) for target in known) for own in columns)


def _are_labels(y: Any) -> bool:
    try:
        return bool((np.asarray(y, dtype=np.float64) % 1 == 0).all())
    except (TypeError, ValueError):  # text
        return True


def as_frame(X: Any, name: str = "X") -> pd.DataFrame:
    """Return `X` itself if it is a frame, else a frame around it.

    Parameters
    ----------
    X : DataFrame, Series or array of shape (n_timesteps, n_features)
        Of the user.
    name : str, default "X"
        Of the argument, for messages.

    Returns
    -------
    DataFrame
        With distinct columns and at least one row.

    Raises
    ------
    TypeError, ValueError
        If it is something else.
    """
    if isinstance(X, pd.DataFrame):
        frame = X
    elif isinstance(X, pd.Series):
        frame = X.to_frame(0 if X.name is None else X.name)
    else:
        frame = pd.DataFrame(_as_array(X, name), copy=False)
    if frame.shape[1] == 0:  # in the words that scikit-learn's checks look for
        raise ValueError(f"`{name}` has 0 feature(s) (shape={frame.shape}) while a minimum of 1 is required.")
    if not frame.columns.is_unique:
        repeated = frame.columns[frame.columns.duplicated()].unique()
        rule = (
            f"The column names of `{name}` must be unique; `X.loc[:, ~X.columns.duplicated()]` keeps the first of each."
        )
        raise ValueError(received(rule, repeated=list_some(repeated)))
    if len(frame) == 0:
        raise ValueError(received(f"`{name}` must have at least one row.", shape=frame.shape))
    return frame


def _as_array(X: Any, name: str) -> Any:
    if hasattr(X, "toarray"):
        raise TypeError(received(f"`{name}` must be dense, not sparse; `X.toarray()` is dense.", type=type(X).__name__))
    if hasattr(X, "to_pandas"):
        raise TypeError(
            received(f"`{name}` must be a pandas DataFrame; `X.to_pandas()` is one.", type=type(X).__name__)
        )
    values = as_array(name, X)  # a masked array stays masked, and pandas turns its gaps into NaN
    if values.ndim != 2:
        rule = (
            f"`{name}` must be a DataFrame, a Series or an array of shape (n_timesteps, n_features). Reshape your data"
        )
        mend = "."
        if isinstance(X, str | os.PathLike):
            mend = ", or read it: `pd.read_csv(X, index_col=0, parse_dates=True)`."
        elif values.ndim == 1:
            mend = ": `pd.DataFrame(X)` has a column of it, or of each field."
        raise ValueError(received(f"{rule}{mend}", type=type(X).__name__, shape=values.shape))
    if values.dtype.kind in "OSU":
        try:
            numbers = values.astype(np.float64)
            if any(isinstance(value, str | bytes) for value in values.flat):
                raise TypeError("text is none; `np.asarray(X, float)` converts numbers kept as text")
            values = numbers
        except (TypeError, ValueError, OverflowError) as error:
            rule = f"Every value of `{name}` must be a real number ({str(error)[:150]})."
            raise TypeError(received(rule, type=type(X).__name__, dtype=str(values.dtype))) from None
    return values


def _match_columns(frame: pd.DataFrame, columns: pd.Index) -> pd.DataFrame:
    """Put the columns into the order of training, by name."""
    if frame.columns.equals(columns):
        return frame
    compare_columns(frame.columns, columns, "of the training data")
    return frame.iloc[:, frame.columns.get_indexer(columns)]


def compare_columns(found: pd.Index, columns: pd.Index, whose: str) -> None:
    """Complain about columns that are missing, or too many.

    Parameters
    ----------
    found, columns : Index
        Those of a frame, and those that it must have, in any order.
    whose : str
        These are, for the message.

    Raises
    ------
    ValueError
        Naming them.
    """
    missing, extra = columns.difference(found, sort=False), found.difference(columns, sort=False)
    if not len(missing) and not len(extra):
        return
    rule = f"`X` must have the {len(columns)} columns {whose}, and no others"
    mend = f"; `X.drop(columns={extra.tolist()})` leaves them out"
    if not len(missing) and len(mend) < 150:
        rule += mend
    raise ValueError(received(f"{rule}.", missing=list_some(missing), extra=list_some(extra)))
