"""Standardised columns: by the mean and the standard deviation of the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Scaler", "fit_scaler"]


@dataclass(frozen=True)
class Scaler:
    """Turns a frame's values into a network's, and its forecasts back.

    Unlike ``sklearn.preprocessing.StandardScaler`` it takes forecasts of some columns back, in one pass over memory.
    """

    mean: np.ndarray  # (n_features,)
    scale: np.ndarray  # (n_features,), 1 for a constant

    def standardize(self, values: np.ndarray) -> np.ndarray:
        """Return what a network takes.

        Parameters
        ----------
        values : ndarray of shape (..., n_features)
            In the data's own units.

        Returns
        -------
        ndarray of float32
            As `values`.
        """
        return np.asarray((values - self.mean) / self.scale, dtype=np.float32)

    def restore(self, forecasts: np.ndarray, targets: Sequence[int], out: np.ndarray) -> np.ndarray:
        """Return forecasts in the data's own units.

        Parameters
        ----------
        forecasts : ndarray of shape (n, horizon, n_targets)
            A network's.
        targets : sequence of int
            Their columns.
        out : ndarray
            As `forecasts`; written to, and computed in its precision.

        Returns
        -------
        ndarray
            `out`.
        """
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
