"""Pandas around a streaming network: one row in, one forecast frame out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.frame import Schema
from tscnn.data.index import future_index
from tscnn.network.graph import Network
from tscnn.network.streaming import StreamingNetwork
from tscnn.transforms.standardize import Scaler

__all__ = ["Stream"]


class Stream:
    """Forecasts that follow one or several series row by row; made by `tscnn.Forecaster.stream`.

    Parameters
    ----------
    network : Network
        The trained network; its weights are copied.
    schema : Schema
        Of the training frame.
    scaler : Scaler
        Of the training rows.
    contexts : DataFrame, or mapping of series name to DataFrame
        What has been seen so far, at least `lookback` rows each.
    """

    def __init__(self, network: Network, schema: Schema, scaler: Scaler, contexts: Any) -> None:
        self.names = list(contexts) if isinstance(contexts, Mapping) else None
        frames = list(contexts.values()) if isinstance(contexts, Mapping) else [contexts]
        self._schema, self._scaler = schema, scaler
        self._targets = list(network.config.targets)
        self._horizon = network.config.horizon
        self._ends = [frame.index[-1:] for frame in frames]
        windows = [frame.iloc[-network.config.lookback :] for frame in frames]
        rows = np.stack([scaler.standardize(window.to_numpy(), window.index) for window in windows])
        self._network = StreamingNetwork(network, rows)

    def update(self, row: Any) -> pd.DataFrame:
        """Take the next row, and forecast the steps after it.

        Parameters
        ----------
        row : dict, Series, DataFrame or array
            The next value of every column, in the data's own units: by column name, or an array of n_features values.
            With several series a frame or array of one row a series; a frame's index holds their names, in any
            order. A single series' frame of one row is held to the time that is due.

        Returns
        -------
        DataFrame of shape (horizon, n_targets)
            As of `tscnn.Forecaster.predict`; with several series (n_series * horizon, n_targets), indexed by
            ("series", "time").

        Raises
        ------
        TypeError, ValueError
            If a column or a series is missing, a value is not finite, or the row has another time than is due. The
            stream is as before, then.
        """
        due = [future_index(end, self._schema.freq, 1) for end in self._ends]
        values = self._read(row, due)
        found = self._network.update(self._scaler.standardize(values, due[0].append(due[1:])))
        ahead = self._scaler.ahead(due, self._schema.freq, self._horizon)
        forecasts = self._scaler.restore(found, self._targets, np.empty(found.shape, self._schema.dtype), ahead)
        self._ends = due
        times = [future_index(end, self._schema.freq, self._horizon) for end in due]
        columns = self._schema.columns[self._targets]
        if self.names is None:
            return pd.DataFrame(forecasts[0], index=times[0], columns=columns)
        frames = [pd.DataFrame(f, index=t, columns=columns) for f, t in zip(forecasts, times, strict=True)]
        return pd.concat(frames, keys=self.names, names=["series", "time"])

    @property
    def state(self) -> dict[str, np.ndarray]:
        """What the stream remembers, as copies: arrays that ``numpy.savez`` takes.

        Returns
        -------
        dict of str to ndarray
            For `restore`.
        """
        rings = self._network.rings()
        arrays = {f"ring_{i}": ring.rows.copy() for i, ring in enumerate(rings)}
        ends = np.array([str(end[0]) for end in self._ends])
        return {**arrays, "positions": np.array([ring.at for ring in rings]), "ends": ends}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a `state`.

        Parameters
        ----------
        state : mapping of str to ndarray
            Of this stream, or of another one of the same forecaster and as many series.

        Raises
        ------
        ValueError
            If it is that of another kind of stream.
        """
        rings = self._network.rings()
        shapes = {f"ring_{i}": ring.rows.shape for i, ring in enumerate(rings)}
        found = {name: np.shape(state[name]) for name in state if name.startswith("ring_")}
        if found != shapes:
            raise ValueError(received("`state` must be that of a stream like this one.", shapes=found, needed=shapes))
        for i, ring in enumerate(rings):
            ring.rows[:] = state[f"ring_{i}"]
            ring.at = int(state["positions"][i])
        self._ends = [_index_like(end, str(text)) for end, text in zip(self._ends, state["ends"], strict=True)]

    def _read(self, row: Any, due: list[pd.Index]) -> np.ndarray:
        """Return the values of a row, (n_series, n_features), after checking names, numbers and times."""
        columns = self._schema.columns
        if isinstance(row, pd.DataFrame):
            row = self._match_rows(row, due)
        if isinstance(row, Mapping | pd.Series | pd.DataFrame):
            names = list(row.keys())
            if len(names) != len(columns) or set(names) != set(columns):
                missing, extra = [c for c in columns if c not in names], [c for c in names if c not in columns]
                rule = f"`row` must have the {len(columns)} columns of the training data."
                raise ValueError(received(rule, missing=missing, extra=extra))
            row = row[columns] if isinstance(row, pd.DataFrame) else [row[name] for name in columns]
        try:
            values = np.asarray(row, dtype=np.float64)
        except (TypeError, ValueError):
            raise TypeError(received("`row` must hold numbers.", row=row)) from None
        if values.ndim == 1 and self.names is None:
            values = values[None]
        if values.shape != (len(due), len(columns)):
            rule = f"`row` must have {len(columns)} values for each of {len(due)} series."
            raise ValueError(received(rule, shape=values.shape))
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            rule = f"Every value of `row` must be finite, but column {columns[bad[0, 1]]!r} is not."
            raise ValueError(received(rule, value=float(values[tuple(bad[0])])))
        return values

    def _match_rows(self, frame: pd.DataFrame, due: list[pd.Index]) -> pd.DataFrame:
        """Put the rows of a frame into the order of the series, or hold its one row to the time that is due."""
        if self.names is None:
            if len(frame) == 1 and frame.index[0] != due[0][0]:
                rule = f"The next row must be that of {due[0][0]}."
                raise ValueError(received(rule, index=str(frame.index[0])))
            return frame
        if len(frame) != len(self.names) or set(frame.index) != set(self.names):
            rule = f"`row` must have one row for each of the series {self.names}."
            raise ValueError(received(rule, index=list(frame.index)))
        return frame.loc[self.names]


def _index_like(index: pd.Index, text: str) -> pd.Index:
    """Read back the one entry of an index from its text."""
    if isinstance(index, pd.PeriodIndex):
        return pd.PeriodIndex([text], freq=index.freq, name=index.name)
    if isinstance(index, pd.DatetimeIndex):
        read = pd.DatetimeIndex([pd.Timestamp(text)], name=index.name).as_unit(index.unit)
        return read if index.tz is None else read.tz_convert(index.tz)
    return pd.Index([int(text)], name=index.name)
