"""The audit of a fitted forecaster: everything that is asked of any model, and what its own parts promise."""

from __future__ import annotations

import copy
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tscnn.auditing.changes import Context, change_later, part_of
from tscnn.auditing.findings import Audit, Finding
from tscnn.auditing.fitted_subject import COVERAGE, N_CUTOFFS, FittedSubject
from tscnn.auditing.refitted import check_refits, covers
from tscnn.auditing.rows import (
    future_covariates,
    has_its_shape,
    in_words,
    independent_columns,
    independent_series,
    measure_field,
    newest_row,
    repeatable,
)
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.forecasting import SeriesReader
from tscnn.network.receptive_field import find_holes
from tscnn.network.receptive_field import receptive_field as field_of
from tscnn.network.term import NetworkTerm
from tscnn.parameters import read_parameters

__all__ = ["CHECKS", "audit_forecaster"]


def audit_forecaster(forecaster: Any, X: Any, *, refit: bool = True) -> Audit:
    """Audit a fitted forecaster.

    Parameters
    ----------
    forecaster : Forecaster
        Fitted; it stays as it is.
    X : DataFrame, Series, array, or dict of them by series
        Rows of pandas, times in the index.
    refit : bool, default True
        Whether clones are fitted, to see that later rows change no fit.

    Returns
    -------
    Audit
        A line a check.
    """
    forecaster = copy.copy(forecaster)  # which may be told things that it is told once
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        subject = FittedSubject.of(forecaster, X)
        findings = [check(subject) for check in CHECKS]
        findings += check_refits(subject.refits) if refit else []
        findings.append(covers(subject.refits, COVERAGE, refit=refit))
        return Audit(tuple(findings))


def receptive_field(subject: FittedSubject) -> Finding:
    """Check that no more rows count than are declared, and that the layers see all of these."""
    lookback, config = subject.forecaster.pipeline_.lookback, subject.forecaster.config_
    field, holes = measure_field(subject.points)
    measured, right = f"{lookback} rows declared, {field} measured, {len(holes)} of them holes", field <= lookback
    if any(isinstance(term, NetworkTerm) for term in subject.forecaster.pipeline_.terms):
        layers = [*config.front_end_layers, *config.layers, (config.normalizer_span, 1)]
        right = field == lookback == field_of(layers) and not holes and not find_holes(layers)
        measured += f"; the network's layers see {field_of(layers)} with {len(find_holes(layers))} holes"
    advice = "a window is cut too long or too short, or a layer skips rows: report it, with `forecaster.config_`"
    return Finding("receptive field", right, field, measured, advice)


def older_rows(subject: FittedSubject) -> Finding:
    """Check that rows before the lookback change nothing, neither other ones nor none."""
    lookback, name = subject.forecaster.pipeline_.lookback, "older rows change nothing"
    longest = max(map(len, subject.contexts[-1].frames.values()))
    if longest <= lookback:
        return Finding(name, None, np.nan, f"no series has rows older than the lookback, {lookback}")
    away = subject.effect(lambda context: subject.nudged(context, slice(None, -lookback))).max()
    short = subject.effect(lambda context: context.change(lambda _, frame: frame.iloc[-lookback:])).max()
    away = float(max(away, short))
    measured = f"{in_words(away)} when the rows before the last {lookback} are others, or none"
    advice = "something is taken from all rows given, such as a level or a scale"
    return Finding(name, away == 0, away, measured, advice)


def later_rows(subject: FittedSubject) -> Finding:
    """Check that a backtest forecasts from the rows up to each cutoff alone."""
    away, n = 0.0, 0
    drop = subject.horizon + N_CUTOFFS // 2
    changed = {
        name: change_later(frame, max(0, len(frame) - drop), subject.columns) for name, frame in subject.newest.items()
    }
    before, after = subject.backtest(subject.newest), subject.backtest(changed)
    for name, frame in subject.newest.items():
        if name not in before or len(frame) <= drop:
            continue
        kept = before[name].index.get_level_values("cutoff") < frame.index[len(frame) - drop]
        n += int(kept.sum()) // subject.horizon
        away = max(away, subject.away(before[name][kept], after[name][kept], name))
    name = "later rows change no forecast"
    if not n:
        return Finding(name, None, np.nan, "there are too few rows for a cutoff before others")
    measured = f"{in_words(away)} in a backtest at {n} cutoffs, when rows after them are others"
    advice = "a layer sees rows to come: pad convolutions at the old end alone, and scale by rows up to the cutoff"
    return Finding(name, away == 0, away, measured, advice)


def evaluators(subject: FittedSubject) -> Finding:
    """Check that `predict`, `backtest` and `stream` return the same."""
    name, horizon = "evaluators agree", subject.horizon
    n_steps = min(N_CUTOFFS // 2, min(map(len, subject.frames.values())) - subject.fewest - horizon)
    if n_steps < 1:
        return Finding(name, None, np.nan, "there are too few rows for a stream of some")
    backtest, away, n = subject.backtest(subject.newest), {"backtest": 0.0, "stream": 0.0}, 0
    known_series = subject.forecaster.pipeline_.standardize.names
    stream = subject.forecaster.stream(subject.cut(horizon + n_steps).table, **subject.asked)
    for drop in range(horizon + n_steps - 1, horizon - 1, -1):
        context = subject.cut(drop)
        row = Context({of: frame.iloc[[-1]] for of, frame in context.frames.items()}, context.after)
        known = {"future": context.future} if subject.known else {}
        streamed, predicted = stream.update(row.table, **known), subject.predict(context)
        for of, frame in context.frames.items():
            own = part_of(predicted, of)
            if known_series is None or of in known_series:  # a stream keeps level and scale of others
                away["stream"] = max(away["stream"], subject.away(own, part_of(streamed, of), of))
            if of in backtest:
                n += 1
                away["backtest"] = max(away["backtest"], subject.away(own, backtest[of].loc[frame.index[-1]], of))
    worst = max(away.values())
    words = " and ".join(f"`{how}` is {in_words(apart)}" for how, apart in away.items() if apart)
    measured = f"{words} away from `predict`" if words else f"`predict`, `backtest` and `stream` agree in {n} forecasts"
    advice = "one form of a part computes something else, or the memory of the stream is stale: report it"
    return Finding(name, worst == 0, worst, measured, advice)


def windows_within_series(subject: FittedSubject) -> Finding:
    """Check that no window of training reaches from one series into another."""
    forecaster, name = subject.forecaster, "windows within series"
    pipeline, schema, horizon = forecaster.pipeline_, forecaster.schema_, subject.horizon
    lookback = pipeline.lookback
    if len(subject.rows.by_series) < 2:
        return Finding(name, None, np.nan, "there is one series")
    frames = SeriesReader(pipeline, schema, forecaster.series_id, forecaster.freq).context(subject.rows.table)
    series = SeriesSet.of_frames(frames, schema)
    split = Split.of(series, lookback, horizon, forecaster.validation_fraction)
    origins = [*split.training(lookback, horizon), *split.validation(lookback, horizon)]
    at = np.concatenate([np.asarray(each, dtype=int) for each in origins])
    first, last = (np.searchsorted(series.bounds, row, side="right") for row in (at - lookback + 1, at + horizon))
    n = int((first != last).sum())
    if not len(at):
        return Finding(name, None, np.nan, "no series holds a whole window and its outcomes")
    measured = f"{n} of {len(at)} windows and their outcomes reach across two series"
    return Finding(name, n == 0, n, measured, "cut windows series by series: see `SeriesSet.origins`")


def newest_row_of_points(subject: FittedSubject) -> Finding:
    """Check that the newest row counts in the points of every step, not in their intervals alone."""
    return newest_row(subject.points)


def isolated_series(subject: FittedSubject) -> Finding:
    """Check that no series changes the forecast of another, not even where it has too few rows for a window."""
    return independent_series(subject, short=max(2, subject.forecaster.pipeline_.lookback // 2))


def isolated_columns(subject: FittedSubject) -> Finding:
    """Check that columns do not mix where the network is to keep them apart."""
    network = read_parameters(subject.forecaster).network
    asked = network is not None and network.feature_mode == "independent"
    return independent_columns(subject, asked=asked)


def saved_and_loaded(subject: FittedSubject) -> Finding:
    """Check that a forecaster that was saved and loaded forecasts the same, to the bit."""
    name, forecaster = "saved, loaded, equal", subject.forecaster
    context = subject.contexts[-1]
    known = {"future": context.future} if subject.known else {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tscnn"
        try:
            forecaster.save(path)
        except TypeError as error:
            return Finding(name, None, np.nan, f"it can't be saved: {error}")
        try:
            loaded = type(forecaster).load(path)
        except ValueError as error:
            return Finding(name, False, np.nan, f"it can't be loaded: {error}", "report it")
        again = loaded.predict(context.table, **known, **subject.asked)
        kilobytes = path.stat().st_size / 1000
    found = subject.predict(context)
    equal = found.equals(again)
    away = 0.0 if equal else float(np.nanmax(np.abs(found.to_numpy() - again.to_numpy())))
    measured = f"equal to the bit, {kilobytes:,.0f} kB" if equal else f"{away:.2g} in the data's own units"
    return Finding(name, equal, away, measured, "a part leaves something out of its arrays or settings: report it")


CHECKS = (
    has_its_shape,
    repeatable,
    receptive_field,
    older_rows,
    newest_row_of_points,
    later_rows,
    future_covariates,
    isolated_columns,
    isolated_series,
    windows_within_series,
    evaluators,
    saved_and_loaded,
)
