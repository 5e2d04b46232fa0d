"""What is undone after forecasting: standardising, the yearly season. And outliers, rolling level and scale."""

from __future__ import annotations

from tscnn.transforms.cleaning import clean_rows
from tscnn.transforms.outliers import OutlierFilter
from tscnn.transforms.standardize import Standardize
from tscnn.transforms.transform import Transform
from tscnn.transforms.yearly import YearlySeason

__all__ = ["OutlierFilter", "Standardize", "Transform", "YearlySeason", "clean_rows"]
