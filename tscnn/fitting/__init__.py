"""From a series to a fitted pipeline.

In order        `fit_pipeline` takes each step, and returns a `Fit`
Its steps       `prepare` fits and chooses transforms, `list_candidates` lists networks
Again           `backtest_refitted` fits to the rows up to each cutoff

Names are imported when they are first used: a saved model forecasts without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tscnn.common.lazy import lazy_names

if TYPE_CHECKING:
    from tscnn.fitting.fit import Fit, fit_pipeline
    from tscnn.fitting.networks import list_candidates
    from tscnn.fitting.preparation import Prepared, prepare
    from tscnn.fitting.refit import backtest_refitted

__all__ = ["Fit", "Prepared", "backtest_refitted", "fit_pipeline", "list_candidates", "prepare"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Fit": "tscnn.fitting.fit",
        "Prepared": "tscnn.fitting.preparation",
        "backtest_refitted": "tscnn.fitting.refit",
        "fit_pipeline": "tscnn.fitting.fit",
        "list_candidates": "tscnn.fitting.networks",
        "prepare": "tscnn.fitting.preparation",
    },
)
