"""Answers: forecasts as records of JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from tscnn.cli.output import flat_names
from tscnn.cli.times import TimeFormat

__all__ = ["to_json", "write_records", "write_times"]


def write_records(found: pd.DataFrame, form: TimeFormat | None, time: str, series: str) -> list[dict[str, Any]]:
    """Write forecasts as a list of records.

    Parameters
    ----------
    found : DataFrame
        Indexed by time, and before it by series where there are several.
    form : TimeFormat or None
        Of times; None for ISO 8601.
    time, series : str
        Names of what the index holds.

    Returns
    -------
    list of dict
        One a step, with the series first, if there are several, and the time; missing values are None.
    """
    index, names = found.index, [time, *flat_names(found.columns)]
    times, values = write_times(index.get_level_values(-1), form), found.to_numpy()
    if not (finite := np.isfinite(values)).all():
        values = np.where(finite, values, None)
    records = [dict(zip(names, (when, *line), strict=True)) for when, line in zip(times, values.tolist(), strict=True)]
    if index.nlevels == 1:
        return records
    labels = index.get_level_values(0).tolist()
    return [{series: label, **record} for label, record in zip(labels, records, strict=True)]


def write_times(times: pd.Index, form: TimeFormat | None) -> list[Any]:
    """Write times as those of a request.

    Parameters
    ----------
    times : Index
        Times, periods or integers.
    form : TimeFormat or None
        None for ISO 8601.

    Returns
    -------
    list of str, or of int
        As many.
    """
    if form is not None and isinstance(times, pd.DatetimeIndex | pd.PeriodIndex):
        return form.write(times.to_timestamp() if isinstance(times, pd.PeriodIndex) else times)
    if isinstance(times, pd.DatetimeIndex):
        return [when.isoformat() for when in times]
    return [str(when) for when in times] if isinstance(times, pd.PeriodIndex) else times.tolist()


def to_json(answer: Any) -> bytes:
    """Write an answer.

    Parameters
    ----------
    answer : object
        Of what JSON holds.

    Returns
    -------
    bytes
        One line.
    """
    return (
        json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
        + b"\n"
    )
