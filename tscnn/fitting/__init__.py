"""From a series to a fitted pipeline.

In order        `fit_pipeline` takes each step, and returns a `Fit`
Its steps       `prepare` fits and chooses transforms; `open_checkpoint` keeps what is done
Again           `backtest_refitted` fits to the rows up to each cutoff, `fit_many` to many frames

Names are imported when they are first used: a saved model forecasts without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tscnn.common.lazy import lazy_names

if TYPE_CHECKING:
    from tscnn.fitting.checkpoint import open_checkpoint
    from tscnn.fitting.fit import Fit, fit_pipeline
    from tscnn.fitting.many import fit_many
    from tscnn.fitting.preparation import prepare
    from tscnn.fitting.refit import backtest_refitted

__all__ = ["Fit", "backtest_refitted", "fit_many", "fit_pipeline", "open_checkpoint", "prepare"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Fit": "tscnn.fitting.fit",
        "backtest_refitted": "tscnn.fitting.refit",
        "fit_many": "tscnn.fitting.many",
        "fit_pipeline": "tscnn.fitting.fit",
        "open_checkpoint": "tscnn.fitting.checkpoint",
        "prepare": "tscnn.fitting.preparation",
    },
)
