"""Pandas in, pandas out: what a frame must be, and the index of what follows it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tscnn._validation import received

__all__ = ["Schema", "find_seasonality", "forecast_frame", "future_index", "learn_schema", "read_frame"]


@dataclass(frozen=True)
class Schema:
    """What a training frame looked like, and every later frame must look like.

    Attributes
    ----------
    columns : Index
        All columns, in their order.
    freq : offset, int or None
        The step of the index: a pandas offset for times and periods, an int for integers, None if one row doesn't tell.
    kind : {"times", "periods", "integers"}
        What the index holds.
    dtype : numpy dtype
        That forecasts are returned in: float32 where all columns are (or float16), else float64.
    """

    columns: pd.Index
    freq: Any
    kind: str
    dtype: Any


def learn_schema(X: Any) -> tuple[Schema, pd.DataFrame]:
    """Check a training frame and remember its columns and its step.

    Parameters
    ----------
    X : DataFrame, Series or array of shape (n_timesteps, n_features)
        Numeric, complete, oldest row first; the index evenly spaced: times, periods or integers.

    Returns
    -------
    schema : Schema
        What `read_frame` holds later frames to.
    frame : DataFrame
        A copy of `X`, as float64.

    Raises
    ------
    TypeError, ValueError
        Naming the column or the row that breaks a rule.

    Examples
    --------
    >>> times = pd.date_range("2026-03-27", periods=4, tz="Europe/Berlin")
    >>> schema, frame = learn_schema(pd.DataFrame({"a": [1, 2, 3, 4]}, index=times))
    >>> schema.columns.tolist(), schema.freq, schema.kind, schema.dtype
    (['a'], <Day>, 'times', dtype('float64'))
    """
    frame = _as_frame(X)
    kind = _find_kind(frame.index)
    small = all(dtype in (np.float32, np.float16) for dtype in frame.dtypes)
    frame = _as_float(frame)
    dtype = np.dtype(np.float32 if small else np.float64)
    return Schema(frame.columns, _check_spacing(frame.index, None), kind, dtype), frame


def read_frame(X: Any, schema: Schema) -> pd.DataFrame:
    """Check a frame against `schema` and put its columns into the order of training.

    Parameters
    ----------
    X : DataFrame, Series or array of shape (n_timesteps, n_features)
        The columns of training, in any order if they have names. The index must be of the kind and step of training;
        an array has none and is taken as it is.
    schema : Schema
        Of `learn_schema`.

    Returns
    -------
    DataFrame
        A copy, as float64.

    Raises
    ------
    TypeError, ValueError
        Naming the column or the row that breaks a rule.
    """
    frame, columns = _as_frame(X), schema.columns
    if isinstance(X, pd.DataFrame) or getattr(X, "name", None) is not None:
        frame = _match_columns(frame, columns)
    elif frame.shape[1] != len(columns):  # in the words that scikit-learn's checks look for
        rule = f"X has {frame.shape[1]} features, but Forecaster is expecting {len(columns)} features as input."
        raise ValueError(received(rule, shape=frame.shape, columns_of_training=_some(columns)))
    else:
        frame.columns = columns
    if not isinstance(X, pd.DataFrame | pd.Series):
        return _as_float(frame)
    if _find_kind(frame.index) != schema.kind:
        rule = f"The index must hold {schema.kind}, as that of the training data does."
        raise TypeError(received(rule, index=type(frame.index).__name__, dtype=str(frame.index.dtype)))
    frame = _as_float(frame)
    _check_spacing(frame.index, schema.freq)
    return frame


def find_seasonality(freq: Any) -> int | None:
    """Count the steps of the season that goes with a step: of a day, a week or a year.

    Parameters
    ----------
    freq : offset, int or None
        Of `Schema`.

    Returns
    -------
    int or None
        The steps that fill a day if they are shorter, else a week, else a year; None if there are not two, or if the
        steps are not of time.

    Examples
    --------
    >>> [find_seasonality(pd.tseries.frequencies.to_offset(name)) for name in ("15min", "h", "D", "B", "W", "MS", "QE")]
    [96, 24, 7, 5, 52, 12, 4]
    """
    if freq is None or isinstance(freq, int):
        return None
    start = pd.Timestamp(2024, 1, 1)
    step = (start + 100 * freq - start) / 100  # those of a calendar differ
    for season in (pd.Timedelta(days=1), pd.Timedelta(days=7), pd.Timedelta(days=365.25)):
        if (seasonality := round(season / step)) > 1:
            return seasonality
    return None


def future_index(index: pd.Index, freq: Any, horizon: int) -> pd.Index:
    """Continue an index by `horizon` steps.

    Parameters
    ----------
    index : Index
        Of the rows seen.
    freq : offset, int or None
        Its step. Integers count on in their own step where this is not an int: an array has an index of integers,
        whatever the forecaster was trained on.
    horizon : int
        Steps after the last row.

    Returns
    -------
    Index
        Of the same kind, name, time zone, resolution and frequency.

    Raises
    ------
    ValueError
        If nothing tells the step of an index of times.

    Examples
    --------
    >>> list(future_index(pd.RangeIndex(10), 1, 3))
    [10, 11, 12]
    """
    if isinstance(index, pd.DatetimeIndex):
        freq = index.freq if freq is None else freq
        if freq is None:
            raise ValueError(received("One row doesn't tell the step of its index.", row=str(index[-1])))
    elif not isinstance(freq, int):
        freq = getattr(index, "step", 1)
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
    return pd.DataFrame(forecasts.reshape(-1, n_targets), index=names, columns=columns, copy=False)


def _as_frame(X: Any) -> pd.DataFrame:
    """Return `X` itself if it is a frame, else a frame around it, with distinct columns and at least one row."""
    if isinstance(X, pd.DataFrame):
        frame = X
    elif isinstance(X, pd.Series):
        frame = X.to_frame(0 if X.name is None else X.name)
    else:
        frame = pd.DataFrame(_as_array(X), copy=False)
    if frame.shape[1] == 0:  # in the words that scikit-learn's checks look for
        raise ValueError(f"`X` has 0 feature(s) (shape={frame.shape}) while a minimum of 1 is required.")
    if not frame.columns.is_unique:
        repeated = frame.columns[frame.columns.duplicated()].unique()
        raise ValueError(received("The column names of `X` must be unique.", repeated=_some(repeated)))
    if len(frame) == 0:
        raise ValueError(received("`X` must have at least one row.", shape=frame.shape))
    return frame


def _as_array(X: Any) -> Any:
    if hasattr(X, "toarray"):
        raise TypeError(received("`X` must be dense, not sparse; `X.toarray()` is dense.", type=type(X).__name__))
    if hasattr(X, "to_pandas"):
        raise TypeError(received("`X` must be a pandas DataFrame; `X.to_pandas()` is one.", type=type(X).__name__))
    values = np.asanyarray(X)  # a masked array stays masked, and pandas turns its gaps into NaN
    if values.ndim != 2:
        rule = "`X` must be a DataFrame, a Series or an array of shape (n_timesteps, n_features). Reshape your data."
        raise ValueError(received(rule, type=type(X).__name__, shape=values.shape))
    if values.dtype == object:
        try:
            values = values.astype(np.float64)
        except (TypeError, ValueError) as error:
            rule = f"Every value of `X` must be a real number ({error})."
            raise TypeError(received(rule, type=type(X).__name__, dtype="object")) from None
    return values


def _match_columns(frame: pd.DataFrame, columns: pd.Index) -> pd.DataFrame:
    """Put the columns into the order of training, by name."""
    if frame.columns.equals(columns):
        return frame
    missing, extra = columns.difference(frame.columns, sort=False), frame.columns.difference(columns, sort=False)
    if len(missing) or len(extra):
        rule = f"`X` must have the {len(columns)} columns of the training data, and no others."
        raise ValueError(received(rule, missing=_some(missing), extra=_some(extra)))
    return frame.iloc[:, frame.columns.get_indexer(columns)]


def _as_float(frame: pd.DataFrame) -> pd.DataFrame:
    """Copy a frame to float64, or name the first column or value that can't be forecast from."""
    for name, dtype in frame.dtypes.items():
        if pd.api.types.is_complex_dtype(dtype):
            raise ValueError(received(f"Complex data not supported: column {name!r} must be real.", dtype=str(dtype)))
        if pd.api.types.is_datetime64_any_dtype(dtype):
            rule = f"Column {name!r} holds times, which belong in the index: `X.set_index({name!r})`."
            raise TypeError(received(rule, dtype=str(dtype)))
        if not pd.api.types.is_numeric_dtype(dtype):
            rule = (
                f"Column {name!r} must hold real numbers or booleans; `X.astype(float)` converts numbers kept as text."
            )
            first = frame.iloc[:1, frame.columns.get_loc(name)].tolist()[0]
            raise TypeError(received(rule, dtype=str(dtype), first_value=first))
    values = frame.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(bad.any(axis=1).argmax())
        columns = bad.any(axis=0)
        name = frame.columns.tolist()[int(bad[row].argmax())]
        rule = f"Every value must be finite, but column {name!r} has NaN or infinity at row {frame.index[row]}."
        value, n_such = float(values[row, bad[row]][0]), int(bad.sum())
        raise ValueError(received(rule, value=value, n_such_values=n_such, in_columns=_some(frame.columns[columns])))
    return pd.DataFrame(values, index=frame.index, columns=frame.columns, copy=False)


def _find_kind(index: pd.Index) -> str:
    if isinstance(index, pd.DatetimeIndex):
        return "times"
    if isinstance(index, pd.PeriodIndex):
        return "periods"
    if pd.api.types.is_integer_dtype(index.dtype) and not isinstance(index, pd.MultiIndex):
        return "integers"
    rule = "The index must hold times (DatetimeIndex), periods (PeriodIndex) or integers;"
    if isinstance(index, pd.MultiIndex):
        rule = f"{rule} a row is a time, and every variable has its column."
    else:
        rule = f"{rule} `pd.to_datetime(X.index)` reads times, `X.reset_index(drop=True)` numbers the rows."
    raise TypeError(received(rule, index=type(index).__name__, dtype=str(index.dtype), first=index[:1].tolist()[0]))


def _check_spacing(index: pd.Index, freq: Any) -> Any:
    """Check that `index` ascends evenly, by `freq` if it is known, and return its step."""
    if index.hasnans:
        rule = "The index must have a value in every row, no NaT."
        missing = index.isna()
        raise ValueError(received(rule, n_without=int(missing.sum()), first_row_without=int(missing.argmax())))
    if not index.is_unique:
        repeated = index[index.duplicated()]
        rule = f"The index must not repeat, but {repeated[0]} does."
        raise ValueError(received(rule, n_repeated=len(repeated)))
    if not index.is_monotonic_increasing:
        after = int(np.flatnonzero(index[1:] < index[:-1])[0])
        rule = "The index must ascend, oldest row first; `X.sort_index()` sorts it."
        raise ValueError(received(rule, row=str(index[after]), next_row=str(index[after + 1])))
    step = _find_step(index) if freq is None else freq
    if step is not None and not _keeps(index, step):
        own = _find_step(index)
        if own not in (None, step) and (isinstance(index, pd.PeriodIndex) or _keeps(index, own)):
            rule = f"The index must have the step of the training data, {_name(step, index)!r}."
            raise ValueError(received(rule, step=_name(own, index)))
        _refuse_gap(index, step)
    return step


def _keeps(index: pd.Index, step: Any) -> bool:
    if isinstance(index, pd.PeriodIndex) and index.freq != step:
        return False
    return bool(_grid(index, step).equals(index))


def _grid(index: pd.Index, step: Any) -> pd.Index:
    """Make what `index` should be, or part of it where a wrong step leads beyond the times that pandas can hold."""
    n_rows = len(index)
    while True:
        try:
            return _spaced(index[0], step, n_rows, index)
        except (pd.errors.OutOfBoundsDatetime, OverflowError):
            n_rows //= 2


def _refuse_gap(index: pd.Index, step: Any) -> None:
    name = _name(step, index)
    rule = f"The index must be evenly spaced, in steps of {name!r}, but"
    expected = _grid(index, step)
    at = int(np.flatnonzero(expected != index[: len(expected)])[0])
    before = {"previous_row": str(index[at - 1])} if at else {"first_row": str(index[0])}
    if expected[at] < index[at] and (index[at] in expected or index[at] > expected[-1]):
        hint = f"; `X.asfreq({name!r})` adds missing rows, to be filled" if isinstance(index, pd.DatetimeIndex) else ""
        raise ValueError(received(f"{rule} {expected[at]} is missing{hint}.", **before, next_row=str(index[at])))
    raise ValueError(received(f"{rule} {index[at]} is not on a step.", **before))


def _find_step(index: pd.Index) -> Any:
    """Find the step of an ascending index, or of most of its rows: an int, an offset, or None for a single row."""
    if isinstance(index, pd.RangeIndex):
        return index.step
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and index.freq is not None:
        return index.freq
    if len(index) < 2:
        return None
    if isinstance(index, pd.DatetimeIndex):
        return _guess_offset(index)
    return int(pd.Series(np.diff(np.asarray(index, dtype=np.int64))).mode()[0])


def _guess_offset(index: pd.DatetimeIndex) -> Any:
    """Find the step of all rows, or failing that of most, so that the error can name a gap."""
    if len(index) > 2:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pandas 3.1: an offset is to be returned one day
            inferred = pd.infer_freq(index)
        if inferred is not None:
            return pd.tseries.frequencies.to_offset(inferred)
    local = index.tz_localize(None)  # a day is a day of the calendar, though a clock change makes it 23 hours
    step = pd.Series(local[1:] - local[:-1]).mode()[0]
    if step % pd.Timedelta(days=1):
        return pd.tseries.frequencies.to_offset(pd.Series(index[1:] - index[:-1]).mode()[0])
    months = round(step.days / 30.44)
    if months and (local.day == 1).all():
        return pd.offsets.MonthBegin(months)
    if months and ((local + pd.Timedelta(days=1)).day == 1).all():
        return pd.offsets.MonthEnd(months)
    if months and (local.day == local.day[0]).all():
        return pd.DateOffset(months=months)
    if step == pd.Timedelta(days=1) and (local.day_of_week < 5).all() and local[-1] - local[0] > pd.Timedelta(days=7):
        return pd.offsets.BusinessDay()
    return pd.offsets.Day(step.days)


def _spaced(start: Any, step: Any, n_rows: int, like: pd.Index) -> pd.Index:
    """Make an evenly spaced index of the kind, name, time zone and resolution of `like`."""
    if isinstance(like, pd.PeriodIndex):
        return pd.period_range(start, periods=n_rows, freq=like.freq, name=like.name)
    if isinstance(like, pd.DatetimeIndex):
        return _spaced_times(start, step, n_rows, like)
    stop = start + step * n_rows
    if isinstance(like, pd.RangeIndex):
        return pd.RangeIndex(start, stop, step, name=like.name)
    return pd.Index(np.arange(start, stop, step, dtype=np.int64), dtype=like.dtype, name=like.name)


def _spaced_times(start: pd.Timestamp, step: Any, n_rows: int, like: pd.DatetimeIndex) -> pd.DatetimeIndex:
    settings = {"periods": n_rows, "freq": step, "name": like.name, "unit": like.unit}
    if like.tz is not None and (isinstance(step, pd.offsets.Day) or not isinstance(step, pd.offsets.Tick)):
        local = pd.date_range(start.tz_localize(None), **settings)
        if local.tz_localize(like.tz, ambiguous="NaT", nonexistent="NaT").hasnans:
            # A clock change at the very time of a row, midnight in some zones: what `DataFrame.resample` does.
            first = np.ones(n_rows, dtype=bool)
            return local.tz_localize(like.tz, ambiguous=first, nonexistent="shift_forward")
    return pd.date_range(start, **settings)


def _name(step: Any, index: pd.Index) -> Any:
    """Write a step as pandas takes it: a month is "ME" among times, "M" among periods."""
    if isinstance(step, int):
        return step
    return pd.Period(ordinal=0, freq=step).freqstr if isinstance(index, pd.PeriodIndex) else step.freqstr


def _some(names: pd.Index) -> list[Any]:
    """List names, the first ten of many."""
    return [*names[:10].tolist(), *(["..."] if len(names) > 10 else [])]
