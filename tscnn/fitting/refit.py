"""A backtest of the method: forecasters of their own, fitted to the rows up to each cutoff or every few of them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import pandas as pd
from sklearn.base import clone

from tscnn.common.checks import received
from tscnn.common.progress import write_line
from tscnn.data.frame import learn_schema, read_frame
from tscnn.data.grid import put_on_grid
from tscnn.data.index import find_seasonality
from tscnn.data.panel import is_panel, learn_panel, read_panel
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.evaluation.backtest import find_cutoffs
from tscnn.evaluation.folds import Rows, join_folds, plan_folds
from tscnn.evaluation.kept import KeptFolds, describe_rows
from tscnn.evaluation.rolling import forecast_folds
from tscnn.fitting.fit import fit_linear
from tscnn.forecasting.intervals import Asked
from tscnn.forecasting.pipeline import Pipeline
from tscnn.linear import TERMS
from tscnn.parameters import CheckedParameters, RefitSettings, read_parameters
from tscnn.transforms import CovariateEffects
from tscnn.transforms.fit import clean_series, transform
from tscnn.transforms.missing import fill_series

__all__ = ["backtest_refitted", "refit_linear"]


def backtest_refitted(
    forecaster: Any, X: Any, start: Any, stride: int, settings: RefitSettings, coverage: Any = None
) -> pd.DataFrame:
    """Fit forecasters with the same parameters on the rows up to cutoffs.

    Parameters
    ----------
    forecaster : Forecaster
        For its parameters.
    X : DataFrame, Series, array of shape (n_timesteps, n_features), or dict of them by series
        Of one series or of many.
    start : index label, or None
        The first cutoff is the first row at or after this label.
    stride : int
        Rows from one cutoff to the next.
    settings : RefitSettings
        How often, to which rows.
    coverage : float, or sequence of float, optional
        Of intervals, as of `Forecaster.predict`.

    Returns
    -------
    DataFrame of shape (n_cutoffs * horizon, n_targets)
        Indexed by ("cutoff", "time"), of many series by ("series", "cutoff", "time").

    Raises
    ------
    TypeError, ValueError
        If `X` or a setting breaks a rule, or no cutoff is left.
    """
    parameters, asked = read_parameters(forecaster), Asked.read(forecaster.quantiles, coverage)
    roles = (forecaster.targets, forecaster.future_covariates, forecaster.static_covariates)
    how = {"missing": parameters.missing, "freq": forecaster.freq}
    if is_panel(X, forecaster.series_id):
        schema, _ = learn_panel(X, forecaster.series_id, *roles, **how)
    else:
        schema, _ = learn_schema(X, *roles, **how)
    rows = Rows.of(X, forecaster.series_id)
    if forecaster.freq is not None:
        rows = Rows.of(rows.map(lambda table: put_on_grid(table, forecaster.freq)))
    if parameters.lookback is None and start is None:
        rule = f"`lookback='auto'` with `refit` needs a `start`, such as `start=X.index[{len(rows.index) // 2}]`."
        raise ValueError(received(rule, start=start))
    fewest, horizon = parameters.lookback or 1, parameters.horizon
    spare = len(rows.index) - fewest - 2 * horizon
    if 0 <= spare < settings.gap:
        raise ValueError(received(f"`gap` must be at most {spare}, to leave rows to fit on.", gap=settings.gap))
    # The first fit needs outcomes of its own, `horizon` rows more than a forecast.
    cutoffs = find_cutoffs(rows.index, fewest + horizon + settings.gap, horizon, start, stride)
    folds = plan_folds(cutoffs, settings.every, settings.gap, rolling=settings.rolling)
    quiet = clone(forecaster).set_params(verbose=0)
    kept = None
    if settings.folder is not None:
        described = {name: value for name, value in quiet.get_params(deep=True).items() if name != "device"}
        kept = KeptFolds(settings.folder, [described, settings.linear, coverage, folds, *describe_rows(rows)])
    if settings.linear:
        first = folds[0]
        quiet = LinearRefit(quiet.fit(rows.cut(first.first, first.end)), parameters)
    found = forecast_folds(
        quiet,
        rows,
        folds,
        horizon,
        fewest,
        arguments={} if coverage is None else {"coverage": coverage},
        n_jobs=settings.n_jobs,
        kept=kept,
        watched=parameters.tell is write_line,
    )
    return asked.name(join_folds(found, rows, asked.columns(schema.target_names)))


@dataclass
class LinearRefit:
    """A fitted forecaster whose closed form is solved anew by `fit`; its transforms and its network stay.

    Attributes
    ----------
    fitted : Forecaster
        Of the first fold.
    parameters : CheckedParameters
        Of it.
    """

    fitted: Any
    parameters: CheckedParameters

    @property
    def future_covariates(self) -> Any:
        """Return what is known ahead.

        Returns
        -------
        column name, list of them, or None
            As of the forecaster.
        """
        return self.fitted.future_covariates

    def fit(self, X: Any) -> Self:
        """Solve the closed form anew.

        Parameters
        ----------
        X : DataFrame, or dict of them by series
            Rows of training.

        Returns
        -------
        LinearRefit
            Another one.
        """
        schema, freq, panel = self.fitted.schema_, self.fitted.freq, is_panel(X, None)
        frames = read_panel(X, None, schema, freq) if panel else {None: read_frame(X, schema, freq)}
        series = SeriesSet.of_frames(frames, schema)
        changed = copy.copy(self.fitted)
        changed.pipeline_ = refit_linear(self.fitted.pipeline_, series, schema, self.parameters)
        return type(self)(changed, self.parameters)

    def predict(self, X: Any, future: Any = None, coverage: Any = None) -> pd.DataFrame:
        """Forecast with the fitted forecaster.

        Parameters
        ----------
        X : DataFrame, or dict of them by series
            Rows to forecast from.
        future : DataFrame, or dict of them by series, optional
            What is known ahead.
        coverage : float, or sequence of float, optional
            Of intervals.

        Returns
        -------
        DataFrame
            Of `Forecaster.predict`.
        """
        return self.fitted.predict(X, future=future, coverage=coverage)


def refit_linear(pipeline: Pipeline, series: SeriesSet, schema: Schema, parameters: CheckedParameters) -> Pipeline:
    """Choose and solve the linear terms once more, on other rows.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    series : SeriesSet
        Training data, in their own units.
    schema : Schema
        Of their frame.
    parameters : CheckedParameters
        Of the forecaster.

    Returns
    -------
    Pipeline
        With the same transforms, lookback and network.
    """
    parameters, season_length = replace(parameters, lookback=pipeline.lookback), find_seasonality(schema.freq)
    if parameters.missing == "interpolate":
        series = fill_series(series, None)
    split = Split.of(series, pipeline.lookback, pipeline.horizon, parameters.validation_fraction)
    if parameters.replaces_outliers:
        series, split, _ = clean_series(series, split, schema, season_length, lambda _: None)
    gaps = None if pipeline.outliers is None else pipeline.outliers.gaps
    rows = fill_series(transform(series, pipeline.admit(series).transforms), gaps)
    effects = [one for one in pipeline.transforms if isinstance(one, CovariateEffects)]
    linear = fit_linear(rows, split, schema, parameters, effects)
    kept = [term for term in pipeline.terms if term.name not in {each.name for each in TERMS}]
    return replace(pipeline, terms=(*(linear.refitted if linear is not None else ()), *kept))
