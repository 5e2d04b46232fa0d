"""The forecaster without network: standardised, less its yearly season, by the terms of `tscnn.linear` alone.

It never imports Keras, which takes longer to start than most of these fits take.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tscnn.data.frame import learn_schema
from tscnn.data.index import find_seasonality
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.linear import LinearModel, fit_linear_model
from tscnn.linear.lookbacks import list_lookbacks
from tscnn.transforms.standardize import fit_scaler

__all__ = ["fit_closed_form"]


def fit_closed_form(
    frame: pd.DataFrame,
    horizon: int,
    *,
    lookback: Any = "auto",
    linear_model: LinearModel | None = None,
    yearly_seasonality: str | None = "auto",
    validation_fraction: float = 0.1,
    refit: bool = True,
) -> tuple[int, Callable[[pd.DataFrame], np.ndarray]]:
    """Fit on a frame, all of whose columns are targets.

    Returns
    -------
    lookback : int
        The one chosen.
    backtest : callable
        Frame of at least lookback + horizon rows -> ndarray (n_origins, horizon, n_columns) in the frame's units.
    """
    settings = linear_model or LinearModel()
    schema, frame = learn_schema(frame)
    values, season = frame.to_numpy(float), find_seasonality(schema.freq)
    series = SeriesSet(values, (frame.index,))
    split = Split.of(series, 1 if lookback == "auto" else lookback, horizon, validation_fraction)
    yearly = season if yearly_seasonality is not None else None
    training = split.training_rows()
    scaler = fit_scaler(values[training]).with_wave(values[training], frame.index[training], yearly)
    rows, targets = scaler.standardize(values, frame.index), np.arange(values.shape[1])
    lookbacks = list_lookbacks(rows[training], horizon, season, settings) if lookback == "auto" else [lookback]
    fit = fit_linear_model(rows, targets, split, lookbacks, horizon, season, settings)
    terms = fit.refit() if refit else fit.fitted
    scaler = scaler.with_wave(values, frame.index, yearly)

    def backtest(seen: pd.DataFrame) -> np.ndarray:
        inputs = scaler.standardize(seen.to_numpy(float), seen.index)
        n_origins = len(seen) - horizon - fit.lookback + 1
        averaged, added = np.zeros((2, n_origins, horizon, len(targets)))
        total = np.zeros(len(targets))
        for term in terms:
            forecasts = term.dense(inputs[fit.lookback - term.context : len(seen) - horizon])
            if term.weights is None:
                added += forecasts
            else:
                averaged, total = averaged + term.weights * forecasts, total + term.weights
        ahead = scaler.ahead([seen.index], schema.freq, horizon)
        ahead = None if ahead is None else ahead[fit.lookback - 1 : len(seen) - horizon]
        forecasts = averaged / np.where(total > 0, total, 1) + added
        return scaler.restore(forecasts, targets, np.empty_like(forecasts), ahead)

    return fit.lookback, backtest
