"""Why a forecast is what it is: the sum of its parts, and what each column and each row of the past adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tscnn.data.index import find_seasonality
from tscnn.data.panel import join_forecasts
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.times import Times, pad_times
from tscnn.forecasting.contributions import forecast_by_part
from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.predict import newest_runs, newest_windows
from tscnn.linear.mixture import LinearMixture
from tscnn.linear.periodic_regression import PeriodicRegression
from tscnn.transforms import CovariateEffects, Logarithm, Standardize

__all__ = ["Explanation", "explain_next"]

INTERCEPT, CALENDAR, REST = "(intercept)", "(calendar)", "(rest)"
NEGLIGIBLE = 1e-5  # of a column's scale: rounding of float32


@dataclass(frozen=True, eq=False)
class Explanation:
    """A forecast as the sum of its parts.

    All frames are of pandas. The last three are tidy: a row for each step, target and part, with "time", "target" and
    "value", in the data's own units; of many series the first column is "series". Values of one step and target sum to
    the forecast.

    Of a column that is forecast by its logarithm, parts add up in logarithms. There the difference between the forecast
    and the "intercept" is shared out in proportion, so that values sum to the forecast in the data's own units, too: by
    the logarithmic mean [1]_.

    Attributes
    ----------
    forecast : DataFrame
        Of `tscnn.Forecaster.predict`, points alone.
    terms : DataFrame
        By "term". "level" is the mean of the training rows and what the linear map makes of the mean of the window,
        "season" what it makes of the mean season of the window, if that holds two, "linear" what it makes of the rest.
        Each other term of the model has its name; and each thing that is known ahead, "covariate price", "calendar".
    by_column : DataFrame
        By "column" of the input: exact of linear terms, gradient times input of the network. "(intercept)" is the
        forecast of a series at its mean, "(calendar)" what the time adds, "(rest)" what no column does: constants of
        regressions and of the network, and what bends.
    by_lag : DataFrame
        By "lag", rows before the newest, which has 0. What no row of the past adds has lag <NA>: intercept, calendar,
        what is known ahead, and the rest.

    References
    ----------
    .. [1] Ang (2005), The LMDI approach to decomposition analysis: a practical guide. Energy Policy 33.
    """

    forecast: pd.DataFrame
    terms: pd.DataFrame
    by_column: pd.DataFrame
    by_lag: pd.DataFrame


def explain_next(pipeline: Pipeline, series: SeriesSet, ahead: Sequence[Times], schema: Schema) -> Explanation:
    """Explain the forecasts of the steps after the newest row of every series.

    Parameters
    ----------
    pipeline, series, ahead : Pipeline, SeriesSet, sequence of Times
        As of `tscnn.forecasting.predict.forecast_next`, of `horizon` steps.
    schema : Schema
        Of the columns.

    Returns
    -------
    Explanation
        Of all of them; "forecast" is indexed by time, of several series by ("series", "time").
    """
    pipeline, before = pipeline.admit(series), max(1, pipeline.rows_before)
    windows = pipeline.clean(np.stack(newest_windows(pipeline, series)), newest_runs(pipeline, series))
    found: list[list[pd.DataFrame]] = []
    for window, seen, later in zip(windows, series.all_times(), ahead, strict=True):
        times = pad_times(seen, before)[-before:].append(later)
        found.append(_Parts.of(pipeline, schema, window, times, before - 1).frames(later.index))
    names = series.names
    if names is None:
        return Explanation(*found[0])
    forecasts, *tidy = zip(*found, strict=True)
    forecast = join_forecasts(dict(zip(names, forecasts, strict=True)), None, long=False)
    return Explanation(forecast, *(_join(names, each) for each in tidy))


@dataclass(frozen=True, eq=False)
class _Parts:
    """Parts of one forecast in the data's own units, (n, horizon, n_targets), and the names of each kind."""

    targets: pd.Index
    forecast: np.ndarray  # (horizon, n_targets)
    terms: dict[str, np.ndarray]  # the values of each: (horizon, n_targets)
    by_column: dict[Any, np.ndarray]
    by_lag: np.ndarray  # (lookback, horizon, n_targets), oldest first
    scale: np.ndarray  # (n_targets,)

    @classmethod
    def of(cls, pipeline: Pipeline, schema: Schema, window: np.ndarray, times: Times, at: int) -> _Parts:
        """Take one forecast apart, in the units of the terms, and put the parts into those of the data."""
        known = pipeline.describe_ahead(times, np.array([at]))
        parts = forecast_by_part(pipeline, window[None], known, times, np.array([at]))
        terms = {name: part[0] for name, part in parts.items()}
        effects = _effects_by_input(pipeline, times, at)
        for term in pipeline.terms:
            if isinstance(term, PeriodicRegression):  # which takes back what is added of effects
                terms[term.name] = terms[term.name] + term.shares * effects.sum(axis=0)
                effects = effects * (1 - term.shares)
        terms.pop(CovariateEffects.name, None)

        names_of_features, names_of_known = (schema.columns[own].tolist() for own in schema.owners)
        by_column: dict[Any, np.ndarray] = {}
        by_lag = np.zeros((len(window), *effects.shape[1:]))
        of_known = effects.copy()
        for term in pipeline.terms:
            found = term.attribute(window, known[term.name][0] if term.name in known else None)
            for name, own in zip(names_of_features, found.by_column, strict=True):
                _add(by_column, name, own)
            by_lag[len(by_lag) - len(found.by_lag) :] += found.by_lag
            if found.by_known is not None:
                of_known[: len(found.by_known)] += found.by_known
        of_time = sum((terms[name] for name in terms if name not in {one.name for one in pipeline.terms}), of_known[0])
        _add(by_column, CALENDAR, of_time)
        for name, own in zip(names_of_known, of_known[1:], strict=True):
            _add(by_column, name, own)

        terms = {**_split_mixture(pipeline, schema, window), **{_readable(name): own for name, own in terms.items()}}
        terms.pop(_readable(LinearMixture.name), None)
        _add(terms, "calendar", effects[0])
        for name, own in zip(names_of_known, effects[1:], strict=True):
            _add(terms, f"covariate {name}", own)
        return cls._in_units(pipeline, times, at, schema.target_names, terms, by_column, by_lag)

    @classmethod
    def _in_units(
        cls,
        pipeline: Pipeline,
        times: Times,
        at: int,
        targets: pd.Index,
        terms: dict[str, np.ndarray],
        by_column: dict[Any, np.ndarray],
        by_lag: np.ndarray,
    ) -> _Parts:
        """Put parts in the units of the terms into those of the data."""
        units = [one for one in pipeline.transforms if isinstance(one, Logarithm | Standardize)]
        total = sum(terms.values(), np.zeros(by_lag.shape[1:]))

        def invert(values: np.ndarray) -> np.ndarray:
            return replace(pipeline, transforms=tuple(units)).invert(values[None].copy(), times, np.array([at]))[0]

        base, forecast = invert(np.zeros_like(total)), invert(total)
        near = np.abs(total) < NEGLIGIBLE
        slope = (invert(np.where(near, NEGLIGIBLE, total)) - base) / np.where(near, NEGLIGIBLE, total)
        terms = {name: own * slope for name, own in terms.items()}
        terms["level"] = base + terms.get("level", 0.0)
        columns: dict[Any, np.ndarray] = {INTERCEPT: base, **{name: own * slope for name, own in by_column.items()}}
        columns[REST] = forecast - sum(columns.values())
        return cls(targets, forecast, terms, columns, by_lag * slope, slope.mean(axis=0))

    def frames(self, index: pd.Index) -> list[pd.DataFrame]:
        """Lay the parts out: the forecast, terms, columns and lags."""
        lags = pd.array([*range(len(self.by_lag) - 1, -1, -1), None], dtype="Int64")
        of_lags = np.concatenate([self.by_lag, (self.forecast - self.by_lag.sum(axis=0))[None]])
        tidy = [
            self._tidy(
                index, name, pd.Index(list(parts), dtype=object, tupleize_cols=False), np.stack([*parts.values()])
            )
            for name, parts in (("term", self.terms), ("column", self.by_column))
        ]
        forecast = pd.DataFrame(self.forecast, index, self.targets)
        return [forecast, *tidy, self._tidy(index, "lag", pd.Index(lags), of_lags)]

    def _tidy(self, index: pd.Index, kind: str, names: pd.Index, values: np.ndarray) -> pd.DataFrame:
        """Make a row for each step, target and part; parts that add nothing to a target are left out."""
        counts = np.abs(values).max(axis=1) > NEGLIGIBLE * np.abs(self.scale)  # (n_parts, n_targets)
        of_target, of_part = np.nonzero(counts.T)
        horizon = len(index)
        return pd.DataFrame(
            {
                "time": index[np.tile(np.arange(horizon), len(of_part))],
                "target": self.targets.to_flat_index()[np.repeat(of_target, horizon)],
                kind: names[np.repeat(of_part, horizon)],
                "value": values[of_part, :, of_target].ravel(),
            }
        )


def _join(names: Sequence[Any], frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tidy frames one below the other, and the series in front."""
    joined = pd.concat(frames, ignore_index=True)
    joined.insert(0, "series", pd.Index(names, tupleize_cols=False).repeat([len(frame) for frame in frames]))
    return joined


def _effects_by_input(pipeline: Pipeline, times: Times, at: int) -> np.ndarray:
    """Return what is known ahead adds to rows: (1 + n_covariates, horizon, n_targets), of the calendar first."""
    n_covariates = 0 if times.covariates is None else times.covariates.shape[1]
    found = np.zeros((1 + n_covariates, pipeline.horizon, len(pipeline.targets)))
    for one in pipeline.transforms:
        if isinstance(one, CovariateEffects):
            own = one.by_input(times[at + 1 : at + 1 + pipeline.horizon])[..., list(pipeline.targets)]
            found[: len(own)] += own
    return found


def _split_mixture(pipeline: Pipeline, schema: Schema, window: np.ndarray) -> dict[str, np.ndarray]:
    """Split what the linear mixture makes of a window: of its mean, of its mean season, and of the rest."""
    mixture = next((term for term in pipeline.terms if isinstance(term, LinearMixture)), None)
    if mixture is None:
        return {}
    newest, season = window[-mixture.context :].astype(np.float64), find_seasonality(schema.freq) or 1
    level = np.broadcast_to(newest.mean(axis=0), newest.shape)
    parts = {"level": level}
    if 1 < season <= mixture.context // 2:
        phases = np.arange(len(newest))[::-1] % season
        means = np.stack([newest[phases == phase].mean(axis=0) for phase in range(season)])
        parts["season"] = means[phases] - level
    parts["linear"] = newest - sum(parts.values())
    return {name: _map(mixture, part) for name, part in parts.items()}


def _map(mixture: LinearMixture, rows: np.ndarray) -> np.ndarray:
    return np.asarray(mixture.attribute(rows).by_lag.sum(axis=0))


def _add(parts: dict[Any, np.ndarray], name: Any, own: np.ndarray) -> None:
    parts[name] = parts[name] + own if name in parts else own


def _readable(name: str) -> str:
    return name.replace("_", " ")
