"""Changes to the whole process that several threads need at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ContextDecorator
from typing import Any, Self

__all__ = ["SharedScope"]


class SharedScope(ContextDecorator):
    """A change to the process that the first one to enter makes and the last one to leave takes back.

    Scopes that restore what each found itself would leave the change behind where they overlap without being nested.
    In a forked child nobody is inside.

    Parameters
    ----------
    change : callable
        () -> context manager that makes the change on entering and takes it back on leaving.

    Examples
    --------
    >>> from contextlib import contextmanager
    >>> @contextmanager
    ... def say():
    ...     print("changed")
    ...     yield
    ...     print("restored")
    >>> scope = SharedScope(say)
    >>> with scope, scope:
    ...     print("inside")
    changed
    inside
    restored
    """

    def __init__(self, change: Callable[[], AbstractContextManager[Any]]) -> None:
        self._change = change
        self._lock = threading.Lock()
        self._n_inside = 0
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._empty)

    def __enter__(self) -> Self:
        with self._lock:
            if not self._n_inside:
                self._made = self._change()
                self._made.__enter__()
            self._n_inside += 1
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            if self._n_inside == 1:
                self._made.__exit__(None, None, None)
            self._n_inside = max(0, self._n_inside - 1)

    def _empty(self) -> None:
        """Take the change back in a child, whose other threads are gone, and may have held the lock."""
        self._lock = threading.Lock()
        if self._n_inside:
            self._n_inside = 0
            self._made.__exit__(None, None, None)
