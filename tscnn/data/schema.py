"""Columns of a frame and their roles: which are forecast, which are only seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import check_choice, received, show
from tscnn.common.settings import name_alike
from tscnn.data.encoding import (
    index_from_arrays,
    index_to_arrays,
    label_from_json,
    label_to_json,
    step_from_json,
    step_to_json,
)
from tscnn.data.values import list_some

__all__ = ["MISSING", "ROLES", "Schema"]

MISSING = ("raise", "mask", "interpolate")  # what becomes of missing values
ROLES = ("target", "past_covariate")  # is forecast; is seen up to the newest row, and not forecast

_LABEL_DTYPES = ("object", "str", "string", "bool", "boolean", "float32", "float64", "Float32", "Float64")


@dataclass(frozen=True, eq=False)
class Schema:
    """What a training frame looked like, and every later frame must look like.

    Attributes
    ----------
    columns : Index
        All columns, in their order.
    roles : tuple of str
        One of `ROLES` for each column.
    targets : tuple of int
        Positions of the columns that are forecast, in the order in which forecasts have them.
    freq : offset, int or None
        The step of the index: a pandas offset for times and periods, an int for integers, None if one row doesn't tell.
    kind : {"times", "periods", "integers"}
        What the index holds.
    dtype : numpy dtype
        That forecasts are returned in: float32 where all columns are (or float16), else float64.
    missing : str, default "raise"
        What becomes of missing values, one of `MISSING`.

    Examples
    --------
    >>> columns = pd.Index(["sun", "load", "wind"])
    >>> schema = Schema.of(columns, ["wind", "load"], freq=1, kind="integers", dtype=np.dtype("float64"))
    >>> schema.roles, schema.targets, schema.target_names.tolist(), schema.past_covariates
    (('past_covariate', 'target', 'target'), (2, 1), ['wind', 'load'], (0,))
    """

    columns: pd.Index
    roles: tuple[str, ...]
    targets: tuple[int, ...]
    freq: Any
    kind: str
    dtype: np.dtype[Any]
    missing: str = "raise"

    def __post_init__(self) -> None:
        """Check that the parts fit each other."""
        if len(self.roles) != len(self.columns) or not set(self.roles) <= set(ROLES):
            rule = f"Every column must have one of the roles {', '.join(ROLES)}."
            raise ValueError(received(rule, n_columns=len(self.columns), roles=self.roles))
        if not self.targets or tuple(sorted(self.targets)) != self._positions("target"):
            rule = "`targets` must hold the positions of the columns of that role, at least one."
            raise ValueError(received(rule, targets=self.targets, roles=self.roles))

    @classmethod
    def of(
        cls, columns: pd.Index, targets: Any, *, freq: Any, kind: str, dtype: np.dtype[Any], missing: str = "raise"
    ) -> Self:
        """Give every column its role.

        Parameters
        ----------
        columns : Index
            Of the training frame, distinct.
        targets : column name or list of column names, or None
            Columns to forecast; None is all. A tuple that names one column of several levels is one name.
        freq : offset, int or None
            The step of the index.
        kind : {"times", "periods", "integers"}
            What the index holds.
        dtype : numpy dtype
            That forecasts are returned in.
        missing : str, default "raise"
            One of `MISSING`.

        Returns
        -------
        Schema
            Whose other columns are past covariates.

        Raises
        ------
        ValueError
            If `targets` does not name distinct columns.
        """
        positions = _find_targets(targets, columns)
        roles = ["past_covariate"] * len(columns)
        for position in positions:
            roles[position] = "target"
        return cls(columns, tuple(roles), positions, freq, kind, dtype, missing)

    @property
    def target_names(self) -> pd.Index:
        """Columns of a forecast.

        Returns
        -------
        Index
            In the order of `targets`.
        """
        return self.columns[list(self.targets)]

    @property
    def past_covariates(self) -> tuple[int, ...]:
        """Positions of the columns that are seen, and not forecast.

        Returns
        -------
        tuple of int
            Ascending.
        """
        return self._positions("past_covariate")

    def _positions(self, role: str) -> tuple[int, ...]:
        return tuple(position for position, own in enumerate(self.roles) if own == role)

    def __eq__(self, other: object) -> bool:
        """Compare all attributes; the columns by label, type and name."""
        if not isinstance(other, Schema):
            return NotImplemented
        return (
            self.columns.equals(other.columns)
            and self.columns.dtype == other.columns.dtype
            and list(self.columns.names) == list(other.columns.names)
            and (self.roles, self.targets, self.freq, self.kind, self.dtype, self.missing)
            == (other.roles, other.targets, other.freq, other.kind, other.dtype, other.missing)
        )

    __hash__ = None  # type: ignore[assignment]  # an Index has none

    def to_json(self) -> dict[str, Any]:
        """Write the schema in what JSON holds.

        Returns
        -------
        dict
            For `from_json`.

        Raises
        ------
        TypeError
            If a label, or the step of the index, is of a type that can't be saved.
        """
        return {
            "columns": _columns_to_json(self.columns),
            "roles": list(self.roles),
            "targets": list(self.targets),
            "freq": step_to_json(self.freq),
            "kind": self.kind,
            "dtype": self.dtype.name,
            "missing": self.missing,
        }

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Parameters
        ----------
        written : dict
            Of `to_json`, after JSON.

        Returns
        -------
        Schema
            Equal to the one written.

        Raises
        ------
        ValueError
            If it is something else.
        """
        try:
            if written["kind"] not in ("times", "periods", "integers") or written["dtype"] not in (
                "float32",
                "float64",
            ):
                raise ValueError(f"kind={written['kind']!r}, dtype={written['dtype']!r}")
            return cls(
                _columns_from_json(written["columns"]),
                tuple(written["roles"]),
                tuple(int(position) for position in written["targets"]),
                step_from_json(written["freq"]),
                written["kind"],
                np.dtype(written["dtype"]),
                check_choice("missing", written.get("missing", "raise"), MISSING),
            )
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
            raise ValueError(received("What was saved describes no columns.", error=str(error))) from None


def _find_targets(targets: Any, columns: pd.Index) -> tuple[int, ...]:
    if targets is None:
        return tuple(range(len(columns)))
    labels = columns.tolist()
    positions = {_key(label): position for position, label in enumerate(labels)}
    several = isinstance(targets, list | tuple | pd.Index | pd.Series | np.ndarray)
    try:
        one_name = not several or (
            isinstance(targets, tuple) and (_key(targets) in positions or _is_label(targets, columns))
        )
        names = [targets] if one_name else list(targets)
        found = [positions.get(_key(name)) for name in names]
    except TypeError:  # a name that has no hash
        names, found = [], []
    known = [position for position in found if position is not None]
    if not known or len(set(known)) < len(found):
        rule = "`targets` must be a column of `X` or a list of distinct ones"
        if isinstance(columns, pd.MultiIndex):
            rule += f", each a tuple with an entry for every level, such as {show(labels[0])}"
        wrong = next((name for name, position in zip(names, found, strict=True) if position is None), None)
        if wrong is not None:
            rule += f"; {show(wrong)} is none{name_alike(wrong, [label for label in labels if isinstance(label, str)])}"
        raise ValueError(received(f"{rule.rstrip('.')}.", targets=targets, columns=list_some(columns)))
    return tuple(known)


def _is_label(targets: tuple[Any, ...], columns: pd.Index) -> bool:
    """Return whether a tuple can be meant for one column of several levels."""
    return isinstance(columns, pd.MultiIndex) and not any(isinstance(part, tuple) for part in targets)


def _key(label: Any) -> Any:
    """Return what tells a label from others: True from 1, too."""
    return (isinstance(label, bool | np.bool_), label)


def _columns_to_json(columns: pd.Index) -> dict[str, Any]:
    if isinstance(columns, pd.MultiIndex):
        columns = columns.remove_unused_levels()
        return {
            "levels": [_columns_to_json(level) for level in columns.levels],
            "codes": [np.asarray(codes).tolist() for codes in columns.codes],
            "names": [label_to_json(name) for name in columns.names],
        }
    dtype = str(columns.dtype)
    if dtype in _LABEL_DTYPES:
        labels = [label_to_json(label) for label in columns.tolist()]
        return {"labels": labels, "dtype": dtype, "name": label_to_json(columns.name)}
    try:
        index, values = index_to_arrays(columns)
    except TypeError:
        rule = "Column labels of this type can't be saved; `X.columns.astype(str)` gives text."
        raise TypeError(received(rule, dtype=dtype)) from None
    return {"index": index, "values": values.tolist()}


def _columns_from_json(written: dict[str, Any]) -> pd.Index:
    if "levels" in written:
        levels = [_columns_from_json(level) for level in written["levels"]]
        names = [label_from_json(name) for name in written["names"]]
        return pd.MultiIndex(levels, written["codes"], names=names)
    if "index" in written:
        return index_from_arrays(written["index"], np.array(written["values"], dtype=np.int64))
    if written["dtype"] not in _LABEL_DTYPES:
        raise ValueError(f"dtype={written['dtype']!r}")
    labels = [label_from_json(label) for label in written["labels"]]
    name = label_from_json(written["name"])
    return pd.Index(labels, dtype=written["dtype"], name=name, tupleize_cols=False)
