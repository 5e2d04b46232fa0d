"""What is undone after forecasting: standardising, the yearly season. And rolling level and scale."""

from __future__ import annotations

from tscnn.transforms.standardize import Standardize
from tscnn.transforms.transform import Transform
from tscnn.transforms.yearly import YearlySeason, fit_yearly_season

__all__ = ["Standardize", "Transform", "YearlySeason", "fit_yearly_season"]
