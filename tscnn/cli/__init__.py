"""The command line: thin commands."""

from __future__ import annotations

from tscnn.cli.commands import main

__all__ = ["main"]
