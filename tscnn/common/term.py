"""What every part of a forecast can do."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from tscnn.common.ring import Ring

__all__ = ["Term", "empty_forecasts"]


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
            If so, `dense`, `last` and `step` take (n_forecasts, horizon, n_ahead) as a last argument.
        """
        ...

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
