"""Many calls, one after the other, in processes or on a cluster, as joblib is told."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs

__all__ = ["call_many"]

TRIES = 3  # in a row from which nothing comes: a convention
ROUND = 4  # calls of a worker at a time, where results come all at once: a convention


def call_many(
    function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], n_jobs: int | None
) -> Iterator[tuple[int, Any]]:
    """Call a function many times, on the backend of ``joblib.parallel_config``.

    What a worker had begun that dies, as one that is killed for memory does, is called again, until nothing gets done
    three times in a row: what kills every worker ends in the error of the backend.

    Parameters
    ----------
    function : callable
        Of a module.
    calls : sequence of tuple
        Its arguments.
    n_jobs : int or None
        Workers, -1 for one a core; None for none, or what ``joblib.parallel_config`` says.

    Yields
    ------
    number : int
        Of the call.
    result : object
        What it returned. Results come as calls end, in any order.

    Raises
    ------
    Exception
        Of the first call that raises one; where it did so in another process, a note has the traceback.

    Examples
    --------
    >>> list(call_many(divmod, [(7, 2), (9, 4)], n_jobs=None))
    [(0, (3, 1)), (1, (2, 1))]
    """
    left, n_vain = dict(enumerate(calls)), 0
    while left:
        n_before = len(left)
        with _closing(_start(function, left, n_jobs)) as results:
            while left:
                try:
                    number, result, error = next(results)
                except Exception:  # of the backend: those of calls are returned
                    n_vain = n_vain + 1 if len(left) == n_before else 0
                    if n_vain == TRIES:
                        raise
                    break
                if error is not None:
                    raise error
                del left[number]
                yield number, result


@contextmanager
def _closing(results: Generator[Any]) -> Iterator[Generator[Any]]:
    """End what still runs, without joblib's warning that it did not end by itself."""
    try:
        yield results
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            results.close()


def _start(function: Callable[..., Any], calls: dict[int, tuple[Any, ...]], n_jobs: int | None) -> Generator[Any]:
    """Yield what `_call` returns, as it comes where the backend can do that, else in rounds."""
    # One tuple each: Dask sends other arguments ahead to a worker, and can't make up for those of one that dies.
    tasks = [delayed(_call)((number, function, arguments, os.getpid())) for number, arguments in calls.items()]
    try:
        parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    except ValueError:  # the backend, such as that of Ray, returns lists alone
        n_tasks = ROUND * effective_n_jobs(n_jobs)
        with Parallel(n_jobs=n_jobs) as parallel:
            for first in range(0, len(tasks), n_tasks):
                yield from parallel(tasks[first : first + n_tasks])
        return
    yield from parallel(tasks)


def _call(task: tuple[int, Callable[..., Any], tuple[Any, ...], int]) -> tuple[int, Any, Exception | None]:
    """Return the number of the call, and its result or its error."""
    number, function, arguments, caller = task
    try:
        return number, function(*arguments), None
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the caller is
        if os.getpid() != caller:
            error.add_note(traceback.format_exc())
        return number, None, error
