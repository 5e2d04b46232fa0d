"""The picture of a receptive field: the taps of the layers, and how much each row counts in a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tscnn.common.checks import received
from tscnn.data.values import list_some
from tscnn.network.keras_taps import read_keras
from tscnn.network.receptive_field import find_field, receptive_field
from tscnn.network.taps import Chain, Rows, Taps
from tscnn.plotting.figures import COLORS, add_title, make_panels, need_matplotlib

__all__ = ["plot_receptive_field"]

WIDEST = 2000  # rows: more taps than anyone can see


def plot_receptive_field(
    layers: Any,
    explanation: Any = None,
    target: Any = None,
    *,
    title: str | None = None,
    figure: Any = None,
) -> np.ndarray:
    """Draw the taps by which the newest output of a stack reaches the rows; beside it how much each row counts.

    Parameters
    ----------
    layers : sequence of (kernel_size, dilation_rate), (kernel_size, dilation_rate, stride) or `tscnn.Taps`
        As for `tscnn.receptive_field`, of at most 2,000 rows: of a forecaster ``forecaster.config_.layers``. Or a layer
        of Keras that is a stack of such, as ``tscnn.layers.WaveNetStack``.
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
        If `layers` are refused by `tscnn.receptive_field`, see more than 2,000 rows, or are a model, whose layers need
        not be a stack; or there is no such target.

    Examples
    --------
    >>> len(plot_receptive_field([(2, 1), (2, 2), (2, 4)]))
    1
    """
    need_matplotlib()
    stack = _read_layers(layers)
    left, right, holes = find_field(stack)
    field = left + 1 + right
    if field > WIDEST:
        rule = f"`layers` must have a receptive field of at most {WIDEST} rows to be drawn."
        raise ValueError(received(rule, receptive_field=field))
    weights = None if explanation is None else _weigh_rows(explanation, target)
    n_panels = 1 if weights is None else 2
    panels = make_panels(figure, (n_panels, 1), (9, 0.9 + 0.45 * (len(stack) + 1) + 1.8 * (n_panels - 1)))
    _draw_taps(panels[0], stack, holes)
    if weights is not None:
        panels[1].bar(-np.arange(len(weights)), weights, width=0.9, color=COLORS[0])
        panels[1].set_title(
            "what each row adds to the forecast, mean size over the steps", loc="left", fontsize="medium"
        )
    panels[-1].set_xlabel("rows after the newest one" if not right else "rows after the one that the output stands at")
    panels[-1].xaxis.get_major_locator().set_params(integer=True)
    seen = f"Receptive field: {field} row{'s'[: field != 1]}"
    add_title(panels, (f"{seen}, {len(holes)} of them never seen" if holes else seen) if title is None else title)
    return panels


def _read_layers(layers: Any) -> tuple[Taps, ...]:
    """Return the layers of a stack, the one nearest to the data first."""
    if hasattr(layers, "get_config"):  # of Keras
        network = read_keras(layers)
        if not isinstance(network, Chain):
            rule = "`layers` must be one after the other to be drawn; `tscnn.find_field(model)` tells a model's field."
            raise TypeError(received(rule, layers=type(layers).__name__))
        return network.taps
    receptive_field(layers)  # which says what is wrong
    return tuple(layer if isinstance(layer, Taps) else Taps(*layer) for layer in layers)


def _draw_taps(panel: Any, layers: Sequence[Taps], holes: list[int]) -> None:
    """Draw a dot for each value that an output is made of, and a line for each tap."""
    from matplotlib.collections import LineCollection

    lines, dots = _trace(layers)
    size = 18 if len(dots) < 300 else 4
    panel.add_collection(LineCollection(list(lines), colors=COLORS[0], lw=0.7 if size > 4 else 0.3, zorder=1))
    panel.scatter(*dots.T, s=size, color=COLORS[0], zorder=2)
    if holes and not any(layer.transposed for layer in layers):  # behind which outputs have holes of their own
        panel.scatter(
            -np.array(holes), np.zeros(len(holes)), s=2 * size, marker="x", color=COLORS[1], label="never seen"
        )
    panel.set_yticks(
        range(len(layers) + 1), ["data", *map(_describe, range(1, len(layers) + 1), layers)], fontsize="small"
    )
    panel.set_ylim(-0.4, len(layers) + 0.4)


def _describe(number: int, layer: Taps) -> str:
    said = f"layer {number}: {'transposed, ' if layer.transposed else ''}kernel {layer.kernel_size}"
    if layer.stride > 1:
        return f"{said}, stride {layer.stride}"
    return f"{said}, dilation {layer.dilation_rate}"


def _trace(layers: Sequence[Taps]) -> tuple[np.ndarray, np.ndarray]:
    """Follow the taps from an output down to the data; behind transposed layers from one output of each kind.

    Returns
    -------
    lines : ndarray of shape (n_taps, 2, 2)
        Both ends, each a row of the data, counted from the output, and a level; 0 is the data.
    dots : ndarray of shape (n_values, 2)
        Likewise.
    """
    up, down = Chain(tuple(layers)).rates
    lengths, scales, offsets = [4 * WIDEST * up * down], [1.0], [0.0]  # of each level; rows of the data for a position
    for layer in layers:
        lengths.append(layer.length(lengths[-1]))
        offsets.append(
            offsets[-1] + (layer.reach * scales[-1] if layer.padding == "valid" and not layer.transposed else 0)
        )
        scales.append(scales[-1] / layer.stride if layer.transposed else scales[-1] * layer.stride)
    here = np.arange(up)
    stands_at = here[-1] * scales[-1] + offsets[-1]

    def place(positions: np.ndarray, level: int) -> np.ndarray:
        at = positions * scales[level] + offsets[level] - stands_at
        return np.column_stack([at, np.full(len(positions), level)])

    lines, dots = [np.empty((0, 2, 2))], [place(here, len(layers))]
    for level, layer in reversed(list(enumerate(layers))):
        reads = [layer.read(Rows(int(each), np.ones(1, dtype=bool)), lengths[level]).positions() for each in here]
        ends = np.repeat(here, [len(each) for each in reads])
        lines.append(np.stack([place(ends, level + 1), place(np.concatenate(reads), level)], axis=1))
        here = np.unique(np.concatenate(reads))
        dots.append(place(here, level))
    return np.concatenate(lines), np.concatenate(dots)


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
