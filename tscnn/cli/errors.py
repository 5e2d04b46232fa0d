"""Errors and warnings of the library as lines that name flags, on standard error."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["in_flags", "notes", "say", "status_of"]

INTERRUPTED, BROKEN_PIPE = 130, 141  # 128 + the number of the signal, as shells have it
_OPTIONS = {
    "targets": "targets",
    "future_covariates": "future",
    "static_covariates": "static",
    "series_id": "series-id",
    "random_state": "random-state",
    **dict.fromkeys(["lookback", "horizon", "time", "freq", "missing", "quantiles", "coverage", "future", "start"]),
    **dict.fromkeys(["stride", "every", "gap", "window", "folder", "metrics", "by", "columns", "drop", "cutoff"]),
}
_ARGUMENT = re.compile(r"(\w+)=('[^']*'|\[[^]]*\]|\([^)]*\)|[^,)\s]+)")


def status_of(run: Callable[[], int], prog: str) -> int:
    """Run a command; its errors become one line.

    Parameters
    ----------
    run : callable
        Of the command, that returns its exit status.
    prog : str
        The command's name.

    Returns
    -------
    int
        The exit status: that of the command, 1 after an error.
    """
    try:
        with notes(prog):
            status = run()
            sys.stdout.flush()
            return status
    except BrokenPipeError:  # `| head` has what it wants
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        say(prog, "interrupted")
        return INTERRUPTED
    except OSError as error:
        where = f": {error.filename}" if error.filename is not None else ""
        say(prog, f"error: {error.strerror or error}{where}")
    except (ImportError, TypeError, ValueError) as error:
        say(prog, f"error: {in_flags(str(error))}")
    return 1


@contextlib.contextmanager
def notes(prog: str) -> Iterator[None]:
    """Write warnings for users as lines on standard error.

    Parameters
    ----------
    prog : str
        The command's name.

    Yields
    ------
    None
        While they are.
    """

    def show(message: Any, *_: Any, **__: Any) -> None:
        say(prog, f"note: {in_flags(str(message))}")

    with warnings.catch_warnings():
        warnings.filterwarnings("always", category=UserWarning)
        warnings.showwarning = show
        yield


def say(prog: str, line: str) -> None:
    """Write a line to standard error.

    Parameters
    ----------
    prog : str
        The command's name, in front of it.
    line : str
        Whatever it says; line breaks are left out.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{prog}: {' '.join(line.split())}\n")
        sys.stderr.flush()


def in_flags(text: str) -> str:
    """Write what names arguments of the library in flags of the command line.

    Parameters
    ----------
    text : str
        An error or a warning.

    Returns
    -------
    str
        The same, of flags.

    Examples
    --------
    >>> in_flags("`Forecaster(freq='h', missing='mask')` takes absent rows as missing values.")
    '`--freq h --missing mask` takes absent rows as missing values.'
    >>> in_flags("`lookback` must be an integer of at least 1; `X` has 9 rows.")
    '`--lookback` must be an integer of at least 1; the data has 9 rows.'
    """
    text = re.sub(r"`X\.drop\(columns=(\[[^]`]*\])\)`", lambda found: f"`{_flag('drop', found[1])}`", text)
    for pattern in (r"`(?:Forecaster|Reconstructor)\(([^`]*)\)`", r"`(\w+=[^`]+)`"):
        text = re.sub(pattern, _in_flags, text)
    text = re.sub(r"`(\w+)=?`", lambda found: f"`{_option(found[1])}`" if found[1] in _OPTIONS else found[0], text)
    return text.replace("`X`", "the data").replace("`df`", "the data")


def _in_flags(found: re.Match[str]) -> str:
    flags = " ".join(_flag(name, value) for name, value in _ARGUMENT.findall(found[1]))
    return f"`{flags}`" if flags else found[0]


def _option(name: str) -> str:
    return f"--{_OPTIONS[name] or name}"


def _flag(name: str, value: str) -> str:
    plain = " ".join(part.strip(" '\"") for part in value.strip("[]()").split(","))
    if name == "network" and value == "None":
        return "--no-network"
    return f"{_option(name)} {plain}" if name in _OPTIONS else f"--set {name}={value}"
