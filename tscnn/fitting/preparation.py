"""From rows in the data's own units to those that terms see: which transforms there are, fitted and chosen."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from tscnn.data.index import find_seasonality
from tscnn.data.mapped import every_few
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.fitting.effects import fit_effects
from tscnn.linear.screening import Screening
from tscnn.linear.structural_mixture_fit import is_short
from tscnn.parameters import CheckedParameters
from tscnn.statistics import GateResult
from tscnn.transforms import CovariateEffects, Logarithm, Standardize, Transform
from tscnn.transforms.covariates_fit import CovariateSettings
from tscnn.transforms.fit import fit_transforms, refit_transforms, transform
from tscnn.transforms.missing import GapMaps, fill_series

__all__ = ["Prepared", "prepare"]

VARYING = 0.2  # standard deviation of a column, in units of its mean, from which on its logarithm is another matter
LEAST_GAIN = 0.01  # of the absolute error that a logarithm must save: what else it changes is not tested


@dataclass(frozen=True)
class Prepared:
    """Rows as terms see them, and how they came about.

    Attributes
    ----------
    logarithm : Logarithm or None
        Of some columns, the first transform.
    units : tuple of Transform
        Standardising and the yearly season.
    effects : tuple of CovariateEffects
        Of the training rows, and of all rows; none where nothing helps.
    gates : dict of str to GateResult
        Whether logarithms and effects help.
    seen, rows : SeriesSet
        In the units of the terms: as they are, and with what is missing filled.
    gaps : GapMaps or None
        That fill what is missing.
    """

    logarithm: Logarithm | None
    units: tuple[Transform, ...]
    effects: tuple[CovariateEffects, ...]
    gates: dict[str, GateResult]
    seen: SeriesSet
    rows: SeriesSet
    gaps: GapMaps | None

    @property
    def transforms(self) -> tuple[Transform, ...]:
        """The transforms that have learnt from training rows alone.

        Returns
        -------
        tuple of Transform
            In the order in which they are applied.
        """
        first = () if self.logarithm is None else (self.logarithm,)
        return (*first, *self.units, *self.effects[:1])

    def refit(self, series: SeriesSet, schema: Schema, parameters: CheckedParameters) -> tuple[Transform, ...]:
        """Fit yearly season and effects once more, to all rows.

        Parameters
        ----------
        series : SeriesSet
            All rows, in their own units.
        schema : Schema
            For the season.
        parameters : CheckedParameters
            Of the forecaster.

        Returns
        -------
        tuple of Transform
            As `transforms`.
        """
        first = () if self.logarithm is None else (self.logarithm,)
        yearly = _find_yearly(series, schema, parameters)
        return (*first, *refit_transforms(self.units, _apply(series, self.logarithm), yearly), *self.effects[1:])


def prepare(series: SeriesSet, split: Split, schema: Schema, parameters: CheckedParameters) -> Prepared:
    """Fit transforms to the training rows, and choose among them.

    Columns that are never negative may be forecast by their logarithms, whose effects and errors multiply: where that
    makes the absolute error in the data's own units smaller, and the squared error no larger, of a ridge regression on
    rows that it has not seen. Structural models of short series take logarithms themselves, of rows that keep their
    origin.

    Parameters
    ----------
    series : SeriesSet
        In their own units.
    split : Split
        Of them.
    schema : Schema
        For columns and step.
    parameters : CheckedParameters
        Of the forecaster.

    Returns
    -------
    Prepared
        See there.
    """
    plain, targets = _prepare(split, schema, parameters, None), list(schema.target_features)
    wanted = parameters.linear_model is None or parameters.linear_model.logarithms
    if is_short(series, parameters.lookback, parameters.linear_model):
        return plain
    columns = _find_positive(split, targets)
    if not wanted or not columns.any():
        return plain
    logs = _prepare(split, schema, parameters, Logarithm.fit(split, columns))
    season_length = find_seasonality(schema.freq) or 1
    lookback = parameters.lookback or max(14 * season_length if season_length > 7 else 2 * season_length, 1)
    settings = CovariateSettings()
    screening = Screening(
        split,
        targets,
        min(lookback, 512),
        parameters.horizon,
        share=settings.share,
        level=settings.level,
        least_gain=LEAST_GAIN,
    )
    scale = next(one.scale for one in plain.units if isinstance(one, Standardize))
    rivals = [(one.rows, one.transforms) for one in (plain, logs)]
    helped, result = screening.compare_units(rivals, series, np.atleast_2d(scale))
    chosen = np.zeros(len(columns), bool)
    chosen[np.array(targets)[helped]] = True
    chosen &= columns
    gates = {Logarithm.name: result}
    if not chosen.any():
        return dataclasses.replace(plain, gates={**gates, **plain.gates})
    if (chosen != columns).any():
        logs = _prepare(split, schema, parameters, Logarithm.fit(split, chosen))
    return dataclasses.replace(logs, gates={**gates, **logs.gates})


def _prepare(split: Split, schema: Schema, parameters: CheckedParameters, logarithm: Logarithm | None) -> Prepared:
    """Fit all other transforms to rows of which some columns are logarithms."""
    series = _apply(split.series, logarithm)
    split = dataclasses.replace(split, series=series)
    season_length = find_seasonality(schema.freq)
    short = is_short(series, parameters.lookback, parameters.linear_model)
    centred = not short or parameters.missing == "mask"  # which fills what is missing by its mean
    units = fit_transforms(split, schema, _find_yearly(series, schema, parameters), centred)
    transforms, gates = units, {}
    effects: tuple[CovariateEffects, ...] = ()
    masked = parameters.missing == "mask"
    for last in (False, True):
        seen = transform(series, transforms)
        gaps = GapMaps.fit(seen, split, season_length) if masked else None
        rows = fill_series(seen, gaps)
        if last:
            break
        effects, result = fit_effects(rows, split, schema, parameters, season_length)
        gates = {CovariateEffects.name: result}
        if not effects:
            break
        transforms = (*units, effects[0])
    return Prepared(logarithm, units, effects, gates, seen, rows, gaps)


def _apply(series: SeriesSet, logarithm: Logarithm | None) -> SeriesSet:
    if logarithm is None:
        return series
    return series.with_values(logarithm.apply_all(series))


def _find_yearly(series: SeriesSet, schema: Schema, parameters: CheckedParameters) -> int | None:
    """Return the rows of a season where a yearly one may be subtracted."""
    return find_seasonality(schema.freq) if parameters.has_yearly_season and series.names is None else None


def _find_positive(split: Split, targets: list[int]) -> np.ndarray:
    """Tell the targets that are never negative in training, and vary so much that logarithms make a difference."""
    columns = np.zeros(split.series.values.shape[1], bool)
    bounds = zip(split.series.bounds[:-1].tolist(), split.validation_from, strict=True)
    parts = [np.asarray(every_few(split.series.values[a:b]), np.float64) for a, b in bounds if b > a]
    for f in targets:
        own = [part[np.isfinite(part[:, f]), f] for part in parts]
        varying = [one.std() > VARYING * one.mean() for one in own if len(one) and one.min() >= 0 and one.max() > 0]
        columns[f] = len(varying) > 0.9 * len(own) and np.mean(varying) > 0.5
    return columns
