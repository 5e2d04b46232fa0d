"""What commands write: forecasts laid out as the table that they come from, CSV, Parquet and JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from tscnn.cli.dialect import Dialect
from tscnn.cli.tables import Table, need_pyarrow
from tscnn.common.archive import find_place, replacing

__all__ = ["check_out", "flat_names", "lay_out", "write_bytes", "write_json", "write_table"]


def lay_out(forecasts: pd.DataFrame, like: Table) -> pd.DataFrame:
    """Lay out forecasts as the table that they were made from.

    Parameters
    ----------
    forecasts : DataFrame
        Indexed by time, and before it by series or cutoff where there are several.
    like : Table
        Whose times they continue.

    Returns
    -------
    DataFrame
        With times as they came in the first columns, and names of one level.
    """
    index, columns = forecasts.index, {}
    for at in range(index.nlevels):
        level, is_time = index.get_level_values(at), at == index.nlevels - 1
        name = like.time or level.name or "time" if is_time else level.name
        columns[name] = like.times_as_came(level) if is_time or name == "cutoff" else level
    flat = forecasts.set_axis(flat_names(forecasts.columns), axis=1).reset_index(drop=True)
    return pd.concat([pd.DataFrame(columns), flat], axis=1)


def write_table(frame: pd.DataFrame, path: str | None, dialect: Dialect, *, as_json: bool = False) -> None:
    """Write a table: Parquet or JSON where the path ends so, else CSV.

    Parameters
    ----------
    frame : DataFrame
        Whose index is left out.
    path : str or None
        None and "-" for standard output.
    dialect : Dialect
        Of CSV.
    as_json : bool, default False
        Whether to write JSON, a list of one object a row.

    Raises
    ------
    ImportError, OSError
        If it can't be written.
    """
    ending = "" if path is None else Path(path).suffix.lower()
    if ending == ".parquet":
        write_bytes(str(path), frame.to_parquet(index=False, engine="pyarrow"))
        return
    if as_json or ending == ".json":
        text = frame.to_json(orient="records", double_precision=15, date_format="iso", force_ascii=False) + "\n"
    else:
        text = frame.to_csv(None, sep=dialect.separator, decimal=dialect.decimal, index=False, lineterminator="\n")
    if path in (None, "-"):
        sys.stdout.write(text)
    else:
        write_bytes(str(path), text.encode("utf-8" if as_json or ending == ".json" else dialect.encoding))


def write_json(found: Any) -> None:
    """Write one object to standard output.

    Parameters
    ----------
    found : object
        Of what JSON holds.
    """
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def check_out(path: str | None) -> None:
    """Complain about an output that can't be written, before there is any.

    Parameters
    ----------
    path : str or None
        None and "-" for standard output.

    Raises
    ------
    ImportError, OSError
        If it is none.
    """
    if path not in (None, "-"):
        find_place(str(path))
        if str(path).lower().endswith(".parquet"):
            need_pyarrow()


def write_bytes(path: str, raw: bytes) -> None:
    """Write a file at once: what was there is replaced when all is written, or left as it is.

    Parameters
    ----------
    path : str
        Of the file.
    raw : bytes
        All of it.

    Raises
    ------
    OSError
        If it can't be written.
    """
    with replacing(find_place(path)) as file:
        file.write(raw)


def flat_names(columns: pd.Index) -> list[str]:
    """Write names of two levels as one, as tables without levels have them.

    Parameters
    ----------
    columns : Index
        Of forecasts.

    Returns
    -------
    list of str
        "users lower" for ("users", "lower").
    """
    return [
        " ".join(str(part) for part in name if part != "") if isinstance(name, tuple) else str(name) for name in columns
    ]
