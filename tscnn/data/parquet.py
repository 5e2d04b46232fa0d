"""Folders of Parquet files, and data sets of pyarrow: read batch by batch into arrays that lie in a file."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import received, show
from tscnn.data.categories import learn_categories, number_categories
from tscnn.data.frame import settle_static
from tscnn.data.grid import read_step
from tscnn.data.index import check_order, check_spacing, find_kind
from tscnn.data.mapped import MOST_ROWS, blocks, empty_like, map_array, release
from tscnn.data.panel import naming
from tscnn.data.roles import assign_roles
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.tables import read_table
from tscnn.data.values import as_float, check_observed, list_some

__all__ = ["StoredRows", "is_stored", "read_stored"]

BATCH = 2**17  # rows that are read at a time: a convention


@dataclass(frozen=True)
class StoredRows:
    """Rows that were read.

    Attributes
    ----------
    schema : Schema
        Of their columns.
    values : ndarray of shape (n_rows, n_columns)
        In a file, one series behind the other, categories by number; float32 where all columns are, else float64.
    indexes : tuple of Index
        One a series; that of times in a file, too, unless they have a zone.
    names : tuple or None
        Of the series; None for a single one without.
    """

    schema: Schema
    values: np.ndarray
    indexes: tuple[pd.Index, ...]
    names: tuple[Any, ...] | None

    @cached_property
    def series(self) -> SeriesSet:
        """Tell what is seen from what is known ahead.

        Returns
        -------
        SeriesSet
            Of arrays that lie in files.
        """
        schema, n_rows = self.schema, len(self.values)
        if not schema.ahead and schema.is_numeric:
            return SeriesSet(self.values, self.indexes, self.names)
        seen = empty_like(self.values, (n_rows, len(schema.features)))
        ahead = map_array((n_rows, len(schema.covariates)), np.float64) if schema.ahead else None
        for block in blocks(self.values, seen):
            seen[block], known = schema.encode(np.asarray(self.values[block], np.float64))
            if ahead is not None and known is not None:
                ahead[block] = known
                release(ahead)
        return SeriesSet.of_arrays(seen, self.indexes, self.names, ahead)

    def newest(self, n_rows: int) -> dict[Any, pd.DataFrame]:
        """Take the newest rows of every series.

        Parameters
        ----------
        n_rows : int
            At most so many.

        Returns
        -------
        dict of DataFrame
            By the name of the series, None for a single one without: in memory, as float64.
        """
        ends, found = np.cumsum([0, *map(len, self.indexes)]).tolist(), {}
        for name, index, (a, b) in zip(self.names or (None,), self.indexes, itertools.pairwise(ends), strict=True):
            own = np.array(self.values[max(a, b - n_rows) : b], np.float64)
            found[name] = pd.DataFrame(own, index[len(index) - len(own) :].copy(deep=True), self.schema.columns)
        return found


def is_stored(X: Any) -> bool:
    """Tell tables on a disk from those in memory.

    Parameters
    ----------
    X : object
        Of the user.

    Returns
    -------
    bool
        Whether it is a path, which should be that of a folder or of a Parquet file, or a data set of pyarrow.
    """
    if isinstance(X, str | os.PathLike):
        return True
    loaded = sys.modules.get("pyarrow.dataset")
    return loaded is not None and isinstance(X, loaded.Dataset)


def read_stored(
    X: Any,
    time: Any,
    series_id: Any,
    targets: Any = None,
    future: Any = None,
    static: Any = None,
    *,
    missing: str = "raise",
    freq: Any = None,
) -> StoredRows:
    """Read and check tables on a disk, a batch of rows at a time.

    Parameters
    ----------
    X : str, path-like or pyarrow.dataset.Dataset
        Of `is_stored`. Files are read in the order of their paths, or of the data set. Rows of one series come oldest
        first; a file may hold many series, or a part of one.
    time : column name
        Of the times, or of integers.
    series_id : column name or None
        Of the column that tells the series; None for a single one.
    targets, future, static : column name or list of column names, optional
        Of `tscnn.data.frame.learn_schema`, as the following.
    missing : {"raise", "mask", "interpolate"}, default "raise"
        What becomes of missing values.
    freq : str, offset, timedelta or int, optional
        Step of the rows, of which none may be absent.

    Returns
    -------
    StoredRows
        In files without names, in the folder of temporary files.

    Raises
    ------
    ImportError
        Without pyarrow.
    TypeError, ValueError
        Naming the argument, or the file and the column or row that breaks a rule.
    OSError
        If there is no room for temporary files.
    """
    source = _Source.open(X, time, series_id)
    columns = pd.Index(source.columns)
    roles = assign_roles(columns, targets, future, static)
    texts = {name: role for name, role in zip(columns, roles, strict=True) if role != "target" and source.is_text(name)}
    names, lengths, distinct = source.count(list(texts))
    learnt = {name: learn_categories(distinct[name].to_frame(name), [role], missing)[0] for name, role in texts.items()}
    categories = tuple(learnt.get(name) for name in columns)
    values, indexes = source.read(names, lengths, categories, missing)
    longest = int(np.argmax(lengths))
    step = None if freq is None else read_step(freq, indexes[longest][:1])
    for i in (longest, *(i for i in range(len(lengths)) if i != longest)):
        with naming(None if names is None else names[i]):
            step = _check_steps(indexes[i], step)
    schema = Schema.of(
        columns,
        targets,
        future=future,
        static=static,
        categories=categories,
        freq=step,
        kind=find_kind(indexes[0]),
        dtype=values.dtype,
        missing=missing,
        zone=getattr(indexes[0], "tz", None),
    )
    stored = StoredRows(schema, values, indexes, names)
    if schema.static_covariates:
        for name, (a, b) in zip(names or (None,), itertools.pairwise(np.cumsum([0, *lengths]).tolist()), strict=True):
            with naming(name):
                _settle(values[a:b], schema)
    return stored


@dataclass(frozen=True)
class _Source:
    """Files of the same columns.

    Attributes
    ----------
    dataset : pyarrow.dataset.Dataset
        Of them.
    time, series_id : str or None
        Columns.
    columns : list of str
        The others.
    """

    dataset: Any
    time: str
    series_id: str | None
    columns: list[str]

    @classmethod
    def open(cls, X: Any, time: Any, series_id: Any) -> Self:
        """Find the files, and the columns that are named."""
        if isinstance(X, str | os.PathLike):
            _check_path(Path(X))
        try:
            import pyarrow as pa
            import pyarrow.dataset as ds
        except ImportError:
            rule = "Parquet files need the package pyarrow: `pip install pyarrow`."
            raise ImportError(received(rule, X=X)) from None
        if isinstance(X, str | os.PathLike):
            try:
                dataset = ds.dataset(os.fspath(X), format="parquet", partitioning="hive")
            except pa.ArrowInvalid as error:
                rule = "A folder must hold Parquet files of the same columns, and nothing else."
                raise ValueError(received(rule, X=X, error=str(error))) from None
        else:
            dataset = X
        names = dataset.schema.names
        if not names:
            raise ValueError(received("`X` must be a folder that holds Parquet files.", X=X))
        if time not in names:
            guess = next((field.name for field in dataset.schema if pa.types.is_temporal(field.type)), names[0])
            rule = f"`time` must be a column of the files, such as {show(guess)}: `Forecaster(time={show(guess)})`."
            raise ValueError(received(rule, time=time, columns=list_some(names)))
        if series_id is not None and series_id not in names:
            rule = "`series_id` must be a column of the files."
            raise ValueError(received(rule, series_id=series_id, columns=list_some(names)))
        columns = [name for name in names if name not in (time, series_id)]
        if dataset is not X:  # folders such as "year=2026" say where files are, and nothing to forecast
            inside = next(dataset.get_fragments()).physical_schema.names
            columns = [name for name in columns if name in inside]
        return cls(dataset, time, series_id, columns)

    def is_text(self, name: str) -> bool:
        """Say whether a column may hold categories."""
        import pyarrow as pa

        kind = self.dataset.schema.field(name).type
        return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))

    def batches(self, columns: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Yield the name of a file, and a table of some of its rows."""
        import pyarrow as pa

        schema, partitions = self.dataset.schema, None
        for number, fragment in enumerate(self.dataset.get_fragments()):
            name = Path(getattr(fragment, "path", f"{number}")).name
            own = fragment.physical_schema.names
            partitions = set(schema.names) - set(own) if partitions is None else partitions
            missing, extra = set(schema.names) - partitions - set(own), set(own) - set(schema.names)
            if missing or extra:
                rule = f"All files must have the columns of the first one, but {show(name, 40)} has not."
                raise ValueError(received(rule, missing=sorted(missing)[:5], extra=sorted(extra)[:5]))
            how = {"batch_readahead": 1, "fragment_readahead": 1, "memory_pool": pa.system_memory_pool()}
            try:
                for batch in fragment.to_batches(schema=schema, columns=list(columns), batch_size=BATCH, **how):
                    if batch.num_rows:
                        yield name, pa.Table.from_batches([batch])
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
                rule = f"All files must have columns of the types of the first one, but {show(name, 40)} has not."
                raise ValueError(received(rule, error=str(error))) from None

    def count(self, texts: Sequence[str]) -> tuple[tuple[Any, ...] | None, list[int], dict[str, pd.Series]]:
        """Name the series in order, count their rows, and list the different texts of some columns."""
        counts: dict[Any, int] = {}
        distinct: dict[str, pd.Series] = {name: pd.Series(dtype=object) for name in texts}
        wanted = [*texts, *([] if self.series_id is None else [self.series_id])]
        for file, table in self.batches(wanted) if wanted else ():
            if self.series_id is not None:
                codes, names = _find_series(table[self.series_id], file, self.series_id)
                for name, n in zip(names.tolist(), np.bincount(codes).tolist(), strict=True):
                    counts[name] = counts.get(name, 0) + n
            for name in texts:
                own = pd.Series(table[name].unique().to_pylist(), dtype=object)
                distinct[name] = pd.concat([distinct[name], own]).drop_duplicates()
        if self.series_id is None:
            counts = {None: self.dataset.count_rows()}
        if not sum(counts.values()):
            raise ValueError(received("The files must have at least one row.", n_columns=len(self.columns)))
        return None if self.series_id is None else tuple(counts), list(counts.values()), distinct

    def read(
        self, names: Sequence[Any] | None, lengths: Sequence[int], categories: Sequence[pd.Index | None], missing: str
    ) -> tuple[np.ndarray, tuple[pd.Index, ...]]:
        """Read all rows: values, and the index of each series."""
        writer, known = None, None if names is None else pd.Index(names, tupleize_cols=False)
        wanted = [self.time, *self.columns, *([] if self.series_id is None else [self.series_id])]
        for file, table in self.batches(wanted):
            with _naming_file(file):
                codes = np.zeros(table.num_rows, int)
                if known is not None:
                    found, own = _find_series(table[self.series_id], file, str(self.series_id))
                    codes, table = known.get_indexer(own)[found], table.drop_columns([self.series_id])
                frame, _ = read_table(table, self.time)
                writer = _Writer(frame, lengths) if writer is None else writer
                numbers = as_float(number_categories(frame, categories, missing), missing)
                writer.write(numbers, codes, names)
        assert writer is not None  # there are rows
        if writer.empty.any():
            check_observed(pd.DataFrame(writer.values, columns=self.columns, copy=False))
        ends, times = np.cumsum([0, *lengths]).tolist(), writer.times
        return writer.values, tuple(times.as_index(times.written[a:b]) for a, b in itertools.pairwise(ends))


class _Writer:
    """Rows of all series, one series behind the other, in files; written in any order of series, oldest row first."""

    def __init__(self, example: pd.DataFrame, lengths: Sequence[int]) -> None:
        find_kind(example.index)
        n_rows, n_columns = int(np.sum(lengths)), example.shape[1]
        small = all(dtype in (np.float32, np.float16) for dtype in example.dtypes)
        self.values = map_array((n_rows, n_columns), np.float32 if small else np.float64)
        self.times = _Times(example.index, n_rows)
        self.empty = np.ones(n_columns, bool)  # columns without a value so far
        self.free = np.cumsum([0, *lengths])  # the next row of each series
        self.before_all = np.iinfo(self.times.written.dtype).min
        self.last = np.full(len(lengths), self.before_all)  # time of each series

    def write(self, frame: pd.DataFrame, codes: np.ndarray, names: Sequence[Any] | None) -> None:
        """Write rows of the series that `codes` tell."""
        order = np.argsort(codes, kind="stable")
        codes, times = codes[order], self.times.encode(frame.index)[order]
        first = np.flatnonzero(np.diff(codes, prepend=-1))  # of the rows of each series
        before = np.concatenate([times[:1], times[:-1]])
        before[first] = self.last[codes[first]]
        if (times <= before).any():
            i = codes[int(np.argmax(times <= before))]
            own = np.concatenate([self.last[[i]], times[codes == i]])[int(self.last[i] == self.before_all) :]
            with naming(None if names is None else names[i]):
                check_order(self.times.as_index(own))
        counts, numbers = np.diff(first, append=len(codes)), frame.to_numpy()
        rows = np.arange(len(codes)) + np.repeat(self.free[codes[first]] - first, counts)
        self.values[rows], self.times.written[rows] = numbers[order], times
        self.free[codes[first]] += counts
        self.last[codes[first]] = times[first + counts - 1]
        self.empty &= np.isnan(numbers).all(axis=0)
        release(self.values, self.times.written)


class _Times:
    """Times or integers of all rows, in a file."""

    def __init__(self, example: pd.Index, n_rows: int) -> None:
        self.zone, self.name, self.unit = getattr(example, "tz", None), example.name, getattr(example, "unit", None)
        self.written = map_array((n_rows,), np.int64 if self.unit is not None else example.dtype)

    def encode(self, index: pd.Index) -> np.ndarray:
        """Return the whole numbers of some times."""
        return np.asarray(index.to_numpy() if self.unit is None else index.as_unit(self.unit).asi8)

    def as_index(self, written: np.ndarray) -> pd.Index:
        """Return the times of some whole numbers, without copying them unless they have a zone."""
        if self.unit is None:
            return pd.Index(written, name=self.name, copy=False)
        index = pd.DatetimeIndex(written.view(f"datetime64[{self.unit}]"), name=self.name, copy=False)
        return index if self.zone is None else index.tz_localize("UTC").tz_convert(self.zone)


def _check_path(path: Path) -> None:
    """Raise if a path can't be that of Parquet files."""
    rule = "`X` must be a table, or the path of a folder of Parquet files"
    if not path.exists():
        raise FileNotFoundError(received(f"{rule}; there is nothing at this one.", X=str(path)))
    if path.is_file() and path.suffix.lower() not in (".parquet", ".pq"):
        raise ValueError(received(f"{rule}: `pandas.read_csv` reads other files.", X=str(path)))


def _find_series(ids: Any, file: str, series_id: str) -> tuple[np.ndarray, pd.Index]:
    """Return the number of the series of each row, and their names."""
    if ids.null_count:
        rule = f"Every row must name its series, but {show(file, 40)} has rows without {show(series_id)}."
        raise ValueError(received(rule, n_missing=ids.null_count))
    codes, names = pd.factorize(ids.to_pandas().to_numpy())
    return codes, pd.Index(names, tupleize_cols=False)


@contextlib.contextmanager
def _naming_file(name: str) -> Iterator[None]:
    """Put the name of a file before errors."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"File {show(name, 40)}: {error}") from None


def _check_steps(index: pd.Index, step: Any) -> Any:
    """Check that an index ascends evenly, a part of it at a time, and return its step."""
    for first in range(0, max(1, len(index) - 1), MOST_ROWS):
        try:
            step = check_spacing(index[first : first + MOST_ROWS + 1], step)
        except ValueError as error:  # no grid fills gaps here
            mend = "files need a row at every step, of missing values where nothing is known (`missing='mask'`)"
            raise ValueError(re.sub(r"`Forecaster\(freq=.*? as missing values", mend, str(error))) from None
        release(index.asi8 if isinstance(index, pd.DatetimeIndex) else index.to_numpy())
    return step


def _settle(rows: np.ndarray, schema: Schema) -> None:
    """Give all rows of a series the values of its static covariates, in place."""
    for at in schema.static_covariates:
        low, high = np.fmin.reduce(rows[:, at]), np.fmax.reduce(rows[:, at])
        if low != high and not np.isnan(low):
            differing = np.array([rows[0], rows[0]], np.float64)
            differing[:, at] = low, high
            settle_static(pd.DataFrame(differing, columns=schema.columns), schema)  # which says what is wrong
        rows[:, at] = low
