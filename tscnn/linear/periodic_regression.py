"""The term for what is known ahead: a regression of its own for every position in a season."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import received
from tscnn.common.ring import Ring
from tscnn.common.term import Attribution, empty_forecasts
from tscnn.common.threads import map_in_threads, on_one_thread
from tscnn.data.calendar import season_positions
from tscnn.data.graph_times import GraphTimes
from tscnn.data.times import Times
from tscnn.data.windows import sliding_windows
from tscnn.transforms import CovariateEffects
from tscnn.transforms.covariates import CovariateBasis

__all__ = ["Inputs", "PeriodicRegression", "apply_regressions", "local_units", "regression_inputs"]

BLOCK = 512  # origins in memory at a time: a convention
FLOOR = 0.05  # least scale of a window, in standard deviations of training: a convention
LEAST_OF_DEVIATION = 0.3  # least scale, in units of the window's standard deviation: most rows of some are zeros
NORMAL = 1.4826  # of the median absolute deviation to the standard deviation of a normal distribution


@dataclass(frozen=True)
class Inputs:
    """Which rows and steps a regression sees.

    Attributes
    ----------
    span : int
        Rows that level and scale are taken over.
    season : int
        Rows of a season.
    horizon : int
        Steps predicted.
    """

    span: int
    season: int
    horizon: int

    @property
    def own(self) -> np.ndarray:
        """List the rows of a window that a target is seen at.

        Returns
        -------
        ndarray of int
            Those of the newest two seasons; and of the first season of the window, a week before the steps to forecast.
        """
        newest = np.arange(max(0, self.span - 2 * self.season), self.span)
        return np.concatenate([np.arange(min(self.season, int(newest[0]))), newest])


@dataclass(frozen=True, eq=False)
class PeriodicRegression:
    """Ridge regressions on the newest rows of a target and on what is known ahead, one for each position in a season.

    A forecast that is made at midnight weighs what it knows in another way than one that is made at noon: this is a
    periodic autoregression with exogenous inputs. Rows are seen relative to the median of the newest ones, in units of
    their median absolute deviation, through the inverse hyperbolic sine, so that a spike counts little and a regression
    holds at every level. Of what is known ahead, a step sees itself, the same position a season before, and the mean of
    the steps up to it, each relative to the mean of the window: no step sees a later one.

    Attributes
    ----------
    basis : CovariateBasis
        Describes times by piecewise linear functions of covariates, and by kinds of days.
    inputs : Inputs
        Rows and steps seen.
    cycle : str
        Position that has a regression of its own, of `season_positions`; "" for one regression at all of them.
    own : ndarray of shape (n_targets, n_positions, n_own + 1, horizon)
        Weights of rows, the last one the intercept.
    known : ndarray of shape (n_targets, n_positions, horizon, 3 * n_numbers)
        Weights of what is known ahead.
    limits : ndarray of shape (n_targets,)
        Largest outcome of the training rows, beyond which nothing is forecast.
    targets : ndarray of int of shape (n_targets,)
        Positions of the targets among the features.
    shares : ndarray of shape (n_targets,)
        Part of the forecast; the other terms make the rest.

    References
    ----------
    .. [1] Franses and Paap (2004), Periodic Time Series Models.
    .. [2] Lago, Marcjasz, De Schutter and Weron (2021), Forecasting day-ahead electricity prices.
    """

    name: ClassVar[str] = "periodic_regression"
    needs_ahead: ClassVar[bool] = True

    basis: CovariateBasis
    inputs: Inputs
    cycle: str
    own: np.ndarray
    known: np.ndarray
    limits: np.ndarray
    targets: np.ndarray
    shares: np.ndarray

    def __post_init__(self) -> None:
        """Check shapes, and bring arrays to the types of inference."""
        for name in ("own", "known", "limits", "shares"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.float32))
        object.__setattr__(self, "targets", np.asarray(self.targets, np.int64))
        n, horizon = len(self.targets), self.inputs.horizon
        n_own = len(self.inputs.own) + 1
        fits = self.own.ndim == self.known.ndim == 4 and self.limits.shape == self.shares.shape == (n,)
        fits = fits and self.own.shape == (n, self.known.shape[1], n_own, horizon)
        if (
            not fits
            or (self.targets < 0).any()
            or self.known.shape[:1] + self.known.shape[2:3] != (n, horizon)
            or self.known.shape[3] % 3
        ):
            shapes = {name: value.shape for name, value in self.arrays().items()}
            raise ValueError(received("The arrays must fit each other.", shapes=shapes))

    @property
    def context(self) -> int:
        """Rows that a forecast depends on."""
        return self.inputs.span

    @property
    def horizon(self) -> int:
        """Steps that are forecast."""
        return self.inputs.horizon

    @property
    def rows_before(self) -> int:
        """Rows of which it takes what is known, the newest included."""
        return self.inputs.span

    def describe(self, times: Times, effects: CovariateEffects | None) -> np.ndarray:
        """Describe times by numbers, the effects that were subtracted from rows, and the position in a season."""
        parts = [self.basis.describe_plainly(times), np.zeros((len(times), len(self.targets)), np.float32)]
        if effects is not None:
            parts[1] = effects.at(times)[:, self.targets]
        season = (self.cycle, self.own.shape[1])
        position = times.look_up(season, lambda index: season_positions(index, *season))
        return np.concatenate([*parts, position[:, None]], axis=1, dtype=np.float32)

    @on_one_thread
    def dense(self, rows: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Forecast at every origin of one series, with what is known of each: see `Term.dense`."""
        return self._forecast(sliding_windows(rows, self.context), ahead)

    @on_one_thread
    def last(self, windows: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Forecast at the newest row of several windows, with what is known of each: see `Term.last`."""
        return self._forecast(windows[:, windows.shape[1] - self.context :], ahead)

    def last_in_graph(self, windows: Any, times: GraphTimes, effects: Any) -> Any:
        """Forecast at the newest row of windows: see `ExportedTerm.last_in_graph`."""
        ops, span, n_positions = times.ops, self.inputs.span, self.own.shape[1]
        known = times[windows.shape[1] - span :]
        subtracted = None if effects is None else ops.take(effects.at_in_graph(known), self.targets, axis=-1)
        rows = ops.take(windows[:, windows.shape[1] - span :], self.targets, axis=-1)
        rows = rows if subtracted is None else rows + subtracted[:, :span]
        position = known.positions(self.cycle, n_positions)[:, span - 1] if self.cycle else None
        seen, numbers = self._known_in_graph(known), []
        level, scale = _local_units_in_graph(rows, ops)
        for j in range(len(self.targets)):
            own, of_known = self.own[j], self.known[j]
            if position is None:
                own, of_known = own[:1], of_known[:1]
            else:
                own, of_known = (ops.take(each, position, axis=0) for each in (own, of_known))
            units = _arcsinh(ops.take((rows - level) / scale, self.inputs.own, axis=1)[:, None, :, j], ops)
            found = (ops.matmul(units, own[:, :-1]) + own[:, -1:])[:, 0] + ops.sum(seen * of_known, axis=-1)
            numbers.append(ops.minimum(ops.maximum(found, -self.limits[j]), self.limits[j]))
        found = ops.stack(numbers, axis=-1)
        forecasts = (ops.exp(found) - ops.exp(-found)) * (0.5 * scale) + level
        return self.shares * (forecasts if subtracted is None else forecasts - subtracted[:, span:])

    def _known_in_graph(self, times: GraphTimes) -> Any:
        """Return what is known of each step, of `regression_inputs`: (batch, horizon, 3 * n_numbers)."""
        ops, span, horizon = times.ops, self.inputs.span, self.inputs.horizon
        numbers = self.basis.describe_in_graph(times, plainly=True)
        mean = ops.mean(numbers[:, :span], axis=1, keepdims=True)
        ahead = numbers[:, span:] - mean
        summed = ops.cumsum(ahead, axis=1) / np.arange(1, horizon + 1, dtype=np.float32)[:, None]
        before = ops.take(numbers, span - min(self.inputs.season, span) + np.arange(horizon), axis=1) - mean
        return ops.concatenate([ahead, before, summed], axis=2)

    def start(self, windows: np.ndarray) -> list[Ring]:
        """Remember the targets' newest rows: see `Term.start`."""
        newest = windows[:, windows.shape[1] - self.context :, self.targets]
        return [Ring.of(newest.transpose(1, 0, 2))]

    @on_one_thread
    def step(self, state: list[Ring], row: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Take the next row of every series, and forecast the steps after it: see `Term.step`."""
        state[0].push(row[:, self.targets])
        windows = state[0].last().transpose(1, 0, 2)
        return self._forecast(windows, ahead, columns=range(len(self.targets)))

    def attribute(self, window: np.ndarray, ahead: np.ndarray | None = None) -> Attribution:
        """Say what each input adds, in proportion to what it adds before the hyperbolic sine: see `Term.attribute`.

        What effects of covariates take back, `shares` of them, is left to these.
        """
        assert ahead is not None
        span, n_numbers, ahead = self.inputs.span, self.known.shape[3] // 3, np.asarray(ahead[None], np.float64)
        owners, at = self.basis.owners(n_numbers, plainly=True), int(ahead[0, span - 1, -1])
        by_lag = np.zeros((span, self.horizon, len(self.targets)))
        by_column = np.zeros((window.shape[1], *by_lag.shape[1:]))
        by_known = np.zeros((1 + len(self.basis.knots), *by_lag.shape[1:]))
        for j, column in enumerate(self.targets):
            rows = window[None, -span:, column] + ahead[:, :span, n_numbers + j]
            level, scale = local_units(rows)
            own, known = regression_inputs(rows, level, scale, ahead[:, :, :n_numbers], self.inputs)
            of_rows = own[0][:, None] * self.own[j, at, :-1]
            of_known = (known[0] * self.known[j, at]).reshape(self.horizon, 3, n_numbers).sum(axis=1)
            found = of_rows.sum(axis=0) + of_known.sum(axis=1) + self.own[j, at, -1]
            slope = np.sinh(np.clip(found, -self.limits[j], self.limits[j])) / np.where(found == 0, 1, found)
            slope = self.shares[j] * scale * np.where(found == 0, 1, slope)
            by_lag[self.inputs.own, :, j] = of_rows * slope
            by_column[column, :, j] = by_lag[:, :, j].sum(axis=0) + self.shares[j] * level
            for i in range(len(by_known)):
                by_known[i, :, j] = of_known[:, owners == i].sum(axis=1) * slope
        return Attribution(by_column, by_lag, by_known)

    def scaled(self, factors: np.ndarray) -> Self:
        """Return the term with forecasts that are multiplied, by target."""
        return replace(self, shares=self.shares * factors)

    def settings(self) -> dict[str, Any]:
        """Return the calendar, which rows are seen, and the cycle."""
        own = {"span": self.inputs.span, "season": self.inputs.season, "horizon": self.inputs.horizon}
        return {**self.basis.settings(), **own, "cycle": self.cycle}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the knots of covariates, weights, limits, targets and shares."""
        names = ("own", "known", "limits", "targets", "shares")
        return {**self.basis.arrays(), **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the term that `settings` and `arrays` describe."""
        inputs = Inputs(*(int(settings[name]) for name in ("span", "season", "horizon")))
        rest = {name: array for name, array in arrays.items() if name != "knots"}
        return cls(CovariateBasis.from_arrays(settings, arrays), inputs, str(settings["cycle"]), **rest)

    def _forecast(self, windows: np.ndarray, ahead: np.ndarray, columns: Any = None) -> np.ndarray:
        """Forecast from windows of exactly `context` rows, and what is known of these and of the steps after them."""
        forecasts = empty_forecasts(len(windows), self.horizon, len(self.targets))
        columns = self.targets if columns is None else columns

        def forecast(first: int) -> None:
            block = slice(first, first + BLOCK)
            for j, column in enumerate(columns):
                self._forecast_target(j, windows[block, :, column], ahead[block], forecasts[block, :, j])

        map_in_threads(forecast, range(0, len(windows), BLOCK))
        return forecasts

    def _forecast_target(self, j: int, rows: np.ndarray, ahead: np.ndarray, out: np.ndarray) -> None:
        n_numbers, span = self.known.shape[3] // 3, self.inputs.span
        effects = ahead[:, :, n_numbers + j]
        rows = rows + effects[:, :span]
        level, scale = local_units(rows)
        own, known = regression_inputs(rows, level, scale, ahead[:, :, :n_numbers], self.inputs)
        positions = ahead[:, span - 1, -1].astype(np.int64)
        found = apply_regressions(own, known, positions, self.own[j], self.known[j], self.limits[j])
        found = np.sinh(found) * scale[:, None] + level[:, None]
        out[...] = self.shares[j] * (found - effects[:, span:])


def apply_regressions(
    own: np.ndarray,
    known: np.ndarray,
    positions: np.ndarray,
    weights: np.ndarray,
    weights_of_known: np.ndarray,
    limit: float,
) -> np.ndarray:
    """Forecast each origin with the regression of its position in the season.

    Parameters
    ----------
    own, known : ndarray of shape (n, n_own) and (n, n_steps, n_known)
        Of `regression_inputs`.
    positions : ndarray of int of shape (n,)
        In the season.
    weights : ndarray of shape (n_positions, n_own + 1, n_steps)
        Of `own`, the last one the intercept.
    weights_of_known : ndarray of shape (n_positions, n_steps, n_known)
        Of `known`.
    limit : float
        Beyond which nothing is forecast.

    Returns
    -------
    ndarray of shape (n, n_steps)
        Inverse hyperbolic sines, in the precision of `own`.
    """
    found = np.empty(known.shape[:2], own.dtype)
    for position in np.unique(positions):
        at = np.flatnonzero(positions == position)
        found[at] = own[at] @ weights[position, :-1] + weights[position, -1]
        found[at] += np.einsum("nhk,hk->nh", known[at], weights_of_known[position])
    return np.clip(found, -limit, limit)


def local_units(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the level and the scale of windows, which a few outliers don't move.

    Parameters
    ----------
    windows : ndarray of shape (n, span)
        Of one target.

    Returns
    -------
    level, scale : ndarray of shape (n,)
        Median, and median absolute deviation as that of a normal distribution; never less than `LEAST_OF_DEVIATION` of
        the standard deviation, nor than `FLOOR`.
    """
    level = np.median(windows, axis=1)
    spread = NORMAL * np.median(np.abs(windows - level[:, None]), axis=1)
    return level, np.maximum(np.maximum(spread, LEAST_OF_DEVIATION * windows.std(axis=1)), windows.dtype.type(FLOOR))


def _local_units_in_graph(rows: Any, ops: Any) -> tuple[Any, Any]:
    """Return level and scale of `local_units`: (batch, span, n_targets) -> (batch, 1, n_targets) each."""

    def median(values: Any) -> Any:
        ordered, middle = ops.sort(values, axis=1), values.shape[1] // 2
        found = ordered[:, middle : middle + 1]
        return found if values.shape[1] % 2 else (ordered[:, middle - 1 : middle] + found) * 0.5

    level = median(rows)
    deviation = ops.sqrt(ops.mean(ops.square(rows - ops.mean(rows, axis=1, keepdims=True)), axis=1, keepdims=True))
    spread = median(ops.abs(rows - level)) * NORMAL
    return level, ops.maximum(ops.maximum(spread, deviation * LEAST_OF_DEVIATION), FLOOR)


def _arcsinh(x: Any, ops: Any) -> Any:
    size = ops.abs(x)
    found = ops.log(size + ops.sqrt(ops.square(size) + 1))
    return ops.where(x < 0, -found, found)


def regression_inputs(
    windows: np.ndarray,
    level: np.ndarray,
    scale: np.ndarray,
    numbers: np.ndarray,
    inputs: Inputs,
    steps: np.ndarray | slice = slice(None),
) -> tuple[np.ndarray, np.ndarray]:
    """Return what regressions see of some origins.

    Parameters
    ----------
    windows : ndarray of shape (n, span)
        Rows of one target.
    level, scale : ndarray of shape (n,)
        Of these.
    numbers : ndarray of shape (n, span + horizon, n_numbers)
        What is known of their times, and of those of the steps after them.
    inputs : Inputs
        Rows seen.
    steps : ndarray of int, default all
        Steps of the horizon, from 0.

    Returns
    -------
    own : ndarray of shape (n, n_own)
        Rows.
    known : ndarray of shape (n, n_steps, 3 * n_numbers)
        What is known of each step: of itself, of the position a season before, and on average from the first step on.
    """
    own = np.arcsinh((windows[:, inputs.own] - level[:, None]) / scale[:, None])
    span, horizon = inputs.span, inputs.horizon
    mean = numbers[:, :span].mean(axis=1, keepdims=True)
    steps = np.arange(horizon)[steps]
    ahead = numbers[:, span:] - mean
    summed = np.cumsum(ahead, axis=1)[:, steps] / (steps + 1).astype(ahead.dtype)[:, None]
    before = numbers[:, span - min(inputs.season, span) + steps] - mean
    return own, np.concatenate([ahead[:, steps], before, summed], axis=2)
