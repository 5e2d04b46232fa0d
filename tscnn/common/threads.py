"""Threads where they gain something: for a function of several values, not inside products of small matrices."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

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
    values = list(values)
    n_threads = min(MOST_THREADS, os.cpu_count() or 1, len(values))
    if n_threads <= 1:
        return [function(value) for value in values]
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, values))


@lru_cache(maxsize=1)
def _find_blas(n_modules: int) -> ThreadpoolController:  # noqa: ARG001
    """Find the libraries that are loaded, which takes milliseconds: once for as many imported modules."""
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def _limit_blas() -> Iterator[None]:
    """Limit BLAS from threads that end at once: threadpoolctl leaves it to whoever was first, while that lives."""
    blas = _find_blas(len(sys.modules))
    if all(library.num_threads == 1 for library in blas.lib_controllers):
        yield
        return
    with ThreadPoolExecutor(1) as pool:
        limits = pool.submit(blas.limit, limits=1).result()
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
