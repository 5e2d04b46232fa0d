"""What `tscnn stream` remembers: rows until a model can forecast from them, then its stream, kept in a file."""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tscnn.cli.errors import say
from tscnn.cli.models import read_future_file, steps_after
from tscnn.cli.output import check_out, write_bytes
from tscnn.common.checks import received
from tscnn.data.index import future_index, is_due
from tscnn.data.values import list_some
from tscnn.forecaster import Forecaster
from tscnn.forecasting import Stream

__all__ = ["Follower"]

_PROG = "tscnn stream"


class Follower:
    """Follow rows with a model, from its context on or from a fresh one.

    A row that is the next one after the training data goes on from there. Any other first row begins a fresh context:
    forecasts come once there are as many rows as the model needs. With a state, rows that it has seen are passed over.
    Absent rows are missing values where the model takes some; so many that it needs others begin a fresh context.

    Parameters
    ----------
    forecaster : Forecaster
        Fitted.
    args : Namespace
        With `coverage`, `adaptive`, `future` and `state`.
    """

    def __init__(self, forecaster: Forecaster, args: argparse.Namespace) -> None:
        check_out(args.state)
        self._forecaster, self._args = forecaster, args
        self._asked = {"coverage": args.coverage, "adaptive": args.adaptive}
        context = forecaster.context_
        self._names = list(context) if isinstance(context, Mapping) else [None]
        self._future = read_future_file(args, forecaster)
        self._stream: Stream | None = None
        self._fresh: list[tuple[Any, dict[Any, dict[str, Any]]]] = []  # rows of a context that is not complete
        self._now: dict[Any, dict[str, Any]] = {}  # rows of one time, by series
        self._time: Any = None  # of the newest rows
        self._done: Any = None  # of the newest rows that are complete
        self._seen: Any = None  # of a state, until newer rows come
        self._n_seen = self._n_forecasts = 0

    # The state

    def resume(self) -> None:
        """Go on from the state in the file, if there is one.

        Raises
        ------
        OSError, TypeError, ValueError
            If it is that of another model, or damaged.
        """
        path = self._args.state
        if path is None or not Path(path).exists():
            return
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                state = dict(kept)
            told = json.loads(str(state.pop("told")))
            fresh, newest = told["fresh"], self._read_time(told["newest"])
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            rule = "The file of `--state` must be one that `tscnn stream` wrote: name another one to begin anew"
            raise ValueError(received(f"{rule} ({str(error)[:80]}).", state=path)) from None
        followed = told.get("names")
        if followed is not None and None not in self._names:
            self._leave_out([name for name in self._names if str(name) not in followed])
        if state:
            self._stream = self._forecaster.stream(**self._asked)
            self._stream.restore(state)
        names = {str(name): name for name in self._names} | {"": None}
        self._fresh = [
            (self._read_time(time), {names[name]: row for name, row in rows.items()}) for time, rows in fresh
        ]
        self._time = self._seen = self._done = newest

    def keep(self) -> None:
        """Write the state to its file, at once."""
        if self._args.state is None:
            return
        fresh = [
            (_write_time(time), {"" if name is None else str(name): row for name, row in rows.items()})
            for time, rows in self._fresh
        ]
        names = ["" if name is None else str(name) for name in self._names]
        told = json.dumps({"newest": _write_time(self._time), "fresh": fresh, "names": names})
        file = io.BytesIO()
        arrays: dict[str, Any] = {} if self._stream is None else self._stream.state
        np.savez(file, told=np.array(told), **arrays)
        write_bytes(self._args.state, file.getvalue())

    def _read_time(self, text: Any) -> Any:
        if isinstance(text, int):
            return text
        if self._forecaster.schema_.kind == "periods":
            return pd.Period(text, freq=self._forecaster.schema_.freq)
        return pd.Timestamp(text)

    # Rows

    def take(self, time: Any, series: Any, row: dict[str, Any]) -> pd.DataFrame | None:
        """Take a row.

        Parameters
        ----------
        time : Timestamp, Period, int or None
            None of rows without times, which are counted.
        series : label or None
            Of one of several, which have a row each at every time.
        row : dict
            By column.

        Returns
        -------
        DataFrame or None
            Forecasts, indexed by cutoff and time; None as long as rows are missing.

        Raises
        ------
        TypeError, ValueError
            If it is not the row that is due; a series that has ended in the training data needs none.
        """
        if time is None:
            time = 0 if self._time is None else self._time + 1
        if self._seen is not None and time <= self._seen:
            self._n_seen += 1
            return None
        name = next((name for name in self._names if series is not None and str(name) == str(series)), None)
        if name not in self._names:
            rule = "Rows must be of the series of the training data."
            raise ValueError(received(rule, series=series, known=self._names[:5]))
        before = None
        if self._now and time != self._time:
            missing = [each for each in self._names if each not in self._now]
            if not self._have_ended(missing):
                rule = f"Rows of {self._time} are missing."
                raise ValueError(received(rule, of_series=missing[:5], next_row=str(time)))
            say(_PROG, f"note: series that ended in the training data are left out: {list_some(missing)}")
            self._leave_out(missing)
            before = self._complete()
        self._time, self._seen = time, None
        self._now[name] = row
        found = self._complete() if len(self._now) == len(self._names) else None
        parts = [part for part in (before, found) if part is not None]
        return pd.concat(parts) if parts else None

    def _complete(self) -> pd.DataFrame | None:
        """Take the rows of one time, of all series."""
        time, rows, self._now = self._time, self._now, {}
        for absent in self._absent(time):
            self._follow(absent, {name: dict.fromkeys(self._forecaster.schema_.columns, np.nan) for name in rows})
        self._done, found = time, self._follow(time, rows)
        if found is None:
            self.keep()
            return None
        self._n_forecasts += 1
        index = found.index
        levels = [*(index.get_level_values(at) for at in range(index.nlevels - 1)), pd.Index([time]).repeat(len(found))]
        names = [*index.names[:-1], "cutoff", index.names[-1] or "time"]
        return found.set_axis(pd.MultiIndex.from_arrays([*levels, index.get_level_values(-1)], names=names))

    def _have_ended(self, names: list[Any]) -> bool:
        """Say whether series ended before others in the training data, and no row of them has come since."""
        contexts = self._forecaster.context_
        if self._done is not None or not isinstance(contexts, Mapping):
            return False
        newest = max(context.index[-1] for context in contexts.values())
        return all(contexts[name].index[-1] < newest for name in names)

    def _leave_out(self, names: list[Any]) -> None:
        """Follow the other series alone."""
        self._names = [name for name in self._names if name not in names]
        if isinstance(contexts := self._forecaster.context_, Mapping):
            self._forecaster.context_ = {name: contexts[name] for name in self._names}

    def end(self) -> None:
        """Say on standard error what came to nothing."""
        if self._n_seen:
            say(_PROG, f"note: {self._n_seen} rows that the state has seen were passed over")
        if not self._n_forecasts and self._fresh:
            needed = self._forecaster.pipeline_.fewest_rows
            say(_PROG, f"note: no forecast: {len(self._fresh)} rows came, a fresh context takes {needed}")
        if self._now:
            say(_PROG, f"note: rows of {self._time} came of {len(self._now)} of {len(self._names)} series alone")

    def _follow(self, time: Any, rows: dict[Any, dict[str, Any]]) -> pd.DataFrame | None:
        """Take the rows of one time."""
        if self._stream is None and not self._fresh and self._goes_on(time):
            self._stream = self._forecaster.stream(**self._asked)
        if self._stream is not None:
            given = {name: pd.Series(row, name=time, dtype=object) for name, row in rows.items()}
            return self._stream.update(given.get(None, given), future=self._ahead(time))
        self._fresh.append((time, rows))
        if len(self._fresh) < self._forecaster.pipeline_.fewest_rows:
            return None
        index = pd.Index([when for when, _ in self._fresh], name=self._forecaster.time)
        frames = {
            name: pd.DataFrame([own[name] for _, own in self._fresh], index).infer_objects() for name in self._names
        }
        context = frames.get(None, frames)
        found = self._forecaster.predict(context, future=self._ahead(time), coverage=self._asked["coverage"])
        self._stream, self._fresh = self._forecaster.stream(context, **self._asked), []
        return found

    def _absent(self, time: Any) -> list[Any]:
        """Return the times of rows that are absent before one, if they count as missing values."""
        schema, most = self._forecaster.schema_, self._forecaster.pipeline_.fewest_rows
        if schema.missing == "raise" or self._done is None or schema.freq is None:
            return []
        due = future_index(pd.Index([self._done]), schema.freq, most)
        if not (due == time).any():
            self._stream, self._fresh = None, []  # too many, or a row between two steps: a fresh context
            return []
        return due[due < time].tolist()

    def _goes_on(self, time: Any) -> bool:
        """Say whether rows of a time are the ones after the training data."""
        contexts = self._forecaster.context_
        for context in contexts.values() if isinstance(contexts, Mapping) else [contexts]:
            if context is None:
                return False
            due, step = future_index(context.index, self._forecaster.schema_.freq, 1), self._forecaster.schema_.freq
            if not is_due(time, due, step):
                return False
        return True

    def _ahead(self, time: Any) -> Any:
        """Return what is known of the steps after a time."""
        ends = dict.fromkeys(self._names, time)
        return steps_after(self._future, ends, self._forecaster.pipeline_.horizon)


def _write_time(time: Any) -> Any:
    return int(time) if isinstance(time, int | np.integer) else str(time)
