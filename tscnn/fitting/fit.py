"""From a series to a fitted pipeline: each step takes what the steps before it returned."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.common.interrupts import is_own_fit
from tscnn.common.progress import Stages
from tscnn.common.term import Term
from tscnn.data.index import find_seasonality, find_seasons
from tscnn.data.mapped import MOST_ROWS, is_mapped
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.evaluation.report import describe_report
from tscnn.fitting.calibration import fit_calibration
from tscnn.fitting.effects import find_ahead_inputs
from tscnn.fitting.networks import check_network, list_candidates, why_no_network
from tscnn.fitting.preparation import prepare
from tscnn.fitting.validation_report import report_on_validation
from tscnn.forecasting.contributions import share_of_variance
from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.predict import forecast_rows
from tscnn.forecasting.summary import FitFacts
from tscnn.linear import LinearFit, LinearModel, fit_linear_model
from tscnn.linear.lookbacks import list_lookbacks
from tscnn.linear.periodic_regression import PeriodicRegression
from tscnn.linear.periodic_regression_fit import fit_periodic_regression
from tscnn.linear.structural_mixture import StructuralMixture
from tscnn.linear.structural_mixture_fit import is_short
from tscnn.network.config import NetworkConfig
from tscnn.parameters.checked import (
    CheckedParameters,
    check_needs_no_validation,
    warn_of_long_steps,
    warn_of_short_lookback,
)
from tscnn.statistics import GateResult, not_kept
from tscnn.training.checkpoint import Checkpoint
from tscnn.transforms import CovariateEffects, OutlierFilter, Transform
from tscnn.transforms.ahead import AheadInputs
from tscnn.transforms.fit import clean_series
from tscnn.transforms.missing import fill_series
from tscnn.transforms.stuck import learn_stuck_from

__all__ = ["Fit", "fit_pipeline"]

STRETCHES = 2**18, 8  # rows, and how many, of a series of many millions that tell how long its cycles are: a convention


@dataclass(frozen=True)
class Fit:
    """What a fit returns.

    Attributes
    ----------
    pipeline : Pipeline
        Its transforms and linear terms have seen all rows, its network the training rows.
    config : NetworkConfig, or None
        Of the network that was chosen; None without one.
    history : dict
        "loss" and "val_loss" by epoch.
    report : DataFrame, or None
        Errors on the validation rows, before anything has seen them; None without such rows.
    gates : dict of str to GateResult
        By part of the forecast: what it gained, how certain that is, and whether it was kept.
    outliers : DataFrame, or None
        What was replaced in the training rows, of `clean_series`.
    facts : FitFacts
        For `Summary`.
    """

    pipeline: Pipeline
    config: NetworkConfig | None
    history: dict[str, list[float]]
    report: pd.DataFrame | None
    gates: dict[str, GateResult]
    outliers: pd.DataFrame | None = None
    facts: FitFacts = field(default_factory=FitFacts)


def fit_pipeline(
    series: SeriesSet, schema: Schema, parameters: CheckedParameters, checkpoint: Checkpoint | None = None
) -> Fit:
    """Fit transforms, linear terms and a network, and choose among them.

    Parameters
    ----------
    series : SeriesSet
        Training data, in their own units.
    schema : Schema
        Of their frame.
    parameters : CheckedParameters
        Of the forecaster.
    checkpoint : Checkpoint, optional
        Of `open_checkpoint`: how far the training of networks is; all else is the same to the bit when it is done anew.

    Returns
    -------
    Fit
        See there.

    Raises
    ------
    TypeError, ValueError
        Naming the parameter that doesn't fit the data, or how many rows are missing.
    """
    if parameters.network is not None:
        check_network(parameters.network, parameters, schema)
    tell, stages, n_rows = parameters.tell, Stages(parameters.tell), len(series.values)
    if parameters.missing == "interpolate":
        series = fill_series(series, None)
    split = _hold_back(series, parameters)
    seasons, season_length = find_seasons(schema.freq), find_seasonality(schema.freq)
    warn_of_short_lookback(parameters, seasons, max(map(len, series.indexes)))
    warn_of_long_steps(parameters, schema.freq)

    outliers = None
    if parameters.replaces_outliers:
        stages.begin("outliers")
        series, split, outliers = clean_series(series, split, schema, season_length, tell)
    stages.begin("transforms")
    prepared = prepare(series, split, schema, parameters)
    for name, gate in prepared.gates.items():
        tell(f"{name.replace('_', ' ')} {gate.reason}")
    rows, gaps = prepared.rows, prepared.gaps
    stages.begin("linear model")
    linear = fit_linear(rows, split, schema, parameters, prepared.effects)
    for line in linear.messages if linear is not None else ():
        tell(line)
    if parameters.network is not None:
        stages.begin("network")
    ahead = find_ahead_inputs(split, parameters, prepared.effects)
    fitted, fit = add_network(prepared.transforms, rows, split, schema, parameters, linear, ahead, checkpoint)
    if parameters.replaces_outliers:
        stuck_from = learn_stuck_from(series, season_length)
        fitted = replace(fitted, outliers=OutlierFilter.fit(rows.values, season_length, gaps, stuck_from))
    elif parameters.missing != "raise":
        fitted = replace(fitted, outliers=OutlierFilter.unbounded(len(schema.features), gaps))

    _tell_short_series(series, fitted)
    stages.begin("report")
    report, shares = None, share_of_variance(fitted, rows)
    if split.has_validation:
        report = report_on_validation(fitted, prepared.seen, rows, split, linear, seasons)
    if report is not None:
        tell(describe_report(report))
    stages.begin("intervals")
    newer = {term.name: term for term in linear.refitted} if linear is not None else {}
    refitted = replace(
        fitted,
        transforms=prepared.refit(series, schema, parameters),
        terms=tuple(newer.get(term.name, term) for term in fitted.terms),
        calibration=fit_calibration(fitted, prepared.seen, split, linear, schema),
    )
    gates = {**prepared.gates, **fit.gates}
    why = _explain_lookback(parameters.lookback, linear, fitted)
    facts = FitFacts(n_rows, len(series.indexes), why, shares, stages.end())
    return replace(fit, pipeline=refitted, report=report, gates=gates, outliers=outliers, facts=facts)


def add_network(
    transforms: tuple[Transform, ...],
    rows: SeriesSet,
    split: Split,
    schema: Schema,
    parameters: CheckedParameters,
    linear: LinearFit | None,
    ahead: AheadInputs | None,
    checkpoint: Checkpoint | None = None,
) -> tuple[Pipeline, Fit]:
    """Train the network on what the linear terms leave, if there is to be one.

    Parameters
    ----------
    transforms : tuple of Transform
        Of `fit_transforms`.
    rows : SeriesSet
        In the units of the terms.
    split : Split
        Of their series.
    schema : Schema
        For the columns and the targets.
    parameters : CheckedParameters
        Of the forecaster.
    linear : LinearFit or None
        The linear terms.
    ahead : AheadInputs or None
        Describes what is known ahead.
    checkpoint : Checkpoint, optional
        Of `fit_pipeline`.

    Returns
    -------
    pipeline : Pipeline
        Nothing of it has seen validation rows, but to be chosen on them.
    fit : Fit
        Of that pipeline, without a report.

    Warns
    -----
    UserWarning
        If it is interrupted: what there is by then is kept, unless the fit is a part of something larger.
    """
    lookback = parameters.lookback or (linear.lookback if linear is not None else 1)
    gates = dict(linear.gates) if linear is not None else {}
    if parameters.network is not None and (why := why_no_network(rows, split, schema, parameters, linear)):
        gates["network"] = not_kept(why)
    terms = linear.fitted if linear is not None else ()
    alone = Pipeline(transforms, terms, lookback, parameters.horizon, schema.target_features)
    if parameters.network is None or why:
        return alone, Fit(alone, None, {}, None, gates)

    from tscnn.training.fit import fit_network  # here, since it imports Keras

    listed = list_candidates(parameters.network, parameters, schema, split, lookback, linear)
    try:
        chosen = fit_network(
            listed,
            rows.values,
            split,
            parameters.training,
            ahead=ahead,
            beside=None if linear is None else _forecast_dense(terms, transforms, rows, parameters.horizon),
            device=parameters.device,
            seed=parameters.seed,
            tell=parameters.tell,
            checkpoint=checkpoint,
        )
    except KeyboardInterrupt:
        if not terms or not is_own_fit():
            raise
        _tell_interrupt("the linear model forecasts alone, since no epoch of the network was better yet.")
        return alone, Fit(alone, None, {}, None, {**gates, "network": not_kept("interrupted")})
    if chosen.interrupted:
        epochs = f"{len(chosen.history['loss'])} finished epochs"
        _tell_interrupt(f"the best network of {epochs} is kept.")
    pipeline = replace(alone, terms=chosen.all_terms)
    return pipeline, Fit(pipeline, chosen.term.config, chosen.history, None, {**gates, **chosen.gates})


def fit_linear(
    rows: SeriesSet,
    split: Split,
    schema: Schema,
    parameters: CheckedParameters,
    effects: Sequence[CovariateEffects],
) -> LinearFit | None:
    """Fit the linear terms, and choose the lookback by them.

    Parameters
    ----------
    rows : SeriesSet
        In the units of the terms.
    split : Split
        Of their series.
    schema : Schema
        For the targets and the step.
    parameters : CheckedParameters
        Of the forecaster.
    effects : sequence of CovariateEffects
        That were subtracted from `rows`, the first of them; none if nothing was.

    Returns
    -------
    LinearFit or None
        None where there is no linear model and the lookback is given.
    """
    settings, lookback, season_length = parameters.linear_model, parameters.lookback, find_seasonality(schema.freq)
    if settings is None and lookback is not None:
        return None
    targets, settings = list(schema.target_features), settings or LinearModel()
    lookbacks = [lookback] if lookback is not None else []
    if lookback is None:
        some = replace(split, series=rows).thin(*STRETCHES)
        bounds = zip(some.series.bounds[:-1].tolist(), some.validation_from, strict=True)
        known = [some.series.values[a:b, targets] for a, b in bounds]
        lookbacks = list_lookbacks(known, parameters.horizon, season_length, settings)
    isolated = parameters.network is not None and parameters.network.feature_mode == "independent"
    short = is_short(rows, lookback, parameters.linear_model)
    fit = fit_linear_model(
        rows.values,
        targets,
        split,
        lookbacks,
        parameters.horizon,
        season_length,
        settings,
        isolated=isolated,
        short=short,
    )
    return _add_periodic_regression(fit, rows, split, schema, parameters, effects)


def _add_periodic_regression(
    linear: LinearFit,
    rows: SeriesSet,
    split: Split,
    schema: Schema,
    parameters: CheckedParameters,
    effects: Sequence[CovariateEffects],
) -> LinearFit:
    """Fit regressions on future covariates, if there are any, beside the other linear terms, where they help."""
    settings, name = parameters.linear_model, PeriodicRegression.name
    if settings is None or not schema.ahead or any(isinstance(one, StructuralMixture) for one in linear.fitted):
        return linear
    if not settings.periodic_regression:
        return linear.beside(name, (), not_kept("switched off"))
    if is_mapped(rows.values) and len(rows.values) > MOST_ROWS:
        return linear.beside(name, (), not_kept("too many rows"))
    season_length = find_seasonality(schema.freq) or 1
    season = season_length if season_length > 1 else settings.lookbacks.default_season
    span = parameters.lookback or settings.periodic.seasons * season
    terms, result = fit_periodic_regression(
        rows.values,
        split,
        np.array(schema.target_features),
        linear.errors,
        effects,
        schema.freq,
        season,
        span,
        parameters.horizon,
        settings,
    )
    return linear.beside(name, terms, result)


def _forecast_dense(
    terms: Sequence[Term], transforms: Sequence[Transform], rows: SeriesSet, horizon: int
) -> np.ndarray | None:
    """Return what the terms that can't be trained beside forecast from every row, zeros where that sees too few."""
    found = None
    for term in terms:
        if not isinstance(term, PeriodicRegression):
            continue
        pipeline = Pipeline(tuple(transforms), (term,), term.context, horizon, tuple(term.targets.tolist()))
        if found is None:
            found = np.zeros((len(rows.values), horizon, len(pipeline.targets)), np.float32)
        for i, (start, stop) in enumerate(itertools.pairwise(rows.bounds.tolist())):
            cutoffs = np.arange(term.context - 1, stop - start - horizon)
            if len(cutoffs):
                for chunk, forecasts in forecast_rows(pipeline, rows.values[start:stop], rows.times(i), cutoffs):
                    found[start + cutoffs[chunk]] += forecasts
    return found


def _hold_back(series: SeriesSet, parameters: CheckedParameters) -> Split:
    """Hold rows back, or complain about too few."""
    n_rows, lookback, horizon = max(map(len, series.indexes)), parameters.lookback or 1, parameters.horizon
    if n_rows < lookback + horizon:
        rule = f"`X` must have at least lookback + horizon = {lookback + horizon} rows."
        raise ValueError(received(rule, n_samples=n_rows))
    split = Split.of(series, lookback, horizon, parameters.validation_fraction)
    if not split.has_validation and not is_short(series, parameters.lookback, parameters.linear_model):
        check_needs_no_validation(parameters, n_rows)
    return split


def _tell_short_series(series: SeriesSet, fitted: Pipeline) -> None:
    """Warn of the series of a panel from which no window could be cut."""
    needed = fitted.fewest_rows + fitted.horizon
    short = [i for i, index in enumerate(series.indexes) if len(index) < needed]
    if series.names is not None and short:
        said = (
            f"{len(short)} of {len(series.indexes)} series are shorter than {needed} rows, a window and its outcomes:"
        )
        said += " nothing is learnt from them, and their forecasts repeat their first row for what is missing."
        warnings.warn(received(said, short=[series.names[i] for i in short[:5]]), stacklevel=4)


def _explain_lookback(given: int | None, linear: LinearFit | None, fitted: Pipeline) -> str:
    """Say why the lookback is what it is."""
    longest = max(fitted.terms, key=lambda term: term.context, default=None)
    if longest is not None and given is not None and longest.context > given:
        return f"{given} is given, and the {longest.name.replace('_', ' ')} sees more"
    if given is not None:
        return "given"
    if isinstance(longest, StructuralMixture):
        return "that of structural models, which see all rows of short series"
    tried = linear.lookbacks if linear is not None else ()
    return f"smallest error on validation rows, of {min(tried)} to {max(tried)}" if len(tried) > 1 else "all that fits"


def _tell_interrupt(kept: str) -> None:
    """Say what is left of a fit that was interrupted while the network was trained."""
    warnings.warn(f"`fit` was interrupted, and goes on without further training: {kept}", stacklevel=5)
