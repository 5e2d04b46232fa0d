"""A fitted pipeline in the operations of a framework: from windows in the data's own units to forecasts in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tscnn.data.graph_times import GraphTimes
from tscnn.exporting.quantiles import quantiles_in_graph
from tscnn.forecasting.intervals import require_calibration
from tscnn.forecasting.pipeline import Pipeline
from tscnn.transforms import CovariateEffects
from tscnn.transforms.outliers_in_graph import clean_in_graph

__all__ = ["forecast_in_graph"]


def forecast_in_graph(
    pipeline: Pipeline, inputs: Mapping[str, Any], ops: Any, levels: np.ndarray, fills: bool
) -> dict[str, Any]:
    """Forecast from the newest row of windows.

    Parameters
    ----------
    pipeline : Pipeline
        Of parts that can be exported.
    inputs : mapping of str to tensor
        "rows", (batch, lookback, n_features), whose precision is that of the results; "clock", "covariates" and
        "series" of `GraphTimes`, of all rows and steps, where there are any.
    ops : module
        ``keras.ops``, or what has its names.
    levels : ndarray of shape (n_levels,)
        Of quantiles; may be empty.
    fills : bool
        Whether missing values, NaN, are filled; else they make forecasts NaN.

    Returns
    -------
    dict of str to tensor
        "forecast" of shape (batch, horizon, n_targets); and "quantiles", (batch, n_levels, horizon, n_targets).
    """
    rows = inputs["rows"]
    times = GraphTimes(ops, *(inputs.get(name) for name in ("clock", "covariates", "series")))
    seen, steps = times[: pipeline.lookback], times[pipeline.lookback :]
    missing = ops.not_equal(rows, rows) if fills else None
    values = rows if missing is None else ops.where(missing, ops.zeros_like(rows), rows)
    for transform in pipeline.transforms:
        values = transform.apply_in_graph(values, seen)
    windows = ops.cast(values, "float32")  # as of rows, complete
    cleaned = windows
    if pipeline.outliers is not None:
        padded = pipeline.standardize.names is not None or pipeline.fewest_rows < pipeline.lookback
        cleaned = clean_in_graph(windows, missing, pipeline.outliers, ops, rows, padded=padded)
    effects = next((one for one in pipeline.transforms if isinstance(one, CovariateEffects)), None)
    forecasts = ops.take(ops.zeros_like(cleaned[:, :1]), list(pipeline.targets), axis=-1)
    forecasts = forecasts + np.zeros((pipeline.horizon, 1), np.float32)
    for term in pipeline.terms:
        forecasts = forecasts + term.last_in_graph(cleaned, times, effects)  # type: ignore[attr-defined]

    def invert(found: Any) -> Any:
        found = ops.cast(found, rows.dtype)
        for transform in reversed(pipeline.transforms):
            found = transform.invert_in_graph(found, steps, pipeline.targets)
        return found

    outputs = {"forecast": (points := invert(forecasts))}
    if len(levels):
        recent = ops.take(windows, list(pipeline.targets), axis=-1)
        gaps = None if missing is None else ops.take(missing, list(pipeline.targets), axis=-1)
        calibration = require_calibration(pipeline)
        lowest = ops.cast(calibration.lowest, rows.dtype)
        lowest = ops.where(points < lowest, ops.cast(-np.inf, rows.dtype), lowest)
        found = quantiles_in_graph(calibration, levels, forecasts, recent, gaps, steps)
        outputs["quantiles"] = ops.stack([ops.maximum(invert(one), lowest) for one in found], axis=1)
    return outputs
