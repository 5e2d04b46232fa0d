"""What the arguments of a backtest that fits anew mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from tscnn.common.checks import check_choice, check_int, check_n_jobs, received

__all__ = ["RefitSettings"]


@dataclass(frozen=True)
class RefitSettings:
    """Which rows a backtest fits to, how often, and where it keeps what is done.

    Attributes
    ----------
    every : int
        Cutoffs from one fit to the next.
    linear : bool
        Whether only the closed form is solved anew after the first fit.
    gap : int
        Rows before a cutoff that are not fitted to.
    rolling : bool
        Whether all are fitted to as many rows as the first.
    n_jobs : int or None
        Processes; None for none.
    folder : path or None
        Where folds are kept.
    """

    every: int = 1
    linear: bool = False
    gap: int = 0
    rolling: bool = False
    n_jobs: int | None = None
    folder: Any = None

    @classmethod
    def read(cls, refit: Any, every: Any, gap: Any, window: Any, n_jobs: Any, folder: Any) -> Self | None:
        """Check how a backtest is to fit.

        Parameters
        ----------
        refit, every, gap, window, n_jobs, folder : object
            Of `Forecaster.backtest`.

        Returns
        -------
        RefitSettings or None
            None if it is not to fit.

        Raises
        ------
        TypeError, ValueError
            Naming the argument that breaks a rule.
        """
        refit = check_choice("refit", refit, (True, False, "linear"))
        rolling = check_choice("window", window, ("expanding", "rolling")) == "rolling"
        gap = check_int("gap", gap, minimum=0)
        n_jobs = check_n_jobs(n_jobs)
        if refit is False and every is None:
            if gap or rolling or n_jobs is not None or folder is not None:
                rule = "`gap`, `window`, `n_jobs` and `folder` are of fits: `refit=True` fits at every cutoff."
                raise ValueError(received(rule, refit=refit, gap=gap, window=window, n_jobs=n_jobs, folder=folder))
            return None
        every = 1 if every is None else check_int("every", every)
        return cls(every, refit == "linear", gap, rolling, n_jobs, folder)
