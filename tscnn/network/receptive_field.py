"""Which rows a stack of causal convolutions sees, and which stack sees a given number of rows.

A layer is a pair ``(kernel_size, dilation_rate)``, a triple ``(kernel_size, dilation_rate, stride)`` or `Taps`, and
a stack is a sequence of layers, the one nearest to the input first, or a model of Keras. Everything is counted in input
rows. A lag is a distance back from the row that the output stands at, of a causal stack the newest that it sees.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tscnn.common.checks import check_choice, check_int, check_ints, received
from tscnn.network.keras_taps import read_keras
from tscnn.network.taps import WIDEST_FIELD, Chain, Rows, Taps

__all__ = [
    "Field",
    "conv_output_length",
    "find_field",
    "find_holes",
    "plan_layers",
    "reachable_lags",
    "receptive_field",
]

_FEW = 64  # divisors that are tried sooner than an array is made


class Field(NamedTuple):
    """Which rows an output depends on, counted from the row that it stands at.

    Attributes
    ----------
    left, right : int
        Rows before and after that row: the receptive field has ``left + 1 + right``. Causal stacks have no right side.
    holes : list of int
        Lags between the two that no output depends on; those of later rows are negative.
    """

    left: int
    right: int
    holes: list[int]


def receptive_field(layers: Any) -> int:
    """Count the input rows from the newest to the oldest that one output depends on.

    With kernel sizes `k`, dilation rates `d` and strides `s` the field is
    ``1 + sum_i (k_i - 1) * d_i * prod_{j<i} s_j`` [1]_. Behind transposed convolutions, outputs differ in what they
    see: the field has every lag that one of them does.

    Parameters
    ----------
    layers : sequence of (kernel_size, dilation_rate), (kernel_size, dilation_rate, stride) or `Taps`; or of Keras
        The layer nearest to the input first, every number at least 1. A pooling layer counts as a
        convolution: ``(pool_size, 1, stride)``. Or a layer or a built model of Keras, whose layers are looked at.

    Returns
    -------
    int
        The receptive field in rows, the newest one counted: 1 for an empty stack.

    Raises
    ------
    TypeError, ValueError
        If `layers` is not a sequence of two or three integers of at least 1 each, or a Keras layer reads more than a
        bounded number of rows, or is not known.

    See Also
    --------
    find_field : Both sides of it.
    find_holes : Rows inside the field that the output does not depend on.
    plan_layers : The other way round, from a lookback to the layers.

    References
    ----------
    .. [1] Araujo, Norris and Sim (2019), "Computing receptive fields of convolutional neural networks",
       Distill, equation 2.

    Examples
    --------
    >>> receptive_field([(3, 1), (3, 2), (3, 4), (3, 8)])
    31

    A pooling layer of size and stride 2 doubles the reach of what follows:

    >>> receptive_field([(3, 1), (2, 1, 2), (3, 1)])
    8
    """
    network = _network(layers)
    if isinstance(network, Chain) and network.rates[0] == 1:  # without listing any row
        field = rows_per_step = 1
        for taps in network.taps:
            field += taps.reach * rows_per_step
            rows_per_step *= taps.stride
        return field
    left, right, _ = find_field(layers)
    return left + 1 + right


def find_field(layers: Any) -> Field:
    """Find how far an output looks back and ahead.

    Parameters
    ----------
    layers : sequence, or layer or model of Keras
        As for `receptive_field`.

    Returns
    -------
    Field
        ``(left, right, holes)``, counted from the row of the same position where there are as many outputs as rows;
        where "valid" padding leaves fewer, the last output stands at the last row; where strides do, each at the newest
        row that it sees.

    Raises
    ------
    TypeError, ValueError
        As for `reachable_lags`.

    Examples
    --------
    >>> find_field([(3, 1), (3, 2)])
    Field(left=6, right=0, holes=[])
    >>> find_field([Taps(3, padding="same"), Taps(3, 2, padding="same")])
    Field(left=3, right=3, holes=[])
    >>> find_field([(2, 1, 2), Taps(2, stride=2, transposed=True)])
    Field(left=2, right=0, holes=[])
    """
    lags = reachable_lags(layers)
    return Field(max(0, int(lags[-1])), max(0, -int(lags[0])), _holes(lags))


def reachable_lags(layers: Any) -> NDArray[np.int64]:
    """List the lags that one output depends on.

    They are the sums of one tap from every layer, where layer `i` has its taps at
    ``{0, d_i, .., (k_i - 1) * d_i}`` times the product of the earlier strides. Lags of later rows are negative.

    Parameters
    ----------
    layers : sequence, or layer or model of Keras
        As for `receptive_field`.

    Returns
    -------
    ndarray of shape (n_lags,), int64
        Lags in rows, ascending: of a causal stack from 0 to ``receptive_field(layers) - 1``.

    Raises
    ------
    TypeError, ValueError
        If `layers` is refused by `receptive_field`, or its field is wider than 1,000,000 rows.

    Examples
    --------
    >>> reachable_lags([(2, 1), (2, 4)])
    array([0, 1, 4, 5])
    """
    network = _network(layers)
    up, down = network.rates
    if up == 1 and isinstance(network, Chain) and (field := receptive_field(layers)) > WIDEST_FIELD:
        rule = f"`layers` must have a receptive field of at most {WIDEST_FIELD} rows to list its lags."
        raise ValueError(received(rule, receptive_field=field))
    n_rows = 4 * WIDEST_FIELD * up * down  # more than any field, and nothing is left over by a stride
    n_outputs = network.length(n_rows)
    same_rate = n_rows < 2 * n_outputs < 3 * n_rows
    lags: set[int] = set()
    for position in range(up):
        rows = network.read(Rows(position, np.ones(1, dtype=bool)), n_rows).positions()
        if len(rows):
            newest = position + max(0, n_rows - n_outputs) if same_rate else rows[-1]
            lags.update((newest - rows).tolist())
    return np.array(sorted(lags), dtype=np.int64)


def find_holes(layers: Any) -> list[int]:
    """List the lags inside the receptive field that no path through the layers reaches.

    Parameters
    ----------
    layers : sequence, or layer or model of Keras
        As for `receptive_field`.

    Returns
    -------
    list of int
        Lags in rows, ascending: rows that the output ignores although older ones count.

    Raises
    ------
    TypeError, ValueError
        As for `reachable_lags`.

    Examples
    --------
    >>> find_holes([(2, 1), (2, 4)])
    [2, 3]
    >>> find_holes([(2, 1), (2, 2), (2, 4)])
    []
    """
    return _holes(reachable_lags(layers))


def _holes(lags: NDArray[np.int64]) -> list[int]:
    holes: list[int] = np.setdiff1d(np.arange(min(0, lags[0]), lags[-1]), lags, assume_unique=True).tolist()
    return holes


def plan_layers(lookback: int, kernel_size: int = 2) -> list[tuple[int, int]]:
    """Find the fewest layers that see exactly the last `lookback` rows, every one of them.

    Dilation rates are powers of the kernel size, as WaveNet's are [1]_, and the last layer makes up the
    difference to `lookback`. Where it cannot do so alone, the layers before it give way too.

    Parameters
    ----------
    lookback : int
        Rows to see, the newest one counted: 1 to 1,000,000.
    kernel_size : int, default 2
        The largest kernel that a layer may have, at least 2.

    Returns
    -------
    list of (kernel_size, dilation_rate)
        The layer nearest to the input first: empty for a lookback of 1. Its `receptive_field` is `lookback`,
        it has no holes, and no shorter list with such kernels does the same.

    Raises
    ------
    TypeError, ValueError
        If an argument is not an integer in its range.

    Notes
    -----
    A layer of kernel size `k` and dilation rate `d` that follows a hole-free field of `m` rows shifts that
    block of `m` rows by ``0, d, .., (k - 1) * d``. The shifted blocks leave no hole if and only if
    ``d <= m``, and together they cover ``m + (k - 1) * d`` rows. Every hole-free stack, sorted by dilation,
    is such a chain: if the next dilation were more than `m`, no layer that is left could reach the lag `m`.
    The planner therefore takes the shortest chain apart from its end, each time leaving the widest field that
    a chain of one layer less can have.

    References
    ----------
    .. [1] van den Oord et al. (2016), "WaveNet: a generative model for raw audio", section 2.1.

    Examples
    --------
    >>> plan_layers(10)
    [(2, 1), (2, 2), (2, 4), (2, 2)]
    >>> plan_layers(27, kernel_size=3)
    [(3, 1), (3, 3), (3, 9)]

    Kernels of 3 alone have odd fields only, so an even lookback takes one of 2:

    >>> plan_layers(26, kernel_size=3)
    [(3, 1), (3, 3), (3, 8), (2, 1)]
    """
    lookback = check_int("lookback", lookback)
    kernel_size = check_int("kernel_size", kernel_size, minimum=2)
    if lookback > WIDEST_FIELD:
        rule = f"`lookback` must be an integer of at most {WIDEST_FIELD}."
        raise ValueError(received(rule, lookback=lookback))
    if lookback == 1:
        return []
    kernel_size = min(kernel_size, lookback)
    chains, depth = _Chains(kernel_size), 1
    while kernel_size**depth < lookback or chains.last_layer(lookback, depth) is None:
        depth += 1
    plan: list[tuple[int, int]] = []
    field = lookback
    while depth:
        layer = chains.last_layer(field, depth)
        assert layer is not None  # each field kept below is that of a chain
        plan.insert(0, layer)
        field -= (layer[0] - 1) * layer[1]
        depth -= 1
    return plan


def conv_output_length(
    length: int, kernel_size: int, *, stride: int = 1, dilation_rate: int = 1, padding: str | int = "valid"
) -> int:
    """Count the output steps of a convolution or a pooling layer.

    With `p` padded steps in all it is
    ``floor((length + p - dilation_rate * (kernel_size - 1) - 1) / stride) + 1``.

    Parameters
    ----------
    length : int
        Input steps, at least 1.
    kernel_size, stride, dilation_rate : int
        At least 1.
    padding : {"valid", "same", "causal"} or int, default "valid"
        "valid" adds nothing; "same" (on both sides) and "causal" (on the left) add
        ``dilation_rate * (kernel_size - 1)`` steps, which gives ``ceil(length / stride)``. An integer is the
        total number of padded steps, left and right together: twice PyTorch's `padding`.

    Returns
    -------
    int
        Output steps, at least 1.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks its rule, or the padded input is shorter than the span of the kernel: Keras and
        PyTorch refuse that too.

    Examples
    --------
    >>> conv_output_length(10, 3, dilation_rate=2)
    6
    >>> conv_output_length(10, 3, stride=2, padding="causal")
    5
    >>> conv_output_length(10, 3, padding=1)
    9
    """
    length = check_int("length", length)
    kernel_size = check_int("kernel_size", kernel_size)
    stride = check_int("stride", stride)
    reach = check_int("dilation_rate", dilation_rate) * (kernel_size - 1)
    if isinstance(padding, str):
        check_choice("padding", padding, ("valid", "same", "causal"))
        padded = 0 if padding == "valid" else reach
    else:
        padded = check_int("padding", padding, minimum=0)

    if length + padded <= reach:
        rule = "`length` plus `padding` must be at least the span, 1 + (kernel_size - 1) * dilation_rate."
        raise ValueError(received(rule, length=length, padding=padding, span=1 + reach))
    return (length + padded - reach - 1) // stride + 1


def _network(layers: Any) -> Any:
    """Return what tells the output's length, and which rows its positions read."""
    if hasattr(layers, "get_config"):  # of Keras, which is imported, then
        return read_keras(layers)
    try:
        if isinstance(layers, str | bytes | Mapping | Set):
            raise TypeError
        listed = list(layers)
    except TypeError:
        rule = "`layers` must be a sequence of (kernel_size, dilation_rate)."
        raise TypeError(received(rule, layers=layers)) from None
    return Chain(tuple(_taps(f"layers[{i}]", layer) for i, layer in enumerate(listed)))


def _taps(name: str, layer: Any) -> Taps:
    if isinstance(layer, Taps):
        return layer
    numbers = check_ints(name, layer)
    if len(numbers) not in (2, 3):
        rule = f"`{name}` must be (kernel_size, dilation_rate) or (kernel_size, dilation_rate, stride)."
        raise ValueError(received(rule, **{name: layer}))
    kernel_size, dilation_rate, stride = (*numbers, 1)[:3]
    return Taps(kernel_size, dilation_rate, stride)


class _Chains:
    """Hole-free fields by number of layers, and the last layer of each; what was asked once is remembered."""

    def __init__(self, kernel_size: int) -> None:
        self.kernel_size = kernel_size
        self.found: dict[tuple[int, int], tuple[int, int] | None] = {}

    def last_layer(self, field: int, depth: int) -> tuple[int, int] | None:
        """Find the layer that makes `field` of the widest one that `depth - 1` layers can have; None if none does."""
        key = (field, depth)
        if key not in self.found:
            self.found[key] = self._find(field, depth)
        return self.found[key]

    def _find(self, field: int, depth: int) -> tuple[int, int] | None:
        widest, narrowest = min(field - 1, self.kernel_size ** (depth - 1)), max(depth, -(-field // self.kernel_size))
        for before in range(widest, narrowest - 1, -1):
            steps = _widest_divisor(field - before, self.kernel_size - 1, before)
            if steps is not None and (depth == 1 or self.last_layer(before, depth - 1)):
                return steps + 1, (field - before) // steps
        return None


def _widest_divisor(number: int, most: int, most_others: int) -> int | None:
    """Find the largest divisor of at most `most` whose counterpart is at most `most_others`."""
    most, least = min(most, number), -(-number // most_others)
    if most - least < _FEW:
        return next((divisor for divisor in range(most, least - 1, -1) if number % divisor == 0), None)
    small = np.arange(1, math.isqrt(number) + 1)
    small = small[number % small == 0]
    divisors = np.concatenate([small, number // small])
    divisors = divisors[(divisors <= most) & (divisors >= least)]
    return int(divisors.max()) if len(divisors) else None
