"""The picture of a forecast, or of many: the rows before, intervals, and what came true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tscnn.plotting.facets import Facet, Path, read_facets
from tscnn.plotting.figures import (
    COLORS,
    add_title,
    grid_of,
    label_times,
    make_panels,
    need_matplotlib,
    place_times,
    unit_of,
)

__all__ = ["plot_forecast", "title_of"]

FORECAST, OBSERVED = COLORS[1], "black"


def plot_forecast(
    forecast: Any,
    history: Any = None,
    truth: Any = None,
    columns: Any = None,
    *,
    series: Any = None,
    series_id: Any = None,
    time: Any = None,
    units: Any = None,
    title: str | None = None,
    figure: Any = None,
) -> np.ndarray:
    """Draw forecasts with their intervals and what was observed, a panel for each target and series.

    Parameters
    ----------
    forecast : DataFrame, Series or Table
        Of `tscnn.Forecaster.predict`, also with ``coverage=`` or quantiles; or of `tscnn.Forecaster.backtest`, of which
        the forecasts are drawn that don't overlap.
    history : DataFrame, Series, Table, or dict of them by series, optional
        Rows before the forecast, as many as shall be seen. The forecast is drawn from its newest row on.
    truth : DataFrame, Series, Table, or dict of them by series, optional
        Rows that the forecast is about; of a backtest all there are.
    columns : column name, or list of them, optional
        Targets to draw, default all; 12 panels at most.
    series : series name, or list of them, optional
        Of many series, default all of them.
    series_id : column name, optional
        Of the column of long frames that tells the series.
    time : column name, optional
        Of the column of times; default the index of frames of pandas. Tables of polars and pyarrow need one.
    units : str, or dict of str by column, optional
        Written at the vertical axis.
    title : str, optional
        Default says how many steps are forecast, and from where; "" is none.
    figure : matplotlib Figure or SubFigure, optional
        To draw in; default a new one of pyplot.

    Returns
    -------
    ndarray of Axes, of shape (n_panels,)
        ``axes[0].figure`` is the figure.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    TypeError, ValueError
        If a frame has no rows, other values than numbers, or another kind of index than `forecast`; or if `columns` or
        `series` name what that doesn't have.

    Examples
    --------
    >>> forecast = pd.DataFrame({"a": [1.0, 2.0]}, index=[10, 11])
    >>> len(plot_forecast(forecast))
    1
    """
    need_matplotlib()
    facets, n_all = read_facets(forecast, history, truth, columns, series, series_id, time)
    rows, width = grid_of(len(facets))
    panels = make_panels(figure, (rows, width), (9 if width < 3 else 12, 1.2 + 1.8 * rows), n=len(facets))
    for panel, facet in zip(panels, facets, strict=True):
        _draw_facet(panel, facet)
        panel.set_title(facet.name, loc="left", fontsize="medium")
        panel.set_ylabel(unit_of(units, facet.target))
        label_times(panel, facet.paths[0].points.index, 7 if width == 1 else 5)
    panels[-1].figure.supxlabel(panels[-1].get_xlabel(), fontsize="medium")
    for panel in panels:
        panel.set_xlabel("")
    add_title(panels, title_of(facets, n_all) if title is None else title)
    return panels


def title_of(facets: list[Facet], n_all: int) -> str:
    """Say what a picture of forecasts shows.

    Parameters
    ----------
    facets : list of Facet
        Its panels.
    n_all : int
        Panels that there would be without a limit.

    Returns
    -------
    str
        Such as "24 steps after 2013-01-15 12:00".
    """
    paths = facets[0].paths
    first, steps = paths[0], len(paths[0].points) - paths[0].is_joined
    said = f"{steps} step{'s'[: steps != 1]}"
    if len(paths) > 1:
        said = f"{len(paths)} forecasts of {said}"
    said += f" {'after' if first.is_joined else 'from'} {_say_time(first.points.index)}"
    return said if n_all == len(facets) else f"{said}; {len(facets)} of {n_all} panels"


def _say_time(index: pd.Index) -> str:
    """Write the first entry of an index, without the time of the day if all are at midnight."""
    if not isinstance(index, pd.DatetimeIndex):
        return f"row {index[0]}" if pd.api.types.is_integer_dtype(index.dtype) else str(index[0])
    return f"{index[0]:%Y-%m-%d}" if (index == index.normalize()).all() else f"{index[0]:%Y-%m-%d %H:%M}"


def _draw_facet(panel: Any, facet: Facet) -> None:
    """Draw what was observed, a black line, and forecasts over it."""
    if len(facet.observed):
        at, mark = place_times(facet.observed.index), _mark(len(facet.observed))
        panel.plot(at, facet.observed.to_numpy(float), color=OBSERVED, lw=1, marker=mark, label="observed")
    for number, path in enumerate(facet.paths):
        _draw_path(panel, path, named=number == 0)
    if len(facet.paths) == 1 and facet.paths[0].is_joined:
        panel.axvline(place_times(facet.paths[0].points.index)[0], color="0.6", lw=0.8, ls=":", zorder=0)
    panel.margins(x=0.01)


def _draw_path(panel: Any, path: Path, *, named: bool) -> None:
    at = place_times(path.points.index)
    for number, (claim, ends) in enumerate(path.widest_first()):
        draw, width = (panel.vlines, 5) if len(at) == 1 else (panel.fill_between, 0)
        draw(at, *ends, color=FORECAST, alpha=0.2 + 0.1 * number, lw=width, label=claim if named else None)
    n_steps = len(at) - path.is_joined
    (line,) = panel.plot(at, path.points.to_numpy(), color=FORECAST, lw=2, label="forecast" if named else None)
    if n_steps == 1 or not named:  # a point to see; of many forecasts where each begins
        line.set(marker="o", markersize=4, markevery=[len(at) - 1 if n_steps == 1 else 0])


def _mark(n: int) -> str | None:
    return "o" if n == 1 else None
