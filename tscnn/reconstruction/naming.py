"""Errors of what reconstructors share with forecasters, in terms of a reconstructor."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

__all__ = ["naming_reconstructor"]

_FORECASTER = re.compile(r"(?<!['\w])([Ff])orecaster\b")  # no name of a column, which is in quotation marks


@contextlib.contextmanager
def naming_reconstructor() -> Iterator[None]:
    """Have errors suggest what a `Reconstructor` takes, to which missing values are no exception.

    Yields
    ------
    None
        While a table or a file is read.

    Examples
    --------
    >>> with naming_reconstructor():
    ...     raise ValueError("`Forecaster(freq='h', missing='mask')` takes absent rows as missing values.")
    Traceback (most recent call last):
    ValueError: `Reconstructor(freq='h')` takes absent rows as missing values.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        rule, mark, values = str(error).partition(" Received:")
        said = rule.replace(", with `Forecaster(missing='mask')`,", "").replace(", missing='mask')", ")")
        said = _FORECASTER.sub(lambda found: "Reconstructor" if found[1] == "F" else "reconstructor", said)
        if type(error) not in (TypeError, ValueError) or said == rule:
            raise
        raise type(error)(said + mark + values) from None
