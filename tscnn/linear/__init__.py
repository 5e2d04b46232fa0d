"""The closed form: ridge regressions on windows, weighted by their out-of-fold errors. Never imports Keras.

Settings    `LinearModel`
Fitting     `fit_linear_model`, which returns a `LinearFit`
Its terms   `TERMS`, of which `OWN_COLUMN_TERMS` see no other column
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tscnn.common.lazy import lazy_names
from tscnn.linear.cross_series import CrossSeries
from tscnn.linear.mean_reversion import MeanReversion
from tscnn.linear.mixture import LinearMixture
from tscnn.linear.periodic_regression import PeriodicRegression
from tscnn.linear.settings import LinearModel
from tscnn.linear.structural_mixture import StructuralMixture

if TYPE_CHECKING:
    from tscnn.linear.model import LinearFit, fit_linear_model

__all__ = [
    "OWN_COLUMN_TERMS",
    "TERMS",
    "LinearFit",
    "LinearMixture",
    "LinearModel",
    "fit_linear_model",
]

TERMS = (LinearMixture, MeanReversion, CrossSeries, StructuralMixture, PeriodicRegression)
OWN_COLUMN_TERMS = (LinearMixture, MeanReversion, PeriodicRegression)  # which forecast a target from its own past alone

# What fits is imported when it is first used: a saved model forecasts without it.
__getattr__, __dir__ = lazy_names(
    __name__, {"LinearFit": "tscnn.linear.model", "fit_linear_model": "tscnn.linear.model"}
)
