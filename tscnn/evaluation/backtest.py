"""Which rows a backtest forecasts from."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.index import read_label
from tscnn.data.panel import naming

__all__ = ["find_cutoffs", "find_panel_cutoffs"]


def find_cutoffs(index: pd.Index, n_first: int, horizon: int, start: Any, stride: int) -> np.ndarray:
    """Find the rows to forecast from.

    Parameters
    ----------
    index : Index
        Of the series.
    n_first, horizon : int
        Rows that a cutoff needs up to it, itself included, and after it.
    start : str, Timestamp, datetime, Period, int or None
        The first cutoff is at or after it. It is of the kind of the index; text names a time or a period.
    stride : int
        Rows from one cutoff to the next.

    Returns
    -------
    ndarray of int
        Row numbers, ascending, at least one.

    Raises
    ------
    TypeError, ValueError
        If `start` is of another kind than the index, or no cutoff is left.

    Examples
    --------
    >>> days = pd.date_range("2026-01-01", periods=10)
    >>> find_cutoffs(days, n_first=3, horizon=2, start="2026-01-05", stride=2)
    array([4, 6])
    """
    cutoffs = _list_cutoffs(index, n_first, horizon, start, stride)
    if len(cutoffs) == 0:
        rule = f"No cutoff has {n_first} rows up to it and {horizon} rows after it."
        enough = len(index) >= n_first + horizon
        latest = {"latest_start": str(index[-1 - horizon])} if enough else {}
        raise ValueError(received(rule, n_rows=len(index), start=start, **latest))
    return cutoffs


def find_panel_cutoffs(
    frames: Mapping[Any, pd.DataFrame], n_first: int, horizon: int, start: Any, stride: int
) -> dict[Any, np.ndarray]:
    """Find the rows to forecast from in each series; those that end too early for one are left out, and named.

    Parameters
    ----------
    frames : mapping of DataFrame
        By series; a single one by None.
    n_first, horizon : int
        As of `find_cutoffs`.
    start : str, Timestamp, datetime, Period, int or None
        As of `find_cutoffs`.
    stride : int
        As of `find_cutoffs`.

    Returns
    -------
    dict of ndarray of int
        Row numbers by series, at least one each.

    Raises
    ------
    TypeError, ValueError
        If `start` is of another kind than an index, or no series has a cutoff.
    """
    found = {}
    for name, frame in frames.items():
        with naming(name):
            found[name] = _list_cutoffs(frame.index, n_first, horizon, start, stride)
    left_out = [name for name, cutoffs in found.items() if not len(cutoffs)]
    if len(left_out) == len(found):
        with naming(left_out[0]):
            find_cutoffs(frames[left_out[0]].index, n_first, horizon, start, stride)
    if left_out:
        rule = f"{len(left_out)} of {len(found)} series have no cutoff from `start` on with {n_first} rows up to it"
        told = received(f"{rule} and {horizon} after it: they are left out.", series=left_out[:5], start=str(start))
        warnings.warn(told, stacklevel=4)
    return {name: cutoffs for name, cutoffs in found.items() if len(cutoffs)}


def _list_cutoffs(index: pd.Index, n_first: int, horizon: int, start: Any, stride: int) -> np.ndarray:
    first = n_first - 1
    if start is not None:
        first = max(first, int(np.count_nonzero(index < read_label("`start`", start, index))))
    return np.arange(first, len(index) - horizon, stride)
