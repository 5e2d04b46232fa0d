"""Times as text: the format that they come in is found, and they are written back in it."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import received

__all__ = ["TimeFormat"]

_TEXT = re.compile(
    r"(?P<date>\d{4}(?P<s>[-/.])\d{1,2}(?:(?P=s)\d{1,2})?|\d{1,2}(?P<t>[-/.])\d{1,2}(?P=t)\d{4}|\d{8})"
    r"(?:(?P<join>[ T])(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:\.(?P<fraction>\d{1,9}))?)?)(?P<half> ?[AaPp][Mm])?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?)?"
)


@dataclass(frozen=True)
class TimeFormat:
    """How times are written.

    Attributes
    ----------
    pattern : str
        Of `strftime`, without the offset from UTC.
    zone : str, default ""
        What an offset looks like: "Z", "+00:00" or "+0000"; "" for none.
    digits : int, default 0
        Of the fraction of a second.
    is_padded : (bool, bool), default (True, True)
        Whether days and months below ten, and hours, have two digits.

    Examples
    --------
    >>> form = TimeFormat.find(["28.3.2026 05:00", "28.3.2026 06:00"])
    >>> form.pattern
    '%d.%m.%Y %H:%M'
    >>> form.write(form.read(["28.3.2026 07:00"]))
    ['28.3.2026 07:00']
    """

    pattern: str
    zone: str = ""
    digits: int = 0
    is_padded: tuple[bool, bool] = (True, True)

    @classmethod
    def find(cls, texts: Sequence[str], *, compact: bool = True) -> Self | None:
        """Find the format of times.

        Parameters
        ----------
        texts : sequence of str
            Times, all in one format.
        compact : bool, default True
            Whether eight digits are a date, 20260328.

        Returns
        -------
        TimeFormat or None
            None if they are no times.

        Raises
        ------
        ValueError
            If day and month can't be told apart.
        """
        found = [_TEXT.fullmatch(text.strip()) for text in texts]
        if not found or not all(found) or found[0] is None:
            return None
        first = found[0]
        if first["date"].isdigit() and not compact:
            return None
        days, clocks = [each["date"] for each in found if each], [each["clock"] or "10" for each in found if each]
        digits = len(first["fraction"] or "")
        style = re.sub(r"\d{2}", "00", re.sub("-(?=.)", "+", first["zone"] or ""))
        padded = (not any(re.search(r"(?<!\d)\d(?!\d)", day) for day in days), not any(c[1] == ":" for c in clocks))
        fitting = []
        for date in _date_patterns(first):
            form = cls(date + _clock_pattern(first), style, digits, padded)
            with contextlib.suppress(ValueError):
                form.read(texts)
                fitting.append(form)
        if len(fitting) == 2:
            either = " or ".join(f"`--time-format '{form.pattern}'`" for form in fitting)
            rule = f"Times must tell days from months, here {either} does"
            raise ValueError(received(f"{rule}.", first=texts[0], last=texts[-1]))
        return fitting[0] if fitting else None

    def read(self, texts: Iterable[str]) -> pd.DatetimeIndex:
        """Read times.

        Parameters
        ----------
        texts : iterable of str
            Times in this format.

        Returns
        -------
        DatetimeIndex
            In UTC if their offsets differ.

        Raises
        ------
        ValueError
            Naming the first that is none.
        """
        stripped, form = pd.Index([text.strip() for text in texts], dtype=object), self.pattern
        form += (" %z" if self.zone.startswith(" ") else "%z") if self.zone else ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of offsets that differ
                read = pd.to_datetime(stripped, format=form)
            if isinstance(read, pd.DatetimeIndex):
                return read
        except ValueError as error:
            if "utc=True" not in str(error):
                bad = next((text for text in stripped if not self._can_read(text, form)), stripped[0])
                rule = "Times must have one format, and each row its own; `--time-format` tells another one."
                raise ValueError(received(rule, format=form, time=bad)) from None
        return pd.to_datetime(stripped, format=form, utc=True)

    @staticmethod
    def _can_read(text: str, form: str) -> bool:
        with contextlib.suppress(ValueError, TypeError):
            return not pd.isna(pd.to_datetime(text, format=form))
        return False

    def write(self, times: pd.DatetimeIndex) -> list[str]:
        """Write times.

        Parameters
        ----------
        times : DatetimeIndex
            Of `read`, or later.

        Returns
        -------
        list of str
            In this format.
        """
        if (unit := _ISO.get(self)) is not None:
            local = times if times.tz is None else times.tz_localize(None)
            iso: list[str] = np.datetime_as_string(local.to_numpy(), unit, casting="unsafe").tolist()
            return iso if "T" in self.pattern else [text.replace("T", " ") for text in iso]
        texts, written = times.strftime(self.pattern), []
        if self == TimeFormat(self.pattern):
            return texts.tolist()
        for text, offset in zip(texts, times.strftime("%z"), strict=True):
            own = text[: len(text) - 6 + self.digits] if 0 < self.digits < 6 else text
            date, join, clock = re.fullmatch(r"([^ T]*)([ T]?)(.*)", own, re.DOTALL).groups()  # type: ignore[union-attr]
            if not self.is_padded[0]:
                date = re.sub(r"(?<!\d)0(\d)(?!\d)", r"\1", date)
            if not self.is_padded[1]:
                clock = re.sub(r"^0(\d:)", r"\1", clock)
            written.append(f"{date}{join}{clock}{self._write_offset(offset)}")
        return written

    def _write_offset(self, offset: str) -> str:
        if not self.zone or (self.zone.endswith("Z") and offset in ("", "+0000")):
            return self.zone
        text = f"{offset[:3]}:{offset[3:]}" if ":" in self.zone or self.zone.endswith("Z") else offset
        return f" {text}" if self.zone.startswith(" ") else text


# Formats that NumPy writes faster than pandas: the unit of the last number of each.
_CLOCKS: dict[str, Literal["D", "m", "s"]] = {"": "D", "{}%H:%M": "m", "{}%H:%M:%S": "s"}
_ISO = {TimeFormat("%Y-%m-%d" + clock.format(mark)): unit for clock, unit in _CLOCKS.items() for mark in " T"}


def _date_patterns(found: re.Match[str]) -> list[str]:
    """Return what the date of a text may be."""
    date = found["date"]
    if date.isdigit():
        return ["%Y%m%d"]
    if mark := found["s"]:
        return [f"%Y{mark}%m{mark}%d" if date.count(mark) == 2 else f"%Y{mark}%m"]
    mark = found["t"]
    return [f"%d{mark}%m{mark}%Y", *([] if mark == "." else [f"%m{mark}%d{mark}%Y"])]


def _clock_pattern(found: re.Match[str]) -> str:
    clock = found["clock"]
    if clock is None:
        return ""
    hour = "%I" if found["half"] else "%H"
    pattern = f"{found['join']}{hour}:%M{':%S' if clock.count(':') == 2 else ''}{'.%f' if found['fraction'] else ''}"
    return pattern + ("%p" if found["half"] else "").rjust(len(found["half"] or ""))
