"""A fitted model at work, in NumPy.

The model      `Pipeline`: transforms, then terms, then the transforms undone
Its forecasts  `forecast_next` and `forecast_cutoffs` in the data's own units, `Stream` row by row
Around it      `SeriesReader` checks what it is given; `persistence` writes it as JSON and arrays
"""

from __future__ import annotations

from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.predict import forecast_cutoffs, forecast_next
from tscnn.forecasting.reading import SeriesReader
from tscnn.forecasting.stream import Stream

__all__ = ["Pipeline", "SeriesReader", "Stream", "forecast_cutoffs", "forecast_next"]
