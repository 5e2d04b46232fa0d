"""What is known ahead, in numbers that a network takes: standardised covariates, and the calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.calendar import calendar_features, check_calendar
from tscnn.data.graph_times import GraphTimes
from tscnn.data.times import Times
from tscnn.transforms.standardize import Standardize

__all__ = ["AheadInputs"]

FARTHEST = 4.0  # standard deviations of a covariate: a network says nothing sensible about what it has not seen


@dataclass(frozen=True, eq=False)
class AheadInputs:
    """Describes times by what is known ahead of them.

    Attributes
    ----------
    calendar : tuple of str
        Of `tscnn.data.calendar.CALENDAR`.
    mean, scale : ndarray of shape (n_covariates,)
        Of the covariates in training.

    Examples
    --------
    >>> import pandas as pd
    >>> inputs = AheadInputs.fit(["weekend"], np.array([[1.0], [3.0]]))
    >>> inputs.describe(Times(pd.date_range("2026-07-03", periods=2), np.array([[1.0], [3.0]])))
    array([[-1.,  0.],
           [ 1.,  1.]], dtype=float32)
    """

    name: ClassVar[str] = "ahead_inputs"

    calendar: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, calendar: Sequence[str], covariates: np.ndarray | None) -> Self:
        """Learn mean and scale of covariates.

        Parameters
        ----------
        calendar : sequence of str
            Of `check_calendar`.
        covariates : ndarray of shape (n_rows, n_covariates), or None
            Of the training rows.

        Returns
        -------
        AheadInputs
            Of these.
        """
        known = Standardize.fit(np.zeros((1, 0)) if covariates is None else covariates)
        return cls(tuple(calendar), known.mean, known.scale)

    @property
    def needs_times(self) -> bool:
        """Whether it takes an index of times.

        Returns
        -------
        bool
            Not for covariates alone.
        """
        return bool(self.calendar)

    @property
    def owners(self) -> np.ndarray:
        """What each number is of.

        Returns
        -------
        ndarray of int of shape (n_ahead,)
            0 for the calendar, from 1 on the covariates.
        """
        n_calendar = calendar_features(pd.DatetimeIndex(["2000-01-01"]), self.calendar).shape[1] if self.calendar else 0
        return np.r_[np.arange(1, len(self.mean) + 1), np.zeros(n_calendar, int)]

    def describe(self, times: Times) -> np.ndarray:
        """Return the numbers of some times.

        Parameters
        ----------
        times : Times
            With the covariates of training.

        Returns
        -------
        ndarray of shape (n_times, n_ahead), float32
            Covariates first.
        """
        found = np.zeros((len(times), 0))
        if self.calendar:
            found = times.look_up(self, lambda index: calendar_features(index, self.calendar))
        if times.covariates is None:
            return np.asarray(found, np.float32)
        known = np.clip((times.covariates - self.mean) / self.scale, -FARTHEST, FARTHEST)
        return np.concatenate([known, found], axis=1, dtype=np.float32, casting="same_kind")

    def describe_in_graph(self, times: GraphTimes) -> Any:
        """Do what `describe` does, in the operations of a framework.

        Parameters
        ----------
        times : GraphTimes
            Of n_times each.

        Returns
        -------
        tensor of shape (batch, n_times, n_ahead), float32
            Covariates first.
        """
        ops, parts = times.ops, []
        if times.covariates is not None:
            mean, scale = (times.of_series(one, times.covariates.dtype) for one in (self.mean, self.scale))
            known = ops.cast((times.covariates - mean) / scale, "float32")
            parts.append(ops.minimum(ops.maximum(known, -FARTHEST), FARTHEST))
        return ops.concatenate([*parts, *([times.features(self.calendar)] if self.calendar else [])], axis=-1)

    def settings(self) -> dict[str, Any]:
        """Return the calendar."""
        return {"calendar": list(self.calendar)}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return mean and scale."""
        return {"mean": self.mean, "scale": self.scale}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make what `settings` and `arrays` describe."""
        mean, scale = arrays["mean"], arrays["scale"]
        if mean.ndim != 1 or mean.shape != scale.shape:
            rule = "`ahead_inputs` must have one mean and one scale a covariate."
            raise ValueError(received(rule, shapes=[mean.shape, scale.shape]))
        return cls(check_calendar(settings["calendar"]) or (), mean, scale)
