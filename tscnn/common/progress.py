"""Lines for a person who waits."""

from __future__ import annotations

import sys

__all__ = ["write_line"]


def write_line(line: str) -> None:
    """Write a line at once, also where output is piped.

    Parameters
    ----------
    line : str
        Without its end.
    """
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
