"""A fitted forecaster that is audited, and what it forecasts in all its ways."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tscnn.auditing.black_box import find_cutoff, some_series
from tscnn.auditing.changes import Context
from tscnn.auditing.refitted import Refits
from tscnn.auditing.subject import Subject
from tscnn.data.grid import put_on_grid
from tscnn.evaluation.folds import Rows

__all__ = ["COVERAGE", "N_CUTOFFS", "FittedSubject"]

COVERAGE = 0.9  # of the intervals that are looked at, a convention
ALIKE = 1e-4  # of a forecast, and of its standard deviation: float32 in another order of summation

# Conventions of cost
ROWS_BEFORE = 32  # older than the lookback, that are changed
N_CUTOFFS = 24  # of a backtest, from one row to the next
MOST_AT_ONCE = 2**22  # values of contexts


@dataclass(frozen=True)
class FittedSubject(Subject):
    """A fitted forecaster and rows to audit it on.

    Attributes
    ----------
    forecaster : Forecaster or None
        Never None.
    rows : Rows or None
        All of them, as they were given; `frames` has some series of a panel.
    """

    forecaster: Any = None
    rows: Any = None

    @classmethod
    def of(cls, forecaster: Any, X: Any, *, intervals: bool = True) -> FittedSubject:
        """Read the rows.

        Parameters
        ----------
        forecaster : Forecaster
            Fitted.
        X : DataFrame, Series, array, or dict of them by series
            Of the user.
        intervals : bool, default True
            Whether to ask for intervals and quantiles, too, if there are any.

        Returns
        -------
        FittedSubject
            With contexts of some rows more than the lookback.
        """
        pipeline, schema = forecaster.pipeline_, forecaster.schema_
        if not intervals:
            forecaster = copy.copy(forecaster).set_params(quantiles=None)
        rows = Rows.of(X, forecaster.series_id)
        rows = Rows.of(rows.map(pd.DataFrame if forecaster.freq is None else _on_grid(forecaster.freq)))
        if not isinstance(X, pd.DataFrame | pd.Series | Mapping):
            rows = Rows.of(rows.map(lambda frame: frame.set_axis(schema.columns, axis=1)))
        asked = {"coverage": COVERAGE} if intervals and pipeline.calibration is not None else {}

        def predict(context: Context) -> Any:
            return forecaster.predict(context.table, future=context.future if known else None, **asked)

        def predict_all(contexts: Sequence[Context]) -> list[Any]:
            if None not in contexts[0].frames or len(contexts) == 1:
                return [predict(context) for context in contexts]
            found: list[Any] = []
            size = max(1, MOST_AT_ONCE // contexts[0].table.size)
            for first in range(0, len(contexts), size):
                part = contexts[first : first + size]
                future = {i: each.future for i, each in enumerate(part)} if known else None
                forecasts = forecaster.predict({i: each.table for i, each in enumerate(part)}, future=future, **asked)
                found += [forecasts.xs(i, level=0) for i in range(len(part))]
            return found

        known = [schema.columns.tolist()[at] for at, role in enumerate(schema.roles) if role == "future_covariate"]
        seen = [schema.columns.tolist()[at] for at in (*schema.targets, *schema.past_covariates)]
        return cls(
            frames=some_series(rows.by_series, pipeline.fewest_rows + pipeline.horizon + 1, seen),
            horizon=pipeline.horizon,
            predict=predict,
            fewest=pipeline.fewest_rows,
            most=pipeline.lookback + ROWS_BEFORE,
            columns=seen,
            known=known,
            predict_all=predict_all,
            forecaster=forecaster,
            rows=rows,
        )

    @cached_property
    def refits(self) -> Refits:
        """Prepare clones that are fitted to the older rows.

        Returns
        -------
        Refits
            Nothing is fitted yet.
        """
        at = find_cutoff(self.rows.index, None, self.horizon)
        return Refits(self, self.forecaster, self.rows, at)

    @cached_property
    def points(self) -> FittedSubject:
        """Ask for points alone, which must see rows that intervals might see instead.

        Returns
        -------
        FittedSubject
            Of the same rows.
        """
        return FittedSubject.of(self.forecaster, self.rows.table, intervals=False)

    @property
    def asked(self) -> dict[str, Any]:
        """Return what forecasts are asked for beside points.

        Returns
        -------
        dict
            Arguments of `predict`, `backtest` and `stream`.
        """
        return {"coverage": COVERAGE} if self.forecaster.pipeline_.calibration is not None else {}

    @cached_property
    def newest(self) -> dict[Any, pd.DataFrame]:
        """Take the newest rows, and as many before them as a backtest of some cutoffs needs.

        Returns
        -------
        dict of DataFrame
            By series.
        """
        n_rows = self.forecaster.pipeline_.lookback + self.horizon + N_CUTOFFS
        return {name: frame.iloc[-n_rows:] for name, frame in self.frames.items()}

    def backtest(self, frames: dict[Any, pd.DataFrame]) -> dict[Any, pd.DataFrame]:
        """Forecast from every cutoff of some rows.

        Parameters
        ----------
        frames : dict of DataFrame
            By series.

        Returns
        -------
        dict of DataFrame
            By series, indexed by ("cutoff", "time").
        """
        if None in frames:
            return {None: self.forecaster.backtest(frames[None], **self.asked)}
        found = self.forecaster.backtest(frames, **self.asked)
        return {name: found.xs(name, level=0) for name in found.index.unique(0)}

    def away(self, one: pd.DataFrame, other: pd.DataFrame, name: Any) -> float:
        """Measure how far forecasts of one series are from each other, but for rounding.

        Parameters
        ----------
        one, other : DataFrame of shape (n, n_columns)
            In the data's own units.
        name : object
            Of the series.

        Returns
        -------
        float
            At most, in standard deviations.
        """
        at = list(self.frames).index(name)
        scale, apart = self.scale[at], np.abs(one.to_numpy(np.float64) - other.to_numpy(np.float64))
        counts = ~(apart <= ALIKE * (scale + np.abs(one.to_numpy(np.float64))))
        return float(np.where(counts, np.nan_to_num(apart / scale, nan=np.inf), 0).max(initial=0))


def _on_grid(freq: Any) -> Any:
    return lambda table: put_on_grid(pd.DataFrame(table), freq)
