"""The options of commands that read tables; no import here takes time."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["COMMANDS", "add_arguments"]

COMMANDS = {
    "fit": (
        "fit a model to a table, and save it",
        "Fit a model to a table of CSV or Parquet, or a folder of Parquet files, save it, and say what was found.",
        """\
  tscnn fit weather.csv --lookback 24 --horizon 3 --no-network -o weather.tscnn
  tscnn fit weather.csv --targets JFK_temp --lookback 24 --set filters=4 --set epochs=1 -o small.tscnn
  tscnn fit - --lookback 24 --no-network --quiet --json -o weather.tscnn < weather.csv""",
    ),
    "forecast": (
        "forecast the steps after a table",
        "Forecast the steps after the rows of a table, or after those that the model was fitted to.",
        """\
  tscnn forecast weather.tscnn
  tscnn forecast weather.tscnn weather.csv --coverage 0.8 0.95 -o forecast.csv
  tscnn forecast weather.tscnn - --horizon 2 --json < weather.csv""",
    ),
    "backtest": (
        "forecast from many cutoffs of a table",
        "Forecast from many cutoffs of a table, each from the rows up to it alone.",
        """\
  tscnn backtest weather.tscnn weather.csv --stride 24 --coverage 0.9 -o backtest.csv
  tscnn backtest weather.tscnn weather.csv --start "2013-01-15" --stride 24 | tscnn evaluate - weather.csv""",
    ),
    "evaluate": (
        "measure the forecasts of a backtest",
        "Measure the forecasts of `tscnn backtest` against the table that they are of.",
        """\
  tscnn evaluate backtest.csv weather.csv --coverage 0.9
  tscnn evaluate backtest.csv weather.csv --metrics mae mase --by target --json""",
    ),
    "audit": (
        "check that a model can be trusted",
        "Check on rows of one's own that a forecaster, or a reconstructor of --save, can be trusted.\n"
        "The exit status is 1 if a check fails.",
        """\
  tscnn audit weather.tscnn weather.csv --no-refit""",
    ),
    "impute": (
        "fill the gaps of a table",
        """\
Fill the gaps of a table: by a model that is fitted to it, or by one of --model,
which --save wrote. Values that are there stay as they are.""",
        """\
  tscnn impute weather.csv --no-network -o filled.csv
  tscnn impute weather.csv --no-network --coverage 0.9 --save gaps.tscnn -o filled.csv
  tscnn impute weather.csv --model gaps.tscnn --json""",
    ),
    "anomalies": (
        "find the rows of a table that do not go with the others",
        """\
Write the rows that do not go with the others, each with its score and the column
that has it: by a model that is fitted to the table, or by one of --model.""",
        """\
  tscnn anomalies weather.csv --no-network --save gaps.tscnn
  tscnn anomalies weather.csv --model gaps.tscnn --all -o scores.csv""",
    ),
    "plot": (
        "draw a forecast",
        "Draw the steps after a table, or after a cutoff in it beside what came true.",
        """\
  tscnn plot weather.tscnn weather.csv --columns JFK_temp LGA_temp --coverage 0.9 -o forecast.png
  tscnn plot weather.tscnn weather.csv --cutoff "2013-01-15 12:00" -o past.svg""",
    ),
    "stream": (
        "forecast row by row, from standard input",
        """\
Take rows from standard input, CSV or JSON lines, and write the forecast of the
steps after each of them as it comes. Without a first line of names a row has its
time, the series if there are several, and the columns of the model in order.

If the first row is the one after the training data, the model goes on from
there. Any other begins a fresh context: forecasts come once there are as many
rows as the model needs (its lookback). With --state everything is kept in a
file, and rows that it has seen are passed over.""",
        """\
  tail -n 50 weather.csv | tscnn stream weather.tscnn
  tail -n 50 weather.csv | tscnn stream weather.tscnn --coverage 0.9 --json --state weather.state""",
    ),
    "serve": (
        "forecast by HTTP",
        """\
Serve one or several models by HTTP. A model is called as its file, or NAME=FILE.

  GET  /health    names, versions, uptime
  GET  /forecast  the steps after the newest rows; ?horizon= &coverage= &quantiles= &series=
  POST /forecast  the same, or after the rows of a body
  POST /update    take the next rows, all or none, and forecast the steps after them
  GET  /docs      all of it explained, to try out; /openapi.json for programs

Of several models these are /models/NAME/forecast and /models/NAME/update. Bodies
are JSON, {"rows": [{"time": "2026-03-28 07:00", "load": 41.5}, ..]}. What is wrong
with one is told in one line, {"error": ..}, with the status 422.

A model goes on from the rows that it was fitted to. Rows that are not newer than
its newest one are passed over, so that a request without an answer can be sent
again. With --state a row is accepted when it is on the disk: a crash loses none.
One process serves a state folder. There is neither a password nor encryption:
that is the task of a proxy in front, as soon as --host is not this computer.""",
        """\
  tscnn serve weather.tscnn
  tscnn serve weather.tscnn airport=small.tscnn --port 8080 --state states --coverage 0.9""",
    ),
    "inspect": (
        "say what a model is",
        "Print what the fit of a saved model found.",
        """\
  tscnn inspect weather.tscnn
  tscnn inspect weather.tscnn --json""",
    ),
    "export": (
        "write a model for another runtime",
        """\
Write a model as ONNX, as a SavedModel of TensorFlow or for LiteRT: a window in
the units of the data goes in, forecasts come out. What goes in is printed.""",
        """\
  tscnn export weather.tscnn weather.onnx
  tscnn export weather.tscnn weather --format saved_model --coverage 0.9
  tscnn export weather.tscnn weather.tflite --format litert --json""",
    ),
    "completion": (
        "print the completion of a shell",
        "Print what completes commands and options: bash, zsh or fish.",
        """\
  tscnn completion bash > tscnn.bash
  tscnn completion fish > tscnn.fish""",
    ),
}


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """Add a command's options to its parser.

    Parameters
    ----------
    name : str
        Of the command, one of `COMMANDS`.
    parser : ArgumentParser
        Changed.
    """
    _ADD[name](parser)


# One command each


def _add_fit(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument("-o", "--out", required=True, metavar="MODEL", help="file for the model")
    parser.add_argument("--lookback", type=_count_or_auto, default="auto", metavar="N", help='rows seen, or "auto"')
    parser.add_argument("--horizon", type=_count, default=1, metavar="N", help="steps to forecast (default: 1)")
    several: dict[str, Any] = {"nargs": "+", "action": "extend", "metavar": "COLUMN"}
    parser.add_argument("--targets", **several, help="columns to forecast (default: all that are no covariates)")
    parser.add_argument("--future", **several, help="columns that are known ahead")
    parser.add_argument("--static", **several, help="columns that never change in a series")
    parser.add_argument("--freq", metavar="STEP", help="step of the rows, such as h, D, MS, 15min")
    parser.add_argument("--missing", choices=["raise", "mask", "interpolate"], default="raise")
    parser.add_argument(
        "--quantiles", type=float, nargs="+", metavar="Q", help="levels to forecast, such as 0.1 0.5 0.9"
    )
    parser.add_argument("--no-network", action="store_true", help="the linear model alone, fitted in no time")
    parser.add_argument("--random-state", type=int, metavar="N", help="makes the fit repeatable")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="any other parameter of tscnn.Forecaster"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    _add_reading(parser)
    _add_json(parser)


def _add_forecast(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_data(parser, optional=True)
    _add_out(parser)
    parser.add_argument("--horizon", type=_count, metavar="N", help="steps to forecast (default: those of the fit)")
    _add_sure(parser)
    _add_known(parser)
    _add_reading(parser)
    _add_json(parser)


def _add_backtest(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_data(parser)
    _add_out(parser)
    parser.add_argument("--start", metavar="TIME", help="first cutoff (default: the first that has its rows)")
    parser.add_argument("--stride", type=_count, default=1, metavar="N", help="rows between cutoffs (default: 1)")
    parser.add_argument(
        "--refit", choices=["no", "all", "linear"], default="no", help="fit anew at cutoffs: all, or the linear model"
    )
    parser.add_argument("--every", type=_count, metavar="N", help="cutoffs between fits")
    parser.add_argument("--gap", type=int, default=0, metavar="N", help="newest rows that a fit leaves out")
    parser.add_argument("--window", choices=["expanding", "rolling"], default="expanding", help="rows of a fit")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes to fit in, -1 for one a core")
    parser.add_argument("--folder", metavar="DIR", help="keep fits here, to go on after an interruption")
    _add_sure(parser)
    _add_adaptive(parser)
    _add_reading(parser)
    _add_json(parser)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("backtest", metavar="BACKTEST", help="of `tscnn backtest`, or - for standard input")
    _add_data(parser)
    _add_out(parser)
    parser.add_argument("--metrics", nargs="+", metavar="METRIC", help="such as mae mase crps")
    parser.add_argument(
        "--by", nargs="+", default=[], choices=["target", "step", "cutoff", "series"], help="what to tell apart"
    )
    parser.add_argument("--season-length", type=_count, metavar="N", help="rows of a season, for scaled metrics")
    parser.add_argument("--coverage", type=float, metavar="SHARE", help="what intervals lower .. upper claim to hold")
    _add_reading(parser)
    _add_json(parser)


def _add_audit(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_data(parser)
    parser.add_argument("--no-refit", action="store_true", help="without the checks that fit clones")
    _add_reading(parser)
    _add_json(parser)


def _add_impute(parser: argparse.ArgumentParser) -> None:
    _add_reconstructor(parser)
    parser.add_argument("--coverage", type=float, metavar="SHARE", help="of intervals, such as 0.9")
    _add_reading(parser)
    _add_json(parser)


def _add_anomalies(parser: argparse.ArgumentParser) -> None:
    _add_reconstructor(parser)
    parser.add_argument("--all", action="store_true", help="write the scores of all values")
    _add_reading(parser)
    _add_json(parser)


def _add_plot(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_data(parser, optional=True)
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="picture: .png, .svg, .pdf")
    parser.add_argument("--columns", nargs="+", metavar="COLUMN", help="targets to draw (default: all)")
    parser.add_argument("--series", metavar="NAME", help="which of several series (default: the first)")
    parser.add_argument("--cutoff", metavar="TIME", help="forecast from this row, and draw what came after it")
    parser.add_argument(
        "--history",
        type=_count,
        metavar="N",
        help="rows before the forecast (default: 2 lookbacks, at least 3 horizons)",
    )
    parser.add_argument("--horizon", type=_count, metavar="N", help="steps to forecast (default: those of the fit)")
    _add_sure(parser)
    _add_known(parser)
    _add_reading(parser)


def _add_stream(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument("--state", metavar="FILE", help="go on from this file, and keep it up to date")
    _add_sure(parser)
    _add_adaptive(parser)
    _add_known(parser)
    _add_reading(parser)
    _add_json(parser)


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", metavar="MODEL", help="file of `tscnn fit`, or NAME=FILE")
    parser.add_argument("--port", type=_port, default=8000, metavar="N", help="0 for a free one (default: 8000)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, this computer)")
    parser.add_argument("--state", metavar="DIR", help="go on from the files in this folder, and keep them up to date")
    _add_sure(parser)
    _add_adaptive(parser)
    parser.add_argument("--max-body", type=_megabytes, default=16.0, metavar="MIB", help="of a request (default: 16)")
    parser.add_argument("--access-log", action="store_true", help="write a line a request to standard error")


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_json(parser)


def _add_export(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument("out", metavar="OUT", help="file, or folder of a SavedModel")
    parser.add_argument(
        "--format", choices=["onnx", "saved_model", "litert"], default="onnx", help="what to write (default: onnx)"
    )
    _add_sure(parser)
    _add_json(parser)


def _add_completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=["bash", "zsh", "fish"])


_ADD = {name: globals()[f"_add_{name}"] for name in COMMANDS}


# What several have


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="file of `tscnn fit` or `Forecaster.save`")


def _add_reconstructor(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    _add_out(parser)
    parser.add_argument("--model", metavar="FILE", help="of --save (default: one is fitted to the table)")
    parser.add_argument("--save", metavar="FILE", help="write the model")
    parser.add_argument("--freq", metavar="STEP", help="step of the rows, where some are absent, such as h, D, 15min")
    parser.add_argument("--no-network", action="store_true", help="the closed form alone, fitted in no time")
    parser.add_argument("--random-state", type=int, metavar="N", help="makes the fit repeatable")


def _add_data(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    default = " (default: the end of the training data)" if optional else ""
    parser.add_argument(
        "data",
        metavar="DATA",
        nargs="?" if optional else None,
        help=f"CSV or Parquet, or - for standard input{default}",
    )


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--out", metavar="FILE", help=".csv, .parquet or .json (default: CSV to standard output)")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="write JSON")


def _add_sure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--coverage", type=float, nargs="+", metavar="SHARE", help="of intervals, such as 0.8 0.95")
    parser.add_argument(
        "--quantiles", type=float, nargs="+", metavar="Q", help="levels to forecast, such as 0.1 0.5 0.9"
    )


def _add_adaptive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--adaptive", action="store_true", help="intervals follow the drift of errors")


def _add_known(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--future", metavar="FILE", help="table of the columns that are known ahead")


def _add_reading(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how tables are read (found if not given)")
    group.add_argument("--time", metavar="COLUMN", help="column of times (default: the first that holds some)")
    group.add_argument("--series-id", metavar="COLUMN", help="column that tells series apart")
    group.add_argument(
        "--drop", nargs="+", action="extend", default=[], metavar="COLUMN", help="columns to leave out (default: none)"
    )
    group.add_argument("--time-format", metavar="FORMAT", help="such as %%d/%%m/%%Y")
    group.add_argument("--encoding", metavar="NAME", help="such as utf-8, cp1252")
    group.add_argument("--separator", metavar="CHARACTER", type=_separator, help="between fields")
    group.add_argument("--decimal", choices=[".", ","], metavar="MARK", help="mark of decimals")


def _separator(text: str) -> str:
    mark = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if len(mark) != 1:
        raise argparse.ArgumentTypeError(f"must be one character, or tab, received {text!r}")
    return mark


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 19 and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"must be an integer of at least 1, received {text[:40]!r}")


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 6 and int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be an integer from 0 to 65535, received {text[:40]!r}")


def _megabytes(text: str) -> float:
    try:
        if 0 < (size := float(text)) < 2**20:
            return size
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be a number above 0, received {text[:40]!r}")


def _count_or_auto(text: str) -> int | str:
    return text if text == "auto" else _count(text)
