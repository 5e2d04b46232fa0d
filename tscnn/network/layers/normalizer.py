"""Level and scale that drift: taken out before the stack, put back after it."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import check_int, check_ints, check_real
from tscnn.network.backend import keras, ops
from tscnn.network.layers._shared import at_origins, count_positions, crop, register
from tscnn.transforms.rolling import EPSILON

__all__ = ["RollingNormalizer", "ScaleBack"]


@register
class RollingNormalizer(keras.layers.Layer):
    """Standardise each row by the mean and standard deviation of the `span` rows that end with it.

    Returns ``(normalized, level, scale)``, (batch, time - span + 1, features) each: normalized = (row - level) / scale.

    Parameters
    ----------
    span : int
        Rows that a mean is taken over, at least 2: the layer's receptive field.
    epsilon : float, default 1e-3
        Added to the standard deviation, in the units of the input, so that a flat stretch is not blown up.
    **kwargs
        Of ``keras.layers.Layer``.

    Notes
    -----
    Means and sums of squared deviations of two neighbouring stretches are merged, stretches of 1, 2, 4, .. rows, and
    those of the binary digits of `span` joined. Nothing is ever subtracted from a running sum, which in float32 loses
    every digit of a small variation on a high level.

    References
    ----------
    .. [1] Chan, Golub and LeVeque (1983), Algorithms for Computing the Sample Variance, equation 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> normalized, level, scale = RollingNormalizer(3)(np.arange(6.0).reshape(1, 6, 1))
    >>> np.asarray(level)[0, :, 0]
    array([1., 2., 3., 4.], dtype=float32)
    """

    def __init__(self, span: int, epsilon: float = EPSILON, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.span = check_int("span", span, minimum=2)
        self.epsilon = check_real("epsilon", epsilon, low=0, include_low=False)
        self.receptive_field = self.span

    def call(self, inputs: Any) -> tuple[Any, Any, Any]:
        """Return ``(normalized, level, scale)``, (batch, time - span + 1, features) each."""
        count_positions(inputs, self.span)
        stretch = 1, inputs, ops.zeros_like(inputs)  # rows, their mean, their sum of squared deviations
        merged = stretch if self.span & 1 else None
        for bit in range(1, self.span.bit_length()):
            stretch = _merge(stretch, stretch)
            if self.span >> bit & 1:
                merged = stretch if merged is None else _merge(stretch, merged)
        assert merged is not None
        _, level, squares = merged
        scale = ops.sqrt(squares / self.span) + self.epsilon
        return (crop(inputs, self.span - 1) - level) / scale, level, scale

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shapes of the outputs without computing them."""
        shape = (inputs.shape[0], count_positions(inputs, self.span), inputs.shape[2])
        return tuple(keras.KerasTensor(shape, self.compute_dtype) for _ in range(3))

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "span": self.span, "epsilon": self.epsilon}


def _merge(early: tuple[int, Any, Any], late: tuple[int, Any, Any]) -> tuple[int, Any, Any]:
    """Join the moments of `late` stretches with those of the `early` stretches that end just before them."""
    (n, mean, squares), (m, late_mean, late_squares) = early, late
    late_mean, late_squares = crop(late_mean, n), crop(late_squares, n)
    n_positions = ops.shape(late_mean)[1]
    mean, squares = mean[:, :n_positions], squares[:, :n_positions]
    difference = late_mean - mean
    joined = mean + difference * (m / (n + m))
    return n + m, joined, squares + late_squares + ops.square(difference) * (n * m / (n + m))


@register
class ScaleBack(keras.layers.Layer):
    """Bring forecasts from the units of a `RollingNormalizer` back to those of the data.

    Called on forecasts (batch, positions, horizon, targets) and the normaliser's level and scale
    (batch, time, features), of which each forecast takes those of its own origin: the last `positions` of `time`.

    Parameters
    ----------
    targets : sequence of int
        Positions of the targets among the features.
    add_level : bool, default True
        Whether the origin's level is added after scaling.
    **kwargs
        Of ``keras.layers.Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> level, scale = np.full((1, 4, 1), 50.0), np.full((1, 4, 1), 2.0)
    >>> float(ScaleBack([0])(np.ones((1, 2, 3, 1)), level, scale)[0, 0, 0, 0])
    52.0
    """

    def __init__(self, targets: Any, add_level: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.targets = list(check_ints("targets", targets, minimum=0))
        self.add_level = bool(add_level)

    def call(self, forecasts: Any, level: Any, scale: Any) -> Any:
        """Return ``forecasts * scale``, plus the level: (batch, positions, horizon, targets)."""
        n_positions = ops.shape(forecasts)[1]
        outputs = forecasts * at_origins(scale, n_positions, self.targets)[:, :, None]
        return outputs + at_origins(level, n_positions, self.targets)[:, :, None] if self.add_level else outputs

    def compute_output_spec(self, forecasts: Any, level: Any, scale: Any) -> Any:  # noqa: ARG002
        """Return the shape of the output without computing it."""
        return keras.KerasTensor(forecasts.shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "targets": self.targets, "add_level": self.add_level}
