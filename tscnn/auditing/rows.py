"""Checks of which rows count in a forecast: of any model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from tscnn.auditing.changes import part_of
from tscnn.auditing.findings import Finding
from tscnn.auditing.subject import Subject

__all__ = [
    "future_covariates",
    "has_its_shape",
    "in_words",
    "independent_columns",
    "independent_series",
    "measure_field",
    "newest_row",
    "receptive_field",
    "repeatable",
]

# Conventions of cost: how many are looked at one by one
MOST_LAGS = 512
MOST_STEPS = 6
MOST_COLUMNS = 16


def has_its_shape(subject: Subject) -> Finding:
    """Check that forecasts have the steps and the times that are due, and are numbers."""
    wrong: list[str] = []
    for context in subject.contexts:
        forecast = subject.predict(context)
        for name in context.frames:
            part, due = part_of(forecast, name), context.after[name].index
            if len(part) != subject.horizon:
                wrong.append(f"{len(part)} rows instead of {subject.horizon}")
            elif isinstance(part, pd.DataFrame | pd.Series) and not part.index.equals(due):
                wrong.append(f"first time {part.index[0]} instead of {due[0]}")
            if not np.isfinite(np.asarray(part, dtype=np.float64)).all():
                wrong.append("values that are not finite")
    n = len(subject.contexts)
    measured = wrong[0] if wrong else f"{subject.horizon} finite rows after the newest one, from {n} cutoffs"
    advice = "return `horizon` rows, indexed by the times after the newest row given, without NaN"
    return Finding("steps and times of forecasts", not wrong, len(wrong), measured, advice)


def repeatable(subject: Subject) -> Finding:
    """Check that the same rows have the same forecast."""
    again = subject.forecast_all(subject.contexts)
    away = float(np.max([subject.differences(*each, tolerance=0) for each in zip(subject.base, again, strict=True)]))
    measured = f"{in_words(away)} between two calls"
    advice = "switch dropout and sampling off, and fix the seed: all other checks depend on it"
    return Finding("same rows, same forecast", away == 0, away, measured, advice)


def newest_row(subject: Subject) -> Finding:
    """Check that the newest row counts in every step, and find how many do not where it doesn't."""
    seen = _steps_that_see(subject, 1)
    blind = [int(step) + 1 for step in np.flatnonzero(~seen)]
    name = "every step sees the newest row"
    if not blind:
        return Finding(name, True, 0, f"it counts in all {subject.horizon} steps")
    low, high = 1, min(len(frame) for frame in subject.contexts[0].frames.values())
    while low + 1 < high:  # rows that are moved together: too few for some step, enough for all
        middle = (low + high) // 2
        low, high = (low, middle) if _steps_that_see(subject, middle).all() else (middle, high)
    steps = f"{blind[0]}" if len(blind) == 1 else f"{blind[0]} to {blind[-1]}" if _run(blind) else f"{len(blind)}"
    some = f"steps {steps} of {subject.horizon}" if steps != f"{len(blind)}" else f"{steps} of {subject.horizon} steps"
    measured = f"{some} do not, for one of them the newest {low} rows count for nothing"
    advice = "check how far outputs are shifted against inputs, the padding, and a shift that has become stale;"
    return Finding(name, False, low, measured, f"{advice} a forecast that repeats a season is meant to be so")


def _run(numbers: Sequence[int]) -> bool:
    return numbers[-1] - numbers[0] == len(numbers) - 1


def _steps_that_see(subject: Subject, n_rows: int) -> np.ndarray:
    """Tell the steps that change with the newest rows of every series: (horizon,)."""
    effect = subject.effect(lambda context: subject.nudged(context, slice(-n_rows, None)))
    return np.asarray((effect > 0).all(axis=0))


def measure_field(subject: Subject) -> tuple[int, list[int]]:
    """Measure from how many rows on older ones count for nothing, and which lags in between do.

    Parameters
    ----------
    subject : Subject
        To forecast from its newest context.

    Returns
    -------
    field : int
        Rows, the newest included.
    holes : list of int
        Lags, of at most `MOST_LAGS` that are looked at.
    """
    context, base = subject.contexts[-1], subject.base[-1]

    def counts(rows: slice) -> bool:
        return bool(subject.differences(base, subject.forecast(subject.nudged(context, rows))).any())

    low, field = 0, max(map(len, context.frames.values()))
    while low < field:
        middle = (low + field) // 2
        if counts(slice(None, -middle or None)):
            low = middle + 1
        else:
            field = middle
    lags = np.unique(np.linspace(0, field - 1, min(field, MOST_LAGS)).astype(int)) if field else np.arange(0)
    changed = [subject.nudged(context, slice(-lag - 1, -lag or None)) for lag in lags]
    found = subject.forecast_all(changed) if changed else []
    return field, [int(lag) for lag, own in zip(lags, found, strict=True) if not subject.differences(base, own).any()]


def receptive_field(subject: Subject, lookback: int | None = None) -> Finding:
    """Measure how many rows count, and hold that to what is declared."""
    field, holes = measure_field(subject)
    name, measured = "receptive field", f"{field} measured, {len(holes)} of them holes"
    if lookback is None:
        return Finding(name, None, field, f"{measured}; no `lookback=` to hold it to")
    advice = f"check the layers: `tscnn.plan_layers({lookback})` sees {lookback} rows without holes; a model that has"
    advice += " learnt to repeat the newest rows sees fewer"
    return Finding(name, field == lookback and not holes, field, f"{lookback} rows declared, {measured}", advice)


def future_covariates(subject: Subject) -> Finding:
    """Check that what is known of a step changes no step before it."""
    name = "a future covariate changes no earlier step"
    if not subject.known:
        return Finding(name, None, np.nan, "no column is known ahead")
    steps = np.unique(np.linspace(0, subject.horizon - 1, min(subject.horizon, MOST_STEPS)).astype(int))
    early, own = 0, 0
    for step in steps.tolist():
        rows = slice(step, step + 1)
        effect = subject.effect(partial(subject.nudged, rows=rows, columns=subject.known, after=True))
        early, own = early + int(effect[:, :step].any()), own + int(effect[:, step].any())
    measured = f"of {len(steps)} steps whose covariates were changed, {early} changed an earlier one, {own} their own"
    advice = "a covariate is shifted against the steps: that of a step must be the one of its own time"
    return Finding(name, early == 0, early, measured, advice)


def independent_columns(subject: Subject, *, asked: bool = True) -> Finding:
    """Check that no column changes the forecast of another."""
    name, labels = "columns isolated", subject.labels
    changed = sorted({label for label in labels if label is not None}, key=labels.index)[:MOST_COLUMNS]
    if not asked or len(changed) < 2:
        why = "columns may count in each other's forecasts" if len(changed) > 1 else "there is one column"
        return Finding(name, None, np.nan, why)
    context, base, mixed, away = subject.contexts[-1], subject.base[-1], 0, 0.0
    for label in changed:
        found = subject.forecast(subject.nudged(context, slice(None), [label]))
        others = [at for at, own in enumerate(labels) if own != label]
        effect = subject.differences(base, found, columns=others).max()
        mixed, away = mixed + int(effect > 0), max(away, float(effect))
    measured = f"{mixed} of {len(changed)} columns change the forecast of another, by up to {in_words(away)}"
    advice = "check what swaps axes: a reshape from (time, features) to (features, time) mixes both, transpose them"
    return Finding(name, mixed == 0, away, measured if mixed else f"{len(changed)} columns change their own", advice)


def independent_series(subject: Subject, *, short: int | None = None) -> Finding:
    """Check that no series changes the forecast of another; `short` is a number of rows to cut all to, besides."""
    name = "series isolated"
    if len(subject.frames) < 2:
        return Finding(name, None, np.nan, "there is one series")
    contexts, away = [subject.contexts[-1]], 0.0
    if short is not None:
        contexts.append(contexts[0].change(lambda _, frame: frame.iloc[-short:]))
    for context in contexts:
        base = subject.forecast(context)
        for at, own in enumerate(context.frames):
            others = subject.nudged(context, slice(None), but=[own])
            away = max(away, float(subject.differences(base, subject.forecast(others))[at].max()))
    measured = f"{in_words(away)} in one of {len(subject.frames)} series when the others change"
    advice = "a window reaches from one series into the next, or all are scaled together: cut windows series by series"
    return Finding(name, away == 0, away, measured, advice)


def in_words(away: float) -> str:
    """Tell a difference of forecasts.

    Parameters
    ----------
    away : float
        In standard deviations.

    Returns
    -------
    str
        To be put into a sentence.
    """
    return f"{away:.2g} standard deviations" if away else "no difference"
