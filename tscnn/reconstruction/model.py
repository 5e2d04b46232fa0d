"""A fitted reconstructor: what it says of missing values, and of those that are there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np

from tscnn.common.archive import arrays_of
from tscnn.common.checks import received
from tscnn.data.series import SeriesSet
from tscnn.reconstruction.anomalies import Scores
from tscnn.reconstruction.autoregression import VectorAutoregression
from tscnn.reconstruction.gaps import interpolate, measure_gaps, nearest_length
from tscnn.reconstruction.network import GapNetwork
from tscnn.reconstruction.season import SeasonalMeans
from tscnn.transforms import OutlierFilter, Standardize
from tscnn.transforms.outliers import keep_levels

__all__ = ["Filled", "ReconstructionModel"]

LEVELS = np.concatenate([[0.001, 0.005], np.arange(1, 100) / 100, [0.995, 0.999]])  # of the quantiles that are kept


class Filled(NamedTuple):
    """Rows without gaps, in standardised units.

    Attributes
    ----------
    mean : ndarray of shape (n_rows, n_features)
        Values, the missing ones filled.
    deviation : ndarray of shape (n_rows, n_features)
        Standard deviation of the missing ones' errors, as the autoregression has it; 0 of the others.
    closed_form : ndarray of shape (n_rows, n_features)
        The values without what the network adds.
    """

    mean: np.ndarray
    deviation: np.ndarray
    closed_form: np.ndarray


@dataclass(frozen=True, eq=False)
class ReconstructionModel:
    """Seasonal means, an autoregression of what differs from them, and a network of what that leaves.

    Attributes
    ----------
    standardize : Standardize
        Of the training rows.
    season : SeasonalMeans
        Of standardised rows.
    autoregression : VectorAutoregression
        Of rows without their seasonal means.
    season_length : int
        Rows of a season.
    lengths : tuple of int
        Rows of the gaps that errors were measured in.
    quantiles : ndarray of shape (n_lengths, n_features, n_levels)
        Of errors in gaps of these lengths, in standard deviations of the autoregression, at `LEVELS`.
    line_shares : ndarray of shape (n_lengths, 2)
        Of a straight line in what fills gaps of these lengths: of few columns of a row, and of most of them.
    network_shares : ndarray of shape (n_lengths, 2)
        By which part what the network adds counts in these gaps.
    scores : Scores or None
        Of anomalies; None while it is fitted.
    network : GapNetwork or None
        What is added to the autoregression's means; None without.
    outliers : OutlierFilter or None
        Values far outside of those of training, from which no gap is filled; None while it is fitted.
    """

    standardize: Standardize
    season: SeasonalMeans
    autoregression: VectorAutoregression
    season_length: int
    lengths: tuple[int, ...]
    quantiles: np.ndarray
    line_shares: np.ndarray
    network_shares: np.ndarray
    scores: Scores | None = None
    network: GapNetwork | None = None
    outliers: OutlierFilter | None = None

    def __post_init__(self) -> None:
        """Check that the parts fit each other."""
        n_features = self.autoregression.covariance.shape[0]
        sizes = [self.standardize.mean.shape[-1], self.season.coefficients.shape[1], self.quantiles.shape[1]]
        kinds = (len(self.lengths), 2)
        shapes = (self.quantiles.shape[::2], self.line_shares.shape, self.network_shares.shape)
        if sizes != [n_features] * 3 or shapes != ((kinds[0], len(LEVELS)), kinds, kinds):
            raise ValueError(received("All parts must be of the same columns.", sizes=[n_features, *sizes]))

    def admit(self, series: SeriesSet) -> Self:
        """Return the same for other series, in whose units those that were not in `fit` are.

        Parameters
        ----------
        series : SeriesSet
            In their own units.

        Returns
        -------
        ReconstructionModel
            Itself if it was fitted to a single series.
        """
        return replace(self, standardize=self.standardize.admit(series, len(series.values)))

    def without_season(self, series: SeriesSet, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return one series as the autoregression has it, and what that is without.

        Parameters
        ----------
        series : SeriesSet
            In their own units.
        i : int
            Which of them.

        Returns
        -------
        rows, season : ndarray of shape (n_rows, n_features), float64
            Their sum are the standardised rows.
        """
        start, stop = series.bounds[i : i + 2]
        season = self.season.at(series.indexes[i])
        rows = np.asarray(self.standardize.apply(series.values[start:stop], series.times(i)), np.float64)
        return rows - season, season

    def fill(self, rows: np.ndarray, season: np.ndarray, *, with_deviation: bool = True) -> Filled:
        """Fill the gaps of one series, and replace outliers, from which nothing is filled.

        Parameters
        ----------
        rows, season : ndarray of shape (n_rows, n_features)
            Of `without_season`, NaN where a value is missing.
        with_deviation : bool, default True
            Whether deviations are computed, which takes longer.

        Returns
        -------
        Filled
            Without seasonal means, too.
        """
        if self.outliers is not None:
            level = rows + season
            far = keep_levels(level.T, self.outliers.outside(level).T, self.season_length).T
            rows = np.where(far, np.nan, rows)
        missing = np.isnan(rows)
        if not missing.any():
            return Filled(rows, np.zeros_like(rows), rows)
        found = self.autoregression.condition(rows, with_variance=with_deviation)
        mean = found.mean
        if self.line_shares.any():
            mean = self._add(mean, interpolate(rows, self.season_length) - mean, self.line_shares, missing)
        closed_form = mean
        if self.network is not None:
            mean = self._add(mean, self.network(mean + season, missing), self.network_shares, missing)
        return Filled(mean, np.sqrt(found.variance), closed_form)

    def _add(self, mean: np.ndarray, more: np.ndarray, shares: np.ndarray, missing: np.ndarray) -> np.ndarray:
        """Add a part of something to what fills gaps, for each length and kind of gap another part."""
        at, column = np.nonzero(missing)
        which = nearest_length(measure_gaps(missing)[at, column], self.lengths)
        added = mean.copy()
        added[at, column] += shares[which, (missing.mean(axis=1) > 0.5).astype(int)[at]] * more[at, column]
        return added

    def interval(self, filled: Filled, missing: np.ndarray, coverage: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of intervals, by the errors that were measured in gaps of about the same length.

        Parameters
        ----------
        filled : Filled
            Of `fill`.
        missing : ndarray of bool of shape (n_rows, n_features)
            Which values it filled.
        coverage : float
            Of the missing values, how many are to be inside.

        Returns
        -------
        lower, upper : ndarray of shape (n_rows, n_features)
            Of values that are there, these themselves.
        """
        at, column = np.nonzero(missing)
        which = nearest_length(measure_gaps(missing)[at, column], self.lengths)
        ends = []
        for level in ((1 - coverage) / 2, (1 + coverage) / 2):
            known = np.array([[np.interp(level, LEVELS, own) for own in each] for each in self.quantiles])
            end = filled.mean.copy()
            end[at, column] += known[which, column] * filled.deviation[at, column]
            ends.append(end)
        return ends[0], ends[1]

    def score(self, series: SeriesSet, i: int) -> np.ndarray:
        """Score the values of one series as anomalies.

        Parameters
        ----------
        series : SeriesSet
            In their own units.
        i : int
            Which of them.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            Of `Scores.measure`.
        """
        if self.scores is None:
            raise ValueError("Scores must be fitted.")
        rows, season = self.without_season(series, i)
        filled = self.fill(rows, season, with_deviation=False).mean
        values = series.values[series.bounds[i] : series.bounds[i + 1]]
        scores = self.scores.measure(self.autoregression, filled, values)
        return np.maximum(scores, np.abs(rows - filled))  # of outliers, which were replaced

    def in_units(self, rows: np.ndarray, season: np.ndarray, series: SeriesSet, i: int) -> np.ndarray:
        """Return rows in the data's own units.

        Parameters
        ----------
        rows, season : ndarray of shape (n_rows, n_features)
            Of `without_season`, or what was made of them.
        series : SeriesSet
            In its own units.
        i : int
            Which of them.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            Of the precision of the data.
        """
        at = np.arange(len(rows))
        return self.standardize.invert(rows + season, series.times(i), at, range(rows.shape[1]))

    def settings(self) -> dict[str, Any]:
        """Return what `from_arrays` needs besides arrays.

        Returns
        -------
        dict
            Of what JSON holds.
        """
        network = None if self.network is None else self.network.settings()
        return {
            "span": None if self.scores is None else self.scores.span,
            "standardize": self.standardize.settings(),
            "cycles": self.season.cycles,
            "season_length": self.season_length,
            "lengths": list(self.lengths),
            "network": network,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Return its weights.

        Returns
        -------
        dict of str to ndarray
            By part: "season/coefficients".
        """
        parts = {
            "standardize": self.standardize.arrays(),
            "season": {"coefficients": self.season.coefficients},
            "autoregression": self.autoregression.arrays(),
            "errors": {"quantiles": self.quantiles},
            "shares": {"lines": self.line_shares, "network": self.network_shares},
            "scores": {} if self.scores is None else {"repeated": self.scores.repeated, "scales": self.scores.scales},
            "network": {} if self.network is None else self.network.arrays(),
            "outliers": {} if self.outliers is None else self.outliers.arrays(),
        }
        return {f"{part}/{name}": array for part, own in parts.items() for name, array in own.items()}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the model that settings and arrays describe.

        Parameters
        ----------
        settings : dict
            Of `settings`, after JSON.
        arrays : dict of str to ndarray
            Of `arrays`.

        Returns
        -------
        ReconstructionModel
            Equal to the bit.
        """
        cycles, scales = {str(name): int(n) for name, n in settings["cycles"].items()}, arrays["scores/scales"]
        outliers = arrays_of("outliers", arrays)  # files of earlier versions have none, and two scales
        if len(scales) == 2:
            scales = np.append(scales, np.full_like(scales[:1], np.inf), axis=0)
        return cls(
            Standardize.from_arrays(settings["standardize"], arrays_of("standardize", arrays)),
            SeasonalMeans(cycles, arrays["season/coefficients"]),
            VectorAutoregression.from_arrays(arrays_of("autoregression", arrays)),
            int(settings["season_length"]),
            tuple(map(int, settings["lengths"])),
            arrays["errors/quantiles"],
            arrays["shares/lines"],
            arrays["shares/network"],
            Scores(int(settings["span"]), arrays["scores/repeated"], scales),
            None
            if settings["network"] is None
            else GapNetwork.from_arrays(settings["network"], arrays_of("network", arrays)),
            OutlierFilter.from_arrays({"season": 0}, outliers) if outliers else None,
        )
