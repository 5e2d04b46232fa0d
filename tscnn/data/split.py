"""Which rows train, which choose, and which calibrate."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from tscnn.common.checks import check_real
from tscnn.data.mapped import MOST_ROWS, release
from tscnn.data.series import SeriesSet
from tscnn.data.windows import split_row

__all__ = ["Split"]


@dataclass(frozen=True)
class Split:
    """The last rows of each series, held back from training; computed once and passed on.

    Outcomes of training lie before `validation_from`, those of validation before `calibration_from`, those of
    calibration after it. Windows may reach back into the rows before.

    Attributes
    ----------
    series : SeriesSet
        What is split; its values may be in any units.
    validation_from, calibration_from : tuple of int
        Rows of the whole array, one a series; the end of the series where no rows are held back.

    Examples
    --------
    >>> import pandas as pd
    >>> series = SeriesSet(np.zeros((100, 1)), (pd.RangeIndex(100),))
    >>> split = Split.of(series, lookback=10, horizon=5, validation_fraction=0.2)
    >>> split.training(10, 5), split.validation(10, 5), split.calibration(10, 5), split.n_training
    ([range(9, 75)], [range(79, 95)], [range(99, 99)], 80)
    """

    series: SeriesSet
    validation_from: tuple[int, ...]
    calibration_from: tuple[int, ...]

    @classmethod
    def of(
        cls,
        series: SeriesSet,
        lookback: int,
        horizon: int,
        validation_fraction: float,
        calibration_fraction: float = 0.0,
    ) -> Self:
        """Hold back the last part of the rows of every series.

        Parameters
        ----------
        series : SeriesSet
            What is split.
        lookback, horizon : int
            Steps seen and steps predicted: a series with too few rows for a window before and an outcome after is not
            split.
        validation_fraction, calibration_fraction : float in [0, 1)
            The calibration rows are the newest, a part of all rows; the validation rows are a part of those before.

        Returns
        -------
        Split
            Of the same series.
        """
        calibration_fraction = check_real("calibration_fraction", calibration_fraction, low=0, high=1)
        bounds = series.bounds.tolist()
        validation, calibration = [], []
        for start, stop in itertools.pairwise(bounds):
            row = split_row(stop - start, lookback, horizon, calibration_fraction) if calibration_fraction else None
            end = stop if row is None else start + row
            row = split_row(end - start, lookback, horizon, validation_fraction)
            validation.append(end if row is None else start + row)
            calibration.append(end)
        return cls(series, tuple(validation), tuple(calibration))

    @classmethod
    def at(cls, series: SeriesSet, validation_from: Sequence[int | None]) -> Self:
        """Split at given rows, without calibration rows.

        Parameters
        ----------
        series : SeriesSet
            What is split.
        validation_from : sequence of (int or None)
            Rows of the whole array, one a series; None holds nothing back.

        Returns
        -------
        Split
            Of the same series.
        """
        ends = series.bounds[1:].tolist()
        rows = tuple(end if row is None else int(row) for row, end in zip(validation_from, ends, strict=True))
        return cls(series, rows, tuple(ends))

    def take(self, which: Sequence[int]) -> Self:
        """Take some of the series.

        Parameters
        ----------
        which : sequence of int
            Which, ascending.

        Returns
        -------
        Split
            Of these.
        """
        before, series = self.series.bounds, self.series.take(which)
        moved = series.bounds[:-1] - before[list(which)]
        ends = [
            tuple(int(row[i] + by) for i, by in zip(which, moved, strict=True))
            for row in (self.validation_from, self.calibration_from)
        ]
        return type(self)(series, *ends)

    @property
    def has_validation(self) -> bool:
        """Whether any rows are held back to choose on.

        Returns
        -------
        bool
            Of any series.
        """
        return any(a < b for a, b in zip(self.validation_from, self.calibration_from, strict=True))

    @property
    def n_training(self) -> int:
        """Count the training rows.

        Returns
        -------
        int
            Of all series.
        """
        return int(np.sum(np.array(self.validation_from) - self.series.bounds[:-1]))

    def training_rows(self) -> np.ndarray:
        """Tell the training rows from the others.

        Returns
        -------
        ndarray of bool of shape (n_rows,)
            True for rows before `validation_from` of their series.
        """
        kept = np.zeros(len(self.series.values), bool)
        for start, end in zip(self.series.bounds[:-1].tolist(), self.validation_from, strict=True):
            kept[start:end] = True
        return kept

    def thin(self, length: int, n_parts: int) -> Self:
        """Take stretches of series that have many millions of rows: enough to choose on.

        Parameters
        ----------
        length, n_parts : int
            Rows of a stretch, and how many a series, evenly spread from its first row to its last.

        Returns
        -------
        Split
            Of these as if they were series, in memory; the same if no series is so long.
        """
        bounds = list(itertools.pairwise(self.series.bounds.tolist()))
        if all(b - a <= max(MOST_ROWS, n_parts * length) for a, b in bounds):
            return self
        cuts = []
        for i, (a, b) in enumerate(bounds):
            is_long = b - a > max(MOST_ROWS, n_parts * length)
            firsts = np.linspace(a, b - length, n_parts).astype(int).tolist() if is_long else [a]
            cuts += [(i, first, min(first + length, b) if is_long else b) for first in firsts]
        names, covariates = self.series.names, self.series.covariates
        indexes = tuple(self.series.indexes[i][a - bounds[i][0] : b - bounds[i][0]] for i, a, b in cuts)
        series = type(self.series)(
            np.concatenate([self.series.values[a:b] for _, a, b in cuts]),
            indexes,
            None if names is None else tuple(names[i] for i, _, _ in cuts),
            None if covariates is None else np.concatenate([covariates[a:b] for _, a, b in cuts]),
        )
        release(self.series.values)
        ends = [
            tuple(
                int(np.clip(rows[i], a, b)) - a + to
                for to, (i, a, b) in zip(series.bounds[:-1].tolist(), cuts, strict=True)
            )
            for rows in (self.validation_from, self.calibration_from)
        ]
        return type(self)(series, *ends)

    def training(self, lookback: int, horizon: int) -> list[range]:
        """Find the origins to train on.

        Parameters
        ----------
        lookback, horizon : int
            Steps seen and steps predicted.

        Returns
        -------
        list of range
            Of `SeriesSet.origins`.
        """
        return self.series.origins(lookback, horizon, end=self.validation_from)

    def validation(self, lookback: int, horizon: int) -> list[range]:
        """Find the origins to choose on.

        Parameters
        ----------
        lookback, horizon : int
            Steps seen and steps predicted.

        Returns
        -------
        list of range
            As `training`.
        """
        return self.series.origins(lookback, horizon, first=self.validation_from, end=self.calibration_from)

    def calibration(self, lookback: int, horizon: int) -> list[range]:
        """Find the origins that choose nothing, to calibrate intervals on.

        Parameters
        ----------
        lookback, horizon : int
            Steps seen and steps predicted.

        Returns
        -------
        list of range
            As `training`.
        """
        return self.series.origins(lookback, horizon, first=self.calibration_from)
