"""What the values of a frame must be: numbers that float32 can square, or missing where that is allowed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received, show
from tscnn.data.mapped import blocks

__all__ = ["FARTHEST", "as_float", "check_observed", "check_sizes", "list_some", "refuse_large_integers"]

LARGEST = float(np.sqrt(np.finfo(np.float32).max))
FARTHEST = 1e17  # standard deviations: float32 holds the squares of ten thousand such values, added up


def as_float(frame: pd.DataFrame, missing: str = "raise") -> pd.DataFrame:
    """Copy a frame to float64, or name the first column or value that can't be forecast from.

    Parameters
    ----------
    frame : DataFrame
        Of distinct columns.
    missing : {"raise", "mask", "interpolate"}, default "raise"
        Whether a missing value (NaN, None, ``pandas.NA``) is refused; else it becomes NaN.

    Returns
    -------
    DataFrame
        A copy, of finite values that float32 can square, and NaN where a value is missing.

    Raises
    ------
    TypeError, ValueError
        Naming the column, and the row of a value.
    """
    for position, dtype in enumerate(frame.dtypes):
        if dtype.kind == "c":
            rule = f"Complex data not supported: column {show(frame.columns[position])} must be real."
            raise ValueError(received(rule, dtype=str(dtype)))
        if dtype.kind not in "iufb":  # Arrow's decimals count as numeric elsewhere
            _refuse_column(frame, position)
    values = frame.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    good = np.abs(values) < LARGEST
    if not good.all() and missing != "raise":
        good |= np.isnan(values)
    if not good.all():
        _refuse_value(frame, values, good)
    return pd.DataFrame(values, index=frame.index, columns=frame.columns, copy=False)


def refuse_large_integers(rows: np.ndarray, columns: pd.Index) -> None:
    """Complain about an integer that float32 can't square, of which some versions of pandas make no float.

    Parameters
    ----------
    rows : ndarray of objects, of shape (..., n_features)
        As they were given.
    columns : Index
        Names of the columns, for errors.

    Raises
    ------
    ValueError
        Naming the column.
    """
    for name, values in zip(columns.tolist(), rows.reshape(-1, len(columns)).T, strict=True):
        large = [value for value in values if isinstance(value, int) and abs(value) >= LARGEST]
        if large:
            rule = f"Every value must be one that float32 can square, but that of column {show(name)} is not."
            raise ValueError(received(rule, value=large[0]))


def check_observed(frame: pd.DataFrame) -> None:
    """Complain about a column of which training knows nothing.

    Parameters
    ----------
    frame : DataFrame
        Of `as_float`.

    Raises
    ------
    ValueError
        Naming the first column without a value.
    """
    empty = frame.columns[frame.isna().all().to_numpy()]
    if len(empty):
        rule = f"Every column must have a value to learn from, but column {show(empty.tolist()[0])} has NaN in every "
        rule += f"row; `X.drop(columns={list_some(empty)})` does without."
        raise ValueError(received(rule, n_rows=len(frame)))


def check_sizes(values: np.ndarray, mean: np.ndarray, scale: np.ndarray, index: pd.Index, columns: pd.Index) -> None:
    """Complain about values so far from those of training that float32 can't add up squares of them.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        Of `as_float`.
    mean, scale : ndarray of shape (n_features,)
        Of the training rows, by column.
    index, columns : Index
        Names of rows and columns, for errors.

    Raises
    ------
    ValueError
        Naming the column and the row.
    """
    room = FARTHEST * scale
    for block in blocks(values):
        far = np.abs(values[block] - mean) >= room  # not so missing values
        if far.any():
            break
    else:
        return
    row, column = np.argwhere(far)[0] + [block.start, 0]
    rule = f"Column {show(columns.tolist()[column])} has a value at row {index[row]} that is {FARTHEST:g} or"
    rule += " more standard deviations from the mean of training: float32 can't square that; is it a fill value?"
    mean = np.broadcast_to(mean, values.shape[1:])
    raise ValueError(received(rule, value=float(values[row, column]), mean=float(mean[column])))


def list_some(names: Iterable[Any]) -> list[Any]:
    """List names, the first ten of many.

    Parameters
    ----------
    names : Index or list
        Of columns, or of series.

    Returns
    -------
    list
        The last one is "..." where some are left out.
    """
    names = list(names)
    return [*names[:10], *(["..."] if len(names) > 10 else [])]


def _refuse_column(frame: pd.DataFrame, position: int) -> None:
    """Say of a column that holds no numbers what to do with it."""
    column, label = frame.iloc[:, position], frame.columns.tolist()[position]
    name, dtype, other = show(label), column.dtype, _first_other(column)
    numbers = f"Column {name} must hold real numbers or booleans;"
    without = f"`X.drop(columns=[{name}])` does without."
    has_times = isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex)  # of `time=`, maybe
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        rule = f"Column {name} holds times, which belong in the index: `X.set_index({name})`, or"
        rule += f" {without}" if has_times else f" `Forecaster(time={name})`; {without}"
    elif dtype.kind == "m":
        rule = f"{numbers} `X[{name}] = X[{name}].dt.total_seconds()` makes numbers of lengths of time."
    elif isinstance(other, int) and not _works(partial(float, other)):
        rule = f"{numbers} `X[{name}] = pd.to_numeric(X[{name}].astype(str), errors='coerce')` makes those that float64"
        rule += " doesn't hold infinite or missing."
    elif _works(lambda: column.astype(float)):
        rule = f"{numbers} `X.astype({{{name}: float}})` converts those in it."
    elif _works(lambda: pd.to_numeric(column)):
        rule = f"{numbers} `X[{name}] = pd.to_numeric(X[{name}])` converts those in it."
    elif mend := _find_mend(column):
        rule = f"{numbers} `X[{name}] = X[{name}]{mend}.astype(float)` converts those in it."
    elif _makes_numbers(lambda: pd.to_numeric(column, errors="coerce")):
        rule = f"{numbers} `X[{name}] = pd.to_numeric(X[{name}], errors='coerce')` keeps those in it, and leaves gaps."
    elif _works(lambda: pd.to_datetime(column.astype(str), format="ISO8601")):
        rule = f"Column {name} holds times, which belong in the index: `X.set_index(pd.to_datetime(X.pop({name})))`;"
        rule += f" {without}"
    elif len(frame) == 1:  # of a stream
        rule = numbers.replace(";", ".")
    elif _works(lambda: pd.get_dummies(frame.iloc[:99], columns=[label])):
        rule = f"{numbers} `pd.get_dummies(X, columns=[{name}])` makes a column of each kind of text, {without}"
    else:
        rule = f"{numbers} {without}"
    raise TypeError(received(rule, dtype=str(dtype), first_value=other))


# What people and spreadsheets write around numbers: the way it is written, and the line that reads it.
_WRITTEN = (
    (r"-?\d{1,3}(,\d{3})+(\.\d+)?", ".str.replace(',', '')"),
    (r"-?\d{1,3}(\.\d{3})+(,\d+)?", ".str.replace('.', '').str.replace(',', '.')"),
    (r"-?\d+(,\d+)?", ".str.replace(',', '.')"),
    (r"-?\d{1,3}([ \u00a0\u202f]\d{3})+(\.\d+)?", r".str.replace(r'\s', '', regex=True)"),
    (r"-?[$€£¥%]?\s?-?\d+(\.\d+)?\s?[$€£¥%]?", ".str.strip(' $€£¥%')"),
)


def _find_mend(column: pd.Series) -> str:
    """Return what makes numbers of text that are written as people do, or nothing."""
    texts = pd.Series([value for value in column.tolist() if not _works(partial(float, value))], dtype=object)
    if not len(texts) or not texts.map(lambda value: isinstance(value, str)).all():
        return ""
    is_text = all(isinstance(value, str) for value in column.tolist())
    for written, mend in _WRITTEN:
        # In a column of "1,234" and "12" the latter is written as either.
        if texts.str.strip().str.fullmatch(written).all():
            return mend if is_text else f".astype(str){mend}"
    return ""


def _works(convert: Callable[[], Any]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            convert()
    except (TypeError, ValueError, OverflowError, KeyError, AttributeError):
        return False
    return True


def _makes_numbers(convert: Callable[[], pd.Series]) -> bool:
    """Say whether most of what a conversion returns are numbers."""
    return _works(convert) and bool(np.isfinite(convert().to_numpy(float, na_value=np.nan)).mean() > 0.5)


def _first_other(column: pd.Series) -> Any:
    """Return the first of many values that is no number, or that is none as it is, or the first that is there."""
    known = column[column.notna()]
    values = (known if len(known) else column).iloc[:1000].tolist()
    others = [value for value in values if not _works(partial(float, value))]
    others += [value for value in values if isinstance(value, str | bool)]
    found = next(iter(others), values[0])
    return str(found) if isinstance(found, pd.Timestamp | pd.Period | pd.Timedelta) else found


def _refuse_value(frame: pd.DataFrame, values: np.ndarray, good: np.ndarray) -> None:
    """Name the first value that is not finite or too large, and say what to do with it."""
    row = int(good.all(axis=1).argmin())
    position = int(good[row].argmin())
    name, value = show(frame.columns.tolist()[position]), float(values[row, position])
    at = f"at row {frame.index[row]}"
    if np.isfinite(value):
        rule = f"Every value must be one that float32 can square, but that of column {name} {at} is not; if it stands"
        rule += " for a gap, `X.mask(X.abs() > 1e18).ffill().bfill()` fills it."
    elif len(frame) > 1 and np.isnan(values[:, position]).all():
        rule = f"Every value must be finite, but column {name} has NaN or infinity in every row; "
        rule += f"`X.drop(columns=[{name}])` does without."
    elif np.isnan(value):
        rule = f"Every value must be finite, but column {name} has NaN {at}; `Forecaster(missing='mask')` learns and"
        rule += " forecasts from the values that are there."
    else:
        rule = f"Every value must be finite, but column {name} has infinity {at}; "
        rule += "`X.replace([np.inf, -np.inf], np.nan)`, with `Forecaster(missing='mask')`, takes it as missing."
    in_columns = list_some(frame.columns[~good.all(axis=0)])
    raise ValueError(received(rule, value=value, n_such_values=int((~good).sum()), in_columns=in_columns))
