"""What an audit found: a line for each check."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import pandas as pd

__all__ = ["Audit", "Finding"]

WIDTH = 118  # of the printed table, a convention


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check : str
        What is to be so.
    passed : bool or None
        None where the check does not apply.
    figure : float
        What was measured; NaN where nothing was.
    measured : str
        The same in words.
    advice : str
        What to do, kept only where it fails.
    """

    check: str
    passed: bool | None
    figure: float
    measured: str
    advice: str = ""

    def __post_init__(self) -> None:
        """Drop the advice of what needs none."""
        if self.passed is not False:
            object.__setattr__(self, "advice", "")

    @property
    def result(self) -> str:
        """Name the outcome.

        Returns
        -------
        str
            "pass", "fail" or "not applicable".
        """
        return {True: "pass", False: "fail", None: "not applicable"}[self.passed]


@dataclass(frozen=True)
class Audit:
    """All findings about one model; printed, a table.

    Attributes
    ----------
    findings : tuple of Finding
        One a check.

    Examples
    --------
    >>> audit = Audit((Finding("rain follows clouds", False, 0.5, "on 5 of 10 days", "look up"),))
    >>> audit.passed
    False
    >>> print(audit)
    FAIL  rain follows clouds  on 5 of 10 days
                               -> look up
    0 passed, 1 failed, 0 not applicable
    """

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed.

        Returns
        -------
        bool
            Checks that do not apply do not count.
        """
        return all(each.passed is not False for each in self.findings)

    @property
    def frame(self) -> pd.DataFrame:
        """Lay out the findings.

        Returns
        -------
        DataFrame
            Indexed by "check": "result" ("pass", "fail", "not applicable"), "figure", "measured", and "advice" for
            what fails.
        """
        names = ["check", "result", "figure", "measured", "advice"]
        rows = [[getattr(each, name) for name in names] for each in self.findings]
        return pd.DataFrame(rows, columns=names).set_index("check")

    def __str__(self) -> str:
        """Write a table, with advice below what failed."""
        marks, wide = {True: "pass", False: "FAIL", None: "n/a"}, max(map(len, self.frame.index), default=0)
        room, lines = max(40, WIDTH - wide - 8), []
        for each in self.findings:
            told = textwrap.wrap(each.measured, room)
            if each.advice:
                told += textwrap.wrap(f"-> {each.advice}", room, subsequent_indent="   ")
            heads = [f"{marks[each.passed]:<4}  {each.check:<{wide}}", *[" " * (wide + 6)] * (len(told) - 1)]
            lines += [f"{head}  {text}".rstrip() for head, text in zip(heads, told, strict=True)]
        n = [sum(each.passed is outcome for each in self.findings) for outcome in marks]
        return "\n".join([*lines, f"{n[0]} passed, {n[1]} failed, {n[2]} not applicable"])

    __repr__ = __str__
