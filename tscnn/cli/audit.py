"""The command `tscnn audit`: whether a model can be trusted, seen on rows of one's own."""

from __future__ import annotations

import argparse
import contextlib
import sys

from tscnn.cli.models import load_model, read_for_model
from tscnn.cli.output import write_json
from tscnn.cli.reconstruction import load_reconstructor
from tscnn.forecaster import Forecaster
from tscnn.reconstruction import Reconstructor, is_reconstructor

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Print a line a check; the exit status is 1 if one fails."""
    model: Forecaster | Reconstructor
    if is_reconstructor(args.model):
        model, table = load_reconstructor(args)
    else:
        model = load_model(args)
        table = read_for_model(args.data, args, model)
    with contextlib.redirect_stdout(sys.stderr):
        audit = model.audit(table.frame, refit=not args.no_refit)
    if args.json:
        lines = [
            {"check": each.check, "result": each.result, "measured": each.measured, "advice": each.advice}
            for each in audit.findings
        ]
        write_json({"passed": audit.passed, "findings": lines})
    else:
        sys.stdout.write(f"{audit}\n")
    return 0 if audit.passed else 1
