"""What commands with a reconstructor share: a table, and the reconstructor, fitted to it or loaded."""

from __future__ import annotations

import argparse
import contextlib
import sys
from dataclasses import replace

from tscnn.cli.models import reading_of
from tscnn.cli.tables import Table, read_table
from tscnn.common.archive import find_place
from tscnn.common.checks import received
from tscnn.reconstruction import Reconstructor

__all__ = ["load_reconstructor", "open_reconstructor"]


def open_reconstructor(args: argparse.Namespace) -> tuple[Reconstructor, Table]:
    """Load the reconstructor of a command, or fit one to the table, and save it where that is asked for.

    Parameters
    ----------
    args : Namespace
        With `data`, `model` and `save`, and what a fit takes.

    Returns
    -------
    reconstructor : Reconstructor
        Fitted.
    table : Table
        Indexed as it has learnt.

    Raises
    ------
    OSError, TypeError, ValueError
        If there is none, or the table breaks a rule.
    """
    if args.save is not None:
        find_place(args.save)  # before time is spent on what goes there
    freq = int(args.freq) if (args.freq or "").isdigit() else args.freq
    if args.model is None:
        table = read_table(args.data, reading_of(args))
        given = {"series_id": args.series_id, "freq": freq, "network": None if args.no_network else "auto"}
        reconstructor = Reconstructor(time=table.time, random_state=args.random_state, **given)
        with contextlib.redirect_stdout(sys.stderr):
            reconstructor.fit(table.frame)
    else:
        of_a_fit = {"--no-network": args.no_network, "--random-state": args.random_state is not None}
        if idle := [flag for flag, is_given in of_a_fit.items() if is_given]:
            rule = "With `--model` nothing is fitted, so that --no-network and --random-state must be left out."
            raise ValueError(received(rule, given=idle))
        reconstructor, table = load_reconstructor(args)
        if freq is not None:
            reconstructor.set_params(freq=freq)
    if args.save is not None:
        reconstructor.save(args.save)
    return reconstructor, table


def load_reconstructor(args: argparse.Namespace) -> tuple[Reconstructor, Table]:
    """Load the reconstructor of a command, and read a table as it has learnt.

    Parameters
    ----------
    args : Namespace
        With `data` and `model`.

    Returns
    -------
    reconstructor : Reconstructor
        Fitted.
    table : Table
        Indexed as it has learnt.

    Raises
    ------
    OSError, TypeError, ValueError
        If there is none, or the table breaks a rule.
    """
    reconstructor = Reconstructor.load(args.model)
    columns = [str(name) for name in reconstructor.schema_.columns]
    usual = reconstructor.time or (None if reconstructor.schema_.kind == "integers" else "time")
    series_id = args.series_id or reconstructor.series_id
    table = read_table(args.data, replace(reading_of(args), series_id=series_id, columns=columns, usual_time=usual))
    name = reconstructor.time or table.frame.index.name
    return reconstructor, replace(table, frame=table.frame.rename_axis(index=name))
