"""Training on segments of neighbouring origins, the weights that stay, the choice among networks.

Settings   `Training`
Fitting    `fit_network` trains the candidates and keeps the best, `train` trains one

Names are imported when they are first used: `Training` imports no Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tscnn.common.lazy import lazy_names

if TYPE_CHECKING:
    from tscnn.training.fit import fit_network
    from tscnn.training.loop import train
    from tscnn.training.settings import Training

__all__ = ["Training", "fit_network", "train"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Training": "tscnn.training.settings",
        "fit_network": "tscnn.training.fit",
        "train": "tscnn.training.loop",
    },
)
