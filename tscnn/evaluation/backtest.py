"""Forecasts at many origins of one series, a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.windows import make_windows
from tscnn.network.graph import Network

__all__ = ["find_cutoffs", "forecast_chunks"]

CHUNK_ORIGINS = 4096
CHUNK_VALUES = 2**23  # of a chunk's forecasts, or of the outputs of a layer that sees features by themselves
FEW_SKIPPED = 4  # positions between cutoffs, more with the lookback: computed sooner than windows of their own


def find_cutoffs(index: pd.Index, n_first: int, horizon: int, start: Any, stride: int) -> np.ndarray:
    """Find the rows to forecast from.

    Parameters
    ----------
    index : Index
        Of the series.
    n_first, horizon : int
        Rows that a cutoff needs up to it, itself included, and after it.
    start : label or None
        The first cutoff is at or after it.
    stride : int
        Rows from one cutoff to the next.

    Returns
    -------
    ndarray of int
        Row numbers, ascending, at least one.

    Raises
    ------
    TypeError, ValueError
        If `start` can't be compared with the index, or no cutoff is left.
    """
    first = n_first - 1
    if start is not None:
        try:
            first = max(first, int(index.searchsorted(start)))
        except (TypeError, ValueError) as error:
            raise TypeError(received(f"`start` must be comparable with the index ({error}).", start=start)) from None
    cutoffs = np.arange(first, len(index) - horizon, stride)
    if len(cutoffs) == 0:
        rule = f"No cutoff has {n_first} rows up to it and {horizon} rows after it."
        raise ValueError(received(rule, n_rows=len(index), start=start))
    return cutoffs


def forecast_chunks(network: Network, rows: np.ndarray, cutoffs: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Forecast at evenly spaced cutoffs: densely where they are close, else from one window each.

    All chunks have one shape, so that the graph is compiled once: the last is moved back to end with the series, and
    what the one before it has already given is left out.

    Parameters
    ----------
    network : Network
        Whose graphs are run.
    rows : ndarray of shape (n_rows, n_features)
        In the network's units.
    cutoffs : ndarray of int
        Of `find_cutoffs`.

    Yields
    ------
    chunk : slice
        Which of the cutoffs.
    forecasts : ndarray of shape (n_chunk, horizon, n_targets)
        In the network's units.
    """
    config = network.config
    stride = int(cutoffs[1] - cutoffs[0]) if len(cutoffs) > 1 else 1
    dense = stride <= FEW_SKIPPED + config.lookback // 24
    n_values = max(config.horizon * len(config.targets), config.filters * config.n_features)  # of an origin
    most = min(max(CHUNK_VALUES // n_values, 64), CHUNK_ORIGINS)
    n_chunk = min(len(cutoffs), max(1, most // (stride if dense else 16)))
    windows = None if dense else make_windows(rows, config.lookback, config.horizon)[0]
    for done in range(0, len(cutoffs), n_chunk):
        first = min(done, len(cutoffs) - n_chunk)
        chunk = cutoffs[first : first + n_chunk]
        if windows is None:
            segment = rows[chunk[0] - config.lookback + 1 : chunk[-1] + 1]
            forecasts = network.dense.predict_on_batch(segment[None])[0, ::stride]
        else:
            forecasts = network.single_origin.predict_on_batch(windows[chunk - config.lookback + 1])[:, 0]
        yield slice(done, first + n_chunk), forecasts[done - first :]
