"""What a fitted pipeline is wrong by: quantiles of its errors, in a scale that is known when a forecast is made."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.calendar import season_positions
from tscnn.data.encoding import label_from_json, label_to_json
from tscnn.data.series import SeriesSet
from tscnn.data.times import Times, at_steps
from tscnn.data.windows import sliding_windows

__all__ = ["KNOTS", "Calibration", "changes_at", "mean_known", "measure_changes"]

KNOTS = np.array([0.005, 0.01, 0.025, 0.05, *np.arange(1, 10) / 10, 0.95, 0.975, 0.99, 0.995])  # a convention
FLOOR = 0.01  # standard deviations: a convention, for columns that hardly change
FARTHEST = 10.0  # times the typical one, that a departure counts at most: a convention
CHUNK_VALUES = 2**22  # of windows in memory at a time: a convention
LEAST_TAIL = 1e-5  # of a level, beyond which no quantile is told from another: a convention


def measure_changes(recent: np.ndarray, season: int) -> np.ndarray:
    """Measure how much series have changed of late, which the size of errors follows.

    Parameters
    ----------
    recent : ndarray of shape (n, n_rows, n_targets)
        The newest rows, in the units of the terms; NaN where a value is missing.
    season : int
        Rows of a season, less than `n_rows`.

    Returns
    -------
    ndarray of shape (n, 3, n_targets)
        Logarithms of mean absolute changes: from season to season over the newest season and over all rows, from row to
        row over the newest season.

    Examples
    --------
    >>> measure_changes(np.array([[[0.0], [1.0], [3.0], [7.0]]]), season=1)[0, :, 0].round(2)
    array([1.39, 0.85, 1.39])
    """
    over = np.abs(recent[:, season:] - recent[:, :-season])
    steps = np.abs(np.diff(recent[:, -season - 1 :], axis=1))
    return np.log(np.stack([mean_known(sizes, axis=1) for sizes in (over[:, -season:], over, steps)], axis=1) + FLOOR)


def changes_at(rows: np.ndarray, at: np.ndarray, n_rows: int, season: int) -> np.ndarray:
    """Measure changes before some rows.

    Parameters
    ----------
    rows : ndarray of shape (n_all, n_targets)
        Of one or several series, one behind the other.
    at : ndarray of int of shape (n,)
        The newest row of each.
    n_rows, season : int
        Of `measure_changes`.

    Returns
    -------
    ndarray of shape (n, 3, n_targets)
        Of `measure_changes`.
    """
    windows = sliding_windows(rows, n_rows)
    parts = np.array_split(at, max(1, len(at) * n_rows * rows.shape[1] // CHUNK_VALUES))
    return np.concatenate([measure_changes(windows[part - n_rows + 1], season) for part in parts])


def mean_known(values: np.ndarray, axis: Any = None) -> np.ndarray:
    """Return the mean of what is there.

    Parameters
    ----------
    values : ndarray
        NaN where one is missing.
    axis : int or tuple of int, optional
        As of `numpy.mean`.

    Returns
    -------
    ndarray
        1 where nothing is there.
    """
    there = ~np.isnan(values)
    if there.all():
        return np.asarray(values.mean(axis=axis, dtype=np.float64))
    n = there.sum(axis=axis)
    return np.where(n > 0, np.where(there, values, 0).sum(axis=axis, dtype=np.float64) / np.maximum(n, 1), 1.0)


@dataclass(frozen=True)
class Calibration:
    """The distribution of errors, outcome - forecast, in the units of the terms.

    An error is a number drawn from a distribution, times a scale: the typical size of errors of that step and target,
    larger where the series have changed much of late, where the forecast is far from repeating the season, and at busy
    times of it. Quantiles of the numbers are those of split conformal prediction [1]_ for as many errors as are
    independent; those of neighbouring origins are not. Beyond the errors that were seen Student's t distribution goes
    on.

    Attributes
    ----------
    sizes : ndarray of shape (horizon, n_targets)
        Typical size of errors.
    weights : ndarray of shape (4, n_targets)
        By which changes count, of `measure_changes`, and how far a forecast is from repeating the season.
    typical, farthest : ndarray of shape (3, n_targets)
        Mean of `measure_changes`, and how far from that it counts at most.
    departures : ndarray of shape (horizon, n_targets)
        How far forecasts are from repeating the season.
    positions : ndarray of shape (n_bands, n_positions, n_targets)
        Logarithms of how much larger errors are at each position in the season.
    bands : ndarray of int of shape (horizon,)
        Which steps share a distribution.
    quantiles : ndarray of shape (n_bands, len(KNOTS), n_targets)
        Of the numbers, ascending.
    n_errors : ndarray of shape (horizon,)
        How many independent errors of each step were seen.
    paths : ndarray of shape (n_paths, horizon, n_targets)
        Numbers of whole forecasts.
    lowest : ndarray of shape (n_targets,)
        In the data's own units: 0 for a column that was never negative, else -inf. No bound where the forecast
        is lower.
    of_series : ndarray of shape (n_series, n_targets)
        How much larger errors of each series of a panel are; of one row otherwise.
    n_rows, season : int
        Of `measure_changes`; no rows where it says nothing.
    cycle : str
        Of `tscnn.data.calendar.season_positions`.
    names : tuple or None
        Of the series.

    References
    ----------
    .. [1] Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018), Distribution-free predictive inference for regression.
    """

    name: ClassVar[str] = "calibration"

    sizes: np.ndarray
    weights: np.ndarray
    typical: np.ndarray
    farthest: np.ndarray
    departures: np.ndarray
    positions: np.ndarray
    bands: np.ndarray
    quantiles: np.ndarray
    n_errors: np.ndarray
    paths: np.ndarray
    lowest: np.ndarray
    of_series: np.ndarray
    n_rows: int
    season: int
    cycle: str
    names: tuple[Any, ...] | None = None

    def admit(self, series: SeriesSet) -> Self:
        """Return the calibration for given series of a panel, those of training or others.

        Parameters
        ----------
        series : SeriesSet
            To forecast.

        Returns
        -------
        Calibration
            The same, if it was fitted to a single series.
        """
        if self.names is None:
            return self
        known, names = {name: i for i, name in enumerate(self.names)}, series.names or (None,)
        factors = [self.of_series[known[name]] if name in known else np.ones(len(self.lowest)) for name in names]
        return replace(self, of_series=np.array(factors), names=tuple(names))

    def scale(
        self, forecasts: np.ndarray, rows: np.ndarray, newest: np.ndarray, times: Times, at: np.ndarray
    ) -> np.ndarray:
        """Return the scale of the errors of some forecasts of one series.

        Parameters
        ----------
        forecasts : ndarray of shape (n, horizon, n_targets)
            In the units of the terms.
        rows : ndarray of shape (n_rows, n_targets)
            Alike.
        newest : ndarray of int of shape (n,)
            The row that each forecast is made from.
        times : Times
            Of some rows and at least `horizon` steps after them.
        at : ndarray of int of shape (n,)
            As `newest`, among the times.

        Returns
        -------
        ndarray of shape (n, horizon, n_targets)
            In the units of the terms.
        """
        steps, n_positions = np.arange(len(self.sizes)), self.positions.shape[1]
        features, places = self.features(forecasts, rows, newest, steps), None
        if n_positions > 1 and isinstance(times.index, pd.DatetimeIndex | pd.PeriodIndex):

            def find(some: Times) -> np.ndarray:
                season = (self.cycle, n_positions)
                return some.look_up(season, lambda index: season_positions(index, *season))[:, None]

            places = at_steps(times, at, len(steps), find)[:, :, 0]
        factor = self.of_series[0 if self.names is None else times.series]
        return np.broadcast_to(factor * self.scale_of(features, places, steps), forecasts.shape)

    def features(
        self, forecasts: np.ndarray, rows: np.ndarray, newest: np.ndarray, steps: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Return what the size of errors follows.

        Parameters
        ----------
        forecasts : ndarray of shape (n, n_steps, n_targets)
            In the units of the terms.
        rows : ndarray of shape (n_rows, n_targets)
            Alike.
        newest : ndarray of int of shape (n,)
            The row that each forecast is made from.
        steps : ndarray of int of shape (n_steps,)
            Of the horizon, from 0.

        Returns
        -------
        changes : ndarray of shape (n, 3, n_targets)
            Of `changes_at`, from what they typically are.
        departures : ndarray of shape (n, n_steps, n_targets)
            How far forecasts are from repeating the season, as logarithms. None where the lookback is too short.
        """
        if not self.n_rows:
            return None
        changes = changes_at(rows, newest, self.n_rows, self.season) - self.typical
        repeated = rows[(newest - self.season + 1)[:, None] + steps % self.season]
        far = np.abs(forecasts - repeated) / self.departures[steps]
        far = np.minimum(np.where(np.isnan(far), 1, far), FARTHEST)
        return np.clip(changes, -self.farthest, self.farthest), np.log1p(far)

    def scale_of(
        self, features: tuple[np.ndarray, np.ndarray] | None, places: np.ndarray | None, steps: np.ndarray
    ) -> np.ndarray:
        """Return the scale of errors, those of all series alike.

        Parameters
        ----------
        features : tuple of ndarray, or None
            Of `features`.
        places : ndarray of int of shape (n, n_steps), or None
            Positions in the season.
        steps : ndarray of int of shape (n_steps,)
            Of the horizon, from 0.

        Returns
        -------
        ndarray of shape (n, n_steps, n_targets), or (1, n_steps, n_targets)
            In the units of the terms.
        """
        logs = np.zeros((1, 1, self.sizes.shape[1]))
        if features is not None:
            changes, departures = features
            logs = (self.weights[:3] * changes).sum(axis=1)[:, None] + self.weights[3] * departures
        if places is not None:
            logs = logs + self.positions[self.bands[steps], places]
        return np.asarray(self.sizes[steps] * np.exp(logs))

    def numbers(self, levels: np.ndarray) -> np.ndarray:
        """Return quantiles of the numbers drawn, further out as there are few of them.

        Parameters
        ----------
        levels : ndarray of shape (n_levels,), or (n_levels, horizon, n_targets)
            In (0, 1), ascending.

        Returns
        -------
        ndarray of shape (n_levels, horizon, n_targets)
            Ascending.
        """
        from scipy.special import ndtri, stdtrit  # takes longer to import than to load a model and forecast

        shape, scores = (len(levels), *self.sizes.shape), ndtri(KNOTS)
        levels = np.broadcast_to(levels if np.ndim(levels) == 3 else np.reshape(levels, (-1, 1, 1)), shape)
        tail = np.maximum(np.minimum(levels, 1 - levels), LEAST_TAIL)
        n = np.broadcast_to(np.maximum(self.n_errors, 1.0)[:, None], shape)
        last = np.minimum(1 / (n + 1), 0.4)  # of the tail: the outermost error of n
        # Of n errors, the one of rank (n + 1) * level has a part of (rank - 1/2) / n of them below.
        seen = np.where(tail < 0.5, np.maximum(tail - (0.5 - tail) / n, np.minimum(0.5 / n, 0.4)), 0.5)
        score = np.where(levels < 0.5, ndtri(seen), -ndtri(seen))
        own = self.quantiles[self.bands].transpose(1, 0, 2)  # (knots, horizon, targets)
        at = np.clip(np.searchsorted(scores, score, side="right"), 1, len(KNOTS) - 1)
        low, high = (np.take_along_axis(own, at - i, axis=0) for i in (1, 0))
        part = (score - scores[at - 1]) / (scores[at] - scores[at - 1])
        found = low + np.minimum(np.maximum(part, 0), 1) * (high - low)
        beyond = tail < last
        middle = own[len(KNOTS) // 2]
        reach = np.ones(shape)
        freedom = np.maximum(n[beyond] - 1, 1)
        reach[beyond] = stdtrit(freedom, 1 - tail[beyond]) / stdtrit(freedom, 1 - last[beyond])
        outside = np.maximum(np.abs(score) / -scores[0], 1)  # beyond the outermost knot as a normal distribution
        found = middle + (found - middle) * reach * outside
        return np.sort(found, axis=0)

    def is_beyond(self, levels: np.ndarray) -> bool:
        """Tell whether quantiles lie beyond the errors that were seen.

        Parameters
        ----------
        levels : ndarray of shape (n_levels,)
            In (0, 1).

        Returns
        -------
        bool
            Whether any does.
        """
        return bool(np.min(np.minimum(levels, 1 - levels)) * (self.n_errors.min() + 1) < 1)

    def settings(self) -> dict[str, Any]:
        """Return what `from_arrays` needs besides arrays.

        Returns
        -------
        dict
            Of what JSON holds.
        """
        names = None if self.names is None else [label_to_json(name) for name in self.names]
        return {"n_rows": self.n_rows, "season": self.season, "cycle": self.cycle, "names": names}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was learnt.

        Returns
        -------
        dict of str to ndarray
            For `from_arrays`.
        """
        return {name: getattr(self, name) for name in _ARRAYS}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the calibration that `settings` and `arrays` describe.

        Parameters
        ----------
        settings : dict
            Of `settings`, after JSON.
        arrays : dict of str to ndarray
            Of `arrays`.

        Returns
        -------
        Calibration
            Equal to the bit.

        Raises
        ------
        ValueError
            If the shapes of arrays do not fit each other.
        """
        own: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
        horizon, k = np.shape(own["sizes"])
        n_bands, n_series = len(own["quantiles"]), len(own["of_series"])
        shapes = [(horizon, k), (4, k), (3, k), (3, k), (horizon, k), (n_bands, own["positions"].shape[1], k)]
        shapes += [(horizon,), (n_bands, len(KNOTS), k)]
        shapes += [(horizon,), (len(own["paths"]), horizon, k), (k,), (n_series, k)]
        found, names = [array.shape for array in own.values()], settings["names"]
        rest: dict[str, Any] = {name: settings[name] for name in ("n_rows", "season", "cycle")}
        fits = found == shapes and own["bands"].min() >= 0 and own["bands"].max() < n_bands
        if not fits or n_series != (1 if names is None else len(names)):
            raise ValueError(received("The arrays of `calibration` must fit each other.", shapes=found))
        return cls(**own, **rest, names=None if names is None else tuple(map(label_from_json, names)))


_ARRAYS = tuple(field.name for field in fields(Calibration) if field.type == "np.ndarray")
