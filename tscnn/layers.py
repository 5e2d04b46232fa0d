"""Keras layers of a causal stack.

Every layer here is *valid*: it returns one position for each that sees all of its field, so that nothing is ever
computed from zero padding. A layer with a field of R rows takes (batch, time, ...) to (batch, time - R + 1, ...), and
output position j belongs to input row j + R - 1.
"""

from __future__ import annotations

import math
from typing import Any

from tscnn._backend import keras, ops
from tscnn._validation import check_choice, check_int, check_ints, check_real, received
from tscnn.receptive_field import receptive_field

__all__ = [
    "CausalConv1D",
    "GatedActivation",
    "LinearSkip",
    "PerFeature",
    "ResidualBlock",
    "RollingNormalizer",
    "ScaleBack",
    "WaveNetStack",
    "pyramid_spacings",
]

register = keras.saving.register_keras_serializable(package="tscnn")


def _crop(inputs: Any, n_rows: int) -> Any:
    """Drop the first `n_rows` positions, so that what is left ends at the same row."""
    return inputs[:, n_rows:] if n_rows else inputs


def _count_positions(inputs: Any, field: int) -> int | None:
    """Count the positions that see all of their field: None while the number of rows is not known.

    TensorFlow returns nonsense, not an error, for a convolution that is longer than its input.
    """
    n_rows = inputs.shape[1]
    if n_rows is None:
        return None
    if n_rows < field:
        rule = f"The inputs must have at least {field} rows, the receptive field."
        raise ValueError(received(rule, input_shape=tuple(inputs.shape)))
    return int(n_rows) - field + 1


def check_activation(activation: Any) -> str:
    """Return `activation`, or raise if it is neither "gated" nor the name of a Keras activation."""
    try:
        if not isinstance(activation, str):
            raise TypeError
        if activation != "gated":
            keras.activations.get(activation)
    except (TypeError, ValueError) as error:
        rule = "`activation` must be 'gated' or the name of a Keras activation."
        raise type(error)(received(rule, activation=activation)) from None
    return activation


@register
class CausalConv1D(keras.layers.Layer):
    """Dilated convolution whose output at row t sees rows t, t - d, .., t - (k - 1) d.

    The last entry of the kernel weighs the present row, as in ``keras.layers.Conv1D``.

    Parameters
    ----------
    filters : int
        Size of the last axis of the output.
    kernel_size : int
        Taps k, at least 1.
    dilation_rate : int, default 1
        Rows d from one tap to the next.
    padding : {"valid", "causal"}, default "valid"
        "valid" returns only positions that see real rows: (batch, time - (k - 1) d, filters).
        "causal" puts zeros before the first row and keeps the length: (batch, time, filters).
    kernel_initializer : str or keras.initializers.Initializer, default "glorot_uniform"
    **kwargs
        Of ``keras.layers.Layer``.

    Notes
    -----
    Input (batch, time, features). The call takes two static integers for inputs of which only every `spacing`-th row
    is given and outputs of which only every `stride`-th, counted from the end, is wanted. `dilation_rate` must be a
    multiple of `spacing`, and with a `stride` the number of rows must be known.

    References
    ----------
    .. [1] van den Oord et al. (2016), WaveNet: A Generative Model for Raw Audio, section 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> CausalConv1D(4, kernel_size=3, dilation_rate=2)(np.zeros((1, 10, 5))).shape
    TensorShape([1, 6, 4])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        dilation_rate: int = 1,
        padding: str = "valid",
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = check_int("filters", filters)
        self.kernel_size = check_int("kernel_size", kernel_size)
        self.dilation_rate = check_int("dilation_rate", dilation_rate)
        self.padding = check_choice("padding", padding, ("valid", "causal"))
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.receptive_field = receptive_field([(self.kernel_size, self.dilation_rate)])

    def build(self, input_shape: Any) -> None:
        """Make the kernel (kernel_size, features, filters) and the bias (filters,)."""
        shape = (self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, inputs: Any, spacing: int = 1, stride: int = 1) -> Any:
        """Convolve: (batch, time, features) -> (batch, positions, filters)."""
        step = self._step(spacing)
        if self.padding == "causal":
            inputs = ops.pad(inputs, ((0, 0), ((self.kernel_size - 1) * step, 0), (0, 0)))
        inputs = self.align(inputs, spacing, stride)
        if stride > 1 and step > 1:  # no backend strides a dilated convolution
            inputs, step = self._gather_taps(inputs, step, stride), 1
            outputs = ops.matmul(inputs, ops.reshape(self.kernel, (-1, self.filters)))
        else:
            outputs = ops.conv(inputs, self.kernel, stride, "valid", dilation_rate=step)
        return outputs + self.bias

    def compute_output_spec(self, inputs: Any, spacing: int = 1, stride: int = 1) -> Any:
        """Return the shape of the output without computing it."""
        span = (self.kernel_size - 1) * self._step(spacing) + 1
        n_positions = _count_positions(inputs, 1 if self.padding == "causal" else span)
        if n_positions is not None:
            n_positions = math.ceil(n_positions / stride)
        return keras.KerasTensor((inputs.shape[0], n_positions, self.filters), self.compute_dtype)

    def align(self, inputs: Any, spacing: int, stride: int) -> Any:
        """Drop the first few rows, so that the newest output is one of every `stride`-th."""
        n_positions = _count_positions(inputs, (self.kernel_size - 1) * self._step(spacing) + 1)
        return inputs if n_positions is None or stride == 1 else _crop(inputs, (n_positions - 1) % stride)

    def _step(self, spacing: int) -> int:
        """Return the distance between taps in rows of an input that holds every `spacing`-th."""
        if self.dilation_rate % spacing:
            rule = f"`spacing` must divide the dilation rate, {self.dilation_rate}."
            raise ValueError(received(rule, spacing=spacing))
        return self.dilation_rate // spacing

    def _gather_taps(self, inputs: Any, step: int, stride: int) -> Any:
        n_positions = inputs.shape[1] - (self.kernel_size - 1) * step
        taps = [inputs[:, k * step : k * step + n_positions : stride] for k in range(self.kernel_size)]
        return ops.concatenate(taps, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dilation_rate": self.dilation_rate,
            "padding": self.padding,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@register
class GatedActivation(keras.layers.Layer):
    """Gated activation unit: ``tanh(value) * sigmoid(gate)``.

    The last axis, of even size, holds the values in its first half and their gates in its second:
    (.., 2 filters) -> (.., filters).

    References
    ----------
    .. [1] van den Oord et al. (2016), WaveNet, equation 2.

    Examples
    --------
    >>> import numpy as np
    >>> GatedActivation()(np.ones((1, 10, 8))).shape
    TensorShape([1, 10, 4])
    """

    def build(self, input_shape: Any) -> None:
        """Check that the last axis splits in two."""
        if input_shape[-1] % 2:
            raise ValueError(received("The last axis must have an even size.", input_shape=tuple(input_shape)))

    def call(self, inputs: Any) -> Any:
        """Gate: (.., 2 filters) -> (.., filters)."""
        value, gate = ops.split(inputs, 2, axis=-1)
        return ops.tanh(value) * ops.sigmoid(gate)


def _normalization_layer(normalization: str | None) -> Any:
    if normalization == "layer":
        return keras.layers.LayerNormalization(name="normalize")
    if normalization == "batch":
        return keras.layers.BatchNormalization(name="normalize")
    return None


@register
class ResidualBlock(keras.layers.Layer):
    """Dilated convolution, activation, dropout, then one 1x1 convolution each for the residual sum and the skip sum.

    Parameters
    ----------
    filters : int
        Size of the last axis of the input and of both outputs.
    kernel_size, dilation_rate : int
        Of the convolution, see `CausalConv1D`.
    activation : str, default "gated"
        "gated" (see `GatedActivation`) or the name of any Keras activation.
    normalization : {None, "layer", "batch"}, default None
        Applied between the convolution and the activation.
    dropout : float in [0, 1), default 0.0
        Share of whole filters that are dropped in training.
    **kwargs
        Of ``keras.layers.Layer``.

    Notes
    -----
    Returns ``(residual, skip)``: (batch, time - (k - 1) d, filters) each. The call takes `spacing` and `stride` as
    `CausalConv1D` does, and `skip_at`, a slice: the positions whose skip is wanted.

    References
    ----------
    .. [1] van den Oord et al. (2016), WaveNet, figure 4.

    Examples
    --------
    >>> import numpy as np
    >>> residual, skip = ResidualBlock(4, kernel_size=2, dilation_rate=2)(np.zeros((1, 10, 4)))
    >>> residual.shape, skip.shape
    (TensorShape([1, 8, 4]), TensorShape([1, 8, 4]))
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        dilation_rate: int = 1,
        activation: str = "gated",
        normalization: str | None = None,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = check_int("filters", filters)
        self.kernel_size = kernel_size
        self.dilation_rate = dilation_rate
        self.activation = check_activation(activation)
        self.normalization = check_choice("normalization", normalization, (None, "layer", "batch"))
        self.dropout = check_real("dropout", dropout, low=0, high=1)
        gated = activation == "gated"
        self.conv = CausalConv1D((2 if gated else 1) * filters, kernel_size, dilation_rate, name="conv")
        self.normalize = _normalization_layer(normalization)
        self.activate = GatedActivation() if gated else keras.layers.Activation(activation)
        self.drop = keras.layers.SpatialDropout1D(dropout)
        self.to_residual = keras.layers.Dense(filters, name="to_residual")
        self.to_skip = keras.layers.Dense(filters, name="to_skip")

    def build(self, input_shape: Any) -> None:
        """Build the convolutions; the last axis of the input must have the size `filters`."""
        if input_shape[-1] != self.filters:
            rule = f"A residual block of {self.filters} filters needs a last axis of that size."
            raise ValueError(received(rule, input_shape=tuple(input_shape)))
        self.conv.build(input_shape)
        if self.normalize is not None:
            self.normalize.build((None, None, self.conv.filters))
        self.activate.build((None, None, self.conv.filters))
        for layer in (self.drop, self.to_residual, self.to_skip):
            layer.build((None, None, self.filters))

    def call(
        self, inputs: Any, training: bool = False, spacing: int = 1, stride: int = 1, skip_at: slice = slice(None)
    ) -> tuple[Any, Any]:
        """Return ``(residual, skip)``: (batch, time, filters) -> (batch, positions, filters) each."""
        inputs = self.conv.align(inputs, spacing, stride)
        hidden = self.conv(inputs, spacing=spacing, stride=stride)
        if self.normalize is not None:
            hidden = self.normalize(hidden, training=training)
        hidden = self.drop(self.activate(hidden), training=training)
        ends = _crop(inputs, (self.conv.receptive_field - 1) // spacing)
        residual = (ends[:, ::stride] if stride > 1 else ends) + self.to_residual(hidden)
        return residual, self.to_skip(hidden[:, skip_at])

    def compute_output_spec(
        self, inputs: Any, *, spacing: int = 1, stride: int = 1, skip_at: slice = slice(None), **_: Any
    ) -> Any:
        """Return the shapes of the outputs without computing them."""
        batch, n_positions, _ = self.conv.compute_output_spec(inputs, spacing, stride).shape
        n_skips = None if n_positions is None else len(range(n_positions)[skip_at])
        shapes = (batch, n_positions, self.filters), (batch, n_skips, self.filters)
        return tuple(keras.KerasTensor(shape, self.compute_dtype) for shape in shapes)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dilation_rate": self.dilation_rate,
            "activation": self.activation,
            "normalization": self.normalization,
            "dropout": self.dropout,
        }


@register
class WaveNetStack(keras.layers.Layer):
    """Residual blocks on top of each other, their skips summed.

    Parameters
    ----------
    layers : sequence of (int, int)
        ``(kernel_size, dilation_rate)`` of each block, first to last. This list builds the blocks and is what
        `receptive_field` is computed from.
    filters : int, default 32
    activation, normalization, dropout
        As in `ResidualBlock`.
    **kwargs
        Of ``keras.layers.Layer``.

    Notes
    -----
    (batch, time, features) -> (batch, time - receptive_field + 1, filters). With `spacings`, see `pyramid_spacings`,
    each block computes only the positions that the newest output needs, about 2 * receptive_field in all when
    dilations double, and the same numbers.

    References
    ----------
    .. [1] van den Oord et al. (2016), WaveNet, figure 4.
    .. [2] Paine et al. (2016), Fast Wavenet Generation Algorithm, figure 2 (what one output needs).

    Examples
    --------
    >>> import numpy as np
    >>> stack = WaveNetStack([(2, 1), (2, 2), (2, 4)], filters=4)
    >>> stack.receptive_field, stack(np.zeros((1, 10, 5))).shape
    (8, TensorShape([1, 3, 4]))
    """

    def __init__(
        self,
        layers: Any,
        filters: int = 32,
        activation: str = "gated",
        normalization: str | None = None,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.receptive_field = receptive_field(layers)
        self.layers = [tuple(layer) for layer in layers]
        if any(len(layer) > 2 for layer in self.layers):
            raise ValueError(received("`layers` must be a sequence of (kernel_size, dilation_rate).", layers=layers))
        self.filters = check_int("filters", filters)
        self.activation = check_activation(activation)
        self.normalization = normalization
        self.dropout = dropout
        self.project = keras.layers.Dense(filters, name="project")
        self.blocks = [
            ResidualBlock(filters, k, d, activation, normalization, dropout, name=f"block_{i}")
            for i, (k, d) in enumerate(self.layers)
        ]

    def build(self, input_shape: Any) -> None:
        """Build the projection and the blocks."""
        self.project.build(input_shape)
        for block in self.blocks:
            block.build((*input_shape[:-1], self.filters))

    def call(self, inputs: Any, training: bool = False, spacings: Any = None) -> Any:
        """Run the stack: (batch, time, features) -> (batch, positions, filters)."""
        hidden = self.project(inputs)
        spacings = spacings or [1] * (len(self.layers) + 1)
        skips = []
        for i, block in enumerate(self.blocks):
            above = receptive_field(self.layers[i + 1 :]) - 1
            hidden, skip = block(
                hidden,
                training=training,
                spacing=spacings[i],
                stride=spacings[i + 1] // spacings[i],
                skip_at=slice(above // spacings[i + 1], None, spacings[-1] // spacings[i + 1]),
            )
            skips.append(skip)
        return sum(skips, hidden)

    def compute_output_spec(self, inputs: Any, *, spacings: Any = None, **_: Any) -> Any:
        """Return the shape of the output without computing it."""
        first, last = (spacings[0], spacings[-1]) if spacings else (1, 1)
        n_positions = _count_positions(inputs, (self.receptive_field - 1) // first + 1)
        if n_positions is not None:
            n_positions = (n_positions - 1) * first // last + 1
        return keras.KerasTensor((inputs.shape[0], n_positions, self.filters), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {
            **super().get_config(),
            "layers": self.layers,
            "filters": self.filters,
            "activation": self.activation,
            "normalization": self.normalization,
            "dropout": self.dropout,
        }


def pyramid_spacings(layers: Any) -> list[int]:
    """Rows between the positions that the newest output needs: at each layer's input, then at the output.

    Layer i is only asked for lags that are sums of multiples of the dilations from i on, so of their greatest common
    divisor. The first entry is that of all dilations: which rows of the data are needed.

    Examples
    --------
    >>> pyramid_spacings([(2, 1), (2, 2), (2, 4)])
    [1, 2, 4, 4]
    """
    spacings = [math.gcd(*(d for _, d in layers[i:])) for i in range(len(layers))]
    return [*spacings, spacings[-1] if spacings else 1]


@register
class PerFeature(keras.layers.Layer):
    """One causal layer applied to every feature by itself, with shared weights.

    (batch, time, features) -> (batch, positions, features, filters). It means ``Permute((2, 1))``, then
    ``TimeDistributed(layer)`` on one channel each, then ``Permute((2, 1, 3))``. The feature axis is folded into the
    batch axis instead of unrolled: a merge of leading axes, which moves no number. Axes are swapped by transposing,
    never by a reshape, which would mix time steps of different features.

    Parameters
    ----------
    layer : keras.layers.Layer
        Takes (batch, time, 1) to (batch, positions, filters).
    **kwargs
        Of ``keras.layers.Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> PerFeature(WaveNetStack([(2, 1)], filters=4))(np.zeros((1, 10, 5))).shape
    TensorShape([1, 9, 5, 4])
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = keras.saving.deserialize_keras_object(layer) if isinstance(layer, dict) else layer
        if not isinstance(self.layer, keras.layers.Layer):
            raise TypeError(received("`layer` must be a Keras layer.", layer=layer))

    def build(self, input_shape: Any) -> None:
        """Build the layer for one feature."""
        if not self.layer.built:
            self.layer.build((None, input_shape[1], 1))

    def call(self, inputs: Any, training: bool = False, **kwargs: Any) -> Any:
        """Apply the layer to each feature; further arguments go to it."""
        n_features = inputs.shape[2]
        series = ops.transpose(inputs, (0, 2, 1))  # (batch, features, time)
        series = ops.reshape(series, (-1, ops.shape(inputs)[1], 1))  # (batch * features, time, 1)
        outputs = self.layer(series, training=training, **kwargs)  # (batch * features, positions, filters)
        shape = (-1, n_features, ops.shape(outputs)[1], outputs.shape[2])
        return ops.transpose(ops.reshape(outputs, shape), (0, 2, 1, 3))  # (batch, positions, features, filters)

    def compute_output_spec(self, inputs: Any, training: bool = False, **kwargs: Any) -> Any:  # noqa: ARG002
        """Return the shape of the output without computing it."""
        batch, n_rows, n_features = inputs.shape
        series = keras.KerasTensor((None, n_rows, 1), self.compute_dtype)
        _, n_positions, filters = self.layer.compute_output_spec(series, **kwargs).shape
        return keras.KerasTensor((batch, n_positions, n_features, filters), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "layer": keras.saving.serialize_keras_object(self.layer)}


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

    def __init__(self, span: int, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.span = check_int("span", span, minimum=2)
        self.epsilon = check_real("epsilon", epsilon, low=0, include_low=False)
        self.receptive_field = self.span

    def call(self, inputs: Any) -> tuple[Any, Any, Any]:
        """Return ``(normalized, level, scale)``, (batch, time - span + 1, features) each."""
        _count_positions(inputs, self.span)
        stretch = 1, inputs, ops.zeros_like(inputs)  # rows, their mean, their sum of squared deviations
        merged = stretch if self.span & 1 else None
        for bit in range(1, self.span.bit_length()):
            stretch = _merge(stretch, stretch)
            if self.span >> bit & 1:
                merged = stretch if merged is None else _merge(stretch, merged)
        assert merged is not None
        _, level, squares = merged
        scale = ops.sqrt(squares / self.span) + self.epsilon
        return (_crop(inputs, self.span - 1) - level) / scale, level, scale

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shapes of the outputs without computing them."""
        shape = (inputs.shape[0], _count_positions(inputs, self.span), inputs.shape[2])
        return tuple(keras.KerasTensor(shape, self.compute_dtype) for _ in range(3))

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "span": self.span, "epsilon": self.epsilon}


def _merge(early: tuple[int, Any, Any], late: tuple[int, Any, Any]) -> tuple[int, Any, Any]:
    """Join the moments of `late` stretches with those of the `early` stretches that end just before them."""
    (n, mean, squares), (m, late_mean, late_squares) = early, late
    late_mean, late_squares = _crop(late_mean, n), _crop(late_squares, n)
    n_positions = ops.shape(late_mean)[1]
    mean, squares = mean[:, :n_positions], squares[:, :n_positions]
    difference = late_mean - mean
    joined = mean + difference * (m / (n + m))
    return n + m, joined, squares + late_squares + ops.square(difference) * (n * m / (n + m))


def _take_features(inputs: Any, features: list[int]) -> Any:
    """Select from the last axis; nothing to do when it is all of it in order."""
    n_features = inputs.shape[-1]
    if max(features) >= n_features:
        raise ValueError(received(f"The positions must be among {n_features} features.", positions=features))
    return inputs if features == list(range(n_features)) else ops.take(inputs, features, axis=-1)


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
        n_earlier = ops.shape(scale)[1] - ops.shape(forecasts)[1]
        outputs = forecasts * self._at_origins(scale, n_earlier)
        return outputs + self._at_origins(level, n_earlier) if self.add_level else outputs

    def compute_output_spec(self, forecasts: Any, level: Any, scale: Any) -> Any:  # noqa: ARG002
        """Return the shape of the output without computing it."""
        return keras.KerasTensor(forecasts.shape, self.compute_dtype)

    def _at_origins(self, statistic: Any, n_earlier: Any) -> Any:
        statistic = _take_features(statistic[:, n_earlier:], self.targets)
        return ops.expand_dims(statistic, axis=2)  # (batch, positions, 1, targets)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {**super().get_config(), "targets": self.targets, "add_level": self.add_level}


@register
class LinearSkip(keras.layers.Layer):
    """One linear map from each window to the steps after it, feature by feature.

    (batch, time, features) -> (batch, time - lookback + 1, horizon, targets). Adding a constant to a window adds it to
    the forecast, whatever the weights: those of each step sum to one. With zero weights the map repeats the
    window's mean.

    Parameters
    ----------
    lookback, horizon : int
        Rows seen and steps predicted.
    shared : bool, default True
        One map for all targets, or one for each.
    features : sequence of int, optional
        Positions of the targets among the features, default all.
    **kwargs
        Of ``keras.layers.Layer``.

    References
    ----------
    .. [1] Zeng et al. (2023), Are Transformers Effective for Time Series Forecasting?, NLinear.

    Examples
    --------
    >>> import numpy as np
    >>> forecast = LinearSkip(lookback=3, horizon=2)(np.arange(6.0).reshape(1, 6, 1))
    >>> np.asarray(forecast)[0, :, :, 0].round(4)
    array([[1., 1.],
           [2., 2.],
           [3., 3.],
           [4., 4.]], dtype=float32)
    """

    def __init__(self, lookback: int, horizon: int, shared: bool = True, features: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lookback = check_int("lookback", lookback)
        self.horizon = check_int("horizon", horizon)
        self.shared = bool(shared)
        self.features = None if features is None else list(check_ints("features", features, minimum=0))
        self.receptive_field = self.lookback

    def build(self, input_shape: Any) -> None:
        """Make the weights: (1 or targets, lookback, horizon)."""
        n_targets = self._n_targets(input_shape)
        shape = (1 if self.shared else n_targets, self.lookback, self.horizon)
        self.weight = self.add_weight(shape=shape, initializer="zeros", name="weight")

    def _n_targets(self, input_shape: Any) -> int:
        return int(input_shape[-1]) if self.features is None else len(self.features)

    def kernel(self) -> Any:
        """Return the map that acts on raw rows: (1 or targets, lookback, horizon), each column summing to one."""
        weight = ops.cast(self.weight, self.compute_dtype)
        return weight - ops.mean(weight, axis=1, keepdims=True) + 1 / self.lookback

    def call(self, inputs: Any) -> Any:
        """Map every window: (batch, time, features) -> (batch, positions, horizon, features)."""
        if self.features is not None:
            inputs = _take_features(inputs, self.features)
        _count_positions(inputs, self.lookback)
        n_features = inputs.shape[2]
        n_positions = ops.shape(inputs)[1] - self.lookback + 1
        series = ops.transpose(inputs, (0, 2, 1))  # (batch, features, time)
        if self.shared:
            series = ops.reshape(series, (-1, ops.shape(inputs)[1], 1))  # (batch * features, time, 1)
            kernel = ops.transpose(self.kernel(), (1, 0, 2))  # (lookback, 1, horizon)
            forecasts = ops.conv(series, kernel, 1, "valid")  # (batch * features, positions, horizon)
            forecasts = ops.reshape(forecasts, (-1, n_features, n_positions, self.horizon))
        else:
            rows = ops.arange(n_positions)[:, None] + ops.arange(self.lookback)
            windows = ops.take(series, rows, axis=2)  # (batch, features, positions, lookback)
            forecasts = ops.matmul(windows, self.kernel())  # (batch, features, positions, horizon)
        return ops.transpose(forecasts, (0, 2, 3, 1))

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape of the output without computing it."""
        n_positions = _count_positions(inputs, self.lookback)
        shape = (inputs.shape[0], n_positions, self.horizon, self._n_targets(inputs.shape))
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs."""
        return {
            **super().get_config(),
            "lookback": self.lookback,
            "horizon": self.horizon,
            "shared": self.shared,
            "features": self.features,
        }
