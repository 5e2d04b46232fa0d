"""From a configuration to a Keras model, evaluated densely or at the newest origin only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tscnn.network.backend import keras, precision_scope
from tscnn.network.config import NetworkConfig, resolve_config
from tscnn.network.layers import (
    Head,
    LinearSkip,
    PerFeature,
    RollingNormalizer,
    ScaleBack,
    VectorSkip,
    WaveNetStack,
    pyramid_spacings,
)

__all__ = ["Network", "build_model", "build_network", "rebuild_network", "seed_weights"]


@dataclass(frozen=True)
class Network:
    """One set of weights behind two graphs.

    `dense` takes (batch, time, features) to (batch, time - lookback + 1, horizon, targets), one forecast for each
    origin. `single_origin` takes (batch, lookback, features) to (batch, 1, horizon, targets) and computes only what
    that origin needs.
    """

    config: NetworkConfig
    dense: keras.Model
    single_origin: keras.Model

    def __reduce__(self) -> Any:
        """Pickle and copy as configuration and weights, so that both graphs go on sharing them."""
        return rebuild_network, (self.config, self.dense.get_weights())


def build_network(config: NetworkConfig, precision: str | None = None) -> Network:
    """Make the layers of `config` and connect them twice; `precision` is that of the convolutions alone."""
    parts = _make_layers(config, precision)
    graphs = []
    for last_only in (False, True):
        inputs = keras.Input((config.lookback if last_only else None, config.n_features), name="rows")
        outputs = _connect(parts, config, inputs, last_only)
        graphs.append(keras.Model(inputs, outputs, name="single_origin" if last_only else "dense"))
    return Network(config, *graphs)


def rebuild_network(config: NetworkConfig, weights: list[np.ndarray]) -> Network:
    """Build a network in the default precision and give it weights."""
    network = build_network(config)
    network.dense.set_weights(weights)
    return network


def build_model(lookback: int, horizon: int, n_features: int, **settings: Any) -> keras.Model:
    """Build a causal network whose receptive field is exactly the lookback.

    Parameters
    ----------
    lookback, horizon, n_features : int
        Rows seen, steps predicted, size of the input's last axis.
    **settings
        `targets` (positions of the features to predict, default all), `feature_mode` ("joint", "front_end",
        "independent"), `filters`, `kernel_size`, `dilation_rates` ("auto", or one rate a layer; for "front_end" a pair
        of such lists), `n_stacks`, `normalizer_span` ("auto", rows, or None), `activation`, `normalization`,
        `dropout`, `linear_skip` ("shared", "per_feature" or None): as in `tscnn.Forecaster`.

    Returns
    -------
    keras.Model
        (batch, time, n_features) -> (batch, time - lookback + 1, horizon, targets): one forecast for each row that
        has a complete window. One window is the case time = lookback.

    Raises
    ------
    ValueError
        If given dilation rates don't add up to the lookback, or leave holes in it.

    References
    ----------
    .. [1] van den Oord et al. (2016), WaveNet: A Generative Model for Raw Audio.

    Examples
    --------
    >>> import tscnn
    >>> model = tscnn.build_model(lookback=10, horizon=3, n_features=5)
    >>> model.output_shape
    (None, None, 3, 5)
    >>> import numpy as np
    >>> model(np.zeros((1, 12, 5))).shape
    TensorShape([1, 3, 3, 5])
    """
    return build_network(resolve_config(lookback, horizon, n_features, **settings)).dense


def _make_layers(config: NetworkConfig, precision: str | None) -> dict[str, Any]:
    """Make every layer once, by name."""
    stack_settings: dict[str, Any] = {
        "filters": config.filters,
        "activation": config.activation,
        "normalization": config.normalization,
        "dropout": config.dropout,
    }
    with precision_scope(precision):
        stack = WaveNetStack(config.layers, **stack_settings, name="stack")
        front_end = WaveNetStack(config.front_end_layers, **stack_settings, name="front_end_stack")
        per_feature = PerFeature(stack, name="per_feature")
        front_end_per_feature = PerFeature(front_end, name="front_end")
    parts: dict[str, Any] = {}
    if config.normalizer_span > 1:
        parts["normalizer"] = RollingNormalizer(config.normalizer_span, name="normalizer")
        parts["scale_back"] = ScaleBack(config.targets, add_level=config.linear_maps is None, name="scale_back")
    if config.feature_mode == "front_end":
        parts["front_end"] = front_end_per_feature
        parts["merge"] = keras.layers.Reshape((-1, config.n_features * config.filters), name="merge")
    parts["stack"] = per_feature if config.feature_mode == "independent" else stack
    parts["head"] = Head(config.horizon, config.targets, config.reversion, name="head")
    if config.vector_skip:
        n_targets = len(config.targets)
        parts["vector_skip"] = VectorSkip(config.vector_skip, config.horizon, n_targets, name="vector_skip")
        parts["add_vector_skip"] = keras.layers.Add(name="add_vector_skip")
    if config.linear_maps is not None:
        features, n_targets = config.targets, len(config.targets)
        if config.components:
            zeros: dict[str, Any] = {"use_bias": False, "kernel_initializer": "zeros"}
            parts["to_components"] = keras.layers.Dense(2 * n_targets, **zeros, name="to_components")
            parts["from_components"] = keras.layers.Dense(n_targets, **zeros, name="from_components")
            features = tuple(range(2 * n_targets))
        maps = config.linear_maps if any(config.linear_maps) else None
        parts["linear_skip"] = LinearSkip(config.lookback, config.horizon, maps, features, name="linear_skip")
        parts["add"] = keras.layers.Add(name="add")
    return parts


def _connect(parts: dict[str, Any], config: NetworkConfig, inputs: Any, last_only: bool) -> Any:
    """Run the layers; with `last_only` each computes what the newest origin needs."""
    spacings = pyramid_spacings([*config.front_end_layers, *config.layers])
    if not last_only:
        spacings = [1] * len(spacings)
    n_front = len(config.front_end_layers)
    hidden = normalized = inputs  # (batch, time, features)
    if "normalizer" in parts:
        normalized, level, scale = parts["normalizer"](inputs)
        hidden = normalized
    if spacings[0] > 1:
        hidden = hidden[:, :: spacings[0]]
    if "front_end" in parts:
        hidden = parts["front_end"](hidden, spacings=spacings[: n_front + 1])  # (batch, positions, features, filters)
        hidden = parts["merge"](hidden)  # (batch, positions, features * filters)
    hidden = parts["stack"](hidden, spacings=spacings[n_front:])  # (batch, positions, [features,] filters)
    forecasts = parts["head"](hidden, level, scale) if config.reversion else parts["head"](hidden)
    if "vector_skip" in parts:
        newest = normalized[:, config.lookback - config.normalizer_span + 1 - config.vector_skip :]
        forecasts = parts["add_vector_skip"]([parts["vector_skip"](newest), forecasts])
    if "scale_back" in parts:
        forecasts = parts["scale_back"](forecasts, level, scale)
    if "linear_skip" in parts:
        linear = parts["to_components"](inputs) if config.components else inputs
        linear = parts["linear_skip"](linear)
        linear = parts["from_components"](linear) if config.components else linear
        forecasts = parts["add"]([linear, forecasts])
    return forecasts


def seed_weights(model: keras.Model, seed: int) -> None:
    """Draw every random initial weight and every dropout seed anew from `seed` alone.

    Keras draws default seeds from Python's global generator; this leaves global state alone, and gives the same weights
    on every backend. Kernels are drawn Glorot-uniform; those that start at zero stay.
    """
    random = np.random.default_rng(seed)
    for weight in model.variables:
        if weight.path.endswith("seed_generator_state"):
            weight.assign(np.array([random.integers(2**31), 0], dtype=weight.dtype))
        elif weight.path.endswith("kernel") and np.any(keras.ops.convert_to_numpy(weight)):
            *window, n_in, n_out = weight.shape
            limit = np.sqrt(6 / (np.prod(window) * (n_in + n_out)))
            weight.assign(random.uniform(-limit, limit, weight.shape))
