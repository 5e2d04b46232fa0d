"""What determines a network's shape, checked and resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from tscnn.common.checks import check_choice, check_int, check_ints, check_real, received
from tscnn.network.activations import check_activation
from tscnn.network.planning import FEATURE_MODES, Layers, plan_network
from tscnn.network.receptive_field import receptive_field

__all__ = ["FEATURE_MODES", "NetworkConfig", "describe_network", "read_config", "resolve_config"]

MOST_SIZE = 1_000_000  # of an axis: more is a slip of the finger
MOST_FILTERS = 8192  # whose square a layer has weights: gigabytes
NORMALIZATIONS = (None, "layer", "batch")
LINEAR_SKIPS = (None, "shared", "per_feature")


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that determines a network's shape, resolved: nothing in it is left to choose.

    Attributes
    ----------
    lookback, horizon, n_features : int
        Rows seen, steps predicted, size of the input's last axis.
    targets : tuple of int
        Positions of the targets among the features.
    feature_mode : {"joint", "front_end", "independent"}
        How features meet.
    front_end_layers, layers : tuple of (int, int)
        ``(kernel_size, dilation_rate)`` of each layer, below and above the place where features meet.
    normalizer_span : int
        Rows that the rolling normaliser takes level and scale from: 1 where there is none.
    filters : int
        Outputs of each convolution.
    activation : str
        "gated" or the name of a Keras activation.
    normalization : {None, "layer", "batch"}
        Inside the residual blocks.
    dropout : float
        Share of filters dropped in training.
    add_level : bool, default True
        Whether forecasts are brought back to the rolling level, not to its scale alone: False where something else,
        which the network is added to, carries the level.
    linear_skip : {None, "shared", "per_feature"}, default None
        A trained linear map beside the stack, one for all targets or one for each; of `tscnn.build_model` alone.
    n_ahead : int, default 0
        Numbers that are known ahead of every step of the horizon.
    """

    lookback: int
    horizon: int
    n_features: int
    targets: tuple[int, ...]
    feature_mode: str
    front_end_layers: Layers
    layers: Layers
    normalizer_span: int
    filters: int
    activation: str
    normalization: str | None
    dropout: float
    add_level: bool = True
    linear_skip: str | None = None
    n_ahead: int = 0


def resolve_config(
    lookback: int,
    horizon: int,
    n_features: int,
    *,
    targets: Sequence[int] | None = None,
    feature_mode: str = "joint",
    filters: int = 32,
    kernel_size: int = 2,
    dilation_rates: Any = "auto",
    n_stacks: int = 1,
    normalizer_span: Any = "auto",
    activation: str = "gated",
    normalization: str | None = None,
    dropout: float = 0.0,
    add_level: bool = True,
    linear_skip: str | None = None,
    n_ahead: int = 0,
) -> NetworkConfig:
    """Check every setting of a network, and decide what they leave to choose.

    Parameters
    ----------
    lookback, horizon, n_features, targets, add_level, linear_skip, n_ahead
        Of `NetworkConfig`; `targets` are all features by default. A linear skip carries the level.
    feature_mode, filters, kernel_size, dilation_rates, n_stacks, normalizer_span, activation, normalization, dropout
        Of `tscnn.network.settings.TCN`.

    Returns
    -------
    NetworkConfig
        Of a network whose receptive field is exactly the lookback.

    Raises
    ------
    TypeError, ValueError
        Naming the setting that breaks a rule.
    """
    lookback, n_features = (
        check_int(name, value, most=MOST_SIZE) for name, value in (("lookback", lookback), ("n_features", n_features))
    )
    feature_mode = check_choice("feature_mode", feature_mode, FEATURE_MODES)
    span, front_end_layers, layers = plan_network(
        lookback, kernel_size, dilation_rates, n_stacks, normalizer_span, feature_mode
    )
    targets = _check_targets(targets, n_features, feature_mode)
    check_choice("linear_skip", linear_skip, LINEAR_SKIPS)
    return NetworkConfig(
        lookback=lookback,
        horizon=check_int("horizon", horizon, most=MOST_SIZE),
        n_features=n_features,
        targets=targets,
        feature_mode=feature_mode,
        front_end_layers=front_end_layers,
        layers=layers,
        normalizer_span=span,
        filters=check_int("filters", filters, most=MOST_FILTERS),
        activation=check_activation(activation),
        normalization=check_choice("normalization", normalization, NORMALIZATIONS),
        dropout=check_real("dropout", dropout, low=0, high=1),
        add_level=check_choice("add_level", add_level, (True, False)) and linear_skip is None,
        linear_skip=linear_skip,
        n_ahead=check_int("n_ahead", n_ahead, minimum=0),
    )


def read_config(settings: Mapping[str, Any]) -> NetworkConfig:
    """Read back the fields of a configuration from JSON.

    Parameters
    ----------
    settings : mapping of str to value
        Every field by name; lists stand for tuples.

    Returns
    -------
    NetworkConfig
        As it was.

    Raises
    ------
    TypeError, ValueError
        Naming the field that is missing, unknown, or breaks a rule.
    """
    names = [field.name for field in fields(NetworkConfig)]
    if set(settings) != set(names):
        missing, unknown = sorted(set(names) - set(settings)), sorted(set(settings) - set(names))
        rule = "The settings of a network must be the fields of its configuration."
        raise ValueError(received(rule, missing=missing, unknown=unknown))
    given, n_features = dict(settings), check_int("n_features", settings["n_features"])
    feature_mode = check_choice("feature_mode", given["feature_mode"], FEATURE_MODES)
    config = NetworkConfig(
        lookback=check_int("lookback", given["lookback"]),
        horizon=check_int("horizon", given["horizon"]),
        n_features=n_features,
        targets=_check_targets(given["targets"], n_features, feature_mode),
        feature_mode=feature_mode,
        front_end_layers=_read_layers("front_end_layers", given["front_end_layers"]),
        layers=_read_layers("layers", given["layers"]),
        normalizer_span=check_int("normalizer_span", given["normalizer_span"]),
        filters=check_int("filters", given["filters"]),
        activation=check_activation(given["activation"]),
        normalization=check_choice("normalization", given["normalization"], NORMALIZATIONS),
        dropout=check_real("dropout", given["dropout"], low=0, high=1),
        add_level=bool(check_choice("add_level", given["add_level"], (True, False))),
        linear_skip=check_choice("linear_skip", given["linear_skip"], LINEAR_SKIPS),
        n_ahead=check_int("n_ahead", given["n_ahead"], minimum=0),
    )
    field = receptive_field([*config.front_end_layers, *config.layers, (config.normalizer_span, 1)])
    if field != config.lookback:
        rule = f"The receptive field of the layers must equal the lookback, {config.lookback}."
        raise ValueError(received(rule, receptive_field=field))
    if config.front_end_layers and feature_mode != "front_end":
        rule = "`front_end_layers` must be empty unless feature_mode='front_end'."
        raise ValueError(received(rule, front_end_layers=config.front_end_layers))
    return config


def _read_layers(name: str, values: Any) -> Layers:
    if not isinstance(values, list | tuple):
        raise TypeError(received(f"`{name}` must be a list of (kernel_size, dilation_rate).", **{name: values}))
    layers = [check_ints(f"{name}[{i}]", value) for i, value in enumerate(values)]
    if any(len(layer) != 2 for layer in layers):
        raise ValueError(received(f"`{name}` must be a list of (kernel_size, dilation_rate).", **{name: values}))
    return tuple((kernel_size, dilation_rate) for kernel_size, dilation_rate in layers)


def _check_targets(targets: Sequence[int] | None, n_features: int, feature_mode: str) -> tuple[int, ...]:
    if targets is None:
        return tuple(range(n_features))
    positions = check_ints("targets", targets, minimum=0)
    if not positions or max(positions) >= n_features or len(set(positions)) < len(positions):
        rule = f"`targets` must be distinct positions among {n_features} features, at least one."
        raise ValueError(received(rule, targets=targets))
    if feature_mode == "independent" and len(positions) < n_features:
        rule = "`feature_mode='independent'` sees each target's own past only, so every feature must be a target."
        raise ValueError(received(rule, targets=targets, n_features=n_features))
    return positions


def describe_network(config: NetworkConfig, has_linear: bool) -> str:
    """Write what tells a network from its rivals.

    Parameters
    ----------
    config : NetworkConfig
        Of the network.
    has_linear : bool
        Whether linear terms forecast beside it.

    Returns
    -------
    str
        Such as "joint with normaliser over 24 rows and a linear model".
    """
    normalizer = f"normaliser over {config.normalizer_span} rows" if config.normalizer_span > 1 else "no normaliser"
    return f"{config.feature_mode} with {normalizer} and {'a' if has_linear else 'no'} linear model"
