"""Tables of pandas, polars and pyarrow in, forecasts in the same kind out."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar, cast

import narwhals as nw
import numpy as np
import pandas as pd

from tscnn.common.checks import received, show
from tscnn.data.encoding import label_from_json, label_to_json
from tscnn.data.values import list_some

__all__ = ["Layout", "read_row", "read_table", "tables_in_and_out"]


Method = TypeVar("Method", bound=Callable[..., Any])

_LIBRARIES = ("pandas", "polars", "pyarrow")


@dataclass(frozen=True)
class Layout:
    """How a table holds its times, for forecasts to be laid out alike.

    Attributes
    ----------
    library : {"pandas", "polars", "pyarrow"}
        Of the table.
    time : label or None
        The column of times; None where they are the index.
    dtype : str or None
        Of the times, where it is one that a DatetimeIndex doesn't have: "Date", "timestamp[ns][pyarrow]".

    Examples
    --------
    >>> forecasts = pd.DataFrame({"a": [1.0]}, pd.DatetimeIndex(["2026-03-28"]))
    >>> Layout(time="when").give_back(forecasts)
            when    a
    0 2026-03-28  1.0
    """

    library: Literal["pandas", "polars", "pyarrow"] = "pandas"
    time: Any = None
    dtype: str | None = None

    def give_back(self, forecasts: pd.DataFrame) -> Any:
        """Lay out forecasts as the table was.

        Parameters
        ----------
        forecasts : DataFrame
            Indexed by time, and before it by series or cutoff where there are several.

        Returns
        -------
        DataFrame of pandas or polars, or Table of pyarrow
            With the levels of the index as its first columns, unless the times of the table were its index.
        """
        if self.library == "pandas" and self.dtype is not None:
            forecasts = forecasts.set_axis(_map_times(forecasts.index, lambda times: times.astype(self.dtype)))
        if self.time is None:
            return forecasts
        names = [*forecasts.index.names[:-1], self.time]
        forecasts = forecasts.set_axis(forecasts.index.set_names(names)).reset_index()
        if self.library == "pandas":
            return forecasts
        flat = [
            " ".join(str(part) for part in name if part != "") if isinstance(name, tuple) else str(name)
            for name in forecasts.columns
        ]
        columns = {name: self._to_series(name, forecasts.iloc[:, at]) for at, name in enumerate(flat)}
        return nw.from_dict(columns, backend=self.library).to_native()

    def _to_series(self, name: str, column: pd.Series) -> Any:
        """Return a column as a narwhals Series."""
        zone = getattr(column.dtype, "tz", None)
        if zone is not None:
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        values = column.tolist() if column.dtype.kind not in "iufbM" else column.to_numpy()
        series = nw.new_series(name, values, backend=self.library)
        if zone is not None:
            series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(str(zone).removeprefix("UTC") or "UTC")
        return series.cast(nw.Date) if self.dtype == "Date" and column.dtype.kind == "M" else series

    def to_json(self) -> dict[str, Any]:
        """Write the layout in what JSON holds.

        Returns
        -------
        dict
            For `from_json`.
        """
        return {"library": self.library, "time": label_to_json(self.time), "dtype": self.dtype}

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Parameters
        ----------
        written : dict
            Of `to_json`, after JSON.

        Returns
        -------
        Layout
            Equal to the one written.

        Raises
        ------
        ValueError
            If it is something else.
        """
        library, dtype = written["library"], written["dtype"]
        if library not in _LIBRARIES or not isinstance(dtype, str | None):
            raise ValueError(f"library={library!r}, dtype={dtype!r}")
        return cls(library, label_from_json(written["time"]), dtype)

    @contextlib.contextmanager
    def lines_of_pandas(self, X: Any = None) -> Iterator[None]:
        """Say in errors what ``X`` is where they suggest a line of pandas, and the table has no index.

        Parameters
        ----------
        X : object, optional
            The table.

        Yields
        ------
        None
            While the table is read.
        """
        try:
            yield
        except (TypeError, ValueError) as error:
            is_array = isinstance(X, np.ndarray | list | tuple)
            suggests = re.search(r"`X[.[]" if is_array else r"\b(?:X|future)[.[]|\(X", str(error))
            if not suggests or type(error) not in (TypeError, ValueError) or (self.time is None and not is_array):
                raise
            name = "future" if suggests[0].startswith("future") else "X"
            made = name if self.library == "pandas" else f"{name}.to_pandas()"
            made = "pd.DataFrame(X)" if is_array else f"{made}.set_index({show(self.time)})"
            numbered = "`X.reset_index(drop=True)`"  # which leaves no times
            said = str(error).replace(numbered, f"{numbered}, with `time=None`,")
            raise type(error)(f"{said}; here `{name}` is `{made}`.") from None


def read_table(X: Any, time: Any = None) -> tuple[Any, Layout]:
    """Read a table of any kind as a pandas frame indexed by time.

    Parameters
    ----------
    X : DataFrame or Series of pandas, DataFrame of polars, Table of pyarrow, array, or dict of them by series name
        Arrays, and frames of pandas whose index holds the times, are returned as they are.
    time : label, optional
        The column of times. A frame of pandas may have it as the name of its index as well.

    Returns
    -------
    table : DataFrame, Series, array, or dict of them
        Of pandas.
    layout : Layout
        Of the table, for its forecasts; of the first of a dict.

    Raises
    ------
    TypeError, ValueError
        If nothing says which column holds the times, or `X` has no such column.

    Examples
    --------
    >>> frame, layout = read_table(pd.DataFrame({"when": [3, 4], "a": [1.0, 2.0]}), "when")
    >>> frame.index.tolist(), layout.time
    ([3, 4], 'when')
    """
    if isinstance(X, Mapping) and not hasattr(X, "toarray"):
        read = {name: read_table(table, time) for name, table in X.items()}
        layouts = [layout for _, layout in read.values()]
        return {name: table for name, (table, _) in read.items()}, layouts[0] if layouts else Layout()
    if isinstance(X, pd.DataFrame | pd.Series):
        return _read_pandas(X, time)
    table = nw.from_native(X, eager_only=True, pass_through=True)
    if isinstance(table, nw.DataFrame) and str(table.implementation) in _LIBRARIES[1:]:
        return _read_narwhals(table, time)
    if time is not None and X is not None:
        rule = "`X` must be a table with a column of times, as `time` says; `time=None` takes arrays."
        raise TypeError(received(rule, time=time, type=type(X).__name__))
    return X, Layout()


def read_row(row: Any, time: Any = None) -> Any:
    """Read what may be a table of one row, or a dict of such by series name.

    Parameters
    ----------
    row : dict, Series, DataFrame, Table or array
        Whatever is no table is returned as it is.
    time : label, optional
        As of `read_table`.

    Returns
    -------
    dict, Series, DataFrame or array
        Of pandas.
    """
    if isinstance(row, Mapping):
        return {name: read_row(value, time) for name, value in row.items()}
    if row is None or isinstance(row, float | int | str | np.generic | np.ndarray | pd.Series):
        return row
    has_columns = isinstance(row, pd.DataFrame) or nw.dependencies.is_into_dataframe(row)
    return read_table(row, time)[0] if has_columns else row


def tables_in_and_out(method: Method) -> Method:
    """Let a method of a forecaster that takes and returns frames of pandas take and return tables of other kinds.

    Parameters
    ----------
    method : callable
        ``method(self, X, ..)``, of an object with the attributes `time` and, where `X` may be left out, `layout_`.

    Returns
    -------
    callable
        The same for tables of every kind.
    """

    @functools.wraps(method)
    def read_and_give_back(self: Any, X: Any = None, *args: Any, **settings: Any) -> Any:
        frame, layout = (None, getattr(self, "layout_", Layout())) if X is None else read_table(X, self.time)
        if settings.get("future") is not None:
            settings["future"] = read_table(settings["future"], self.time)[0]
        with layout.lines_of_pandas(X):
            found = method(self, frame, *args, **settings)
        return layout.give_back(found) if isinstance(found, pd.DataFrame) else found

    return cast("Method", read_and_give_back)


# One kind of table each


def _read_pandas(X: Any, time: Any) -> tuple[Any, Layout]:
    column = None
    if time is not None and X.index.name != time:
        columns = X.columns if isinstance(X, pd.DataFrame) else pd.Index([])
        if not _is_label(time, columns):
            rule = "`time` must be a column of `X`, or the name of its index: `X.rename_axis(..)`."
            raise ValueError(received(rule, time=time, index=X.index.name, columns=list_some(columns)))
        X, column = X.set_index(time), time
    dtype = None
    if isinstance(X.index.dtype, pd.ArrowDtype) and re.match("timestamp|date", str(X.index.dtype)):
        dtype = str(X.index.dtype)
        X = X.set_axis(pd.DatetimeIndex(X.index, name=X.index.name))
    return X, Layout("pandas", column, dtype)


def _is_label(time: Any, columns: pd.Index) -> bool:
    with contextlib.suppress(TypeError):  # a list, say
        return time in columns
    return False


def _read_narwhals(table: Any, time: Any) -> tuple[pd.DataFrame, Layout]:
    library: Any = str(table.implementation)
    if time is None:
        guess = next((name for name in table.columns if table.schema[name].is_temporal()), None)
        rule = f"A table of {library} has no index; "
        if guess is None:
            rule += "`X.to_numpy()` numbers its rows."
        else:
            rule += f"`time={show(guess)}`, or `X.to_pandas().set_index({show(guess)})`, takes its times from a column."
        raise TypeError(received(rule, columns=table.columns[:10]))
    if time not in table.columns:
        raise ValueError(received("`time` must be a column of `X`.", time=time, columns=table.columns[:10]))
    columns = {name: _to_pandas(table[name]) for name in table.columns}
    index = pd.Index(columns.pop(time), name=time)
    dtype = "Date" if table.schema[time] == nw.Date else None
    return pd.DataFrame(columns, index, copy=False), Layout(library, time, dtype)


def _to_pandas(column: Any) -> Any:
    """Return a column of narwhals as an array of NumPy or pandas, without pyarrow."""
    dtype = column.dtype
    if dtype.is_float() or (dtype.is_integer() and not column.is_null().any()):
        return column.to_numpy()
    if dtype.is_integer():
        return pd.array(column.to_list(), dtype="Int64")
    if dtype == nw.Boolean:
        return pd.array(column.to_list(), dtype="boolean") if column.is_null().any() else column.to_numpy()
    if dtype == nw.Date:
        return column.cast(nw.Datetime("ms")).to_numpy()
    if dtype == nw.Datetime:
        times = pd.DatetimeIndex(column.to_numpy())
        return times if dtype.time_zone is None else times.tz_localize("UTC").tz_convert(dtype.time_zone)
    if dtype in (nw.Categorical, nw.Enum):
        return pd.Categorical(column.to_list())
    return pd.Series(column.to_list()).array  # text, decimals


def _map_times(index: pd.Index, change: Callable[[pd.Index], pd.Index]) -> pd.Index:
    """Change the times of an index: it, or its levels "cutoff" and, the last one, time."""
    if not isinstance(index, pd.MultiIndex):
        return change(index)
    for at, name in enumerate(index.names):
        if at == index.nlevels - 1 or name == "cutoff":
            index = index.set_levels(change(index.levels[at]), level=at, verify_integrity=False)
    return index
