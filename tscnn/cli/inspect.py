"""The command `tscnn inspect`: what a saved model is."""

from __future__ import annotations

import argparse
import sys

from tscnn.cli.describe import describe_model
from tscnn.cli.models import load_model
from tscnn.cli.output import write_json

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Print the summary of a fit."""
    forecaster = load_model(args)
    if args.json:
        write_json(describe_model(forecaster))
    else:
        sys.stdout.write(f"{forecaster.summary_}\n")
    return 0
