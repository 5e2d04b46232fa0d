"""The term for panels of short series: structural time-series models, weighted by their own past errors."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import received
from tscnn.common.ring import Ring
from tscnn.common.term import empty_forecasts
from tscnn.data.windows import sliding_windows
from tscnn.linear.structural import Structure, structural_map

__all__ = ["StructuralMixture", "list_models", "longest_window"]

FEWEST = 4  # rows that a forecast is made from, when models are compared: a convention
N_ORIGINS, SPREAD = 24, 96  # past forecasts that models are compared by, and the newest rows that they are made from
RATIO = 1.2  # of the lengths of windows that maps are computed for: a convention
POWER = 10.0  # of a model's past errors, in inverse proportion to which it counts: of ten horizons of them, or more
CHUNK = 512  # windows at a time: a convention


@dataclass(frozen=True, eq=False)
class StructuralMixture:
    """Structural time-series models, none of them fitted: level, season and growth of given variances.

    Each is a linear map of a window. A window weights them by the errors that they have made at its own past rows,
    with odds that start from those of the whole panel. Where a window begins with a repetition of its first row, as
    short series are padded, those repetitions don't count.

    Attributes
    ----------
    models : ndarray of shape (n_models, 4)
        Variances of each: of the level's steps, of a seasonal effect, of its change, and of growth.
    prior : ndarray of shape (n_models,)
        Logarithms of the odds of the panel.
    targets : ndarray of int of shape (n_targets,)
        Positions of the targets among the features.
    season, horizon, context : int
        Rows of a season, steps predicted, and rows of a window.
    share : float, default 1.0
        Of the sum of terms: forecasts are multiplied by it.
    """

    name: ClassVar[str] = "structural_mixture"
    needs_ahead: ClassVar[bool] = False

    models: np.ndarray
    prior: np.ndarray
    targets: np.ndarray
    season: int
    horizon: int
    context: int
    share: float = 1.0

    def __post_init__(self) -> None:
        """Check shapes."""
        if self.models.shape != (len(self.prior), 4) or not min(self.season, self.horizon, self.context) > 0:
            rule = "Every model must have four variances and odds."
            raise ValueError(received(rule, models=self.models.shape, prior=self.prior.shape, context=self.context))

    @property
    def fewest_rows(self) -> int:
        """Rows of a series that a forecast can be made from.

        Returns
        -------
        int
            Less than the context.
        """
        return min(self.context, max(FEWEST, self.season + 1))

    def dense(self, rows: np.ndarray) -> np.ndarray:
        """Forecast at every origin of one series: see `Term.dense`."""
        return self.last(sliding_windows(rows, self.context))

    def last(self, windows: np.ndarray) -> np.ndarray:
        """Forecast at the newest row of several windows: see `Term.last`."""
        found = empty_forecasts(len(windows), self.horizon, len(self.targets))
        for first in range(0, len(windows), CHUNK):
            newest = windows[first : first + CHUNK, windows.shape[1] - self.context :]
            for i, f in enumerate(self.targets):
                own = np.ascontiguousarray(newest[:, :, f], np.float64)
                found[first : first + CHUNK, :, i] = self.share * self._forecast(own)
        return found

    def start(self, windows: np.ndarray) -> list[Ring]:
        """Remember the newest rows of several series: see `Term.start`."""
        return [Ring.of(windows[:, windows.shape[1] - self.context :].transpose(1, 0, 2))]

    def step(self, state: list[Ring], row: np.ndarray) -> np.ndarray:
        """Take the next row of every series, and forecast the steps after it: see `Term.step`."""
        (ring,) = state
        ring.push(row)
        return self.last(ring.last().transpose(1, 0, 2))

    def past_errors(self, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compare the models by their forecasts from past rows of each window.

        Parameters
        ----------
        series : ndarray of shape (n_windows, context)
            Of one target.

        Returns
        -------
        logs : ndarray of shape (n_windows, n_models)
            Logarithms of mean absolute errors, relative to their mean over models.
        amount : ndarray of shape (n_windows,)
            Of the errors, in horizons.
        """
        length, lengths = series.shape[1], _count_rows(series)
        sums, steps = np.zeros((len(series), len(self.prior))), np.zeros(len(series))
        furthest = np.clip(lengths - FEWEST, 1, SPREAD)
        for share in np.linspace(0, 1, N_ORIGINS):
            back = (1 + share * (furthest - 1)).astype(int)  # rows before the end, of each window its own
            at = (length - back)[:, None] + np.arange(self.horizon)
            known = at < length
            outcomes = np.take_along_axis(series, np.minimum(at, length - 1), axis=1)
            for which, forecasts in self._apply(series, length - back, lengths - back):
                errors = np.abs(forecasts - outcomes[which, None]) * known[which, None]
                sums[which] += errors.sum(axis=2)
                steps[which] += known[which].sum(axis=1)
        logs = np.log(np.maximum(sums, 1e-3 * sums.mean(axis=1, keepdims=True) + 1e-12))
        return logs - logs.mean(axis=1, keepdims=True), steps / self.horizon

    def _forecast(self, series: np.ndarray) -> np.ndarray:
        """Forecast one target from windows (n_windows, context): (n_windows, horizon)."""
        logs, amount = self.past_errors(series)
        odds = self.prior - np.minimum(amount, POWER)[:, None] * logs
        weights = np.exp(odds - odds.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        found = np.repeat(series[:, -1:], self.horizon, axis=1)  # of a single row
        for which, forecasts in self._apply(series, np.full(len(series), series.shape[1]), _count_rows(series)):
            found[which] = np.einsum("nk,nkh->nh", weights[which], forecasts)
        return found

    def _apply(self, series: np.ndarray, ends: np.ndarray, lengths: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Forecast by every model from the rows before `ends`: which windows, and (n, n_models, horizon), by length."""
        known = np.array(self._lengths)
        at, found = np.searchsorted(known, np.minimum(lengths, ends), side="right") - 1, []
        for i in np.unique(at[lengths >= FEWEST]):
            which, length = np.flatnonzero((at == i) & (lengths >= FEWEST)), int(known[i])
            cut = np.take_along_axis(series[which], ends[which, None] + np.arange(-length, 0), axis=1)
            newest = cut[:, -1:]
            forecasts = (cut - newest) @ _stacked(self._structures, length, self.horizon) + newest
            found.append((which, forecasts.reshape(len(which), len(self.prior), self.horizon)))
        return found

    @cached_property
    def _lengths(self) -> list[int]:
        lengths, most = [2, 3], longest_window(self.season, self.horizon)
        while (longer := max(lengths[-1] + 1, round(lengths[-1] * RATIO))) <= most:
            lengths.append(longer)
        return lengths

    @cached_property
    def _structures(self) -> tuple[Structure, ...]:
        return tuple(
            Structure(level, self.season, change, variance, trend)
            for level, variance, change, trend in self.models.tolist()
        )

    def settings(self) -> dict[str, Any]:
        """Return season, horizon, context and share."""
        return {"season": self.season, "horizon": self.horizon, "context": self.context, "share": self.share}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return models, odds and targets."""
        return {"models": self.models, "prior": self.prior, "targets": self.targets}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the term that `settings` and `arrays` describe."""
        sizes = {name: int(settings[name]) for name in ("season", "horizon", "context")}
        return cls(arrays["models"], arrays["prior"], arrays["targets"], **sizes, share=float(settings["share"]))


def list_models(season: int, levels: Sequence[float], trends: Sequence[float]) -> np.ndarray:
    """List the variances of models.

    Parameters
    ----------
    season : int
        Rows of a season; 1 for none.
    levels, trends : sequence of float
        Of `tscnn.linear.settings.MixtureSettings`.

    Returns
    -------
    ndarray of shape (n_models, 4)
        Of `StructuralMixture`: without season, with a steady one, with one that changes, and with a strong one.
    """
    seasons = [(0.0, 0.0), (3.0, 0.0), (3.0, 0.3), (30.0, 0.0)] if season > 1 else [(0.0, 0.0)]
    combined = itertools.product(levels, seasons, trends)
    return np.array([(level, variance, change, trend) for level, (variance, change), trend in combined])


def longest_window(season: int, horizon: int) -> int:
    """Return the rows that a model sees, at most.

    Parameters
    ----------
    season, horizon : int
        Rows of a season, and steps predicted.

    Returns
    -------
    int
        Six seasons, or five horizons: what is older says little about a changing level.
    """
    return max(6 * season, 5 * horizon, 24)


@lru_cache(maxsize=128)
def _stacked(structures: tuple[Structure, ...], length: int, horizon: int) -> np.ndarray:
    """Return the maps of all models side by side: (length, n_models * horizon)."""
    steps = tuple(range(horizon))
    return np.concatenate([structural_map.__wrapped__(one, length, steps) for one in structures], axis=1)


def _count_rows(series: np.ndarray) -> np.ndarray:
    """Count the rows of each window, but for repetitions of the first one before any other."""
    differs = series != series[:, :1]
    return np.where(differs.any(axis=1), series.shape[1] + 1 - differs.argmax(axis=1), 1)
