"""Lines for a person who waits, how far many fits are, and how long the stages of one take."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

__all__ = ["Stages", "Tell", "find_teller", "is_watched", "log_line", "say_nothing", "show_progress", "write_line"]

Tell = Callable[[str], None]
Done = TypeVar("Done")


def is_watched() -> bool:
    """Return whether a person reads what is written: on a terminal, or below a notebook's cell.

    Returns
    -------
    bool
        False also where there is no standard output, as in a service.
    """
    if sys.stdout is None or sys.stdout.closed:
        return False
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return sys.stdout.isatty() or "IPKernelApp" in getattr(shell, "config", ())


def find_teller(verbose: str | bool | int) -> Tell:
    """Return what takes lines for a person.

    Parameters
    ----------
    verbose : "auto", bool or int
        False is silent, True writes; "auto" writes where somebody reads it, and logs elsewhere.

    Returns
    -------
    callable
        That takes a line.
    """
    if isinstance(verbose, str):
        return write_line if is_watched() else log_line
    return write_line if verbose else say_nothing


def write_line(line: str) -> None:
    """Write a line at once, also where output is piped; nothing where there is no standard output.

    Parameters
    ----------
    line : str
        Without its end.
    """
    with contextlib.suppress(AttributeError, ValueError, OSError):  # None, closed, or its descriptor is
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def log_line(line: str) -> None:
    """Send a line to the logger "tscnn", as information.

    Parameters
    ----------
    line : str
        Without its end.
    """
    logging.getLogger("tscnn").info("%s", line)


def say_nothing(line: str) -> None:
    """Drop a line.

    Parameters
    ----------
    line : str
        Without its end.
    """


class Stages:
    """Stages of a fit, one after the other: each is told when it begins, and timed.

    Parameters
    ----------
    tell : callable
        Of `find_teller`.

    Examples
    --------
    >>> stages = Stages(write_line)
    >>> stages.begin("transforms")
    transforms ..
    >>> list(stages.end())
    ['transforms']
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._seconds: dict[str, float] = {}
        self._name = ""

    def begin(self, name: str) -> None:
        """End the stage before, and begin one.

        Parameters
        ----------
        name : str
            Of the stage.
        """
        self.end()
        self._tell(f"{name} ..")
        self._name, self._began = name, time.perf_counter()

    def end(self) -> dict[str, float]:
        """End the last stage.

        Returns
        -------
        dict of str to float
            Seconds by stage.
        """
        if self._name:
            self._seconds[self._name] = time.perf_counter() - self._began
        self._name = ""
        return self._seconds


def show_progress(done: Iterable[Done], n_all: int, n_before: int, what: str, *, watched: bool) -> Iterator[Done]:
    """Pass on fits that are done, and show how far it is: as a bar where tqdm is installed, else in lines.

    Parameters
    ----------
    done : iterable
        Something of each fit.
    n_all, n_before : int
        Fits in all, and how many of them were done before.
    what : str
        They are for.
    watched : bool
        Whether to show anything.

    Yields
    ------
    object
        Of `done`.

    Examples
    --------
    >>> list(show_progress("ab", 3, 1, "backtest", watched=False))
    ['a', 'b']
    """
    if watched and importlib.util.find_spec("tqdm") is not None:
        from tqdm.auto import tqdm  # an extra

        yield from tqdm(done, total=n_all, initial=n_before, desc=what, unit="fit")
        return
    for i, each in enumerate(done, n_before + 1):
        if watched:
            write_line(f"{what}: fit {i} of {n_all}")
        yield each
