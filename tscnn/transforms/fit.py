"""Fitting what changes the units of series: cleaning, standardising, the yearly season; and applying it."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.mapped import MOST_ROWS, blocks, copy_of, empty_like, release
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
    values, parts = series.values, []
    for a, b in itertools.pairwise(bounds):
        known = None if series.covariates is None else series.covariates[a:b]
        part = clean_rows(series.values[a:b], season_length, known)
        if part.replaced.any() or part.shifted:
            if len(bounds) == 2:
                values = part.rows
            else:
                values = copy_of(series.values) if values is series.values else values
                values[a:b] = part.rows
        parts.append(replace(part, rows=part.rows[:0]))
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
    cleaned = series.with_values(values)
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
        return (Standardize.fit_series(split, schema.dtype, centred).bounded(split.series.values),)
    (index,), kept = split.series.indexes, split.series.values[: split.n_training]
    standardize = Standardize.fit(kept, schema.dtype, split.series.values, centred).bounded(split.series.values)
    # Of validation rows, too: they may be far from those of the scale.
    check_sizes(split.series.values, standardize.mean, standardize.scale, index, schema.features)
    index = index[: split.n_training]
    season = None
    if yearly is not None:
        season = _fit_season(standardize, kept, index, yearly)
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
    season = _fit_season(standardize, series.values, index, yearly, before)
    return (standardize,) if season is None else (standardize, season)


def _fit_season(
    standardize: Transform, values: np.ndarray, index: pd.Index, yearly: int, before: YearlySeason | None = None
) -> YearlySeason | None:
    """Find a yearly season, of many millions of rows in every second, third .. one of each season."""
    least = -(-len(values) // MOST_ROWS)
    every = next((n for n in range(least, yearly) if yearly % n == 0), yearly if least > 1 else 1)
    rows, index = standardize.apply(values[::every], Times(index[::every])), index[::every]
    release(values)
    return fit_yearly_season(rows, index, yearly // every, before)


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
    found, bounds = empty_like(series.values, dtype=np.float32), series.bounds.tolist()
    for i, (start, stop) in enumerate(itertools.pairwise(bounds)):
        own, times = series.values[start:stop], series.times(i)
        for block in blocks(own, found):
            values = np.asarray(own[block], np.float64)
            for one in transforms:
                values = one.apply(values, times[block])
            found[start:stop][block] = values
    return series.with_values(found)
