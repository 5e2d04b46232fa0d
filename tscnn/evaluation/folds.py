"""Folds of a backtest: what each is fitted on, and what it forecasts from; of any object with `fit` and `predict`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import clone

from tscnn.common.checks import check_int, received
from tscnn.data.frame import forecast_frame
from tscnn.data.index import check_spacing
from tscnn.data.panel import is_panel, join_forecasts, split_panel

__all__ = ["Fold", "Found", "Rows", "forecast_fold", "join_folds", "plan_folds"]

Found = dict[Any, tuple[list[int], np.ndarray]]  # by series: rows of its cutoffs, forecasts (n, horizon, n_targets)


@dataclass(frozen=True)
class Rows:
    """Rows of one series, or of many, that are cut by time.

    Attributes
    ----------
    table : DataFrame, or dict of them by series
        Oldest row first.
    index : Index
        All times there are, ascending.

    Examples
    --------
    >>> rows = Rows.of({"a": pd.Series([1, 2, 3], [5, 6, 7]), "b": pd.Series([4, 5], [7, 8])})
    >>> rows.index.tolist(), {name: own.index.tolist() for name, own in rows.cut(1, 3).items()}
    ([5, 6, 7, 8], {'a': [6, 7], 'b': [7]})
    """

    table: Any
    index: pd.Index

    @classmethod
    def of(cls, X: Any, series_id: Any = None) -> Self:
        """Read what is given to `fit`.

        Parameters
        ----------
        X : DataFrame, Series, array, or dict of them by series
            Of the user, times in the index.
        series_id : column name, optional
            Of the column of a long frame that tells the series.

        Returns
        -------
        Rows
            Of a frame, or of a dict of frames.
        """
        if is_panel(X, series_id):
            frames = split_panel(X, series_id)
            index = next(iter(frames.values())).index
            for frame in frames.values():
                index = index.union(frame.index)
            return cls(frames, index)
        table = X if isinstance(X, pd.DataFrame | pd.Series) else pd.DataFrame(X)
        return cls(table, table.index)

    @property
    def by_series(self) -> dict[Any, Any]:
        """Return the frames by series.

        Returns
        -------
        dict
            Of a single one by None.
        """
        return self.table if isinstance(self.table, dict) else {None: self.table}

    def map(self, change: Callable[[Any], Any]) -> Any:
        """Change every frame.

        Parameters
        ----------
        change : callable
            Frame -> frame.

        Returns
        -------
        DataFrame, or dict of them by series
            As `table` is.
        """
        if isinstance(self.table, dict):
            return {name: change(own) for name, own in self.table.items()}
        return change(self.table)

    def cut(self, first: int, end: int, names: Sequence[Any] | None = None) -> Any:
        """Take the rows of some times.

        Parameters
        ----------
        first, end : int
            Positions in `index`, the end excluded.
        names : sequence, optional
            Series to take; default all that have such rows.

        Returns
        -------
        DataFrame, or dict of them by series
            As `table` is.
        """
        if not isinstance(self.table, dict):
            return self.table.iloc[first:end]
        found = {}
        for name, own in self.table.items():
            at = [own.index.searchsorted(self.index[i]) if i < len(self.index) else len(own) for i in (first, end)]
            if at[0] < at[1] and (names is None or name in names):
                found[name] = own.iloc[at[0] : at[1]]
        return found

    def due(self, cutoff: int, horizon: int, fewest: int = 1) -> dict[Any, int]:
        """Find the series that can be compared with outcomes.

        Parameters
        ----------
        cutoff : int
            Position in `index`.
        horizon : int
            Rows that a series needs after it.
        fewest : int, default 1
            Rows that it needs up to it, itself included.

        Returns
        -------
        dict of int
            By series, the row of the cutoff.
        """
        if not isinstance(self.table, dict):
            return {None: cutoff}
        found = {}
        for name, own in self.table.items():
            at = int(own.index.searchsorted(self.index[cutoff]))
            if fewest - 1 <= at < len(own) - horizon and own.index[at] == self.index[cutoff]:
                found[name] = at
        return found


@dataclass(frozen=True)
class Fold:
    """One fit, and the cutoffs that are forecast from with it.

    Attributes
    ----------
    first, end : int
        Positions of the rows to fit on, the end excluded.
    cutoffs : tuple of int
        Positions of the rows to forecast from.
    """

    first: int
    end: int
    cutoffs: tuple[int, ...]


def plan_folds(
    cutoffs: Sequence[int] | np.ndarray, every: int | None, gap: int = 0, *, rolling: bool = False
) -> list[Fold]:
    """Plan which cutoffs are forecast from with which fit.

    Parameters
    ----------
    cutoffs : sequence of int
        Ascending.
    every : int or None
        Cutoffs from one fit to the next; None for a single fit.
    gap : int, default 0
        Rows before the first cutoff of a fold that it is not fitted on.
    rolling : bool, default False
        Whether all are fitted on as many rows as the first one, the newest; default on all rows.

    Returns
    -------
    list of Fold
        Oldest first.

    Examples
    --------
    >>> plan_folds([9, 11, 13], every=2, gap=1, rolling=True)
    [Fold(first=0, end=9, cutoffs=(9, 11)), Fold(first=4, end=13, cutoffs=(13,))]
    """
    cutoffs, folds = [int(cutoff) for cutoff in cutoffs], []
    size = len(cutoffs) if every is None else check_int("every", every)
    n_rows = cutoffs[0] - check_int("gap", gap, minimum=0) + 1
    if n_rows < 1:
        raise ValueError(received(f"`gap` must be at most {cutoffs[0]}, to leave rows to fit on.", gap=gap))
    for part in range(0, len(cutoffs), size):
        end = cutoffs[part] - gap + 1
        folds.append(Fold(end - n_rows if rolling else 0, end, tuple(cutoffs[part : part + size])))
    return folds


def forecast_fold(
    model: Any,
    rows: Rows,
    fold: Fold,
    horizon: int,
    fewest: int = 1,
    arguments: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Found, Any]:
    """Fit afresh, and forecast from the cutoffs of a fold.

    Parameters
    ----------
    model : object with fit and predict, or callable that makes one
        An object is cloned, and stays as it is. ``predict(X)`` is given the rows up to a cutoff and returns `horizon`
        steps or more; one that takes no rows goes on from those of `fit`. Where it has `future_covariates`,
        ``predict(X, future=..)`` is given the rows after the cutoff.
    rows : Rows
        Of training and forecast alike.
    fold : Fold
        Of `plan_folds`.
    horizon : int
        Steps to forecast.
    fewest : int, default 1
        Rows that a series needs up to a cutoff.
    arguments : mapping
        More of ``predict``, by name.

    Returns
    -------
    found : dict of (list of int, ndarray of shape (n_cutoffs, horizon, n_targets))
        By series, the rows of its cutoffs and the forecasts.
    columns : Index or None
        Of the forecasts; None if they are arrays.

    Raises
    ------
    ValueError
        If forecasts have another shape, or a model that takes no rows is to forecast from others.
    """
    fitted = clone(model, safe=False) if hasattr(model, "fit") and not isinstance(model, type) else model()
    fitted = fitted.fit(rows.cut(fold.first, fold.end)) or fitted
    parameters = inspect.signature(fitted.predict).parameters
    takes_rows = any(each.kind is not each.KEYWORD_ONLY for each in parameters.values())
    knows_ahead = getattr(fitted, "future_covariates", None) is not None and "future" in parameters
    if not takes_rows and (len(fold.cutoffs) > 1 or fold.end != fold.cutoffs[0] + 1):
        rule = f"`{type(fitted).__name__}.predict` takes no rows, and can go on from those of `fit` alone: `refit=True`"
        raise ValueError(received(f"{rule} fits at every cutoff.", n_cutoffs=len(fold.cutoffs)))
    found: dict[Any, list[tuple[int, np.ndarray]]] = {}
    columns = None
    for cutoff in fold.cutoffs:
        due = rows.due(cutoff, horizon, fewest)
        if not due:
            continue
        named = dict(arguments)
        if knows_ahead:
            named["future"] = rows.cut(cutoff + 1, cutoff + 1 + horizon, list(due))
        forecast = fitted.predict(*([rows.cut(0, cutoff + 1, list(due))] if takes_rows else []), **named)
        columns = forecast.columns if isinstance(forecast, pd.DataFrame) else columns
        for name, at in due.items():
            own = _part_of(forecast, name, fitted, horizon)
            found.setdefault(name, []).append((at, own))
    return {name: ([at for at, _ in own], np.stack([each for _, each in own])) for name, own in found.items()}, columns


def _part_of(forecast: Any, name: Any, model: Any, horizon: int) -> np.ndarray:
    """Return the forecast of one series: (horizon, n_targets)."""
    if name is not None:
        forecast = forecast[name] if isinstance(forecast, Mapping) else forecast.xs(name, level=0)
    values = np.asarray(forecast)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) < horizon:
        rule = f"`{type(model).__name__}.predict` must return {horizon} rows, one a step, for `horizon={horizon}`."
        raise ValueError(received(rule, shape=np.shape(forecast)))
    return values[:horizon]


def join_folds(folds: Iterable[Found], rows: Rows, columns: pd.Index) -> pd.DataFrame:
    """Lay out the forecasts of all folds one below the other.

    Parameters
    ----------
    folds : iterable of dict
        Of `forecast_fold`.
    rows : Rows
        That they were made from.
    columns : Index
        Names of the targets.

    Returns
    -------
    DataFrame
        Indexed by ("cutoff", "time"), of several series ("series", "cutoff", "time").
    """
    parts: dict[Any, list[tuple[list[int], np.ndarray]]] = {name: [] for name in rows.by_series}
    for fold in folds:
        for name, part in fold.items():
            parts[name].append(part)
    frames = {}
    for name, own in parts.items():
        if own:
            at, values = [row for positions, _ in own for row in positions], np.concatenate([part for _, part in own])
            index = rows.by_series[name].index
            frames[name] = forecast_frame(values, index, at, columns, check_spacing(index, None))
    return frames[None] if None in frames else join_forecasts(frames, None, long=False, names=("cutoff", "time"))
