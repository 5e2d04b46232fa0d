"""Checks of a forecaster that is fitted anew, to the older part of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tscnn.auditing.changes import change_later
from tscnn.auditing.findings import Finding
from tscnn.auditing.subject import Subject
from tscnn.evaluation.evaluate import evaluate
from tscnn.evaluation.folds import Fold, Rows, forecast_fold

__all__ = ["Refits", "check_refits", "covers"]

FEWEST_BLOCKS = 8  # whose spread is measured, a convention
MOST_COVERED = 100  # series, a convention of cost
TOLERANCE = 0.05  # by which intervals may cover less than they say, besides two standard errors: a convention


class _Remembering:
    """An estimator that remembers the clone of a forecaster that it fitted."""

    def __init__(self, forecaster: Any) -> None:
        self.forecaster = forecaster
        self.future_covariates = forecaster.future_covariates

    def fit(self, X: Any) -> _Remembering:
        """Fit a clone."""
        self.fitted = clone(self.forecaster).fit(X)
        return self

    def predict(self, X: Any, future: Any = None) -> Any:
        """Forecast with it."""
        return self.fitted.predict(X, future=future)


@dataclass(frozen=True)
class Refits:
    """Clones of a forecaster, fitted to the rows up to a cutoff by the code that backtests are refitted with.

    Attributes
    ----------
    subject : Subject
        Of the forecaster.
    forecaster : Forecaster
        For its parameters.
    rows : Rows
        All of them.
    cutoff : int
        Position of the newest row to fit to.
    """

    subject: Subject
    forecaster: Any
    rows: Rows
    cutoff: int

    def fit(self, rows: Rows) -> tuple[Any, dict[Any, np.ndarray]]:
        """Fit a clone, and forecast from the cutoff with it.

        Parameters
        ----------
        rows : Rows
            Of which those up to the cutoff count.

        Returns
        -------
        fitted : Forecaster
            The clone.
        forecasts : dict of ndarray
            By series.
        """
        quiet = clone(self.forecaster).set_params(verbose=0)
        if quiet.random_state is None:
            quiet.set_params(random_state=0)
        model = _Remembering(quiet)
        fold = Fold(0, self.cutoff + 1, (self.cutoff,))
        found, _ = forecast_fold(lambda: model, rows, fold, self.forecaster.pipeline_.horizon)
        return model.fitted, {name: own for name, (_, own) in found.items()}

    @cached_property
    def first(self) -> tuple[Any, dict[Any, np.ndarray]]:
        """Fit to the rows as they are.

        Returns
        -------
        fitted, forecasts
            Of `fit`.
        """
        return self.fit(self.rows)

    def on_other_rows(self) -> tuple[Any, dict[Any, np.ndarray]]:
        """Fit with other rows after the cutoff.

        Returns
        -------
        fitted, forecasts
            Of `fit`.
        """
        end, known = self.rows.index[self.cutoff], set(self.subject.columns or [])
        columns = list(known)
        changed = self.rows.map(lambda frame: change_later(frame, int(np.count_nonzero(frame.index <= end)), columns))
        return self.fit(Rows(changed, self.rows.index))


def check_refits(refits: Refits) -> list[Finding]:
    """Check that later rows change no fit, and that a fit repeats.

    Parameters
    ----------
    refits : Refits
        Of a forecaster.

    Returns
    -------
    list of Finding
        Two. A third fit is only made if two differ, to tell later rows from chance.
    """
    later, same = "later rows change no fit", "same seed, same forecast"
    first, other = refits.first, refits.on_other_rows()
    differ = _differences(first, other)
    again = _differences(first, refits.fit(refits.rows)) if differ else []
    how = f"two fits with seed {first[0].random_state!r} on the {refits.cutoff + 1} rows up to {_cutoff(refits)}"
    told = f"{', '.join(again)} differ" if again else "equal to the bit"
    advice = "something draws numbers that no seed fixes, such as a callback: pass it a seed"
    seeded = Finding(same, not again, len(again), f"{how}: {told}", advice)
    if again:
        return [Finding(later, None, np.nan, "fits differ by themselves: see the next line"), seeded]
    parts = "scalers, weights, choices, intervals and forecasts"
    told = f"{', '.join(differ)} differ" if differ else f"{parts} are equal to the bit"
    advice = "fit every part to the rows up to the cutoff alone: report it, with the names of the parts"
    return [Finding(later, not differ, len(differ), f"{how}, with other rows after it: {told}", advice), seeded]


def _differences(one: tuple[Any, dict[Any, np.ndarray]], other: tuple[Any, dict[Any, np.ndarray]]) -> list[str]:
    """Name the parts of two fits that are not equal to the bit."""
    pipelines = [fitted.pipeline_ for fitted, _ in (one, other)]
    arrays = [pipeline.arrays() for pipeline in pipelines]
    same = [
        np.array_equal(own, arrays[1].get(name), equal_nan=own.dtype.kind == "f") for name, own in arrays[0].items()
    ]
    found = [name.partition("/")[0] for name, equal in zip(arrays[0], same, strict=True) if not equal]
    found += [name.partition("/")[0] for name in arrays[1].keys() - arrays[0].keys()]
    if pipelines[0].settings() != pipelines[1].settings():
        found.append("choices")
    forecasts = [each[1] for each in (one, other)]
    if forecasts[0].keys() != forecasts[1].keys() or any(
        not np.array_equal(own, forecasts[1][name], equal_nan=True) for name, own in forecasts[0].items()
    ):
        found.append("forecasts")
    return sorted(set(found))


def _cutoff(refits: Refits) -> str:
    return str(refits.rows.index[refits.cutoff])


def covers(refits: Refits, coverage: float, *, refit: bool) -> Finding:
    """Check that intervals hold what they say, on rows after those of a fit.

    Parameters
    ----------
    refits : Refits
        Of a forecaster.
    coverage : float
        Share of outcomes that intervals are to hold.
    refit : bool
        Whether a clone is fitted to the older rows; or else the forecaster judged on the rows after those it was
        fitted to.

    Returns
    -------
    Finding
        They may cover more.
    """
    name = f"intervals of {coverage:.0%} cover"
    fitted, rows = refits.first[0] if refit else refits.forecaster, refits.rows
    if fitted.pipeline_.calibration is None:
        return Finding(name, None, np.nan, "no row was held back in `fit`, so that there are no intervals")
    parts = _rows_after(fitted, rows, rows.index[refits.cutoff] if refit else None)
    if not parts:
        why = f"no {fitted.pipeline_.horizon} rows after those of `fit` are given"
        return Finding(name, None, np.nan, why if refit else f"{why}; `refit=True` fits a clone to the older ones")
    found = []
    for own, (frame, start) in parts.items():
        table = frame if own is None else {own: frame}
        stride = fitted.pipeline_.horizon
        of_series = fitted.backtest(table, start=start, stride=stride, coverage=coverage)
        found.append(evaluate(of_series, table, "coverage", by="cutoff", coverage=coverage))
    shares = pd.concat(found)
    held = (shares["coverage"] * shares["n"]).groupby(level=0).sum()
    n = shares["n"].groupby(level=0).sum()
    measured = float(held.sum() / max(1, n.sum()))
    blocks, chance = len(n), np.sqrt(coverage * (1 - coverage) / len(n))  # at most, where blocks are alike within
    error = float(min(chance, (held / n).std(ddof=1) / np.sqrt(blocks)) if blocks >= FEWEST_BLOCKS else chance)
    least = coverage - TOLERANCE - 2 * error
    told = f"{measured:.1%} of {n.sum():,.0f} outcomes from {blocks} cutoffs after a fit; less than {least:.1%} fails"
    advice = "errors were learnt on rows that the model was solved on, or the series have changed: `adaptive=True`"
    return Finding(name, measured >= least, measured, told, advice)


def _rows_after(fitted: Any, rows: Rows, end: Any) -> dict[Any, tuple[pd.DataFrame, Any]]:
    """Cut the rows after those of a fit, with the lookback before them: by series, with the first label after."""
    found, lookback, context = {}, fitted.pipeline_.lookback, fitted.context_
    for own, frame in list(rows.by_series.items())[:MOST_COVERED]:
        last = end
        if end is None:
            seen = context.get(own) if isinstance(context, dict) else context
            if seen is None:
                continue
            last = seen.index[-1]
        n = int(np.count_nonzero(frame.index <= last))
        if len(frame) - n >= fitted.pipeline_.horizon and n >= fitted.pipeline_.fewest_rows:
            found[own] = frame.iloc[max(0, n - lookback) :], frame.index[n - 1]
    return found
