"""The network as a part of a forecast, computed by Keras: for large batches, and GPUs."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from tscnn.common.term import empty_forecasts
from tscnn.network.backend import device_scope, ops
from tscnn.network.graph import Network
from tscnn.network.term import NetworkTerm

__all__ = ["KerasNetworkTerm"]

POSITIONS = 1 << 16  # that a batch has, about: enough to keep a GPU busy. A convention


class KerasNetworkTerm(NetworkTerm):
    """A trained network whose forecasts Keras computes: those of `NetworkTerm` to rounding. Steps are NumPy's."""

    def dense(self, rows: np.ndarray, ahead: np.ndarray | None = None) -> np.ndarray:
        """Forecast at every origin of one series, with what is known ahead of each: see `Term.dense`."""
        rows = self._check(rows[None])
        n_origins, n_chunk = rows.shape[1] - self.context + 1, max(POSITIONS, self.context)
        forecasts = empty_forecasts(n_origins, self.config.horizon, len(self.config.targets))
        for first in range(0, n_origins, n_chunk):
            segment = rows[:, first : first + n_chunk + self.context - 1]
            known = None if ahead is None else ahead[None, first : first + n_chunk]
            forecasts[first : first + n_chunk] = self._compute(segment, known, last_only=False)[0]
        return self._hush(forecasts)

    def last(self, windows: np.ndarray, ahead: np.ndarray | None = None) -> np.ndarray:
        """Forecast at the newest row of several windows, with what is known ahead of each: see `Term.last`."""
        windows, n_chunk = self._newest(windows), max(1, POSITIONS // self.context)
        forecasts = empty_forecasts(len(windows), self.config.horizon, len(self.config.targets))
        for first in range(0, len(windows), n_chunk):
            known = None if ahead is None else ahead[first : first + n_chunk, None]
            chunk = windows[first : first + n_chunk]
            forecasts[first : first + n_chunk] = self._compute(chunk, known, last_only=True)[:, 0]
        return self._hush(forecasts)

    def _compute(self, rows: np.ndarray, known: np.ndarray | None, *, last_only: bool) -> np.ndarray:
        model = self._keras.single_origin if last_only else self._keras.dense
        with device_scope("auto"):
            forecasts = model(rows if known is None else [rows, np.asarray(known, np.float32)])
            return np.asarray(ops.convert_to_numpy(forecasts))

    @cached_property
    def _keras(self) -> Network:
        with device_scope("auto"):
            return self.to_keras()
