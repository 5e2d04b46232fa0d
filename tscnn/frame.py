"""pandas in, pandas out: what a frame must be, and the index of what follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tscnn._validation import received

__all__ = ["Schema", "forecast_frame", "future_index", "learn_schema", "read_frame"]


@dataclass(frozen=True)
class Schema:
    """What a training frame looked like, and every later frame must look like.

    Parameters
    ----------
    columns : Index
        All columns, in their order.
    freq : offset, int or None
        The step of the index: a pandas offset for times and periods, an int for integers, None for one row.
    """

    columns: pd.Index
    freq: Any


def learn_schema(X: Any) -> tuple[Schema, pd.DataFrame]:
    """Check a training frame and remember its columns and its step.

    Parameters
    ----------
    X : DataFrame, Series or array of shape (n_timesteps, n_features)
        Numeric, complete, oldest row first; the index evenly spaced: times, periods or integers.

    Returns
    -------
    schema : Schema
    frame : DataFrame
        `X` as float64.

    Raises
    ------
    TypeError, ValueError
        Naming the column or the row that breaks a rule.
    """
    frame = _as_frame(X)
    if frame.shape[1] == 0:
        raise ValueError(received("`X` must have at least one column.", shape=frame.shape))
    duplicated = frame.columns[frame.columns.duplicated()]
    if len(duplicated):
        raise ValueError(received("Column names must be unique.", duplicated=list(duplicated)))
    frame = _as_float(frame)
    return Schema(frame.columns, _check_index(frame.index, None)), frame


def read_frame(X: Any, schema: Schema) -> pd.DataFrame:
    """Check a frame against `schema` and put its columns into the order of training.

    Parameters
    ----------
    X : DataFrame, Series or array of shape (n_timesteps, n_features)
        The columns of training, in any order if they have names.
    schema : Schema
        Of `learn_schema`.

    Returns
    -------
    DataFrame
        As float64.

    Raises
    ------
    TypeError, ValueError
        Naming the column or the row that breaks a rule.
    """
    frame = _as_frame(X)
    if not hasattr(X, "columns") and frame.shape[1] == len(schema.columns):
        frame.columns = schema.columns
    missing = [name for name in schema.columns if name not in frame.columns]
    extra = [name for name in frame.columns if name not in schema.columns]
    if missing or extra or len(frame.columns) != len(schema.columns):
        rule = f"`X` must have the {len(schema.columns)} columns of the training data."
        raise ValueError(received(rule, missing=missing, extra=extra, n_columns=frame.shape[1]))
    frame = _as_float(frame[schema.columns])
    _check_index(frame.index, schema.freq)
    return frame


def _as_frame(X: Any) -> pd.DataFrame:
    if isinstance(X, pd.DataFrame):
        return X
    if isinstance(X, pd.Series):
        return X.to_frame(X.name if X.name is not None else 0)
    values = np.asarray(X)
    if values.ndim != 2:
        rule = "`X` must be a DataFrame, a Series or an array of shape (n_timesteps, n_features). Reshape your data."
        raise ValueError(received(rule, type=type(X).__name__, shape=values.shape))
    return pd.DataFrame(values)


def _as_float(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert every column to float64, or name the first value that can't be forecast from."""
    for name, dtype in frame.dtypes.items():
        if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
            raise TypeError(received(f"Column {name!r} must hold real numbers or booleans.", dtype=str(dtype)))
    values = frame.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        rule = f"Every value must be finite (no NaN, no infinity), but column {frame.columns[column]!r} is not at row"
        more = f" ({len(bad)} such values)" if len(bad) > 1 else ""
        raise ValueError(received(f"{rule} {frame.index[row]}{more}.", value=float(values[row, column])))
    return pd.DataFrame(values, index=frame.index, columns=frame.columns)


def _check_index(index: pd.Index, freq: Any) -> Any:
    """Check that `index` is evenly spaced, by `freq` if it is known, and return its step."""
    if len(index) == 0:
        raise ValueError(received("`X` must have at least one row.", n_rows=0))
    integers = pd.api.types.is_integer_dtype(index.dtype)
    if not (integers or isinstance(index, pd.DatetimeIndex | pd.PeriodIndex)):
        rule = "The index must hold times (DatetimeIndex), periods (PeriodIndex) or integers."
        raise TypeError(received(rule, index=type(index).__name__, dtype=str(index.dtype)))
    if index.hasnans:
        raise ValueError(
            received("The index must have a time in every row.", first_row_without=int(index.isna().argmax()))
        )
    if index.has_duplicates:
        raise ValueError(received("The index must not repeat.", first_repeated=index[index.duplicated()][0]))
    falls = np.flatnonzero(index[1:] < index[:-1])
    if len(falls):
        rule = "The index must ascend, oldest row first; sort it with `X.sort_index()`."
        raise ValueError(received(rule, first_out_of_order=index[falls[0] + 1]))
    step = _find_step(index) if freq is None or len(index) > 2 else freq
    if freq is not None and step != freq:
        regular = _spaced(index[0], freq, len(index), index)
        if not regular.equals(index):
            raise ValueError(received(f"The index must have the step of the training data, {freq!r}.", step=step))
        step = freq
    if step is not None:
        expected = _spaced(index[0], step, len(index), index)
        wrong = np.flatnonzero(expected != index)
        if len(wrong):
            rule = f"The index must be evenly spaced, by {_name(step)}, but {expected[wrong[0]]} is missing or shifted."
            raise ValueError(received(rule, first_irregular=index[wrong[0]]))
    return step


def _find_step(index: pd.Index) -> Any:
    """Find the step that most rows keep: an int, an offset, or None for a single row."""
    if isinstance(index, pd.PeriodIndex):
        return index.freq
    if isinstance(index, pd.DatetimeIndex) and index.freq is not None:
        return index.freq
    if len(index) < 2:
        return None
    if isinstance(index, pd.DatetimeIndex):
        inferred = pd.infer_freq(index) if len(index) > 2 else None
        if inferred is not None:
            return pd.tseries.frequencies.to_offset(inferred)
        steps = pd.Series(index[1:] - index[:-1]).mode()
        return pd.tseries.frequencies.to_offset(steps.iloc[0])
    return int(pd.Series(np.diff(index.to_numpy())).mode().iloc[0])


def _name(step: Any) -> str:
    return str(step) if isinstance(step, int) else f"'{step.freqstr}'"


def _spaced(start: Any, step: Any, n_rows: int, like: pd.Index) -> pd.Index:
    """Make an evenly spaced index of the kind, name, time zone and resolution of `like`."""
    if isinstance(like, pd.PeriodIndex):
        return pd.period_range(start, periods=n_rows, freq=like.freq, name=like.name)
    if isinstance(like, pd.DatetimeIndex):
        return pd.date_range(start, periods=n_rows, freq=step, name=like.name).as_unit(like.unit)
    stop = start + step * n_rows
    if isinstance(like, pd.RangeIndex):
        return pd.RangeIndex(start, stop, step, name=like.name)
    return pd.Index(np.arange(start, stop, step, dtype=like.dtype), name=like.name)


def future_index(index: pd.Index, freq: Any, horizon: int) -> pd.Index:
    """Continue an index by `horizon` steps.

    Parameters
    ----------
    index : Index
        Of the rows seen.
    freq : offset, int or None
        Its step; None counts as 1 or as a day, for an index of one row.
    horizon : int
        Steps after the last row.

    Returns
    -------
    Index
        Of the same kind, name, time zone and frequency.

    Examples
    --------
    >>> list(future_index(pd.RangeIndex(10), 1, 3))
    [10, 11, 12]
    """
    if freq is None:
        freq = pd.offsets.Day() if isinstance(index, pd.DatetimeIndex) else 1
    return _spaced(index[-1], freq, horizon + 1, index)[1:]


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
    cutoffs = index[np.repeat(positions, horizon)]
    steps = times[(positions[:, None] + 1 + np.arange(horizon)).ravel()]
    names = pd.MultiIndex.from_arrays([cutoffs, steps], names=["cutoff", "time"])
    return pd.DataFrame(forecasts.reshape(n_cutoffs * horizon, n_targets), index=names, columns=columns)
