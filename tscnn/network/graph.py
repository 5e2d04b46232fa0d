"""From a configuration to a Keras model, evaluated densely or at the newest origin only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np

from tscnn.common.checks import received, show
from tscnn.common.settings import name_alike
from tscnn.network.backend import float32_scope, keras, start_runtime, to_numpy
from tscnn.network.config import NetworkConfig, resolve_config
from tscnn.network.connect import Parts, connect
from tscnn.network.layers import (
    AheadHead,
    CausalModel,
    Head,
    LinearSkip,
    PerFeature,
    RollingNormalizer,
    ScaleBack,
    WaveNetStack,
)

__all__ = ["Network", "build_model", "build_network", "network_of", "seed_weights"]


@dataclass(frozen=True)
class Network:
    """One set of weights behind two graphs.

    Where something is known ahead, both take (batch, positions, horizon, n_ahead) besides, as a second input. `dense`
    takes (batch, time, features) to (batch, time - lookback + 1, horizon, targets), one forecast for each
    origin. `single_origin` takes (batch, lookback, features) to (batch, 1, horizon, targets) and computes only what
    that origin needs.
    """

    config: NetworkConfig
    dense: keras.Model
    single_origin: keras.Model
    head: Any
    ahead: Any = None

    @property
    def head_variables(self) -> list[Any]:
        """Kernel and bias of the last layer, in which the network's forecast is linear.

        Returns
        -------
        list of keras.Variable
            As they are.
        """
        return [self.head.kernel, self.head.bias, *([] if self.ahead is None else [self.ahead.kernel])]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return copies of the weights.

        Returns
        -------
        dict of str to ndarray
            By the names of `tscnn.network.inference.weight_shapes`.
        """
        return {_name_of(weight): to_numpy(weight) for weight in self.dense.weights}

    def __reduce__(self) -> Any:
        """Pickle and copy as configuration and weights, so that both graphs go on sharing them."""
        return network_of, (self.config, self.arrays())


def build_network(config: NetworkConfig, precision: str | None = None, seed: int | None = None) -> Network:
    """Make the layers of `config` and connect them twice.

    `precision` is that of the convolutions, default Keras's policy; the other layers compute in that of its variables.
    Without `seed` Keras draws weights and dropout from Python's global generator, as of any layer.
    """
    start_runtime()
    layers = _make_layers(config, precision, seed)
    dense, single_origin = (_connect(layers, config, last_only) for last_only in (False, True))
    return Network(config, dense, single_origin, layers.head, layers.ahead)


def network_of(config: NetworkConfig, arrays: Mapping[str, np.ndarray]) -> Network:
    """Build a network in float32 and give it weights.

    Parameters
    ----------
    config : NetworkConfig
        Of the network.
    arrays : mapping of str to ndarray
        Of `Network.arrays`.

    Returns
    -------
    Network
        With these weights.
    """
    with float32_scope():
        network = build_network(config, seed=0)
        for weight in network.dense.weights:
            weight.assign(arrays[_name_of(weight)])
    return network


def _name_of(weight: Any) -> str:
    """Return the path of a weight, without the layers that apply another one to each feature."""
    return str(weight.path).removeprefix("per_feature/").removeprefix("front_end/")


def build_model(
    lookback: int, horizon: int, n_features: int, *, linear_skip: str | None = "shared", **settings: Any
) -> keras.Model:
    """Build a causal network whose receptive field is exactly the lookback.

    Parameters
    ----------
    lookback, horizon, n_features : int
        Rows seen, steps predicted, size of the input's last axis.
    linear_skip : {"shared", "per_feature", None}, default "shared"
        A linear map from each target's window to its forecast, trained with the stack that it is added to: one for all
        targets, one for each, or none.
    **settings
        `targets` (positions of the features to predict, default all), `feature_mode` ("joint", "front_end",
        "independent"), `filters`, `kernel_size`, `dilation_rates` ("auto", or one rate a layer; for "front_end" a pair
        of such lists), `n_stacks`, `normalizer_span` ("auto", rows, or None), `activation`, `normalization`,
        `dropout`: as in `tscnn.TCN`.

    Returns
    -------
    keras.Model
        (batch, time, n_features) -> (batch, time - lookback + 1, horizon, targets): one forecast for each row that
        has a complete window. One window is the case time = lookback; `fit` and `evaluate` take the targets of
        `make_windows` as they are, then, (batch, horizon, targets). Outcomes of another shape are refused.

    Raises
    ------
    TypeError, ValueError
        Naming the setting that is unknown or breaks a rule: dilation rates, too, that don't add up to the lookback, or
        leave holes in it.

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
    >>> inputs, targets = tscnn.make_windows(np.zeros((40, 5)), lookback=10, horizon=3)
    >>> inputs.shape, targets.shape, model(inputs)[:, 0].shape
    ((28, 10, 5), (28, 3, 5), TensorShape([28, 3, 5]))
    """
    known = list(signature(resolve_config).parameters)
    for name, value in settings.items():
        if name not in known:
            rule = f"build_model has no setting {show(name)}{name_alike(name, known)}"
            if name in ("padding", "block", "pool_size"):
                rule = f"build_model has no {name!r}: its forecasts are made of real rows, one for each of them. "
                rule += f"tscnn.layers.WaveNetStack({name}=..) has it, for a model of your own."
            raise TypeError(received(rule, **{name: value}))
    dense = build_network(resolve_config(lookback, horizon, n_features, linear_skip=linear_skip, **settings)).dense
    return CausalModel(dense.input, dense.output, name=dense.name)


# Layers, and the graph that connects them


@dataclass(frozen=True)
class _Layers(Parts):
    linear_skip: Any = None
    add: Any = None


def _make_layers(config: NetworkConfig, precision: str | None, seed: int | None) -> _Layers:
    """Make every layer once."""
    stack_settings: dict[str, Any] = {
        "filters": config.filters,
        "activation": config.activation,
        "normalization": config.normalization,
        "dropout": config.dropout,
        "seed": seed,
        "dtype": precision,
    }
    dtype = _full_precision()
    parts: dict[str, Any] = {"stack": WaveNetStack(config.layers, **stack_settings, name="stack")}
    if config.feature_mode == "independent":
        parts["stack"] = PerFeature(parts["stack"], name="per_feature", dtype=precision)
    if config.feature_mode == "front_end":
        front_end = WaveNetStack(config.front_end_layers, **stack_settings, name="front_end_stack")
        parts["front_end"] = PerFeature(front_end, name="front_end", dtype=precision)
        parts["merge"] = keras.layers.Reshape((-1, config.n_features * config.filters), name="merge", dtype=dtype)
    if config.normalizer_span > 1:
        parts["normalizer"] = RollingNormalizer(config.normalizer_span, name="normalizer", dtype=dtype)
        parts["scale_back"] = ScaleBack(config.targets, config.add_level, name="scale_back", dtype=dtype)
    if config.n_ahead:
        parts["ahead"] = AheadHead(config.horizon, config.targets, name="ahead", dtype=dtype)
    parts["head"] = Head(config.horizon, config.targets, name="head", dtype=dtype)
    if config.linear_skip is not None:
        maps = range(len(config.targets)) if config.linear_skip == "per_feature" else None
        parts["linear_skip"] = LinearSkip(
            config.lookback, config.horizon, maps, config.targets, name="linear_skip", dtype=dtype
        )
        parts["add"] = keras.layers.Add(name="add", dtype=dtype)
    return _Layers(**parts)


def _full_precision() -> str:
    """Return the type that levels are computed in: under a policy of mixed precision, that of the variables."""
    return str(keras.config.dtype_policy().variable_dtype)


def _connect(layers: _Layers, config: NetworkConfig, last_only: bool) -> keras.Model:
    shape = (config.lookback if last_only else None, config.n_features)
    rows = keras.Input(shape, dtype=_full_precision(), name="rows")
    inputs, ahead = rows, None
    if config.n_ahead:
        positions = (1 if last_only else None, config.horizon, config.n_ahead)
        ahead = keras.Input(positions, dtype=_full_precision(), name="known_ahead")
        inputs = [rows, ahead]
    outputs = connect(rows, layers, config, last_only, ahead)
    if layers.linear_skip is not None:
        outputs = layers.add([layers.linear_skip(rows), outputs])
    return keras.Model(inputs, outputs, name="single_origin" if last_only else "dense")


def seed_weights(model: keras.Model, seed: int) -> None:
    """Draw every random initial weight and every dropout seed anew from `seed` alone.

    Keras draws default seeds from Python's global generator; this leaves global state alone, and gives the same weights
    on every backend. Kernels are drawn Glorot-uniform; those that start at zero stay.
    """
    random = np.random.default_rng(seed)
    for weight in model.variables:
        if weight.path.endswith("seed_generator_state"):
            weight.assign(np.array([random.integers(2**31), 0], dtype=weight.dtype))
        elif weight.path.endswith("kernel") and np.any(to_numpy(weight)):
            *window, n_in, n_out = weight.shape
            limit = np.sqrt(6 / (np.prod(window) * (n_in + n_out)))
            weight.assign(random.uniform(-limit, limit, weight.shape))
