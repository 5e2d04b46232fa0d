"""Bodies of requests: JSON -> checked fields, and rows as frames."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from tscnn.cli.models import conform_times
from tscnn.cli.times import TimeFormat
from tscnn.common.checks import received, show
from tscnn.data.values import list_some
from tscnn.forecaster import Forecaster

__all__ = ["FORECAST_FIELDS", "UPDATE_FIELDS", "RowReader", "Rows", "in_fields", "read_body"]

UPDATE_FIELDS = ("rows", "future", "static", "time_format")
FORECAST_FIELDS = (*UPDATE_FIELDS, "horizon", "coverage", "quantiles", "series")
_NESTED = {dict, list}
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?")
_ZEROS = str.maketrans("123456789T", "0" * 9 + " ")  # times of one format have one shape, then
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_PYTHON = re.compile(r"`[^`]*(\bX\b|future[.\[]|\()[^`]*`")


def read_body(raw: bytes, fields: Collection[str]) -> dict[str, Any]:
    """Read a body, and check the names of its fields.

    Parameters
    ----------
    raw : bytes
        An object of JSON; nothing is one without fields.
    fields : collection of str
        That it may have.

    Returns
    -------
    dict
        Fields that are null are left out.

    Raises
    ------
    ValueError
        If it is something else.

    Examples
    --------
    >>> read_body(b'{"horizon": 3, "rows": null}', FORECAST_FIELDS)
    {'horizon': 3}
    """
    if not raw.strip():
        return {}
    start = raw[:60].decode("utf-8", "replace")
    try:
        text = raw.decode(json.detect_encoding(raw))
        body = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("The body must be JSON that is not nested this deeply.") from None
    except UnicodeError:
        raise ValueError(received("The body must be JSON in UTF-8.", body=start)) from None
    except ValueError as error:
        raise ValueError(received(f"The body must be JSON ({str(error)[:120]}).", body=start)) from None
    if not isinstance(body, dict):
        rule = 'The body must be an object, such as {"rows": [..]}.'
        raise ValueError(received(rule, type=_kind_of(body)))
    if unknown := [name for name in body if name not in fields]:
        rule = f"The body may have the fields {', '.join(fields)}; columns belong into rows"
        raise ValueError(received(f'{rule}: {{"rows": [{{..}}]}}.', unknown=list_some(unknown)))
    if _SURROGATE.search(text):
        for name, value in body.items():
            _check_characters(name, value)
    return {name: value for name, value in body.items() if value is not None}


def in_fields(text: str) -> str:
    """Write an error of the library, or of the command line, in the words of a body.

    Parameters
    ----------
    text : str
        What it says.

    Returns
    -------
    str
        Of fields; suggestions in Python are left out.

    Examples
    --------
    >>> in_fields("`X` must have at least lookback = 24 rows. Received: n_rows=2")
    '`rows` must have at least lookback = 24 rows. Received: n_rows=2'
    >>> in_fields("`--time-format '%d/%m/%Y'` does")
    '`"time_format": "%d/%m/%Y"` does'
    """
    text = re.sub(r"`--time-format '([^']*)'`", r'`"time_format": "\1"`', text).replace("--time-format", "time_format")
    rule, mark, values = text.partition(" Received: ")
    first, *others = rule.removesuffix(".").split("; ")
    rule = "; ".join([first, *(part for part in others if not _PYTHON.search(part))])
    text = f"{rule}.{mark}{values}" if mark else text
    text = re.sub(r"(?<![\w'])`?\bX\b(?!')`?", "`rows`", text)
    return text.replace("`row`", "a row")


@dataclass(frozen=True)
class Rows:
    """Rows of a body.

    Attributes
    ----------
    frames : dict of DataFrame
        By series, of a single one by None; indexed by their times, as they came otherwise.
    format : TimeFormat or None
        Of times that are text.
    """

    frames: dict[Any, pd.DataFrame]
    format: TimeFormat | None = None


class RowReader:
    """Read the rows that a model takes.

    Parameters
    ----------
    forecaster : Forecaster
        Fitted.
    """

    def __init__(self, forecaster: Forecaster) -> None:
        context = forecaster.context_
        self._forecaster = forecaster
        self._known = {str(name): name for name in context} if isinstance(context, Mapping) else None
        first = next(iter(context.values())) if isinstance(context, Mapping) else context
        self.columns = {str(name): name for name in forecaster.schema_.columns}
        named = forecaster.time if forecaster.time is not None else getattr(first, "index", pd.Index([])).name
        self.time = "time" if named is None else str(named)
        self.is_panel = self._known is not None or forecaster.series_id is not None
        self.series = "series" if forecaster.series_id is None else str(forecaster.series_id)
        self._is_counted = forecaster.schema_.kind == "integers"
        self._label = forecaster.time

    def read(self, field: str, body: Mapping[str, Any], after: Any = None) -> Rows | None:
        """Read a field of rows.

        Parameters
        ----------
        field : str
            "rows" or "future".
        body : mapping
            Of `read_body`.
        after : int, optional
            The newest row's number, from which rows without one are counted on.

        Returns
        -------
        Rows or None
            None if there is no such field.

        Raises
        ------
        TypeError, ValueError
            Naming the row or the column that breaks a rule.
        """
        if field not in body:
            if field == "rows" and (idle := [name for name in ("static", "time_format") if name in body]):
                raise ValueError(received("`static` and `time_format` are of `rows`, which must be there.", given=idle))
            return None
        records = _as_records(field, body[field])
        constant = _as_static(body.get("static"), self.is_panel) if field == "rows" else {}
        if constant:
            own = [constant.get(str(record.get(self.series)), constant.get(None, {})) for record in records]
            records = [{**fixed, **record} for fixed, record in zip(own, records, strict=True)]
        _check_alike(field, records)
        _check_integers(field, records)
        names = list(records[0])
        series = self._series_of(field, records) if self.is_panel else None
        index, form = self._index(field, records, body, after, series)
        columns = {
            self.columns.get(name, name): _numbers([record[name] for record in records])
            for name in names
            if name != self.time and (name != self.series or series is None)
        }
        frame = self._frame(columns, index.set_names(self._label))
        if series is None:
            return Rows({None: _in_order(frame)}, form)
        return Rows({name: _in_order(part) for name, part in frame.groupby(pd.Index(series), sort=False)}, form)

    def _frame(self, columns: dict[Any, Any], index: pd.Index) -> pd.DataFrame:
        """Make a frame of columns: those of training, if all are numbers, in one block."""
        known = self._forecaster.schema_.columns
        own = [columns[name] for name in self.columns.values() if isinstance(columns.get(name), np.ndarray)]
        if len(own) == len(columns) == len(known):
            return pd.DataFrame(np.stack(own, axis=1), index, known, copy=False)
        return pd.DataFrame(columns, index)

    def _series_of(self, field: str, records: list[dict[str, Any]]) -> list[Any]:
        """Return the series of each row, those of the training data as they are called there."""
        known, names = self._known or {}, [record.get(self.series) for record in records]
        if None in names:
            rule = f"Every row must name its series, as {self.series!r}."
            raise ValueError(received(rule, **{f"{field}[{names.index(None)}]": records[names.index(None)]}))
        return [known.get(str(name), name) for name in names]

    def _index(
        self, field: str, records: list[dict[str, Any]], body: Mapping[str, Any], after: Any, series: list[Any] | None
    ) -> tuple[pd.Index, TimeFormat | None]:
        """Return the times of rows."""
        if self.time not in records[0]:
            if not self._is_counted:
                rule = f"Every row of `{field}` must have its time, as {self.time!r}."
                raise ValueError(received(rule, columns=list_some(records[0])))
            first = 0 if after is None else int(after) + 1
            counts = pd.Series(series).groupby(pd.Index(series)).cumcount() if series else range(len(records))
            return pd.Index([first + number for number in counts]), None
        times = [record[self.time] for record in records]
        kind = int if self._is_counted else str
        if set(map(type, times)) != {kind}:
            bad = next(at for at, time in enumerate(times) if type(time) is not kind)
            example = "an integer" if self._is_counted else 'text, such as "2026-03-28 07:00"'
            raise TypeError(
                received(f"`{field}[{bad}]` must have a time that is {example}.", **{self.time: times[bad]})
            )
        if self._is_counted:
            return pd.Index(times), None
        index, form = _read_times(times, body.get("time_format"))
        return conform_times(index, self._forecaster), form


def _read_times(times: list[str], given: Any) -> tuple[pd.DatetimeIndex, TimeFormat]:
    """Read times, those of ISO 8601 at once."""
    if given is not None:
        if not isinstance(given, str):
            raise TypeError(received("`time_format` must be text, such as '%d/%m/%Y'.", time_format=given))
        form = TimeFormat(given)
        return form.read(times), form
    shape = times[0].translate(_ZEROS)
    if _ISO.fullmatch(shape) and "\n".join(times).translate(_ZEROS) == "\n".join([shape] * len(times)):
        mark = times[0][10:11]
        form = TimeFormat("%Y-%m-%d" + {10: "", 16: f"{mark}%H:%M", 19: f"{mark}%H:%M:%S"}[len(times[0])])
        with contextlib.suppress(ValueError):  # a 13th month, which `read` explains
            return pd.DatetimeIndex(np.array(times, "datetime64[us]")), form
        return form.read(times), form
    found = TimeFormat.find(times)
    if found is None:
        sample = next((time for time in times if TimeFormat.find([time]) is None), times[0])
        rule = 'Times must all be written alike, such as "2026-03-28 07:00"; `time_format` tells another way.'
        raise ValueError(received(rule, time=sample))
    return found.read(times), found


def _as_records(field: str, rows: Any) -> list[dict[str, Any]]:
    rows = [rows] if isinstance(rows, dict) else rows
    rule = f'`{field}` must be a list of objects, one a row: [{{"time": .., "column": ..}}, ..].'
    if not isinstance(rows, list):
        raise TypeError(received(rule, type=_kind_of(rows)))
    if not rows:
        raise ValueError(f"`{field}` must have at least one row.")
    if set(map(type, rows)) == {dict} and _NESTED.isdisjoint(map(type, chain.from_iterable(map(dict.values, rows)))):
        return rows
    for at, row in enumerate(rows):
        if not isinstance(row, dict):
            raise TypeError(received(rule, **{f"{field}[{at}]": row}))
        if nested := [name for name, value in row.items() if type(value) in _NESTED]:
            rule = (
                f"`{field}[{at}]` must have numbers, text or null, but {show(nested[0])} is {_kind_of(row[nested[0]])}."
            )
            raise TypeError(received(rule, value=row[nested[0]]))
    return rows


def _as_static(static: Any, is_panel: bool) -> dict[Any, dict[str, Any]]:
    """Return the static covariates, by series; those of all by None."""
    if static is None:
        return {}
    if not isinstance(static, dict):
        rule = '`static` must be an object: {"column": value}, or {"series": {"column": value}} of several series.'
        raise TypeError(received(rule, type=_kind_of(static)))
    nested = [name for name, value in static.items() if isinstance(value, dict)]
    return static if is_panel and static and len(nested) == len(static) else {None: static}


def _check_characters(field: str, value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        rule = f"`{field}` of the body must be of whole characters: a surrogate must be one of a pair."
        raise ValueError(received(rule, text=error.object[max(0, error.start - 20) : error.end + 20])) from None


def _check_alike(field: str, records: list[dict[str, Any]]) -> None:
    """Complain about a row that has other columns than the first one."""
    first = records[0].keys()
    for at, row in enumerate(records):
        if row.keys() != first:
            missing, extra = [name for name in first if name not in row], [name for name in row if name not in first]
            rule = f"`{field}[{at}]` must have the columns of `{field}[0]`; null is a missing value."
            raise ValueError(received(rule, missing=list_some(missing), extra=list_some(extra)))


def _check_integers(field: str, records: list[dict[str, Any]]) -> None:
    """Complain about an integer that no array holds."""
    if int not in set(map(type, chain.from_iterable(map(dict.values, records)))):
        return
    for at, row in enumerate(records):
        for name, value in row.items():
            if type(value) is int and not -(2**63) <= value < 2**64:
                rule = f"`{field}[{at}]` must have integers of at most 64 bits, but {show(name)} is larger."
                raise ValueError(received(rule, value=value))


def _numbers(values: list[Any]) -> Any:
    """Return numbers that are missing as NaN; text as it is."""
    kinds = set(map(type, values))
    if kinds <= {float, type(None)}:
        return np.array(values, np.float64)  # None is NaN
    if str in kinds:
        return values
    return [math.nan if value is None else value for value in values]


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame if frame.index.is_monotonic_increasing else frame.sort_index(kind="stable")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON; null is a missing value")


def _kind_of(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")
