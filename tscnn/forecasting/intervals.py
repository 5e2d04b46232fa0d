"""What a forecast is asked for beside points: quantiles, and the ends of intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import check_choice, check_real, received
from tscnn.data.times import Times
from tscnn.evaluation.columns import name_columns
from tscnn.forecasting.calibration import Calibration
from tscnn.forecasting.pipeline import Pipeline

__all__ = ["Asked", "RawForecasts", "require_calibration"]


@dataclass(frozen=True)
class Asked:
    """Quantiles and intervals that a forecast is to have.

    Attributes
    ----------
    quantiles : tuple of float
        Levels, ascending.
    coverage : tuple of float
        Of intervals, as given.

    Examples
    --------
    >>> asked = Asked.read(None, 0.8)
    >>> asked.levels.round(2), asked.columns(pd.Index(["users"])).tolist()
    (array([0.1, 0.9]), [('users', 'forecast'), ('users', 'lower'), ('users', 'upper')])
    """

    quantiles: tuple[float, ...] = ()
    coverage: tuple[float, ...] = ()

    @classmethod
    def read(cls, quantiles: Any = None, coverage: Any = None) -> Self:
        """Check levels and coverages.

        Parameters
        ----------
        quantiles : sequence of float, or None
            Levels, ascending, each in (0, 1).
        coverage : float, sequence of float, or None
            Of intervals, each in (0, 1).

        Returns
        -------
        Asked
            For nothing, if both are None.

        Raises
        ------
        TypeError, ValueError
            Naming the one that breaks a rule.
        """
        levels = _read_levels("quantiles", quantiles)
        if list(levels) != sorted(levels):
            raise ValueError(received("`quantiles` must ascend, such as (0.1, 0.5, 0.9).", quantiles=quantiles))
        return cls(levels, _read_levels("coverage", coverage, single=True))

    def check_adaptive(self, adaptive: Any, refit: bool = False) -> bool:
        """Check whether they are to follow the drift of errors.

        Parameters
        ----------
        adaptive : bool
            As given.
        refit : bool, default False
            Whether forecasts are of several fits, each of which is calibrated anew.

        Returns
        -------
        bool
            Itself.

        Raises
        ------
        ValueError
            If it is none, or there is nothing that could follow.
        """
        adaptive = check_choice("adaptive", adaptive, (True, False))
        if adaptive and not self:
            rule = (
                "`adaptive` is of intervals and quantiles: `coverage=0.9` or `Forecaster(quantiles=..)` asks for some."
            )
            raise ValueError(received(rule, adaptive=adaptive))
        if adaptive and refit:
            rule = "`adaptive` is of one fitted forecaster: with `refit` each fit has intervals of its own."
            raise ValueError(received(rule, adaptive=adaptive))
        return bool(adaptive)

    def __bool__(self) -> bool:
        """Tell whether anything is asked for."""
        return bool(self.quantiles or self.coverage)

    @cached_property
    def levels(self) -> np.ndarray:
        """All levels of quantiles that it takes.

        Returns
        -------
        ndarray of shape (n_levels,)
            Ascending.
        """
        return np.unique(self._wanted)

    @property
    def _wanted(self) -> np.ndarray:
        """Levels of quantiles, then of the lower and the upper end of each interval."""
        ends = [tail for each in self.coverage for tail in ((1 - each) / 2, (1 + each) / 2)]
        return np.round([*self.quantiles, *ends], 12)

    def columns(self, targets: pd.Index) -> pd.Index:
        """Name the columns of forecasts.

        Parameters
        ----------
        targets : Index
            Names of the targets.

        Returns
        -------
        Index
            Of `name_columns`.
        """
        return name_columns(targets, self.quantiles, self.coverage)

    def lay_out(self, points: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
        """Put points, quantiles and intervals side by side.

        Parameters
        ----------
        points : ndarray of shape (.., n_targets)
            In the data's own units.
        quantiles : ndarray of shape (n_levels, .., n_targets)
            At `levels`.

        Returns
        -------
        ndarray of shape (.., n_columns)
            In the order of `columns`.
        """
        at = np.searchsorted(self.levels, self._wanted)
        parts = [*([points] if self.coverage else []), *quantiles[at]]
        return np.stack(parts, axis=-1).reshape(*points.shape[:-1], -1)

    def forecast(self, raw: RawForecasts, numbers: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Put forecasts into the data's own units.

        Parameters
        ----------
        raw : RawForecasts
            Of one series.
        numbers : ndarray of shape (n_levels, horizon, n_targets), optional
            Quantiles of errors in units of their scale; default those of the calibration.

        Returns
        -------
        columns : ndarray of shape (n, horizon, n_columns)
            Of `lay_out`.
        quantiles : ndarray of shape (n_levels, n, horizon, n_targets)
            At `levels`.
        """
        if numbers is None:
            numbers = require_calibration(raw.pipeline).numbers(self.levels)
        quantiles = raw.add(numbers)
        return self.lay_out(raw.points(), quantiles), quantiles

    def name(self, frame: Any) -> Any:
        """Tell `tscnn.evaluate` what an interval claims whose columns do not say it.

        Parameters
        ----------
        frame : DataFrame, or table of another library
            Of forecasts; changed in place.

        Returns
        -------
        DataFrame, or table of another library
            Itself.
        """
        if len(self.coverage) == 1 and isinstance(frame, pd.DataFrame):
            frame.attrs["coverage"] = self.coverage[0]
        return frame


def _read_levels(name: str, levels: Any, single: bool = False) -> tuple[float, ...]:
    if levels is None:
        return ()
    rule = f"`{name}` must be {'a number in (0, 1), or several' if single else 'several numbers in (0, 1)'}"
    rule += ", such as 0.9 or (0.8, 0.95)." if single else ", such as (0.1, 0.5, 0.9)."
    if single and not isinstance(levels, Iterable):
        levels = (levels,)
    if isinstance(levels, str | bytes | Mapping | Set) or not isinstance(levels, Iterable):
        raise TypeError(received(rule, **{name: levels}))
    given = tuple(levels)
    try:
        found = tuple(check_real(name, each, low=0, high=1, include_low=False) for each in given)
    except (TypeError, ValueError) as error:
        raise type(error)(received(rule, **{name: levels})) from None
    if not found or len(set(found)) < len(found):
        raise ValueError(received(f"{rule[:-1]}, each once.", **{name: levels}))
    return found


@dataclass(frozen=True)
class RawForecasts:
    """Forecasts of one series in the units of the terms, and what it takes to put them into those of the data.

    Attributes
    ----------
    pipeline : Pipeline
        The fitted model, of `Pipeline.admit`.
    values : ndarray of shape (n, horizon, n_targets)
        Of the terms.
    rows : ndarray of shape (n_rows, n_features)
        Of `Pipeline.apply`.
    newest : ndarray of int of shape (n,)
        The row that each is made from.
    times : Times
        Of some rows and at least `horizon` steps after them.
    at : ndarray of int of shape (n,)
        As `newest`, among the times.
    """

    pipeline: Pipeline
    values: np.ndarray
    rows: np.ndarray
    newest: np.ndarray
    times: Times
    at: np.ndarray

    def __getitem__(self, which: slice) -> Self:
        """Take some of them."""
        taken = type(self)(self.pipeline, self.values[which], self.rows, self.newest[which], self.times, self.at[which])
        taken.__dict__["scale"] = self.scale[which]  # found for all of them at once
        return taken

    @cached_property
    def scale(self) -> np.ndarray:
        """The scale of their errors.

        Returns
        -------
        ndarray of shape (n, horizon, n_targets)
            In the units of the terms.
        """
        calibration, rows = require_calibration(self.pipeline), self.rows[:, list(self.pipeline.targets)]
        return calibration.scale(self.values, rows, self.newest, self.times, self.at)

    def points(self) -> np.ndarray:
        """Return the forecasts.

        Returns
        -------
        ndarray of shape (n, horizon, n_targets)
            In the data's own units.
        """
        return self.pipeline.invert(np.array(self.values), self.times, self.at)

    def reach(self) -> np.ndarray:
        """Return the forecasts less the scale of their errors, as they are, and more that scale.

        Returns
        -------
        ndarray of shape (3, n, horizon, n_targets)
            In the data's own units, of which 0 is no end: where it is one, it would hide the scale.
        """
        parts = (self.values - self.scale, np.array(self.values), self.values + self.scale)
        unbounded = self.pipeline.unbounded
        return np.stack([unbounded.invert(one, self.times, self.at) for one in parts])

    def add(self, numbers: np.ndarray) -> np.ndarray:
        """Return forecasts and errors added up.

        Parameters
        ----------
        numbers : ndarray of shape (n_sets, horizon, n_targets)
            Errors, in units of their scale: quantiles, or sample paths.

        Returns
        -------
        ndarray of shape (n_sets, n, horizon, n_targets)
            In the data's own units, and no negative values of columns that never had one, unless the forecast is: a
            temperature first falls below 0 in winter.
        """
        found = [self.pipeline.invert(self.values + self.scale * one, self.times, self.at) for one in numbers]
        points, lowest = self.points(), require_calibration(self.pipeline).lowest.astype(found[0].dtype)
        return np.maximum(np.stack(found), np.where(points < lowest, -np.inf, lowest).astype(points.dtype))


def require_calibration(pipeline: Pipeline) -> Calibration:
    """Return the calibration of a pipeline.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.

    Returns
    -------
    Calibration
        Of it.

    Raises
    ------
    ValueError
        If nothing was held back to learn it from.
    """
    if pipeline.calibration is None:
        rule = "Intervals and quantiles are learnt from errors on rows that are held back, and none were: fit with"
        raise ValueError(received(f"{rule} `validation_fraction=0.1`, on more rows.", calibration=None))
    return pipeline.calibration
