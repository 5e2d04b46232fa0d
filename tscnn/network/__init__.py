"""The causal convolutional network, in Keras for training and in NumPy for forecasts. Never imports the linear room.

Planning     `plan_layers`
Settings     `TCN`
In Keras     `build_model`
In NumPy     `NetworkTerm`

Names are imported when they are first used: only `build_model` imports Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tscnn.common.lazy import lazy_names

if TYPE_CHECKING:
    from tscnn.network.graph import build_model
    from tscnn.network.receptive_field import plan_layers
    from tscnn.network.settings import TCN
    from tscnn.network.term import NetworkTerm

__all__ = ["TCN", "NetworkTerm", "build_model", "plan_layers"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "TCN": "tscnn.network.settings",
        "NetworkTerm": "tscnn.network.term",
        "build_model": "tscnn.network.graph",
        "plan_layers": "tscnn.network.receptive_field",
    },
)
