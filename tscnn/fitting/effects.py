"""What is known ahead: effects of covariates and of the calendar, and what of both a network takes."""

from __future__ import annotations

import dataclasses

import numpy as np

from tscnn.data.calendar import find_calendar
from tscnn.data.index import find_seasons
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.linear.screening import Screening
from tscnn.parameters import CheckedParameters
from tscnn.statistics import GateResult, not_kept
from tscnn.transforms import CovariateEffects
from tscnn.transforms.ahead import AheadInputs
from tscnn.transforms.covariates import CovariateBasis
from tscnn.transforms.covariates_fit import CovariateSettings, sum_effects

__all__ = ["find_ahead_inputs", "fit_effects"]

# Conventions: rows that the regressions see by which effects are tested, and these and their steps as parts of the
# training rows of a series, so that origins enough are left to tell
MOST_SCREENED = 512
LONGEST_WINDOW = 0.12
LONGEST_HORIZON = 0.07
MOST_LONG, MOST_STRETCHES = 2**20, 32  # rows, and stretches, of a series of many millions of rows


def fit_effects(
    rows: SeriesSet, split: Split, schema: Schema, parameters: CheckedParameters, season_length: int | None
) -> tuple[tuple[CovariateEffects, ...], GateResult]:
    """Fit effects of covariates and of the calendar, and keep them for the targets whose errors they make smaller.

    Parameters
    ----------
    rows : SeriesSet
        In the units of the transforms before.
    split : Split
        Of their series.
    schema : Schema
        For the targets and the step.
    parameters : CheckedParameters
        Of the forecaster.
    season_length : int or None
        Rows of a season.

    Returns
    -------
    effects : tuple of CovariateEffects
        Of the training rows, and of all rows; none where nothing helps.
    result : GateResult
        How much they help.
    """
    settings = CovariateSettings()
    width = _find_width(schema, season_length or 1, parameters.horizon)
    every = -(-len(rows.values) // settings.most_rows)
    which = range(0, len(rows.indexes), min(every, len(rows.indexes)))
    split, length = dataclasses.replace(split.take(which), series=rows.take(which)), 4 * (width + parameters.horizon)
    rows, split = split.series, split.thin(length, int(np.clip(MOST_LONG // length, 2, MOST_STRETCHES)))
    is_thin, rows = split.series is not rows, split.series
    calendar, targets = parameters.calendar, list(schema.target_features)
    if calendar is None:
        calendar = find_calendar(schema.freq, split.n_training)
        if is_thin:  # stretches of some weeks say nothing of the other seasons of the year
            calendar = tuple(name for name in calendar if name != "yearday")
    listed = [calendar] if calendar else []
    if rows.covariates is not None and parameters.calendar is None:
        listed.append(())
    if rows.covariates is None and not calendar:
        return (), not_kept("nothing is known ahead")
    kept = None if rows.covariates is None else rows.covariates[split.training_rows()]
    bases = [CovariateBasis.of(own, kept) for own in listed or [()]]
    summed = [sum_effects(rows.values, split, basis, parameters.horizon, width, settings) for basis in bases]
    sums = [one for one in summed if one is not None]
    if not sums:
        return (), not_kept("too few rows")
    lookback = min(parameters.lookback or max(2 * width, parameters.horizon), MOST_SCREENED)
    n_own = split.n_training / len(rows.indexes)
    rivals = [rows.values - one.solve(round(settings.share * settings.n_folds)).at_all(rows) for one in sums]
    screening = Screening(
        split,
        targets,
        max(1, min(lookback, round(LONGEST_WINDOW * n_own))),
        max(1, min(parameters.horizon, round(LONGEST_HORIZON * n_own))),
        share=settings.share,
        level=settings.level if rows.covariates is None else settings.covariate_level,
        least_gain=settings.least_gain,
    )
    best, helped, result = screening.compare_rows(rows.values, rivals)
    if not helped.any():
        return (), result
    everything = dataclasses.replace(split, validation_from=split.calibration_from)
    refitted = sum_effects(rows.values, everything, sums[best].basis, parameters.horizon, width, settings) or sums[best]
    columns = np.array(targets)[helped]
    return tuple(one.solve(settings.n_folds).of_columns(columns) for one in (sums[best], refitted)), result


def _find_width(schema: Schema, season_length: int, horizon: int) -> int:
    """Return of how many rows the level is that effects are changes of: a convention.

    Seven seasons of a year are more weeks or months than most series have. Covariates need no season, as a promotion
    counts from week to week; the calendar alone does.
    """
    if season_length <= 7:
        return max(season_length, 4 * horizon)
    if "year" in find_seasons(schema.freq) and "future_covariate" in schema.roles:
        return min(season_length, 4 * horizon)
    return 7 * season_length


def find_ahead_inputs(
    split: Split, parameters: CheckedParameters, effects: tuple[CovariateEffects, ...]
) -> AheadInputs | None:
    """Decide what of the times ahead a network takes.

    Parameters
    ----------
    split : Split
        Of the series.
    parameters : CheckedParameters
        Of the forecaster.
    effects : tuple of CovariateEffects
        Of `fit_effects`.

    Returns
    -------
    AheadInputs or None
        Of the covariates, and of the calendar that was asked for, or that has effects; None without either.
    """
    covariates, calendar = split.series.covariates, parameters.calendar
    if calendar is None:
        calendar = effects[0].basis.calendar if effects else ()
    if covariates is None and not calendar:
        return None
    return AheadInputs.fit(calendar, None if covariates is None else covariates[split.training_rows()])
