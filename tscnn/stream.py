"""Forecasts that follow series row by row: one row in, one forecast frame out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.index import future_index
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.pipeline import Pipeline

__all__ = ["Stream"]


class Stream:
    """Forecasts that follow one or several series row by row; made by `tscnn.Forecaster.stream`.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted model.
    schema : Schema
        Of the training frame.
    context : SeriesSet
        What has been seen so far, at least `lookback` rows a series, in the data's own units.
    """

    def __init__(self, pipeline: Pipeline, schema: Schema, context: SeriesSet) -> None:
        self.names = None if context.names is None else list(context.names)
        self._pipeline, self._schema = pipeline, schema
        lookback = pipeline.lookback
        self._ends = [index[-1:] for index in context.indexes]
        windows = zip(context.newest(lookback), context.indexes, strict=True)
        rows = np.stack([pipeline.apply(values, index[-lookback:]) for values, index in windows])
        self._state = pipeline.start(rows)

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
        freq, horizon = self._schema.freq, self._pipeline.horizon
        due = [future_index(end, freq, 1) for end in self._ends]
        values = self._read(row, due)
        times = [now.append(future_index(now, freq, horizon)) for now in due]
        rows = [self._pipeline.apply(own[None], now) for own, now in zip(values, due, strict=True)]
        found = self._pipeline.step(self._state, np.concatenate(rows))
        self._ends = due
        first = np.zeros(1, int)
        forecasts = [self._pipeline.invert(own[None], when, first)[0] for own, when in zip(found, times, strict=True)]
        frames = [
            pd.DataFrame(forecast, index=when[1:], columns=self._schema.target_names)
            for forecast, when in zip(forecasts, times, strict=True)
        ]
        return frames[0] if self.names is None else pd.concat(frames, keys=self.names, names=["series", "time"])

    @property
    def state(self) -> dict[str, np.ndarray]:
        """What the stream remembers, as copies: arrays that ``numpy.savez`` takes.

        Returns
        -------
        dict of str to ndarray
            For `restore`.
        """
        rings = [ring for of_term in self._state for ring in of_term]
        return {
            "model": np.array(self._pipeline.fingerprint),
            **{f"ring_{i}": ring.rows.copy() for i, ring in enumerate(rings)},
            "positions": np.array([ring.at for ring in rings]),
            "ends": np.array([str(end[0]) for end in self._ends]),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a `state`.

        Parameters
        ----------
        state : mapping of str to ndarray
            Of this stream, or of another one of the same forecaster and as many series.

        Raises
        ------
        ValueError
            If it is that of another forecaster, or of another number of series. The stream is as before, then.
        """
        rings = [ring for of_term in self._state for ring in of_term]
        missing = [name for name in self.state if name not in state]
        if missing:
            raise ValueError(received("`state` must be that of a stream of this forecaster.", missing=missing))
        model = str(np.asarray(state["model"]))
        if model != self._pipeline.fingerprint:
            rule = "`state` must be that of a stream of this forecaster, not of another one."
            raise ValueError(received(rule, model=f"{model[:12]}..", needed=f"{self._pipeline.fingerprint[:12]}.."))
        needed = {f"ring_{i}": ring.rows.shape for i, ring in enumerate(rings)}
        found = {name: np.shape(state[name]) for name in needed}
        if found != needed or np.shape(state["ends"]) != (len(self._ends),):
            rule = f"`state` must be that of a stream of {len(self._ends)} series."
            raise ValueError(received(rule, n_series=len(np.atleast_1d(state["ends"]))))
        ends = [_index_like(end, str(text)) for end, text in zip(self._ends, state["ends"], strict=True)]
        for i, ring in enumerate(rings):
            ring.rows[:] = state[f"ring_{i}"]
            ring.at = int(state["positions"][i])
        self._ends = ends

    def _read(self, row: Any, due: Sequence[pd.Index]) -> np.ndarray:
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

    def _match_rows(self, frame: pd.DataFrame, due: Sequence[pd.Index]) -> pd.DataFrame:
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
