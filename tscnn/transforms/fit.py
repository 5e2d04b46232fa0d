"""Fitting what changes the units of series: cleaning, standardising, the yearly season; and applying it."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.times import Times
from tscnn.data.values import check_sizes
from tscnn.transforms.cleaning import clean_rows
from tscnn.transforms.covariates import replace_outliers
from tscnn.transforms.standardize import Standardize
from tscnn.transforms.transform import Transform
from tscnn.transforms.yearly import YearlySeason, fit_yearly_season

__all__ = ["clean_series", "fit_transforms", "refit_transforms", "transform"]


def clean_series(
    series: SeriesSet, split: Split, schema: Schema, season_length: int | None, tell: Callable[[str], None]
) -> tuple[SeriesSet, Split, pd.DataFrame]:
    """Replace outliers, and count them; warn of what looks like a number that stands for missing values.

    Parameters
    ----------
    series : SeriesSet
        In the data's own units.
    split : Split
        Of them.
    schema : Schema
        For the names of columns.
    season_length : int or None
        Rows of a season.
    tell : callable
        Writes a line.

    Returns
    -------
    SeriesSet, Split
        Of cleaned values.
    DataFrame of shape (n_features, 2)
        By column, how many values were "replaced", and how many level "shifts" were taken out.
    """
    series = _clean_covariates(series, schema)
    split, bounds = replace(split, series=series), series.bounds.tolist()
    parts = [clean_rows(series.values[a:b], season_length) for a, b in itertools.pairwise(bounds)]
    names, sentinels = schema.features, [found for part in parts for found in part.sentinels]
    shifts = np.bincount([column for part in parts for column, _ in part.shifted], minlength=len(names))
    replaced = np.sum([part.replaced for part in parts], axis=0)
    counts = pd.DataFrame({"replaced": replaced, "shifts": shifts}, index=names)
    if not counts.to_numpy().any():
        return series, split, counts
    if sentinels:
        column, value, count = max(sentinels, key=lambda found: found[2])
        rule = f"Column {names[column]!r} holds {value:g} {count} times, far outside of its other values, as if that "
        rule += "stood for a missing value. It is replaced; "
        rule += f"`X.replace({value:g}, float('nan')).interpolate()` does so too, and ends this warning."
        warnings.warn(received(rule, columns_like_it=len({found[0] for found in sentinels})), stacklevel=4)
    for column in range(len(names)):
        if replaced[column]:
            tell(f"{names[column]}: {replaced[column]} outliers are replaced")
        for first, part in zip(bounds, parts, strict=False):
            for at in (row for of, row in part.shifted if of == column):
                tell(f"{names[column]}: rows before a level shift at row {first + at} are moved to the level after it")
    cleaned = series.with_values(np.concatenate([part.rows for part in parts]))
    return cleaned, replace(split, series=cleaned), counts


def _clean_covariates(series: SeriesSet, schema: Schema) -> SeriesSet:
    """Replace outliers of covariates, and warn of them."""
    if series.covariates is None:
        return series
    cleaned, replaced = replace_outliers(series.covariates)
    if not replaced.any():
        return series
    most = int(replaced.argmax())
    rule = f"Covariate {schema.covariates[most]!r} has {replaced[most]} values far outside of its others, which are "
    rule += "replaced by its median; so are such values in `future`."
    warnings.warn(received(rule, columns_like_it=int((replaced > 0).sum())), stacklevel=5)
    return replace(series, covariates=cleaned)


def fit_transforms(split: Split, schema: Schema, yearly: int | None, centred: bool = True) -> tuple[Transform, ...]:
    """Fit what changes the units of the data to the training rows alone.

    Parameters
    ----------
    split : Split
        Of the series, in the data's own units.
    schema : Schema
        For the precision of forecasts.
    yearly : int or None
        Rows of a season, to find a yearly season by; None for none.
    centred : bool, default True
        Of `Standardize`.

    Returns
    -------
    tuple of Transform
        In the order in which they are applied.
    """
    if split.series.names is not None:
        return (Standardize.fit_series(split, schema.dtype, centred),)
    kept = split.training_rows()
    standardize = Standardize.fit(split.series.values[kept], schema.dtype, split.series.values, centred)
    (index,) = split.series.indexes
    frame = pd.DataFrame(split.series.values, index, schema.features, copy=False)
    check_sizes(frame, standardize.mean, standardize.scale)  # validation rows may be far from those of the scale
    index = index[: split.n_training]
    season = None
    if yearly is not None:
        season = fit_yearly_season(standardize.apply(split.series.values[kept], Times(index)), index, yearly)
    return (standardize,) if season is None else (standardize, season)


def refit_transforms(transforms: Sequence[Transform], series: SeriesSet, yearly: int | None) -> tuple[Transform, ...]:
    """Fit a yearly season once more, to all rows; columns that had one keep one.

    Parameters
    ----------
    transforms : sequence of Transform
        Of `fit_transforms`.
    series : SeriesSet
        All rows.
    yearly : int or None
        Rows of a season.

    Returns
    -------
    tuple of Transform
        Of the same mean and scale, which weights were learnt for.
    """
    standardize, *seasons = transforms
    if yearly is None:
        return tuple(transforms)
    (index,) = series.indexes
    before = next((season for season in seasons if isinstance(season, YearlySeason)), None)
    season = fit_yearly_season(standardize.apply(series.values, Times(index)), index, yearly, before)
    return (standardize,) if season is None else (standardize, season)


def transform(series: SeriesSet, transforms: Sequence[Transform]) -> SeriesSet:
    """Apply transforms to every series.

    Parameters
    ----------
    series : SeriesSet
        In the data's own units.
    transforms : sequence of Transform
        In order.

    Returns
    -------
    SeriesSet
        In the units of the terms.
    """
    parts = []
    bounds = series.bounds
    for i in range(len(series.indexes)):
        values = series.values[bounds[i] : bounds[i + 1]]
        for one in transforms:
            values = one.apply(values, series.times(i))
        parts.append(values)
    return series.with_values(np.ascontiguousarray(np.concatenate(parts), dtype=np.float32))
