"""The command `tscnn stream`: rows from standard input -> forecasts on standard output, as they come."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tscnn.cli.dialect import Dialect, is_wide, lines_of
from tscnn.cli.following import Follower
from tscnn.cli.models import conform_times, load_model, reading_of
from tscnn.cli.output import lay_out
from tscnn.cli.tables import Reading, Table
from tscnn.cli.times import TimeFormat
from tscnn.common.checks import received
from tscnn.forecaster import Forecaster

__all__ = ["read_value", "run"]

# Fields without a value, and booleans, as `pandas.read_csv` knows them.
_MISSING = {"", "NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "NULL", "null", "None", "NaN", "nan", "-NaN"}
_MISSING |= {"-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"}
_WORDS = dict.fromkeys(_MISSING, float("nan")) | dict.fromkeys(("True", "TRUE", "true"), True)
_WORDS |= dict.fromkeys(("False", "FALSE", "false"), False)


def run(args: argparse.Namespace) -> int:
    """Follow one series, or several side by side."""
    forecaster = load_model(args)
    follower = Follower(forecaster, args)
    with contextlib.redirect_stdout(sys.stderr):
        follower.resume()
    reader, has_begun = _Rows(reading_of(args, forecaster), forecaster), False
    for time, series, row in reader.rows():
        found = follower.take(time, series, row)
        if found is None:
            continue
        table = lay_out(found, reader.like)
        if args.json or reader.is_json:
            sys.stdout.write(table.to_json(orient="records", lines=True, double_precision=15, date_format="iso"))
        else:
            dialect = reader.like.dialect
            sys.stdout.write(
                table.to_csv(
                    sep=dialect.separator,
                    decimal=dialect.decimal,
                    index=False,
                    header=not has_begun,
                    lineterminator="\n",
                )
            )
        sys.stdout.flush()
        has_begun = True
        follower.keep()  # after the forecast is out: a row that is given again is passed over
    follower.end()
    return 0


@dataclass
class _Rows:
    """Rows of standard input: CSV, with a line of names or without, or JSON lines."""

    how: Reading
    forecaster: Forecaster
    is_json: bool = False
    like: Table = field(default_factory=Table)

    def rows(self) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
        """Yield the time, the series and the values of each row as it comes."""
        names, first, dialect, encoding = None, True, Dialect(), self.how.encoding
        for raw in lines_of(sys.stdin.buffer, encoding):
            if not raw.strip():
                continue
            if first:
                first, self.is_json = False, raw.lstrip().startswith(b"{")
                encoding = None if encoding and is_wide(encoding) else encoding  # of which `lines_of` makes UTF-8
                dialect = Dialect.find(raw, encoding, self.how.separator, self.how.decimal)
                self.like = Table(dialect=dialect)
            line = dialect.decode(raw).strip("\r\n")
            if self.is_json:
                yield self._tell(_read_json(line))
                continue
            cells = dialect.split(line)
            if names is None:
                names = self.how.names_without_header()
                if set(cells) & set(self.how.columns):
                    names = [name or "time" for name in cells]
                    continue
            if len(cells) != len(names):
                rule = f"A line must have {len(names)} fields: {', '.join(names[:6])}{' ..' if len(names) > 6 else ''}"
                raise ValueError(received(f"{rule}; `--separator` tells what is between them.", line=line))
            if self.how.decimal is None and dialect.decimal == ".":  # of which a line of names tells nothing
                dialect = Dialect.find(raw, dialect.encoding, dialect.separator)
                self.like = replace(self.like, dialect=dialect)
            yield self._tell(dict(zip(names, cells, strict=True)))

    def _tell(self, row: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """Tell time and series from the values."""
        columns = set(self.how.columns)
        time = self.how.time if self.how.time in row else next((name for name in row if name not in columns), None)
        when = None if time is None else self._read_time(row.pop(time), str(time))
        series = row.pop(self.how.series_id, None) if self.how.series_id else None
        return (
            when,
            series,
            {name: read_value(value, self.like.dialect.decimal) for name, value in row.items() if name in columns},
        )

    def _read_time(self, value: Any, name: str) -> Any:
        if self.forecaster.schema_.kind == "integers":
            with contextlib.suppress(ValueError):
                return int(value)
            raise ValueError(received("The first field must be the number of the row, an integer.", **{name: value}))
        form = self.like.format
        if form is None:
            form = TimeFormat(self.how.time_format) if self.how.time_format else TimeFormat.find([str(value)])
            if form is None:
                rule = "The first field must be the time of the row; `--time-format` tells how it is written."
                raise ValueError(received(rule, **{name: value}))
            self.like = Table(time=name, format=form, dialect=self.like.dialect)
        return conform_times(form.read([str(value)]), self.forecaster)[0]


def _read_json(line: str) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        row = json.loads(line)
        if isinstance(row, dict):
            return row
    raise ValueError(received("A line must be an object of JSON, as the first one is.", line=line))


def read_value(value: Any, decimal: str) -> Any:
    """Read a field as `tscnn.cli.tables.read_table` does.

    Parameters
    ----------
    value : str, or object of JSON
        The field.
    decimal : {".", ","}
        Mark of decimals; beside a comma, points stand between thousands.

    Returns
    -------
    float, bool or str
        A number, NaN for a missing value, or text.

    Raises
    ------
    ValueError
        If it is an integer that no array holds.

    Examples
    --------
    >>> read_value("1.627,39", ","), read_value("N/A", ",")
    (1627.39, nan)
    """
    if value is None or value in _WORDS:
        return _WORDS.get(value, float("nan"))
    if not isinstance(value, str):
        if isinstance(value, int) and not -(2**63) <= value < 2**64:
            raise ValueError(received("An integer must be of at most 64 bits.", value=value))
        return value
    with contextlib.suppress(ValueError):
        return float(value.replace(".", "").replace(",", ".") if decimal == "," else value)  # 1.627,39
    return value
