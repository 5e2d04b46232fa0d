"""Level and scale that drift: taken out before the stack, put back after it."""

from __future__ import annotations

from typing import Any

from tscnn.common.checks import check_int, check_ints, check_real
from tscnn.network import functional
from tscnn.network.backend import keras, ops
from tscnn.network.layers.shared import count_positions, register
from tscnn.network.taps import Taps
from tscnn.transforms.rolling import EPSILON, rolling_normalize

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

    See Also
    --------
    tscnn.transforms.rolling.rolling_normalize : What is computed, and how.

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
        self.taps = [Taps(self.span, padding="valid")]

    def call(self, inputs: Any) -> tuple[Any, Any, Any]:
        """Return ``(normalized, level, scale)``, (batch, time - span + 1, features) each."""
        count_positions(inputs, self.span)
        normalized, level, scale = rolling_normalize(inputs, self.span, self.epsilon, ops)
        return normalized, level, scale

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shapes of the outputs without computing them."""
        shape = (inputs.shape[0], count_positions(inputs, self.span), inputs.shape[2])
        return tuple(keras.KerasTensor(shape, self.compute_dtype) for _ in range(3))

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "span": self.span, "epsilon": self.epsilon}


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
        self.targets = list(check_ints("targets", targets, minimum=0, fewest=1))
        self.add_level = bool(add_level)

    def call(self, forecasts: Any, level: Any, scale: Any) -> Any:
        """Return ``forecasts * scale``, plus the level: (batch, positions, horizon, targets)."""
        return functional.scale_back(forecasts, level, scale, self.targets, self.add_level, ops)

    def compute_output_spec(self, forecasts: Any, level: Any, scale: Any) -> Any:  # noqa: ARG002
        """Return the shape of the output without computing it."""
        return keras.KerasTensor(forecasts.shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "targets": self.targets, "add_level": self.add_level}
