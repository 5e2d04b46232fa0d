"""What a clock shows at the times of an index, and where it is set forward or back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received, show

__all__ = ["check_zone", "clock_times", "is_calendar", "localize", "wall_times"]


def is_calendar(step: Any, index: pd.Index) -> bool:
    """Say whether steps are days, weeks or months of a calendar, whatever the hours of a day."""
    tick = isinstance(step, pd.offsets.Tick) and not isinstance(step, pd.offsets.Day)
    return isinstance(index, pd.DatetimeIndex) and not tick


def clock_times(index: pd.Index, step: Any) -> pd.Index:
    """Return what a clock shows at the rows, if the step is one of the calendar: either of two midnights is one."""
    return index.tz_localize(None) if is_calendar(step, index) else index


def wall_times(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return what a clock shows at the rows; at a time that a clock change left out, what it would have shown."""
    local = index.tz_localize(None)
    if index.tz is None:
        return local
    days = local.normalize()
    # One row doesn't tell its usual time of day; midnight is the time that calendars are left without.
    usual = (pd.Series(local - days).mode() if len(index) > 1 else local - local)[0]
    return local.where(localize(days + usual, index.tz) != index, days + usual)


def check_zone(index: pd.Index, zone: Any) -> None:
    """Complain about times of another zone than that of training, whose hours and days the calendar was learnt by."""
    own = getattr(index, "tz", None)
    if own is None or zone is None or str(own) == str(zone):
        return
    if not index.tz_localize(None).equals(index.tz_convert(zone).tz_localize(None)):
        rule = "The index must have the time zone of training, by which the calendar was learnt;"
        raise ValueError(received(f"{rule} `X.tz_convert({show(str(zone))})` does that.", tz=str(own)))


def localize(local: pd.DatetimeIndex, zone: Any) -> pd.DatetimeIndex:
    """Give times of a clock their zone: the first of two, and the first moment after a change for none."""
    first = np.ones(len(local), dtype=bool)
    return local.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
