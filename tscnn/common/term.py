"""What every part of a forecast can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from tscnn.common.ring import Ring

__all__ = ["Attribution", "ExportedTerm", "NormalizedRow", "NormalizingTerm", "Term", "empty_forecasts"]

NormalizedRow = tuple[np.ndarray, np.ndarray, np.ndarray]  # of `step_normalizing`: the row, its level and its scale


@dataclass(frozen=True)
class Attribution:
    """What each input adds to one forecast of a term, twice over: by column and by lag.

    A linear map says exactly what an input adds: its weight times the value. Other terms are taken apart by gradients,
    each times its input. What no input adds is left out: a constant, and what gradients leave.

    Attributes
    ----------
    by_column : ndarray of shape (n_features, horizon, n_targets), float64
        Of all rows of a column.
    by_lag : ndarray of shape (n_rows, horizon, n_targets), float64
        Of the newest rows, all columns of one together, oldest first.
    by_known : ndarray of shape (1 + n_covariates, horizon, n_targets), float64, or None
        Of what is known ahead: of the calendar, then of each covariate.
    """

    by_column: np.ndarray
    by_lag: np.ndarray
    by_known: np.ndarray | None = None

    @classmethod
    def of_own_columns(cls, by_lag: np.ndarray, targets: np.ndarray, n_features: int) -> Self:
        """Attribute forecasts of targets that see no other column.

        Parameters
        ----------
        by_lag : ndarray of shape (n_rows, horizon, n_targets)
            Of the newest rows, oldest first.
        targets : ndarray of int of shape (n_targets,)
            Positions of the targets among the features.
        n_features : int
            How many there are.

        Returns
        -------
        Attribution
            To the targets' own columns.
        """
        by_column = np.zeros((n_features, *by_lag.shape[1:]))
        each = np.arange(len(targets))
        by_column[targets, :, each] = by_lag.sum(axis=0).T
        return cls(by_column, by_lag)


@runtime_checkable
class Term(Protocol):
    """A part of a forecast, in standardised units: what it says is added to what others say.

    Three forms give the same numbers to float32 rounding: `dense` at every origin of a series, `last` at the newest
    origin of several windows, and `step` row by row. They are plain NumPy. What is said of methods here is true of
    every term, and not said again.

    Attributes
    ----------
    name : str
        Under which it is saved, distinct among the terms of a pipeline.
    """

    name: ClassVar[str]

    @property
    def needs_ahead(self) -> bool:
        """Whether it forecasts from what is known ahead, too.

        Returns
        -------
        bool
            If so, it has `describe` (from times, and the effects of covariates that are subtracted from rows, to
            numbers), and `dense`, `last` and `step` take what is described of the `rows_before`
            newest rows and of the steps ahead as a last argument: (n_forecasts, rows_before + horizon, n_numbers).
        """
        ...

    @property
    def rows_before(self) -> int:
        """Rows of which it takes what is known, besides the steps ahead.

        Returns
        -------
        int
            The newest row included; 0 of most.
        """
        return 0

    @property
    def context(self) -> int:
        """Rows that a forecast depends on.

        Returns
        -------
        int
            The newest row included.
        """
        ...

    def dense(self, rows: np.ndarray) -> np.ndarray:
        """Forecast at every origin of one series.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            At least `context` of them.

        Returns
        -------
        ndarray of shape (n_rows - context + 1, horizon, n_targets), float32
            The first is that of row context - 1.
        """
        ...

    def last(self, windows: np.ndarray) -> np.ndarray:
        """Forecast at the newest row of several windows.

        Parameters
        ----------
        windows : ndarray of shape (n_windows, n_rows, n_features)
            At least `context` rows each, of which the newest count.

        Returns
        -------
        ndarray of shape (n_windows, horizon, n_targets), float32
            One forecast a window.
        """
        ...

    def start(self, windows: np.ndarray) -> list[Ring]:
        """Remember what several series have seen so far.

        Parameters
        ----------
        windows : ndarray of shape (n_series, n_rows, n_features)
            At least `context` rows each.

        Returns
        -------
        list of Ring
            For `step`, which changes them in place.
        """
        ...

    def step(self, state: list[Ring], row: np.ndarray) -> np.ndarray:
        """Take the next row of every series, and forecast the steps after it.

        Parameters
        ----------
        state : list of Ring
            Of `start`; changed in place.
        row : ndarray of shape (n_series, n_features), float32
            One row each.

        Returns
        -------
        ndarray of shape (n_series, horizon, n_targets), float32
            One forecast a series.
        """
        ...

    def attribute(self, window: np.ndarray, ahead: np.ndarray | None = None) -> Attribution:
        """Say what each input adds to the forecast at the newest row of one window.

        Parameters
        ----------
        window : ndarray of shape (n_rows, n_features)
            At least `context` rows, of which the newest count.
        ahead : ndarray of shape (rows_before + horizon, n_numbers), optional
            Of `describe`, where `needs_ahead`.

        Returns
        -------
        Attribution
            Of `last`.
        """
        ...

    def settings(self) -> dict[str, Any]:
        """Return what `from_arrays` needs besides arrays.

        Returns
        -------
        dict
            Of what JSON holds; empty where arrays say it all.
        """
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """Return its weights.

        Returns
        -------
        dict of str to ndarray
            For `from_arrays`.
        """
        ...

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the term that `settings` and `arrays` describe.

        Parameters
        ----------
        settings : dict
            Of `settings`, after JSON: tuples are lists.
        arrays : dict of str to ndarray
            Of `arrays`.

        Returns
        -------
        Term
            Equal to the bit.

        Raises
        ------
        TypeError, ValueError
            If a setting is none, or the shapes of arrays do not fit each other.
        """
        ...


@runtime_checkable
class NormalizingTerm(Term, Protocol):
    """A term that sees rows relative to their rolling level and scale, which a stream finds once for several terms."""

    @property
    def normalizer(self) -> tuple[int, float]:
        """Tell how rows are normalised.

        Returns
        -------
        span : int
            Rows that level and scale are taken over; 0 if they are not normalised.
        epsilon : float
            Added to the scale.
        """
        ...

    def step(
        self, state: list[Ring], row: np.ndarray, *ahead: np.ndarray, normalized: NormalizedRow | None = None
    ) -> np.ndarray:
        """Do what `Term.step` does, of a row that is normalised already, if it is given.

        Parameters
        ----------
        state : list of Ring
            Of `start`, which begins with the rings of `start_normalizing`; without these if `normalized` is given.
        row : ndarray of shape (n_series, n_features), float32
            One row each.
        *ahead : ndarray
            As of `Term`.
        normalized : tuple of ndarray of shape (n_series, n_features), optional
            Of `step_normalizing`, of all columns.

        Returns
        -------
        ndarray of shape (n_series, horizon, n_targets), float32
            One forecast a series.
        """
        ...


@runtime_checkable
class ExportedTerm(Term, Protocol):
    """A term that can be written in the operations of a framework: what has one without can't be exported."""

    def last_in_graph(self, windows: Any, times: Any, effects: Any) -> Any:
        """Do what `last` does in the operations of a framework, for models that are exported.

        Parameters
        ----------
        windows : tensor of shape (batch, n_rows, n_features), float32
            At least `context` rows each, of which the newest count.
        times : GraphTimes
            Of the rows and of the steps after them; ``times.ops`` are the operations.
        effects : CovariateEffects or None
            That were subtracted from rows.

        Returns
        -------
        tensor of shape (batch, horizon, n_targets), float32
            One forecast a window.
        """
        ...


def empty_forecasts(n: int, horizon: int, n_targets: int, dtype: Any = np.float32) -> np.ndarray:
    """Return memory for forecasts, those of a target side by side, as products write and pandas keeps them.

    Parameters
    ----------
    n, horizon, n_targets : int
        Forecasts, steps of each, and targets.
    dtype : dtype, default float32
        Of the values.

    Returns
    -------
    ndarray of shape (n, horizon, n_targets)
        Not initialised.
    """
    return np.empty((n_targets, n, horizon), dtype).transpose(1, 2, 0)
