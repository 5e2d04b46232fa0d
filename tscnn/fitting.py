"""From a series to a fitted pipeline: each step takes what the steps before it returned."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tscnn.common.checks import check_choice, received
from tscnn.common.progress import write_line
from tscnn.common.term import Term
from tscnn.data.index import find_seasonality, find_seasons
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.evaluation.report import describe_report, evaluate_forecasts
from tscnn.forecasting import forecast_rows
from tscnn.known_ahead import find_ahead_inputs
from tscnn.linear import OWN_COLUMN_TERMS, LinearFit, LinearModel, fit_linear_model
from tscnn.linear.lookbacks import list_lookbacks
from tscnn.linear.structural_mixture import StructuralMixture
from tscnn.linear.structural_mixture_fit import is_short
from tscnn.network.config import FEATURE_MODES, NetworkConfig, resolve_config
from tscnn.network.settings import TCN
from tscnn.parameters import CheckedParameters, check_needs_no_validation, is_auto, warn_of_short_lookback
from tscnn.pipeline import Pipeline
from tscnn.preparation import prepare
from tscnn.statistics import GateResult, not_kept
from tscnn.transforms import AheadInputs, Logarithm, OutlierFilter, Standardize, Transform
from tscnn.transforms.fit import clean_series, transform
from tscnn.transforms.missing import fill_series

__all__ = ["Fit", "fit_pipeline"]

MOST_STRETCHES = 300  # of a panel, that its report looks at: a convention, for the time of a fit


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
    """

    pipeline: Pipeline
    config: NetworkConfig | None
    history: dict[str, list[float]]
    report: pd.DataFrame | None
    gates: dict[str, GateResult]
    outliers: pd.DataFrame | None = None


def fit_pipeline(series: SeriesSet, schema: Schema, parameters: CheckedParameters) -> Fit:
    """Fit transforms, linear terms and a network, and choose among them.

    Parameters
    ----------
    series : SeriesSet
        Training data, in their own units.
    schema : Schema
        Of their frame.
    parameters : CheckedParameters
        Of the forecaster.

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
    tell: Callable[[str], None] = write_line if parameters.verbose else _say_nothing
    if parameters.missing == "interpolate":
        series = fill_series(series, None)
    split = _split(series, parameters)
    seasons, season_length = find_seasons(schema.freq), find_seasonality(schema.freq)
    warn_of_short_lookback(parameters, seasons, max(map(len, series.indexes)))

    outliers = None
    if parameters.replaces_outliers:
        series, split, outliers = clean_series(series, split, schema, season_length, tell)
    prepared = prepare(series, split, schema, parameters)
    for name, gate in prepared.gates.items():
        tell(f"{name.replace('_', ' ')} {gate.reason}")
    rows, gaps = prepared.rows, prepared.gaps
    linear = fit_linear(rows, split, schema, parameters, season_length)
    for line in linear.messages if linear is not None else ():
        tell(line)
    ahead = find_ahead_inputs(split, parameters, prepared.effects)
    fitted, fit = add_network(prepared.transforms, rows, split, schema, parameters, linear, ahead)
    if parameters.replaces_outliers:
        fitted = replace(fitted, outliers=OutlierFilter.fit(rows.values, season_length, gaps))
    elif parameters.missing != "raise":
        fitted = replace(fitted, outliers=OutlierFilter.unbounded(len(schema.features), gaps))

    _tell_short_series(series, fitted)
    report = None
    if split.has_validation:
        report = report_on_validation(fitted, prepared.seen, rows, split, linear, seasons)
        tell(describe_report(report))
    newer = {term.name: term for term in linear.refitted} if linear is not None else {}
    refitted = replace(
        fitted,
        transforms=prepared.refit(series, schema, parameters),
        terms=tuple(newer.get(term.name, term) for term in fitted.terms),
    )
    gates = {**prepared.gates, **fit.gates}
    return replace(fit, pipeline=refitted, report=report, gates=gates, outliers=outliers)


def add_network(
    transforms: tuple[Transform, ...],
    rows: SeriesSet,
    split: Split,
    schema: Schema,
    parameters: CheckedParameters,
    linear: LinearFit | None,
    ahead: AheadInputs | None,
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

    Returns
    -------
    pipeline : Pipeline
        Nothing of it has seen validation rows, but to be chosen on them.
    fit : Fit
        Of that pipeline, without a report.
    """
    lookback = parameters.lookback or (linear.lookback if linear is not None else 1)
    gates = dict(linear.gates) if linear is not None else {}
    structural = linear is not None and any(isinstance(term, StructuralMixture) for term in linear.fitted)
    if structural and parameters.network is not None:
        gates["network"] = not_kept("structural models forecast series this short")
    if parameters.network is None or structural:
        terms = linear.fitted if linear is not None else ()
        pipeline = Pipeline(transforms, terms, lookback, parameters.horizon, schema.target_features)
        return pipeline, Fit(pipeline, None, {}, None, gates)

    from tscnn.training.fit import fit_network  # here, since it imports Keras

    known = None if ahead is None else np.concatenate([ahead.describe(one) for one in rows.all_times()])
    listed = list_candidates(parameters.network, parameters, schema, split, lookback, linear)
    chosen = fit_network(
        [(replace(config, n_ahead=0 if known is None else known.shape[1]), terms) for config, terms in listed],
        rows.values,
        split,
        parameters.training,
        ahead=known,
        device=parameters.device,
        seed=parameters.seed,
        verbose=parameters.verbose,
    )
    takes = any(term.needs_ahead for term in chosen.all_terms)
    pipeline = Pipeline(
        transforms,
        chosen.all_terms,
        lookback,
        parameters.horizon,
        schema.target_features,
        ahead=ahead if takes else None,
    )
    return pipeline, Fit(pipeline, chosen.term.config, chosen.history, None, {**gates, **chosen.gates})


# Terms


def fit_linear(
    rows: SeriesSet, split: Split, schema: Schema, parameters: CheckedParameters, season_length: int | None
) -> LinearFit | None:
    """Fit the linear terms, and choose the lookback by them.

    Parameters
    ----------
    rows : SeriesSet
        In the units of the terms.
    split : Split
        Of their series.
    schema : Schema
        For the targets.
    parameters : CheckedParameters
        Of the forecaster.
    season_length : int or None
        Rows of a season.

    Returns
    -------
    LinearFit or None
        None where there is no linear model and the lookback is given.
    """
    settings, lookback = parameters.linear_model, parameters.lookback
    if settings is None and lookback is not None:
        return None
    targets, settings = list(schema.target_features), settings or LinearModel()
    lookbacks = [lookback] if lookback is not None else []
    if lookback is None:
        bounds = zip(rows.bounds[:-1].tolist(), split.validation_from, strict=True)
        known = [rows.values[a:b, targets] for a, b in bounds]
        lookbacks = list_lookbacks(known, parameters.horizon, season_length, settings)
    isolated = parameters.network is not None and parameters.network.feature_mode == "independent"
    short = is_short(rows, lookback, parameters.linear_model)
    return fit_linear_model(
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


def check_network(network: TCN, parameters: CheckedParameters, schema: Schema) -> None:
    """Check what needs Keras to be checked, and the network's settings, before anything is fitted.

    Parameters
    ----------
    network : TCN
        The settings.
    parameters : CheckedParameters
        Of the forecaster.
    schema : Schema
        For the columns and the targets.

    Raises
    ------
    TypeError, ValueError
        Naming the setting that breaks a rule.
    """
    from tscnn.network.backend import check_device
    from tscnn.training.loss import check_loss

    check_device(parameters.device)
    check_loss(parameters.training.loss, len(schema.targets))
    longest = parameters.linear_model or LinearModel()
    resolve_network(network, parameters, schema, parameters.lookback or longest.lookbacks.longest)


def resolve_network(
    network: TCN, parameters: CheckedParameters, schema: Schema, lookback: int, **changes: object
) -> NetworkConfig:
    """Check the settings of the network; what is chosen later stands in with a first choice.

    Parameters
    ----------
    network : TCN
        The settings.
    parameters : CheckedParameters
        Of the forecaster.
    schema : Schema
        For the columns and the targets.
    lookback : int
        Given, or chosen.
    **changes
        Settings in place of the forecaster's.

    Returns
    -------
    NetworkConfig
        Of a network that can be built.

    Raises
    ------
    TypeError, ValueError
        Naming the setting that breaks a rule.
    """
    settings = {**network.get_params(deep=False), **changes}
    check_choice("feature_mode", settings["feature_mode"], (*FEATURE_MODES, "auto"))
    if is_auto(settings["feature_mode"]):
        settings["feature_mode"] = "joint"
    n_features = len(schema.features)
    return resolve_config(
        lookback, parameters.horizon, n_features, targets=schema.target_features, linear_skip=None, **settings
    )


def list_candidates(
    network: TCN, parameters: CheckedParameters, schema: Schema, split: Split, lookback: int, linear: LinearFit | None
) -> list[tuple[NetworkConfig, tuple[Term, ...]]]:
    """List the networks to choose from on validation rows.

    A mean of few rows follows the very values that it is to take the level of: below a lookback of `short_lookback` a
    network without rolling normaliser competes, and without linear terms unless these were asked for.

    Parameters
    ----------
    network : TCN
        The settings.
    parameters : CheckedParameters
        Of the forecaster.
    schema : Schema
        Of the training frame.
    split : Split
        Of the series. There is no choice without validation origins, or with too few to tell.
    lookback : int
        Given, or chosen.
    linear : LinearFit or None
        The linear terms; None without.

    Returns
    -------
    list of (NetworkConfig, tuple of Term)
        At least one; and the linear terms that it is trained beside.
    """
    if parameters.lookback is None:  # a choice that no kernel may spoil
        network = network.set_params(kernel_size=min(network.kernel_size, max(2, lookback)))
    has_linear = linear is not None and parameters.linear_model is not None
    terms: tuple[Term, ...] = linear.fitted if linear is not None and has_linear else ()
    first = resolve_network(network, parameters, schema, lookback)
    candidates = [(replace(first, add_level=first.normalizer_span > 1 and not has_linear), terms)]
    automatic = is_auto(network.normalizer_span) and is_auto(network.dilation_rates)
    keeps_linear = has_linear and parameters.linear_model is not None and parameters.linear_model.maps != "auto"
    apart = parameters.horizon if keeps_linear else max(parameters.horizon, lookback)  # origins, to be independent
    n_needed = parameters.training.fewest_blocks * apart if has_linear else 1
    n_judged = sum(map(len, split.validation(lookback, parameters.horizon))) if split.has_validation else 0
    if n_judged >= n_needed and automatic and 1 < lookback < parameters.training.short_lookback:
        plain = resolve_network(network, parameters, schema, lookback, normalizer_span=None)
        candidates.append((replace(plain, add_level=False), terms if keeps_linear else ()))
    # One feature, or a past covariate, leaves no choice of mode.
    if is_auto(network.feature_mode) and 1 < first.n_features == len(first.targets):
        alone = tuple(term for term in terms if isinstance(term, OWN_COLUMN_TERMS))
        candidates += [
            (replace(config, feature_mode="independent"), alone if own else ()) for config, own in candidates
        ]
    return candidates


# The report


def report_on_validation(
    fitted: Pipeline,
    seen: SeriesSet,
    rows: SeriesSet,
    split: Split,
    linear: LinearFit | None,
    seasons: Mapping[str, int],
) -> pd.DataFrame:
    """Compare a pipeline with naive forecasts on the validation rows.

    Parameters
    ----------
    fitted : Pipeline
        Before it has seen the validation rows.
    seen, rows : SeriesSet
        In the units of the terms: with what is missing, and with that filled.
    split : Split
        Of the series, in the data's own units.
    linear : LinearFit or None
        For the linear map that has to be beaten; it is solved anew where there is none.
    seasons : mapping of str to int
        Rows of a season by name; those that reach back beyond the first row of a series are left out.

    Returns
    -------
    DataFrame
        Of `evaluate_forecasts`.
    """
    horizon, targets = fitted.horizon, list(fitted.targets)
    lookback = max(fitted.fewest_rows, 0 if linear is None else linear.ridge_map.shape[-2])
    units = [one for one in fitted.transforms if isinstance(one, Logarithm | Standardize)]
    plain = transform(split.series, units)  # naive forecasts see neither yearly season nor effects
    origins = [stretch for stretch in split.validation(lookback, horizon) if len(stretch)]
    origins = origins[:: max(1, -(-len(origins) // MOST_STRETCHES))]
    if linear is None:
        season_length = next(iter(seasons.values()), None)
        linear = fit_linear_model(rows.values, targets, split, [lookback], horizon, season_length, LinearModel())
    bounds = rows.bounds
    starts = np.array([stretch.start for stretch in origins])
    owners = np.searchsorted(bounds, starts, side="right") - 1
    n_seen = np.min(starts + 1 - bounds[owners])
    seasons = {name: length for name, length in seasons.items() if length <= n_seen}

    def forecast(at: np.ndarray) -> np.ndarray:
        i = int(np.searchsorted(bounds, at[0], side="right")) - 1
        own = seen.values[bounds[i] : bounds[i + 1]]
        return np.concatenate([found for _, found in forecast_rows(fitted, own, rows.times(i), at - bounds[i])])

    def in_units(at: np.ndarray, forecasts: np.ndarray) -> np.ndarray:
        i = int(np.searchsorted(bounds, at[0], side="right")) - 1
        found = fitted.invert(np.array(forecasts), rows.times(i), at - bounds[i])
        return np.asarray(found - split.series.outcomes(at, horizon)[..., targets])

    return evaluate_forecasts(
        forecast, rows.values, plain.values, origins, targets, horizon, linear.ridge_map, seasons, in_units
    )


def _split(series: SeriesSet, parameters: CheckedParameters) -> Split:
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


def _say_nothing(line: str) -> None:
    """Take the place of `write_line` where nobody watches."""
