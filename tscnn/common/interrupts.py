"""Who a fit that is interrupted (Ctrl-C) belongs to."""

from __future__ import annotations

from traceback import walk_stack

__all__ = ["is_own_fit"]

FORECASTER = "tscnn.forecaster"
MANY = {"tscnn", "sklearn", "joblib"}  # packages whose fits are parts of something larger, which is to stop


def is_own_fit() -> bool:
    """Return whether the `Forecaster.fit` that is running was called by its user.

    Returns
    -------
    bool
        False outside of one, and in one that is a part of something larger: a fold of a backtest, of a search of
        scikit-learn, a task of joblib. An interrupt is to end all of that, not only the fit that it meets.

    Examples
    --------
    >>> is_own_fit()
    False
    """
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in walk_stack(None)]
    if FORECASTER not in modules:
        return False
    callers = modules[modules.index(FORECASTER) + 1 :]
    return MANY.isdisjoint(name.partition(".")[0] for name in callers)
