"""The command line: `tscnn receptive-field` and `tscnn demo`.

Commands import what they need when they run, so that help and the calculator answer at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

from tscnn.cli import receptive_field
from tscnn.common.checks import show

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name, by default those of the process.

    Returns
    -------
    int
        The exit status, 0 for success.

    Raises
    ------
    SystemExit
        With status 2 and one line on stderr if the arguments are wrong, with 0 after ``--help`` or
        ``--version``.
    """
    parser = _build_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return 0
    status: int = args.run(args)
    return status


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the usage in front."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


class _Version(argparse.Action):
    """Look the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("tscnn")
        except PackageNotFoundError:
            found = "(not installed, so of unknown version)"
        sys.stdout.write(f"tscnn {found}\n")
        parser.exit()


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="tscnn",
        description="Forecast time series with causal convolutional networks.",
        epilog="`tscnn COMMAND --help` explains a command.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=False)

    command = commands.add_parser(
        "receptive-field",
        help="measure how far back a stack of layers sees, or plan one",
        description=receptive_field.DESCRIPTION,
        epilog=receptive_field.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    receptive_field.add_arguments(command)
    command.set_defaults(run=partial(receptive_field.run, command))

    command = commands.add_parser(
        "demo",
        help="fit, forecast and plot a small example",
        description="Fit, forecast and plot a small example.",
        allow_abbrev=False,
    )
    command.add_argument("--out", default="tscnn-demo", metavar="DIR", help="where to write it (default: %(default)s)")
    command.set_defaults(run=partial(_run_demo, command))
    return parser


def _run_demo(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    from pathlib import Path
    from tempfile import TemporaryFile

    try:
        folder = Path(args.out)
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()  # before minutes are spent on what goes there
        from tscnn.cli.demo import run_demo

        status: int = run_demo(folder)
    except OSError as error:
        parser.error(f"argument --out: must be a folder that can be written to ({error}), received {show(args.out)}")
    return status
