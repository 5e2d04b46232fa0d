"""What a fitted forecaster forecasts: points, quantiles, paths, row by row, and why."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import check_choice, check_int, received, show
from tscnn.common.random_state import read_random_state
from tscnn.data.index import read_label
from tscnn.data.panel import join_forecasts
from tscnn.data.series import SeriesSet
from tscnn.data.tables import read_table, tables_in_and_out
from tscnn.data.times import Times
from tscnn.data.values import list_some
from tscnn.forecasting.attributes import FittedAttributes
from tscnn.forecasting.explanation import Explanation, explain_next
from tscnn.forecasting.intervals import Asked, require_calibration
from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.predict import forecast_next, look_ahead
from tscnn.forecasting.reading import SeriesReader
from tscnn.forecasting.stream import Stream

__all__ = ["FittedForecaster"]

MOST_STEPS = 100_000  # that are forecast from forecasts: minutes. A convention


class FittedForecaster(FittedAttributes):
    """The forecasts of a fitted model."""

    series_id: Any
    freq: Any
    time: Any
    quantiles: Any

    @tables_in_and_out
    def predict(
        self,
        X: Any = None,
        *,
        future: Any = None,
        horizon: int | None = None,
        coverage: Any = None,
        engine: str = "numpy",
    ) -> Any:
        """Forecast the steps after the last row.

        Parameters
        ----------
        X : DataFrame, Series, array, or dict of them by series name, optional
            Rows to forecast from, at least `lookback`; default the end of the training data. Columns are matched by
            name.
        future : DataFrame, or dict of them by series name, optional
            The future covariates of exactly the steps to forecast, indexed by their times.
        horizon : int, optional
            Steps to forecast, default those of `fit`. Of fewer the forecasts are the same; more are forecast
            recursively, from rows that forecasts are appended to, which a warning says once. That takes a forecast of
            every column: with past covariates it is refused.
        coverage : float, or sequence of float, optional
            Share of outcomes that intervals are to hold, such as 0.9 or ``(0.8, 0.95)``: columns (target, "forecast"),
            (target, "lower") and (target, "upper"), of several "lower 80%", ... Up to the horizon of `fit`.
        engine : {"numpy", "keras"}, default "numpy"
            What computes the network: NumPy, without importing a framework, or Keras, on its GPU where it has one, for
            large batches. They agree to rounding.

        Returns
        -------
        DataFrame of shape (horizon, n_targets)
            In the data's own units, float32 if all columns of the training data were, else float64; the index
            continues that of `X`; more columns with `coverage`, or with `quantiles` of the forecaster. For a dict
            (n_series * horizon, n_targets), indexed by ("series", "time"), all computed at once.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` breaks a rule.
        """
        pipeline, frames = self._fitted().computed_by(engine), self._read_context(X)
        horizon = pipeline.horizon if horizon is None else check_int("horizon", horizon)
        asked = self._ask(coverage, horizon)
        long = not isinstance(X, Mapping) and self.series_id is not None
        ahead = self._reader.ahead(future, frames, horizon)
        return self._forecast(pipeline, frames, ahead, asked, long=long)

    def stream(self, context: Any = None, *, coverage: Any = None, adaptive: bool = False) -> Stream:
        """Follow a series row by row.

        Parameters
        ----------
        context : DataFrame, Series, array, or dict of them by series name, optional
            What has been seen so far, at least `lookback` rows; default the end of the training data. A dict makes a
            stream of several series side by side; one that was not in `fit` keeps level and scale of its context.
        coverage : float, or sequence of float, optional
            Of intervals, as of `predict`.
        adaptive : bool, default False
            As of `backtest`.

        Returns
        -------
        Stream
            ``stream.update(row)`` takes the next row and returns the forecast of the steps after it.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If a context breaks a rule.

        Examples
        --------
        >>> import numpy as np
        >>> from tscnn import Forecaster
        >>> forecaster = Forecaster(lookback=4, filters=2, epochs=1, random_state=0).fit(np.eye(2)[np.arange(60) % 2])
        >>> stream = forecaster.stream()
        >>> stream.update([1, 0]).shape
        (1, 2)
        """
        pipeline, layout, asked = self._fitted(), self.layout_, self._ask(coverage)
        adaptive = asked.check_adaptive(adaptive)
        if context is not None:
            context, layout = read_table(context, self.time)
        with layout.lines_of_pandas(context):
            given = self._read_context(context)
            return Stream(pipeline, self.schema_, given, layout, self.series_id, asked=asked, adaptive=adaptive)

    def sample(self, n: int = 100, X: Any = None, *, future: Any = None, random_state: Any = None) -> Any:
        """Draw paths that the steps after the last row may take.

        Each is a forecast and the errors of another one, of all steps and targets together, so that sums and maxima
        over the horizon are spread as they are.

        Parameters
        ----------
        n : int, default 100
            Paths.
        X : DataFrame, Series, array, or dict of them by series name, optional
            As of `predict`.
        future : DataFrame, or dict of them by series name, optional
            As of `predict`.
        random_state : int, RandomState or None, default None
            An int makes paths repeatable.

        Returns
        -------
        DataFrame of shape (n * horizon, n_targets)
            Indexed by ("sample", "time"), of many series by ("series", "sample", "time").

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` breaks a rule, or nothing was held back in `fit` that errors could be learnt from.
        """
        return self._sample(X, check_int("n", n), future=future, random_state=random_state)

    @tables_in_and_out
    def _sample(self, X: Any, n: int, *, future: Any, random_state: Any) -> Any:
        """Draw paths from a frame of pandas."""
        generator, pipeline, frames = read_random_state(random_state), self._fitted(), self._read_context(X)
        series = SeriesSet.of_frames(frames, self.schema_)
        ahead = self._reader.ahead(future, frames, pipeline.horizon)
        paths = require_calibration(pipeline).paths
        drawn = paths[generator.randint(len(paths), size=n)]
        found = {}
        for name, raw, when in zip(frames, look_ahead(pipeline, series, ahead), ahead, strict=True):
            index = pd.MultiIndex.from_product([range(n), when.index], names=["sample", "time"])
            values = raw.add(drawn).reshape(-1, len(pipeline.targets))
            found[name] = pd.DataFrame(values, index, self.schema_.target_names, copy=False)
        if series.names is None:
            return found[None]
        return join_forecasts(found, self.series_id, long=False, names=("sample", "time"))

    @tables_in_and_out
    def explain(self, X: Any = None, *, future: Any = None) -> Explanation:
        """Take a forecast apart: the sum of its terms, and what each input column and each row of the past adds.

        Parameters
        ----------
        X : DataFrame, Series, array, or dict of them by series name, optional
            As of `predict`.
        future : DataFrame, or dict of them by series name, optional
            As of `predict`.

        Returns
        -------
        Explanation
            With the tidy frames `terms`, `by_column` and `by_lag`, each of which sums to `forecast`: the points of
            `predict`. ``tscnn.plotting.plot_explanation`` draws it.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` breaks a rule.
        """
        pipeline, frames = self._fitted(), self._read_context(X)
        series = SeriesSet.of_frames(frames, self.schema_)
        return explain_next(pipeline, series, self._reader.ahead(future, frames, pipeline.horizon), self.schema_)

    @tables_in_and_out
    def plot(
        self,
        X: Any = None,
        *,
        future: Any = None,
        horizon: int | None = None,
        cutoff: Any = None,
        history: int | None = None,
        coverage: Any = "auto",
        series: Any = None,
        interactive: bool = False,
        **appearance: Any,
    ) -> Any:
        """Draw the forecast of the steps after the last row, or after a cutoff beside what came true.

        Parameters
        ----------
        X : DataFrame, Series, array, or dict of them by series name, optional
            As of `predict`.
        future : DataFrame, or dict of them by series name, optional
            As of `predict`; after a `cutoff` taken from `X` by default.
        horizon : int, optional
            As of `predict`.
        cutoff : index label, optional
            The last row to forecast from; default the last one of `X`. Rows after it are drawn as they came true.
        history : int, optional
            Rows to draw before the forecast, default twice the lookback, and at least three horizons.
        coverage : float, sequence of float, None or "auto", default "auto"
            Of intervals, as of `predict`; "auto" draws those of 50 % and 90 %, or between `quantiles`, if there are.
        series : series name, or list of them, optional
            Of many series, default the first twelve, of those that are there at the `cutoff`.
        interactive : bool, default False
            Whether plotly draws (``pip install "tscnn[interactive]"``), instead of matplotlib.
        **appearance
            `columns`, `units`, `title` and `figure` of `tscnn.plotting.plot_forecast`.

        Returns
        -------
        ndarray of Axes, or plotly.graph_objects.Figure
            A panel for each target and series, at most 12.

        Raises
        ------
        ImportError
            If matplotlib or plotly isn't installed.
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` breaks a rule.
        """
        from tscnn.plotting import plot_forecast, plot_interactive  # here, since few want them
        from tscnn.plotting.facets import MOST_PANELS

        draw = plot_interactive if check_choice("interactive", interactive, (True, False)) else plot_forecast
        pipeline, frames = self._fitted(), self._read_context(X)
        horizon = pipeline.horizon if horizon is None else check_int("horizon", horizon)
        if series is None:
            n_later = horizon if future is None and self.schema_.ahead else 0
            there = [name for name, frame in frames.items() if _holds(frame.index, cutoff, n_later)] or list(frames)
            listed = there[:MOST_PANELS]
        else:
            listed = series if isinstance(series, list) else [series]
            if None in frames:
                raise ValueError(received("`series` must be None: there is one series, without a name.", series=series))
        if not listed or any(name not in list(frames) for name in listed):
            raise ValueError(received("`series` must be of those that there are.", series=series, known=list(frames)))
        n_shown = max(2 * pipeline.lookback, 3 * horizon) if history is None else check_int("history", history)
        if isinstance(coverage, str) and check_choice("coverage", coverage, ("auto",)):
            is_known = pipeline.calibration is not None and self.quantiles is None and horizon <= pipeline.horizon
            coverage = (0.5, 0.9) if is_known else None
        seen, later = {}, {}
        for name in listed:
            frame = frames[name]
            last = frame.index[-1] if cutoff is None else read_label("`cutoff`", cutoff, frame.index)
            if not (at := int((frame.index <= last).sum())):
                rule = "`cutoff` must not be before the first row; the rows before it are to be given as `X`."
                raise ValueError(received(rule, cutoff=str(cutoff), first_row=str(frame.index[0])))
            seen[name], later[name] = frame.iloc[:at], frame.iloc[at : at + horizon]
            if name is None:
                self._reader.check_length(at)
        is_read = future is None and cutoff is not None and bool(self.schema_.ahead)
        future = later.get(None, later) if is_read else future
        asked = self._ask(coverage, horizon)
        ahead = self._reader.ahead(future, seen, horizon, is_read=is_read)
        forecast = self._forecast(pipeline, seen, ahead, asked)
        shown = {name: frame.iloc[-n_shown:] for name, frame in seen.items()}
        truth = {name: frame for name, frame in later.items() if len(frame)} or None
        return draw(forecast, shown, truth, series_id=self.series_id, **appearance)

    def _forecast(
        self,
        pipeline: Pipeline,
        frames: dict[Any, pd.DataFrame],
        ahead: list[Times],
        asked: Asked,
        *,
        long: bool = False,
    ) -> pd.DataFrame:
        """Forecast the steps after rows that have been read."""
        series = SeriesSet.of_frames(frames, self.schema_)
        if asked:
            raws = look_ahead(pipeline, series, ahead)
            found = np.stack([asked.forecast(raw)[0][0, : len(ahead[0])] for raw in raws])
        else:
            found = forecast_next(pipeline, series, ahead)
        columns = asked.columns(self.schema_.target_names)
        forecasts = {
            name: pd.DataFrame(own, when.index, columns, copy=False)
            for name, own, when in zip(frames, found, ahead, strict=True)
        }
        if series.names is None:
            return asked.name(forecasts[None])
        return asked.name(join_forecasts(forecasts, self.series_id, long=long))

    # What is given

    def _ask(self, coverage: Any, horizon: int = 1) -> Asked:
        """Read what is asked for beside points; say once what makes it uncertain: recursion, or few errors."""
        asked, pipeline = Asked.read(self.quantiles, coverage), self._fitted()
        if horizon > pipeline.horizon:
            if asked:
                rule = f"Quantiles and intervals are of at most {pipeline.horizon} steps, those of `fit`."
                raise ValueError(received(rule, horizon=horizon))
            self._check_recursion(horizon)
        if not asked:
            return asked
        calibration = require_calibration(pipeline)
        if calibration.is_beyond(asked.levels) and not self.__dict__.get("_told_of_few"):
            self._told_of_few = True
            said = (
                "Quantiles this far out lie beyond the errors that were seen, of which few hardly depend on each other:"
            )
            told = received(f"{said} intervals are wide.", n_errors=round(float(calibration.n_errors.min()), 1))
            warnings.warn(told, stacklevel=4)
        return asked

    @property
    def _reader(self) -> SeriesReader:
        return SeriesReader(self._fitted(), self.schema_, self.series_id, self.freq)

    def _read_context(self, X: Any) -> dict[Any, pd.DataFrame]:
        """Return the rows to forecast from, by series; of a single one without name by None."""
        reader = self._reader
        if X is not None:
            return reader.context(X)
        if self.context_ is None:
            rule = "`X` must be given: the forecaster was saved without its context."
            raise ValueError(received(rule, X=X))
        return self.context_ if isinstance(self.context_, dict) else {None: self.context_}

    def _check_recursion(self, horizon: int) -> None:
        """Complain if forecasts can't be forecast from, and say once that they are."""
        fitted, schema = self._fitted().horizon, self.schema_
        if horizon > MOST_STEPS:
            rule = f"`horizon` must be at most {MOST_STEPS}; a step of the index that is longer needs fewer of them."
            raise ValueError(received(rule, horizon=horizon))
        if schema.past_covariates:
            names = list_some(schema.columns[list(schema.past_covariates)])
            rule = (
                f"`horizon` must be at most that of `fit`, {fitted}: later steps are forecast from forecasts, and past"
            )
            rule += f" covariates have none. `targets=None` forecasts them, too; or fit with `horizon={show(horizon)}`."
            raise ValueError(received(rule, horizon=horizon, past_covariates=names))
        if not self.__dict__.get("_told_of_recursion"):
            self._told_of_recursion = True
            said = f"Steps beyond the horizon of `fit`, {fitted}, are forecast from forecasts, whose errors add up;"
            warnings.warn(f"{said} a fit with `horizon={horizon}` forecasts all of them from rows.", stacklevel=4)


def _holds(index: pd.Index, cutoff: Any, n_later: int) -> bool:
    """Tell whether a series has begun at a cutoff, has not ended before it, and has so many rows after it."""
    if cutoff is None:
        return True
    last = read_label("`cutoff`", cutoff, index)
    n_seen = int((index <= last).sum())
    return n_seen > 0 and bool(index[-1] >= last) and len(index) - n_seen >= n_later
