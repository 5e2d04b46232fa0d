"""Causal convolutional networks that forecast pandas DataFrames.

The estimator          `Forecaster`, and its settings `TCN`, `LinearModel`, `Training`; `fit_many`
Gaps and anomalies     `Reconstructor`, and the settings of its network, `UNet`
Judging forecasts      `evaluate`, `compare`, `SeasonalNaive`, `tscnn.metrics`
Can it be trusted      `audit`
The stack, in numbers  `receptive_field`, `find_field`, `reachable_lags`, `find_holes`, `plan_layers`,
                       `conv_output_length`, `Taps`; `plot_receptive_field`, and other pictures in `tscnn.plotting`
Without the estimator  `make_windows`, `build_model`, `tscnn.layers`, `tscnn.windows`
Data                   `tscnn.datasets`

``import tscnn`` imports neither TensorFlow nor pandas: a name below is imported when it is first used. When Keras is
imported, before or after, it gets to know the layers, so that ``keras.saving.load_model`` finds them.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tscnn.common.lazy import after_import, lazy_names
from tscnn.network.receptive_field import (
    conv_output_length,
    find_field,
    find_holes,
    plan_layers,
    reachable_lags,
    receptive_field,
)
from tscnn.network.taps import Taps

if TYPE_CHECKING:
    from tscnn import datasets, layers, metrics, windows
    from tscnn.auditing import audit
    from tscnn.data.windows import make_windows
    from tscnn.evaluation.compare import compare
    from tscnn.evaluation.evaluate import evaluate
    from tscnn.evaluation.naive import SeasonalNaive
    from tscnn.fitting.many import fit_many
    from tscnn.forecaster import Forecaster
    from tscnn.linear.settings import LinearModel
    from tscnn.network.graph import build_model
    from tscnn.network.settings import TCN
    from tscnn.plotting import plot_receptive_field
    from tscnn.reconstruction import Reconstructor
    from tscnn.reconstruction.settings import UNet
    from tscnn.training.settings import Training

    __version__: str

__all__ = [
    "TCN",
    "Forecaster",
    "LinearModel",
    "Reconstructor",
    "SeasonalNaive",
    "Taps",
    "Training",
    "UNet",
    "__version__",
    "audit",
    "build_model",
    "compare",
    "conv_output_length",
    "datasets",
    "evaluate",
    "find_field",
    "find_holes",
    "fit_many",
    "layers",
    "make_windows",
    "metrics",
    "plan_layers",
    "plot_receptive_field",
    "reachable_lags",
    "receptive_field",
    "windows",
]

_HOMES = {
    "Forecaster": "tscnn.forecaster",
    "LinearModel": "tscnn.linear.settings",
    "Reconstructor": "tscnn.reconstruction",
    "TCN": "tscnn.network.settings",
    "SeasonalNaive": "tscnn.evaluation.naive",
    "Training": "tscnn.training.settings",
    "UNet": "tscnn.reconstruction.settings",
    "audit": "tscnn.auditing",
    "build_model": "tscnn.network.graph",
    "compare": "tscnn.evaluation.compare",
    "datasets": "tscnn.datasets",
    "evaluate": "tscnn.evaluation.evaluate",
    "fit_many": "tscnn.fitting.many",
    "layers": "tscnn.layers",
    "make_windows": "tscnn.data.windows",
    "metrics": "tscnn.metrics",
    "plot_receptive_field": "tscnn.plotting",
    "windows": "tscnn.windows",
}
_get_lazily, _list_names = lazy_names(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    if name == "__version__":  # looked up only when it is asked for
        return import_module("importlib.metadata").version("tscnn")
    return _get_lazily(name)


def __dir__() -> list[str]:
    return sorted({*_list_names(), "__version__"})


def _register_layers() -> None:
    """Import the layers, unless they are just being imported: our own door to Keras has let it in."""
    if "tscnn.network.backend" not in sys.modules:
        import_module("tscnn.layers")


after_import("keras", _register_layers)
