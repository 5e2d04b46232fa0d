"""What is undone after forecasting: standardising, the yearly season. And outliers, rolling level and scale."""

from __future__ import annotations

from tscnn.transforms.cleaning import Cleaned, clean_rows
from tscnn.transforms.outliers import OutlierFilter
from tscnn.transforms.standardize import Standardize
from tscnn.transforms.transform import Transform
from tscnn.transforms.yearly import YearlySeason, fit_yearly_season

__all__ = ["Cleaned", "OutlierFilter", "Standardize", "Transform", "YearlySeason", "clean_rows", "fit_yearly_season"]
