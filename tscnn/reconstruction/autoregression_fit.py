"""Fitting a vector autoregression to series with gaps: ridge regression, its order and strength chosen on folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from tscnn.common.threads import on_one_thread
from tscnn.data.windows import sliding_windows
from tscnn.reconstruction.autoregression import VectorAutoregression
from tscnn.reconstruction.gaps import interpolate

__all__ = ["fit_autoregression"]

ORDERS = (1, 2, 3, 4, 6, 8, 12, 16, 24)  # to choose from
MOST_INPUTS = 200  # of a regression: longer orders are for few columns
STRENGTHS = (1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1)  # of the ridge, relative to the mean square of an input
N_FOLDS = 4
ENOUGH = 10  # rows without gaps for each input, from which on the first fit is to them alone
N_ROUNDS = 3  # of expectation and maximisation, where values are missing
NUGGET = 1e-5  # of the errors' variances, added: columns may be copies of each other
LEAST = 1e-8  # variance of an error, of the column's


@on_one_thread
def fit_autoregression(parts: Sequence[np.ndarray], order: int | None = None) -> VectorAutoregression:
    """Fit to all series together, by expectation and maximisation where values are missing [1]_.

    Coefficients shrink towards a random walk: every value repeats the one before. Order and strength of that are those
    with the greatest likelihood on folds of rows that were left out.

    Parameters
    ----------
    parts : sequence of ndarray of shape (n_rows, n_features)
        Series, standardised, NaN where a value is missing.
    order : int, optional
        Rows that regressions see; chosen if not given.

    Returns
    -------
    VectorAutoregression
        Its covariance is that of errors on rows that were left out.

    References
    ----------
    .. [1] Dempster, Laird and Rubin (1977), Maximum Likelihood from Incomplete Data via the EM Algorithm. JRSS B 39.
    """
    n_features, longest = parts[0].shape[1], max(map(len, parts))
    fits = (one for one in ORDERS if one * n_features <= MOST_INPUTS and one <= longest // 8)
    orders: Sequence[int] = [min(order, longest - 1)] if order else [*fits] or [1]
    filled, lagged = [interpolate(part) for part in parts], None
    has_gaps = any(np.isnan(part).any() for part in parts)
    orders, whole = _whole_rows(parts, orders) if has_gaps else (orders, None)
    for left in reversed(range(N_ROUNDS if has_gaps else 1)):
        model = _Products.of(filled, max(orders), lagged, whole).choose(orders)
        whole = None
        if left:
            found = [model.condition(part) for part in parts]
            filled, lagged = [one.mean for one in found], np.sum([one.lagged for one in found], axis=0)
            orders = [one for one in orders if one <= model.order]  # covariances of rows further apart are not there
    return model


def _whole_rows(parts: Sequence[np.ndarray], orders: Sequence[int]) -> tuple[Sequence[int], list[np.ndarray] | None]:
    """Find the rows that have, with those before them, no gap: of the greatest order that leaves enough, if any."""
    for order in reversed(orders):
        windows = [sliding_windows(np.isnan(part).any(axis=1), order + 1) for part in parts if len(part) > order]
        whole: list[np.ndarray] = [np.logical_not(window.any(axis=1)) for window in windows]
        n_inputs = order * parts[0].shape[1]
        if len(whole) == len(parts) and sum(one.sum() for one in whole) >= ENOUGH * n_inputs:
            return [one for one in orders if one <= order], whole
    return orders, None


@dataclass(frozen=True, eq=False)
class _Products:
    """Sums of products of rows and the rows before them, by fold: x[t], x[t - 1] .. side by side."""

    sums: np.ndarray  # (n_folds, (order + 1) * n_features, the same)
    counts: np.ndarray  # (n_folds,), rows
    n_features: int

    @classmethod
    def of(
        cls,
        parts: Sequence[np.ndarray],
        order: int,
        lagged: np.ndarray | None,
        whole: Sequence[np.ndarray] | None,
    ) -> Self:
        """Add up the products of rows, of all or of the `whole` ones, and the covariances of what fills their gaps."""
        n_features = parts[0].shape[1]
        size = (order + 1) * n_features
        sums, counts = np.zeros((N_FOLDS, size, size)), np.zeros(N_FOLDS)
        ends = np.cumsum([max(0, len(part) - order) for part in parts])
        for i, (part, end) in enumerate(zip(parts, ends, strict=True)):
            n_rows = len(part) - order
            if n_rows < 1:
                continue
            rows = np.concatenate([part[order - k : len(part) - k] for k in range(order + 1)], axis=1)
            fold_of = (np.arange(end - n_rows, end) * N_FOLDS) // ends[-1]
            if whole is not None:
                rows, fold_of = rows[whole[i]], fold_of[whole[i]]
            for fold in np.unique(fold_of):
                own = rows[fold_of == fold]
                sums[fold] += own.T @ own
                counts[fold] += len(own)
        if lagged is not None:
            sums += (counts / counts.sum())[:, None, None] * _spread(lagged, order)
        return cls(sums, counts, n_features)

    def choose(self, orders: Sequence[int]) -> VectorAutoregression:
        """Solve with the order and the strength of the greatest likelihood."""
        settings = [(order, strength) for order in orders for strength in STRENGTHS]
        found = [self._left_out(*setting) for setting in settings]
        best = int(np.argmin([np.linalg.slogdet(covariance)[1] for covariance in found]))
        order, strength = settings[best]
        coefficients = self._solve(self.sums.sum(axis=0), order, strength)
        return VectorAutoregression(
            coefficients.reshape(self.n_features, order, self.n_features).transpose(1, 0, 2).copy(), found[best]
        )

    def _left_out(self, order: int, strength: float) -> np.ndarray:
        """Return the covariance of errors on rows that were left out."""
        total, size = self.sums.sum(axis=0), (order + 1) * self.n_features
        covariance = np.zeros((self.n_features, self.n_features))
        for own in self.sums:
            maps = np.concatenate([np.eye(self.n_features), -self._solve(total - own, order, strength)], axis=1)
            covariance += maps @ own[:size, :size] @ maps.T
        covariance /= self.counts.sum()
        return covariance + np.diag(NUGGET * np.diag(covariance) + LEAST)

    def _solve(self, sums: np.ndarray, order: int, strength: float) -> np.ndarray:
        """Return coefficients, those of the rows before side by side: (n_features, order * n_features)."""
        n, size = self.n_features, (order + 1) * self.n_features
        inputs, outputs = sums[n:size, n:size], sums[n:size, :n]
        ridge = strength * max(float(np.trace(inputs)) / len(inputs), 1e-12)
        repeat = np.eye(len(inputs), n)  # what coefficients shrink to
        change = np.linalg.solve(inputs + ridge * np.eye(len(inputs)), outputs - inputs @ repeat)
        return (repeat + change).T


def _spread(lagged: np.ndarray, order: int) -> np.ndarray:
    """Put covariances of rows by their distance where products of these rows are; unknown ones are taken as zero."""
    n = lagged.shape[1]
    blocks = np.zeros((order + 1, n, order + 1, n))
    for d in range(min(len(lagged), order + 1)):
        for k in range(order + 1 - d):  # of x[t - k] with x[t - k - d]
            blocks[k + d, :, k] = lagged[d]
            blocks[k, :, k + d] = lagged[d].T
    return blocks.reshape((order + 1) * n, -1)
