"""Which rows a backtest forecasts from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.index import read_label

__all__ = ["find_cutoffs"]


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
    first = n_first - 1
    if start is not None:
        first = max(first, int(np.count_nonzero(index < read_label("`start`", start, index))))
    cutoffs = np.arange(first, len(index) - horizon, stride)
    if len(cutoffs) == 0:
        rule = f"No cutoff has {n_first} rows up to it and {horizon} rows after it."
        raise ValueError(received(rule, n_rows=len(index), start=start))
    return cutoffs
