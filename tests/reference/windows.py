"""Slow, obvious versions of `tscnn.windows` and `tscnn.baselines`: look at every row, cut every window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def cut_windows(values: np.ndarray, lookback: int, horizon: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Copy the windows one by one."""
    inputs, targets = [], []
    start = 0
    while start + lookback + horizon <= len(values):
        inputs.append(values[start : start + lookback])
        targets.append(values[start + lookback : start + lookback + horizon])
        start += stride
    return np.array(inputs), np.array(targets)


def list_origins(
    lengths: Sequence[int], lookback: int, horizon: int, first_targets: Sequence[int | None]
) -> list[list[int]]:
    """Try every row of every series."""
    found, offset = [], 0
    for length, first_target in zip(lengths, first_targets, strict=True):
        found.append([])
        for row in range(length):
            sees = range(row - lookback + 1, row + 1)
            judged = range(row + 1, row + horizon + 1)
            if sees[0] >= 0 and judged[-1] < length and (first_target is None or judged[0] >= first_target):
                found[-1].append(offset + row)
        offset += length
    return found


def windows_from_mean(
    rows: np.ndarray, origins: Sequence[int], lookback: int, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut one feature's windows, each relative to the mean of its inputs: (windows, lookback), (windows, horizon)."""
    inputs = np.array([rows[t - lookback + 1 : t + 1] for t in origins])
    targets = np.array([rows[t + 1 : t + 1 + horizon] for t in origins])
    means = inputs.mean(axis=1, keepdims=True)
    return inputs - means, targets - means


def ridge(inputs: np.ndarray, targets: np.ndarray, strength: float) -> np.ndarray:
    """Least squares of the windows and, below them, of the wish that every weight be 0."""
    lookback = inputs.shape[1]
    more = np.sqrt(strength) * np.eye(lookback)
    nothing = np.zeros((lookback, targets.shape[1]))
    return np.linalg.lstsq(np.vstack([inputs, more]), np.vstack([targets, nothing]), rcond=None)[0]
