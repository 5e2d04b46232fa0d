"""Columns of a frame and their roles: which are forecast, which are only seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import check_choice, received, show
from tscnn.data.encoding import (
    index_from_arrays,
    index_to_arrays,
    label_from_json,
    label_to_json,
    step_from_json,
    step_to_json,
    zone_from_json,
    zone_to_json,
)
from tscnn.data.roles import AHEAD, ROLES, assign_roles, find_columns

__all__ = ["MISSING", "ROLES", "Schema"]

MISSING = ("raise", "mask", "interpolate")  # what becomes of missing values

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
    categories : tuple of (Index or None)
        Of each column what it may hold, if these are categories; None if they are numbers.
    freq : offset, int or None
        The step of the index: a pandas offset for times and periods, an int for integers, None if one row doesn't tell.
    kind : {"times", "periods", "integers"}
        What the index holds.
    dtype : numpy dtype
        That forecasts are returned in: float32 where all columns are (or float16), else float64.
    missing : str, default "raise"
        What becomes of missing values, one of `MISSING`.
    zone : tzinfo or None, default None
        Of the times, whose clock the calendar is read from; None if there is none, or it isn't known.

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
    categories: tuple[pd.Index | None, ...]
    freq: Any
    kind: str
    dtype: np.dtype[Any]
    missing: str = "raise"
    zone: Any = None

    def __post_init__(self) -> None:
        """Check that the parts fit each other."""
        if len(self.roles) != len(self.columns) or not set(self.roles) <= set(ROLES):
            rule = f"Every column must have one of the roles {', '.join(ROLES)}."
            raise ValueError(received(rule, n_columns=len(self.columns), roles=self.roles))
        if not self.targets or tuple(sorted(self.targets)) != self._positions("target"):
            rule = "`targets` must hold the positions of the columns of that role, at least one."
            raise ValueError(received(rule, targets=self.targets, roles=self.roles))
        if len(self.categories) != len(self.columns) or any(self.categories[at] is not None for at in self.targets):
            rule = "Every column must have categories or None, and every target None."
            raise ValueError(received(rule, n_columns=len(self.columns), targets=self.targets))

    @classmethod
    def of(
        cls,
        columns: pd.Index,
        targets: Any,
        *,
        future: Any = None,
        static: Any = None,
        categories: tuple[pd.Index | None, ...] | None = None,
        freq: Any,
        kind: str,
        dtype: np.dtype[Any],
        missing: str = "raise",
        zone: Any = None,
    ) -> Self:
        """Give every column its role.

        Parameters
        ----------
        columns : Index
            Of the training frame, distinct.
        targets, future, static : column name or list of column names, or None
            Columns of these roles; no targets are all that have no other role. A tuple that names one column of several
            levels is one name.
        categories : tuple of (Index or None), optional
            Of each column; all hold numbers by default.
        freq : offset, int or None
            The step of the index.
        kind : {"times", "periods", "integers"}
            What the index holds.
        dtype : numpy dtype
            That forecasts are returned in.
        missing : str, default "raise"
            One of `MISSING`.
        zone : tzinfo, optional
            Of the times.

        Returns
        -------
        Schema
            Whose other columns are past covariates.

        Raises
        ------
        ValueError
            If the names are not distinct columns, or one has two roles.
        """
        categories = (None,) * len(columns) if categories is None else categories
        roles = assign_roles(columns, targets, future, static)
        positions = find_columns("targets", targets, columns) if targets is not None else ()
        positions = positions or tuple(at for at, role in enumerate(roles) if role == "target")
        for at in positions:
            if categories[at] is not None:
                name = show(columns.tolist()[at])
                rule = f"A target must hold numbers, but column {name} holds categories; `targets=` names those to"
                raise TypeError(received(f"{rule} forecast.", column=columns.tolist()[at]))
        return cls(columns, roles, positions, categories, freq, kind, dtype, missing, zone)

    @cached_property
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

    @property
    def static_covariates(self) -> tuple[int, ...]:
        """Positions of the columns that never change.

        Returns
        -------
        tuple of int
            Ascending.
        """
        return self._positions("static_covariate")

    @cached_property
    def ahead(self) -> tuple[int, ...]:
        """Positions of the columns that are known ahead: future and static covariates.

        Returns
        -------
        tuple of int
            Ascending.
        """
        return self._positions(*AHEAD)

    @cached_property
    def is_numeric(self) -> bool:
        """Tell whether no column holds categories.

        Returns
        -------
        bool
            True if all are numbers.
        """
        return all(own is None for own in self.categories)

    @cached_property
    def features(self) -> pd.Index:
        """Names of what models see up to the newest row: targets and past covariates, a name for each category.

        Returns
        -------
        Index
            In the order of the columns.
        """
        seen = self._positions("target", "past_covariate")
        if len(seen) == len(self.columns) and self.is_numeric:
            return self.columns
        return self._encoded_names(seen)

    @property
    def covariates(self) -> pd.Index:
        """Names of what is known ahead, a name for each category.

        Returns
        -------
        Index
            In the order of the columns.
        """
        return self._encoded_names(self.ahead)

    @property
    def owners(self) -> tuple[np.ndarray, np.ndarray]:
        """Tell what column each feature is of, and each covariate.

        Returns
        -------
        features, covariates : ndarray of int
            Positions of columns.
        """
        seen = self._positions("target", "past_covariate")
        of_each = [np.repeat(own, [self._width(at) for at in own]).astype(int) for own in (seen, self.ahead)]
        return of_each[0], of_each[1]

    @property
    def target_features(self) -> tuple[int, ...]:
        """Positions of the targets among the features.

        Returns
        -------
        tuple of int
            In the order of `targets`.
        """
        starts, at = {}, 0
        for position in self._positions("target", "past_covariate"):
            starts[position] = at
            at += self._width(position)
        return tuple(starts[position] for position in self.targets)

    def encode(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Tell what is seen from what is known ahead, and turn categories into columns of ones and zeros.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_columns)
            Categories by number, -1 for an unknown one.

        Returns
        -------
        features : ndarray of shape (n_rows, n_features)
            The same array where all columns are such, and numbers.
        covariates : ndarray of shape (n_rows, n_covariates), or None
            None without any.
        """
        if not self.ahead and self.is_numeric:
            return values, None
        seen, ahead = self._positions("target", "past_covariate"), self.ahead
        return self._one_hot(values, seen), self._one_hot(values, ahead) if ahead else None

    def _one_hot(self, values: np.ndarray, positions: tuple[int, ...]) -> np.ndarray:
        parts = [np.empty((len(values), 0))]
        for position in positions:
            column, categories = values[:, [position]], self.categories[position]
            parts.append(column if categories is None else (column == np.arange(len(categories))).astype(float))
        return np.concatenate(parts, axis=1)

    def _encoded_names(self, positions: tuple[int, ...]) -> pd.Index:
        names: list[Any] = []
        for position in positions:
            name, categories = self.columns.tolist()[position], self.categories[position]
            names += [name] if categories is None else [f"{name}={category}" for category in categories]
        return pd.Index(names, tupleize_cols=False)

    def _width(self, position: int) -> int:
        categories = self.categories[position]
        return 1 if categories is None else len(categories)

    def _positions(self, *roles: str) -> tuple[int, ...]:
        return tuple(position for position, own in enumerate(self.roles) if own in roles)

    def __eq__(self, other: object) -> bool:
        """Compare all attributes; the columns by label, type and name."""
        if not isinstance(other, Schema):
            return NotImplemented
        return (
            self.columns.equals(other.columns)
            and self.columns.dtype == other.columns.dtype
            and list(self.columns.names) == list(other.columns.names)
            and list(map(_list_labels, self.categories)) == list(map(_list_labels, other.categories))
            and (self.roles, self.targets, self.freq, self.kind, self.dtype, self.missing, str(self.zone))
            == (other.roles, other.targets, other.freq, other.kind, other.dtype, other.missing, str(other.zone))
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
            "categories": [own if own is None else _columns_to_json(own) for own in self.categories],
            "freq": step_to_json(self.freq),
            "kind": self.kind,
            "dtype": self.dtype.name,
            "missing": self.missing,
            "zone": zone_to_json(self.zone),
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
                tuple(own if own is None else _columns_from_json(own) for own in written["categories"]),
                step_from_json(written["freq"]),
                written["kind"],
                np.dtype(written["dtype"]),
                check_choice("missing", written.get("missing", "raise"), MISSING),
                zone_from_json(written.get("zone")),
            )
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
            raise ValueError(received("What was saved describes no columns.", error=str(error))) from None


def _list_labels(categories: pd.Index | None) -> list[Any] | None:
    return None if categories is None else categories.tolist()


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
