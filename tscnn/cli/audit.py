"""The command `tscnn audit`: whether a model can be trusted, seen on rows of one's own."""

from __future__ import annotations

import argparse
import contextlib
import sys

from tscnn.cli.models import load_model, read_for_model
from tscnn.cli.output import write_json

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Print a line a check; the exit status is 1 if one fails."""
    forecaster = load_model(args)
    table = read_for_model(args.data, args, forecaster)
    with contextlib.redirect_stdout(sys.stderr):
        audit = forecaster.audit(table.frame, refit=not args.no_refit)
    if args.json:
        lines = [
            {"check": each.check, "result": each.result, "measured": each.measured, "advice": each.advice}
            for each in audit.findings
        ]
        write_json({"passed": audit.passed, "findings": lines})
    else:
        sys.stdout.write(f"{audit}\n")
    return 0 if audit.passed else 1
