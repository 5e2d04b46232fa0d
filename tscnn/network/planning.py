"""The dilated layers of a network, and the span of its normaliser: as given, or planned from the lookback."""

from __future__ import annotations

from typing import Any

import numpy as np

from tscnn.common.checks import check_int, check_ints, received, show
from tscnn.network.receptive_field import find_holes, plan_layers, receptive_field

__all__ = ["FEATURE_MODES", "Layers", "plan_network"]

FEATURE_MODES = ("joint", "front_end", "independent")
MOST_LAYERS = 1000  # to write down
Layers = tuple[tuple[int, int], ...]


def plan_network(
    lookback: int, kernel_size: int, dilation_rates: Any, n_stacks: int, normalizer_span: Any, feature_mode: str
) -> tuple[int, Layers, Layers]:
    """Decide what sees which part of the lookback.

    Parameters
    ----------
    lookback : int
        Rows that must be seen, every one of them and no other.
    kernel_size, dilation_rates, n_stacks, normalizer_span, feature_mode
        Of `tscnn.network.settings.TCN`.

    Returns
    -------
    normalizer_span : int
        1 where there is no rolling normaliser.
    front_end_layers, layers : tuple of (int, int)
        ``(kernel_size, dilation_rate)`` of each layer below and above the place where features meet.

    Raises
    ------
    TypeError, ValueError
        If a setting breaks its rule, or the layers given see more or less than the lookback.
    """
    convolutions = _explicit_layers(lookback, kernel_size, dilation_rates, n_stacks, feature_mode)
    span = _resolve_span(lookback, normalizer_span, convolutions)
    if convolutions is None:
        convolutions = _planned_layers(lookback - span + 1, kernel_size, n_stacks, feature_mode)
    _check_field(lookback, span, kernel_size, convolutions, feature_mode)
    return span, *convolutions


def _explicit_layers(
    lookback: int, kernel_size: int, dilation_rates: Any, n_stacks: int, feature_mode: str
) -> tuple[Layers, Layers] | None:
    """Pair the user's dilations with the kernel size, as given; None for "auto"."""
    kernel_size, n_stacks = check_int("kernel_size", kernel_size, minimum=2), check_int("n_stacks", n_stacks)
    for name, value, most in (("kernel_size", kernel_size, max(2, lookback)), ("n_stacks", n_stacks, lookback)):
        if value > most:
            rule = f"`{name}` must be at most {most} for a lookback of {lookback}."
            raise ValueError(received(rule, **{name: value}))
    if isinstance(dilation_rates, str):
        if dilation_rates != "auto":
            rule = "`dilation_rates` must be 'auto' or a sequence of integers of at least 1."
            raise ValueError(received(rule, dilation_rates=dilation_rates))
        return None
    if feature_mode != "front_end":
        dilation_rates = ((), dilation_rates)
    elif (
        not isinstance(dilation_rates, list | tuple)
        or len(dilation_rates) != 2
        or any(map(np.isscalar, dilation_rates))
    ):
        rule = (
            "`dilation_rates` of feature_mode='front_end' must be 'auto' or a pair of lists: per feature, then joint."
        )
        raise ValueError(received(rule, dilation_rates=dilation_rates))
    front_end, joint = (check_ints("dilation_rates", rates, most=MOST_LAYERS, auto=True) for rates in dilation_rates)
    if len(joint) * n_stacks > max(lookback, MOST_LAYERS):
        rule = f"`n_stacks` must leave fewer layers than the lookback has rows, {lookback}."
        raise ValueError(received(rule, n_stacks=n_stacks, dilation_rates=joint))
    return tuple((kernel_size, d) for d in front_end), tuple((kernel_size, d) for d in joint * n_stacks)


def _resolve_span(lookback: int, normalizer_span: Any, convolutions: tuple[Layers, Layers] | None) -> int:
    """Give the rolling normaliser what explicit convolutions leave of the lookback, or half of it."""
    if normalizer_span is None:
        return 1
    if isinstance(normalizer_span, str) and normalizer_span == "auto":
        if convolutions is None:
            return max(1, lookback // 2)
        return max(1, lookback - receptive_field([*convolutions[0], *convolutions[1]]) + 1)
    rule = "`normalizer_span` must be 'auto', None or an integer of at least 2."
    if isinstance(normalizer_span, str):
        raise ValueError(received(rule, normalizer_span=normalizer_span))
    try:
        span = check_int("normalizer_span", normalizer_span, minimum=2)
    except (TypeError, ValueError) as error:
        raise type(error)(received(rule, normalizer_span=normalizer_span)) from None
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
            f"With `dilation_rates` the receptive field must equal the lookback, {lookback}, but kernel size "
            f"{kernel_size} with these and a normaliser over {span} rows has {show(field, 12)}. "
            f"{_fitting_settings(lookback - span + 1, kernel_size, feature_mode)} would fit."
        )
        raise ValueError(received(rule, dilation_rates=dilation_rates))
    if holes := find_holes(layers):
        rule = f"`dilation_rates` must leave no row of the lookback unseen, but no path reaches lags {holes[:8]}."
        raise ValueError(received(rule, dilation_rates=dilation_rates))


def _fitting_settings(field: int, kernel_size: int, feature_mode: str) -> str:
    """Write settings that see `field` rows; kernels of 2 can always."""
    if any(k != kernel_size for k, _ in plan_layers(field, kernel_size)):
        kernel_size = 2
    front_end, joint = ([d for _, d in part] for part in _planned_layers(field, kernel_size, 1, feature_mode))
    dilation_rates = (front_end, joint) if feature_mode == "front_end" else joint
    return f"kernel_size={kernel_size}, n_stacks=1, dilation_rates={dilation_rates}"
