"""What is audited: a way from rows to forecasts, and how far two forecasts are from each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tscnn.auditing.changes import Context, Frames, Range, find_ranges, nudge, part_of
from tscnn.common.checks import received

__all__ = ["Subject"]

# Conventions
N_CONTEXTS = 5  # that a check looks at: a weight may be zero by chance in one of them
ROUNDING = 1e-6  # of a forecast and of its standard deviation, below which a change is none


@dataclass(frozen=True)
class Subject:
    """A model and rows to audit it on.

    Attributes
    ----------
    frames : dict of DataFrame
        By series, oldest row first.
    horizon : int
        Steps that are forecast.
    predict : callable
        `Context` -> forecast: a frame, or an array of shape (horizon, n_columns); of several series a dict of them, or
        a frame with the series as its first level.
    fewest : int
        Rows that a forecast needs.
    most : int or None, default None
        Rows that contexts are cut to, which is cheaper; all that there are by default.
    columns : list or None, default None
        Columns that are changed; default all.
    known : list, default none
        Columns that are known ahead.
    predict_all : callable or None, default None
        The same as `predict` for many contexts at once.
    """

    frames: Frames
    horizon: int
    predict: Callable[[Context], Any]
    fewest: int
    most: int | None = None
    columns: list[Any] | None = None
    known: list[Any] = field(default_factory=list)
    predict_all: Callable[[Sequence[Context]], list[Any]] | None = None

    @cached_property
    def contexts(self) -> list[Context]:
        """Cut contexts near the end of the rows.

        Returns
        -------
        list of Context
            At most `N_CONTEXTS`, the oldest first; from one to the next every series has some rows more.

        Raises
        ------
        ValueError
            If there are too few rows.
        """
        spare = min(map(len, self.frames.values())) - self.fewest - self.horizon
        if spare < 0:
            rule = f"`df` must have at least {self.fewest + self.horizon} rows, to forecast from and to compare with."
            raise ValueError(received(rule, n_rows=min(map(len, self.frames.values()))))
        drops = self.horizon + np.unique(np.linspace(0, min(spare, N_CONTEXTS * self.horizon), N_CONTEXTS).astype(int))
        return [self.cut(int(drop)) for drop in drops[::-1]]

    def cut(self, drop: int) -> Context:
        """Leave out the newest rows of every series.

        Parameters
        ----------
        drop : int
            Rows to leave out, at least `horizon`.

        Returns
        -------
        Context
            Of at most `most` rows a series.
        """
        before, after = {}, {}
        for name, frame in self.frames.items():
            end = len(frame) - drop
            before[name] = frame.iloc[0 if self.most is None else max(0, end - self.most) : end]
            after[name] = frame.iloc[end : end + self.horizon]
        return Context(before, after)

    # Forecasts, and how far two are from each other

    def forecast(self, context: Context) -> np.ndarray:
        """Forecast from one context.

        Parameters
        ----------
        context : Context
            Of any rows.

        Returns
        -------
        ndarray of shape (n_series, horizon, n_columns)
            In the data's own units.
        """
        return self.read(self.predict(context), list(context.frames))

    def forecast_all(self, contexts: Sequence[Context]) -> list[np.ndarray]:
        """Forecast from many contexts.

        Parameters
        ----------
        contexts : sequence of Context
            Of the same series.

        Returns
        -------
        list of ndarray of shape (n_series, horizon, n_columns)
            One a context.
        """
        if self.predict_all is None:
            return [self.forecast(context) for context in contexts]
        return [self.read(found, list(contexts[0].frames)) for found in self.predict_all(contexts)]

    def read(self, forecast: Any, names: Sequence[Any]) -> np.ndarray:
        """Read what a model returned.

        Parameters
        ----------
        forecast : DataFrame, Series, array, or dict of them by series
            Of `predict`.
        names : sequence
            Of the series.

        Returns
        -------
        ndarray of shape (n_series, horizon, n_columns)
            Of the first `horizon` steps.

        Raises
        ------
        ValueError
            If it has fewer steps.
        """
        found = [np.asarray(part_of(forecast, name), dtype=np.float64) for name in names]
        found = [own[:, None] if own.ndim == 1 else own for own in found]
        for own in found:
            if own.ndim != 2 or len(own) < self.horizon:
                rule = f"The model must return {self.horizon} rows, one a step of `horizon`, and a column a target."
                raise ValueError(received(rule, shape=own.shape))
        return np.stack([own[: self.horizon] for own in found])

    @cached_property
    def base(self) -> list[np.ndarray]:
        """Forecast from all contexts as they are.

        Returns
        -------
        list of ndarray of shape (n_series, horizon, n_columns)
            One a context.
        """
        return self.forecast_all(self.contexts)

    @cached_property
    def labels(self) -> list[Any]:
        """Find the columns of the rows that are forecast.

        Returns
        -------
        list
            One a column of a forecast, by its name or else by its position; None where there is none.
        """
        frame = next(iter(self.frames.values()))
        numbers, forecast = frame.select_dtypes("number").columns, self.predict(self.contexts[-1])
        part, n = part_of(forecast, next(iter(self.frames))), self.base[-1].shape[2]
        names = list(part.columns) if isinstance(part, pd.DataFrame) else [getattr(part, "name", None)]
        names = [name[0] if name not in numbers and isinstance(name, tuple) else name for name in names]
        if len(names) == n and all(name in numbers for name in names):
            return names
        return numbers.tolist() if len(numbers) == n else [None] * n

    @cached_property
    def scale(self) -> np.ndarray:
        """Find the standard deviations of what is forecast.

        Returns
        -------
        ndarray of shape (n_series, 1, n_columns)
            1 of a column that is constant; the mean of all where it isn't known which column is forecast.
        """
        found = []
        for frame in self.frames.values():
            spread = frame.select_dtypes("number").std(ddof=0).fillna(0)
            found.append([spread.mean() if label is None else spread[label] for label in self.labels])
        scale = np.array(found, dtype=np.float64)[:, None]
        return np.where(scale > 0, scale, 1.0)

    def differences(
        self, one: np.ndarray, other: np.ndarray, *, tolerance: float = ROUNDING, columns: Sequence[int] | None = None
    ) -> np.ndarray:
        """Measure how far forecasts are from each other.

        Parameters
        ----------
        one, other : ndarray of shape (n_series, horizon, n_columns)
            In the data's own units.
        tolerance : float, default that of rounding
            Part of a forecast, and of its standard deviation, below which a difference is none.
        columns : sequence of int, optional
            Positions of those that count, default all.

        Returns
        -------
        ndarray of shape (n_series, horizon)
            Of the column that differs most, in standard deviations; infinity where only one is a number.
        """
        away = np.abs(one - other)
        away = np.where(np.isnan(one) & np.isnan(other), 0, np.where(np.isnan(away), np.inf, away))
        counts = away > tolerance * (self.scale + np.abs(np.nan_to_num(one)))
        found = np.where(counts, away / self.scale, 0)
        return np.asarray((found if columns is None else found[:, :, list(columns)]).max(axis=2))

    def effect(self, change: Callable[[Context], Context]) -> np.ndarray:
        """Measure what a change of the rows changes.

        Parameters
        ----------
        change : callable
            Context -> context.

        Returns
        -------
        ndarray of shape (n_series, horizon)
            The largest of `differences` over all contexts.
        """
        changed = self.forecast_all([change(context) for context in self.contexts])
        return np.max([self.differences(*each) for each in zip(self.base, changed, strict=True)], axis=0)

    # Changes

    @cached_property
    def _ranges(self) -> dict[Any, dict[int, Range]]:
        return {name: find_ranges(frame) for name, frame in self.frames.items()}

    def nudged(
        self,
        context: Context,
        rows: slice,
        columns: Sequence[Any] | None = None,
        *,
        after: bool = False,
        but: Sequence[Any] = (),
    ) -> Context:
        """Move values of some rows of every series.

        Parameters
        ----------
        context : Context
            To change.
        rows : slice
            Positions of the rows to change.
        columns : sequence, optional
            To change, default `columns`.
        after : bool, default False
            Change the rows after the newest one instead.
        but : sequence, default none
            Series that stay as they are.

        Returns
        -------
        Context
            Another one: see `tscnn.auditing.changes.nudge`.
        """
        columns = self.columns if columns is None else columns

        def change(name: Any, frame: pd.DataFrame) -> pd.DataFrame:
            if name in but:
                return frame
            return nudge(frame, rows, self.frames[name], self._ranges[name], columns)

        return context.change(change, after=after)
