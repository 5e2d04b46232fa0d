"""What a fitted forecaster is given: rows to forecast from, rows with outcomes, and what is known ahead."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tscnn.common.checks import received, show
from tscnn.data.clock import check_zone
from tscnn.data.frame import read_frame
from tscnn.data.future import future_of, read_future
from tscnn.data.index import future_index
from tscnn.data.panel import is_panel, naming, read_panel, split_panel
from tscnn.data.schema import Schema
from tscnn.data.times import Times
from tscnn.data.values import check_sizes
from tscnn.forecasting.pipeline import Pipeline

__all__ = ["SeriesReader"]

Frames = dict[Any, pd.DataFrame]  # by series; a single one without name by None


@dataclass(frozen=True)
class SeriesReader:
    """Checks what a fitted forecaster is given against what it was fitted to.

    Attributes
    ----------
    pipeline : Pipeline
        The fitted model.
    schema : Schema
        Of its training data.
    series_id : column name or None
        Of the column of a long frame that tells its series.
    freq : str, offset, timedelta, int or None
        Of the grid that rows are put on.
    """

    pipeline: Pipeline
    schema: Schema
    series_id: Any
    freq: Any

    def context(self, X: Any) -> Frames:
        """Read rows to forecast from.

        Parameters
        ----------
        X : DataFrame, Series, array, or mapping of them
            Of the user.

        Returns
        -------
        dict of DataFrame
            By series; a single one by None.

        Raises
        ------
        TypeError, ValueError
            Naming what breaks a rule.
        """
        if is_panel(X, self.series_id):
            return self._read_panel(X)
        return {None: self._read(X, self.pipeline.fewest_rows)}

    def outcomes(self, X: Any) -> Frames:
        """Read rows with known outcomes; series of a panel that are too short are left out, and named.

        Parameters
        ----------
        X : DataFrame, Series, array, or mapping of them
            Of the user.

        Returns
        -------
        dict of DataFrame
            As of `context`.

        Raises
        ------
        TypeError, ValueError
            Naming what breaks a rule; or if no series is long enough.
        """
        needed = self.pipeline.fewest_rows + self.pipeline.horizon
        if not is_panel(X, self.series_id):
            return {None: self._read(X, needed)}
        frames = self._read_panel(X)
        kept = {name: frame for name, frame in frames.items() if len(frame) >= needed}
        if len(kept) < len(frames):
            short = [name for name in frames if name not in kept][:5]
            rule = f"A series must have at least lookback + horizon = {needed} rows to be compared with outcomes"
            told = received(f"{rule}; {len(frames) - len(kept)} of {len(frames)} are left out.", short=short)
            if not kept:
                raise ValueError(told)
            warnings.warn(told, stacklevel=4)
        return kept

    def ahead(self, future: Any, frames: Frames, horizon: int, *, is_read: bool = False) -> list[Times]:
        """Read what is known of the steps after the rows of each series.

        Parameters
        ----------
        future : DataFrame, mapping of DataFrame, or None
            Of the user: of a panel a long frame, or by series.
        frames : dict of DataFrame
            Of `context`.
        horizon : int
            Steps to forecast.
        is_read : bool, default False
            Whether `future` is of `context`, too, with the numbers of categories.

        Returns
        -------
        list of Times
            One a series.

        Raises
        ------
        TypeError, ValueError
            Naming what is missing, or belongs to other times.
        """
        own_rows = "future[{0}]" if isinstance(future, Mapping) else "future[future[{1}] == {0}]"
        if None not in frames and is_panel(future, self.series_id):
            future = split_panel(future, self.series_id)
        found: list[Times] = []
        alike: dict[tuple[Any, ...], Times] = {}  # of series that end at the same time: most of a panel do
        for name, frame in frames.items():
            end = tuple(frame.index[-2:]) if len(frames) > 1 else ()
            if end in alike and future is None and not self.schema.ahead:
                found.append(alike[end])
                continue
            due = alike[end].index if end in alike else future_index(frame.index, self.schema.freq, horizon)
            with naming(name), _lines_of_series(own_rows.format(show(name, 30), show(self.series_id)), name):
                own, newest = future_of(future, name), frame.to_numpy()[-1]
                found.append(read_future(own, self.schema, newest, due, is_read=is_read))
            alike[end] = found[-1]
        return found

    def check_length(self, n_rows: int, fewest: int | None = None) -> None:
        """Complain about a series without name that has too few rows.

        Parameters
        ----------
        n_rows : int
            Of the series.
        fewest : int, optional
            Rows that it must have; default those of a forecast.

        Raises
        ------
        ValueError
            If it has fewer.
        """
        fewest = self.pipeline.fewest_rows if fewest is None else fewest
        if n_rows < fewest:
            parts = "lookback" if fewest == self.pipeline.fewest_rows else "lookback + horizon"
            raise ValueError(received(f"`X` must have at least {parts} = {fewest} rows.", n_rows=n_rows))

    def _read_panel(self, X: Any) -> Frames:
        frames = read_panel(X, self.series_id, self.schema, self.freq)
        known = self.pipeline.standardize.names or ()
        for name, frame in frames.items():
            self._check_sizes(frame)
            if name in known:  # others may be of other places
                with naming(name):
                    self._check_zone(frame.index)
        return frames

    def _read(self, X: Any, n_rows: int) -> pd.DataFrame:
        """Check a frame against that of training."""
        frame = read_frame(X, self.schema, self.freq)
        self.check_length(len(frame), n_rows)
        if self._needs_times and not isinstance(X, pd.DataFrame | pd.Series):
            rule = "`X` must be a frame indexed by times, for the calendar and the yearly season; `calendar=None` and"
            raise TypeError(received(f"{rule} `yearly_seasonality=None` do without.", type=type(X).__name__))
        self._check_sizes(frame)
        self._check_zone(frame.index)
        return frame

    @property
    def _needs_times(self) -> bool:
        return any(getattr(part, "needs_times", False) for part in self.pipeline.parts)

    def _check_zone(self, index: pd.Index) -> None:
        if self._needs_times:
            check_zone(index, self.schema.zone)

    def _check_sizes(self, frame: pd.DataFrame) -> None:
        """Complain about values too far from those of training, unless each series has units of its own."""
        known = self.pipeline.standardize
        if known.names is not None:
            return
        features = self.pipeline.take_logarithms(self.schema.encode(frame.to_numpy())[0], Times(frame.index))
        check_sizes(features, known.mean, known.scale, frame.index, self.schema.features)


@contextlib.contextmanager
def _lines_of_series(own_rows: str, name: Any) -> Iterator[None]:
    """Write in errors, where they suggest a line of pandas for `future`, which rows are those of one of many series."""
    try:
        yield
    except (TypeError, ValueError) as error:
        said = re.sub(r"\bfuture(?=[.\[])", lambda _: own_rows, str(error))
        if name is None or said == str(error):
            raise
        raise (TypeError if isinstance(error, TypeError) else ValueError)(said) from None
