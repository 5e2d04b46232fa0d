"""Columns of categories: learnt in training, numbered later."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tscnn.common.checks import received, show

__all__ = ["MOST_CATEGORIES", "UNKNOWN", "learn_categories", "number_categories"]

MOST_CATEGORIES = 100  # each becomes a column of ones and zeros: a convention
UNKNOWN = -1


def learn_categories(frame: pd.DataFrame, roles: Sequence[str], missing: str = "raise") -> tuple[pd.Index | None, ...]:
    """Find the columns that hold categories.

    Parameters
    ----------
    frame : DataFrame
        Of training.
    roles : sequence of str
        Of `tscnn.data.schema.ROLES`, one a column. A column of pandas' categorical type that is not forecast holds
        categories, and one of text if it is named as known ahead or static.
    missing : {"raise", "mask", "interpolate"}, default "raise"
        Whether a missing value is refused; else it becomes NaN, and counts as no category.

    Returns
    -------
    tuple of (Index or None)
        The categories of each column, in order; None for other columns.

    Raises
    ------
    ValueError
        If there are more than `MOST_CATEGORIES`, or values are missing that must not be.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0], "sky": ["clear", "rain"]})
    >>> learn_categories(frame, ["target", "future_covariate"])[1].tolist()
    ['clear', 'rain']
    """
    return tuple(_learn(frame.iloc[:, at], role, missing) for at, role in enumerate(roles))


def number_categories(
    frame: pd.DataFrame, categories: Sequence[pd.Index | None], missing: str = "raise"
) -> pd.DataFrame:
    """Put numbers in place of categories.

    Parameters
    ----------
    frame : DataFrame
        With the columns of training.
    categories : sequence of (Index or None)
        Of `learn_categories`.
    missing : {"raise", "mask", "interpolate"}, default "raise"
        As of `learn_categories`.

    Returns
    -------
    DataFrame
        The same, if there are no categories; else a copy. A value that training has not seen is `UNKNOWN`, with a
        warning: it counts as no category.

    Raises
    ------
    ValueError
        If values are missing that must not be.
    """
    numbered = frame
    for position, own in enumerate(categories):
        if own is None:
            continue
        column, name = frame.iloc[:, position], show(frame.columns.tolist()[position])
        if missing == "raise":
            _refuse_missing(column, name)
        codes = own.get_indexer(pd.Index(column.astype(object)))
        is_missing = column.isna().to_numpy()
        is_unknown = (codes == UNKNOWN) & ~is_missing
        if is_unknown.any():
            unknown = column[is_unknown].unique()[:5].tolist()
            told = f"Column {name} holds categories that training has not seen: they count as none of those known."
            warnings.warn(received(told, unknown=unknown), stacklevel=5)
        numbered = numbered.copy(deep=False) if numbered is frame else numbered
        numbered.isetitem(position, np.where(is_missing, np.nan, codes))
    return numbered


def _learn(column: pd.Series, role: str, missing: str) -> pd.Index | None:
    is_categorical = isinstance(column.dtype, pd.CategoricalDtype)
    is_text = role in ("future_covariate", "static_covariate") and (
        pd.api.types.is_string_dtype(column.dtype) or column.dtype == object
    )
    if role == "target" or not (is_categorical or is_text):
        return None
    name = show(column.name)
    if missing == "raise":
        _refuse_missing(column, name)
    found = column.dropna().astype(object).unique()
    try:
        categories = pd.Index(sorted(found), dtype=object)
    except TypeError:  # of types that have no order
        categories = pd.Index(found, dtype=object)
    if len(categories) > MOST_CATEGORIES:
        rule = f"Column {name} must hold at most {MOST_CATEGORIES} categories; `X[{name}].where(X[{name}].isin("
        rule += f"X[{name}].value_counts().index[:50]), 'other')` joins rare ones."
        raise ValueError(received(rule, n_categories=len(categories)))
    return categories


def _refuse_missing(column: pd.Series, name: str) -> None:
    missing = column.isna()
    if missing.any():
        rule = f"Categories must not be missing, but column {name} is at row {column.index[missing.argmax()]};"
        rule += f" `X[{name}] = X[{name}].astype(object).fillna('missing')` makes a category of it."
        raise ValueError(received(rule, n_missing=int(missing.sum())))
