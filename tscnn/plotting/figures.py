"""Figures of matplotlib: made, given colours and dates, and saved."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received

__all__ = [
    "COLORS",
    "DASHES",
    "add_title",
    "grid_of",
    "label_times",
    "make_panels",
    "need_matplotlib",
    "open_figure",
    "place_times",
    "save_picture",
    "unit_of",
]

# Okabe and Ito (2008), Color universal design; the first two differ most in grey, too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":", "-.")


def need_matplotlib() -> Any:
    """Import matplotlib.

    Returns
    -------
    module
        ``matplotlib.pyplot``.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    """
    try:
        import_module("matplotlib.figure")
        return import_module("matplotlib.pyplot")
    except ImportError as error:
        raise ImportError('Pictures need matplotlib: python -m pip install "tscnn[plot]"') from error


def open_figure(figure: Any, size: tuple[float, float]) -> Any:
    """Return a figure to draw in.

    Parameters
    ----------
    figure : matplotlib Figure or SubFigure, or None
        Of the user; None makes one of pyplot.
    size : (float, float)
        Width and height in inches of a figure that is made.

    Returns
    -------
    Figure or SubFigure
        As given, or new.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    TypeError
        If `figure` is something else.
    """
    pyplot = need_matplotlib()
    if figure is None:
        return pyplot.figure(figsize=size, layout="constrained")
    if not hasattr(figure, "subfigures"):
        rule = "`figure` must be a Figure or SubFigure of matplotlib, or None; of Axes it is `ax.figure`."
        raise TypeError(received(rule, figure=figure))
    return figure


def make_panels(figure: Any, shape: tuple[int, int], size: tuple[float, float], *, n: int | None = None) -> np.ndarray:
    """Make the Axes of a picture.

    Parameters
    ----------
    figure : matplotlib Figure or SubFigure, or None
        To draw in; None makes one of pyplot.
    shape : (int, int)
        Rows and columns of panels. Panels in one column share their horizontal axis.
    size : (float, float)
        Width and height in inches of a figure that is made.
    n : int, optional
        Panels, default all of `shape`; those of the last row that are left over are not made.

    Returns
    -------
    ndarray of Axes, of shape (n,)
        Row by row.

    Raises
    ------
    TypeError
        If `figure` is something else.
    """
    figure = open_figure(figure, size)
    axes = figure.subplots(*shape, sharex="col" if shape[1] == 1 else False, squeeze=False).ravel()
    n = len(axes) if n is None else n
    for panel in axes[n:]:
        panel.remove()
    for panel in axes[:n]:
        panel.spines[["top", "right"]].set_visible(False)
    return np.asarray(axes[:n])


def grid_of(n: int) -> tuple[int, int]:
    """Return rows and columns for a number of small multiples.

    Parameters
    ----------
    n : int
        Panels.

    Returns
    -------
    (int, int)
        One column of up to four, else two, or three of more than eight.
    """
    columns = 1 if n <= 4 else 2 if n <= 8 else 3
    return math.ceil(n / columns), columns


def place_times(index: pd.Index) -> np.ndarray:
    """Return where the entries of an index lie on an axis.

    Parameters
    ----------
    index : Index
        Of times, periods or integers.

    Returns
    -------
    ndarray of shape (n,)
        Times of a zone are counted in UTC, so that an hour that a clock shows twice is drawn twice; periods lie at
        their starts.
    """
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex) and index.tz is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    return np.asarray(index.to_numpy())


def label_times(panel: Any, index: pd.Index, most_ticks: int = 7) -> None:
    """Label the horizontal axis of a panel: with clock times of the zone of an index, or whole numbers.

    Parameters
    ----------
    panel : Axes
        Drawn at `place_times`.
    index : Index
        Of what is drawn.
    most_ticks : int, default 7
        Labels at most.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    zone = getattr(index, "tz", None)
    name = "" if index.name is None else str(index.name)
    panel.set_xlabel(f"{name} ({zone})" if zone is not None else name)
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        dates = AutoDateLocator(tz=zone, minticks=most_ticks // 2, maxticks=most_ticks)
        panel.xaxis.set_major_locator(dates)
        panel.xaxis.set_major_formatter(ConciseDateFormatter(dates, tz=zone))
    else:
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))


def add_title(panels: np.ndarray, title: str, *, legend: bool = True) -> None:
    """Write the title of a picture, with a legend of what its first panel shows beside it.

    Parameters
    ----------
    panels : ndarray of Axes
        Of the picture.
    title : str
        Nothing is written if it is empty.
    legend : bool, default True
        Whether there is a legend.
    """
    figure = panels.flat[0].figure
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize="large")
    handles, labels = panels.flat[0].get_legend_handles_labels()
    if legend and handles:
        figure.legend(
            handles, labels, loc="outside upper right", ncols=min(len(labels), 7), frameon=False, fontsize="small"
        )


def unit_of(units: Any, target: Any) -> str:
    """Return the unit of a target.

    Parameters
    ----------
    units : str, dict of str by column, or None
        Of the user.
    target : label
        Of the column.

    Returns
    -------
    str
        Empty if there is none.
    """
    unit = units.get(target) if isinstance(units, dict) else units
    return "" if unit is None else str(unit)


def save_picture(axes: Any, file: Any, format: str = "png") -> None:
    """Save the figure of some Axes, and have pyplot forget it.

    Parameters
    ----------
    axes : Axes, or ndarray of them
        Of a function of this room.
    file : path or file
        To write to.
    format : str, default "png"
        What matplotlib writes: "png", "svg", "pdf".
    """
    figure = np.ravel(axes)[0].figure
    figure.savefig(file, format=format, dpi=100)
    need_matplotlib().close(figure)
