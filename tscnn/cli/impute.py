"""The command `tscnn impute`: a table with gaps -> the same without."""

from __future__ import annotations

import argparse

from tscnn.cli.output import check_out, lay_out, write_table
from tscnn.cli.reconstruction import open_reconstructor

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Fill the gaps of a table."""
    check_out(args.out)
    reconstructor, table = open_reconstructor(args)
    filled = reconstructor.impute(table.frame, coverage=args.coverage)
    write_table(lay_out(filled, table), args.out, table.dialect, as_json=args.json)
    return 0
