"""Columns in units of their own mean and standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import received

__all__ = ["Standardize"]

DOUBLE = np.dtype(np.float64)


@dataclass(frozen=True)
class Standardize:
    """Subtract each column's mean and divide by its standard deviation.

    Unlike ``sklearn.preprocessing.StandardScaler`` it changes back forecasts of some of the columns, in one pass over
    memory, in the precision of the data.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_features,)
        In the data's own units; the scale of a constant column is 1.
    dtype : dtype
        Of the forecasts that are changed back.

    Examples
    --------
    >>> transform = Standardize.fit(np.array([[1e200, 7.0], [3e200, 7.0]]))
    >>> transform.mean, transform.scale
    (array([2.e+200, 7.e+000]), array([1.e+200, 1.e+000]))
    >>> transform.apply(np.array([[1e200, 7.0]]), pd.RangeIndex(1))
    array([[-1.,  0.]], dtype=float32)
    """

    name: ClassVar[str] = "standardize"

    mean: np.ndarray
    scale: np.ndarray
    dtype: np.dtype[Any] = DOUBLE

    @classmethod
    def fit(cls, values: np.ndarray, dtype: Any = np.float64, known: np.ndarray | None = None) -> Self:
        """Take mean and standard deviation of each column, in a unit that no square is too large or too small for.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            Training rows; NaN is left out.
        dtype : dtype, default float64
            Of forecasts.
        known : ndarray of shape (n_known, n_features), optional
            All rows that are known. A column that varies three times as much in them, since it hardly does in the
            training rows, has mean and scale of these: in units of the others it would decide all that is shared.

        Returns
        -------
        Standardize
            A column is constant if it varies by less than 1e-12 of its size, as rounding alone may.
        """
        mean, scale = _moments(values)
        if known is not None:
            mean_of_all, scale_of_all = _moments(known)
            wakes = (3 * scale < scale_of_all) | np.isnan(mean)
            mean, scale = np.where(wakes, mean_of_all, mean), np.where(wakes, scale_of_all, scale)
        return cls(mean, np.where(scale > 0, scale, 1.0), np.dtype(dtype))

    def apply(self, values: np.ndarray, index: pd.Index) -> np.ndarray:  # noqa: ARG002
        """Standardise rows.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            In the data's own units.
        index : Index
            Of the rows; not used.

        Returns
        -------
        ndarray of shape (n_rows, n_features), float32
            In standard deviations from the mean.
        """
        return np.asarray((values - self.mean) / self.scale, dtype=np.float32)

    def invert(
        self,
        forecasts: np.ndarray,
        times: pd.Index,  # noqa: ARG002
        at: np.ndarray,  # noqa: ARG002
        targets: Sequence[int],
    ) -> np.ndarray:
        """Return forecasts in the data's own units.

        Parameters
        ----------
        forecasts : ndarray of shape (n, horizon, n_targets)
            In standard deviations from the mean; changed in place if of `dtype`.
        times : Index
            Of the rows and the steps after them; not used.
        at : ndarray of int of shape (n,)
            The row that each forecast is made from; not used.
        targets : sequence of int
            Positions of the forecast columns.

        Returns
        -------
        ndarray of shape (n, horizon, n_targets)
            Of `dtype`, and computed in it.
        """
        scale, mean = (moment[list(targets)].astype(self.dtype) for moment in (self.scale, self.mean))
        forecasts = np.asarray(forecasts, self.dtype)
        forecasts *= scale
        forecasts += mean
        return forecasts

    def settings(self) -> dict[str, Any]:
        """Return the precision of forecasts.

        Returns
        -------
        dict
            For `from_arrays`.
        """
        return {"dtype": self.dtype.name}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return mean and scale.

        Returns
        -------
        dict of str to ndarray
            For `from_arrays`.
        """
        return {"mean": self.mean, "scale": self.scale}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the transform that `settings` and `arrays` describe.

        Parameters
        ----------
        settings : dict
            Of `settings`.
        arrays : dict of str to ndarray
            Of `arrays`.

        Returns
        -------
        Standardize
            Equal to the bit.

        Raises
        ------
        ValueError
            If the precision is unknown, or the arrays don't fit each other.
        """
        mean, scale = arrays["mean"], arrays["scale"]
        if settings["dtype"] not in ("float32", "float64") or mean.ndim != 1 or mean.shape != scale.shape:
            rule = "`standardize` must have one mean and one scale a column, in float32 or float64."
            raise ValueError(received(rule, dtype=settings["dtype"], shapes=[mean.shape, scale.shape]))
        return cls(mean, scale, np.dtype(settings["dtype"]))


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column, 0 where it varies by rounding alone; NaN and 0 of none."""
    observed = ~np.isnan(values)
    if not observed.all():
        there = observed.any(axis=0)
        moments = np.array([[np.nan], [0.0]]) * np.ones(values.shape[1])
        for f in np.flatnonzero(there):
            moments[:, f] = np.ravel(_moments(values[observed[:, f], f, None]))
        return moments[0], moments[1]
    unit = np.ldexp(0.5, np.frexp(np.abs(values).max(axis=0))[1])  # a power of two: no digit is lost
    parts = values / unit
    deviation = parts.std(axis=0)
    return parts.mean(axis=0) * unit, np.where(deviation > 1e-12, deviation * unit, 0.0)
