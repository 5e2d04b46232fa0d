"""The term of mean reversion: how far forecasts return from the recent level to the mean of the training rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import check_int, check_real, received
from tscnn.common.ring import Ring
from tscnn.common.term import Attribution, NormalizedRow
from tscnn.data.graph_times import GraphTimes
from tscnn.transforms.rolling import EPSILON, rolling_normalize, start_normalizing, step_normalizing

__all__ = ["MeanReversion"]


@dataclass(frozen=True, eq=False)
class MeanReversion:
    """Add ``coefficients[step] * scale * tanh(level / scale)``, of the rolling level and scale of each target.

    A linear map whose coefficients sum to one takes the recent level for granted. Standardised rows have a mean of
    zero, so that negative coefficients draw forecasts to it; never further than the recent scale, or a column that has
    left its range for good would be called back.

    Attributes
    ----------
    coefficients : ndarray of shape (horizon, n_targets), or (horizon, 1) or (horizon,) for all targets alike
        By step.
    targets : ndarray of int of shape (n_targets,)
        Positions of the targets among the features.
    span : int
        Rows that level and scale are taken over, at least 2.
    epsilon : float, default 1e-3
        Added to the scale.

    Examples
    --------
    >>> back = MeanReversion(np.array([-0.5, -1.0]), np.array([0]), span=2)
    >>> back.last(np.array([[[1.0], [3.0]]], np.float32)).round(2).ravel()
    array([-0.48, -0.96], dtype=float32)
    """

    name: ClassVar[str] = "mean_reversion"
    needs_ahead: ClassVar[bool] = False
    rows_before: ClassVar[int] = 0

    coefficients: np.ndarray
    targets: np.ndarray
    span: int
    epsilon: float = EPSILON

    def __post_init__(self) -> None:
        """Check shapes, and bring arrays to the types of inference."""
        object.__setattr__(self, "coefficients", np.ascontiguousarray(self.coefficients, np.float32))
        object.__setattr__(self, "targets", np.asarray(self.targets, np.int64))
        object.__setattr__(self, "span", check_int("span", self.span, minimum=2))
        object.__setattr__(self, "epsilon", check_real("epsilon", self.epsilon, low=0, include_low=False))
        if self.coefficients.ndim == 1:
            object.__setattr__(self, "coefficients", self.coefficients[:, None])
        fits = self.coefficients.ndim == 2 and self.targets.ndim == 1
        if not fits or self.coefficients.shape[1] not in (1, len(self.targets)):
            shapes = {"coefficients": self.coefficients.shape, "targets": self.targets.shape}
            raise ValueError(received("Coefficients must be one a step, or one a step and target.", **shapes))

    @property
    def context(self) -> int:
        """Rows that level and scale are taken over.

        Returns
        -------
        int
            The span.
        """
        return self.span

    @property
    def normalizer(self) -> tuple[int, float]:
        """Tell over how many rows level and scale are taken, and what is added: see `NormalizingTerm`."""
        return self.span, self.epsilon

    def dense(self, rows: np.ndarray) -> np.ndarray:
        """Correct the forecasts of every origin of one series: see `Term.dense`."""
        _, level, scale = rolling_normalize(self._own(rows)[None], self.span, self.epsilon)
        return self._correct(level[0], scale[0])

    def last(self, windows: np.ndarray) -> np.ndarray:
        """Correct the forecasts of the newest row of several windows: see `Term.last`."""
        newest = self._own(windows[:, windows.shape[1] - self.span :])
        _, level, scale = rolling_normalize(newest, self.span, self.epsilon)
        return self._correct(level[:, -1], scale[:, -1])

    def start(self, windows: np.ndarray) -> list[Ring]:
        """Remember what `start_normalizing` does: see `Term.start`."""
        return start_normalizing(self._own(windows), self.span)

    def step(self, state: list[Ring], row: np.ndarray, *, normalized: NormalizedRow | None = None) -> np.ndarray:
        """Take the next row of every series, and correct the forecasts of the steps after it: see `NormalizingTerm`."""
        if normalized is None:
            _, level, scale = step_normalizing(state, self._own(row), self.span, self.epsilon)
        else:
            level, scale = map(self._own, normalized[1:])
        return self._correct(level, scale)

    def attribute(self, window: np.ndarray, ahead: np.ndarray | None = None) -> Attribution:  # noqa: ARG002
        """Say what each row adds, in proportion to what it adds to the level: see `Term.attribute`."""
        newest = np.asarray(window[-self.span :, self.targets], np.float64)
        _, level, scale = (found[0, -1] for found in rolling_normalize(newest[None], self.span, self.epsilon))
        units = level / (scale + self.epsilon)
        flattened = np.tanh(units) / np.where(units == 0, 1, units) + (units == 0)
        weights = self.coefficients * flattened / self.span  # (horizon, targets)
        return Attribution.of_own_columns(newest[:, None] * weights, self.targets, window.shape[1])

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
            The coefficients are constants of the graph.
        """
        _, level, scale = rolling_normalize(ops.take(rows, self.targets, axis=-1), self.span, self.epsilon, ops)
        scale += self.epsilon
        return ops.convert_to_tensor(self.coefficients) * (scale * ops.tanh(level / scale))[:, :, None]

    def last_in_graph(self, windows: Any, times: GraphTimes, effects: Any) -> Any:  # noqa: ARG002 - as all terms
        """Correct the forecasts of the newest row of windows: see `ExportedTerm.last_in_graph`."""
        return self.in_graph(windows[:, windows.shape[1] - self.context :], times.ops)[:, 0]

    def scaled(self, factors: np.ndarray) -> Self:
        """Return the term with forecasts that are multiplied, by target."""
        return replace(self, coefficients=self.coefficients * factors)

    def settings(self) -> dict[str, Any]:
        """Return `span` and `epsilon`."""
        return {"span": self.span, "epsilon": self.epsilon}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return its weights."""
        return {"coefficients": self.coefficients, "targets": self.targets}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the term that `settings` and `arrays` describe."""
        return cls(arrays["coefficients"], arrays["targets"], settings["span"], settings["epsilon"])

    def _own(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(rows[..., self.targets], np.float32)

    def _correct(self, level: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Return the corrections of some origins: (n, targets) each -> (n, horizon, targets)."""
        scale = scale + np.float32(self.epsilon)
        return self.coefficients * (scale * np.tanh(level / scale))[:, None]
