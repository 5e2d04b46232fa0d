"""What is undone after forecasting: units, yearly season, effects of covariates. And outliers, rolling level."""

from __future__ import annotations

from tscnn.transforms.ahead import AheadInputs
from tscnn.transforms.cleaning import clean_rows
from tscnn.transforms.covariates import CovariateEffects
from tscnn.transforms.logarithm import Logarithm
from tscnn.transforms.outliers import OutlierFilter
from tscnn.transforms.standardize import Standardize
from tscnn.transforms.transform import Transform
from tscnn.transforms.yearly import YearlySeason

__all__ = [
    "AheadInputs",
    "CovariateEffects",
    "Logarithm",
    "OutlierFilter",
    "Standardize",
    "Transform",
    "YearlySeason",
    "clean_rows",
]
