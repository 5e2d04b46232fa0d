"""Where a fitted pipeline stands: its errors on validation rows beside those of what it has to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.mapped import columns_of, is_mapped, release
from tscnn.data.windows import sliding_windows
from tscnn.statistics.influence import limit_influence
from tscnn.transforms.missing import carry_forward

__all__ = ["ReportSettings", "describe_report", "evaluate_forecasts", "list_unbeaten", "tabulate_targets"]

LEAST_LOSS = 0.1  # of skill, from which on the linear map counts as better: it resembles the linear mixture, and on few
# validation rows is a little better about as often as a little worse. A convention

NOTE = "Optimistic: settings, terms and weights were chosen on these very validation rows; `backtest` later rows."


@dataclass(frozen=True)
class ReportSettings:
    """How much a report may cost; conventions, of some seconds.

    Attributes
    ----------
    most_origins : int, default 10,000
        Origins that are forecast from: every second or third or .. one, where there are more.
    most_values : int, default 40,000,000
        Outcomes of all of them, likewise.
    chunk_values : int, default 8,388,608
        Values of windows and forecasts in memory at a time.
    """

    most_origins: int = 10_000
    most_values: int = 40_000_000
    chunk_values: int = 2**23


def evaluate_forecasts(
    forecast: Callable[[np.ndarray], np.ndarray],
    rows: np.ndarray,
    plain: np.ndarray,
    origins: Sequence[range],
    targets: Sequence[int],
    horizon: int,
    linear_map: np.ndarray,
    seasons: Mapping[str, int],
    in_units: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    settings: ReportSettings | None = None,
) -> pd.DataFrame:
    """Compare forecasts with those of one linear map and with naive ones.

    Where the origins are those that a pipeline was chosen on, its errors are smaller than those on later rows will be.

    Parameters
    ----------
    forecast : callable
        Evenly spaced origins, ndarray of int of shape (n,) -> ndarray of shape (n, horizon, n_targets), in the units of
        `rows`.
    rows : ndarray of shape (n_rows, n_features)
        Standardised series one behind the other, without their yearly season if that is forecast apart.
    plain : ndarray of shape (n_rows, n_features)
        As `rows`, with the yearly season: what naive forecasts repeat. NaN where a value is missing, which counts
        in no error; naive forecasts repeat the newest one before it.
    origins : sequence of range
        Rows to forecast from, of `Split.validation`.
    targets : sequence of int
        Positions of the forecast columns.
    horizon : int
        Steps predicted.
    linear_map : ndarray of shape (lookback, horizon), or with a leading axis of length 1
        One fixed ridge regression for all targets, on windows of `rows`.
    seasons : mapping of str to int
        Rows of a season by name, of `find_seasons`: no more than there are up to the first origin.
    in_units : callable, optional
        Origins and their forecasts -> errors in the data's own units, of the same shape; default those of `rows`.
    settings : ReportSettings, optional
        How much this may cost.

    Returns
    -------
    DataFrame
        The forecasts in the first row, "tscnn", then "linear map", "repeat day", or whatever `seasons` there are,
        "repeat last" and "constant": the mean of the very outcomes, by target and step, the best that a model can reach
        which has collapsed to a constant; a single origin, whose outcomes are their mean, has none. Columns "mse",
        "mae", and "skill": 1 - the mse of the forecasts / that of the row. They are means over targets, of which one
        whose least mse is more than ten times that of the median target counts less. ``attrs["note"]`` says that the
        errors are optimistic, ``attrs["mse_by_target"]`` has them for each target, ``attrs["in_units"]`` the "rmse" and
        "mae" of the forecasts for each target in the data's own units.

    Raises
    ------
    ValueError
        If there is no origin, or `forecast` returns another shape.

    Examples
    --------
    >>> rows = np.sin(np.arange(60.0) * 2 * np.pi / 6)[:, None]
    >>> report = evaluate_forecasts(
    ...     lambda at: rows[at[:, None] - 5 + np.arange(2)],
    ...     rows,
    ...     rows,
    ...     [range(11, 58)],
    ...     targets=[0],
    ...     horizon=2,
    ...     linear_map=np.ones((1, 2)),
    ...     seasons={"day": 6},
    ... )
    >>> report["mse"].round(2)
    tscnn          0.00
    linear map     1.01
    repeat day     0.00
    repeat last    1.01
    constant       0.50
    Name: mse, dtype: float64
    """
    settings = ReportSettings() if settings is None else settings
    n_origins = sum(map(len, origins))
    if not n_origins:
        raise ValueError(received("`origins` must not be empty.", origins=origins))
    targets, linear_map = list(targets), np.asarray(linear_map).reshape(np.shape(linear_map)[-2:])
    values, plain = columns_of(rows, targets), columns_of(plain, targets)
    calm, outcomes = sliding_windows(values, horizon), sliding_windows(plain, horizon)  # by their first row
    newest, phases = carry_forward(plain), {name: carry_forward(plain, length) for name, length in seasons.items()}
    complete = newest is plain
    n_values = len(targets) * max(horizon, len(linear_map))  # of an origin
    most = min(settings.most_origins, max(1, settings.most_values // (len(targets) * horizon)))
    n_chunk = max(1, settings.chunk_values // n_values)
    sums = _Sums()
    for stretch in origins:
        cutoffs = np.arange(stretch.start, stretch.stop, -(-n_origins // most))
        for first in range(0, len(cutoffs), n_chunk):
            at = cutoffs[first : first + n_chunk]
            forecasts = forecast(at)
            if forecasts.shape != (len(at), horizon, len(targets)):
                rule = f"`forecast` must return an array of shape {(len(at), horizon, len(targets))}."
                raise ValueError(received(rule, shape=forecasts.shape))
            after = outcomes[at + 1]
            sums.take(None if complete else ~np.isnan(after))
            errors = forecasts - calm[at + 1]
            sums.add("tscnn", errors)
            sums.add_in_units(errors if in_units is None else in_units(at, forecasts))
            sums.add("linear map", _apply_map(values, linear_map, at) - calm[at + 1])
            for name, season_length in seasons.items():
                steps = np.arange(horizon) % season_length - season_length + 1
                sums.add(f"repeat {name}", phases[name][at[:, None] + steps] - after)
            sums.add("repeat last", newest[at][:, None] - after)
            sums.add_outcomes(after)
            release(values, plain)
    return sums.as_report()


def tabulate_targets(report: pd.DataFrame, targets: pd.Index) -> pd.DataFrame:
    """Show a report target by target.

    Parameters
    ----------
    report : DataFrame
        Of `evaluate_forecasts`.
    targets : Index
        Their names.

    Returns
    -------
    DataFrame of shape (n_targets, n_rows)
        "rmse" and "mae" of the forecasts in the data's own units, then the skill against each other row: 1 - the mse of
        the forecasts / that of the row; 0 against "repeat last" is a target that is forecast by its newest value.
    """
    own, *others = report.index
    errors = pd.DataFrame(report.attrs["mse_by_target"], index=targets)
    table = pd.DataFrame(report.attrs["in_units"], index=targets)
    for name in others:
        same = np.isclose(errors[own], errors[name], rtol=1e-6, atol=0)
        table[f"skill: {name}"] = np.where(same, 0.0, 1 - errors[own] / errors[name].where(errors[name] > 0))
    return table


def list_unbeaten(report: pd.DataFrame) -> list[str]:
    """Name what the forecasts do not beat.

    Parameters
    ----------
    report : DataFrame
        Of `evaluate_forecasts`.

    Returns
    -------
    list of str
        Naive forecasts whose mean squared error is no greater than that of the forecasts; and the linear map, if its
        error is smaller by a tenth.
    """
    least = {"linear map": -LEAST_LOSS}
    return [name for name in report.index[1:] if report.loc[name, "skill"] <= least.get(name, 0)]


def describe_report(report: pd.DataFrame) -> str:
    """Write a report in one line.

    Parameters
    ----------
    report : DataFrame
        Of `evaluate_forecasts`.

    Returns
    -------
    str
        The mean squared error, which is optimistic, and by how much it is below that of the others.
    """
    others = ", ".join(f"{name} {report.loc[name, 'skill']:+.1%}" for name in report.index[1:])
    mse = report.loc["tscnn", "mse"]
    return f"validation MSE {mse:.4f} (optimistic: these rows chose the model); skill against {others}"


@dataclass
class _Sums:
    """Errors and outcomes, added up a chunk at a time in float64."""

    squares: dict[str, np.ndarray] = field(default_factory=dict)  # (n_targets,)
    sizes: dict[str, np.ndarray] = field(default_factory=dict)  # (n_targets,)
    in_units: dict[str, np.ndarray] = field(default_factory=dict)  # (n_targets,): of one forecast
    outcomes: np.ndarray | float = 0.0  # (horizon, n_targets)
    outcome_squares: np.ndarray | float = 0.0  # (n_targets,)
    n_origins: int = 0
    n_outcomes: np.ndarray | int = 0  # (horizon, n_targets)
    known: np.ndarray | None = None  # (n, horizon, n_targets), of the chunk

    def take(self, known: np.ndarray | None) -> None:
        """Say which outcomes of the next chunk count; None for all."""
        self.known = known

    def add(self, name: str, errors: np.ndarray) -> None:
        errors = self._known_of(errors)
        squares = np.square(errors, dtype=np.float64).sum(axis=(0, 1))
        sizes = np.abs(errors).sum(axis=(0, 1), dtype=np.float64)
        self.squares[name] = self.squares.get(name, 0.0) + squares
        self.sizes[name] = self.sizes.get(name, 0.0) + sizes

    def add_in_units(self, errors: np.ndarray) -> None:
        errors = self._known_of(errors)
        for name, values in (("squares", np.square(errors, dtype=np.float64)), ("sizes", np.abs(errors))):
            self.in_units[name] = self.in_units.get(name, 0.0) + values.sum(axis=(0, 1), dtype=np.float64)

    def _known_of(self, values: np.ndarray) -> np.ndarray:
        return values if self.known is None else np.where(self.known, values, values.dtype.type(0))

    def add_outcomes(self, outcomes: np.ndarray) -> None:
        self.n_outcomes = self.n_outcomes + np.sum(np.isfinite(outcomes), axis=0)
        outcomes = self._known_of(outcomes)
        self.outcomes = self.outcomes + outcomes.sum(axis=0, dtype=np.float64)
        self.outcome_squares = self.outcome_squares + np.square(outcomes, dtype=np.float64).sum(axis=(0, 1))
        self.n_origins += len(outcomes)

    def as_report(self) -> pd.DataFrame:
        part = self.n_origins / np.maximum(self.n_outcomes, 1)  # exactly 1 where nothing is missing
        known = np.maximum(np.sum(self.n_outcomes, axis=0), 1)  # of a target
        by_target = dict(self.squares)
        if self.n_origins > 1:  # the mean of one outcome is the outcome
            by_mean = (np.square(self.outcomes) * part).sum(axis=0) / self.n_origins
            by_target["constant"] = np.maximum(self.outcome_squares - by_mean, 0)
        shares = limit_influence(np.min(list(by_target.values()), axis=0) / known) / known
        mse, mae = (
            {name: float((sums * shares).mean()) for name, sums in each.items()} for each in (by_target, self.sizes)
        )
        report = pd.DataFrame({"mse": mse, "mae": mae}).loc[list(mse)]
        own = report.loc["tscnn", "mse"]
        same = np.isclose(report["mse"], own, rtol=1e-9, atol=0)  # but for the order of addition
        report["skill"] = np.where(same, 0.0, [1 - own / mse if mse > 0 else -np.inf for mse in report["mse"]])
        report.attrs["note"] = NOTE
        report.attrs["mse_by_target"] = {name: (squares / known).tolist() for name, squares in by_target.items()}
        report.attrs["in_units"] = {
            "rmse": np.sqrt(self.in_units["squares"] / known).tolist(),
            "mae": (self.in_units["sizes"] / known).tolist(),
        }
        return report


def _apply_map(values: np.ndarray, linear_map: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Forecast each column by one map of raw windows: (len(at), horizon, n_columns), in the precision of the values."""
    lookback, horizon = linear_map.shape
    weights = linear_map.astype(values.dtype)
    forecasts = np.empty((len(at), horizon, values.shape[1]), values.dtype)
    for column in range(values.shape[1]):  # no more than the windows of one column are in memory at a time
        own = values[:, column] if is_mapped(values) else np.ascontiguousarray(values[:, column])
        forecasts[:, :, column] = sliding_windows(own, lookback)[at - lookback + 1] @ weights
    return forecasts
