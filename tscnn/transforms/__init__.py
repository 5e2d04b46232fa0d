"""What is undone after forecasting: units, yearly season, effects of covariates. And outliers, rolling level.

The protocol    `Transform`: fit, apply, invert
Its transforms  `Logarithm`, `Standardize`, `YearlySeason`, `CovariateEffects`
Never undone    `OutlierFilter`
"""

from __future__ import annotations

from tscnn.transforms.covariates import CovariateEffects
from tscnn.transforms.logarithm import Logarithm
from tscnn.transforms.outliers import OutlierFilter
from tscnn.transforms.standardize import Standardize
from tscnn.transforms.transform import Transform
from tscnn.transforms.yearly import YearlySeason

__all__ = ["CovariateEffects", "Logarithm", "OutlierFilter", "Standardize", "Transform", "YearlySeason"]
