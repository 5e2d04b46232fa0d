"""The command `tscnn anomalies`: a table -> its rows that do not go with the others."""

from __future__ import annotations

import argparse

import pandas as pd

from tscnn.cli.output import check_out, lay_out, write_table
from tscnn.cli.reconstruction import open_reconstructor

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Write the rows whose score is above the threshold, or the scores of all values."""
    check_out(args.out)
    reconstructor, table = open_reconstructor(args)
    scores = reconstructor.score_samples(table.frame)
    if not args.all:
        others = [name for name in scores.columns if name == reconstructor.series_id]
        own = scores.drop(columns=others)
        highest = own.max(axis=1)
        found = (highest > reconstructor.threshold_).to_numpy()
        worst = own[found].idxmax(axis=1)
        scores = scores.loc[found, others].assign(score=highest[found], column=pd.Index(worst))
    write_table(lay_out(scores, table), args.out, table.dialect, as_json=args.json)
    return 0
