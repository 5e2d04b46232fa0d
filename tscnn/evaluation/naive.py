"""Naive forecasts: what every model has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import check_int, received
from tscnn.data.frame import as_frame
from tscnn.data.index import find_kind, future_index
from tscnn.data.panel import join_forecasts
from tscnn.data.roles import find_columns
from tscnn.data.steps import find_step
from tscnn.data.values import as_float
from tscnn.transforms.missing import carry_forward

__all__ = ["SeasonalNaive", "repeat_last", "repeat_season"]


class SeasonalNaive:
    """Forecast that the newest season repeats, in the form of an estimator.

    Parameters
    ----------
    season_length : int, default 1
        Rows of a season: 24 repeats the day of hourly rows, 1 the newest row.
    horizon : int, default 1
        Steps to forecast.
    targets : list of column names, optional
        Columns to forecast, default all.

    Examples
    --------
    >>> days = pd.date_range("2026-01-01", periods=5)
    >>> SeasonalNaive(2, horizon=3).fit(None).predict(pd.DataFrame({"a": [1.0, 2, 3, 4, 5]}, days))
                a
    2026-01-06  4.0
    2026-01-07  5.0
    2026-01-08  4.0
    """

    def __init__(self, season_length: int = 1, horizon: int = 1, targets: list[Any] | None = None) -> None:
        self.season_length = season_length
        self.horizon = horizon
        self.targets = targets

    def fit(self, X: Any) -> Self:  # noqa: ARG002 - there is nothing to learn
        """Do nothing.

        Parameters
        ----------
        X : DataFrame, or dict of them by series
            Rows of training.

        Returns
        -------
        SeasonalNaive
            Itself.
        """
        return self

    def predict(self, X: Any) -> pd.DataFrame:
        """Repeat the newest season of some rows.

        Parameters
        ----------
        X : DataFrame, Series, array of shape (n_timesteps, n_features), or dict of them by series
            Rows to forecast from. Missing values are those of the season before; of fewer rows than a season the newest
            one is repeated.

        Returns
        -------
        DataFrame of shape (horizon, n_targets)
            The index continues that of `X`; of several series ("series", "time").

        Raises
        ------
        TypeError, ValueError
            If `X` or a parameter breaks a rule.
        """
        if isinstance(X, Mapping):
            return join_forecasts({name: self.predict(own) for name, own in X.items()}, None, long=False)
        rows, season_length = as_frame(X), check_int("season_length", self.season_length)
        find_kind(rows.index)
        if self.targets is not None:
            rows = rows.iloc[:, list(find_columns("targets", self.targets, rows.columns))]
        length = season_length if season_length <= len(rows) else 1
        known = carry_forward(as_float(rows, "mask").to_numpy(), length)
        found = repeat_season(known[None], self.horizon, length)[0]
        return pd.DataFrame(found, future_index(rows.index, find_step(rows.index), self.horizon), rows.columns)


def repeat_last(inputs: np.ndarray, horizon: int) -> np.ndarray:
    """Forecast that every step equals the newest row.

    Parameters
    ----------
    inputs : ndarray of shape (n_windows, lookback, n_features)
        Windows, oldest row first.
    horizon : int
        Steps to predict.

    Returns
    -------
    ndarray of shape (n_windows, horizon, n_features)
        In the units of `inputs`.

    Examples
    --------
    >>> repeat_last(np.arange(6.0).reshape(1, 6, 1), horizon=2)[0, :, 0]
    array([5., 5.])
    """
    return repeat_season(inputs, horizon, 1)


def repeat_season(inputs: np.ndarray, horizon: int, season_length: int) -> np.ndarray:
    """Forecast that the newest `season_length` rows repeat.

    Parameters
    ----------
    inputs : ndarray of shape (n_windows, lookback, n_features)
        Windows, oldest row first.
    horizon : int
        Steps to predict.
    season_length : int
        Rows of a season, at most the lookback.

    Returns
    -------
    ndarray of shape (n_windows, horizon, n_features)
        In the units of `inputs`.

    Raises
    ------
    ValueError
        If a season is longer than the windows.

    Examples
    --------
    >>> repeat_season(np.arange(6.0).reshape(1, 6, 1), horizon=5, season_length=3)[0, :, 0]
    array([3., 4., 5., 3., 4.])
    """
    horizon, lookback = check_int("horizon", horizon), inputs.shape[1]
    if check_int("season_length", season_length) > lookback:
        raise ValueError(
            received(f"`season_length` must be at most the lookback, {lookback}.", season_length=season_length)
        )
    steps = lookback - season_length + np.arange(horizon) % season_length
    return inputs[:, steps]
