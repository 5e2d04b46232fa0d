"""The random state of a user."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from tscnn.common.checks import received

__all__ = ["read_random_state"]


def read_random_state(random_state: Any) -> np.random.RandomState:
    """Return a generator; NumPy's global one, which scikit-learn takes for None, is left alone.

    Parameters
    ----------
    random_state : int, RandomState or None
        Of the user.

    Returns
    -------
    RandomState
        Itself, or a new one.

    Raises
    ------
    ValueError
        If it is neither.
    """
    rule = "`random_state` must be None, an integer from 0 to 4294967295 or a numpy.random.RandomState."
    if isinstance(random_state, np.random.RandomState):
        return random_state
    try:
        if isinstance(random_state, bool) or not isinstance(random_state, numbers.Integral | None):
            raise TypeError
        return np.random.RandomState(None if random_state is None else int(random_state))
    except (TypeError, ValueError):
        raise ValueError(received(rule, random_state=random_state)) from None
