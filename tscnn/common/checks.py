"""One style of error: the argument, the rule, and what was received."""

from __future__ import annotations

import numbers
from collections.abc import Collection, Sequence
from typing import Any

__all__ = ["check_choice", "check_int", "check_ints", "check_real", "received"]


def received(rule: str, **values: Any) -> str:
    """Write an error message that ends in the values received.

    >>> received("`lookback` must be an integer of at least 1.", lookback=0)
    '`lookback` must be an integer of at least 1. Received: lookback=0'
    """
    return f"{rule} Received: {', '.join(f'{name}={value!r}' for name, value in values.items())}"


def check_int(name: str, value: Any, *, minimum: int = 1) -> int:
    """Return `value` as an int, or raise if it is no integer of at least `minimum`."""
    rule = f"`{name}` must be an integer of at least {minimum}."
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(received(rule, **{name: value}))
    if value < minimum:
        raise ValueError(received(rule, **{name: value}))
    return int(value)


def check_ints(name: str, values: Any, *, minimum: int = 1) -> tuple[int, ...]:
    """Return `values` as a tuple of ints of at least `minimum`, or raise."""
    if isinstance(values, str) or (not isinstance(values, Sequence) and not hasattr(values, "__iter__")):
        rule = f"`{name}` must be a sequence of integers of at least {minimum}."
        raise TypeError(received(rule, **{name: values}))
    return tuple(check_int(f"{name}[{i}]", value, minimum=minimum) for i, value in enumerate(values))


def check_real(
    name: str, value: Any, *, low: float = float("-inf"), high: float = float("inf"), include_low: bool = True
) -> float:
    """Return `value` as a float, or raise if it is not in [low, high) (or (low, high))."""
    rule = f"`{name}` must be a number in {'[' if include_low else '('}{low:g}, {high:g})."
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(received(rule, **{name: value}))
    number = float(value)
    if not (low <= number < high) or (number == low and not include_low):
        raise ValueError(received(rule, **{name: value}))
    return number


def check_choice(name: str, value: Any, choices: Collection[Any]) -> Any:
    """Return `value`, or raise if it is not one of `choices`."""
    if not any(value is choice or value == choice for choice in choices):
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(received(f"`{name}` must be one of {listed}.", **{name: value}))
    return value
