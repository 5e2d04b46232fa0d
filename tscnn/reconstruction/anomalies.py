"""How far values lie from what the others say of them, and how long a column repeats one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from tscnn.common.checks import received
from tscnn.data.windows import sliding_windows
from tscnn.reconstruction.autoregression import VectorAutoregression

__all__ = ["Scores", "find_threshold"]

USUAL = 0.9  # share of values whose distance is usual: of more, distances are those of anomalies
NORMAL = 1.645  # standard deviations within which that share of a normal distribution is
LEAST_REPEATED = 1e-3  # share of rows that repeat the one before


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of values, about the size of a standard deviation where nothing is wrong.

    A value's distance is that from its mean given all other columns, and its own column but for `span` rows about it:
    what lies beside it may be wrong for the same reason. Its residual is the distance from its mean given all other
    values: of few columns that tells spikes and noise; where one of many columns is wrong, all others look odd beside
    it, so that it counts one part in `n_features`. Its run are the equal values that it is one of, which are as
    improbable as a normal value that far out.

    Attributes
    ----------
    span : int
        Rows that are left out, an odd number.
    repeated : ndarray of shape (n_features,)
        Share of rows that repeat the one before.
    scales : ndarray of shape (3, n_features)
        What distances, runs and residuals are divided by.
    """

    span: int
    repeated: np.ndarray
    scales: np.ndarray

    def __post_init__(self) -> None:
        """Check that the arrays fit each other."""
        if self.span % 2 != 1 or self.scales.shape != (3, *self.repeated.shape):
            rule = "Scores must have three scales a column."
            raise ValueError(received(rule, span=self.span, shape=self.scales.shape))

    @classmethod
    def fit(
        cls,
        autoregression: VectorAutoregression,
        filled: Sequence[np.ndarray],
        values: Sequence[np.ndarray],
        season: int,
    ) -> Self:
        """Learn what is usual.

        Parameters
        ----------
        autoregression : VectorAutoregression
            Of the rows.
        filled : sequence of ndarray of shape (n_rows, n_features)
            Series without gaps and seasonal means.
        values : sequence of ndarray of shape (n_rows, n_features)
            The same in their own units, NaN where a value is missing.
        season : int
            Rows, on either side, that are left out.

        Returns
        -------
        Scores
            Of these series.
        """
        n_features = values[0].shape[1]
        span = 2 * min(season, max(map(len, values)) // 8) + 1
        n_equal = sum(np.sum(part[1:] == part[:-1], axis=0) for part in values)
        repeated = np.clip(n_equal / sum(map(len, values)), LEAST_REPEATED, 1 - LEAST_REPEATED)
        plain = cls(span, repeated, np.ones((3, n_features)))
        found = [plain._measure(autoregression, *parts) for parts in zip(filled, values, strict=True)]
        usual = [np.nanquantile(np.concatenate(kind), USUAL, axis=0) for kind in zip(*found, strict=True)]
        far, residual = (np.maximum(usual[kind], 1e-9) / NORMAL for kind in (0, 2))
        return cls(span, repeated, np.stack([far, np.maximum(usual[1] / NORMAL, 1.0), n_features * residual]))

    def measure(self, autoregression: VectorAutoregression, filled: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Score the values of one series.

        Parameters
        ----------
        autoregression : VectorAutoregression
            Of the rows.
        filled, values : ndarray of shape (n_rows, n_features)
            As of `fit`.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            The higher, the less a value goes with the others; NaN where it is missing.
        """
        found = self._measure(autoregression, filled, values)
        return np.asarray(np.max([kind / scale for kind, scale in zip(found, self.scales, strict=True)], axis=0))

    def _measure(
        self, autoregression: VectorAutoregression, filled: np.ndarray, values: np.ndarray
    ) -> list[np.ndarray]:
        """Return distances in standard deviations, and the same of runs and of residuals."""
        gradient, precision = autoregression.scores(filled)
        half, missing = self.span // 2, np.isnan(values)
        padded = np.pad(gradient, ((half, half), (0, 0)))
        distance = np.empty_like(filled)
        for f in range(filled.shape[1]):
            covariance = np.linalg.inv(autoregression.block_precision(f, self.span))
            middle = covariance[half] / np.sqrt(covariance[half, half])
            distance[:, f] = np.abs(sliding_windows(padded[:, f], self.span) @ middle)
        run = np.sqrt(-2 * (_run_lengths(values) - 1) * np.log(self.repeated))
        return [np.where(missing, np.nan, kind) for kind in (distance, run, np.abs(gradient) / np.sqrt(precision))]


def _run_lengths(values: np.ndarray) -> np.ndarray:
    """Count the equal values, one after the other, that each is one of: (n_rows, n_features)."""
    lengths = np.ones(values.shape, int)
    for f, column in enumerate(values.T):
        starts = np.flatnonzero(np.append(True, column[1:] != column[:-1]))
        lengths[:, f] = np.repeat(np.diff(np.append(starts, len(column))), np.diff(np.append(starts, len(column))))
    return lengths


def find_threshold(scores: np.ndarray, rate: float) -> float:
    """Find the score that a share of rows lies above.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        The highest of each row.
    rate : float in (0, 1)
        That share. All values of a stuck sensor have one score: where that is at the threshold, they lie above it, up
        to the share of rows that is unusual.

    Returns
    -------
    float
        In units of the scores.

    Examples
    --------
    >>> find_threshold(np.array([1.0, 2, 3, 4] * 5 + [9, 9]), 0.04)
    4.0
    """
    found = float(np.quantile(scores, 1 - rate))
    below = scores[scores < found]
    tied = np.sum(scores == found) > 1 and len(below) >= USUAL * len(scores)
    return float(below.max()) if tied else found
