"""What is known of a time before it comes: its label, and the covariates that are known ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.windows import sliding_windows

__all__ = ["Times", "at_steps", "pad_times"]


@dataclass(frozen=True)
class Times:
    """Labels of some rows, and what is known ahead at each of them.

    Attributes
    ----------
    index : Index
        Times, periods or integers.
    covariates : ndarray of shape (n_times, n_covariates), or None
        Future and static covariates, in their own units, categories one-hot; None without any.
    series : int, default 0
        Which series of several they belong to.

    Examples
    --------
    >>> times = Times(pd.RangeIndex(4), np.array([[1.0], [2.0], [3.0], [4.0]]))
    >>> times[1:3].covariates.ravel(), len(times[:2].append(times[3:]))
    (array([2., 3.]), 3)
    """

    index: pd.Index
    covariates: np.ndarray | None = None
    series: int = 0

    def __len__(self) -> int:
        """Count the times."""
        return len(self.index)

    def __getitem__(self, at: Any) -> Self:
        """Take some of them, by a slice or an array of row numbers."""
        return type(self)(self.index[at], None if self.covariates is None else self.covariates[at], self.series)

    def append(self, later: Times) -> Self:
        """Join times.

        Parameters
        ----------
        later : Times
            With covariates, if these have.

        Returns
        -------
        Times
            These, then those.
        """
        covariates = None
        if self.covariates is not None and later.covariates is not None:
            covariates = np.concatenate([self.covariates, later.covariates])
        return type(self)(self.index.append(later.index), covariates, self.series)


def pad_times(times: Times, n: int) -> Times:
    """Repeat the first of too few times before it.

    Parameters
    ----------
    times : Times
        At least one.
    n : int
        How many there are to be at least.

    Returns
    -------
    Times
        The same, if they are enough.
    """
    missing = n - len(times)
    return times if missing <= 0 else times[np.r_[np.zeros(missing, int), np.arange(len(times))]]


def at_steps(
    times: Times, at: np.ndarray, horizon: int, describe: Callable[[Times], np.ndarray], before: int = 0
) -> np.ndarray:
    """Describe the steps after some rows, each time once where rows are close.

    Parameters
    ----------
    times : Times
        Of some rows and at least `horizon` steps after the last of them.
    at : ndarray of int of shape (n,)
        Row numbers.
    horizon : int
        Steps after each.
    describe : callable
        From n times to an array of shape (n, n_numbers).
    before : int, default 0
        Rows up to each that are described, too.

    Returns
    -------
    ndarray of shape (n, before + horizon, n_numbers)
        Of ``times[at + 1 - before]`` to ``times[at + horizon]``.

    Raises
    ------
    ValueError
        If `times` end before the last step.
    """
    at, n_steps = np.asarray(at) - before, before + horizon
    if len(at) == 0:
        return np.zeros((0, n_steps, describe(times[:1]).shape[1]), np.float32)
    first, last = int(at.min()) + 1, int(at.max()) + n_steps
    if last >= len(times) or first < 0:
        rule = f"`times` must go on for {horizon} steps after the last row that is forecast from"
        rule += f", and begin {before} rows up to the first one." if before else "."
        raise ValueError(received(rule, n_times=len(times), row=last - horizon))
    if last - first < len(at) * n_steps:  # close origins share times
        return sliding_windows(describe(times[first : last + 1]), n_steps)[at + 1 - first]
    steps = at[:, None] + 1 + np.arange(n_steps)
    return describe(times[steps.ravel()]).reshape(*steps.shape, -1)
