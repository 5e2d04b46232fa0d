"""Errors of what reconstructors share with forecasters, in terms of a reconstructor."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

__all__ = ["naming_reconstructor"]


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
        said = str(error).replace(", with `Forecaster(missing='mask')`,", "").replace(", missing='mask')", ")")
        said = said.replace("Forecaster", "Reconstructor").replace("forecaster", "reconstructor")
        if type(error) not in (TypeError, ValueError) or said == str(error):
            raise
        raise type(error)(said) from None
