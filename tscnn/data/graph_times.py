"""What is known of a time before it comes, in the operations of a framework: `tscnn.data.times` for exported models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from tscnn.data.calendar import CYCLES, HOLIDAYS, KINDS

__all__ = ["GraphTimes", "lists_holidays"]

DAY = 86_400  # seconds
MONTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int32)


@dataclass(frozen=True, eq=False)
class GraphTimes:
    """Times of the rows of a batch of windows, or of the steps after them.

    Numbers are those of `tscnn.data.calendar`. All but the last steps are integers, so that float32 loses nothing.

    Attributes
    ----------
    ops : module
        ``keras.ops``, or what has its names.
    clock : tensor of shape (batch, n_times, 2), int32, or None
        Days since 1970-01-01, and seconds since midnight, as clocks show them where the data are from.
    covariates : tensor of shape (batch, n_times, n_covariates), or None
        As of `Times`.
    series : tensor of shape (batch,), int32, or None
        Which series of those of training.
    """

    ops: Any
    clock: Any = None
    covariates: Any = None
    series: Any = None

    def __getitem__(self, at: slice) -> Self:
        """Take some of the times of every window."""
        clock, covariates = (None if one is None else one[:, at] for one in (self.clock, self.covariates))
        return replace(self, clock=clock, covariates=covariates)

    def of_series(self, table: np.ndarray, dtype: Any) -> Any:
        """Return the entries of a table that are those of each window.

        Parameters
        ----------
        table : ndarray of shape (n,), or (n_series, n)
            Of one series, or of many.
        dtype : dtype
            Of the result.

        Returns
        -------
        ndarray of shape (n,), or tensor of shape (batch, 1, n)
            Of the series of each window.
        """
        found = table if table.ndim == 1 else self.ops.take(table, self.series, axis=0)[:, None]
        return self.ops.cast(found, dtype)

    def features(self, names: Sequence[str]) -> Any:
        """Describe times by numbers, as `calendar_features` does.

        Parameters
        ----------
        names : sequence of str
            Of `check_calendar`, at least one; no holidays.

        Returns
        -------
        tensor of shape (batch, n_times, n_features), float32
            Of the same numbers.
        """
        parts = []
        for name in names:
            if name in CYCLES:
                parts.append(self.waves(name, CYCLES[name]))
            elif name in KINDS:
                parts.append(self.ops.take(np.eye(KINDS[name], dtype=np.float32), self._number(name), axis=0))
            else:
                parts.append(self._flag(self._is(name)))
        return self.ops.concatenate(parts, axis=-1)

    def waves(self, cycle: str, n_harmonics: int) -> Any:
        """Return cosines and sines of the phase of a cycle, as `waves` does.

        Parameters
        ----------
        cycle : {"minute", "hour", "monthday", "yearday"}
            Position in the hour, the day, the month or the year.
        n_harmonics : int
            Waves in a cycle, at most.

        Returns
        -------
        tensor of shape (batch, n_times, 2 * n_harmonics), float32
            Two for each harmonic.
        """
        ops, seconds = self.ops, self.clock[:, :, 1]
        if cycle == "minute":
            at, length = ops.mod(seconds, 3600), 3600
        elif cycle == "hour":
            at, length = seconds, DAY
        elif cycle == "monthday":
            month, day, leap = (self._date()[name] for name in ("month", "day", "leap"))
            length = (ops.take(MONTHS, month, axis=0) + ops.where(ops.equal(month, 1), leap, 0)) * DAY
            at = day * DAY + seconds
        else:
            at, length = self.of_year()
        angles = []
        for k in range(1, n_harmonics + 1):
            part = ops.cast(ops.mod(at * k, length), "float32") / ops.cast(length, "float32")
            angles.append(part * np.float32(2 * np.pi))
        return ops.stack([wave(angle) for angle in angles for wave in (ops.cos, ops.sin)], axis=-1)

    def of_year(self, unit: int = 1) -> tuple[Any, Any]:
        """Return the time since the year began, and the length of the year.

        Parameters
        ----------
        unit : int, default 1
            Seconds; what is left of one is dropped.

        Returns
        -------
        tensor of shape (batch, n_times), int32
            Twice.
        """
        date, n_units = self._date(), DAY // unit
        return date["yearday"] * n_units + self.ops.floor_divide(self.clock[:, :, 1], unit), (
            date["leap"] + 365
        ) * n_units

    def rest_days(self) -> Any:
        """Tell working days from others, as `rest_days` does where no holidays are listed.

        Returns
        -------
        tensor of shape (batch, n_times), int32
            0 for working days, 1 for Saturdays, 2 for Sundays.
        """
        return self.ops.maximum(self._number("weekday") - 4, 0)

    def positions(self, cycle: str, n_positions: int) -> Any:
        """Return the position of times in a season, as `season_positions` does.

        Parameters
        ----------
        cycle : {"hour", "weekday", "month", "quarter"}
            Of `find_cycle`.
        n_positions : int
            Rows of a season.

        Returns
        -------
        tensor of shape (batch, n_times), int32
            From 0 to n_positions - 1.
        """
        if cycle == "hour":
            return self.ops.floor_divide(self.clock[:, :, 1] * n_positions, DAY)
        return self.ops.mod(self._number(cycle), n_positions)

    def _number(self, name: str) -> Any:
        """Return the number of the day in the week, Monday first, or of the month or quarter in the year, from 0."""
        if name == "weekday":
            return self.ops.mod(self.clock[:, :, 0] + 3, 7)
        month = self._date()["month"]
        return month if name == "month" else self.ops.floor_divide(month, 3)

    def _is(self, name: str) -> Any:
        if name in ("weekend", "working day"):
            return (self.rest_days() > 0) if name == "weekend" else self.ops.equal(self.rest_days(), 0)
        date, later = self._date(), replace(self, clock=self.clock + np.array([1, 0], np.int32))
        return self.ops.equal((date if name == "month start" else later._date())["day"], 0)

    def _flag(self, found: Any) -> Any:
        return self.ops.cast(found, "float32")[:, :, None]

    def _date(self) -> dict[str, Any]:
        """Return month, day of the month and of the year, from 0, and 1 for a leap year: by Hinnant's algorithm [1]_.

        References
        ----------
        .. [1] Hinnant (2013), chrono-Compatible Low-Level Date Algorithms, `civil_from_days`.
        """
        divide, where = self.ops.floor_divide, self.ops.where
        days = self.clock[:, :, 0] + 719_468  # since March 1st of the year 0
        era = divide(days, 146_097)  # of 400 years
        of_era = days - era * 146_097
        year = divide(of_era - divide(of_era, 1460) + divide(of_era, 36_524) - divide(of_era, 146_096), 365)
        of_year = of_era - (year * 365 + divide(year, 4) - divide(year, 100))  # which begins in March
        month = divide(of_year * 5 + 2, 153)
        in_next = of_year >= 306  # January and February belong to the next year
        year = year + where(in_next, 1, 0)
        by_four, by_hundred, by_all = (self.ops.equal(self.ops.mod(year, n), 0) for n in (4, 100, 400))
        leap = where(by_all, 1, where(by_hundred, 0, where(by_four, 1, 0)))
        return {
            "month": where(in_next, month - 10, month + 2),
            "day": of_year - divide(month * 153 + 2, 5),
            "yearday": where(in_next, of_year - 306, of_year + leap + 59),
            "leap": leap,
        }


def lists_holidays(names: Sequence[str]) -> bool:
    """Tell whether a calendar has holidays, which no graph knows.

    Parameters
    ----------
    names : sequence of str
        Of `check_calendar`.

    Returns
    -------
    bool
        Whether any is one of holidays.
    """
    return any(name.startswith(HOLIDAYS) for name in names)
