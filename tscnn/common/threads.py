"""Threads where they gain something: for a function of several values, not inside products of small matrices."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import threadpool_limits

from tscnn.common.scopes import SharedScope

__all__ = ["map_in_threads", "on_one_thread"]

MOST_THREADS = 4  # more would wait for Python's lock, which LAPACK's solver holds, and each needs memory

Value = TypeVar("Value")
Result = TypeVar("Result")


def map_in_threads(function: Callable[[Value], Result], values: Iterable[Value]) -> list[Result]:
    """Apply a function to each value, in as many threads as there are processors, but four at most.

    Parameters
    ----------
    function : callable
        Of one value, whose time is spent in NumPy.
    values : iterable
        What to apply it to.

    Returns
    -------
    list
        Its results, in the order of the values, whatever the number of threads.

    Examples
    --------
    >>> map_in_threads(len, ["a", "bc", ""])
    [1, 2, 0]
    """
    n_threads = min(MOST_THREADS, os.cpu_count() or 1)
    if n_threads == 1:
        return [function(value) for value in values]
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, values))


@contextmanager
def _limit_blas() -> Iterator[None]:
    """Limit BLAS from threads that end at once: threadpoolctl leaves it to whoever was first, while that lives."""
    with ThreadPoolExecutor(1) as pool:
        limits = pool.submit(threadpool_limits, limits=1, user_api="blas").result()
    try:
        yield
    finally:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(limits.restore_original_limits).result()


on_one_thread = SharedScope(_limit_blas)
"""Have a function's products and systems of equations computed with one thread each: a decorator, or a ``with`` block.

Where they are many and small, threads gain nothing, and wait for each other where other work keeps the cores busy: ten
times as long, at worst.
"""
