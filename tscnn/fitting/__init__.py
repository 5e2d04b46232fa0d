"""From a series to a fitted pipeline.

In order        `fit_pipeline` takes each step, and returns a `Fit`
Its steps       `prepare` fits and chooses transforms, `list_candidates` lists networks, `report_on_validation` judges
"""

from __future__ import annotations

from tscnn.fitting.fit import Fit, fit_pipeline
from tscnn.fitting.networks import list_candidates
from tscnn.fitting.preparation import Prepared, prepare
from tscnn.fitting.validation_report import report_on_validation

__all__ = ["Fit", "Prepared", "fit_pipeline", "list_candidates", "prepare", "report_on_validation"]
