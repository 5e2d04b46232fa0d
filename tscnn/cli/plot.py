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
from tscnn.data.panel import is_panel, split_panel
from tscnn.forecaster import Forecaster
from tscnn.plotting import need_matplotlib, save_picture

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Draw the steps after a table, or after a cutoff in it beside what came true."""
    kind = Path(args.out).suffix[1:].lower() or "png"
    if kind not in need_matplotlib().FigureCanvasBase.get_supported_filetypes():
        raise ValueError(received("`--out` must name a picture, such as .png, .svg or .pdf.", out=args.out))
    check_out(args.out)
    if args.cutoff is not None and args.data is None:
        raise ValueError(received("`--cutoff` must be a row of a table, which is to be given.", cutoff=args.cutoff))
    if args.cutoff is not None and args.future is not None:
        rule = "`--future` must be left out with `--cutoff`: the rows after it have what is known ahead."
        raise ValueError(received(rule, future=args.future))
    forecaster = load_model(args)
    if args.data is None:
        frame = forecaster.context_
    else:
        table = read_for_model(args.data, args, forecaster)
        frame = table.frame
    frame = _one_series(frame, args, forecaster)
    cutoff = None if args.cutoff is None else read_label(args.cutoff, table, forecaster)
    horizon, future = args.horizon or forecaster.pipeline_.horizon, None
    if cutoff is None:
        future = steps_after(read_future_file(args, forecaster), {None: frame.index[-1]}, horizon)
    how = {"history": args.history, "coverage": args.coverage or "auto", "columns": args.columns}
    picture = io.BytesIO()
    axes = forecaster.plot(frame, future=future, horizon=horizon, cutoff=cutoff, **how)
    save_picture(axes, picture, kind)
    write_bytes(args.out, picture.getvalue())
    return 0


def _one_series(frame: Any, args: argparse.Namespace, forecaster: Forecaster) -> pd.DataFrame:
    """Return the rows of the series to draw, the first one by default."""
    id_ = args.series_id or forecaster.series_id
    if not is_panel(frame, id_):
        if args.series is not None:
            raise ValueError(received("`--series` must be left out: the rows are of one series.", series=args.series))
        return frame
    parts = dict(frame) if isinstance(frame, Mapping) else split_panel(frame, id_)
    names = {str(name): name for name in parts}
    name = next(iter(names)) if args.series is None else args.series
    if name not in names:
        raise ValueError(received("`--series` must name a series of the table.", series=name, known=list(names)[:8]))
    return parts[names[name]]
