"""Causal convolutional networks that forecast pandas DataFrames.

The estimator          `Forecaster`, and its settings `TCN`, `LinearModel`, `Training`
The stack, in numbers  `receptive_field`, `reachable_lags`, `find_holes`, `plan_layers`, `conv_output_length`
Without the estimator  `make_windows`, `build_model`, `tscnn.network.layers`, `tscnn.windows`
Data                   `tscnn.datasets`

``import tscnn`` imports neither TensorFlow nor pandas: a name below is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tscnn.network.receptive_field import conv_output_length, find_holes, plan_layers, reachable_lags, receptive_field

if TYPE_CHECKING:
    from tscnn import datasets, layers, windows
    from tscnn.data.windows import make_windows
    from tscnn.forecaster import Forecaster
    from tscnn.linear.settings import LinearModel
    from tscnn.network.graph import build_model
    from tscnn.network.settings import TCN
    from tscnn.training.settings import Training

    __version__: str

__all__ = [
    "TCN",
    "Forecaster",
    "LinearModel",
    "Training",
    "__version__",
    "build_model",
    "conv_output_length",
    "datasets",
    "find_holes",
    "layers",
    "make_windows",
    "plan_layers",
    "reachable_lags",
    "receptive_field",
    "windows",
]

_SUBMODULES = {"datasets", "layers", "windows"}
_HOMES = {
    "Forecaster": "forecaster",
    "LinearModel": "linear.settings",
    "TCN": "network.settings",
    "Training": "training.settings",
    "build_model": "network.graph",
    "make_windows": "data.windows",
}


def __getattr__(name: str) -> Any:
    value: Any
    if name in _SUBMODULES:
        value = import_module(f"tscnn.{name}")
    elif name in _HOMES:
        value = getattr(import_module(f"tscnn.{_HOMES[name]}"), name)
    elif name == "__version__":
        value = import_module("importlib.metadata").version("tscnn")
    else:
        raise AttributeError(f"module 'tscnn' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
