"""Fitting the calibration: errors on rows that nothing was solved on, and what their size follows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tscnn.data.calendar import find_cycle, season_positions
from tscnn.data.index import find_seasonality
from tscnn.data.mapped import blocks, columns_of, every_nth, is_mapped, release
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.fitting.held_out_errors import Errors, count_independent, gather_errors
from tscnn.forecasting.calibration import KNOTS, Calibration, changes_at, mean_known
from tscnn.forecasting.pipeline import Pipeline
from tscnn.linear import LinearFit

__all__ = ["compare_series", "fit_calibration"]

# Conventions of cost
MOST_SORTED = 5000  # errors whose quantiles are taken
MOST_FITTED = 2**16  # errors that weights are fitted to, of all targets
MOST_SERIES = 50  # of a panel that say how far off repeating the season is
MOST_PATHS = 256
MOST_PATH_VALUES = 2**20

SEASONS = 8  # that say how much series change of late
LONGEST = 512  # rows of these
PRIOR_ERRORS = 4.0  # independent errors that it takes to move a weight half of the way, ..
PRIOR_POSITION = 20.0  # .. the factor of a position in the season, ..
PRIOR_NAIVE = 2.0  # .. the size of errors from that of repeating the season, if that is larger, ..
PRIOR_SERIES = 2.0  # .. that of a series ..
PRIOR_SHAPE = 30.0  # .. and a distribution from that of all targets
LONG_RUN = 0.75  # of what weights lack to errors in proportion to changes, that is added to them, ..
PRIOR_ROWS = 100.0  # .. and half of that where changes are measured over so many rows
BANDS = (1 / 6, 1 / 2)  # of the horizon, whose steps share a distribution


def fit_calibration(
    fitted: Pipeline, seen: SeriesSet, split: Split, linear: LinearFit | None, schema: Schema
) -> Calibration | None:
    """Learn the distribution of the errors of a pipeline.

    Errors are those on validation rows, which chose but solved nothing, and those of the linear terms on the folds of
    the training rows, in the size of the former: of all seasons of the year. Where no row was held back they are those
    of repeating the newest row.

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
        None where no series has a window and its outcomes.
    """
    errors = gather_errors(fitted, seen, split, linear)
    if not errors:
        return None
    targets, names = list(fitted.targets), split.series.names
    scale, numbers = _fit_scale(errors, seen, fitted, schema)
    of_series = np.ones((1, len(targets)))
    if names is not None:
        of_series, numbers = compare_series(errors, numbers, seen)
    n_errors = np.sum([count_independent(one, fitted.horizon) for one in errors], axis=0)
    quantiles = _find_quantiles(errors, numbers, scale.bands, n_errors)
    sizes = scale.sizes * _widen(scale, errors, seen, targets, n_errors)
    paths = _draw_paths(errors, numbers, scale.sizes.shape)
    least = [np.fmin.reduce(split.series.values[block][:, targets]) for block in blocks(split.series.values)]
    lowest = np.where(np.fmin.reduce(least) >= 0, 0.0, -np.inf)
    return replace(
        scale,
        sizes=sizes,
        quantiles=quantiles,
        n_errors=n_errors,
        paths=paths,
        lowest=lowest,
        of_series=of_series,
        names=names,
    )


# What their size follows


@dataclass(frozen=True)
class Sample:
    """Errors, and what their size follows."""

    errors: Errors
    features: tuple[np.ndarray, np.ndarray] | None
    places: np.ndarray | None

    def divide(self, scale: Calibration) -> np.ndarray:
        """Put errors into units of their scale.

        Parameters
        ----------
        scale : Calibration
            Whose scale it is.

        Returns
        -------
        ndarray of shape (n, n_steps, n_targets)
            NaN where an outcome is missing.
        """
        return np.asarray(self.errors.values / scale.scale_of(self.features, self.places, self.errors.steps))


def _fit_scale(
    errors: Sequence[Errors], seen: SeriesSet, fitted: Pipeline, schema: Schema
) -> tuple[Calibration, list[np.ndarray]]:
    """Fit the scale of errors; return it, and errors in its units."""
    rows, horizon, k = columns_of(seen.values, fitted.targets), fitted.horizon, len(fitted.targets)
    if not is_mapped(rows):
        rows = np.asarray(rows, np.float64)
    n_rows, season = _find_span(fitted, schema)
    length = find_seasonality(schema.freq) or 1
    cycle = find_cycle(schema.freq, length)
    bands = np.unique(
        np.searchsorted(np.array(BANDS) * horizon, np.arange(horizon), side="right"), return_inverse=True
    )[1]
    none, n_bands = np.zeros((0, horizon, k)), int(bands.max()) + 1
    scale = Calibration(
        sizes=np.ones((horizon, k)),
        weights=np.zeros((4, k)),
        typical=np.zeros((3, k)),
        farthest=np.zeros((3, k)),
        departures=np.ones((horizon, k)),
        positions=np.zeros((n_bands, length if cycle else 1, k)),
        bands=bands,
        quantiles=np.zeros((n_bands, len(KNOTS), k)),
        n_errors=np.zeros(horizon),
        paths=none,
        lowest=np.full(k, -np.inf),
        of_series=np.ones((1, k)),
        n_rows=n_rows,
        season=season,
        cycle=cycle,
    )
    if n_rows:
        changes = np.concatenate([changes_at(rows, one.origins, n_rows, season) for one in errors])
        typical = changes.mean(axis=0)
        low, high = np.quantile(changes, (0.02, 0.98), axis=0)
        far = [one.forecasts(rows) - rows[(one.origins - season + 1)[:, None] + one.steps % season] for one in errors]
        departures = _mean_by_step(errors, [np.abs(each) for each in far], horizon)
        scale = replace(
            scale, typical=typical, farthest=np.maximum(high - typical, typical - low), departures=departures
        )
    index = seen.indexes[0] if len(seen.indexes) == 1 else seen.joined_times().index
    of_rows = season_positions(index, cycle, length) if cycle and not is_mapped(rows) else None

    def place(at: np.ndarray) -> np.ndarray:
        if of_rows is not None:
            return np.asarray(of_rows[at])
        return season_positions(index[at.ravel()], cycle, length).reshape(at.shape)

    samples = [
        Sample(
            one,
            scale.features(one.forecasts(rows), rows, one.origins, one.steps),
            place(one.origins[:, None] + 1 + one.steps) if cycle else None,
        )
        for one in errors
    ]
    release(rows)
    for _ in range(2):
        scale = _resize(scale, samples)
        if n_rows:
            scale = replace(scale, weights=_find_weights(scale, samples))
        if cycle:
            scale = replace(scale, positions=_find_positions(scale, samples))
    scale = _resize(scale, samples)
    return scale, [one.divide(scale) for one in samples]


def _find_span(fitted: Pipeline, schema: Schema) -> tuple[int, int]:
    """Return how many rows say how much series change of late, and the season; no rows where there are too few."""
    most, season = min(fitted.lookback, fitted.fewest_rows), find_seasonality(schema.freq) or 1
    season = season if most >= 2 * season else 1
    n_rows = min(most, max(SEASONS * season, 16), max(LONGEST, 2 * season))
    return (n_rows, season) if n_rows >= 4 else (0, 1)


def _mean_by_step(errors: Sequence[Errors], sizes: Sequence[np.ndarray], horizon: int) -> np.ndarray:
    """Return the mean over origins, smooth over steps: (horizon, n_targets)."""
    total, every = np.zeros((horizon, sizes[0].shape[2])), np.arange(horizon)
    for one, own in zip(errors, sizes, strict=True):
        of_steps = mean_known(own, axis=0)
        total += one.weight * np.column_stack([np.interp(every, one.steps, column) for column in of_steps.T])
    sums = np.concatenate([np.zeros((1, total.shape[1])), np.cumsum(total, axis=0)])
    reach = np.minimum(every // 8, horizon - 1 - every)
    low, high = every - reach, every + reach + 1
    found = (sums[high] - sums[low]) / (high - low)[:, None] / sum(one.weight for one in errors)
    return np.maximum(found, 1e-9)


def _resize(scale: Calibration, samples: Sequence[Sample]) -> Calibration:
    """Return the scale with the mean absolute error of each step that all else leaves."""
    errors = [one.errors for one in samples]
    factor = _mean_by_step(errors, [np.abs(one.divide(scale)) for one in samples], len(scale.sizes))
    return replace(scale, sizes=np.maximum(scale.sizes * factor, 1e-9))


def _widen(
    scale: Calibration, errors: Sequence[Errors], seen: SeriesSet, targets: Sequence[int], n_errors: np.ndarray
) -> np.ndarray:
    """Return by what errors may be larger of which few were seen, all small by chance: (horizon, n_targets)."""
    horizon, most = len(scale.sizes), max(map(len, seen.indexes))
    own = _mean_by_step(errors, [np.abs(one.values) for one in errors], horizon)
    lags = np.minimum(scale.season * (np.arange(horizon) // scale.season + 1), most - 1)
    naive, bounds = np.ones_like(own), seen.bounds.tolist()
    parts = [seen.values[a:b] for a, b in itertools.pairwise(bounds)][:MOST_SERIES]
    for lag in np.unique(lags):
        changes = [_changes(part, targets, lag) for part in parts if len(part) > lag]
        sizes = changes[0] if len(changes) == 1 else np.concatenate(changes)  # of long series no copies
        naive[lags == lag] = mean_known(np.abs(sizes, out=sizes), axis=0)
    prior = np.maximum(naive / own, 1)
    n = np.maximum(n_errors, 1)[:, None]
    return np.asarray((n + PRIOR_NAIVE * prior) / (n + PRIOR_NAIVE))


def _changes(rows: np.ndarray, targets: Sequence[int], lag: int) -> np.ndarray:
    """Return what columns change by in `lag` rows, of many millions of rows some."""
    every = every_nth(rows)
    later, earlier = (part[::every, targets].astype(np.float64) for part in (rows[lag:], rows[:-lag]))
    return later - earlier


def _find_weights(scale: Calibration, samples: Sequence[Sample]) -> np.ndarray:
    """Find the weights by which features count, of all targets and then of each: (4, n_targets).

    They maximise the likelihood of errors with a Laplace distribution whose scale is the exponential of a weighted sum
    (Harvey 1976, Estimating regression models with multiplicative heteroscedasticity). That changes are measured over
    few rows makes them tell less of errors than a drift that lasts will: errors then follow it almost in proportion.
    """
    without, k = replace(scale, weights=np.zeros_like(scale.weights)), scale.sizes.shape[1]
    middle, parts = len(scale.sizes) // 2, []
    most = max(2000, MOST_FITTED // k) // len(samples)
    for one in samples:
        n, n_steps, _ = one.errors.values.shape
        steps = np.unique(np.linspace(0, n_steps - 1, 8).round().astype(int))
        at = slice(None, None, max(1, n * len(steps) // most))
        changes, departures = one.features or (np.zeros(0), np.zeros(0))  # there are always some here
        sizes = np.abs(one.divide(without))[at][:, steps].reshape(-1, k)
        x = np.concatenate(
            [np.repeat(changes[at], len(steps), axis=0), departures[at][:, steps].reshape(-1, 1, k)], axis=1
        )
        parts.append((x, np.nan_to_num(sizes, nan=1.0), np.full(len(x), one.errors.weight / len(x))))
    x, u, w = (np.concatenate(each) for each in zip(*parts, strict=True))
    w *= np.sum([count_independent(one.errors, middle + 1)[-1] for one in samples]) / w.sum()
    some = slice(None, None, max(1, u.size // 50_000))
    of_all = np.moveaxis(x, 1, 2)[some].reshape(-1, 4), u[some].ravel(), np.repeat(w[some], k)
    common = _newton(*of_all, np.zeros(4))
    weights = np.column_stack([_newton(x[:, :, j], u[:, j], w, common) for j in range(k)])
    trust = LONG_RUN * scale.n_rows / (scale.n_rows + PRIOR_ROWS)
    weights[1] += trust * np.clip(1 - weights[:3].sum(axis=0), 0, 1)  # changes over all rows are those that last
    return weights


def _newton(x: np.ndarray, u: np.ndarray, w: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Minimise the sum of w * (u * exp(-x b) + x b), and a penalty on how far b is from a prior; with a constant."""
    n = len(prior)
    x = np.column_stack([x, np.ones(len(x))])
    centre, penalty = np.append(prior, 0.0), PRIOR_ERRORS * np.append(x[:, :n].var(axis=0) + 1e-3, 1e-6)
    b = np.append(prior, np.log(max(np.average(u, weights=w), 1e-9)) - np.average(x[:, :n] @ prior, weights=w))
    for _ in range(8):
        near = w * np.minimum(u * np.exp(-np.clip(x @ b, -20, 20)), 50)
        gradient = x.T @ (w - near) + penalty * (b - centre)
        step = np.linalg.solve((x.T * near) @ x + np.diag(penalty), gradient)
        b = b - step * min(1.0, 1.0 / max(np.abs(step).max(), 1e-12))
    return np.clip(b[:n], -1.5, 1.5)


def _find_positions(scale: Calibration, samples: Sequence[Sample]) -> np.ndarray:
    """Return logarithms of how much larger errors are at each position: (n_bands, n_positions, n_targets)."""
    without = replace(scale, positions=np.zeros_like(scale.positions))
    n_bands, n_positions, k = scale.positions.shape
    sums, counts = np.zeros((2, n_bands * n_positions, k))
    for one in samples:
        numbers = np.abs(one.divide(without))
        cells = scale.bands[one.errors.steps] * n_positions + one.places
        share = one.errors.weight / numbers[..., 0].size
        for j in range(k):
            there = ~np.isnan(numbers[..., j])
            sums[:, j] += share * np.bincount(cells[there], numbers[..., j][there], len(sums))
            counts[:, j] += share * np.bincount(cells[there], minlength=len(sums))
    sums, counts = (each.reshape(scale.positions.shape) for each in (sums, counts))
    common = np.log(_shrunk(sums.sum(axis=0), counts.sum(axis=0), samples, 1.0))
    found = np.log(_shrunk(sums, counts, samples, np.exp(common)))
    return np.asarray(found - found.mean(axis=1, keepdims=True))


def _shrunk(sums: np.ndarray, counts: np.ndarray, samples: Sequence[Sample], prior: Any) -> np.ndarray:
    """Return means of positions relative to their mean, as far as errors are many, else a prior."""
    means = np.where(counts > 0, sums / np.maximum(counts, 1e-9), 1.0)
    means = means / np.maximum(means.mean(axis=-2, keepdims=True), 1e-9)
    n = np.sum([count_independent(one.errors, 1)[0] for one in samples]) / sums.shape[-2]
    return (n * means + PRIOR_POSITION * prior) / (n + PRIOR_POSITION)


def compare_series(
    errors: Sequence[Errors], numbers: Sequence[np.ndarray], seen: SeriesSet
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Find how much larger the errors of each series are.

    Parameters
    ----------
    errors : sequence of Errors
        Of all series.
    numbers : sequence of ndarray of shape (n, n_steps, n_targets)
        The same in units of their scale.
    seen : SeriesSet
        For the rows of each series.

    Returns
    -------
    of_series : ndarray of shape (n_series, n_targets)
        By how much.
    numbers : list of ndarray
        In units of what the others of a series tell: divided by their own size, too, few errors would look alike.
    """
    n_series = len(seen.indexes)
    owners = [np.searchsorted(seen.bounds, one.origins, side="right") - 1 for one in errors]
    sizes = [mean_known(np.abs(own), axis=1) for own in numbers]
    sums, counts = np.zeros((n_series, numbers[0].shape[2])), np.zeros((n_series, 1))
    for owner, own in zip(owners, sizes, strict=True):
        np.add.at(sums, owner, own)
        np.add.at(counts, owner, 1.0)
    n = np.minimum(counts, 2 + counts / max(len(errors[0].steps), 1))  # independent ones
    sums *= n / np.maximum(counts, 1)
    of_others = [
        np.maximum(sums[owner] - own + PRIOR_SERIES, PRIOR_SERIES) / (n[owner] - 1 + PRIOR_SERIES)
        for owner, own in zip(owners, sizes, strict=True)
    ]
    found = [each / others[:, None] for each, others in zip(numbers, of_others, strict=True)]
    return (sums + PRIOR_SERIES) / (n + PRIOR_SERIES), found


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
                weights.append(np.full(len(own), one.weight / len(own)))
        values, w = np.concatenate(parts), np.concatenate(weights)
        each = np.column_stack([_weighted_quantiles(column, w) for column in values.T])
        some = slice(None, None, max(1, values.size // (4 * MOST_SORTED)))
        both = np.concatenate([values[some], -values[some]]).ravel()  # that few errors lie on one side is chance
        common = _weighted_quantiles(both, np.tile(np.repeat(w[some], values.shape[1]), 2))
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


def _draw_paths(errors: Sequence[Errors], numbers: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Take some errors of whole forecasts, of each kind by the origins it stands for: (n_paths, horizon, n_targets)."""
    most = int(np.clip(MOST_PATH_VALUES // (shape[0] * shape[1]), 1, MOST_PATHS))
    total, every, paths = sum(one.weight for one in errors), np.arange(shape[0]), []
    for one, own in zip(errors, numbers, strict=True):
        n = min(max(1, round(most * one.weight / total)), len(own))  # evenly spread
        some = np.nan_to_num(own[np.linspace(0, len(own) - 1, n).round().astype(int)])
        if len(one.steps) < shape[0]:
            some = np.stack([[np.interp(every, one.steps, column) for column in path.T] for path in some])
            some = some.transpose(0, 2, 1)
        paths.append(some)
    return np.concatenate(paths).astype(np.float32)
