"""The way of the rows through the layers of a network, be they Keras's or functions of arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tscnn.network.config import NetworkConfig
from tscnn.network.positions import pyramid_spacings

__all__ = ["Parts", "connect"]


@dataclass(frozen=True)
class Parts:
    """The layers of a network: those of Keras, or functions of arrays."""

    stack: Callable[..., Any]
    head: Callable[..., Any]
    front_end: Callable[..., Any] | None = None
    merge: Callable[..., Any] | None = None
    normalizer: Callable[..., Any] | None = None
    scale_back: Callable[..., Any] | None = None
    ahead: Callable[..., Any] | None = None


def connect(inputs: Any, parts: Parts, config: NetworkConfig, last_only: bool, ahead: Any = None) -> Any:
    """Run the layers of a network.

    Parameters
    ----------
    inputs : array or tensor of shape (batch, time, features)
        Rows.
    parts : Parts
        See there.
    config : NetworkConfig
        Which has decided what there is.
    last_only : bool
        Whether each layer computes only what the newest origin needs; `time` is the lookback, then.
    ahead : array or tensor of shape (batch, time - lookback + 1, horizon, n_ahead), optional
        What is known ahead of the steps of each origin.

    Returns
    -------
    array or tensor of shape (batch, time - lookback + 1, horizon, targets)
        A forecast for each origin.
    """
    spacings, n_front = pyramid_spacings([*config.front_end_layers, *config.layers]), len(config.front_end_layers)
    if not last_only:
        spacings = [1] * len(spacings)
    hidden = inputs  # (batch, time, features)
    if parts.normalizer is not None:
        hidden, level, scale = parts.normalizer(inputs)
    if spacings[0] > 1:
        hidden = hidden[:, :: spacings[0]]
    if parts.front_end is not None and parts.merge is not None:
        hidden = parts.front_end(hidden, spacings=spacings[: n_front + 1])  # (batch, positions, features, filters)
        hidden = parts.merge(hidden)  # (batch, positions, features * filters)
    hidden = parts.stack(hidden, spacings=spacings[n_front:])  # (batch, positions, [features,] filters)
    forecasts = parts.head(hidden)
    if parts.ahead is not None:
        forecasts = parts.ahead(hidden, ahead, forecasts)
    return forecasts if parts.scale_back is None else parts.scale_back(forecasts, level, scale)
