"""The mean of every column at a time of the day, the week and the year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.data.calendar import as_times, phases, waves
from tscnn.data.index import find_seasons

__all__ = ["SeasonalMeans"]

DAILY, WEEKLY, YEARLY = 12, 3, 2  # harmonics, at most: a mean for every hour; the others are conventions
STRENGTHS = (1e-6, 1e-3, 1e-2, 1e-1, 1.0)  # of the ridge, relative to the mean square of an input
N_FOLDS = 5
CYCLES = {"day": "hour", "year": "yearday"}


@dataclass(frozen=True, eq=False)
class SeasonalMeans:
    """Means by time, as waves: of the day, of the week, of the year, and of the day and the week as the year goes on.

    Attributes
    ----------
    cycles : dict of str to int
        Harmonics of "day", "week" and "year".
    coefficients : ndarray of shape (1 + n_waves, n_features)
        The first are constants.
    """

    cycles: dict[str, int]
    coefficients: np.ndarray

    @classmethod
    def fit(cls, parts: Sequence[np.ndarray], indexes: Sequence[pd.Index], freq: Any) -> Self:
        """Solve by ridge regression; its strength has the least error on stretches of rows that were left out.

        Parameters
        ----------
        parts : sequence of ndarray of shape (n_rows, n_features)
            Series, standardised, NaN where a value is missing.
        indexes : sequence of Index
            Of these.
        freq : offset, int or None
            Their step: without one of time there are no seasons.

        Returns
        -------
        SeasonalMeans
            The same for all series.
        """
        longest = max(map(len, parts))
        most = {"day": DAILY, "week": WEEKLY, "year": YEARLY}
        seasons = dict(find_seasons(freq))
        if "day" in seasons:
            seasons["year"] = round(seasons["day"] * 365.25)
        seen = {name: longest // rows for name, rows in seasons.items() if 2 * rows <= longest}  # times
        cycles = {name: min(most[name], seasons[name] // 2, 1 + n // 2) for name, n in seen.items()}
        if "year" in seasons and "year" not in cycles and seasons["year"] <= 1.01 * longest:
            cycles["year"] = 1
        inputs = np.concatenate([_describe(index, cycles) for index in indexes])
        values, n = np.concatenate(parts), sum(map(len, parts))
        fold_of = np.arange(n) * N_FOLDS // n
        known, coefficients = ~np.isnan(values), np.zeros((inputs.shape[1], values.shape[1]))
        _, group_of = np.unique(known, axis=1, return_inverse=True)  # columns with gaps in the same rows
        for group in range(group_of.max() + 1):
            own = group_of == group
            rows = known[:, own][:, 0]
            coefficients[:, own] = _solve(inputs[rows], values[np.ix_(rows, own)], fold_of[rows])
        return cls(cycles, coefficients)

    def at(self, index: pd.Index) -> np.ndarray:
        """Return the means.

        Parameters
        ----------
        index : Index
            Of n rows.

        Returns
        -------
        ndarray of shape (n, n_features)
            Standardised, as what they were fitted to.
        """
        return _describe(index, self.cycles) @ self.coefficients


def _describe(index: pd.Index, cycles: dict[str, int]) -> np.ndarray:
    """Return a constant and the waves of cycles, (n_rows, 1 + n_waves)."""
    own = {name: np.stack(_waves_of(index, name, n), axis=1) for name, n in cycles.items()}
    parts = [np.ones((len(index), 1)), *own.values()]
    year = own.get("year")
    if year is not None and "day" in own:
        parts += [own["day"] * year[:, at, None] for at in range(2)]
    if "day" in own and "week" in own:
        parts.append(own["day"] * np.asarray(as_times(index).day_of_week >= 5, float)[:, None])
    return np.concatenate(parts, axis=1)


def _waves_of(index: pd.Index, name: str, n_harmonics: int) -> list[np.ndarray]:
    if name == "week":
        phase = (np.asarray(as_times(index).day_of_week) + phases(index, "hour")) / 7
    else:
        phase = phases(index, CYCLES[name])
    return waves(phase, n_harmonics)


def _solve(inputs: np.ndarray, columns: np.ndarray, fold_of: np.ndarray) -> np.ndarray:
    """Regress columns without gaps on waves, each with its own strength; constants are not shrunk."""
    n_inputs, n_columns = inputs.shape[1], columns.shape[1]
    sums, with_columns = np.zeros((N_FOLDS, n_inputs, n_inputs)), np.zeros((N_FOLDS, n_inputs, n_columns))
    for fold in range(N_FOLDS):
        own = inputs[fold_of == fold]
        sums[fold], with_columns[fold] = own.T @ own, own.T @ columns[fold_of == fold]
    total, total_with = sums.sum(axis=0), with_columns.sum(axis=0)
    ridge = np.diag(np.append(1e-9, np.full(n_inputs - 1, len(inputs) / 2)))
    if n_inputs == 1 or not len(inputs):
        return total_with / max(len(inputs), 1)
    errors = np.zeros((len(STRENGTHS), n_columns))
    for at, strength in enumerate(STRENGTHS):
        for own, own_with in zip(sums, with_columns, strict=True):
            found = np.linalg.solve(total - own + strength * ridge, total_with - own_with)
            errors[at] += np.einsum("if,ij,jf->f", found, own, found) - 2 * np.sum(found * own_with, axis=0)
    found = np.stack([np.linalg.solve(total + strength * ridge, total_with) for strength in STRENGTHS])
    return found[errors.argmin(axis=0), :, np.arange(n_columns)].T
