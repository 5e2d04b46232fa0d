"""What a picture of forecasts shows: a panel for each series and target, with what was observed and forecast."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received, show
from tscnn.data.index import find_kind
from tscnn.data.panel import split_panel
from tscnn.data.tables import read_table
from tscnn.data.values import as_float, list_some
from tscnn.evaluation.columns import ForecastColumns
from tscnn.evaluation.evaluate import read_backtest

__all__ = ["MOST_PANELS", "Facet", "Path", "read_facets"]

MOST_PANELS = 12  # that are drawn: what fits on a page. A convention
_FLAT = re.compile(r"(.+) (?:forecast|0?\.\d+|(?:lower|upper)(?: [\d.]+%)?)")
Frames = dict[Any, pd.DataFrame]  # by series; a single one by None
Bands = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Path:
    """A forecast of one target from one cutoff.

    Attributes
    ----------
    points : Series of shape (1 + horizon,) or (horizon,)
        The newest observation, where there is one, so that no gap is between it and the forecast; and the forecast.
    bands : dict of str to (ndarray, ndarray)
        Lower and upper ends of intervals at the same times, by what they claim, such as "80%".
    is_joined : bool
        Whether `points` begin with an observation.
    """

    points: pd.Series
    bands: Bands
    is_joined: bool

    def widest_first(self) -> list[tuple[str, Any]]:
        """List the intervals so that narrower ones are drawn over wider ones.

        Returns
        -------
        list of (str, (ndarray, ndarray))
            The items of `bands`.
        """
        return sorted(self.bands.items(), key=lambda band: float(np.mean(band[1][0] - band[1][1])))


@dataclass(frozen=True, eq=False)
class Facet:
    """What one panel shows.

    Attributes
    ----------
    name : str
        Of the target, and of the series where there are several.
    target : label
        Of the column.
    observed : Series
        Rows before the forecasts, and those that came true; maybe empty.
    paths : list of Path
        Forecasts, the oldest first; of a backtest those that don't overlap.
    """

    name: str
    target: Any
    observed: pd.Series
    paths: list[Path]


def read_facets(
    forecast: Any,
    history: Any = None,
    truth: Any = None,
    columns: Any = None,
    series: Any = None,
    series_id: Any = None,
    time: Any = None,
) -> tuple[list[Facet], int]:
    """Read what is to be drawn.

    Parameters
    ----------
    forecast, history, truth, columns, series, series_id, time : object
        Of `tscnn.plotting.plot_forecast`.

    Returns
    -------
    facets : list of Facet
        At most `MOST_PANELS`.
    n_all : int
        How many there would be without a limit.

    Raises
    ------
    TypeError, ValueError
        Naming the argument that breaks a rule.
    """
    forecast, history, truth = (_read_rows(rows, time) for rows in (forecast, history, truth))
    forecasts = _by_series("forecast", forecast, series_id)
    several = None not in forecasts
    names = _choose("series", series, list(forecasts)) if several else [None]
    if series is not None and not several:
        raise ValueError(received("`series` must be None: the forecast is of one series without name.", series=series))
    seen = [
        {} if rows is None else _by_series(name, rows, series_id, forecasts)
        for name, rows in (("history", history), ("truth", truth))
    ]
    known_columns = {column for rows in seen for frame in rows.values() for column in frame.columns}
    found: list[Facet] = []
    n_all = 0
    for name in names:
        table, bands = _take_apart(forecasts[name], known_columns)
        known = [
            _read_known(kind, rows.get(name), table) for kind, rows in zip(("history", "truth"), seen, strict=True)
        ]
        if several and (seen_rows := [rows for rows in known if rows is not None]):
            # Of many series a forecast says "time", whatever the index of their rows is called.
            table.index = table.index.set_names([*table.index.names[:-1], seen_rows[0].index.name])
        targets = _choose("columns", columns, list(table.columns))
        n_all += len(targets)
        for target in targets[: MOST_PANELS - len(found)]:
            title = str(target) if not several else str(name) if len(targets) == 1 else f"{name}: {target}"
            parts = [rows[target] for rows in known if rows is not None and target in rows.columns]
            own = {claim: [end[target] for end in ends] for claim, ends in bands.items()}
            found.append(_make_facet(title, target, table[target], own, parts))
    return found, n_all


def _make_facet(
    name: str, target: Any, points: pd.Series, bands: dict[str, list[pd.Series]], parts: list[pd.Series]
) -> Facet:
    is_backtest = "cutoff" in points.index.names[:-1]
    observed = pd.concat(parts) if parts else (points.droplevel("cutoff") if is_backtest else points).iloc[:0]
    observed = observed[~observed.index.duplicated(keep="last")].sort_index()
    if not is_backtest:
        return Facet(name, target, observed, [_join(observed[observed.index < points.index[0]], points, bands)])
    paths: list[Path] = []
    end: Any = None
    for cutoff, rows in points.groupby(level="cutoff").indices.items():
        own = points.iloc[rows].droplevel("cutoff")
        if end is None or own.index[0] > end:
            ends = {claim: [each.iloc[rows] for each in both] for claim, both in bands.items()}
            paths.append(_join(observed[observed.index <= cutoff], own, ends))
            end = own.index[-1]
    first = observed.index.searchsorted(paths[0].points.index[0])
    observed = observed.iloc[max(0, first - len(paths[0].points)) :]
    return Facet(name, target, observed[observed.index <= end], paths)


def _join(before: pd.Series, points: pd.Series, bands: dict[str, list[pd.Series]]) -> Path:
    """Begin a forecast at the newest observation."""
    newest = before.dropna().iloc[-1:].astype(float)
    joined = pd.concat([newest, points.astype(float)]) if len(newest) else points.astype(float)
    ends = {claim: [np.concatenate([newest, end]) for end in both] for claim, both in bands.items()}
    return Path(
        joined.rename_axis(points.index.name), {claim: (a, b) for claim, (a, b) in ends.items()}, len(newest) > 0
    )


def _by_series(name: str, given: Any, series_id: Any, forecasts: Frames | None = None) -> Frames:
    """Return the frames of each series, of a single one by None."""
    if isinstance(given, Mapping) and given:
        parts = {key: _as_frame(name, frame) for key, frame in given.items()}
    else:
        frame = _as_frame(name, given)
        level = frame.index.names[0] if frame.index.nlevels > 1 else "cutoff"
        if level != "cutoff":
            parts = {
                key: frame.iloc[rows].droplevel(0) for key, rows in frame.groupby(level=0, sort=False).indices.items()
            }
        elif series_id is not None and series_id in frame.columns:
            parts = split_panel(frame, series_id)
        else:
            parts = {None: frame}
    if forecasts is not None and (None in parts) != (None in forecasts):
        rule = f"`{name}` must tell its series as `forecast` does: a dict of frames, or `series_id` of a long frame."
        raise ValueError(received(rule, forecast=list_some(forecasts), **{name: list_some(parts)}))
    return parts


def _read_rows(rows: Any, time: Any) -> Any:
    """Return rows of any kind of table as frames of pandas, indexed by time; forecasts of many cutoffs by both."""
    if isinstance(rows, Mapping):
        return {name: _read_rows(own, time) for name, own in rows.items()}
    if isinstance(rows, pd.Series) or getattr(getattr(rows, "index", None), "nlevels", 1) > 1:
        return rows
    columns = getattr(rows, "column_names", None) or list(getattr(rows, "columns", ()))
    if any(name in ("cutoff", ("cutoff", "")) for name in columns[:2]):
        return read_backtest(rows)[0]
    return rows if rows is None else read_table(rows, time)[0]


def _as_frame(name: str, rows: Any) -> pd.DataFrame:
    if isinstance(rows, pd.Series):
        rows = rows.to_frame("" if rows.name is None else rows.name)
    if not isinstance(rows, pd.DataFrame) or not len(rows):
        raise TypeError(received(f"`{name}` must be a DataFrame of some rows.", **{name: rows}))
    return rows


def _read_known(name: str, rows: pd.DataFrame | None, table: pd.DataFrame) -> pd.DataFrame | None:
    """Check rows that were observed against a forecast."""
    if rows is None:
        return None
    if rows.shape[1] == table.shape[1] == 1 and rows.columns[0] == "":  # a Series without name
        rows = rows.set_axis(table.columns, axis=1)
    kind = find_kind(table.index.get_level_values(-1))
    if find_kind(rows.index) != kind:
        rule = f"`{name}` must be indexed as `forecast` is, by {kind}."
        raise TypeError(received(rule, index=type(rows.index).__name__))
    return as_float(rows[[column for column in table.columns if column in rows.columns]], "mask")


def _take_apart(forecast: pd.DataFrame, known: set[Any]) -> tuple[pd.DataFrame, dict[str, list[pd.DataFrame]]]:
    """Return points, or the quantiles in the middle, and the lower and upper ends of each interval.

    A column "users lower" of a table without levels stands for ("users", "lower"), unless `known` rows have it.
    """
    find_kind(forecast.index.get_level_values(-1))
    claimed, forecast = forecast.attrs.get("coverage"), as_float(forecast, "mask")
    if forecast.columns.nlevels == 1:
        parts = [_FLAT.fullmatch(str(name)) for name in forecast.columns]
        if not all(parts) or any(name in known for name in forecast.columns):
            return forecast, {}
        targets = [part[1] for part in parts if part]
    else:
        targets = forecast.columns.unique(0).tolist()
    columns = ForecastColumns.of(forecast.columns, targets, claimed)
    points = columns.points or [own[len(own) // 2] for own in columns.quantiles]
    bands = {
        f"{100 * level:.6g}%" if level else "interval": [
            forecast.iloc[:, list(at)].set_axis(columns.targets, axis=1) for at in zip(*ends, strict=True)
        ]
        for ends, level in columns.intervals.values()
    }
    return forecast.iloc[:, points].set_axis(columns.targets, axis=1), bands


def _choose(argument: str, given: Any, known: list[Any]) -> list[Any]:
    """Return names that are asked for, by default all."""
    if given is None:
        return known
    names = list(given) if isinstance(given, list | pd.Index) else [given]
    if not names or any(name not in known for name in names):
        if argument == "series":
            raise ValueError(received("`series` must be of those that there are.", series=given, known=known))
        raise ValueError(received(f"`columns` must name columns of {show(list_some(known), 200)}.", columns=given))
    return names
