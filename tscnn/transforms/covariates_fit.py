"""Fitting effects of the calendar and of covariates: a ridge regression of changes of level, tested out of fold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tscnn.common.threads import on_one_thread
from tscnn.data.split import Split
from tscnn.transforms.covariates import CovariateBasis, CovariateEffects

__all__ = ["CovariateSettings", "EffectSums", "sum_effects"]


@dataclass(frozen=True)
class CovariateSettings:
    """How effects of the calendar and of covariates are fitted.

    Attributes
    ----------
    alphas : tuple of float
        Ridge strengths, in mean squares of a number. A convention: a grid of decades.
    n_folds : int, default 10
        Parts of every series, oldest first, of which the later ones tell which strength is best for what follows. A
        convention.
    block : int, default 16384
        Rows in memory at a time. A convention.
    most_rows : int, default 300,000
        Of a panel, every second, third .. series if there are more. A convention, for the time of a fit.
    share : float, default 0.6
        Of the training rows, before the others, that effects are fitted to when they are tested. A convention.
    level, covariate_level : float, default 0.05 and 0.1
        Probability of keeping what gains nothing: the calendar alone, and with covariates, which are likelier to matter
        since somebody named them. A convention.
    least_gain : float, default 0.005
        Part of the squared error that effects must save. A convention.
    """

    alphas: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    n_folds: int = 10
    block: int = 16384
    most_rows: int = 300_000
    share: float = 0.6
    level: float = 0.05
    covariate_level: float = 0.1
    least_gain: float = 0.005


@dataclass(frozen=True)
class EffectSums:
    """Sums of products that regressions on the calendar and on covariates need, fold by fold.

    Attributes
    ----------
    basis : CovariateBasis
        Of the numbers.
    mean : ndarray of shape (n_numbers,)
        Of these.
    inputs : ndarray of shape (n_folds, n_numbers, n_numbers)
        Products of numbers, relative to their means over the rows before.
    cross : ndarray of shape (n_folds, n_numbers, n_features)
        Products of these and of what columns are above their own means over the rows before.
    outcomes : ndarray of shape (n_folds, n_features)
        Squares of the latter.
    settings : CovariateSettings
        See there.
    """

    basis: CovariateBasis
    mean: np.ndarray
    inputs: np.ndarray
    cross: np.ndarray
    outcomes: np.ndarray
    settings: CovariateSettings

    @on_one_thread
    def solve(self, n_folds: int) -> CovariateEffects:
        """Fit effects to the first folds, each column's with the strength that is best out of fold.

        Parameters
        ----------
        n_folds : int
            How many of them. A column that no strength helps on the later half of them has no effects.

        Returns
        -------
        CovariateEffects
            In the units of the rows.
        """
        first = max(1, n_folds // 2)
        errors = np.zeros((len(self.settings.alphas), self.cross.shape[2]))
        for fold in range(first, n_folds):
            for found, coefficients in zip(errors, self._solve_all(fold), strict=True):
                explained = 2 * self.cross[fold] - self.inputs[fold] @ coefficients
                found -= np.einsum("pf,pf->f", coefficients, explained)
        solved = np.stack(self._solve_all(n_folds))
        best = np.argmin(errors, axis=0)
        coefficients = np.take_along_axis(solved, best[None, None], axis=0)[0]
        coefficients[:, errors.min(axis=0) >= 0] = 0
        return CovariateEffects(self.basis, self.mean, coefficients.astype(np.float32))

    def _solve_all(self, n_folds: int) -> list[np.ndarray]:
        """Solve with every strength: (n_numbers, n_features) each."""
        inputs, cross = self.inputs[:n_folds].sum(axis=0), self.cross[:n_folds].sum(axis=0)
        size = np.sqrt(np.maximum(np.diag(inputs), 1e-9 * max(np.trace(inputs), 1e-12)))
        values, vectors = np.linalg.eigh(inputs / size[:, None] / size)
        turned = vectors.T @ (cross / size[:, None])
        return [(vectors @ (turned / (values + alpha)[:, None])) / size[:, None] for alpha in self.settings.alphas]


def sum_effects(
    rows: np.ndarray,
    split: Split,
    basis: CovariateBasis,
    apart: int,
    width: int,
    settings: CovariateSettings,
) -> EffectSums | None:
    """Sum the products of the training rows.

    Levels drift, for reasons that no covariate tells: what a column is above its mean over `width` rows that end
    `apart` rows before is regressed on what the numbers are above theirs. Forecasts, too, start from a level that they
    know, and add what will be different.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series, one behind the other, in the units of the terms.
    split : Split
        Of these.
    basis : CovariateBasis
        Of the calendar and of the covariates.
    apart, width : int
        See above: the horizon, and a season.
    settings : CovariateSettings
        See there.

    Returns
    -------
    EffectSums or None
        None where no series is longer than `apart` + `width`.
    """
    sums, total, n_rows = None, 0.0, 0
    for numbers, own, share in _blocks(rows, split, basis, apart + width, settings.block):
        total, n_rows = total + numbers.sum(axis=0, dtype=np.float64), n_rows + len(numbers)
        changes = np.asarray(_above_past(np.concatenate([numbers, own], axis=1), apart, width), np.float32)
        if sums is None:
            n, f = numbers.shape[1], own.shape[1]
            sums = [np.zeros((settings.n_folds, *shape)) for shape in ((n, n), (n, f), (f,))]
        for fold in np.unique(folds := np.minimum((share * settings.n_folds).astype(int), settings.n_folds - 1)):
            z, y = np.split(changes[folds == fold], [numbers.shape[1]], axis=1)
            for summed, products in zip(sums, (z.T @ z, z.T @ y, np.square(y).sum(axis=0)), strict=True):
                summed[fold] += products
    if sums is None:
        return None
    inputs, cross, outcomes = sums
    return EffectSums(basis, np.asarray(total / n_rows), inputs, cross, outcomes, settings)


def _blocks(
    rows: np.ndarray, split: Split, basis: CovariateBasis, before: int, size: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield numbers and rows, `before` of which only tell the past of others, and where these are in their series."""
    starts, times, described_to = split.series.bounds[:-1].tolist(), split.series.joined_times(), 0
    described, offset = np.zeros((0, 0), np.float32), 0
    for begin, end in zip(starts, split.validation_from, strict=True):
        for first in range(begin + before, end, size):
            start, stop = first - before, min(first + size, end)
            if stop > described_to:  # of many short series the numbers of several at once
                offset, described_to = start, max(stop, min(start + size, len(times)))
                described = basis.describe(times[offset:described_to])
            share = np.arange(first - before - begin, stop - before - begin) / (end - begin - before)
            yield described[start - offset : stop - offset], rows[start:stop], share


def _above_past(values: np.ndarray, apart: int, width: int) -> np.ndarray:
    """Return what rows are above the mean of `width` rows that end `apart` rows before them."""
    summed = np.cumsum(np.concatenate([np.zeros((1, values.shape[1])), values]), axis=0)
    past = (summed[width : len(values) + 1 - apart] - summed[: len(values) + 1 - apart - width]) / width
    return values[apart + width :] - past[: len(values) - apart - width]
