"""What determines a network's shape, checked and resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tscnn.common.checks import check_choice, check_int, check_ints, check_real, received
from tscnn.network.layers import check_activation
from tscnn.network.receptive_field import find_holes, plan_layers, receptive_field

__all__ = ["FEATURE_MODES", "NetworkConfig", "resolve_config"]

FEATURE_MODES = ("joint", "front_end", "independent")
Layers = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that determines a network's shape, resolved: nothing in it is left to choose.

    `front_end_layers` and `layers` hold one ``(kernel_size, dilation_rate)`` a layer, below and above the place where
    features meet. `normalizer_span` is 1 where there is no rolling normaliser. `targets` are positions among the
    features. `linear_maps` says which map of the `LinearSkip` each target has, None without one. It may go on with as
    many linear combinations of the targets, the `components`, whose forecasts are given to targets by another layer.
    `reversion` is that of the head, and `vector_skip` the rows that a `VectorSkip` sees, 0 without one.
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
    linear_maps: tuple[int, ...] | None
    reversion: bool = False
    vector_skip: int = 0

    @property
    def components(self) -> bool:
        """Whether the linear map has linear combinations of the targets, too."""
        return self.linear_maps is not None and len(self.linear_maps) > len(self.targets)


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
    linear_skip: str | None = "shared",
) -> NetworkConfig:
    """Check every argument of `build_model` and settle what it leaves to choose."""
    lookback, n_features = check_int("lookback", lookback), check_int("n_features", n_features)
    feature_mode = check_choice("feature_mode", feature_mode, FEATURE_MODES)
    convolutions = _explicit_layers(kernel_size, dilation_rates, n_stacks, feature_mode)
    span = _resolve_span(lookback, normalizer_span, convolutions)
    if convolutions is None:
        convolutions = _planned_layers(lookback - span + 1, kernel_size, n_stacks, feature_mode)
    _check_field(lookback, span, kernel_size, convolutions, feature_mode)
    targets = _check_targets(targets, n_features, feature_mode)
    check_choice("linear_skip", linear_skip, (None, "shared", "per_feature"))
    linear_maps = range(len(targets)) if linear_skip == "per_feature" else [0] * len(targets)
    return NetworkConfig(
        lookback=lookback,
        horizon=check_int("horizon", horizon),
        n_features=n_features,
        targets=targets,
        feature_mode=feature_mode,
        front_end_layers=convolutions[0],
        layers=convolutions[1],
        normalizer_span=span,
        filters=check_int("filters", filters),
        activation=check_activation(activation),
        normalization=check_choice("normalization", normalization, (None, "layer", "batch")),
        dropout=check_real("dropout", dropout, low=0, high=1),
        linear_maps=None if linear_skip is None else tuple(linear_maps),
    )


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


def _explicit_layers(
    kernel_size: int, dilation_rates: Any, n_stacks: int, feature_mode: str
) -> tuple[Layers, Layers] | None:
    """Pair the user's dilations with the kernel size, as given; None for "auto"."""
    kernel_size, n_stacks = check_int("kernel_size", kernel_size, minimum=2), check_int("n_stacks", n_stacks)
    if isinstance(dilation_rates, str):
        check_choice("dilation_rates", dilation_rates, ("auto",))
        return None
    if feature_mode != "front_end":
        dilation_rates = ((), dilation_rates)
    elif not _is_pair_of_lists(dilation_rates):
        rule = "`dilation_rates` of feature_mode='front_end' must be a pair: per feature, then joint."
        raise ValueError(received(rule, dilation_rates=dilation_rates))
    front_end, joint = (check_ints("dilation_rates", rates) for rates in dilation_rates)
    return tuple((kernel_size, d) for d in front_end), tuple((kernel_size, d) for d in joint * n_stacks)


def _is_pair_of_lists(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and len(values) == 2 and not any(isinstance(v, int) for v in values)


def _resolve_span(lookback: int, normalizer_span: Any, convolutions: tuple[Layers, Layers] | None) -> int:
    """Give the rolling normaliser what explicit convolutions leave of the lookback, or half of it."""
    if normalizer_span is None:
        return 1
    if isinstance(normalizer_span, str):
        check_choice("normalizer_span", normalizer_span, ("auto",))
        if convolutions is None:
            return max(1, lookback // 2)
        return max(1, lookback - receptive_field([*convolutions[0], *convolutions[1]]) + 1)
    span = check_int("normalizer_span", normalizer_span, minimum=2)
    if span > lookback:
        rule = f"`normalizer_span` must be at most the lookback, {lookback}."
        raise ValueError(received(rule, normalizer_span=span))
    return span


def _planned_layers(field: int, kernel_size: int, n_stacks: int, feature_mode: str) -> tuple[Layers, Layers]:
    """Plan `n_stacks` cycles that share the field; the front end takes the lower half of the layers."""
    if n_stacks > max(1, field - 1):
        rule = (
            f"`n_stacks` must be at most {max(1, field - 1)}: each cycle needs a layer, and the field has {field} rows."
        )
        raise ValueError(received(rule, n_stacks=n_stacks))
    share, rest = divmod(field - 1, n_stacks)
    cycles = [plan_layers(share + (i < rest) + 1, kernel_size) for i in range(n_stacks)]
    layers = tuple(layer for cycle in cycles for layer in cycle)
    n_front = (len(layers) + 1) // 2 if feature_mode == "front_end" else 0
    return layers[:n_front], layers[n_front:]


def _check_field(
    lookback: int, span: int, kernel_size: int, convolutions: tuple[Layers, Layers], feature_mode: str
) -> None:
    layers = [*convolutions[0], *convolutions[1], (span, 1)]
    field, dilation_rates = receptive_field(layers), [d for _, d in layers[:-1]]
    if field != lookback:
        rule = (
            f"The receptive field must equal the lookback, {lookback}, but kernel size {kernel_size} with these "
            f"dilation rates and a normaliser over {span} rows has {field}. "
            f"{_fitting_settings(lookback - span + 1, kernel_size, feature_mode)} would fit."
        )
        raise ValueError(received(rule, dilation_rates=dilation_rates))
    if holes := find_holes(layers):
        rule = f"Every row of the lookback must be seen, but no path reaches lags {holes[:8]}."
        raise ValueError(received(rule, dilation_rates=dilation_rates))


def _fitting_settings(field: int, kernel_size: int, feature_mode: str) -> str:
    """Write settings that see `field` rows; kernels of 2 can always."""
    if any(k != kernel_size for k, _ in plan_layers(field, kernel_size)):
        kernel_size = 2
    front_end, joint = ([d for _, d in part] for part in _planned_layers(field, kernel_size, 1, feature_mode))
    dilation_rates = (front_end, joint) if feature_mode == "front_end" else joint
    return f"kernel_size={kernel_size}, n_stacks=1, dilation_rates={dilation_rates}"
