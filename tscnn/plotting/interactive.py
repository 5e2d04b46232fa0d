"""The picture of a forecast to zoom in and to point at, by plotly."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tscnn.plotting.facets import Facet, Path, read_facets
from tscnn.plotting.figures import COLORS, place_times, unit_of
from tscnn.plotting.forecast import title_of

__all__ = ["plot_interactive"]

BAND = "rgba(213, 94, 0, {:.1f})"  # COLORS[1], paler


def plot_interactive(
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
) -> Any:
    """Draw what `plot_forecast` draws as a figure of plotly, to zoom in and to point at.

    Parameters
    ----------
    forecast, history, truth, columns, series, series_id, time, units, title : object
        As of `plot_forecast`.

    Returns
    -------
    plotly.graph_objects.Figure
        In a notebook make it the last line of a cell; ``figure.write_html("forecast.html")`` makes a page. Times of a
        zone are drawn with the offset from UTC of the first one, which the axis names, and shown as clocks show them.

    Raises
    ------
    ImportError
        If plotly isn't installed.
    TypeError, ValueError
        As of `plot_forecast`.
    """
    try:
        from plotly.subplots import make_subplots
    except ImportError as error:
        raise ImportError('Interactive pictures need plotly: pip install "tscnn[interactive]"') from error
    facets, n_all = read_facets(forecast, history, truth, columns, series, series_id, time)
    figure = make_subplots(len(facets), 1, shared_xaxes=True, subplot_titles=[facet.name for facet in facets])
    for row, facet in enumerate(facets, 1):
        for line in _lines_of(facet, row == 1):
            figure.add_scatter(**line, row=row, col=1)
        figure.update_yaxes(title_text=unit_of(units, facet.target), row=row, col=1)
    index = facets[0].paths[0].points.index
    zone = getattr(index, "tz", None)
    name = "" if zone is None else "UTC" if str(zone) == "UTC" else f"{zone}, UTC{index[0]:%z}"
    figure.update_xaxes(title_text=name, row=len(facets), col=1)
    height, said = 120 + 220 * len(facets), title_of(facets, n_all) if title is None else title
    return figure.update_layout(title=said, height=height, template="simple_white", hovermode="x unified")


def _lines_of(facet: Facet, named: bool) -> list[dict[str, Any]]:
    """Return the lines of one panel, as plotly's scatter takes them; of the first one named in the legend."""
    offset = facet.paths[0].points.index[:1]
    lines: list[dict[str, Any]] = []
    for number, path in enumerate(facet.paths):
        lines += _lines_of_path(path, offset, named and number == 0)
    if len(facet.observed):
        black = {"color": "black", "width": 1}
        lines.append(_line(facet.observed, offset, name="observed", line=black, showlegend=named))
    return lines


def _lines_of_path(path: Path, offset: pd.Index, named: bool) -> list[dict[str, Any]]:
    lines = []
    for number, (claim, ends) in enumerate(path.widest_first()):
        color = BAND.format(0.2 + 0.1 * number)
        for end, fill in zip(ends, (None, "tonexty"), strict=True):
            values = pd.Series(end, path.points.index)
            how = {"name": claim, "line": {"width": 0}, "fill": fill, "fillcolor": color, "legendgroup": claim}
            lines.append(_line(values, offset, **how, mode="lines", showlegend=named and fill is not None))
    line = {"color": COLORS[1], "width": 2}
    lines.append(_line(path.points, offset, name="forecast", line=line, legendgroup="forecast", showlegend=named))
    return lines


def _line(values: pd.Series, offset: pd.Index, **how: Any) -> dict[str, Any]:
    """Return a line of plotly over times, which has no zones: in UTC, moved by the offset of the first time."""
    at, index = place_times(values.index), values.index
    shown = [str(each) for each in index]
    if getattr(index, "tz", None) is not None:
        at = at + (offset[0].tz_localize(None) - offset[0].tz_convert("UTC").tz_localize(None)).to_numpy()
    return {"x": at, "y": values.to_numpy(float), "text": shown, "hovertemplate": "%{text}: %{y:.6g}", **how}
