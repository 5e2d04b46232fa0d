"""Fitting the calibration: errors on rows that nothing was solved on, and what their size follows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tscnn.data.calendar import find_cycle, season_positions
from tscnn.data.index import find_seasonality
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.windows import sliding_windows
from tscnn.forecasting.calibration import KNOTS, Calibration, changes_at
from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.predict import forecast_rows
from tscnn.linear import LinearFit, StructuralMixture

__all__ = ["fit_calibration"]

# Conventions of cost
MOST_ORIGINS = 1000  # that are forecast from
MOST_ERRORS = 2**22  # of all of them
MOST_STRETCHES = 300  # of a panel
MOST_SORTED = 5000  # errors whose quantiles are taken
MOST_PATHS = 256
MOST_PATH_VALUES = 2**20

SEASONS = 8  # that say how much series change of late
LONGEST = 512  # rows of these
PRIOR_ERRORS = 4.0  # independent errors that it takes to move a weight half of the way, ..
PRIOR_POSITION = 20.0  # .. the factor of a position in the season, ..
PRIOR_SERIES = 20.0  # .. that of a series ..
PRIOR_SHAPE = 30.0  # .. and a distribution from that of all targets
BANDS = (1 / 6, 1 / 2)  # of the horizon, whose steps share a distribution


@dataclass(frozen=True)
class Errors:
    """Errors of forecasts from some origins.

    Attributes
    ----------
    origins : ndarray of int of shape (n,)
        Rows.
    steps : ndarray of int of shape (n_steps,)
        Of the horizon, from 0, ascending.
    values : ndarray of shape (n, n_steps, n_targets)
        Outcome - forecast; NaN where an outcome is missing.
    stretches : tuple of int
        Origins of each stretch of rows that they were taken from.
    """

    origins: np.ndarray
    steps: np.ndarray
    values: np.ndarray
    stretches: tuple[int, ...]

    @property
    def n_rows(self) -> int:
        """Count the origins that they stand for."""
        return sum(self.stretches)


def fit_calibration(
    fitted: Pipeline, seen: SeriesSet, split: Split, linear: LinearFit | None, schema: Schema
) -> Calibration | None:
    """Learn the distribution of the errors of a pipeline.

    Errors are those on validation rows, which chose but solved nothing, and those of the linear terms on the folds of
    the training rows, in the size of the former: of all seasons of the year.

    Parameters
    ----------
    fitted : Pipeline
        Before it has seen the validation rows.
    seen : SeriesSet
        In the units of the terms, with what is missing.
    split : Split
        Of the series, in the data's own units.
    linear : LinearFit or None
        For the errors of folds.
    schema : Schema
        For the step and the targets.

    Returns
    -------
    Calibration or None
        None where no row was held back from anything.
    """
    errors = gather_errors(fitted, seen, split, linear)
    if not errors:
        return None
    targets, n_rows, season = list(fitted.targets), *_find_span(fitted, schema)
    rows = np.asarray(seen.values[:, targets], np.float64)
    changes = [np.zeros((len(one.origins), 3, len(targets))) for one in errors]
    if n_rows:
        changes = [changes_at(rows, one.origins, n_rows, season) for one in errors]
    length = find_seasonality(schema.freq) or 1
    cycle = find_cycle(schema.freq, length)
    places = _find_positions(seen, errors, cycle, length)
    shape = fitted.horizon, len(targets)
    typical = np.zeros((3, shape[1]))
    farthest, weights = typical, typical
    if n_rows:
        everything = np.concatenate(changes)
        typical, low, high = everything.mean(axis=0), *np.quantile(everything, (0.02, 0.98), axis=0)
        farthest = np.maximum(high - typical, typical - low)
    apart = [np.clip(each - typical, -farthest, farthest) for each in changes]
    positions, sizes = np.zeros((length if cycle else 1, shape[1])), np.ones(shape)
    for _ in range(2):
        sizes = _find_sizes(errors, shape, [_logs(*each, weights, positions) for each in zip(apart, places, strict=True)])
        if n_rows:
            weights = _find_weights(errors, apart, _scaled(errors, sizes, apart, places, 0 * weights, positions))
        if cycle:
            numbers = _scaled(errors, sizes, apart, places, weights, 0 * positions)
            positions = _find_factors(errors, numbers, places, length, shape[1])
    sizes = _find_sizes(errors, shape, [_logs(*each, weights, positions) for each in zip(apart, places, strict=True)])
    numbers = _scaled(errors, sizes, apart, places, weights, positions)
    of_series, names = np.ones((1, shape[1])), split.series.names
    if names is not None:
        of_series = _find_series(errors, numbers, seen)
        owners = [np.searchsorted(seen.bounds, one.origins, side="right") - 1 for one in errors]
        numbers = [each / of_series[owner][:, None] for each, owner in zip(numbers, owners, strict=True)]
    bands = np.searchsorted(np.array(BANDS) * shape[0], np.arange(shape[0]), side="right")
    bands = np.unique(bands, return_inverse=True)[1]
    n_errors = np.sum([_count(one, shape[0]) for one in errors], axis=0)
    values = split.series.values[:, targets]
    return Calibration(
        sizes,
        weights,
        typical,
        farthest,
        positions,
        bands,
        _find_quantiles(errors, numbers, bands, n_errors),
        n_errors,
        _draw_paths(errors[0], numbers[0], shape),
        np.where(np.nanmin(values, axis=0) >= 0, 0.0, -np.inf),
        of_series,
        n_rows,
        season,
        cycle,
        names,
    )


# Errors


def gather_errors(fitted: Pipeline, seen: SeriesSet, split: Split, linear: LinearFit | None) -> list[Errors]:
    """Return errors on the validation rows, and those of folds; none where nothing was held back."""
    found, horizon = [], fitted.horizon
    structural = next((term for term in fitted.terms if isinstance(term, StructuralMixture)), None)
    if structural is not None:  # which hardly learns from rows but those that it forecasts from
        alone = replace(fitted, terms=(replace(structural, share=1.0),))
        starts = seen.origins(max(alone.fewest_rows, 2 * structural.season + 2), horizon)
        return [own] if (own := _forecast_errors(alone, seen, starts)) is not None else []
    if split.has_validation:
        own = _forecast_errors(fitted, seen, split.validation(fitted.lookback, horizon))
        found += [] if own is None else [own]
    of_folds = [] if linear is None else list(linear.errors)
    if not of_folds:
        return found
    folds = [
        Errors(fold.origins, fold.steps, _signed(fold), tuple(n * fold.stride for n in fold.stretches))
        for fold in of_folds
    ]
    if not found:
        return folds
    ours = np.nanmean(np.abs(found[0].values[:, folds[-1].steps]), axis=(0, 1))
    ratio = ours / np.maximum(np.nanmean(np.abs(folds[-1].values), axis=(0, 1)), 1e-9)
    ratio = np.clip(np.nan_to_num(ratio, nan=1.0), 0.3, 2)
    return [*found, *(replace(fold, values=fold.values * ratio) for fold in folds[:-1])]


def _signed(fold: Any) -> np.ndarray:
    """Return outcome - forecast: (n, steps, targets)."""
    values = -np.asarray(fold.errors, np.float64)
    if fold.observed is not None:
        values = np.where(fold.observed, values, np.nan)
    return values.transpose(0, 2, 1)


def _forecast_errors(fitted: Pipeline, seen: SeriesSet, stretches: Sequence[range]) -> Errors | None:
    """Forecast from evenly spaced origins."""
    stretches = [stretch for stretch in stretches if len(stretch)]
    stretches = stretches[:: max(1, -(-len(stretches) // MOST_STRETCHES))]
    if not stretches:
        return None
    horizon, targets, bounds = fitted.horizon, list(fitted.targets), seen.bounds
    most = max(len(stretches), min(MOST_ORIGINS, MOST_ERRORS // (horizon * len(targets))))
    stride = max(1, -(-sum(map(len, stretches)) // most))
    origins, values = [], []
    for stretch in stretches:
        at = np.asarray(stretch)[::-stride][::-1]
        i = int(np.searchsorted(bounds, at[0], side="right")) - 1
        own = seen.values[bounds[i] : bounds[i + 1]]
        found = np.concatenate([part for _, part in forecast_rows(fitted, own, seen.times(i), at - bounds[i])])
        outcomes = sliding_windows(own[:, targets], horizon)[at - bounds[i] + 1]
        origins.append(at)
        values.append(outcomes.astype(np.float64) - found)
    return Errors(np.concatenate(origins), np.arange(horizon), np.concatenate(values), tuple(map(len, stretches)))


def _count(errors: Errors, horizon: int) -> np.ndarray:
    """Count the errors of each step that hardly depend on each other: of as many origins as it is steps ahead, one."""
    steps = np.arange(1, horizon + 1)[:, None]
    return np.asarray(np.maximum(np.array(errors.stretches) / steps, np.array(errors.stretches) > 0).sum(axis=1))


# What their size follows


def _find_span(fitted: Pipeline, schema: Schema) -> tuple[int, int]:
    """Return how many rows say how much series change of late, and the season; no rows where there are too few."""
    most, season = min(fitted.lookback, fitted.fewest_rows), find_seasonality(schema.freq) or 1
    season = season if most >= 2 * season else 1
    n_rows = min(most, max(SEASONS * season, 16), max(LONGEST, 2 * season))
    return (n_rows, season) if n_rows >= 4 else (0, 1)


def _find_positions(seen: SeriesSet, errors: Sequence[Errors], cycle: str, n_positions: int) -> list[np.ndarray]:
    """Return the position in the season of every step: (n, n_steps)."""
    if not cycle:
        return [np.zeros((len(one.origins), len(one.steps)), int) for one in errors]
    of_rows = season_positions(seen.joined_times().index, cycle, n_positions)
    return [of_rows[one.origins[:, None] + 1 + one.steps] for one in errors]


def _logs(apart: np.ndarray, places: np.ndarray, weights: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return the logarithm of the scale but for sizes: (n, n_steps, n_targets)."""
    return np.asarray((weights * apart).sum(axis=1)[:, None] + positions[places])


def _scaled(
    errors: Sequence[Errors],
    sizes: np.ndarray,
    apart: Sequence[np.ndarray],
    places: Sequence[np.ndarray],
    weights: np.ndarray,
    positions: np.ndarray,
) -> list[np.ndarray]:
    """Return errors in units of their scale."""
    return [
        one.values / (sizes[one.steps] * np.exp(_logs(near, place, weights, positions)))
        for one, near, place in zip(errors, apart, places, strict=True)
    ]


def _find_sizes(errors: Sequence[Errors], shape: tuple[int, int], logs: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean absolute error of each step, smooth: (horizon, n_targets)."""
    total, every = np.zeros(shape), np.arange(shape[0])
    for one, log in zip(errors, logs, strict=True):
        own = _nanmean(np.abs(one.values) * np.exp(-log), axis=0)
        total += one.n_rows * np.column_stack([np.interp(every, one.steps, column) for column in own.T])
    sizes = total / sum(one.n_rows for one in errors)
    sums = np.concatenate([np.zeros((1, shape[1])), np.cumsum(sizes, axis=0)])
    reach = every // 8
    low, high = every - np.minimum(reach, shape[0] - 1 - every), every + np.minimum(reach, shape[0] - 1 - every) + 1
    return np.maximum((sums[high] - sums[low]) / (high - low)[:, None], 1e-9)


def _nanmean(values: np.ndarray, axis: Any = None) -> np.ndarray:
    """Return the mean of what is there, 1 where nothing is."""
    there = ~np.isnan(values)
    n = there.sum(axis=axis)
    return np.where(n > 0, np.where(there, values, 0).sum(axis=axis) / np.maximum(n, 1), 1.0)


def _find_weights(errors: Sequence[Errors], apart: Sequence[np.ndarray], numbers: Sequence[np.ndarray]) -> np.ndarray:
    """Find the weights by which changes count, of all targets and then of each: (3, n_targets).

    They maximise the likelihood of errors with a Laplace distribution whose scale is the exponential of a weighted sum
    (Harvey 1976, Estimating regression models with multiplicative heteroscedasticity).
    """
    x, u = np.concatenate(apart), np.concatenate([_nanmean(np.abs(each), axis=1) for each in numbers])
    middle = len(errors[0].steps) // 2
    n = np.sum([_count(one, middle + 1)[-1] for one in errors])
    w = np.concatenate([np.full(len(one.origins), one.n_rows / len(one.origins)) for one in errors])
    w *= n / w.sum()
    some = slice(None, None, max(1, u.size // 50_000))
    common = _newton(np.moveaxis(x, 1, 2)[some].reshape(-1, 3), u[some].ravel(), np.repeat(w[some], u.shape[1]), np.zeros(3))
    return np.column_stack([_newton(x[:, :, k], u[:, k], w, common) for k in range(u.shape[1])])


def _newton(x: np.ndarray, u: np.ndarray, w: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Minimise the sum of w * (u * exp(-x b) + x b), and a penalty on how far b is from a prior; with a constant."""
    x = np.column_stack([x, np.ones(len(x))])
    centre = np.append(prior, 0.0)
    penalty = PRIOR_ERRORS * np.append(x[:, :3].var(axis=0) + 1e-3, 1e-6)
    b = np.append(prior, np.log(max(np.average(u, weights=w), 1e-9)))
    for _ in range(6):
        near = w * np.minimum(u * np.exp(-np.clip(x @ b, -20, 20)), 50)
        gradient = x.T @ (w - near) + penalty * (b - centre)
        step = np.linalg.solve((x.T * near) @ x + np.diag(penalty), gradient)
        b = b - step * min(1.0, 1.0 / max(np.abs(step).max(), 1e-12))
    return np.clip(b[:3], -1.5, 1.5)


def _find_factors(
    errors: Sequence[Errors], numbers: Sequence[np.ndarray], places: Sequence[np.ndarray], n_positions: int, n_targets: int
) -> np.ndarray:
    """Return logarithms of how much larger errors are at each position in the season: (n_positions, n_targets)."""
    sums, counts = np.zeros((2, n_positions, n_targets))
    for one, own, place in zip(errors, numbers, places, strict=True):
        share = one.n_rows / own[..., 0].size
        for k in range(n_targets):
            size, there = np.abs(own[..., k]), ~np.isnan(own[..., k])
            sums[:, k] += share * np.bincount(place[there], size[there], n_positions)
            counts[:, k] += share * np.bincount(place[there], minlength=n_positions)
    independent = np.sum([_count(one, 1)[0] for one in errors]) / n_positions
    means = np.where(counts > 0, sums / np.maximum(counts, 1e-9), 1.0)
    means /= np.maximum(means.mean(axis=0), 1e-9)
    found = np.log((independent * means + PRIOR_POSITION) / (independent + PRIOR_POSITION))
    return np.asarray(found - found.mean(axis=0))


def _find_series(errors: Sequence[Errors], numbers: Sequence[np.ndarray], seen: SeriesSet) -> np.ndarray:
    """Return how much larger the errors of each series are: (n_series, n_targets)."""
    n_series = len(seen.indexes)
    sums, counts = np.zeros((n_series, numbers[0].shape[2])), np.zeros((n_series, 1))
    for one, own in zip(errors, numbers, strict=True):
        owners = np.searchsorted(seen.bounds, one.origins, side="right") - 1
        np.add.at(sums, owners, _nanmean(np.abs(own), axis=1))
        np.add.at(counts, owners, 1.0)
    independent = np.minimum(counts, 2 + counts / max(len(errors[0].steps), 1))
    means = np.where(counts > 0, sums / np.maximum(counts, 1), 1.0)
    return np.asarray((independent * means + PRIOR_SERIES) / (independent + PRIOR_SERIES))


# Their distribution


def _find_quantiles(
    errors: Sequence[Errors], numbers: Sequence[np.ndarray], bands: np.ndarray, n_errors: np.ndarray
) -> np.ndarray:
    """Return quantiles of each band of steps: (n_bands, n_knots, n_targets)."""
    found = []
    for band in range(int(bands.max()) + 1):
        parts, weights = [], []
        for one, own in zip(errors, numbers, strict=True):
            own = own[:, bands[one.steps] == band].reshape(-1, own.shape[2])
            if len(own):
                own = own[:: max(1, len(own) * len(errors) // MOST_SORTED)]
                parts.append(own)
                weights.append(np.full(len(own), one.n_rows / len(own)))
        values, w = np.concatenate(parts), np.concatenate(weights)
        each = np.column_stack([_weighted_quantiles(column, w) for column in values.T])
        some = values[:: max(1, values.size // (4 * MOST_SORTED))]
        common = _weighted_quantiles(some.ravel(), np.repeat(w[:: max(1, values.size // (4 * MOST_SORTED))], values.shape[1]))
        n = n_errors[bands == band].mean()
        found.append((n * each + PRIOR_SHAPE * common[:, None]) / (n + PRIOR_SHAPE))
    return np.array(found)


def _weighted_quantiles(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the quantiles at `KNOTS` of what is there, 0 of nothing."""
    there = ~np.isnan(values)
    if not there.any():
        return np.zeros(len(KNOTS))
    values, weights = values[there], weights[there]
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return np.interp(KNOTS, (total - weights[order] / 2) / total[-1], values[order])


def _draw_paths(errors: Errors, numbers: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Take some of the errors of whole forecasts, evenly spread: (n_paths, horizon, n_targets)."""
    n = int(np.clip(MOST_PATH_VALUES // (shape[0] * shape[1]), 1, min(MOST_PATHS, len(numbers))))
    paths = np.nan_to_num(numbers[np.linspace(0, len(numbers) - 1, n).round().astype(int)])
    if len(errors.steps) < shape[0]:
        every = np.arange(shape[0])
        paths = np.stack([np.column_stack([np.interp(every, errors.steps, one) for one in path.T]) for path in paths])
    return paths.astype(np.float32)
