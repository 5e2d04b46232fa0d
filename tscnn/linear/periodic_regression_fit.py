"""Fitting the periodic regression: ridge regressions on what is known ahead, and their part of a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tscnn.common.threads import map_in_threads, on_one_thread
from tscnn.data.calendar import find_cycle, season_positions
from tscnn.data.split import Split
from tscnn.data.windows import sliding_windows
from tscnn.linear.out_of_fold import FoldErrors, find_better_targets, gate_gain
from tscnn.linear.periodic_regression import (
    Inputs,
    PeriodicRegression,
    apply_regressions,
    local_units,
    regression_inputs,
)
from tscnn.linear.settings import LinearModel
from tscnn.statistics import GateResult, not_kept
from tscnn.transforms import CovariateEffects
from tscnn.transforms.covariates import CovariateBasis

__all__ = ["fit_periodic_regression", "solve_ridges"]

LEAST_VARIANCE = 1e-3  # of an input, so that one that never changed in training says nothing: a convention
MOST_VALUES = 2**25  # of what is known of the origins of a position, in memory at a time, 134 MB: a convention
SHARES = tuple(i / 10 for i in range(11))  # of the forecast, to choose from: a convention


def fit_periodic_regression(
    rows: np.ndarray,
    split: Split,
    targets: np.ndarray,
    errors: Sequence[FoldErrors],
    effects: Sequence[CovariateEffects],
    freq: object,
    season: int,
    span: int,
    horizon: int,
    settings: LinearModel,
) -> tuple[list[PeriodicRegression], GateResult]:
    """Fit regressions for each position in a season, and find their part of the forecast of each target.

    Strengths and parts are those with the least squared errors on the last two folds, the validation origins among
    them, each forecast by regressions on the origins before it.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series one behind the other, from which effects are subtracted.
    split : Split
        Of their series, with covariates.
    targets : ndarray of int of shape (n_targets,)
        Positions of the targets among the features.
    errors : sequence of FoldErrors
        Of the other terms, out of fold, the last ones of the validation origins.
    effects : sequence of CovariateEffects
        That were subtracted from `rows`, the first of them; none if nothing was.
    freq : offset, int or None
        The step of the index.
    season : int
        Rows of a season.
    span : int
        Rows that may be seen.
    horizon : int
        Steps predicted.
    settings : LinearModel
        For `periodic`, and for the test.

    Returns
    -------
    terms : list of PeriodicRegression
        Of the training origins, and of all; none where they don't help.
    result : GateResult
        Of both together against the other terms.
    """
    periodic = settings.periodic
    inputs = Inputs(min(span, periodic.seasons * season), season, horizon)
    if len(errors) < 2 or inputs.span < 2:
        return [], not_kept("too few rows")
    errors = [_at_some_steps(fold, periodic.n_steps) for fold in errors[-2:]]
    design = _Design.of(rows, split, targets, effects, freq, inputs, periodic.fewest_origins)
    training, validation = split.training(inputs.span, horizon), split.validation(inputs.span, horizon)
    end = int(errors[0].origins[0])
    earlier = [range(part.start, min(part.stop, end - horizon)) for part in training]
    if sum(map(len, earlier)) < periodic.fewest_origins:
        return [], not_kept("too few rows")
    steps = errors[0].steps
    found = [
        _solve(design, before, steps, periodic.alphas, periodic.most_products) for before in (earlier, training)
    ]  # (alphas, ..)
    shares, alphas, after = np.zeros(len(targets)), np.zeros(len(targets)), [fold.errors.copy() for fold in errors]
    for j in range(len(targets)):
        losses = []
        for weights in zip(*found, strict=True):
            rivals = [
                _errors(design, weight, j, fold.origins, steps) for weight, fold in zip(weights, errors, strict=True)
            ]
            losses.append(
                _best_share([fold.errors[:, j] for fold in errors], rivals, [f.weights[:, j] for f in errors])
            )
        best = int(np.argmin([loss for loss, _, _ in losses]))
        _, shares[j], mixed = losses[best]
        alphas[j] = periodic.alphas[best]
        for fold, one in zip(after, mixed, strict=True):
            fold[:, j] = one
    mixed_errors = [fold.with_errors(one) for fold, one in zip(errors, after, strict=True)]
    better, switched = find_better_targets(errors, mixed_errors)
    result, _ = gate_gain(
        errors, switched, int(steps[-1]) + 1, settings, n_tries=len(periodic.alphas), least_gain=settings.least_gain
    )
    shares = np.where(better, shares, 0)
    if not result.kept or not shares.any():
        return [], result
    every = np.arange(horizon)
    terms = []
    for origins in (training, [*training, *validation]):
        by_alpha = {alpha: _solve(design, origins, every, (alpha,), periodic.most_products)[0] for alpha in set(alphas)}
        own, known, limits = (np.stack([by_alpha[alpha][k][j] for j, alpha in enumerate(alphas)]) for k in range(3))
        terms.append(PeriodicRegression(design.basis, inputs, design.cycle, own, known, limits, targets, shares))
    return terms, result


def _at_some_steps(fold: FoldErrors, n_steps: int) -> FoldErrors:
    """Take errors of some steps, evenly spread."""
    which = np.unique(np.linspace(0, len(fold.steps) - 1, n_steps).round().astype(int))
    observed = None if fold.observed is None else fold.observed[:, :, which]
    return replace(fold, steps=fold.steps[which], errors=fold.errors[:, :, which], observed=observed)


def _best_share(
    before: Sequence[np.ndarray], rivals: Sequence[np.ndarray], weights: Sequence[np.ndarray]
) -> tuple[float, float, list[np.ndarray]]:
    """Find the best mixture of two forecasts: its loss, the part of the second, and the mixture's errors.

    The loss is the mean of squared and absolute errors, each relative to those of the first forecast.
    """
    old, new, w = np.concatenate(before), np.concatenate(rivals), np.concatenate(weights)[:, None]
    losses = [
        np.sum(w * np.square(mixed)) / max(np.sum(w * np.square(old)), 1e-12)
        + np.sum(np.sqrt(w) * np.abs(mixed)) / max(np.sum(np.sqrt(w) * np.abs(old)), 1e-12)
        for mixed in (old + share * (new - old) for share in SHARES)
    ]
    best = int(np.argmin(losses))
    return (
        float(losses[best]),
        SHARES[best],
        [(a + SHARES[best] * (b - a)).astype(a.dtype) for a, b in zip(before, rivals, strict=True)],
    )


@dataclass(frozen=True)
class _Design:
    """What regressions see, and what they are to forecast."""

    raw: np.ndarray  # (n_rows, n_targets): without effects taken off
    numbers: np.ndarray  # (n_rows, n_numbers): what is known of every row
    observed: np.ndarray | None  # (n_rows, n_targets)
    positions: np.ndarray  # (n_rows,): in the season
    n_positions: int
    basis: CovariateBasis
    cycle: str
    inputs: Inputs

    @classmethod
    def of(
        cls,
        rows: np.ndarray,
        split: Split,
        targets: np.ndarray,
        effects: Sequence[CovariateEffects],
        freq: object,
        inputs: Inputs,
        fewest: int,
    ) -> _Design:
        """Describe all rows."""
        times, raw = split.series.joined_times(), rows[:, targets]
        calendar = effects[0].basis.calendar if effects else ()
        covariates = split.series.covariates
        if effects:
            raw = raw + effects[0].at_all(split.series)[:, targets]
        basis = CovariateBasis.of(calendar, None if covariates is None else covariates[split.training_rows()])
        cycle = find_cycle(freq, inputs.season)
        if split.n_training < fewest * inputs.season:
            cycle = ""
        n_positions = inputs.season if cycle else 1
        observed = None if split.series.observed is None else split.series.observed[:, targets]
        positions = season_positions(times.index, cycle, n_positions)
        return cls(raw, basis.describe_plainly(times), observed, positions, n_positions, basis, cycle, inputs)

    def at(self, j: int, origins: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return level, scale, rows seen, what is known, and outcomes of some origins, relative to level and scale."""
        span, horizon = self.inputs.span, self.inputs.horizon
        windows = sliding_windows(self.raw, span)[origins - span + 1][:, :, j]
        level, scale = local_units(windows)
        numbers = sliding_windows(self.numbers, span + horizon)[origins - span + 1]
        own, known = regression_inputs(windows, level, scale, numbers, self.inputs, steps)
        outcomes = self.raw[origins[:, None] + 1 + steps, j]
        return level, scale, own, known, np.arcsinh((outcomes - level[:, None]) / scale[:, None])


Weights = tuple[np.ndarray, np.ndarray, np.ndarray]  # own, known and limits, of all targets


@on_one_thread
def _solve(
    design: _Design, stretches: Sequence[range], steps: np.ndarray, alphas: Sequence[float], most_products: float
) -> list[Weights]:
    """Solve the regressions of some steps, of every target and position in the season, for each strength."""
    origins = np.concatenate([np.asarray(part, int) for part in stretches])
    n_targets, n_own, n_known = design.raw.shape[1], len(design.inputs.own), 3 * design.numbers.shape[1]
    cost = len(origins) * n_targets * len(steps) * float(n_own + n_known) ** 2
    n_values = len(origins) / design.n_positions * (design.inputs.span + design.inputs.horizon) * max(n_known // 3, 1)
    every = max(1, -(-int(cost) // int(most_products)), -(-int(n_values) // MOST_VALUES))
    shape = (len(alphas), n_targets, design.n_positions)
    own, known = np.zeros((*shape, n_own + 1, len(steps))), np.zeros((*shape, len(steps), n_known))
    limits = np.zeros((n_targets, design.n_positions))

    def solve(position: int) -> None:
        at = origins[design.positions[origins] == position][::every]
        if not len(at):
            return
        for j in range(n_targets):
            _, _, seen, ahead, outcomes = design.at(j, at, steps)
            limits[j, position] = np.abs(outcomes).max()
            for k, step in enumerate(steps):
                kept = slice(None) if design.observed is None else design.observed[at + 1 + step, j]
                found = solve_ridges(np.concatenate([seen, ahead[:, k]], axis=1)[kept], outcomes[kept, k], alphas)
                own[:, j, position, :-1, k], known[:, j, position, k] = found[:, :n_own], found[:, n_own:-1]
                own[:, j, position, -1, k] = found[:, -1]

    map_in_threads(solve, range(design.n_positions))
    return [(own[i], known[i], limits.max(axis=1)) for i in range(len(alphas))]


def solve_ridges(inputs: np.ndarray, outcomes: np.ndarray, alphas: Sequence[float]) -> np.ndarray:
    """Solve ridge regressions.

    Parameters
    ----------
    inputs : ndarray of shape (n, n_inputs)
        Of n origins.
    outcomes : ndarray of shape (n,)
        What they are to say.
    alphas : sequence of float
        Strengths, in units of the variance of each input.

    Returns
    -------
    ndarray of shape (n_alphas, n_inputs + 1)
        Weights, the last one the intercept.
    """
    n, n_inputs = inputs.shape
    if n < 2:
        return np.zeros((len(alphas), n_inputs + 1))
    mean, middle = inputs.mean(axis=0, dtype=np.float64), outcomes.mean(dtype=np.float64)
    centred = inputs - mean.astype(inputs.dtype)
    gram = (centred.T @ centred).astype(np.float64) / n
    cross = (centred.T @ (outcomes - outcomes.dtype.type(middle))).astype(np.float64) / n
    penalty = np.diag(gram) + LEAST_VARIANCE
    weights = np.array([np.linalg.solve(gram + alpha * np.diag(penalty), cross) for alpha in alphas])
    return np.concatenate([weights, (middle - weights @ mean)[:, None]], axis=1)


def _errors(design: _Design, weights: Weights, j: int, origins: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return forecast - outcome of one target: (origins, steps)."""
    own, known, limits = weights
    _, scale, seen, ahead, outcomes = design.at(j, origins, steps)
    found = apply_regressions(seen, ahead, design.positions[origins], own[j], known[j], limits[j])
    return np.asarray((np.sinh(found) - np.sinh(outcomes)) * scale[:, None])
