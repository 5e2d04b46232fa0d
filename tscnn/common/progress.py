"""Lines for a person who waits."""

from __future__ import annotations

import contextlib
import sys

__all__ = ["is_watched", "write_line"]


def is_watched() -> bool:
    """Return whether lines are written to a terminal.

    Returns
    -------
    bool
        False also where there is no standard output, as in a service.
    """
    return sys.stdout is not None and not sys.stdout.closed and sys.stdout.isatty()


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
