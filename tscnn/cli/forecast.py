"""The command `tscnn forecast`: a model and a table -> the steps after it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from tscnn.cli.models import load_model, read_for_model, read_future_file, steps_after
from tscnn.cli.output import check_out, lay_out, write_table
from tscnn.cli.tables import Table
from tscnn.data.panel import is_panel, split_panel

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Forecast the steps after the rows of a table, or of the training data."""
    check_out(args.out)
    forecaster = load_model(args)
    table = Table(time=forecaster.time) if args.data is None else read_for_model(args.data, args, forecaster)
    frame = None if args.data is None else table.frame
    ends = _ends(forecaster.context_ if frame is None else frame, forecaster.series_id)
    future = steps_after(read_future_file(args, forecaster), ends, args.horizon or forecaster.pipeline_.horizon)
    found = forecaster.predict(frame, future=future, horizon=args.horizon, coverage=args.coverage)
    write_table(lay_out(found, table), args.out, table.dialect, as_json=args.json)
    return 0


def _ends(rows: Any, series_id: Any) -> dict[Any, Any]:
    """Return the time of the newest row, by series; of a single one by None."""
    parts = {None: rows}
    if isinstance(rows, Mapping) or is_panel(rows, series_id):
        parts = dict(rows) if isinstance(rows, Mapping) else split_panel(rows, series_id)
    return {name: part.index[-1] for name, part in parts.items() if part is not None}
