"""The command `tscnn evaluate`: a backtest and the table that it is of -> what its forecasts were worth."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from tscnn.cli.models import reading_of
from tscnn.cli.output import check_out, write_table
from tscnn.cli.tables import read_table
from tscnn.common.checks import received
from tscnn.evaluation.evaluate import evaluate

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Measure a backtest."""
    check_out(args.out)
    if args.backtest == args.data == "-":
        raise ValueError(received("One of the two tables may come from standard input.", data=args.data))
    how = reading_of(args)
    backtest = read_table(args.backtest, replace(how, time=None, series_id="series", drop=()))
    if "cutoff" not in backtest.frame.index.names:
        rule = "The first table must be of `tscnn backtest`, with the columns cutoff and, after it, time."
        raise ValueError(received(rule, columns=backtest.frame.columns.tolist()[:8]))
    table = read_table(args.data, how)
    found = evaluate(
        backtest.frame,
        table.frame,
        args.metrics,
        args.by,
        season_length=args.season_length,
        coverage=args.coverage,
        series_id=args.series_id if "series" in backtest.frame.index.names else None,
    )
    if args.out or args.json:
        write_table(found.rename_axis(args.by or "of").reset_index(), args.out, table.dialect, as_json=args.json)
    else:
        sys.stdout.write(f"{found.to_string()}\n")
    return 0
