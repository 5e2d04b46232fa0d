"""Columns in units of their own mean and standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import received
from tscnn.data.encoding import label_from_json, label_to_json
from tscnn.data.graph_times import GraphTimes
from tscnn.data.mapped import blocks, every_few
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.times import Times

__all__ = ["Standardize"]

DOUBLE = np.dtype(np.float64)
LEAST_VARIATION = 0.1  # standard deviation of positive values, in units of their mean, from which on they may keep
# their origin: of what varies less, logarithms are straight lines. A convention
STILL = 1e-3  # of the typical scale of other series: that of one which never moves, in which effects learnt from all
# series, such as those of promotions, come to next to nothing. A convention
FEWEST_ZEROS, SHARE_OF_ZEROS = 3, 0.01  # in rows, from which on 0 is the end of what can be. A convention


@dataclass(frozen=True)
class Standardize:
    """Subtract each column's mean and divide by its standard deviation.

    Unlike ``sklearn.preprocessing.StandardScaler`` it changes back forecasts of some of the columns, in one pass over
    memory, in the precision of the data.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_features,), or (n_series, n_features)
        In the data's own units, of each series its own if there are several; the scale of a constant column is 1.
    dtype : dtype
        Of the forecasts that are changed back.
    names : tuple, or None
        Of the series that mean and scale belong to; None of a single one.
    centred : bool, default True
        False where columns that are positive keep their origin, so that they have logarithms: a mean of 0, unless
        they vary so little that logarithms are another straight line.
    lowest : ndarray of shape (n_features,), or None
        What forecasts are raised to: 0, or -inf for nothing. None for no column.

    Examples
    --------
    >>> import pandas as pd
    >>> transform = Standardize.fit(np.array([[1e200, 7.0], [3e200, 7.0]]))
    >>> transform.mean, transform.scale
    (array([2.e+200, 7.e+000]), array([1.e+200, 1.e+000]))
    >>> transform.apply(np.array([[1e200, 7.0]]), Times(pd.RangeIndex(1)))
    array([[-1.,  0.]], dtype=float32)
    """

    name: ClassVar[str] = "standardize"

    mean: np.ndarray
    scale: np.ndarray
    dtype: np.dtype[Any] = DOUBLE
    names: tuple[Any, ...] | None = None
    centred: bool = True
    lowest: np.ndarray | None = None

    @classmethod
    def fit(
        cls, values: np.ndarray, dtype: Any = np.float64, known: np.ndarray | None = None, centred: bool = True
    ) -> Self:
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
        centred : bool, default True
            As of the class.

        Returns
        -------
        Standardize
            A column is constant if it varies by less than 1e-12 of its size, as rounding alone may.
        """
        mean, scale = _moments(values, centred)
        if known is not None:
            mean_of_all, scale_of_all = _moments(known, centred)
            wakes = (3 * scale < scale_of_all) | np.isnan(mean)
            mean, scale = np.where(wakes, mean_of_all, mean), np.where(wakes, scale_of_all, scale)
        return cls(mean, np.where(scale > 0, scale, 1.0), np.dtype(dtype), centred=centred)

    @classmethod
    def fit_series(cls, split: Split, dtype: Any = np.float64, centred: bool = True) -> Self:
        """Take mean and standard deviation of each series by itself.

        Parameters
        ----------
        split : Split
            Of the series, in their own units; what is held back doesn't count.
        dtype : dtype, default float64
            Of forecasts.
        centred : bool, default True
            As of the class.

        Returns
        -------
        Standardize
            A column that is constant in one series is in units of its scale in others; if it is the only column, and
            constant in all rows that are known, in units of a thousandth of that. Where there are several columns, the
            others would be forecast from a thousand units, as soon as it moves.
        """
        values, bounds = split.series.values, split.series.bounds.tolist()
        moments = [_moments(values[a:b], centred) for a, b in zip(bounds, split.validation_from, strict=False)]
        mean, scale = (np.array(found) for found in zip(*moments, strict=True))
        filled = _fill_scales(scale)
        for i in np.flatnonzero(scale[:, 0] == 0):
            if _is_still(values[bounds[i] : bounds[i + 1]]):
                filled[i] *= STILL
        return cls(np.nan_to_num(mean), filled, np.dtype(dtype), split.series.names, centred)

    def bounded(self, values: np.ndarray) -> Self:
        """Keep forecasts of columns from falling below 0 that often are 0 and never less, such as counts and power.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            All rows that are known, in the units that `apply` takes.

        Returns
        -------
        Standardize
            The same, if there is no such column.
        """
        some = every_few(values)
        n_zeros = np.count_nonzero(some == 0, axis=0)
        ends = n_zeros >= np.maximum(FEWEST_ZEROS, SHARE_OF_ZEROS * np.count_nonzero(~np.isnan(some), axis=0))
        for f in np.flatnonzero(ends):
            ends[f] = all(np.fmin.reduce(values[block, f]) >= 0 for block in blocks(values))
        return replace(self, lowest=np.where(ends, 0.0, -np.inf)) if ends.any() else self

    def admit(self, series: SeriesSet, n_rows: int) -> Self:
        """Return the same for other series: those of training keep mean and scale, others have those of newest rows.

        Parameters
        ----------
        series : SeriesSet
            To forecast, in their own units.
        n_rows : int
            Newest rows of a series that was not in `fit`.

        Returns
        -------
        Standardize
            One mean and scale for each, in their order, those typical of training for a column without values, and as
            in `fit_series` for one that is constant; the same, if it was fitted to a single series.

        Raises
        ------
        ValueError
            If a series that was not in `fit` has no value at all.
        """
        if self.names is None:
            return self
        known, bounds = {name: i for i, name in enumerate(self.names)}, series.bounds.tolist()
        typical = np.median(self.scale, axis=0)
        mean, scale = np.empty((2, len(series.indexes), self.mean.shape[1]))
        for i, name in enumerate(series.names or (None,) * len(series.indexes)):
            if name in known:
                mean[i], scale[i] = self.mean[known[name]], self.scale[known[name]]
            else:
                rows = series.values[bounds[i] : bounds[i + 1]]
                mean[i], own = _moments(rows[-n_rows:], self.centred)
                if np.isnan(mean[i]).all():
                    rule = "A series that was not in `fit` must have values; leave out those that have none."
                    raise ValueError(received(rule, series=name, n_rows=bounds[i + 1] - bounds[i]))
                mean[i] = np.where(np.isnan(mean[i]), np.median(self.mean, axis=0), mean[i])
                scale[i] = np.where(own > 0, own, typical * (STILL if _is_still(rows) else 1))
        return replace(self, mean=mean, scale=scale, names=series.names or (None,))

    def _of(self, times: Times) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and scale of the series that some times belong to."""
        if self.names is None:
            return self.mean, self.scale
        return self.mean[times.series], self.scale[times.series]

    def apply(self, values: np.ndarray, times: Times) -> np.ndarray:
        """Standardise rows: see `Transform.apply`."""
        mean, scale = self._of(times)
        return np.asarray((values - mean) / scale, dtype=np.float32)

    def invert(
        self,
        forecasts: np.ndarray,
        times: Times,
        at: np.ndarray,  # noqa: ARG002
        targets: Sequence[int],
    ) -> np.ndarray:
        """Return forecasts in the data's own units, of `dtype`, and computed in it: see `Transform.invert`."""
        mean, scale = (moment[list(targets)].astype(self.dtype) for moment in self._of(times))
        forecasts = np.asarray(forecasts, self.dtype)
        forecasts *= scale
        forecasts += mean
        if self.lowest is not None:
            np.maximum(forecasts, self.lowest[list(targets)].astype(self.dtype), out=forecasts)
        return forecasts

    def apply_in_graph(self, values: Any, times: GraphTimes) -> Any:
        """Standardise windows: see `Transform.apply_in_graph`."""
        return (values - times.of_series(self.mean, values.dtype)) / times.of_series(self.scale, values.dtype)

    def invert_in_graph(self, forecasts: Any, times: GraphTimes, targets: Sequence[int]) -> Any:
        """Return forecasts in the data's own units: see `Transform.invert_in_graph`."""
        mean, scale = (times.of_series(one[..., list(targets)], forecasts.dtype) for one in (self.mean, self.scale))
        forecasts = forecasts * scale + mean
        if self.lowest is None:
            return forecasts
        return times.ops.maximum(forecasts, times.ops.cast(self.lowest[list(targets)], forecasts.dtype))

    def settings(self) -> dict[str, Any]:
        """Return the precision of forecasts, the names of series, and whether all are centred."""
        names = None if self.names is None else [label_to_json(name) for name in self.names]
        return {"dtype": self.dtype.name, "names": names, "centred": self.centred}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return mean and scale, and the lowest forecasts, if there are any."""
        lowest = {} if self.lowest is None else {"lowest": self.lowest}
        return {"mean": self.mean, "scale": self.scale, **lowest}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the transform that `settings` and `arrays` describe."""
        mean, scale, lowest = arrays["mean"], arrays["scale"], arrays.get("lowest")  # of which some files have none
        names = settings.get("names")
        shape = mean.shape[-1:] if names is None else (len(names), *mean.shape[-1:])
        if settings["dtype"] not in ("float32", "float64") or not mean.shape == scale.shape == shape:
            rule = "`standardize` must have one mean and one scale a column, of each series, in float32 or float64."
            raise ValueError(received(rule, dtype=settings["dtype"], shapes=[mean.shape, scale.shape]))
        if lowest is not None and lowest.shape != mean.shape[-1:]:
            raise ValueError(received("`standardize` must have one lowest forecast a column.", shape=lowest.shape))
        read = None if names is None else tuple(label_from_json(name) for name in names)
        return cls(mean, scale, np.dtype(settings["dtype"]), read, bool(settings.get("centred", True)), lowest)


def _fill_scales(scale: np.ndarray) -> np.ndarray:
    """Give columns that are constant in some series their typical scale in others, or 1: (n_series, n_features)."""
    filled = scale.copy()
    for column in filled.T:
        varying = column > 0
        column[~varying] = np.median(column[varying]) if varying.any() else 1.0
    return filled


def _is_still(values: np.ndarray) -> bool:
    """Tell whether a series has a single column, which has values, all of them the same."""
    mean, scale = _moments(values)
    return mean.shape == (1,) and bool(np.isfinite(mean[0]) and scale[0] == 0)


def _moments(values: np.ndarray, centred: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column, 0 where it varies by rounding alone; NaN and 0 of none.

    Where not all are `centred`, the mean of a positive column that varies is 0.
    """
    values = np.asarray(every_few(values), np.float64)
    mean, scale = _mean_and_scale(values)
    if not centred and len(values):
        mean = np.where((np.nanmin(values, axis=0) > 0) & (scale >= LEAST_VARIATION * mean), 0.0, mean)
    return mean, scale


def _mean_and_scale(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not len(values):
        return np.full(values.shape[1], np.nan), np.zeros(values.shape[1])
    observed = ~np.isnan(values)
    if not observed.all():
        there = observed.any(axis=0)
        moments = np.array([[np.nan], [0.0]]) * np.ones(values.shape[1])
        for f in np.flatnonzero(there):
            moments[:, f] = np.ravel(_mean_and_scale(values[observed[:, f], f, None]))
        return moments[0], moments[1]
    unit = np.ldexp(0.5, np.frexp(np.abs(values).max(axis=0))[1])  # a power of two: no digit is lost
    parts = values / unit
    deviation = parts.std(axis=0)
    moves = deviation > 1e-12
    return np.where(moves, parts.mean(axis=0) * unit, values[0]), np.where(moves, deviation * unit, 0.0)
