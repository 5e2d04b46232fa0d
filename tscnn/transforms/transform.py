"""What is done to values before terms see them, and undone on their forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from tscnn.data.graph_times import GraphTimes
from tscnn.data.times import Times

__all__ = ["Transform"]


@runtime_checkable
class Transform(Protocol):
    """A change of units that is undone after forecasting; learnt from training rows alone.

    What is said of methods here is true of every transform, and not said again.

    Attributes
    ----------
    name : str
        Under which it is saved, distinct among the transforms of a pipeline.
    """

    name: ClassVar[str]

    def apply(self, values: np.ndarray, times: Times) -> np.ndarray:
        """Change the units of some rows.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            In the units of the data, or of the transform before.
        times : Times
            Of the rows.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            In the units of the terms, or of the transform after; in the precision of `values`, or float32.
        """
        ...

    def invert(self, forecasts: np.ndarray, times: Times, at: np.ndarray, targets: Sequence[int]) -> np.ndarray:
        """Change forecasts back.

        Parameters
        ----------
        forecasts : ndarray of shape (n, horizon, n_targets)
            In the units that `apply` returns; their memory may be used again.
        times : Times
            Of some rows and at least `horizon` steps after the last of them.
        at : ndarray of int of shape (n,)
            The row that each forecast is made from: its steps are ``times[at + 1]`` to ``times[at + horizon]``.
        targets : sequence of int
            Positions of the forecast columns among the features.

        Returns
        -------
        ndarray of shape (n, horizon, n_targets)
            In the units that `apply` takes; in the precision of `forecasts` or more.

        Raises
        ------
        ValueError
            If `times` end before the last step.
        """
        ...

    def apply_in_graph(self, values: Any, times: GraphTimes) -> Any:
        """Change the units of windows, in the operations of a framework, for models that are exported.

        Parameters
        ----------
        values : tensor of shape (batch, n_rows, n_features)
            In float64, where the framework has it.
        times : GraphTimes
            Of the rows.

        Returns
        -------
        tensor of shape (batch, n_rows, n_features)
            Of `apply`, in the precision of `values`.
        """
        ...

    def invert_in_graph(self, forecasts: Any, times: GraphTimes, targets: Sequence[int]) -> Any:
        """Change forecasts back, in the operations of a framework, for models that are exported.

        Parameters
        ----------
        forecasts : tensor of shape (batch, horizon, n_targets)
            In the units that `apply_in_graph` returns.
        times : GraphTimes
            Of the steps.
        targets : sequence of int
            As of `invert`.

        Returns
        -------
        tensor of shape (batch, horizon, n_targets)
            Of `invert`, in the precision of `forecasts`.
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
        """Return what was learnt.

        Returns
        -------
        dict of str to ndarray
            For `from_arrays`.
        """
        ...

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the transform that `settings` and `arrays` describe.

        Parameters
        ----------
        settings : dict
            Of `settings`, after JSON.
        arrays : dict of str to ndarray
            Of `arrays`.

        Returns
        -------
        Transform
            Equal to the bit.

        Raises
        ------
        ValueError
            If a setting is none, or the shapes of arrays do not fit each other.
        """
        ...
