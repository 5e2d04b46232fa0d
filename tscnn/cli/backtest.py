"""The command `tscnn backtest`: a model and a table -> forecasts from many cutoffs of it."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import Any

import pandas as pd

from tscnn.cli.models import conform_times, load_model, read_for_model
from tscnn.cli.output import check_out, lay_out, write_table
from tscnn.cli.tables import Table
from tscnn.forecaster import Forecaster

__all__ = ["read_label", "run"]


def run(args: argparse.Namespace) -> int:
    """Forecast from many cutoffs."""
    check_out(args.out)
    forecaster = load_model(args)
    table = read_for_model(args.data, args, forecaster)
    with contextlib.redirect_stdout(sys.stderr):
        found = forecaster.backtest(
            table.frame,
            start=read_label(args.start, table, forecaster),
            stride=args.stride,
            refit=args.refit if args.refit == "linear" else args.refit == "all",
            every=args.every,
            gap=args.gap,
            window=args.window,
            n_jobs=args.jobs,
            folder=args.folder,
            coverage=args.coverage,
            adaptive=args.adaptive,
        )
    write_table(lay_out(found, table), args.out, table.dialect, as_json=args.json)
    return 0


def read_label(text: str | None, table: Table, forecaster: Forecaster) -> Any:
    """Read a time of a table from a flag.

    Parameters
    ----------
    text : str or None
        Written as the table has its times, or as ISO 8601 has them.
    table : Table
        Of the command.
    forecaster : Forecaster
        Fitted.

    Returns
    -------
    Timestamp, Period, int, str or None
        As `Forecaster.backtest` takes it.
    """
    if text is None:
        return None
    with contextlib.suppress(ValueError):  # of which the library says what is wrong
        if pd.api.types.is_integer_dtype(table.frame.index.dtype):
            return int(text)
        if table.format is not None:
            return conform_times(table.format.read([text]), forecaster)[0]
    return text
