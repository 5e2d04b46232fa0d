"""Roles of columns: which are forecast, which are only seen, and which are known ahead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received, show
from tscnn.common.settings import name_alike
from tscnn.data.values import list_some

__all__ = ["AHEAD", "ROLES", "assign_roles", "find_columns"]

ROLES = (
    "target",  # is forecast
    "past_covariate",  # is seen up to the newest row, and not forecast
    "future_covariate",  # is known for the whole horizon
    "static_covariate",  # never changes
)
AHEAD = ("future_covariate", "static_covariate")


def assign_roles(columns: pd.Index, targets: Any, future: Any, static: Any) -> tuple[str, ...]:
    """Find the role of every column.

    Parameters
    ----------
    columns : Index
        Distinct.
    targets, future, static : column name or list of column names, or None
        Of `Schema.of`.

    Returns
    -------
    tuple of str
        One of `ROLES` for each.

    Raises
    ------
    ValueError
        If the names are not distinct columns, one has two roles, or none is left to forecast.
    """
    named = {"targets": targets, "future_covariates": future, "static_covariates": static}
    roles: list[str | None] = [None] * len(columns)
    for name, own in named.items():
        for position in find_columns(name, own, columns) if own is not None else ():
            role = name.removesuffix("s")
            if roles[position] is not None:
                column = show(columns.tolist()[position])
                rule = f"A column must have one role, but {column} is named in `{roles[position]}s` and in `{name}`."
                raise ValueError(received(rule, **{name: own}))
            roles[position] = role
    rest = "past_covariate" if targets is not None else "target"
    found = tuple(role or rest for role in roles)
    if "target" not in found:
        raise ValueError(received("`X` must have a column to forecast besides covariates.", columns=list_some(columns)))
    return found


def find_columns(argument: str, names: Any, columns: pd.Index) -> tuple[int, ...]:
    """Find columns by name.

    Parameters
    ----------
    argument : str
        The parameter that holds the names, for messages.
    names : column name or list of column names
        A tuple that names one column of several levels is one name.
    columns : Index
        Distinct.

    Returns
    -------
    tuple of int
        Their positions, in the order of the names.

    Raises
    ------
    ValueError
        If one is no column, or twice there.
    """
    labels = columns.tolist()
    positions = {_key(label): position for position, label in enumerate(labels)}
    several = isinstance(names, list | tuple | pd.Index | pd.Series | np.ndarray)
    try:
        one_name = not several or (isinstance(names, tuple) and (_key(names) in positions or _is_label(names, columns)))
        listed = [names] if one_name else list(names)
        found = [positions.get(_key(name)) for name in listed]
    except TypeError:  # a name that has no hash
        listed, found = [], []
    known = [position for position in found if position is not None]
    if argument != "targets" and several and not len(names):
        return ()
    if not known or len(set(known)) < len(found):
        rule = f"`{argument}` must be a column of `X` or a list of distinct ones"
        if isinstance(columns, pd.MultiIndex):
            rule += f", each a tuple with an entry for every level, such as {show(labels[0])}"
        wrong = next((name for name, position in zip(listed, found, strict=True) if position is None), None)
        if wrong is not None:
            rule += f"; {show(wrong)} is none{name_alike(wrong, [label for label in labels if isinstance(label, str)])}"
        rule = rule.rstrip(".") + ("" if rule.endswith("?") else ".")
        raise ValueError(received(rule, **{argument: names}, columns=list_some(columns)))
    return tuple(known)


def _is_label(names: tuple[Any, ...], columns: pd.Index) -> bool:
    """Return whether a tuple can be meant for one column of several levels."""
    return isinstance(columns, pd.MultiIndex) and not any(isinstance(part, tuple) for part in names)


def _key(label: Any) -> Any:
    """Return what tells a label from others: True from 1, too."""
    return (isinstance(label, bool | np.bool_), label)
