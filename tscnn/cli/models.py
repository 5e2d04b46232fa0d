"""Saved forecasters, and tables read as they have learnt them."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from tscnn.cli.tables import Reading, Table, read_table
from tscnn.common.checks import show
from tscnn.data.clock import localize
from tscnn.forecaster import Forecaster

__all__ = ["conform_times", "load_model", "read_for_model", "read_future_file", "reading_of", "steps_after"]


def reading_of(args: argparse.Namespace, forecaster: Forecaster | None = None) -> Reading:
    """Gather how a table is to be read.

    Parameters
    ----------
    args : Namespace
        With the options of reading.
    forecaster : Forecaster, optional
        Which knows its columns.

    Returns
    -------
    Reading
        Of a flag where there is one.
    """
    how = Reading(
        args.time,
        args.series_id,
        args.encoding,
        args.separator,
        args.decimal,
        args.time_format,
        drop=args.drop,
    )
    if forecaster is None:
        return how
    columns = [str(name) for name in forecaster.schema_.columns]
    usual = None if forecaster.schema_.kind == "integers" else "time"
    series_id = args.series_id or forecaster.series_id
    return replace(how, series_id=series_id, columns=columns, usual_time=forecaster.time or usual)


def load_model(args: argparse.Namespace) -> Forecaster:
    """Load the forecaster of a command.

    Parameters
    ----------
    args : Namespace
        With `model`, and `quantiles` where forecasts have some.

    Returns
    -------
    Forecaster
        Fitted.

    Raises
    ------
    OSError, ValueError
        If there is none.
    """
    forecaster = Forecaster.load(args.model)
    if getattr(args, "quantiles", None) is not None:
        forecaster.quantiles = tuple(args.quantiles)
    return forecaster


def read_for_model(path: str, args: argparse.Namespace, forecaster: Forecaster) -> Table:
    """Read a table for a model.

    Parameters
    ----------
    path : str
        "-" for standard input.
    args : Namespace
        With the options of reading.
    forecaster : Forecaster
        Fitted.

    Returns
    -------
    Table
        Indexed as the data that the model has learnt from.

    Raises
    ------
    OSError, TypeError, ValueError
        If it can't be read.
    """
    how = reading_of(args, forecaster)
    table = read_table(path, how)
    index = conform_times(table.frame.index, forecaster)
    frame = table.frame.set_axis(index.set_names(forecaster.time or index.name))
    known = {*forecaster.schema_.columns, how.series_id}
    if (others := [name for name in frame.columns if name not in known]) and len(others) < frame.shape[1]:
        warnings.warn(f"Columns that the model does not have are left out: {show(others, 200)}", stacklevel=2)
        frame = frame.drop(columns=others)
    if how.series_id is not None and how.series_id in frame.columns and _has_integer_names(forecaster):
        frame = frame.assign(**{how.series_id: frame[how.series_id].astype(int)})
    return replace(table, frame=frame)


def read_future_file(args: argparse.Namespace, forecaster: Forecaster) -> dict[Any, pd.DataFrame] | None:
    """Read what is known ahead.

    Parameters
    ----------
    args : Namespace
        With `future`, a file or None.
    forecaster : Forecaster
        Fitted.

    Returns
    -------
    dict of DataFrame, or None
        By series; of a single one by None.
    """
    if args.future is None:
        return None
    later, id_ = read_for_model(args.future, args, forecaster).frame, reading_of(args, forecaster).series_id
    if id_ is None or id_ not in later.columns:
        return {None: later}
    return {name: part.drop(columns=id_) for name, part in later.groupby(id_, sort=False)}


def steps_after(later: Mapping[Any, pd.DataFrame] | None, ends: Mapping[Any, Any], horizon: int) -> Any:
    """Cut out the steps to forecast.

    Parameters
    ----------
    later : mapping of DataFrame, or None
        Of `read_future_file`.
    ends : mapping of label
        The time of the newest row, by series.
    horizon : int
        Steps to forecast.

    Returns
    -------
    DataFrame, dict of them by series, or None
        Earlier and later rows are left out.
    """
    if later is None:
        return None
    if None in later:
        frame = later[None]
        return frame[frame.index > next(iter(ends.values()))].iloc[:horizon]
    return {name: part[part.index > ends[name]].iloc[:horizon] for name, part in later.items() if name in ends}


def conform_times(index: pd.Index, forecaster: Forecaster) -> pd.Index:
    """Make times those that a model has learnt: in its zone, or its periods.

    Parameters
    ----------
    index : Index
        As it was read: times without zone are those of a clock in the zone of the model.
    forecaster : Forecaster
        Fitted.

    Returns
    -------
    Index
        Of its kind, as far as there is a way.
    """
    context = forecaster.context_
    known = next(iter(context.values())) if isinstance(context, Mapping) else context
    if known is None or not isinstance(index, pd.DatetimeIndex):
        return index
    if isinstance(known.index, pd.PeriodIndex):
        return index.tz_localize(None).to_period(known.index.freq)
    zone = getattr(known.index, "tz", None)
    if zone is not None:
        return localize(index, zone) if index.tz is None else index.tz_convert(zone)
    return index


def _has_integer_names(forecaster: Forecaster) -> bool:
    return isinstance(forecaster.context_, Mapping) and all(isinstance(name, int) for name in forecaster.context_)
