"""The term for short series: structural time-series models, weighted by their own past errors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import received
from tscnn.common.ring import Ring
from tscnn.common.term import Attribution, empty_forecasts
from tscnn.common.threads import map_in_threads, on_one_thread
from tscnn.data.graph_times import GraphTimes
from tscnn.data.windows import sliding_windows
from tscnn.linear.settings import StructuralSettings
from tscnn.linear.structural import Structure, structural_map

__all__ = ["StructuralMixture", "list_models", "longest_window"]

FEWEST = 4  # rows that a forecast is made from, when models are compared: a convention
RATIO = 1.2  # of the lengths of windows that maps are computed for: a convention
CHUNK = 512  # windows at a time: a convention
TOGETHER = 4  # past rows at a time, of exported models: a convention
STEP = np.float32(0.01)  # of a row, of central differences: float32 and what bends err alike by a ten-thousandth
MOST_VALUES = 2**21  # forecast values in memory at a time, 8 MB: a convention
SEASONS = ((0.0, 0.0), (3.0, 0.0), (3.0, 0.3), (30.0, 0.0))  # variances of effects, and of their change: a convention
REACH = np.float32(np.log(3.0))  # times the largest value of a window that logarithms may reach: a convention


@dataclass(frozen=True, eq=False)
class StructuralMixture:
    """Structural time-series models, none of them fitted: level, season and growth of given variances.

    Each is a linear map of a window, and another one of its logarithms where all of its rows are positive. A window
    weights them by the errors that they have made at its own past rows, with odds that start from those of the
    training series: so do series that weren't among these. Where a window begins with a repetition of its first row,
    as short series are padded, those repetitions don't count.

    Attributes
    ----------
    models : ndarray of shape (n_models, 5)
        Variances of each: of the level's steps, of a seasonal effect, of its change, and of growth; and its damping.
    prior : ndarray of shape (n_models,) or (2 * n_models,)
        Logarithms of the odds before a window's own errors: of rows, and of logarithms, unless these are left out.
    targets : ndarray of int of shape (n_targets,)
        Positions of the targets among the features.
    season, horizon, context : int
        Rows of a season, steps predicted, and rows of a window.
    n_origins, n_rows, power, most_power
        Of `tscnn.linear.settings.StructuralSettings`.
    share : float, default 1.0
        Of the sum of terms: forecasts are multiplied by it.
    """

    name: ClassVar[str] = "structural_mixture"
    needs_ahead: ClassVar[bool] = False
    rows_before: ClassVar[int] = 0

    models: np.ndarray
    prior: np.ndarray
    targets: np.ndarray
    season: int
    horizon: int
    context: int
    n_origins: int = 24
    n_rows: int = 96
    power: float = 0.5
    most_power: float = 15.0
    share: float = 1.0

    def __post_init__(self) -> None:
        """Check shapes."""
        fits = self.models.shape[1:] == (5,) and len(self.prior) in (len(self.models), 2 * len(self.models))
        if not fits or not min(self.season, self.horizon, self.context, self.n_origins, self.n_rows) > 0:
            rule = "Every model must have four variances, a damping and odds."
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

    @on_one_thread
    def last(self, windows: np.ndarray) -> np.ndarray:
        """Forecast at the newest row of several windows: see `Term.last`."""
        found = empty_forecasts(len(windows), self.horizon, len(self.targets))

        def forecast(first: int) -> None:
            newest = windows[first : first + CHUNK, windows.shape[1] - self.context :]
            for i, f in enumerate(self.targets):
                found[first : first + CHUNK, :, i] = self.share * self._forecast(_Windows.of(newest[:, :, f]))

        if len(windows) <= CHUNK:
            forecast(0)
        else:
            map_in_threads(forecast, range(0, len(windows), CHUNK))
        return found

    def start(self, windows: np.ndarray) -> list[Ring]:
        """Remember the newest rows of several series: see `Term.start`."""
        return [Ring.of(windows[:, windows.shape[1] - self.context :].transpose(1, 0, 2))]

    def step(self, state: list[Ring], row: np.ndarray) -> np.ndarray:
        """Take the next row of every series, and forecast the steps after it: see `Term.step`."""
        (ring,) = state
        ring.push(row)
        return self.last(ring.last().transpose(1, 0, 2))

    def attribute(self, window: np.ndarray, ahead: np.ndarray | None = None) -> Attribution:  # noqa: ARG002
        """Say what each row adds, by central differences: see `Term.attribute`.

        Forecasts of each model grow in proportion to the window, so that gradients times inputs sum to them. How the
        models are weighted is taken as it is: past errors of all of them, for each row, would take many times as long.
        """
        by_lag = np.zeros((self.context, self.horizon, len(self.targets)))
        for i, f in enumerate(self.targets):
            rows = np.asarray(window[-self.context :, f], np.float32)
            first = self.context - int(_Windows.of(rows[None]).lengths[0])
            moves = np.eye(self.context, dtype=np.float32)[first:]
            moves[0, :first] = 1  # repetitions of the first row stay such
            weights = self.weigh(*self._past_errors(_Windows.of(rows[None])))
            ends = [self._forecast(_Windows.of(rows * (1 + step * moves)), weights) for step in (STEP, -STEP)]
            by_lag[first:, :, i] = self.share * (ends[0] - ends[1]) / (2 * STEP)
        return Attribution.of_own_columns(by_lag, self.targets, window.shape[1])

    @on_one_thread
    def past_errors(self, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compare the models by their forecasts from past rows of each window.

        Parameters
        ----------
        series : ndarray of shape (n_windows, context)
            Of one target.

        Returns
        -------
        logs : ndarray of shape (n_windows, len(prior))
            Logarithms of mean absolute errors, relative to their mean over models.
        amount : ndarray of shape (n_windows,)
            Of the errors, in horizons.
        """
        parts = [_Windows.of(series[first : first + CHUNK]) for first in range(0, len(series), CHUNK)]
        found = [self._past_errors(part) for part in parts]
        return np.concatenate([logs for logs, _ in found]), np.concatenate([amount for _, amount in found])

    def weigh(self, logs: np.ndarray, amount: np.ndarray) -> np.ndarray:
        """Weight the models by their past errors.

        Parameters
        ----------
        logs, amount : ndarray
            Of `past_errors`.

        Returns
        -------
        ndarray of shape (n_windows, len(prior))
            Of sum 1: the inverse of errors to a power that grows with their number, times the odds before.
        """
        odds = self.prior - np.minimum(self.power * amount, self.most_power)[:, None] * logs
        weights = np.exp(odds - odds.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def _past_errors(self, windows: _Windows) -> tuple[np.ndarray, np.ndarray]:
        shares = np.linspace(0, 1, self.n_origins)
        furthest = np.clip(windows.lengths - FEWEST, 1, self.n_rows)[:, None]
        back = (1 + shares * (furthest - 1)).astype(int)  # rows before the end, of each window its own
        fresh = np.diff(back, axis=1, prepend=0) > 0
        of, which = np.nonzero(fresh & (windows.lengths[:, None] - back >= FEWEST))
        ends = self.context - back[of, which]
        at = ends[:, None] + np.arange(self.horizon)
        known = at < self.context
        outcomes = windows.rows[of[:, None], np.minimum(at, self.context - 1)]
        sums, n_steps = (
            np.zeros((len(windows.rows), len(self.prior)), np.float32),
            np.bincount(of, known.sum(axis=1), len(windows.rows)),
        )
        for part, forecasts in self._apply(windows, of, ends):
            forecasts -= outcomes[part, None]
            errors = np.einsum("nkh,nh->nk", np.abs(forecasts, out=forecasts), known[part].astype(np.float32))
            np.add.at(sums, of[part], errors)
        least = 1e-3 * sums.mean(axis=1, keepdims=True) + np.float32(1e-12)
        logs = np.log(np.maximum(sums, least)).astype(np.float64)
        return logs - logs.mean(axis=1, keepdims=True), n_steps / self.horizon

    def _forecast(self, windows: _Windows, weights: np.ndarray | None = None) -> np.ndarray:
        """Forecast one target: (n_windows, horizon), by weights of all windows alike, or of each."""
        weights = self.weigh(*self._past_errors(windows)) if weights is None else weights
        weights = np.broadcast_to(weights.astype(np.float32), (len(windows.rows), len(self.prior)))
        found = np.repeat(windows.rows[:, -1:], self.horizon, axis=1)  # of too few rows
        some = np.flatnonzero(windows.lengths >= FEWEST)
        for part, forecasts in self._apply(windows, some, np.full(len(some), self.context)):
            found[some[part]] = np.einsum("nk,nkh->nh", weights[some[part]], forecasts)
        return found

    def _apply(self, windows: _Windows, of: np.ndarray, ends: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Forecast by every model from the rows before `ends` of windows `of`: which, and (n, len(prior), horizon)."""
        n_models, lengths = len(self.models), np.array(self._lengths)
        seen = windows.lengths[of] - (self.context - ends)
        at = np.searchsorted(lengths, seen, side="right") - 1
        for i in np.unique(at):
            which, length = np.flatnonzero(at == i), int(lengths[i])
            maps = _stacked(self._structures, length, self.horizon)
            for part in np.array_split(which, 1 + len(which) * len(self.prior) * self.horizon // MOST_VALUES):
                cut = ends[part, None] + np.arange(-length, 0)
                forecasts = np.empty((len(part), len(self.prior), self.horizon), np.float32)
                forecasts[:, :n_models] = _map(windows.rows[of[part, None], cut], maps, n_models)
                if len(self.prior) > n_models:
                    forecasts[:, n_models:] = forecasts[:, :n_models]
                    positive = np.flatnonzero(windows.positive[of[part]])
                    own = of[part[positive]]
                    logs = _map(windows.logs[own[:, None], cut[positive]], maps, n_models)
                    most = windows.logs[own].max(axis=1) + REACH
                    forecasts[positive, n_models:] = np.exp(np.minimum(logs, most[:, None, None]))
                yield part, forecasts

    @cached_property
    def _lengths(self) -> list[int]:
        lengths, most = [2, 3], min(self.context, longest_window(self.season, self.horizon))
        while (longer := max(lengths[-1] + 1, round(lengths[-1] * RATIO))) <= most:
            lengths.append(longer)
        return lengths

    @cached_property
    def _structures(self) -> tuple[Structure, ...]:
        return tuple(
            Structure(level, self.season, change, variance, trend, damping)
            for level, variance, change, trend, damping in self.models.tolist()
        )

    def last_in_graph(self, windows: Any, times: GraphTimes, effects: Any) -> Any:  # noqa: ARG002 - as all terms
        """Forecast at the newest row of windows: see `ExportedTerm.last_in_graph`."""
        newest = windows[:, windows.shape[1] - self.context :]
        found = [self._forecast_in_graph(newest[:, :, f], times.ops) for f in self.targets.tolist()]
        return times.ops.stack(found, axis=-1) * np.float32(self.share)

    def _forecast_in_graph(self, rows: Any, ops: Any) -> Any:
        """Do what `_forecast` does: (batch, context) -> (batch, horizon)."""
        n, horizon, ends = self.context, self.horizon, np.arange(self.context + 1, dtype=np.int32)
        differs = ops.not_equal(rows, rows[:, :1])
        first = ops.min(ops.where(differs, ends[:n], np.int32(n)), axis=1)
        lengths = ops.where(first < n, n + 1 - first, 1)
        positive = ops.min(rows, axis=1, keepdims=True) > 0
        logs = ops.log(ops.where(positive, rows, np.float32(1)))
        maps, shares = ops.convert_to_tensor(self._padded_maps), np.linspace(0, 1, self.n_origins)
        furthest = np.clip(ends - FEWEST, 1, self.n_rows)[:, None]
        back = (1 + shares * (furthest - 1)).astype(np.int32)  # of windows of each length, as in `_past_errors`
        fresh = (np.diff(back, axis=1, prepend=0) > 0) & (ends[:, None] - back >= FEWEST)
        at_length = np.maximum(np.searchsorted(self._lengths, ends, side="right") - 1, 0).astype(np.int32)

        def apply(before: Any) -> Any:  # the forecasts of all models, (batch, o, ..), so many rows before the end
            n_ends, longest = before.shape[1], maps.shape[1]
            own = ops.take(maps, ops.take(at_length, ops.maximum(lengths[:, None] - before, 0), axis=0), axis=0)
            cut = ops.maximum((n - before)[:, :, None] + np.arange(-longest, 0, dtype=np.int32), 0)
            cut, kinds = ops.reshape(cut, (-1, n_ends * longest)), []
            for series in (rows, logs)[: len(self.prior) // len(self.models)]:
                seen = ops.reshape(ops.take_along_axis(series, cut, axis=1), (-1, n_ends, longest))
                mapped = ops.matmul((seen - seen[:, :, -1:])[:, :, None], own)[:, :, 0] + seen[:, :, -1:]
                kinds.append(ops.reshape(mapped, (-1, n_ends, len(self.models), horizon)))
            if len(kinds) == 2:
                most = (ops.max(logs, axis=1, keepdims=True) + REACH)[:, :, None, None]
                kinds[1] = ops.where(positive[:, :, None, None], ops.exp(ops.minimum(kinds[1], most)), kinds[0])
            return ops.concatenate(kinds, axis=2)

        sums = amount = np.float32(0)
        for some in np.array_split(np.arange(self.n_origins), -(-self.n_origins // TOGETHER)):
            before = ops.take(back[:, some], lengths, axis=0)
            counts = ops.cast(ops.take(fresh[:, some].astype(np.int32), lengths, axis=0), "float32")
            steps = np.arange(horizon, dtype=np.int32)
            known = ops.cast(before[:, :, None] > steps, "float32") * counts[:, :, None]
            at = ops.reshape(ops.minimum((n - before)[:, :, None] + steps, n - 1), (-1, len(some) * horizon))
            outcomes = ops.reshape(ops.take_along_axis(rows, at, axis=1), (-1, len(some), 1, horizon))
            errors = ops.abs(apply(before) - outcomes) * known[:, :, None]
            sums = sums + ops.sum(ops.sum(errors, axis=3), axis=1)
            amount = amount + ops.sum(ops.sum(known, axis=2), axis=1)
        least = ops.mean(sums, axis=1, keepdims=True) * np.float32(1e-3) + np.float32(1e-12)
        errors = ops.log(ops.maximum(sums, least))
        errors = errors - ops.mean(errors, axis=1, keepdims=True)
        strength = ops.minimum(amount * np.float32(self.power / horizon), np.float32(self.most_power))
        odds = self.prior.astype(np.float32) - strength[:, None] * errors
        weights = ops.exp(odds - ops.max(odds, axis=1, keepdims=True))
        weights = weights / ops.sum(weights, axis=1, keepdims=True)
        found = ops.sum(apply(ops.zeros_like(lengths)[:, None])[:, 0] * weights[:, :, None], axis=1)
        return ops.where((lengths >= FEWEST)[:, None], found, rows[:, -1:])

    @cached_property
    def _padded_maps(self) -> np.ndarray:
        """Return the maps of every length, of which rows that are older see nothing."""
        longest = self._lengths[-1]
        maps = [_stacked(self._structures, length, self.horizon) for length in self._lengths]
        return np.stack([np.pad(one, ((longest - len(one), 0), (0, 0))) for one in maps])

    def settings(self) -> dict[str, Any]:
        """Return all that is a number."""
        return {name: getattr(self, name) for name in (*INTEGERS, *NUMBERS)}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return models, odds and targets."""
        return {"models": self.models, "prior": self.prior, "targets": self.targets}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the term that `settings` and `arrays` describe."""
        sizes: dict[str, Any] = {name: int(settings[name]) for name in INTEGERS}
        sizes |= {name: float(settings[name]) for name in NUMBERS}
        return cls(arrays["models"], arrays["prior"], arrays["targets"], **sizes)


INTEGERS, NUMBERS = ("season", "horizon", "context", "n_origins", "n_rows"), ("power", "most_power", "share")


@dataclass(frozen=True)
class _Windows:
    """Windows of one target, (n_windows, context) in float32, and what is asked of them again and again."""

    rows: np.ndarray
    lengths: np.ndarray
    positive: np.ndarray
    logs: np.ndarray  # those of windows that aren't positive are not used

    @classmethod
    def of(cls, rows: np.ndarray) -> Self:
        """Count the rows of each window, but for repetitions of the first one before any other."""
        rows = np.ascontiguousarray(rows, np.float32)
        differs = rows != rows[:, :1]
        lengths = np.where(differs.any(axis=1), rows.shape[1] + 1 - differs.argmax(axis=1), 1)
        positive = rows.min(axis=1) > 0
        return cls(rows, lengths, positive, np.log(np.where(positive[:, None], rows, np.float32(1))))


def list_models(season: int, horizon: int, settings: StructuralSettings) -> np.ndarray:
    """List the variances of models.

    Parameters
    ----------
    season, horizon : int
        Rows of a season, 1 for none; and steps predicted.
    settings : StructuralSettings
        For the variances of level and growth.

    Returns
    -------
    ndarray of shape (n_models, 5)
        Of `StructuralMixture`: without season, with a steady one, with one that changes, and with a strong one; of
        every growth, and of the largest one damped.
    """
    seasons = SEASONS if season > 1 else SEASONS[:1]
    trends = [(variance, 0.0) for variance in settings.trends]
    trends.append((max(settings.trends), settings.damping / horizon))
    combined = itertools.product(settings.level_variances, seasons, trends)
    return np.array([(level, *effects, *trend) for level, effects, trend in combined])


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
    """Return the maps of all models side by side: (length, n_models * horizon), float32."""
    steps = tuple(range(horizon))
    maps = [structural_map.__wrapped__(one, length, steps) for one in structures]
    return np.concatenate(maps, axis=1).astype(np.float32)


def _map(cut: np.ndarray, maps: np.ndarray, n_models: int) -> np.ndarray:
    """Forecast from windows (n, length) by all maps: (n, n_models, horizon)."""
    newest = cut[:, -1:]
    return np.asarray(((cut - newest) @ maps + newest).reshape(len(cut), n_models, maps.shape[1] // n_models))
