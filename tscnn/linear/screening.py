"""Whether a transform helps: errors of one ridge regression, with and without, on rows that it has not seen."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tscnn.common.threads import on_one_thread
from tscnn.data.mapped import columns_of
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.windows import pick_origins, sliding_windows
from tscnn.linear.ridge import fit_ridge_map
from tscnn.statistics import GateResult, gate, not_kept, relative_block_gains

__all__ = ["Screening"]

MOST_ORIGINS = 1500  # that errors are computed at, evenly spread: a convention, for the time of a fit
MOST_PRODUCTS = 3e9  # that the regression is summed of: some tenths of a second
MOST_VALUES = 2**22  # of windows in memory at a time: a convention


@dataclass(frozen=True)
class Screening:
    """Earlier origins, to fit a ridge regression to, and later ones, to compute its errors at.

    Attributes
    ----------
    split : Split
        Of the series.
    targets : sequence of int
        Columns that are forecast.
    lookback, horizon : int
        Of the regression.
    share : float
        Of the training origins of each series, to fit to. The outcomes of the others, and of the validation origins,
        lie after theirs.
    level, least_gain : float
        Of `tscnn.statistics.gate`.
    """

    split: Split
    targets: Sequence[int]
    lookback: int
    horizon: int
    share: float
    level: float
    least_gain: float

    @on_one_thread
    def compare_rows(self, rows: np.ndarray, rivals: Sequence[np.ndarray]) -> tuple[int, np.ndarray, GateResult]:
        """Compare ways to take something off rows that is known ahead, and added to forecasts.

        What is known ahead is the same in rows and outcomes, so that errors of what is left are those of the forecast.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            Of which nothing is taken.
        rivals : sequence of ndarray of shape (n_rows, n_features)
            Of which something is, fitted to no more than the first `share` of the training rows.

        Returns
        -------
        best : int
            The rival with the smallest error.
        helped : ndarray of bool of shape (n_targets,)
            Targets whose squared error it makes smaller by more than chance would give.
        result : GateResult
            Of these together, or of all if none is.
        """
        earlier, at, apart = self._origins()
        if not any(earlier) or not len(at):
            return 0, np.zeros(len(self.targets), bool), not_kept("too few rows")
        losses = []
        for one in (rows, *rivals):
            own, found = self._own(one), np.empty((len(at), len(self.targets)))
            for part, _, forecasts in self._forecast(own, earlier, at):
                found[part] = np.square(sliding_windows(own, self.horizon)[at[part] + 1] - forecasts).mean(axis=1)
            losses.append(found)
        best = int(np.argmin([one.mean() for one in losses[1:]]))
        helped, result = self._test(losses[0], losses[1 + best], apart, len(rivals))
        return best, helped, result

    @on_one_thread
    def compare_units(
        self, rivals: Sequence[tuple[SeriesSet, Sequence[Any]]], series: SeriesSet, scale: np.ndarray
    ) -> tuple[np.ndarray, GateResult]:
        """Compare two ways to transform rows by the errors of forecasts in the data's own units.

        Parameters
        ----------
        rivals : sequence of (SeriesSet, sequence of Transform)
            Two of them: transformed rows, and what undoes that.
        series : SeriesSet
            In the data's own units, NaN where a value is missing.
        scale : ndarray of shape (1 or n_series, n_features)
            By which errors are divided, so that series count alike.

        Returns
        -------
        helped : ndarray of bool of shape (n_targets,)
            Targets whose mean absolute error the second makes smaller by more than chance would give, and whose mean
            squared error is no larger.
        result : GateResult
            Of the absolute errors of these together, or of all if none is.
        """
        earlier, at, apart = self._origins()
        if not any(earlier) or not len(at):
            return np.zeros(len(self.targets), bool), not_kept("too few rows")
        columns, truth = list(self.targets), self._own(series.values)
        losses = []
        for rows, transforms in rivals:
            found = np.empty((2, len(at), len(columns)))
            for part, i, forecasts in self._forecast(self._own(rows.values), earlier, at):
                restored = forecasts.astype(np.float64)
                for one in reversed(transforms):
                    restored = one.invert(restored, rows.times(i), at[part] - series.bounds[i], columns)
                errors = restored - sliding_windows(truth, self.horizon)[at[part] + 1]
                errors /= scale[min(i, len(scale) - 1), columns]
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RuntimeWarning)  # an origin all of whose outcomes are missing
                    found[:, part] = [np.nanmean(size, axis=1) for size in (np.abs(errors), np.square(errors))]
            losses.append(np.nan_to_num(found))
        (before, squares_before), (after, squares_after) = losses
        no_worse = squares_after.mean(axis=0) <= squares_before.mean(axis=0)
        return self._test(before, after, apart, 1, no_worse)

    def _origins(self) -> tuple[list[range], np.ndarray, int]:
        """Return origins to fit to, some later ones, and how many of these are independent of each other."""
        earlier, later = [], []
        for stretch in self.split.training(self.lookback, self.horizon):
            end = stretch.start + int(len(stretch) * self.share)
            earlier.append(range(stretch.start, end))
            later.append(range(min(end + self.horizon, stretch.stop), stretch.stop))
        if self.split.has_validation:
            later += self.split.validation(self.lookback, self.horizon)
        later, n_later = sorted(later, key=lambda stretch: stretch.start), sum(map(len, later))
        spacing = max(1, n_later // MOST_ORIGINS)
        return earlier, pick_origins(later, np.arange(0, n_later, spacing)), -(-self.horizon // spacing)

    def _own(self, values: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(columns_of(values, self.targets))

    def _forecast(
        self, rows: np.ndarray, earlier: Sequence[range], at: np.ndarray
    ) -> Iterator[tuple[slice, int, np.ndarray]]:
        """Forecast from `at`, by a regression on earlier origins: which of them, their series, and the forecasts."""
        fitted = fit_ridge_map(rows, earlier, [], self.lookback, self.horizon, (0.1,), MOST_PRODUCTS)
        kernel, windows = fitted[0].astype(np.float32), sliding_windows(rows, self.lookback)
        for part, i in self._parts(at, rows.shape[1]):
            seen = windows[at[part] - self.lookback + 1]
            yield part, i, np.einsum("nlf,lh->nhf", seen, kernel, optimize=True)

    def _parts(self, at: np.ndarray, n_columns: int) -> Iterator[tuple[slice, int]]:
        """Cut origins into parts of one series each that fit into memory."""
        owners = np.searchsorted(self.split.series.bounds, at, side="right") - 1
        size = max(1, MOST_VALUES // (self.lookback * n_columns))
        edges = np.flatnonzero(np.diff(owners, prepend=-1, append=-2))
        for first, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            for begin in range(first, stop, size):
                yield slice(begin, min(begin + size, stop)), int(owners[first])

    def _test(
        self, before: np.ndarray, after: np.ndarray, apart: int, n_tries: int, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, GateResult]:
        """Test losses (n_origins, n_targets), of each target by itself, and of those that are kept together."""

        def test(which: np.ndarray) -> GateResult:
            gains, weights = relative_block_gains(before[:, which].mean(axis=1), after[:, which].mean(axis=1), apart)
            return gate(gains, weights=weights, n_tries=n_tries, level=self.level, least_gain=self.least_gain)

        every = np.arange(before.shape[1])
        helped = np.array([test(every[[i]]).kept for i in every])
        if allowed is not None and helped.any() and not (helped & allowed).any():
            return helped & allowed, not_kept("squared errors grow")
        helped = helped if allowed is None else helped & allowed
        return helped, test(every[helped] if helped.any() else every)
