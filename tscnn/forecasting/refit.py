"""A backtest of the method: a forecaster of its own for each cutoff."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from tscnn.common.checks import received
from tscnn.data.frame import forecast_frame, learn_schema
from tscnn.data.panel import is_panel
from tscnn.evaluation.backtest import find_cutoffs
from tscnn.parameters import read_parameters

__all__ = ["backtest_refitted"]


def backtest_refitted(forecaster: BaseEstimator, X: Any, start: Any, stride: int) -> pd.DataFrame:
    """Fit a forecaster with the same parameters on the rows up to each cutoff.

    Parameters
    ----------
    forecaster : Forecaster
        For its parameters.
    X : DataFrame, Series or array of shape (n_timesteps, n_features)
        Of one series.
    start : index label, or None
        The first cutoff is the first row at or after this label.
    stride : int
        Rows from one cutoff to the next.

    Returns
    -------
    DataFrame of shape (n_cutoffs * horizon, n_targets)
        Indexed by ("cutoff", "time").

    Raises
    ------
    TypeError, ValueError
        If `X` is a panel or breaks another rule, or no cutoff is left.
    """
    parameters = read_parameters(forecaster)
    if is_panel(X, forecaster.series_id):
        rule = "`refit` takes one series, not a panel; `backtest` without it forecasts from every cutoff of each."
        raise ValueError(received(rule, refit=True))
    roles = (forecaster.targets, forecaster.future_covariates, forecaster.static_covariates)
    schema, frame = learn_schema(X, *roles, missing=parameters.missing, freq=forecaster.freq)
    if parameters.lookback is None and start is None:
        rule = f"`lookback='auto'` with `refit` needs a `start`, such as `start=X.index[{len(frame) // 2}]`."
        raise ValueError(received(rule, start=start))
    # The first fit needs outcomes of its own, `horizon` rows more than a forecast.
    first = (parameters.lookback or 1) + parameters.horizon
    cutoffs = find_cutoffs(frame.index, first, parameters.horizon, start, stride)
    steps = [_cut(X, cutoff + 1, cutoff + 1 + parameters.horizon) if schema.ahead else None for cutoff in cutoffs]
    folds = [
        clone(forecaster).fit(_cut(X, 0, cutoff + 1)).predict(future=future)
        for cutoff, future in zip(cutoffs, steps, strict=True)
    ]
    forecasts = np.stack([fold.to_numpy() for fold in folds])
    return forecast_frame(forecasts, frame.index, cutoffs, folds[0].columns, schema.freq)


def _cut(X: Any, first: int, end: int) -> Any:
    """Take some rows of a frame or an array."""
    return X.iloc[first:end] if hasattr(X, "iloc") else X[first:end]
