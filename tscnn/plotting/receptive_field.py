"""The picture of a receptive field: the taps of the layers, and how much each row counts in a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tscnn.common.checks import received
from tscnn.data.values import list_some
from tscnn.network.receptive_field import find_holes, receptive_field
from tscnn.plotting.figures import COLORS, add_title, make_panels, need_matplotlib

__all__ = ["plot_receptive_field"]

WIDEST = 2000  # rows: more taps than anyone can see


def plot_receptive_field(
    layers: Sequence[Sequence[int]],
    explanation: Any = None,
    target: Any = None,
    *,
    title: str | None = None,
    figure: Any = None,
) -> np.ndarray:
    """Draw the taps by which the newest output of a stack reaches the rows; beside it how much each row counts.

    Parameters
    ----------
    layers : sequence of (kernel_size, dilation_rate) or (kernel_size, dilation_rate, stride)
        As for `tscnn.receptive_field`, of at most 2,000 rows: of a forecaster ``forecaster.config_.layers``.
    explanation : Explanation, optional
        Of `tscnn.Forecaster.explain`: its effective receptive field is drawn in a second panel, the mean size over
        the steps of what each row adds to the forecast (of the network gradient times input). That is of all terms,
        linear ones too.
    target : column name, optional
        Which forecast is explained, default the first.
    title : str, optional
        Default says how many rows are seen; "" is none.
    figure : matplotlib Figure or SubFigure, optional
        To draw in; default a new one of pyplot.

    Returns
    -------
    ndarray of Axes, of shape (1,), or (2,) with an explanation
        Taps, from the data below to the output above, the newest row on the right; and the effective field.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    TypeError, ValueError
        If `layers` are refused by `tscnn.receptive_field`, or see more than 2,000 rows; or there is no such target.

    Examples
    --------
    >>> len(plot_receptive_field([(2, 1), (2, 2), (2, 4)]))
    1
    """
    need_matplotlib()
    field = receptive_field(layers)
    if field > WIDEST:
        rule = f"`layers` must have a receptive field of at most {WIDEST} rows to be drawn."
        raise ValueError(received(rule, receptive_field=field))
    weights = None if explanation is None else _weigh_rows(explanation, target)
    n_panels = 1 if weights is None else 2
    panels = make_panels(figure, (n_panels, 1), (9, 0.9 + 0.45 * (len(layers) + 1) + 1.8 * (n_panels - 1)))
    holes = find_holes(layers)
    _draw_taps(panels[0], layers, holes)
    if weights is not None:
        panels[1].bar(-np.arange(len(weights)), weights, width=0.9, color=COLORS[0])
        panels[1].set_title(
            "what each row adds to the forecast, mean size over the steps", loc="left", fontsize="medium"
        )
    panels[-1].set_xlabel("rows after the newest one")
    panels[-1].xaxis.get_major_locator().set_params(integer=True)
    seen = f"Receptive field: {field} row{'s'[: field != 1]}"
    add_title(panels, (f"{seen}, {len(holes)} of them never seen" if holes else seen) if title is None else title)
    return panels


def _draw_taps(panel: Any, layers: Sequence[Sequence[int]], holes: list[int]) -> None:
    """Draw a dot for each value that the newest output is made of, and a line for each tap."""
    from matplotlib.collections import LineCollection

    spacings = np.cumprod([1, *(layer[2] if len(layer) > 2 else 1 for layer in layers)])
    lags = np.zeros(1, dtype=np.int64)
    lines, dots = [], [np.array([[0, len(layers)]])]
    for level, (layer, spacing) in reversed(list(enumerate(zip(layers, spacings, strict=False)))):
        taps = np.arange(layer[0]) * layer[1] * spacing
        below = lags[:, None] + taps  # (n_lags, kernel_size)
        ends = np.broadcast_to(lags[:, None], below.shape).ravel()
        lines.append(np.stack([np.column_stack([-ends, np.full(ends.size, level + 1)]),
                               np.column_stack([-below.ravel(), np.full(below.size, level)])], axis=1))  # fmt: skip
        lags = np.unique(below)
        dots.append(np.column_stack([-lags, np.full(lags.size, level)]))
    every = np.concatenate(dots)
    size = 18 if len(every) < 300 else 4
    if lines:
        panel.add_collection(
            LineCollection(list(np.concatenate(lines)), colors=COLORS[0], lw=0.7 if size > 4 else 0.3, zorder=1)
        )
    panel.scatter(*every.T, s=size, color=COLORS[0], zorder=2)
    if holes:
        panel.scatter(
            -np.array(holes), np.zeros(len(holes)), s=2 * size, marker="x", color=COLORS[1], label="never seen"
        )
    names = [f"layer {i}: kernel {layer[0]}, dilation {layer[1]}" for i, layer in enumerate(layers, 1)]
    panel.set_yticks(range(len(layers) + 1), ["data", *names], fontsize="small")
    panel.set_ylim(-0.4, len(layers) + 0.4)


def _weigh_rows(explanation: Any, target: Any) -> np.ndarray:
    """Return the mean size of what each row adds, the newest row first."""
    if not hasattr(explanation, "by_lag"):
        rule = "`explanation` must be that of a forecast, `forecaster.explain()`."
        raise TypeError(received(rule, explanation=explanation))
    by_lag, known = explanation.by_lag, explanation.forecast.columns.tolist()
    target = known[0] if target is None else target
    if target not in known:
        raise ValueError(received(f"`target` must be one of {list_some(known)}.", target=target))
    own = by_lag[(by_lag["target"] == target) & by_lag["lag"].notna()]
    sizes = own["value"].abs().groupby(own["lag"].astype(int)).mean()
    return np.asarray(
        sizes.reindex(range(int(sizes.index.max()) + 1 if len(sizes) else 0), fill_value=0.0), dtype=float
    )
