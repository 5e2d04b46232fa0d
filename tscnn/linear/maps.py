"""Linear maps from windows to the steps after them, column by column: one evaluator for several terms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import received
from tscnn.common.ring import Ring
from tscnn.common.term import empty_forecasts
from tscnn.common.threads import map_in_threads, on_one_thread
from tscnn.data.windows import sliding_windows

__all__ = ["LinearMaps", "apply_maps"]

BLOCK = 1024  # origins whose windows are copied at a time: they stay in the cache


@dataclass(frozen=True, eq=False)
class LinearMaps:
    """A term that forecasts columns by linear maps of their own windows.

    The columns are targets, or linear combinations `into` of all features, whose forecasts `back` combines to those of
    the targets.

    Attributes
    ----------
    kernel : ndarray of shape (n_maps, lookback, horizon)
        Maps of raw windows, oldest row first.
    maps : ndarray of int of shape (n_columns,)
        Which map each column has.
    weights : ndarray of shape (n_targets,)
        How much the term counts in the average of the terms that have weights, by target.
    targets : ndarray of int of shape (n_targets,), or None
        Positions of the targets among the features, if these are the columns.
    into, back : ndarray of shape (n_features, n_columns) and (n_columns, n_targets), or None
        From features to columns, and from columns to targets, in place of `targets`.
    """

    name: ClassVar[str] = "linear_maps"
    needs_ahead: ClassVar[bool] = False

    kernel: np.ndarray
    maps: np.ndarray
    weights: np.ndarray
    targets: np.ndarray | None = None
    into: np.ndarray | None = None
    back: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check shapes, and bring arrays to the types of inference."""
        for name in ("kernel", "weights", "into", "back"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, np.ascontiguousarray(values, np.float32))
        for name in ("maps", "targets"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, np.asarray(values, np.int64))
        shapes = {name: value.shape for name, value in self.arrays().items()}
        if (self.targets is None) == (self.into is None) or (self.into is None) != (self.back is None):
            raise ValueError(received("Either `targets`, or both `into` and `back`, must be given.", shapes=shapes))
        n_columns, n_targets = len(self.maps), len(self.weights)
        fits = self.kernel.ndim == 3 and bool(np.isin(self.maps, np.arange(len(self.kernel))).all())
        if self.targets is not None:
            fits = fits and self.targets.shape == (n_columns,) == (n_targets,) and bool((self.targets >= 0).all())
        else:
            assert self.into is not None
            assert self.back is not None
            fits = fits and self.into.shape[1:] == (n_columns,) and self.back.shape == (n_columns, n_targets)
        if not fits:
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
        """Forecast at every origin of one series.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            At least `context` of them.

        Returns
        -------
        ndarray of shape (n_rows - context + 1, horizon, n_targets), float32
            The first is that of row context - 1.
        """
        columns = np.ascontiguousarray(self._columns(rows).T).T  # those of one column lie side by side
        windows = sliding_windows(columns, self.context)  # (origins, lookback, columns)
        forecasts = empty_forecasts(len(windows), self.horizon, len(self.weights))

        def forecast(first: int) -> None:
            cut = windows[first : first + BLOCK]
            chunk = forecasts[first : first + BLOCK]
            mapped = chunk.transpose(2, 0, 1)  # (columns, origins, horizon), written in place unless combined
            if self.back is not None:
                mapped = np.empty((len(self.maps), len(cut), self.horizon), np.float32)
            block = np.empty(cut.shape[:2], np.float32)
            for column, i in enumerate(self.maps):
                np.copyto(block, cut[:, :, column])
                np.matmul(block, self.kernel[i], out=mapped[column])
            if self.back is not None:
                chunk[...] = self._combine(mapped)

        map_in_threads(forecast, range(0, len(windows), BLOCK))
        return forecasts

    def last(self, windows: np.ndarray) -> np.ndarray:
        """Forecast at the newest row of several windows.

        Parameters
        ----------
        windows : ndarray of shape (n_windows, n_rows, n_features)
            At least `context` rows each, of which the newest count.

        Returns
        -------
        ndarray of shape (n_windows, horizon, n_targets), float32
            One forecast a window.
        """
        newest = self._columns(windows[:, windows.shape[1] - self.context :])
        return self._map(np.ascontiguousarray(newest.transpose(2, 0, 1)))

    def start(self, windows: np.ndarray) -> list[Ring]:
        """Remember the newest rows of several series.

        Parameters
        ----------
        windows : ndarray of shape (n_series, n_rows, n_features)
            At least `context` rows each.

        Returns
        -------
        list of Ring
            One, of (n_series, n_columns).
        """
        newest = self._columns(windows[:, windows.shape[1] - self.context :])
        return [Ring.of(newest.transpose(1, 0, 2))]

    def step(self, state: list[Ring], row: np.ndarray) -> np.ndarray:
        """Take the next row of every series, and forecast the steps after it.

        Parameters
        ----------
        state : list of Ring
            Of `start`; changed in place.
        row : ndarray of shape (n_series, n_features), float32
            One row each.

        Returns
        -------
        ndarray of shape (n_series, horizon, n_targets), float32
            One forecast a series.
        """
        (ring,) = state
        ring.push(self._columns(row))
        return self._map(ring.last().transpose(2, 1, 0))

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
        if self.into is not None:
            columns = ops.matmul(rows, ops.convert_to_tensor(self.into))
        else:
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
        forecasts = ops.transpose(forecasts, (1, 2, 3, 0))
        return forecasts if self.back is None else ops.matmul(forecasts, ops.convert_to_tensor(self.back))

    def settings(self) -> dict[str, Any]:
        """Return what `from_arrays` needs besides arrays.

        Returns
        -------
        dict
            Empty: arrays say it all.
        """
        return {}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return its weights.

        Returns
        -------
        dict of str to ndarray
            For `from_arrays`.
        """
        names = ("kernel", "maps", "weights", "targets", "into", "back")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the term that `arrays` describe.

        Parameters
        ----------
        settings : dict
            Of `settings`.
        arrays : dict of str to ndarray
            Of `arrays`.

        Returns
        -------
        LinearMaps
            Equal to the bit.

        Raises
        ------
        ValueError
            If shapes do not fit each other.
        """
        return cls(**settings, **arrays)

    def _takes_all(self, n_features: int) -> bool:
        return self.targets is not None and self.targets.tolist() == list(range(n_features))

    def _columns(self, rows: np.ndarray) -> np.ndarray:
        """Return the columns of rows: (..., n_features) -> (..., n_columns)."""
        if self.into is not None:
            return rows @ self.into
        return rows if self._takes_all(rows.shape[-1]) else rows[..., self.targets]

    @cached_property
    def _members(self) -> list[np.ndarray] | None:
        """Columns of each map; None for one map, or one for each column."""
        if len(self.kernel) == 1 or self.maps.tolist() == list(range(len(self.kernel))):
            return None
        return [np.flatnonzero(self.maps == i) for i in range(len(self.kernel))]

    def _map(self, windows: np.ndarray) -> np.ndarray:
        """Map one window of every column: (columns, windows, lookback) -> (windows, horizon, targets)."""
        if self._members is None:
            mapped = windows @ self.kernel
        else:
            mapped = np.empty((*windows.shape[:2], self.horizon), np.float32)
            for members, kernel in zip(self._members, self.kernel, strict=True):
                mapped[members] = windows[members] @ kernel
        return self._combine(mapped)

    def _combine(self, mapped: np.ndarray) -> np.ndarray:
        """Turn what columns forecast, (columns, origins, horizon), to targets: (origins, horizon, targets)."""
        if self.back is not None:
            mapped = (self.back.T @ mapped.reshape(len(mapped), -1)).reshape(-1, *mapped.shape[1:])
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
        windows = sliding_windows(np.ascontiguousarray(rows[:, f]), lookback)
        forecasts[:, f] = windows[at - lookback + 1] @ kernel[maps[f]]
    return forecasts
