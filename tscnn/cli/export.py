"""The command `tscnn export`: a saved model for another runtime."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tscnn.cli.models import load_model
from tscnn.cli.output import write_json

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Write a model, and say what goes in and comes out."""
    described = load_model(args).export(args.out, args.format, coverage=args.coverage)
    if args.json:
        write_json(described)
        return 0
    for kind in ("inputs", "outputs"):
        for name, one in described[kind].items():
            shape = " x ".join(map(str, one["shape"]))
            entries: list[Any] = next((one[of] for of in ("columns", "entries", "names", "levels") if of in one), [])
            told = ", ".join(map(str, entries[:5])) + (", .." if len(entries) > 5 else "")
            sys.stdout.write(f"{kind[:-1]:7} {name:11} {one['dtype']:8} {shape}: {told}\n")
    return 0
