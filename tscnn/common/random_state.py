"""The random state of a user."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_random_state

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
    try:
        if isinstance(random_state, bool | np.bool_):
            raise TypeError
        return np.random.RandomState() if random_state is None else check_random_state(random_state)
    except (TypeError, ValueError):
        raise ValueError(received(rule, random_state=random_state)) from None
