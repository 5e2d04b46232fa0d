"""Standardised columns: by the mean and the standard deviation of the training rows, less their yearly wave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tscnn.transforms.yearly import YearlyWave, fit_yearly_wave

__all__ = ["Scaler", "fit_scaler"]


@dataclass(frozen=True)
class Scaler:
    """Turns a frame's values into a network's, and its forecasts back.

    Unlike ``sklearn.preprocessing.StandardScaler`` it takes forecasts of some columns back, in one pass over memory.
    """

    mean: np.ndarray  # (n_features,)
    scale: np.ndarray  # (n_features,), 1 for a constant
    wave: YearlyWave | None = None  # of standardised rows

    def with_wave(self, values: np.ndarray, index: pd.Index, seasonality: int | None) -> Scaler:
        """Return one that takes the yearly wave off as well that these rows show; columns that had one keep one.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            In the data's own units.
        index : Index
            Of the rows.
        seasonality : int or None
            Of `fit_yearly_wave`; None for no wave.

        Returns
        -------
        Scaler
            Of the same mean and scale.
        """
        plain = replace(self, wave=None)
        if seasonality is None:
            return plain
        return replace(self, wave=fit_yearly_wave(plain.standardize(values, index), index, seasonality, self.wave))

    def standardize(self, values: np.ndarray, index: pd.Index) -> np.ndarray:
        """Return what a network takes.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            In the data's own units.
        index : Index
            Of the rows: times, if there is a wave.

        Returns
        -------
        ndarray of float32
            As `values`.
        """
        rows = np.asarray((values - self.mean) / self.scale, dtype=np.float32)
        return rows if self.wave is None else rows - self.wave.at(index)

    def ahead(self, indexes: Sequence[pd.Index], freq: Any, horizon: int) -> np.ndarray | None:
        """Return the wave at the steps after each row of some frames, for `restore`.

        Parameters
        ----------
        indexes : sequence of Index
            Of the frames.
        freq : offset, int or None
            Their step.
        horizon : int
            Steps after a row.

        Returns
        -------
        ndarray of shape (n_rows, horizon, n_features) or None
            All frames' rows; None if there is no wave.
        """
        if self.wave is None:
            return None
        waves = [self.wave.ahead(index, freq, horizon) for index in indexes]
        return waves[0] if len(waves) == 1 else np.concatenate(waves)  # a view of one, which may be long

    def restore(
        self, forecasts: np.ndarray, targets: Sequence[int], out: np.ndarray, ahead: np.ndarray | None = None
    ) -> np.ndarray:
        """Return forecasts in the data's own units.

        Parameters
        ----------
        forecasts : ndarray of shape (n, horizon, n_targets)
            A network's.
        targets : sequence of int
            Their columns.
        out : ndarray
            As `forecasts`; written to, and computed in its precision.
        ahead : ndarray of shape (n, horizon, n_features), optional
            The wave at their steps, if there is one.

        Returns
        -------
        ndarray
            `out`.
        """
        if ahead is not None:
            forecasts = forecasts + ahead[:, :, list(targets)]
        flat = out.reshape(len(out), -1)  # a long last axis is what NumPy is fast on
        moments = (moment[list(targets)].astype(out.dtype) for moment in (self.scale, self.mean))
        scale, mean = (np.tile(moment, forecasts.shape[1]) for moment in moments)
        np.multiply(forecasts.reshape(flat.shape), scale, out=flat, dtype=out.dtype)
        flat += mean
        return out


def fit_scaler(values: np.ndarray) -> Scaler:
    """Take mean and standard deviation of each column, in units that no square is too large or too small for.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        Training rows.

    Returns
    -------
    Scaler
        A column is constant if it varies by less than 1e-12 of its size, as rounding alone may.

    Examples
    --------
    >>> scaler = fit_scaler(np.array([[1e200, 7.0], [3e200, 7.0]]))
    >>> scaler.mean, scaler.scale
    (array([2.e+200, 7.e+000]), array([1.e+200, 1.e+000]))
    """
    unit = np.ldexp(0.5, np.frexp(np.abs(values).max(axis=0))[1])  # a power of two: no digit is lost
    parts = values / unit
    deviation = parts.std(axis=0)
    return Scaler(parts.mean(axis=0) * unit, np.where(deviation > 1e-12, deviation * unit, 1.0))
