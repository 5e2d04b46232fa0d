"""The term of the cross-series ridge: what the newest rows of all columns add to the forecasts of each target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import check_int, check_real, received
from tscnn.common.ring import Ring
from tscnn.common.term import Attribution, NormalizedRow
from tscnn.data.graph_times import GraphTimes
from tscnn.data.windows import sliding_windows
from tscnn.transforms.rolling import EPSILON, rolling_normalize, start_normalizing, step_normalizing

__all__ = ["CrossSeries"]


@dataclass(frozen=True, eq=False)
class CrossSeries:
    """A linear map from the newest rows of all columns to corrections of the forecasts of the targets.

    Rows are taken relative to the rolling level of their column, in units of its rolling scale; corrections are in
    units of the rolling scale of their target.

    Attributes
    ----------
    kernel : ndarray of shape (n_rows, n_features, horizon, n_targets)
        Weights of the newest rows, oldest first.
    targets : ndarray of int of shape (n_targets,)
        Positions of the targets among the features.
    span : int
        Rows that level and scale are taken over, at least 2.
    epsilon : float, default 1e-3
        Added to the scale, so that a flat stretch is not blown up.

    References
    ----------
    .. [1] Marcellino, Stock and Watson (2006), A Comparison of Direct and Iterated Multistep AR Methods.
    """

    name: ClassVar[str] = "cross_series"
    needs_ahead: ClassVar[bool] = False
    rows_before: ClassVar[int] = 0

    kernel: np.ndarray
    targets: np.ndarray
    span: int
    epsilon: float = EPSILON

    def __post_init__(self) -> None:
        """Check shapes, and bring arrays to the types of inference."""
        object.__setattr__(self, "kernel", np.ascontiguousarray(self.kernel, np.float32))
        object.__setattr__(self, "targets", np.asarray(self.targets, np.int64))
        object.__setattr__(self, "span", check_int("span", self.span, minimum=2))
        object.__setattr__(self, "epsilon", check_real("epsilon", self.epsilon, low=0, include_low=False))
        shapes = {"kernel": self.kernel.shape, "targets": self.targets.shape}
        if self.kernel.ndim != 4 or self.targets.shape != self.kernel.shape[3:]:
            raise ValueError(received("`kernel` must have a last axis of one entry a target.", **shapes))
        if not np.isin(self.targets, np.arange(self.kernel.shape[1])).all():
            rule = "`targets` must be positions among the features of `kernel`."
            raise ValueError(received(rule, targets=self.targets.tolist(), kernel=self.kernel.shape))

    @property
    def context(self) -> int:
        """Rows that a correction depends on.

        Returns
        -------
        int
            The rows that it sees, and those that the level of the oldest is taken over.
        """
        return self.span + len(self.kernel) - 1

    @property
    def horizon(self) -> int:
        """Steps that are corrected.

        Returns
        -------
        int
            At least 1.
        """
        return int(self.kernel.shape[2])

    @property
    def normalizer(self) -> tuple[int, float]:
        """Tell over how many rows level and scale are taken, and what is added: see `NormalizingTerm`."""
        return self.span, self.epsilon

    def dense(self, rows: np.ndarray) -> np.ndarray:
        """Correct the forecasts of every origin of one series: see `Term.dense`."""
        normalized, _, scale = rolling_normalize(rows[None].astype(np.float32), self.span, self.epsilon)
        taps = sliding_windows(normalized[0], len(self.kernel))  # (origins, n_rows, features)
        return self._correct(taps, scale[0, len(self.kernel) - 1 :])

    def last(self, windows: np.ndarray) -> np.ndarray:
        """Correct the forecasts of the newest row of several windows: see `Term.last`."""
        newest = windows[:, windows.shape[1] - self.context :].astype(np.float32)
        normalized, _, scale = rolling_normalize(newest, self.span, self.epsilon)
        return self._correct(normalized, scale[:, -1])

    def start(self, windows: np.ndarray) -> list[Ring]:
        """Remember what `start_normalizing` does, and normalised rows: see `Term.start`."""
        newest = windows[:, windows.shape[1] - self.context :].astype(np.float32)
        normalized, _, _ = rolling_normalize(newest, self.span, self.epsilon)
        return [*start_normalizing(newest, self.span), Ring.of(normalized.transpose(1, 0, 2))]

    def step(self, state: list[Ring], row: np.ndarray, *, normalized: NormalizedRow | None = None) -> np.ndarray:
        """Take the next row of every series, and correct the forecasts of the steps after it: see `NormalizingTerm`."""
        *rings, ring = state
        newest, _, scale = normalized or step_normalizing(rings, row, self.span, self.epsilon)
        ring.push(newest)
        return self._correct(ring.last().transpose(1, 0, 2), scale)

    def attribute(self, window: np.ndarray, ahead: np.ndarray | None = None) -> Attribution:  # noqa: ARG002
        """Say what each row adds, relative to its column's level: see `Term.attribute`."""
        newest = window[None, -self.context :].astype(np.float32)
        normalized, _, scale = rolling_normalize(newest, self.span, self.epsilon)
        weights = self.kernel * scale[0, -1, self.targets].astype(np.float64)  # (n_rows, features, horizon, targets)
        taps = normalized[0].astype(np.float64)
        return Attribution(np.einsum("kf,kfht->fht", taps, weights), np.einsum("kf,kfht->kht", taps, weights))

    def in_graph(self, rows: Any, ops: Any) -> Any:
        """Correct the forecasts of every origin of a batch of series, in the operations of a framework.

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
        n_rows, n_features, horizon, n_targets = self.kernel.shape
        normalized, _, scale = rolling_normalize(rows, self.span, self.epsilon, ops)
        batch, n_normalized, _ = ops.shape(normalized)
        n_origins = n_normalized - (n_rows - 1)
        taps = [ops.slice(normalized, (0, k, 0), (batch, n_origins, n_features)) for k in range(n_rows)]
        flat = ops.reshape(ops.concatenate(taps, axis=-1), (-1, n_rows * n_features))
        kernel = ops.convert_to_tensor(self.kernel.reshape(n_rows * n_features, -1))
        corrections = ops.reshape(ops.matmul(flat, kernel), (-1, n_origins, horizon, n_targets))
        newest = ops.take(ops.slice(scale, (0, n_rows - 1, 0), (batch, n_origins, n_features)), self.targets, axis=-1)
        return corrections * newest[:, :, None]

    def last_in_graph(self, windows: Any, times: GraphTimes, effects: Any) -> Any:  # noqa: ARG002 - as all terms
        """Correct the forecasts of the newest row of windows: see `ExportedTerm.last_in_graph`."""
        return self.in_graph(windows[:, windows.shape[1] - self.context :], times.ops)[:, 0]

    def scaled(self, factors: np.ndarray) -> Self:
        """Return the term with forecasts that are multiplied, by target."""
        return replace(self, kernel=self.kernel * factors)

    def settings(self) -> dict[str, Any]:
        """Return `span` and `epsilon`."""
        return {"span": self.span, "epsilon": self.epsilon}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return its weights."""
        return {"kernel": self.kernel, "targets": self.targets}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the term that `settings` and `arrays` describe."""
        return cls(arrays["kernel"], arrays["targets"], **settings)

    def _correct(self, taps: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Map normalised rows, (origins, n_rows, features), at the scale of their origins, (origins, features)."""
        _, _, horizon, n_targets = self.kernel.shape
        flat = taps.reshape(len(taps), -1) @ self.kernel.reshape(-1, horizon * n_targets)
        corrections = flat.reshape(len(taps), horizon, n_targets)
        corrections *= scale[:, None, self.targets]
        return corrections
