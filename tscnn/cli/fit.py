"""The command `tscnn fit`: a table -> a model in a file."""

from __future__ import annotations

import argparse
import ast
import contextlib
import sys
from pathlib import Path
from typing import Any

from tscnn.cli.describe import describe_model
from tscnn.cli.models import reading_of
from tscnn.cli.output import write_json
from tscnn.cli.tables import read_table
from tscnn.common.archive import find_place
from tscnn.common.checks import received
from tscnn.forecaster import Forecaster

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Fit a forecaster, save it, and say what was found."""
    find_place(args.out)  # before minutes are spent on what goes there
    data, time = args.data, args.time
    if not Path(data).is_dir():  # of Parquet files, which may be larger than memory
        table = read_table(data, reading_of(args))
        data, time = table.frame, table.time
        if time is None:
            sys.stderr.write("tscnn fit: note: no column of times was found: rows are numbered; `--time` names one\n")
    with contextlib.redirect_stdout(sys.stderr):
        forecaster = Forecaster(time=time, **_parameters(args)).fit(data)
    forecaster.save(args.out)
    if args.json:
        write_json(describe_model(forecaster))
    else:
        sys.stdout.write(f"{forecaster.summary_}\n")
    return 0


def _parameters(args: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of the forecaster."""
    given = {
        "targets": args.targets,
        "future_covariates": args.future,
        "static_covariates": args.static,
        "series_id": args.series_id,
        "freq": int(args.freq) if (args.freq or "").isdigit() else args.freq,
        "missing": args.missing,
        "quantiles": args.quantiles and tuple(args.quantiles),
        "random_state": args.random_state,
        "network": None if args.no_network else "auto",
        "verbose": False if args.quiet else "auto",
    }
    return {"lookback": args.lookback, "horizon": args.horizon, **given, **dict(map(_read_setting, args.set))}


def _read_setting(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; a value that is nothing of Python's is text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(received("`--set` takes NAME=VALUE, such as filters=8.", set=text))
    with contextlib.suppress(ValueError, SyntaxError):
        return name, ast.literal_eval(value)
    return name, value
