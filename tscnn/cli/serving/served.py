"""A model that is served: it forecasts, follows the rows that are accepted, and keeps where it is in a file."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from tscnn.cli.models import steps_after
from tscnn.cli.serving.answers import to_json, write_records, write_times
from tscnn.cli.serving.bodies import RowReader, Rows
from tscnn.cli.serving.state import State, read_state, write_state
from tscnn.common.checks import check_int, received
from tscnn.data.frame import read_frame, read_values
from tscnn.data.index import future_index, is_due
from tscnn.data.panel import naming
from tscnn.data.tables import Layout
from tscnn.data.values import list_some
from tscnn.forecaster import Forecaster
from tscnn.forecasting import Stream

__all__ = ["MOST_STEPS", "ServedModel"]

MOST_STEPS = 1000  # that one request may ask for beyond the horizon of the fit: about a second. A convention
Frames = dict[Any, pd.DataFrame]  # by series; a single one without name by None


class ServedModel:
    """A forecaster, the newest rows that it has seen, and the stream that follows them.

    It is not safe to call from several threads at once: `thread` is the one that requests are to run in, in the order
    in which they came.

    Parameters
    ----------
    name : str
        In addresses.
    forecaster : Forecaster
        Fitted; changed.
    coverage : list of float, optional
        Of intervals where a request asks for none.
    adaptive : bool, default False
        Whether those of the stream follow the drift of errors.
    path : str, optional
        File in which the state is kept; read, if there is one.

    Attributes
    ----------
    answer : bytes or None
        The forecast after the newest rows, once it was asked for; it may be read from any thread.

    Raises
    ------
    OSError, TypeError, ValueError
        If the state is that of another model, or damaged.
    """

    def __init__(
        self,
        name: str,
        forecaster: Forecaster,
        *,
        coverage: Any = None,
        adaptive: bool = False,
        path: str | None = None,
    ) -> None:
        forecaster.layout_ = Layout()  # frames of pandas, of whichever table it has learnt from
        self.name, self.forecaster, self.reader = name, forecaster, RowReader(forecaster)
        self.horizon, self.n_needed = forecaster.pipeline_.horizon, forecaster.pipeline_.fewest_rows
        self._n_kept = max(forecaster.pipeline_.lookback, 2)  # rows
        self._twin = copy.copy(forecaster)  # for what a request asks
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self.n_waiting = self.n_accepted = 0
        self._coverage, self._adaptive, self._path = coverage, adaptive, path
        self._stream: Stream | None = None
        self._found: pd.DataFrame | None = None  # by the stream, after its newest row
        self.answer: bytes | None = None
        state = None if path is None else read_state(path, forecaster, [forecaster.quantiles, coverage, adaptive])
        if state is not None:
            forecaster.context_, self._found = state.context, state.found
        if forecaster.context_ is not None:
            self._stream = forecaster.stream(coverage=coverage, adaptive=adaptive)
        if state is not None and state.stream is not None and self._stream is not None:
            self._stream.restore(state.stream)

    @property
    def context(self) -> Frames:
        """The newest rows, by series, of a single one by None.

        Returns
        -------
        dict of DataFrame
            Empty of a model that was saved without its context, until rows come.
        """
        context = self.forecaster.context_
        if context is None:
            return {}
        return dict(context) if isinstance(context, Mapping) else {None: context}

    def describe(self) -> dict[str, Any]:
        """Say what the model is, and where it is.

        Returns
        -------
        dict
            Of what JSON holds.
        """
        context, schema = self.context, self.forecaster.schema_
        series = {} if None in context or not context else {"n_series": len(context)}
        return {
            "targets": list(map(str, schema.target_names)),
            "horizon": self.horizon,
            "rows_needed": self.n_needed,
            **series,
            "newest": write_times(max(context.values(), key=lambda rows: rows.index[-1]).index[-1:], None)[0]
            if context
            else None,
            "rows_accepted": self.n_accepted,
        }

    # Forecasts

    def forecast(self, body: Mapping[str, Any]) -> bytes:
        """Forecast the steps after the rows of a request, or after the newest rows.

        Parameters
        ----------
        body : mapping
            Of `read_body`.

        Returns
        -------
        bytes
            The answer.

        Raises
        ------
        TypeError, ValueError
            Naming what breaks a rule.
        """
        if not body and self.answer is not None:
            return self.answer
        horizon = check_int("horizon", body.get("horizon", self.horizon))
        most = max(MOST_STEPS, self.horizon)
        if horizon > most:
            rule = f"`horizon` must be at most {most} in a request; `tscnn forecast` takes more."
            raise ValueError(received(rule, horizon=horizon))
        if body.keys() <= {"horizon", "series"} and self._found is not None and horizon <= self.horizon:
            chosen, found = self._choose(self.context, body.get("series")), self._found
            if None not in chosen:
                found = found[found.index.get_level_values(0).isin(list(chosen))]
                found = found.groupby(level=0, sort=False).head(horizon)
            answer = self._write(found.iloc[:horizon] if None in chosen else found, chosen, None)
        else:
            answer = self._predict(body, horizon)
        if not body:
            self.answer = answer
        return answer

    def _predict(self, body: Mapping[str, Any], horizon: int) -> bytes:
        twin, rows, future = self._twin, self.reader.read("rows", body), self.reader.read("future", body)
        twin.quantiles, coverage = self.forecaster.quantiles, body.get("coverage")
        if {"coverage", "quantiles"} & body.keys():
            twin.quantiles = _as_tuple(body.get("quantiles"))
        elif horizon <= self.horizon:
            coverage = self._coverage
        else:
            twin.quantiles = None
        frames = self._choose(self.context if rows is None else rows.frames, body.get("series"))
        given = None
        if rows is None:
            twin.context_ = frames.get(None, frames or None)
        else:
            given = frames.get(None, frames)
        later = None if future is None else future.frames.get(None, future.frames)
        found = twin.predict(given, future=later, horizon=horizon, coverage=coverage)
        return self._write(found, frames, None if rows is None else rows.format)

    @staticmethod
    def _choose(frames: Frames, series: Any) -> Frames:
        """Leave out series that are not asked for."""
        if series is None:
            return frames
        wanted = list(map(str, series if isinstance(series, list) else [series]))
        unknown = [name for name in wanted if name not in set(map(str, frames))]
        if None in frames:
            raise ValueError(received("`series` must be left out: there is one series.", series=series))
        if unknown:
            rule = "`series` must be of those that there are."
            raise ValueError(received(rule, series=unknown, known=list_some(frames)))
        return {name: frame for name, frame in frames.items() if str(name) in wanted}

    def _write(self, found: pd.DataFrame | None, after: Frames, form: Any, **more: Any) -> bytes:
        ends = {name: write_times(rows.index[-1:], form)[0] for name, rows in after.items()}
        cutoff = ends.get(None, {str(name): end for name, end in ends.items()})
        records = None if found is None else write_records(found, form, self.reader.time, self.reader.series)
        return to_json({"model": self.name, **more, "cutoff": cutoff, "forecast": records})

    # Updates

    def update(self, body: Mapping[str, Any]) -> bytes:
        """Take the next rows, all of them or none, and forecast the steps after them.

        Rows that are not newer than the newest one are passed over. They are accepted once they are on the disk, where
        a state is kept.

        Parameters
        ----------
        body : mapping
            Of `read_body`.

        Returns
        -------
        bytes
            The answer.

        Raises
        ------
        OSError, TypeError, ValueError
            If rows are not those that are due, or can't be kept. The model is as before, then.
        """
        context = self.context
        after = max((rows.index[-1] for rows in context.values()), default=None)
        rows = self.reader.read("rows", body, after)
        if rows is None:
            raise ValueError('`rows` must hold the rows that are to be taken: {"rows": [{..}, ..]}.')
        frames = self._together(rows.frames, context)
        n_given = len(next(iter(frames.values())))
        if after is not None and not (newer := _newer(next(iter(frames.values())).index, after)).all():
            frames = {name: frame[newer] for name, frame in frames.items()}
        n_taken = len(next(iter(frames.values())))
        if n_taken:
            self._take(frames, self.reader.read("future", body))
            self.n_accepted += n_taken
        told = {"accepted": n_taken, "passed_over": n_given - n_taken}
        found = self._found
        if found is None and "future_covariate" not in self.forecaster.schema_.roles:  # nothing has come since the fit
            found = self.forecaster.predict(coverage=self._coverage)
        return self._write(found, self.context, rows.format, **told)

    def _take(self, frames: Frames, future: Rows | None) -> None:
        before = self.forecaster.context_, self._stream, self._found
        kept = None if self._stream is None else self._stream.state
        try:
            self._follow(frames, future)
            if self._path is not None and self._stream is not None:
                asked = [self.forecaster.quantiles, self._coverage, self._adaptive]
                write_state(self._path, State(self.forecaster.context_, self._found, self._stream.state), asked)
        except BaseException:
            self.forecaster.context_, self._stream, self._found = before
            if self._stream is not None and kept is not None:
                self._stream.restore(kept)
            raise
        self.answer = None

    def _together(self, frames: Frames, context: Frames) -> Frames:
        """Check that each series has a row at each time."""
        if context and set(frames) != set(context):
            missing, extra = [name for name in context if name not in frames], [n for n in frames if n not in context]
            rule = "`rows` must have a row of every series at every time"
            raise ValueError(received(f"{rule}.", missing=list_some(missing), unknown=list_some(extra)))
        frames = {name: frames[name] for name in context or frames}
        first = next(iter(frames.values())).index
        for name, frame in frames.items():
            if not frame.index.equals(first):
                rule = "`rows` must have a row of every series at every time."
                raise ValueError(received(rule, series=name, n_rows=len(frame), others=len(first)))
        return frames

    def _follow(self, frames: Frames, future: Rows | None) -> None:
        """Go on with rows that are due, or begin anew with as many as the model needs."""
        schema, context, index = self.forecaster.schema_, self.context, next(iter(frames.values())).index
        ahead = self._ahead(frames, future)
        if self._found is not None and None in context:
            dues = [self._found.index[:1]]
        else:
            dues = [future_index(rows.index[-2:], schema.freq, 1) for rows in context.values()]
        if schema.missing != "raise" and context:
            frames = self._fill(frames, context)
            index = next(iter(frames.values())).index
        if not dues or not all(is_due(index[0], due, schema.freq) for due in dues):
            if dues and len(index) < self.n_needed:
                rule = f"The next row must be that of {dues[0][0]}: rows before it are to be given first, or at least"
                rule = f"{rule} {self.n_needed} rows, which begin anew."
                raise ValueError(received(rule, row=str(index[0]), n_rows=len(index)))
            self._begin(frames, steps_after(ahead, dict.fromkeys(frames, index[-1]), self.horizon))
            return
        read = {}
        for name, frame in frames.items():
            with naming(name):
                read[name] = read_frame(frame, schema) if len(frame) > 1 else read_values(frame, schema)
        values = np.stack([frame.to_numpy() for frame in read.values()], axis=1)  # (rows, series, columns)
        for at, time in enumerate(index):
            row: Any = values[at]
            if np.isnan(row).any() or not schema.is_numeric:  # which the stream reads by name
                row = {name: frame.iloc[[at]] for name, frame in frames.items()}
                row = row.get(None, row)
            later = steps_after(ahead, dict.fromkeys(frames, time), self.horizon)
            self._found = self._stream.update(row, future=later)  # type: ignore[union-attr]
        self._remember({name: _append(context[name], rows, self._n_kept) for name, rows in read.items()})

    def _begin(self, frames: Frames, future: Any) -> None:
        """Start a stream from rows alone."""
        given = frames.get(None, frames)
        self._found = self.forecaster.predict(given, future=future, coverage=self._coverage)
        self._stream = self.forecaster.stream(given, coverage=self._coverage, adaptive=self._adaptive)
        freq, schema = self.forecaster.freq, self.forecaster.schema_
        self._remember({name: read_frame(frame, schema, freq) for name, frame in frames.items()})

    def _remember(self, rows: Frames) -> None:
        n = self._n_kept
        kept = {name: frame if len(frame) <= n else frame.iloc[-n:] for name, frame in rows.items()}
        self.forecaster.context_ = kept.get(None, kept)

    def _fill(self, frames: Frames, context: Frames) -> Frames:
        """Put rows on the steps after the newest row; those that are absent are missing values."""
        known, index = next(iter(context.values())).index, next(iter(frames.values())).index
        steps = future_index(known[-2:], self.forecaster.schema_.freq, self.n_needed + len(index))
        if not index.isin(steps).all():
            return frames
        due = steps[steps <= index[-1]]
        return frames if len(due) == len(index) else {name: frame.reindex(due) for name, frame in frames.items()}

    def _ahead(self, frames: Frames, future: Rows | None) -> Frames | None:
        """Return what is known ahead of each row: what the rows after it have, and what is given."""
        schema = self.forecaster.schema_
        columns = [name for name, role in zip(schema.columns, schema.roles, strict=True) if role == "future_covariate"]
        if future is None and not columns:
            return None
        ahead = {}
        for name, frame in frames.items():
            own = frame[[column for column in columns if column in frame.columns]]
            if future is not None:
                later = future.frames.get(name, future.frames.get(None))
                own = own if later is None else pd.concat([own, later])
            ahead[name] = own[~own.index.duplicated(keep="last")]
        return ahead


def _append(rows: pd.DataFrame, more: pd.DataFrame, n: int) -> pd.DataFrame:
    """Append rows, and keep the newest n."""
    values, index = np.concatenate([rows.to_numpy(), more.to_numpy()]), rows.index.append(more.index)
    return pd.DataFrame(values[-n:], index[-n:], rows.columns, copy=False)


def _newer(index: pd.Index, after: Any) -> Any:
    try:
        return index > after
    except TypeError:
        rule = "The times of `rows` must be like those of the training data, with a time zone or without."
        raise TypeError(received(rule, row=str(index[0]), newest=str(after))) from None


def _as_tuple(levels: Any) -> Any:
    """Return a list of JSON as the tuple that a parameter takes."""
    if levels is None:
        return None
    return tuple(levels) if isinstance(levels, list) else (levels,)
