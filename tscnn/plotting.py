"""Pictures of forecasts; needs matplotlib, the `plot` extra."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pandas as pd

from tscnn.common.checks import received
from tscnn.data.index import find_kind
from tscnn.data.values import as_float

__all__ = ["plot_forecast"]


def plot_forecast(
    forecast: pd.DataFrame,
    history: pd.DataFrame | None = None,
    truth: pd.DataFrame | None = None,
    columns: Any = None,
) -> Any:
    """Draw a forecast, the rows before it and what really happened, one panel a column.

    Parameters
    ----------
    forecast : DataFrame of shape (horizon, n_targets)
        Of `tscnn.Forecaster.predict`.
    history : DataFrame, optional
        Rows before the forecast, as many as shall be seen.
    truth : DataFrame, optional
        Rows that the forecast is about.
    columns : column name, or list of them, optional
        Panels to draw, default all columns of `forecast`.

    Returns
    -------
    matplotlib.figure.Figure
        Not shown: in a notebook make it the last line of a cell, elsewhere ``figure.savefig("forecast.png")``.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    TypeError, ValueError
        If a frame has no rows, other values than numbers, or another kind of index than `forecast`; or if `columns`
        names what that doesn't have.

    Examples
    --------
    >>> forecast = pd.DataFrame({"a": [1.0, 2.0]}, index=[10, 11])
    >>> len(plot_forecast(forecast).axes)
    1
    """
    try:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    except ImportError as error:
        raise ImportError('Pictures need matplotlib: python -m pip install "tscnn[plot]"') from error
    for name, frame in (("forecast", forecast), ("history", history), ("truth", truth)):
        _check_frame(name, frame, forecast)
    listed = columns if pd.api.types.is_list_like(columns) else [columns]
    names = list(forecast.columns if columns is None else listed)
    unknown = [name for name in names if name not in forecast.columns]
    if unknown or not names:
        raise ValueError(received(f"`columns` must name columns of {list(forecast.columns)}.", columns=columns))
    figure = _new_figure(figsize=(9, 1 + 1.7 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    lines = (("history", history, "0.55"), ("truth", truth, "black"), ("forecast", forecast, "tab:red"))
    for panel, name in zip(panels, names, strict=True):
        for label, frame, color in lines:
            if frame is not None and name in frame.columns:
                marker = "o" if len(frame) == 1 else None
                panel.plot(_drawable(frame.index), frame[name].to_numpy(), color=color, label=label, marker=marker)
        panel.set_title(str(name), loc="left", fontsize="medium")
        panel.spines[["top", "right"]].set_visible(False)
        panel.margins(x=0.01)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False)
    panels[-1].set_xlabel(_time_label(forecast.index))
    if isinstance(forecast.index, pd.DatetimeIndex | pd.PeriodIndex):
        dates = AutoDateLocator()
        panels[-1].xaxis.set_major_locator(dates)
        panels[-1].xaxis.set_major_formatter(ConciseDateFormatter(dates))
    return figure


def _check_frame(name: str, frame: Any, forecast: Any) -> None:
    """Complain about what can't be drawn beside a forecast."""
    if frame is None and name != "forecast":
        return
    if not isinstance(frame, pd.DataFrame) or not len(frame):
        raise TypeError(received(f"`{name}` must be a DataFrame of some rows.", **{name: frame}))
    if find_kind(frame.index) != find_kind(forecast.index):
        rule = f"`{name}` must be indexed as `forecast` is, by {find_kind(forecast.index)}."
        raise TypeError(received(rule, index=type(frame.index).__name__))
    as_float(frame[[column for column in frame.columns if column in forecast.columns]], "mask")


def _new_figure(**settings: Any) -> Any:
    """Make a figure that pyplot doesn't keep, and that a notebook shows as the last line of a cell all the same."""
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        def _repr_png_(self) -> bytes:
            picture = BytesIO()
            self.savefig(picture, format="png", dpi=80)
            return picture.getvalue()

    return ShownFigure(**settings)


def _drawable(index: pd.Index) -> Any:
    """Return what matplotlib can put on an axis: local times without zone, or numbers."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        return index.tz_localize(None).to_numpy()
    return index.to_numpy()


def _time_label(index: pd.Index) -> str:
    zone = getattr(index, "tz", None)
    name = "" if index.name is None else str(index.name)
    return f"{name} ({zone})" if zone is not None else name
