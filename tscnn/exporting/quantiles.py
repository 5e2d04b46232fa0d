"""Quantiles of forecasts in the operations of a framework, as `Calibration` has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tscnn.data.graph_times import GraphTimes
from tscnn.forecasting.calibration import FARTHEST, FLOOR, Calibration

__all__ = ["quantiles_in_graph"]


def quantiles_in_graph(
    calibration: Calibration, levels: np.ndarray, forecasts: Any, windows: Any, missing: Any, steps: GraphTimes
) -> list[Any]:
    """Return forecasts and quantiles of their errors added up, in the units of the terms.

    Parameters
    ----------
    calibration : Calibration
        Of the pipeline.
    levels : ndarray of shape (n_levels,)
        In (0, 1), ascending.
    forecasts : tensor of shape (batch, horizon, n_targets), float32
        Of the terms.
    windows : tensor of shape (batch, lookback, n_targets), float32
        Rows of the targets, not cleaned.
    missing : tensor of bool of the same shape, or None
        Which of them are missing.
    steps : GraphTimes
        Of the steps.

    Returns
    -------
    list of tensor of shape (batch, horizon, n_targets)
        One a level.
    """
    scale = _scale(calibration, forecasts, windows, missing, steps)
    return [forecasts + scale * number for number in calibration.numbers(levels).astype(np.float32)]


def _scale(calibration: Calibration, forecasts: Any, windows: Any, missing: Any, steps: GraphTimes) -> Any:
    """Return the scale of errors, of `Calibration.scale`."""
    ops, n_steps = steps.ops, len(calibration.sizes)
    factor = calibration.of_series if calibration.names is not None else calibration.of_series[0]
    scale = steps.of_series(factor, "float32") * calibration.sizes.astype(np.float32)
    if calibration.n_rows:
        weights = calibration.weights.astype(np.float32)
        changes = _changes(calibration, windows, missing, ops) - calibration.typical.astype(np.float32)
        farthest = calibration.farthest.astype(np.float32)
        changes = ops.minimum(ops.maximum(changes, -farthest), farthest)
        before = windows.shape[1] - calibration.season + np.arange(n_steps) % calibration.season
        far = ops.abs(forecasts - ops.take(windows, before, axis=1)) / calibration.departures.astype(np.float32)
        if missing is not None:
            far = ops.where(ops.take(missing, before, axis=1), np.float32(1), far)
        departures = ops.log(ops.minimum(far, FARTHEST) + 1)
        logs = ops.sum(changes * weights[:3], axis=1, keepdims=True) + departures * weights[3]
        scale = scale * ops.exp(logs)
    n_positions = calibration.positions.shape[1]
    if n_positions > 1 and steps.clock is not None:
        table = calibration.positions.astype(np.float32).reshape(-1, calibration.positions.shape[2])
        places = steps.positions(calibration.cycle, n_positions) + (calibration.bands * n_positions).astype(np.int32)
        scale = scale * ops.exp(ops.take(table, places, axis=0))
    return scale


def _changes(calibration: Calibration, windows: Any, missing: Any, ops: Any) -> Any:
    """Return logarithms of mean absolute changes, of `measure_changes`: (batch, 3, n_targets)."""
    season, first = calibration.season, windows.shape[1] - calibration.n_rows
    newest = windows.shape[1] - season - 1
    parts = []
    for start, apart, n_kept in ((first, season, season), (first, season, None), (newest, 1, None)):
        sizes, there = ops.abs(windows[:, start + apart :] - windows[:, start:-apart]), None
        if missing is not None:
            there = ops.cast(~(missing[:, start + apart :] | missing[:, start:-apart]), "float32")
        if n_kept is not None:
            sizes, there = (None if one is None else one[:, -n_kept:] for one in (sizes, there))
        parts.append(_mean_known(sizes, there, ops))
    return ops.log(ops.concatenate(parts, axis=1) + FLOOR)


def _mean_known(sizes: Any, there: Any, ops: Any) -> Any:
    if there is None:
        return ops.mean(sizes, axis=1, keepdims=True)
    n, total = (ops.sum(one, axis=1, keepdims=True) for one in (there, sizes * there))
    return ops.where(n > 0, total / ops.maximum(n, 1), np.float32(1))
