"""The command line: its parser, and how a command is run.

Modules of commands are imported when they run, so that help and the calculator answer at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from tscnn.cli import receptive_field
from tscnn.cli.arguments import COMMANDS, add_arguments
from tscnn.cli.errors import status_of
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
        The exit status: 0 for success, 1 after an error of ours, which is one line on stderr.

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
    return status_of(partial(args.run, args), f"{parser.prog} {args.command}")


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

    for name, (brief, description, examples) in COMMANDS.items():
        command = _add_command(commands, name, brief, description, f"examples:\n{examples}")
        add_arguments(name, command)
        command.set_defaults(run=partial(_run_module, name))
    commands.choices["completion"].set_defaults(run=partial(_run_module, "completion", parser))  # which it is made of

    brief = "measure how far back a stack of layers sees, or plan one"
    command = _add_command(commands, "receptive-field", brief, receptive_field.DESCRIPTION, receptive_field.EPILOG)
    receptive_field.add_arguments(command)
    command.set_defaults(run=partial(receptive_field.run, command))

    brief = "fit, forecast and plot a small example"
    command = _add_command(commands, "demo", brief, "Fit, forecast and plot a small example.", None)
    command.add_argument("--out", default="tscnn-demo", metavar="DIR", help="where to write it (default: %(default)s)")
    command.set_defaults(run=partial(_run_demo, command))
    return parser


def _add_command(commands: Any, name: str, brief: str, description: str, epilog: str | None) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=brief,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    return command


def _run_module(name: str, *args: Any) -> int:
    status: int = import_module(f"tscnn.cli.{name}").run(*args)
    return status


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
