"""Columns of a frame of forecasts: points, quantiles and intervals of each target."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import received, show
from tscnn.data.values import list_some

__all__ = ["ForecastColumns", "name_columns"]

Intervals = dict[str, tuple[list[tuple[int, int]], float | None]]
_END = re.compile(r"(lower|upper)(?: (\d+(?:\.\d+)?)%)?")


def name_columns(targets: Iterable[Any], quantiles: Sequence[float] = (), coverage: Sequence[float] = ()) -> pd.Index:
    """Name the columns of forecasts that are more than points.

    Parameters
    ----------
    targets : Index, or iterable of labels
        Names of the targets.
    quantiles : sequence of float, default ()
        Levels, ascending.
    coverage : sequence of float, default ()
        Of intervals.

    Returns
    -------
    Index, or MultiIndex of two levels
        The targets, if there are neither quantiles nor intervals. Else of every target "forecast", a point, if there
        are intervals; the level of each quantile, a float; and "lower" and "upper", of several intervals
        "lower 80%", "upper 80%" and so on.

    Examples
    --------
    >>> name_columns(["users"], coverage=[0.9]).tolist()
    [('users', 'forecast'), ('users', 'lower'), ('users', 'upper')]
    >>> name_columns(["users"], quantiles=[0.1, 0.5], coverage=[0.8, 0.9]).tolist()[3:]
    [('users', 'lower 80%'), ('users', 'upper 80%'), ('users', 'lower 90%'), ('users', 'upper 90%')]
    """
    names = targets if isinstance(targets, pd.Index) else pd.Index(list(targets), tupleize_cols=False)
    if not len(quantiles) and not len(coverage):
        return names
    shares = [""] if len(coverage) == 1 else [f" {100 * each:.6g}%" for each in coverage]
    parts = ["forecast"] * bool(len(coverage)) + [float(level) for level in quantiles]
    parts += [f"{end}{share}" for share in shares for end in ("lower", "upper")]
    n_targets, n_parts = len(names), len(parts)
    codes = [np.repeat(np.arange(n_targets), n_parts), np.tile(np.arange(n_parts), n_targets)]
    return pd.MultiIndex(levels=[names, pd.Index(parts)], codes=codes, verify_integrity=False)


@dataclass(frozen=True)
class ForecastColumns:
    """Where the forecasts of each target are in a frame.

    Attributes
    ----------
    targets : list of labels
        In their order.
    points : list of int, or None
        Position of the column of each target; of the median where there are quantiles alone.
    levels : tuple of float
        Of the quantiles, ascending.
    quantiles : list of list of int
        Positions, by target and level.
    intervals : dict of str to (list of (int, int), float or None)
        Positions of lower and upper end by target, and the coverage that is claimed, by what distinguishes the interval
        in names: "" for one, else " 80%". Of quantiles alone those between two whose levels add up to 1.

    Examples
    --------
    >>> columns = ForecastColumns.of(name_columns(["a", "b"], coverage=[0.9]), ["a", "b", "c"])
    >>> columns.targets, columns.points, columns.intervals
    (['a', 'b'], [0, 3], {'': ([(1, 2), (4, 5)], None)})
    """

    targets: list[Any]
    points: list[int] | None
    levels: tuple[float, ...]
    quantiles: list[list[int]]
    intervals: Intervals

    @classmethod
    def of(cls, names: pd.Index, known: Sequence[Any], coverage: float | None = None) -> Self:
        """Read the names of columns.

        Parameters
        ----------
        names : Index
            Of `name_columns`; in a table without levels "users lower" stands for ("users", "lower").
        known : sequence of labels
            Columns of the frame with the outcomes.
        coverage : float, optional
            What intervals claim that are called "lower" and "upper".

        Returns
        -------
        ForecastColumns
            Where each is.

        Raises
        ------
        ValueError
            If a column is none of these, or targets have different ones.
        """
        found: dict[Any, dict[Any, int]] = {}
        for at, name in enumerate(names.tolist()):
            target, part = _split(name, known)
            found.setdefault(target, {})[part] = at
        parts = list(next(iter(found.values()), {}))
        for target, own in found.items():
            if list(own) != parts:
                rule = f"Every target must have the same columns, but {show(target)} has others than the first one."
                raise ValueError(received(rule, first=parts, others=list(own)))
        levels = tuple(sorted(part for part in parts if isinstance(part, float)))
        quantiles = [[own[level] for level in levels] for own in found.values()]
        intervals: Intervals = {}
        for part in parts:
            if isinstance(part, str) and part.startswith("lower"):
                share = part.removeprefix("lower")
                if f"upper{share}" not in parts:
                    raise ValueError(received(f"Beside {part!r} there must be 'upper{share}'.", columns=parts))
                ends = [(own[part], own[f"upper{share}"]) for own in found.values()]
                intervals[share] = ends, float(share.strip(" %")) / 100 if share else coverage
        if not intervals:
            intervals = _between(levels, quantiles)
        middle = "forecast" if "forecast" in parts else 0.5
        points = [own[middle] for own in found.values()] if middle in parts else None
        return cls(list(found), points, levels, quantiles, intervals)


def _split(name: Any, known: Sequence[Any]) -> tuple[Any, Any]:
    """Read the name of a column as a target and what of it is forecast."""
    if name in known:
        return name, "forecast"
    target, part = None, None
    if isinstance(name, tuple) and len(name) == 2:
        target, part = name
    elif isinstance(name, str):
        target = max((each for each in known if name.startswith(f"{each} ")), key=len, default=None)
        part = name[len(target) + 1 :] if target is not None else None
    level = _read_level(part)
    if target not in known or (level is None and part != "forecast" and not _END.fullmatch(str(part))):
        rule = "Columns of forecasts must be those of `df`, or (column, 'forecast'), (column, 0.9), (column, 'lower')"
        raise ValueError(received(f"{rule} and (column, 'upper').", column=name, df=list_some(known)))
    return target, part if level is None else level


def _read_level(part: Any) -> float | None:
    """Return the level of a quantile, or None."""
    try:
        level = float(part)
    except (TypeError, ValueError):
        return None
    return level if 0 < level < 1 else None


def _between(levels: tuple[float, ...], quantiles: list[list[int]]) -> Intervals:
    """Pair quantiles whose levels add up to 1, the innermost first."""
    pairs: Intervals = {}
    for i, j in itertools.combinations(range(len(levels)), 2):
        if math.isclose(levels[i] + levels[j], 1):
            coverage = float(np.round(levels[j] - levels[i], 10))
            pairs[f" {100 * coverage:.6g}%"] = [(own[i], own[j]) for own in quantiles], coverage
    return dict(reversed(pairs.items()))
