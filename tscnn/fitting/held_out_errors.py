"""Errors of a pipeline on rows that it was not solved on: those that were held back, and the folds of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tscnn.data.mapped import columns_of
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.windows import sliding_windows
from tscnn.forecasting.calibration import mean_known
from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.predict import forecast_rows
from tscnn.linear import LinearFit
from tscnn.linear.out_of_fold import FoldErrors
from tscnn.linear.structural_mixture import StructuralMixture

__all__ = ["Errors", "count_independent", "gather_errors"]

# Conventions of cost
MOST_ORIGINS = 1000  # that are forecast from, ..
MOST_STRUCTURAL = 64  # .. by structural models
MOST_ERRORS = 2**21  # of these, and of each fold
MOST_STRETCHES = 300  # of a panel

RATIOS = 0.3, 2.0  # of the size of errors to those of the linear terms: conventions
PRIOR_RATIO = 10.0  # independent errors that it takes to believe half of that


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
    def weight(self) -> int:
        """Count the origins that these stand for.

        Returns
        -------
        int
            Of all stretches.
        """
        return sum(self.stretches)

    def forecasts(self, rows: np.ndarray) -> np.ndarray:
        """Return what was forecast.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_targets)
            With the outcomes.

        Returns
        -------
        ndarray of shape (n, n_steps, n_targets)
            NaN where an outcome is missing.
        """
        return np.asarray(rows[self.origins[:, None] + 1 + self.steps] - self.values)


def gather_errors(fitted: Pipeline, seen: SeriesSet, split: Split, linear: LinearFit | None) -> list[Errors]:
    """Gather the errors of forecasts of rows that nothing was solved on.

    Parameters
    ----------
    fitted : Pipeline
        Before it has seen the validation rows.
    seen : SeriesSet
        In the units of the terms, with what is missing.
    split : Split
        Of the series.
    linear : LinearFit or None
        For the errors of folds.

    Returns
    -------
    list of Errors
        Those on the validation rows, then those of the linear terms on the folds of the training rows, in the size of
        the former; of structural models those of all rows. Where nothing was held back those of repeating the newest
        row, which are larger: they take no fitting.
    """
    found, horizon = [], fitted.horizon
    structural = next((term for term in fitted.terms if isinstance(term, StructuralMixture)), None)
    if structural is not None:  # which hardly learns from rows but those that it forecasts from
        alone = replace(fitted, terms=(replace(structural, share=1.0),))
        starts = seen.origins(alone.fewest_rows, horizon)
        own = _forecast_errors(alone, seen, starts, MOST_STRUCTURAL)
        return [] if own is None else [own]
    if split.has_validation:
        own = _forecast_errors(fitted, seen, split.validation(fitted.lookback, horizon))
        found += [] if own is None else [own]
    folds = [_read_fold(fold) for fold in (() if linear is None else linear.errors) if fold.errors.size]
    if not found and not folds:
        own = _naive_errors(seen, list(fitted.targets), seen.origins(fitted.fewest_rows, horizon), horizon)
        return [] if own is None else [own]
    if not found or not folds:
        return found or folds
    ours = mean_known(np.abs(found[0].values[:, folds[-1].steps]), axis=(0, 1))  # of the same origins
    ratio = np.clip(ours / np.maximum(mean_known(np.abs(folds[-1].values), axis=(0, 1)), 1e-9), *RATIOS)
    n = count_independent(found[0], horizon).mean()
    ratio **= n / (n + PRIOR_RATIO)
    return [*found, *(replace(fold, values=fold.values * ratio) for fold in folds[:-1])]


def _naive_errors(seen: SeriesSet, targets: Sequence[int], stretches: Sequence[range], horizon: int) -> Errors | None:
    """Return what repeating the newest row is wrong by."""
    stretches = [stretch for stretch in stretches if len(stretch)][:MOST_STRETCHES]
    if not stretches:
        return None
    every = max(1, sum(map(len, stretches)) * horizon * len(targets) // MOST_ERRORS)
    at, steps = np.concatenate([np.asarray(stretch) for stretch in stretches])[::-every][::-1], np.arange(horizon)
    rows = seen.values[:, targets].astype(np.float64)
    return Errors(at, steps, rows[at[:, None] + 1 + steps] - rows[at][:, None], tuple(map(len, stretches)))


def _read_fold(fold: FoldErrors) -> Errors:
    """Take errors of a fold, of every second or third origin where they are many."""
    every = slice(None, None, -(-fold.errors.size // MOST_ERRORS))
    values = -fold.errors[every].astype(np.float64)
    if fold.observed is not None:
        values = np.where(fold.observed[every], values, np.nan)
    stretches = tuple(n * fold.stride for n in fold.stretches)
    return Errors(fold.origins[every], fold.steps, values.transpose(0, 2, 1), stretches)


def _forecast_errors(
    fitted: Pipeline, seen: SeriesSet, stretches: Sequence[range], most: int = MOST_ORIGINS
) -> Errors | None:
    """Forecast from evenly spaced origins."""
    stretches = [stretch for stretch in stretches if len(stretch)]
    stretches = stretches[:: max(1, -(-len(stretches) // MOST_STRETCHES))]
    if not stretches:
        return None
    horizon, targets, bounds = fitted.horizon, list(fitted.targets), seen.bounds
    most = max(len(stretches), min(most, MOST_ERRORS // (horizon * len(targets))))
    stride = max(1, -(-sum(map(len, stretches)) // most))
    origins, values = [], []
    for stretch in stretches:
        at = np.asarray(stretch)[::-stride][::-1]
        i = int(np.searchsorted(bounds, at[0], side="right")) - 1
        own = seen.values[bounds[i] : bounds[i + 1]]
        found = np.concatenate([part for _, part in forecast_rows(fitted, own, seen.times(i), at - bounds[i])])
        outcomes = sliding_windows(columns_of(own, targets), horizon)[at - bounds[i] + 1]
        origins.append(at)
        values.append(outcomes.astype(np.float64) - found)
    lengths = tuple(map(len, stretches))
    return Errors(np.concatenate(origins), np.arange(horizon), np.concatenate(values), lengths)


def count_independent(errors: Errors, horizon: int) -> np.ndarray:
    """Count the errors of each step that hardly depend on each other: of as many origins as it is steps ahead, one.

    Parameters
    ----------
    errors : Errors
        Of some stretches.
    horizon : int
        Steps.

    Returns
    -------
    ndarray of shape (horizon,)
        At least one a stretch.
    """
    steps = np.arange(1, horizon + 1)[:, None]
    return np.asarray(np.maximum(np.array(errors.stretches) / steps, np.array(errors.stretches) > 0).sum(axis=1))
