"""The closed form: ridge regressions on windows, weighted by their out-of-fold errors. Never imports Keras.

Settings    `LinearModel`
Fitting     `fit_linear_model`, which returns a `LinearFit`
Its terms   `LinearMixture`, `PrincipalComponents`, `CrossSeries`
"""

from tscnn.linear.cross_series import CrossSeries
from tscnn.linear.mixture import LinearMixture
from tscnn.linear.model import LinearFit, fit_linear_model
from tscnn.linear.principal_components import PrincipalComponents
from tscnn.linear.settings import LinearModel

__all__ = ["CrossSeries", "LinearFit", "LinearMixture", "LinearModel", "PrincipalComponents", "fit_linear_model"]
