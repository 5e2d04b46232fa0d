"""Tables of CSV and Parquet, from files and pipes."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tscnn.cli.dialect import Dialect
from tscnn.cli.times import TimeFormat
from tscnn.common.checks import received
from tscnn.data.values import list_some

__all__ = ["Reading", "Table", "need_pyarrow", "read_bytes", "read_table"]

_PARQUET = b"PAR1"
_NAMES_OF_TIME = ("time", "date", "datetime", "timestamp", "ds", "when")
_SAMPLE = 50  # rows by which times are found


@dataclass(frozen=True)
class Reading:
    """How tables are to be read: what is not said is found.

    Attributes
    ----------
    time, series_id : str or None
        Columns of the times, and of the series.
    encoding, separator, decimal, time_format : str or None
        As of `Dialect` and `TimeFormat`.
    columns : sequence of str
        Those of a model, which a file without header has in this order, after the times and the series.
    usual_time : str or None
        The column of times of a model, which is taken if it is there; None if its rows are numbered.
    drop : sequence of str
        Columns to leave out.
    """

    time: str | None = None
    series_id: str | None = None
    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None
    time_format: str | None = None
    columns: Sequence[str] = ()
    usual_time: str | None = None
    drop: Sequence[str] = ()

    def names_without_header(self) -> list[str]:
        """Name the columns of a file that doesn't.

        Returns
        -------
        list of str
            Time and series, if there are some, and the columns of the model.
        """
        first = [name for name in (self.time or self.usual_time, self.series_id) if name is not None]
        return [*first, *self.columns]


@dataclass(frozen=True)
class Table:
    """A table that was read, and how forecasts are written alike.

    Attributes
    ----------
    frame : DataFrame
        Indexed by times, integers, or the numbers of its rows; of a backtest by cutoff and time.
    time : str or None
        The column of times.
    format : TimeFormat or None
        Of times that were text.
    dialect : Dialect
        Of text.
    """

    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    time: str | None = None
    format: TimeFormat | None = None
    dialect: Dialect = field(default_factory=Dialect)

    def times_as_came(self, times: pd.Index) -> Any:
        """Write times as those of the table.

        Parameters
        ----------
        times : Index
            Of forecasts.

        Returns
        -------
        list of str, or Index
            Text, if it was.
        """
        if self.format is None or not isinstance(times, pd.DatetimeIndex | pd.PeriodIndex):
            return times
        codes, once = pd.factorize(times)  # a cutoff stands in many rows
        texts = self.format.write(once.to_timestamp() if isinstance(once, pd.PeriodIndex) else once)
        return [texts[code] for code in codes]


def read_bytes(path: str) -> bytes:
    """Read a file, or standard input.

    Parameters
    ----------
    path : str
        "-" for standard input.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    OSError
        If it can't be read.
    """
    return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()


def read_table(path: str, how: Reading) -> Table:
    """Read a table of CSV or Parquet, which are told apart by their first bytes.

    Parameters
    ----------
    path : str
        "-" for standard input.
    how : Reading
        What is known of it.

    Returns
    -------
    Table
        With its times as the index.

    Raises
    ------
    ImportError, OSError, ValueError
        If it can't be read, or lacks a column.
    """
    raw = read_bytes(path)
    if not raw.strip():
        raise ValueError(received("The file must hold a table, but it is empty.", path=path))
    if raw.startswith(_PARQUET):
        return _read_parquet(raw, how)
    dialect = Dialect.find(raw, how.encoding, how.separator, how.decimal)
    lines = [line for line in dialect.decode(raw).splitlines()[: _SAMPLE + 1] if line.strip()]
    cells = [dialect.split(line) for line in lines]
    names = [name or ("time" if at == 0 else f"column {at + 1}") for at, name in enumerate(cells[0])]
    has_header = not how.columns or bool(set(names) & set(how.columns))
    if not has_header:
        names = how.names_without_header()
        if len(cells[0]) != len(names):
            rule = f"The first line must name the columns, or the lines have the {len(names)} of the model in order."
            raise ValueError(received(rule, first_line=lines[0], columns=list_some(names)))
    rows = [row for row in cells[has_header:] if len(row) == len(names)]
    time = _find_time(names, how, lambda at: [row[at] for row in rows])
    if has_header and time is not None and _is_time(time):
        rule = "The first line must name the columns, but it holds a time: put a line of names before it."
        raise ValueError(received(rule, first_line=lines[0]))
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        rule = "The first line must name every column differently."
        raise ValueError(received(rule, repeated=list_some(repeated)))
    as_text = [name for name in (time, how.series_id, "cutoff") if name in names]
    try:
        frame = pd.read_csv(
            io.BytesIO(raw),
            sep=dialect.separator,
            decimal=dialect.decimal,
            thousands="." if dialect.decimal == "," else None,
            encoding=dialect.encoding,
            header=0 if has_header else None,
            names=names,
            index_col=False,
            dtype=dict.fromkeys(as_text, str),
            skipinitialspace=True,
            low_memory=False,
        )
    except (ValueError, UnicodeError) as error:  # the errors of its parser are ValueErrors
        rule = "The file must be a table of CSV or Parquet; `--separator` and `--encoding` tell what it looks like"
        raise ValueError(received(f"{rule} ({error}).", path=path)) from None
    return _index_by_time(frame, time, how, dialect)


def _is_time(name: str) -> bool:
    with contextlib.suppress(ValueError):
        return TimeFormat.find([name], compact=False) is not None
    return True  # though days are not told from months


def _read_parquet(raw: bytes, how: Reading) -> Table:
    need_pyarrow()
    frame = pd.read_parquet(io.BytesIO(raw), engine="pyarrow")
    if not isinstance(frame.index, pd.RangeIndex):
        names = [
            name or ("time" if at == frame.index.nlevels - 1 else f"level {at}")
            for at, name in enumerate(frame.index.names)
        ]
        frame = frame.set_axis(frame.index.set_names(names)).reset_index()
    for name in frame.columns:
        if pd.api.types.infer_dtype(frame[name], skipna=True) == "date":
            frame[name] = pd.to_datetime(frame[name])
    known = [name for name in frame.columns if frame[name].dtype.kind == "M"]
    guess = next((name for name in known if name != "cutoff"), None)
    time = _find_time(frame.columns.tolist(), how, lambda _: []) or guess
    return _index_by_time(frame, time, how, Dialect())


def _find_time(names: Sequence[str], how: Reading, values: Any) -> str | None:
    """Return the column of times: what is given, what follows a cutoff, or the first one that holds times."""
    if how.time is not None and how.time not in names:
        raise ValueError(received("`--time` must name a column of the table.", time=how.time, columns=names[:12]))
    if how.time is not None or how.usual_time in names:
        return how.time or how.usual_time
    if "cutoff" in names[:-1]:
        return names[names.index("cutoff") + 1]
    for at, name in enumerate(names):
        try:
            if TimeFormat.find(values(at), compact=name.lower() in _NAMES_OF_TIME):
                return name
        except ValueError:  # times they are, though days are not told from months
            return name
    return None


def _index_by_time(frame: pd.DataFrame, time: str | None, how: Reading, dialect: Dialect) -> Table:
    """Make the times of a table its index, and leave out what is to be."""
    if unknown := [name for name in how.drop if name not in frame.columns]:
        raise ValueError(
            received("`--drop` must name columns of the table.", drop=unknown, columns=list_some(frame.columns))
        )
    nameless = [
        name for at, name in enumerate(frame.columns) if name == f"column {at + 1}" and frame[name].isna().all()
    ]
    frame = frame.drop(columns=[*how.drop, *nameless])
    if time is None:
        return Table(frame, None, None, dialect)
    form, names = None, [name for name in ("cutoff", time) if name in frame.columns]
    levels = {}
    for name in names:
        column = frame[name]
        if column.isna().any():
            rule = f"Every row must have a time; the column {name!r} lacks some."
            raise ValueError(received(rule, first_row_without=int(column.isna().to_numpy().argmax()) + 1))
        if pd.api.types.is_string_dtype(column.dtype) or column.dtype == object:
            texts = column.tolist()
            if form is None:
                form = TimeFormat(how.time_format) if how.time_format else TimeFormat.find(texts)
                form = form or TimeFormat.find(texts[:_SAMPLE])  # which says what the others should be
            levels[name] = _read_times(texts, form, name)
        else:
            levels[name] = pd.Index(column)
    rest = frame.drop(columns=names)
    if len(names) == 1:
        rest = rest.set_axis(levels[time].set_names(time))
        if how.series_id not in rest.columns and not rest.index.is_monotonic_increasing:
            rest = rest.sort_index(kind="stable")
        return Table(rest, time, form, dialect)
    before = list(frame.columns[: frame.columns.get_loc("cutoff")])
    index = pd.MultiIndex.from_arrays([*(frame[name] for name in before), *levels.values()], names=[*before, *names])
    return Table(rest.drop(columns=before).set_axis(index), time, form, dialect)


def _read_times(texts: list[str], form: TimeFormat | None, name: str) -> pd.Index:
    """Read texts as times, or as integers."""
    if form is not None:
        return form.read(texts)
    try:
        return pd.Index([int(text) for text in texts])
    except ValueError:
        rule = f"The column {name!r} must hold times; `--time` names another one, `--time-format` how they are written."
        raise ValueError(received(rule, first=texts[0], last=texts[-1])) from None


def need_pyarrow() -> None:
    """Complain if there is nothing that reads and writes Parquet.

    Raises
    ------
    ImportError
        If pyarrow isn't installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ImportError('Parquet needs pyarrow: python -m pip install "tscnn[parquet]"') from error
