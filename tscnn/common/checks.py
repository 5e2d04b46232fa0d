"""One style of error: the argument, the rule, and what was received."""

from __future__ import annotations

import numbers
import os
from collections.abc import Collection, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "MOST_INT",
    "as_array",
    "check_choice",
    "check_int",
    "check_ints",
    "check_n_jobs",
    "check_path",
    "check_real",
    "received",
    "show",
]

MOST_INT = 2**63 - 1  # that arrays hold
MOST_CHARACTERS = 350  # of a message: what a person reads


def received(rule: str, **values: Any) -> str:
    """Write an error message that ends in the values received, long ones cut short.

    >>> received("`lookback` must be an integer of at least 1.", lookback=0)
    '`lookback` must be an integer of at least 1. Received: lookback=0'
    """
    room = MOST_CHARACTERS - len(rule) - len(" Received: ") - sum(len(name) + 3 for name in values)
    shown = [f"{name}={show(value, max(12, room // len(values)))}" for name, value in values.items()]
    return f"{rule} Received: {', '.join(shown)}"


def show(value: Any, most: int = 60) -> str:
    """Write a value in one line of at most `most` characters, the middle of a longer one left out.

    >>> show("a" * 99, 12)
    "'aaaa..aaaa'"
    """
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - a value may fail in its own way, as integers of many digits do
        text = f"<{type(value).__name__}>"
    return text if len(text) <= most else f"{text[: (most - 1) // 2]}..{text[len(text) - (most - 2) // 2 :]}"


def check_int(name: str, value: Any, *, minimum: int = 1, most: int | None = MOST_INT, auto: bool = False) -> int:
    """Return `value` as an int, or raise if it is no integer from `minimum` to `most`; `auto` names "auto", too."""
    rule = f"`{name}` must be {_or_auto(auto)}an integer of at least {minimum}."
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(received(rule, **{name: value}))
    number = int(value)
    if number < minimum:
        raise ValueError(received(rule, **{name: value}))
    if most is not None and number > most:
        raise ValueError(received(f"`{name}` must be an integer of at most {most}.", **{name: value}))
    return number


def check_n_jobs(n_jobs: Any) -> int | None:
    """Check how many workers there are to be.

    Parameters
    ----------
    n_jobs : int or None
        Of the user.

    Returns
    -------
    int or None
        None leaves it to ``joblib.parallel_config``.

    Raises
    ------
    TypeError, ValueError
        If it is no such number.
    """
    if n_jobs is not None and check_int("n_jobs", n_jobs, minimum=-1) == 0:
        raise ValueError(received("`n_jobs` must be None, at least 1, or -1 for all cores.", n_jobs=n_jobs))
    return n_jobs


def check_ints(
    name: str, values: Any, *, minimum: int = 1, fewest: int = 0, most: int | None = None, auto: bool = False
) -> tuple[int, ...]:
    """Return `values` as a tuple of ints of at least `minimum`, or raise; from `fewest` to `most` of them, if given.

    What can be read only once, or has no order, is no sequence.
    """
    rule = f"`{name}` must be {_or_auto(auto)}a sequence of integers of at least {minimum}."
    try:
        if isinstance(values, str | bytes | bytearray | Mapping | Set | Iterator):
            raise TypeError
        n_values = len(values)
    except TypeError:
        raise TypeError(received(rule, **{name: values})) from None
    if n_values < fewest:
        raise ValueError(received(f"`{name}` must be at least {fewest} integers.", **{name: values}))
    if most is not None and n_values > most:
        raise ValueError(received(f"`{name}` must be at most {most} integers.", **{name: values}))
    return tuple(check_int(f"{name}[{i}]", value, minimum=minimum, most=None) for i, value in enumerate(values))


def check_real(
    name: str, value: Any, *, low: float = float("-inf"), high: float = float("inf"), include_low: bool = True
) -> float:
    """Return `value` as a float, or raise if it is not in [low, high) (or (low, high))."""
    rule = f"`{name}` must be a number in {'[' if include_low else '('}{low:g}, {high:g})."
    if isinstance(value, bool) or not isinstance(value, float | np.floating | numbers.Integral):
        raise TypeError(received(rule, **{name: value}))
    try:
        number = float(value)
    except OverflowError:
        number = float("nan")
    if not (low <= number < high) or (number == low and not include_low):
        raise ValueError(received(rule, **{name: value}))
    return number


def check_choice(name: str, value: Any, choices: Collection[Any]) -> Any:
    """Return the one of `choices` that `value` is, or raise; 1 is not True, and an array nothing at all."""
    plain = value.item() if isinstance(value, np.generic) else value
    for choice in choices:
        if plain is choice or (isinstance(plain, type(choice)) and plain == choice):
            return choice
    listed = ", ".join(repr(choice) for choice in choices)
    raise ValueError(received(f"`{name}` must be one of {listed}.", **{name: value}))


def check_path(name: str, value: Any) -> Path:
    """Return `value` as a path, or raise if it is neither text nor path-like."""
    try:
        return Path(os.fsdecode(value))
    except TypeError:
        raise TypeError(received(f"`{name}` must be a str or a path.", **{name: value})) from None


def as_array(name: str, values: Any) -> np.ndarray:
    """Return `values` as an array, or raise if they are lists of different lengths; a masked array stays masked."""
    try:
        return np.asanyarray(values)
    except ValueError:
        rule = f"`{name}` must have rows of one length, as an array has."
        raise ValueError(received(rule, **{name: values})) from None


def _or_auto(auto: bool) -> str:
    return "'auto' or " if auto else ""
