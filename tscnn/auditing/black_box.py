"""The audit of any model: a callable from rows to forecasts, or an object with `fit` and `predict`."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tscnn.auditing.changes import Context, Frames, change_later
from tscnn.auditing.findings import Audit, Finding
from tscnn.auditing.rows import (
    future_covariates,
    has_its_shape,
    in_words,
    independent_columns,
    independent_series,
    newest_row,
    receptive_field,
    repeatable,
)
from tscnn.auditing.subject import Subject
from tscnn.common.checks import check_choice, check_int, received
from tscnn.data.index import find_kind, read_label
from tscnn.data.tables import read_table
from tscnn.evaluation.folds import Rows

__all__ = ["audit", "some_series"]

MOST_SERIES = 8  # of a panel that are looked at: a convention of cost


def audit(
    model: Any,
    df: Any,
    horizon: int | None = None,
    *,
    fit: Callable[[Any, Any], Any] | None = None,
    cutoff: Any = None,
    lookback: int | None = None,
    independent: bool = False,
    series_id: Any = None,
    time: Any = None,
) -> Audit:
    """Audit any model on rows of one's own, by changing rows and looking at which forecasts change.

    Parameters
    ----------
    model : callable, object with `predict`, or None
        A callable takes a context, the rows up to a cutoff, and returns the forecast of the steps after it: a frame, or
        an array of shape (horizon, n_targets). An object with `fit` and `predict` is cloned and fitted to the rows up
        to the cutoff, as `compare` does; one that is fitted is given as ``model.predict``. A `Forecaster` is audited
        by ``Forecaster.audit``, which knows more. None where `fit` makes it.
    df : DataFrame, Series, array, or dict of them by series
        Rows to forecast from and, with `fit`, to learn from.
    horizon : int, optional
        Steps that the model forecasts; default ``model.horizon``.
    fit : callable, optional
        ``fit(df, cutoff)`` makes a model, of any of these kinds, from all rows and the label of the last row that it
        may learn from: the script of an experiment. It is run on changed later rows, too, which must not matter.
    cutoff : index label, optional
        Default the row at four fifths of all.
    lookback : int, optional
        Rows that are declared to count, the newest included.
    independent : bool, default False
        Whether no column is to count in the forecast of another.
    series_id : column name, optional
        Of the column that tells the series of a long frame; the model is given a dict of frames.
    time : column name, optional
        The column of times; default the index of a pandas frame.

    Returns
    -------
    Audit
        Printed, a table: a line a check, with what was measured and what to do; ``passed`` tells whether none fails,
        ``frame`` has the lines as a DataFrame.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks a rule, or a forecast has too few steps. Errors of the model are passed on.

    Examples
    --------
    >>> from tscnn import audit
    >>> df = pd.DataFrame({"load": np.sin(np.arange(200) / 4)})
    >>> stale = lambda context: context["load"].to_numpy()[-4:-2]  # the newest row, but three rows late
    >>> print(audit(stale, df, horizon=2, lookback=1).frame["result"].to_string())
    check
    steps and times of forecasts                            pass
    same rows, same forecast                                pass
    receptive field                                         fail
    every step sees the newest row                          fail
    later rows change no fit                      not applicable
    same fit, same forecast                       not applicable
    a future covariate changes no earlier step    not applicable
    columns isolated                              not applicable
    series isolated                               not applicable
    """
    if callable(getattr(model, "audit", None)) and hasattr(model, "pipeline_"):
        options = {
            "horizon": None if horizon == model.horizon else horizon,
            "fit": fit,
            "cutoff": cutoff,
            "lookback": lookback,
        }
        options |= {"independent": independent or None, "series_id": series_id, "time": time}
        if given := {name: value for name, value in options.items() if value is not None}:
            rule = "A fitted `Forecaster` knows all of this: `audit(forecaster, df)`."
            raise ValueError(received(rule, **given))
        return model.audit(df)
    horizon = _find_horizon(model, horizon)
    lookback = None if lookback is None else check_int("lookback", lookback)
    independent = check_choice("independent", independent, (True, False))
    table, layout = read_table(df, time)
    rows = Rows.of(table, series_id)
    rows = Rows(rows.map(pd.DataFrame), rows.index)
    with layout.lines_of_pandas(df):
        at = find_cutoff(rows.index, cutoff, horizon)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = _fit(model, fit, rows, at)
        needed = lookback or min(map(len, rows.by_series.values())) // 2
        frames = some_series(rows.by_series, needed + horizon)
        subject = Subject(frames, horizon, _as_predict(fitted), needed, known=_known(fitted))
        base = [check(subject) for check in (has_its_shape, repeatable)]
        base += [receptive_field(subject, lookback), newest_row(subject)]
        base += later_rows_change_no_fit(subject, fitted, fit, rows, at)
        others = (future_covariates, partial(independent_columns, asked=independent), independent_series)
        return Audit((*base, *(check(subject) for check in others)))


def later_rows_change_no_fit(
    subject: Subject, fitted: Any, fit: Callable[[Any, Any], Any] | None, rows: Rows, at: int
) -> list[Finding]:
    """Check that a fit is the same whatever comes after its cutoff, and is the same when it is repeated.

    Parameters
    ----------
    subject : Subject
        Of the model.
    fitted : object
        The model that `fit` made.
    fit : callable or None
        Of `audit`.
    rows : Rows
        All there are.
    at : int
        Position of the cutoff.

    Returns
    -------
    list of Finding
        Two.
    """
    later, same = "later rows change no fit", "same fit, same forecast"
    if fit is None:
        why = "no `fit=` of (df, cutoff) is given, that could see them"
        return [Finding(name, None, np.nan, why) for name in (later, same)]
    end = rows.index[at]
    changed = rows.map(lambda frame: change_later(frame, int(np.count_nonzero(frame.index <= end))))
    subject, context = _up_to(subject, end)
    if not context.frames:
        why = f"no series has rows up to {end} and {subject.horizon} rows after it"
        return [Finding(name, None, np.nan, why) for name in (later, same)]

    def forecast(model: Any) -> np.ndarray:
        return subject.read(_as_predict(model)(context), list(context.frames))

    base = forecast(fitted)
    away = float(subject.differences(base, forecast(fit(changed, end))).max())
    again = float(subject.differences(base, forecast(fit(rows.table, end))).max()) if away else 0.0
    kept = Finding(same, again == 0, again, f"{in_words(again)} between two fits", "pass a seed to every random part")
    if again:
        return [Finding(later, None, away, "fits differ by themselves: see the next line"), kept]
    advice = "fit scalers, encoders and everything else to the rows up to the cutoff alone"
    measured = f"{in_words(away)} at the cutoff when rows after it are others"
    return [Finding(later, away == 0, away, measured, advice), kept]


def _up_to(subject: Subject, end: Any) -> tuple[Subject, Context]:
    """Take the rows up to a time, of the series that have any, and as many as the horizon after it."""
    at = {name: int(np.count_nonzero(own.index <= end)) for name, own in subject.frames.items()}
    kept = {name: own for name, own in subject.frames.items() if 0 < at[name] <= len(own) - subject.horizon}
    before = {name: own.iloc[: at[name]] for name, own in kept.items()}
    after = {name: own.iloc[at[name] : at[name] + subject.horizon] for name, own in kept.items()}
    return replace(subject, frames=kept), Context(before, after)


def find_cutoff(index: pd.Index, cutoff: Any, horizon: int) -> int:
    """Find the row that a fit may see last.

    Parameters
    ----------
    index : Index
        Of all rows, ascending.
    cutoff : label or None
        Of the user; None for the row at four fifths.
    horizon : int
        Rows that must follow.

    Returns
    -------
    int
        Its position.

    Raises
    ------
    TypeError, ValueError
        If the index or the cutoff is of another kind, or there is no such row with rows enough after it.
    """
    find_kind(index)
    at = min(4 * len(index) // 5, len(index) - horizon) - 1
    if cutoff is not None:
        at = int(np.count_nonzero(index <= read_label("`cutoff`", cutoff, index))) - 1
    if not 0 <= at < len(index) - horizon:
        rule = f"`cutoff` must leave rows before it and {horizon} rows after it."
        raise ValueError(received(rule, cutoff=cutoff, n_rows=len(index)))
    return at


def some_series(frames: Frames, n_rows: int, columns: Sequence[Any] | None = None) -> Frames:
    """Take some of many series, those of the most rows.

    Parameters
    ----------
    frames : dict of DataFrame
        By series.
    n_rows : int
        That each needs.
    columns : sequence, optional
        That are to be changed, default all.

    Returns
    -------
    dict of DataFrame
        At most `MOST_SERIES` that are long enough, or the longest; of those in which a column moves, if there are any,
        since nothing else can be changed into values that the series might have.
    """
    moving = [
        name
        for name, frame in frames.items()
        if len(frames) > 1 and (frame if columns is None else frame[list(columns)]).nunique().gt(1).any()
    ]
    longest = sorted(moving or frames, key=lambda name: -len(frames[name]))[:MOST_SERIES]
    enough = [name for name in longest if len(frames[name]) >= n_rows]
    return {name: frames[name] for name in enough or longest[:1]}


def _find_horizon(model: Any, horizon: Any) -> int:
    horizon = getattr(model, "horizon", None) if horizon is None else horizon
    if horizon is None:
        raise ValueError(received("`horizon` must be given, as the model has none.", horizon=None))
    return check_int("horizon", horizon)


def _fit(model: Any, fit: Any, rows: Rows, at: int) -> Any:
    """Return a model that forecasts."""
    if fit is not None:
        if model is not None or not callable(fit):
            rule = "`fit` must be a function of (df, cutoff) that makes the model; `model` must be None then."
            raise TypeError(received(rule, model=model, fit=fit))
        return fit(rows.table, rows.index[at])
    if hasattr(model, "fit") and hasattr(model, "predict"):
        fitted = model() if isinstance(model, type) else clone(model, safe=False)
        return fitted.fit(rows.cut(0, at + 1)) or fitted
    if not callable(model) and not hasattr(model, "predict"):
        rule = "`model` must be a function from rows to a forecast, or an object with `predict`."
        raise TypeError(received(rule, model=model))
    return model


def _as_predict(fitted: Any) -> Callable[[Context], Any]:
    """Return a function from a context to a forecast."""
    predict = getattr(fitted, "predict", fitted)
    if _known(fitted):
        return lambda context: predict(context.table, future=context.future)
    return lambda context: predict(context.table)


def _known(fitted: Any) -> list[Any]:
    """List the columns that a model is given ahead, as `compare` does."""
    known = getattr(fitted, "future_covariates", None)
    if known is None or "future" not in inspect.signature(fitted.predict).parameters:
        return []
    return list(known) if isinstance(known, list | tuple | pd.Index) else [known]
