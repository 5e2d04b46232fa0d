"""The command `tscnn plot`: a picture of a forecast."""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from tscnn.cli.backtest import read_label
from tscnn.cli.models import load_model, read_for_model, read_future_file, steps_after
from tscnn.cli.output import check_out, write_bytes
from tscnn.common.checks import received
from tscnn.data.index import read_label as read_time
from tscnn.data.panel import is_panel, split_panel
from tscnn.forecaster import Forecaster
from tscnn.plotting import need_matplotlib, plot_forecast

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Draw the steps after a table, or after a cutoff in it beside what came true."""
    need_matplotlib()
    check_out(args.out)
    forecaster, truth = load_model(args), None
    if args.data is None:
        frame = forecaster.context_
    else:
        table = read_for_model(args.data, args, forecaster)
        frame = table.frame
    frame = _one_series(frame, args, forecaster)
    horizon, future = args.horizon or forecaster.pipeline_.horizon, None
    if args.cutoff is not None and args.data is not None:
        at = _count_rows(frame.index, read_label(args.cutoff, table, forecaster))
        frame, truth = frame.iloc[:at], frame.iloc[at : at + horizon]
        future = truth if forecaster.schema_.ahead else None
    else:
        future = steps_after(read_future_file(args, forecaster), {None: frame.index[-1]}, horizon)
    forecast = forecaster.predict(frame, future=future, horizon=horizon, coverage=args.coverage)
    history = frame.iloc[-(args.history or 3 * horizon) :]
    figure = plot_forecast(forecast, history, None if truth is None or truth.empty else truth, args.columns)
    picture = io.BytesIO()
    figure.savefig(picture, format=Path(args.out).suffix[1:] or "png", dpi=100)
    write_bytes(args.out, picture.getvalue())
    return 0


def _count_rows(index: pd.Index, label: Any) -> int:
    """Count the rows up to a label."""
    return int((index <= read_time("cutoff", label, index)).sum())


def _one_series(frame: Any, args: argparse.Namespace, forecaster: Forecaster) -> pd.DataFrame:
    """Return the rows of the series to draw, the first one by default."""
    id_ = args.series_id or forecaster.series_id
    if not is_panel(frame, id_):
        return frame
    parts = dict(frame) if isinstance(frame, Mapping) else split_panel(frame, id_)
    names = {str(name): name for name in parts}
    name = next(iter(names)) if args.series is None else args.series
    if name not in names:
        raise ValueError(received("`--series` must name a series of the table.", series=name, known=list(names)[:8]))
    return parts[names[name]]
