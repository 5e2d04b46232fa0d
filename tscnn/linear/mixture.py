"""The term of the linear mixture: a linear map from each target's own window to the steps after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import received
from tscnn.common.ring import Ring
from tscnn.common.term import Attribution, empty_forecasts
from tscnn.common.threads import map_in_threads, on_one_thread
from tscnn.data.graph_times import GraphTimes
from tscnn.data.mapped import is_mapped
from tscnn.data.windows import sliding_windows

__all__ = ["LinearMixture", "apply_maps"]

BLOCK = 1024  # origins whose windows are copied at a time: they stay in the cache


@dataclass(frozen=True, eq=False)
class LinearMixture:
    """A weighted mean of ridge regressions on windows of several lengths, which is a linear map of the longest.

    Attributes
    ----------
    kernel : ndarray of shape (n_maps, lookback, horizon)
        Maps of raw windows, oldest row first.
    maps : ndarray of int of shape (n_targets,)
        Which map each target has.
    targets : ndarray of int of shape (n_targets,)
        Positions of the targets among the features.

    Examples
    --------
    >>> repeats = LinearMixture(np.array([[[0.0], [1.0]]]), maps=[0], targets=[0])
    >>> repeats.dense(np.arange(4, dtype=np.float32)[:, None]).ravel()
    array([1., 2., 3.], dtype=float32)
    """

    name: ClassVar[str] = "linear_mixture"
    needs_ahead: ClassVar[bool] = False
    rows_before: ClassVar[int] = 0

    kernel: np.ndarray
    maps: np.ndarray
    targets: np.ndarray

    def __post_init__(self) -> None:
        """Check shapes, and bring arrays to the types of inference."""
        object.__setattr__(self, "kernel", np.ascontiguousarray(self.kernel, np.float32))
        object.__setattr__(self, "maps", np.asarray(self.maps, np.int64))
        object.__setattr__(self, "targets", np.asarray(self.targets, np.int64))
        fits = self.kernel.ndim == 3 and bool(np.isin(self.maps, np.arange(len(self.kernel))).all())
        if not fits or self.maps.ndim != 1 or self.targets.shape != self.maps.shape or (self.targets < 0).any():
            shapes = {name: value.shape for name, value in self.arrays().items()}
            raise ValueError(received("The arrays must fit each other.", shapes=shapes))

    @property
    def context(self) -> int:
        """Rows that a forecast depends on.

        Returns
        -------
        int
            The lookback.
        """
        return int(self.kernel.shape[1])

    @property
    def horizon(self) -> int:
        """Steps that are forecast.

        Returns
        -------
        int
            At least 1.
        """
        return int(self.kernel.shape[2])

    @on_one_thread
    def dense(self, rows: np.ndarray) -> np.ndarray:
        """Forecast at every origin of one series: see `Term.dense`."""
        columns = np.ascontiguousarray(self._columns(rows).T).T  # those of one column lie side by side
        windows = sliding_windows(columns, self.context)  # (origins, lookback, columns)
        forecasts = empty_forecasts(len(windows), self.horizon, len(self.targets))

        def forecast(first: int) -> None:
            cut = windows[first : first + BLOCK]
            chunk = forecasts[first : first + BLOCK]
            mapped = chunk.transpose(2, 0, 1)  # (columns, origins, horizon), written in place
            block = np.empty(cut.shape[:2], np.float32)
            for column, i in enumerate(self.maps):
                np.copyto(block, cut[:, :, column])
                np.matmul(block, self.kernel[i], out=mapped[column])

        map_in_threads(forecast, range(0, len(windows), BLOCK))
        return forecasts

    def last(self, windows: np.ndarray) -> np.ndarray:
        """Forecast at the newest row of several windows: see `Term.last`."""
        newest = self._columns(windows[:, windows.shape[1] - self.context :])
        return self._map(np.ascontiguousarray(newest.transpose(2, 0, 1)))

    def start(self, windows: np.ndarray) -> list[Ring]:
        """Remember the newest rows of the targets of several series: see `Term.start`."""
        newest = self._columns(windows[:, windows.shape[1] - self.context :])
        return [Ring.of(newest.transpose(1, 0, 2))]

    def step(self, state: list[Ring], row: np.ndarray) -> np.ndarray:
        """Take the next row of every series, and forecast the steps after it: see `Term.step`."""
        (ring,) = state
        ring.push(self._columns(row))
        return self._map(ring.last().transpose(2, 1, 0))

    def attribute(self, window: np.ndarray, ahead: np.ndarray | None = None) -> Attribution:  # noqa: ARG002
        """Say what each row adds, its weight times its value: see `Term.attribute`."""
        newest = np.asarray(self._columns(window[-self.context :]), np.float64)  # (context, targets)
        weights = self.kernel[self.maps].transpose(1, 2, 0)  # (context, horizon, targets)
        return Attribution.of_own_columns(newest[:, None] * weights, self.targets, window.shape[1])

    def in_graph(self, rows: Any, ops: Any) -> Any:
        """Forecast at every origin of a batch of series, in the operations of a framework.

        Parameters
        ----------
        rows : tensor of shape (batch, time, n_features)
            At least `context` rows.
        ops : module
            ``keras.ops``.

        Returns
        -------
        tensor of shape (batch, time - context + 1, horizon, n_targets)
            The kernel is a constant of the graph.
        """
        columns = rows if self._takes_all(rows.shape[-1]) else ops.take(rows, self.targets, axis=-1)
        batch, n_rows, n_columns = ops.shape(columns)
        kernel, series = ops.convert_to_tensor(self.kernel), ops.transpose(columns, (2, 0, 1))
        one_window = rows.shape[1] == self.context

        def apply(inputs: Any, weights: Any) -> Any:
            if one_window:  # a convolution to one position is slow
                return ops.matmul(inputs, weights)
            return ops.conv(inputs[:, :, None], weights[:, None], 1, "valid", "channels_last")

        if len(self.kernel) == 1:
            forecasts = apply(ops.reshape(series, (-1, n_rows)), kernel[0])
        else:  # one after the other is faster than any product of all windows, which are many
            maps = ops.convert_to_tensor(self.maps.astype(np.int32))
            forecasts = ops.map(lambda pair: apply(pair[0], kernel[pair[1]]), (series, maps))
        forecasts = ops.reshape(forecasts, (n_columns, batch, n_rows - self.context + 1, self.horizon))
        return ops.transpose(forecasts, (1, 2, 3, 0))

    def last_in_graph(self, windows: Any, times: GraphTimes, effects: Any) -> Any:  # noqa: ARG002 - as all terms
        """Forecast at the newest row of windows: see `ExportedTerm.last_in_graph`."""
        ops = times.ops
        newest = ops.transpose(windows[:, windows.shape[1] - self.context :], (2, 0, 1))  # (features, batch, lookback)
        members = [np.flatnonzero(self.maps == i) for i in range(len(self.kernel))]
        mapped = [
            ops.matmul(ops.take(newest, self.targets[own], axis=0), kernel)
            for own, kernel in zip(members, self.kernel, strict=True)
            if len(own)
        ]
        order = np.argsort(np.concatenate(members))  # of the targets, among those map by map
        return ops.transpose(ops.take(ops.concatenate(mapped, axis=0), order, axis=0), (1, 2, 0))

    def scaled(self, factors: np.ndarray) -> Self:
        """Return the term with forecasts that are multiplied, by target."""
        pairs = np.column_stack([self.maps, factors])
        own, maps = np.unique(pairs, axis=0, return_inverse=True)
        kernel = self.kernel[own[:, 0].astype(int)] * own[:, 1, None, None]
        return replace(self, kernel=kernel, maps=maps.ravel())

    def settings(self) -> dict[str, Any]:
        """Return nothing: arrays say it all."""
        return {}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return its weights."""
        return {"kernel": self.kernel, "maps": self.maps, "targets": self.targets}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the term that `arrays` describe."""
        return cls(**settings, **arrays)

    def _takes_all(self, n_features: int) -> bool:
        return self.targets.tolist() == list(range(n_features))

    def _columns(self, rows: np.ndarray) -> np.ndarray:
        """Return the targets of rows: (..., n_features) -> (..., n_targets)."""
        return rows if self._takes_all(rows.shape[-1]) else rows[..., self.targets]

    @cached_property
    def _members(self) -> list[np.ndarray] | None:
        """Targets of each map; None for one map, or one for each target."""
        if len(self.kernel) == 1 or self.maps.tolist() == list(range(len(self.kernel))):
            return None
        return [np.flatnonzero(self.maps == i) for i in range(len(self.kernel))]

    def _map(self, windows: np.ndarray) -> np.ndarray:
        """Map one window of every target: (targets, windows, lookback) -> (windows, horizon, targets)."""
        if self._members is None:
            mapped = windows @ self.kernel
        else:
            mapped = np.empty((*windows.shape[:2], self.horizon), np.float32)
            for members, kernel in zip(self._members, self.kernel, strict=True):
                mapped[members] = windows[members] @ kernel
        return mapped.transpose(1, 2, 0)


def apply_maps(rows: np.ndarray, kernel: np.ndarray, maps: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Forecast each column by its linear map, at some rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Series one behind the other.
    kernel : ndarray of shape (n_maps, lookback, n_steps)
        Maps of raw windows.
    maps : ndarray of int of shape (n_columns,)
        Which map each column has.
    at : ndarray of int
        Rows that windows end with.

    Returns
    -------
    ndarray of shape (len(at), n_columns, n_steps)
        In the precision of `rows`; no more than the windows of one column are in memory at a time.

    Examples
    --------
    >>> kernel = np.array([[[0.0], [1.0]], [[-1.0], [2.0]]])
    >>> apply_maps(np.arange(6.0)[:, None], kernel, np.array([1]), at=np.array([1, 4])).ravel()
    array([2., 5.])
    """
    lookback, kernel = kernel.shape[1], kernel.astype(rows.dtype)
    forecasts = np.empty((len(at), rows.shape[1], kernel.shape[2]), rows.dtype)
    for f in range(rows.shape[1]):
        column = rows[:, f] if is_mapped(rows) else np.ascontiguousarray(rows[:, f])
        forecasts[:, f] = sliding_windows(column, lookback)[at - lookback + 1] @ kernel[maps[f]]
    return forecasts
