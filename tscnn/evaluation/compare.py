"""Several models and what they have to beat, on the same cutoffs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import check_choice, check_int, received, show
from tscnn.data.frame import as_frame
from tscnn.data.index import find_kind, find_seasonality, find_seasons
from tscnn.data.panel import naming, split_panel
from tscnn.data.steps import find_step
from tscnn.data.tables import read_table
from tscnn.data.values import list_some
from tscnn.evaluation.backtest import find_cutoffs
from tscnn.evaluation.evaluate import evaluate, read_groups
from tscnn.evaluation.folds import Fold, Found, Rows, forecast_fold, join_folds, plan_folds
from tscnn.evaluation.naive import SeasonalNaive
from tscnn.metrics import Metric, read_metrics
from tscnn.statistics.diebold_mariano import diebold_mariano

__all__ = ["compare"]


def compare(
    models: Any,
    df: Any,
    metrics: Any = ("mase", "mae"),
    by: Any = (),
    *,
    horizon: int | None = None,
    start: Any = None,
    stride: int | None = None,
    refit: bool = False,
    every: int | None = None,
    season_length: int | None = None,
    series_id: Any = None,
    time: str | None = None,
) -> pd.DataFrame:
    """Compare models with each other, and with what each has to beat, on the same cutoffs.

    Each is fitted to rows up to the first cutoff alone, and forecasts from the rows up to each. Naive forecasts are
    compared, too: "repeat day", "repeat week" and so on, as the step of the index has such seasons, and "repeat last".

    Parameters
    ----------
    models : dict of str to object with `fit` and `predict`
        By name; the others are tested against the first one. An object is cloned, a class or function called without
        arguments. ``fit(X)`` is given rows, ``predict(X)`` all rows up to a cutoff, and returns `horizon` steps: a
        frame, or an array of shape (horizon, n_targets). One whose ``predict()`` takes no rows needs ``refit=True``.
    df : DataFrame, Series, array, or dict of them by series
        Rows with known outcomes.
    metrics : str, `tscnn.metrics.Metric`, or list of them, default ("mase", "mae")
        Of `evaluate`; the first one is tested.
    by : {"target", "step", "series"}, or list of them, default ()
        What to tell apart, as of `evaluate`.
    horizon : int, optional
        Steps to forecast; default that of the first model that has one.
    start : index label, optional
        The first cutoff is the first row at or after this label; default the row after four fifths of all.
    stride : int, optional
        Rows from one cutoff to the next; default the horizon.
    refit : bool, default False
        Fit once before the first cutoff; True: at every cutoff.
    every : int, optional
        Fit at every so many cutoffs.
    season_length : int, optional
        As of `evaluate`.
    series_id : column name, optional
        Of the column that tells the series, if `df` is a long frame; models are given a dict of frames.
    time : column name, optional
        The column of times; default the index of a pandas frame.

    Returns
    -------
    DataFrame
        A row for each model, within groups of `by`: the metrics; "skill", 1 - the first metric of the first model / its
        own; "p_value", the probability of such a difference from the first model, or a greater one, between two that
        are equally good (Diebold and Mariano [1]_, corrected for few cutoffs [2]_), NaN if all cutoffs share outcomes;
        "n", the outcomes that counted; "seconds" of fits and forecasts.

    Raises
    ------
    TypeError, ValueError
        If a model or an argument breaks a rule.

    References
    ----------
    .. [1] Diebold and Mariano (1995), Comparing predictive accuracy.
    .. [2] Harvey, Leybourne and Newbold (1997), Testing the equality of prediction mean squared errors.

    Examples
    --------
    >>> from tscnn import datasets
    >>> df = datasets.load_nyc_weather()[["JFK_temp"]][:1000]
    >>> compare({"repeat two days": SeasonalNaive(48, horizon=24)}, df)[["mase", "skill", "n"]].round(2)
                     mase  skill    n
    model
    repeat two days  0.72   0.00  192
    repeat day       0.84   0.14  192
    repeat week      1.33   0.46  192
    repeat last      0.74   0.03  192
    """
    if not isinstance(models, Mapping) or not models:
        raise TypeError(
            received("`models` must be a dict of models by name, such as {'ours': Forecaster()}.", models=models)
        )
    for name, model in models.items():
        if not callable(model) and not (hasattr(model, "fit") and hasattr(model, "predict")):
            raise TypeError(
                received("A model must have `fit` and `predict`, or make one when called.", **{name: model})
            )
    table, layout = read_table(df, time)
    if not isinstance(table, Mapping):
        table = split_panel(table, series_id) if series_id is not None else as_frame(table, "df")
    rows, metrics = Rows.of(table), read_metrics(metrics)
    with layout.lines_of_pandas(df):
        for name, frame in rows.by_series.items():
            with naming(name):
                find_kind(frame.index)
    by = read_groups(by, ("series", "target", "step"))
    if season_length is not None:
        check_int("season_length", season_length)
    horizon = _find_horizon(models, horizon)
    stride = horizon if stride is None else check_int("stride", stride)
    longest = max(rows.by_series.values(), key=len)
    step, first = find_step(longest.index), rows.index[4 * len(rows.index) // 5] if start is None else start
    cutoffs = find_cutoffs(rows.index, 2, horizon, first, stride)
    refit = check_choice("refit", refit, (True, False))
    folds = plan_folds(cutoffs, 1 if refit and every is None else every)
    found, columns = {}, None
    for name, model in models.items():
        found[name], columns = _run(name, model, rows, folds, horizon, columns)
    for name, model in _yardsticks(step, horizon, columns, models, len(longest)).items():
        found[name], _ = _run(name, model, rows, folds, horizon, columns)
    settings = {"season_length": season_length or find_seasonality(step) or 1}
    return _tabulate(found, rows.table, metrics, by, (horizon - 1) // stride + 1, settings)


def _run(
    name: str, model: Any, rows: Rows, folds: Sequence[Fold], horizon: int, columns: pd.Index | None
) -> tuple[tuple[pd.DataFrame, float], pd.Index]:
    """Return the forecasts of a model, the seconds that they took, and the names of the targets."""
    began = perf_counter()
    parts = [forecast_fold(model, rows, fold, horizon) for fold in folds]
    known = pd.DataFrame(next(iter(rows.by_series.values()))).columns
    own = next((names for _, names in parts if names is not None), None)
    if columns is None:
        columns = known if own is None else own
    found = [_in_order(part, own, columns, known, name) for part, _ in parts]
    return (join_folds(found, rows, columns), perf_counter() - began), columns


def _in_order(part: Found, own: pd.Index | None, columns: pd.Index, known: pd.Index, model: str) -> Found:
    """Put the columns of forecasts in the order of those of the first model; names that `df` lacks tell no order."""
    named = own is not None and own.is_unique and own.isin(known).any()
    positions = own.get_indexer(columns) if named else np.arange(len(columns))  # type: ignore[union-attr]
    n_columns = max((values.shape[2] for _, values in part.values()), default=len(columns))
    if (positions < 0).any() or not (named or n_columns == len(columns)):
        rule = f"Every model must forecast the columns that the first one does, {show(list_some(columns), 100)}."
        has = n_columns if own is None else list_some(own)
        raise ValueError(received(rule, model=model, columns=has))
    return {series: (at, values[:, :, positions]) for series, (at, values) in part.items()}


def _find_horizon(models: Mapping[str, Any], horizon: int | None) -> int:
    if horizon is None:
        horizon = next((model.horizon for model in models.values() if hasattr(model, "horizon")), None)
    if horizon is None:
        raise ValueError(received("`horizon` must be given, as no model has one.", horizon=None))
    return check_int("horizon", horizon)


def _yardsticks(step: Any, horizon: int, targets: pd.Index, models: Mapping[str, Any], n_rows: int) -> dict[str, Any]:
    """Return the naive forecasts that go with a step, but for names that are taken."""
    lengths = {f"repeat {name}": length for name, length in find_seasons(step).items() if 2 * length < n_rows}
    lengths["repeat last"] = 1
    return {
        name: SeasonalNaive(length, horizon, targets.tolist()) for name, length in lengths.items() if name not in models
    }


def _tabulate(
    found: Mapping[str, tuple[pd.DataFrame, float]],
    outcomes: Any,
    metrics: list[Metric],
    by: list[str],
    n_overlapping: int,
    settings: dict[str, Any],
) -> pd.DataFrame:
    """Measure forecasts, and test each against the first."""
    first, main, tables, losses = next(iter(found)), metrics[0], {}, {}
    for name, (forecasts, seconds) in found.items():
        table = evaluate(forecasts, outcomes, metrics, by, **settings)
        tables[name] = table.assign(seconds=round(seconds, 2))
        losses[name] = evaluate(forecasts, outcomes, main, [*by, "cutoff"], **settings)[main.name]
    for name, table in tables.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            skill = 1 - tables[first][main.name] / table[main.name]
        same = np.isclose(losses[name], losses[first], rtol=1e-6, atol=0)  # but for rounding
        differences = (losses[name] - losses[first]).mask(same, 0.0)
        groups = differences.groupby(level=by if len(by) > 1 else by[0]) if by else [(table.index[0], differences)]
        p_values = {label: diebold_mariano(each.to_numpy(), n_overlapping)[1] for label, each in groups}
        own = [np.nan if name == first else p_values[label] for label in table.index]
        tables[name] = table.assign(skill=skill, p_value=own)
    joined = pd.concat(tables, names=["model"])
    joined = joined[[metric.name for metric in metrics] + ["skill", "p_value", "n", "seconds"]]
    if not by:
        return joined.droplevel(1)
    labels = tables[first].index
    order = [(name, *(label if isinstance(label, tuple) else (label,))) for label in labels for name in tables]
    return joined.loc[order].reorder_levels([*by, "model"])
