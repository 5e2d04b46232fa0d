"""Fitting a reconstructor, step by step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.threads import on_one_thread
from tscnn.data.index import find_seasonality
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.values import check_sizes
from tscnn.reconstruction.anomalies import Scores, find_threshold
from tscnn.reconstruction.autoregression_fit import fit_autoregression
from tscnn.reconstruction.gaps import UNSEASONAL, gap_lengths
from tscnn.reconstruction.judging import (
    Stretch,
    as_report,
    error_quantiles,
    gate_network,
    line_shares,
    shrink_network,
    try_gaps,
)
from tscnn.reconstruction.model import LEVELS, ReconstructionModel
from tscnn.reconstruction.network import GapNetwork
from tscnn.reconstruction.season import SeasonalMeans
from tscnn.reconstruction.settings import UNet
from tscnn.statistics import GateResult
from tscnn.training.settings import Training
from tscnn.transforms import OutlierFilter, Standardize
from tscnn.transforms.cleaning import clean_rows

__all__ = ["ReconstructionFit", "fit_model"]

N_STRETCHES, MOST_ROWS = 12, 4000  # of all rows, in which errors are measured, for intervals
FEWEST_ROWS = 256  # of the longest series, for a network
SEEN_BEFORE = 3  # times the longest gap: rows before validation rows that are seen, too


@dataclass(frozen=True, eq=False)
class ReconstructionFit:
    """What a fit found.

    Attributes
    ----------
    model : ReconstructionModel
        Fitted to all rows.
    report : DataFrame
        Of `as_report`, on validation rows, of the model fitted to those before.
    gates : dict of str to GateResult
        Of the network in gaps of each length and kind, if one was trained.
    threshold : float
        Of the highest score of a row.
    """

    model: ReconstructionModel
    report: pd.DataFrame
    gates: dict[str, GateResult]
    threshold: float


@on_one_thread
def fit_model(
    series: SeriesSet,
    schema: Schema,
    *,
    order: int | None,
    seasonal: bool,
    network: UNet | None,
    training: Training,
    validation_fraction: float,
    false_alarm_rate: float,
    seed: int,
    tell: Callable[[str], None],
) -> ReconstructionFit:
    """Fit everything.

    Parameters
    ----------
    series : SeriesSet
        In their own units, NaN where a value is missing.
    schema : Schema
        Of their columns.
    order : int or None
        Of the autoregression; None to choose it.
    seasonal : bool
        Whether means by time of the day, the week and the year are subtracted.
    network : UNet or None
        Settings of the network; None for none.
    training : Training
        Of the network.
    validation_fraction : float
        Last part of the rows, which the model that is judged does not learn from.
    false_alarm_rate : float
        Of all rows, how many have a score above the threshold.
    seed : int
        Of the gaps that are drawn.
    tell : callable
        Takes lines for a person.

    Returns
    -------
    ReconstructionFit
        The model, and how good it is.
    """
    season_length, longest = find_seasonality(schema.freq), max(map(len, series.indexes))
    given, series = series, _without_outliers(series, season_length)
    split = Split.of(series, order or 1, 1, validation_fraction)
    standardize = _standardize(split, given, schema)
    freq = schema.freq if seasonal else None
    bounds = series.bounds
    random = np.random.default_rng(seed)
    n_validation = max(b - a for a, b in zip(split.validation_from, split.calibration_from, strict=True))
    lengths = gap_lengths(season_length, n_validation or longest)

    tell("closed form on the training rows ..")
    ends = [row - start for row, start in zip(split.validation_from, bounds, strict=False)]
    judged = _solve(standardize, series, freq, season_length or UNSEASONAL, lengths, order, ends)
    spread = _spread_stretches(judged, series, lengths, ends)
    shares = line_shares(try_gaps(judged, spread, lengths, random, with_deviation=False), lengths)
    judged, stretches = replace(judged, line_shares=shares), []
    for i, end in enumerate(ends):
        rows, season = judged.without_season(series, i)
        first = max(0, end - SEEN_BEFORE * lengths[-1]) if split.has_validation else 0
        if end < len(rows) or not split.has_validation:
            stretches.append(Stretch(rows[first:], season[first:], end - first if split.has_validation else 0))
    trained, gates = None, {}
    if network is not None:
        tell("network ..")
        trained = _train(judged, series, ends, network, training, seed)
    trials = try_gaps(replace(judged, network=trained), stretches, lengths, random)
    parts = np.zeros_like(shares)  # by which the network counts
    if trained is not None:
        for at, trial in enumerate(trials):
            result = gate_network(trial, training.level)
            factor = result.shrinkage**training.shrinkage if result.kept else 0.0
            parts[lengths.index(trial.length), int(trial.together)] = factor
            trials[at] = shrink_network(trial, factor)
            name = f"network, gaps of {trial.length} in {'all columns' if trial.together else 'one column'}"
            gates[name] = result
            tell(f"{name}: {result.reason}")
        trained = trained if parts.any() else None
    report = as_report(trials)

    tell("closed form on all rows ..")
    model = judged
    if split.has_validation:
        model = _solve(
            standardize, series, freq, season_length or UNSEASONAL, lengths, judged.autoregression.order, None
        )
    model = replace(model, network=trained, line_shares=shares, network_shares=parts)
    trials = try_gaps(model, _spread_stretches(model, series, lengths, bounds[1:] - bounds[:-1]), lengths, random)
    quantiles = error_quantiles(trials, lengths, len(schema.columns))
    whole = [np.add(*_fill(model, series, i)) for i in range(len(series.indexes))]
    model = replace(model, outliers=OutlierFilter.fit(np.concatenate(whole)))
    filled = [_fill(model, given, i)[0] for i in range(len(series.indexes))]
    values = [given.values[a:b] for a, b in itertools.pairwise(bounds.tolist())]
    scores = Scores.fit(model.autoregression, filled, values, season_length or UNSEASONAL)
    model = replace(model, quantiles=quantiles, scores=scores)
    highest = np.concatenate([np.nan_to_num(model.score(given, i)).max(axis=1) for i in range(len(series.indexes))])
    return ReconstructionFit(model, report, gates, find_threshold(highest, false_alarm_rate))


def _without_outliers(series: SeriesSet, season_length: int | None) -> SeriesSet:
    """Take values far outside of all others, and repetitions, for missing; spikes stay, which columns may share."""
    values = series.values.copy()
    for a, b in itertools.pairwise(series.bounds.tolist()):
        part = values[a:b]
        part[part != clean_rows(part, season_length, thorough=False).rows] = np.nan
    return series.with_values(values)


def _fill(model: ReconstructionModel, series: SeriesSet, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one series without gaps, as the autoregression has it, and what that is without."""
    rows, season = model.without_season(series, i)
    return model.fill(rows, season, with_deviation=False).mean, season


def _standardize(split: Split, given: SeriesSet, schema: Schema) -> Standardize:
    if split.series.names is not None:
        return Standardize.fit_series(split, schema.dtype)
    kept, values = split.training_rows(), split.series.values
    standardize = Standardize.fit(values[kept], schema.dtype, values)
    check_sizes(given.values, standardize.mean, standardize.scale, given.indexes[0], schema.features)
    return standardize


def _solve(
    standardize: Standardize,
    series: SeriesSet,
    freq: Any,
    season_length: int,
    lengths: tuple[int, ...],
    order: int | None,
    ends: Sequence[int] | None,
) -> ReconstructionModel:
    """Fit seasonal means, and the autoregression, to the first rows of every series, or to all."""
    parts, indexes = [], []
    for i, index in enumerate(series.indexes):
        start = series.bounds[i]
        stop = start + (len(index) if ends is None else ends[i])
        rows = standardize.apply(series.values[start:stop], series.times(i))
        parts.append(np.asarray(rows, np.float64))
        indexes.append(index[: stop - start])
    season = SeasonalMeans.fit(parts, indexes, freq)
    left = [part - season.at(index) for part, index in zip(parts, indexes, strict=True)]
    autoregression = fit_autoregression(left, order)
    normal = np.zeros((len(lengths), autoregression.covariance.shape[0], len(LEVELS)))
    lines, whole = np.zeros((len(lengths), 2)), np.ones((len(lengths), 2))
    return ReconstructionModel(standardize, season, autoregression, season_length, lengths, normal, lines, whole)


def _train(
    model: ReconstructionModel, series: SeriesSet, ends: Sequence[int], settings: UNet, training: Training, seed: int
) -> GapNetwork | None:
    """Train a network on the first rows of every series; there is none where they are too few."""
    parts = [[one[:end] for one in model.without_season(series, i)] for i, end in enumerate(ends)]
    if max(ends) < FEWEST_ROWS:
        return None
    from tscnn.reconstruction.network_fit import train_network  # Keras

    rows, seasons = zip(*parts, strict=True)
    return train_network(model, rows, seasons, settings, training, seed)


def _spread_stretches(
    model: ReconstructionModel, series: SeriesSet, lengths: Sequence[int], ends: Sequence[int]
) -> list[Stretch]:
    """Take stretches from all over the first rows of each series: errors of every time of the year."""
    n_rows = max(4 * lengths[-1], MOST_ROWS // N_STRETCHES)
    counts = [max(1, end // n_rows) for end in ends]
    every = [(i, k) for i, count in enumerate(counts) for k in range(count)]
    chosen = [every[at] for at in np.unique(np.linspace(0, len(every) - 1, N_STRETCHES).round().astype(int))]
    found, known = [], {i: model.without_season(series, i) for i in {i for i, _ in chosen}}
    for i, k in chosen:
        rows, season = known[i]
        at = slice(k * n_rows, min((k + 1) * n_rows, ends[i]))
        found.append(Stretch(rows[at], season[at], 0))
    return found
