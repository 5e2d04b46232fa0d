from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.receptive_field import (
    fewest_layers,
    impulse_lags,
    matrix_of_ones,
    measured_lags,
    stacks_of_field,
    starts_of_kernel,
)
from tscnn.network.receptive_field import (
    conv_output_length,
    find_field,
    find_holes,
    plan_layers,
    reachable_lags,
    receptive_field,
)
from tscnn.network.taps import Taps

KERNEL_SIZES = range(2, 9)

pairs = st.tuples(st.integers(1, 4), st.integers(1, 6))
triples = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
stacks = st.lists(pairs, max_size=4) | st.lists(triples, max_size=3)


def hole_free_field(layers: list[tuple[int, int]]) -> int | None:
    """Return the field by the theorem in `plan_layers`, or None if there are holes."""
    field = 1
    for kernel_size, dilation_rate in sorted(layers, key=lambda layer: layer[1]):
        if dilation_rate > field:
            return None
        field += (kernel_size - 1) * dilation_rate
    return field


@pytest.mark.parametrize(
    ("layers", "field", "holes"),
    [
        ([], 1, []),
        ([(1, 7)], 1, []),
        ([(3, 1), (3, 2), (3, 4), (3, 8)], 31, []),
        ([(2, 1), (2, 4)], 6, [2, 3]),
        ([(2, 4), (2, 1)], 6, [2, 3]),
        ([(5, d) for d in (1, 2, 4, 8, 16, 1, 2, 4)], 153, []),
        ([(3, 1), (2, 1, 2), (3, 1)], 8, []),
        ([(2, 1, 3), (2, 1)], 5, [2]),
    ],
)
def test_known_stacks(layers: list[tuple[int, ...]], field: int, holes: list[int]) -> None:
    assert receptive_field(layers) == field
    assert find_holes(layers) == holes
    assert reachable_lags(layers).tolist() == sorted(set(range(field)) - set(holes))


@given(stacks)
def test_measured_support_is_the_declared_one(layers: list[tuple[int, ...]]) -> None:
    field = receptive_field(layers)
    measured = impulse_lags(layers, length=field + 3)
    assert measured[-1] == field - 1
    lags = reachable_lags(layers)
    assert lags.tolist() == measured
    assert lags.dtype == np.int64
    assert find_holes(layers) == sorted(set(range(field)) - set(measured))


@st.composite
def hourglasses(draw: Any) -> list[Taps]:
    """Draw convolutions and pools with strides, then transposed convolutions, all causal or all centred."""
    padding = draw(st.sampled_from(["causal", "same"]))
    strides = draw(st.lists(st.integers(1, 3), max_size=2))
    down = [
        Taps(draw(st.integers(s, 4)), draw(st.integers(1, 2)) if s == 1 else 1, s, padding=padding) for s in strides
    ]
    up = [Taps(draw(st.integers(1, 4)), 1, s, True, padding) for s in draw(st.permutations(strides))]
    between = [Taps(*draw(pairs), padding=padding) for _ in range(draw(st.integers(0, 1)))]
    return [*down, *between, *(up if draw(st.booleans()) else [])]


@settings(max_examples=200)
@given(hourglasses())
@pytest.mark.slow
def test_measured_support_of_strides_pools_and_transposed_layers_is_the_declared_one(layers: list[Taps]) -> None:
    n_rows = 36 * 12
    reads = np.eye(n_rows)
    for layer in layers:
        reads = matrix_of_ones(layer, len(reads)) @ reads
    lags = measured_lags(reads)
    assert reachable_lags(layers).tolist() == lags
    left, right, holes = find_field(layers)
    assert (left, right) == (max(0, lags[-1]), max(0, -lags[0]))
    assert receptive_field(layers) == left + 1 + right
    assert holes == find_holes(layers) == sorted(set(range(-right, left)) - set(lags))


@given(st.lists(pairs, min_size=1, max_size=5), st.randoms())
def test_order_of_unstrided_layers_does_not_matter(layers: list[tuple[int, int]], random: Any) -> None:
    shuffled = random.sample(layers, len(layers))
    assert receptive_field(shuffled) == receptive_field(layers)
    assert find_holes(shuffled) == find_holes(layers)


@given(st.lists(pairs, max_size=5))
def test_hole_free_exactly_if_no_dilation_exceeds_the_field_before(layers: list[tuple[int, int]]) -> None:
    layers = [layer for layer in layers if layer[0] > 1]
    assert (hole_free_field(layers) is not None) == (find_holes(layers) == [])


def test_layers_may_be_numpy_integers() -> None:
    field = receptive_field(np.array([[3, 1], [3, 2]]))  # type: ignore[arg-type]
    assert field == 7
    assert type(field) is int


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        (3, TypeError, r"`layers` must be a sequence .* Received: layers=3"),
        (np.array(3), TypeError, r"`layers` must be a sequence .* Received: layers=array\(3\)"),
        ({2: 1}, TypeError, r"`layers` must be a sequence .* Received: layers={2: 1}"),
        ([{2, 1}], TypeError, r"`layers\[0\]` must be a sequence .* Received: layers\[0\]={1, 2}"),
        ("31", TypeError, r"`layers` must be a sequence .* Received: layers='31'"),
        ([1, 2, 4], TypeError, r"`layers\[0\]` must be a sequence .* Received: layers\[0\]=1"),
        ([(2, 1), (2,)], ValueError, r"`layers\[1\]` must be \(kernel_size, dilation_rate\) .*=\(2,\)"),
        (
            [(2, 1, 1, 1)],
            ValueError,
            r"`layers\[0\]` must be \(kernel_size, dilation_rate\) .*=\(2, 1, 1, 1\)",
        ),
        ([(2, 0)], ValueError, r"`layers\[0\]\[1\]` must be an integer of at least 1\. Received: .*=0"),
        ([(2, 1, 0)], ValueError, r"`layers\[0\]\[2\]` must be an integer"),
        ([(2.0, 1)], TypeError, r"`layers\[0\]\[0\]` must be an integer .*=2\.0"),
        ([(True, 1)], TypeError, r"`layers\[0\]\[0\]` must be an integer .*=True"),
    ],
)
def test_bad_layers(layers: Any, error: type[Exception], message: str) -> None:
    for function in (receptive_field, reachable_lags, find_holes):
        with pytest.raises(error, match=message):
            function(layers)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"kernel_size": 0}, ValueError, r"`kernel_size` must be an integer of at least 1\. Received: kernel_size=0"),
        ({"kernel_size": 2, "stride": 1.5}, TypeError, r"`stride` must be an integer"),
        ({"kernel_size": 2, "transposed": 1}, ValueError, r"`transposed` must be one of True, False"),
        ({"kernel_size": 2, "padding": "full"}, ValueError, r"`padding` must be one of .* or two integers.*'full'"),
        ({"kernel_size": 2, "padding": (1,)}, ValueError, r"`padding` must be one of .* Received: padding=\(1,\)"),
    ],
)
def test_bad_taps(settings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Taps(**settings)


def test_a_field_too_wide_to_list_is_refused_and_still_counted() -> None:
    layers = [(2, 2**70)]
    assert receptive_field(layers) == 1 + 2**70
    with pytest.raises(ValueError, match=r"receptive field of at most 1000000 rows .* Received: receptive_field=11805"):
        find_holes(layers)


@pytest.mark.parametrize(
    ("lookback", "kernel_size", "plan"),
    [
        (1, 2, []),
        (2, 2, [(2, 1)]),
        (10, 2, [(2, 1), (2, 2), (2, 4), (2, 2)]),
        (16, 2, [(2, 1), (2, 2), (2, 4), (2, 8)]),
        (27, 3, [(3, 1), (3, 3), (3, 9)]),
        (26, 3, [(3, 1), (3, 3), (3, 8), (2, 1)]),
        (4, 8, [(4, 1)]),
        (10, 10**9, [(10, 1)]),
        (10**6, 1000, [(1000, 1), (1000, 1000)]),
        (999_999, 1000, [(1000, 1), (1000, 999), (999, 1)]),
        (10**6, 2, [*((2, 2**i) for i in range(19)), (2, 10**6 - 2**19)]),
    ],
)
def test_known_plans(lookback: int, kernel_size: int, plan: list[tuple[int, int]]) -> None:
    assert plan_layers(lookback, kernel_size) == plan


@pytest.mark.parametrize("kernel_size", [2, 3, 4])
def test_no_stack_at_all_is_shorter_than_the_plan(kernel_size: int) -> None:
    for lookback in range(1, 13):
        lengths = [len(s) for s in stacks_of_field(lookback, kernel_size) if len(impulse_lags(s, lookback)) == lookback]
        assert len(plan_layers(lookback, kernel_size)) == min(lengths)


@pytest.mark.parametrize("kernel_size", [2, 3, 4, 5])
def test_no_hole_free_stack_is_shorter_than_the_plan(kernel_size: int) -> None:
    depths = fewest_layers(200, kernel_size)
    assert [len(plan_layers(lookback, kernel_size)) for lookback in range(1, 201)] == depths[1:]


def check_plan(lookback: int, kernel_size: int) -> None:
    plan = plan_layers(lookback, kernel_size)
    assert hole_free_field(plan) == lookback, plan
    assert all(2 <= size <= kernel_size for size, _ in plan), plan


@pytest.mark.parametrize("kernel_size", KERNEL_SIZES)
def test_every_short_lookback_is_met_exactly(kernel_size: int) -> None:
    for lookback in range(1, 601):
        check_plan(lookback, kernel_size)


@pytest.mark.parametrize("kernel_size", KERNEL_SIZES)
def test_every_lookback_around_a_power_of_the_kernel_size_is_met_exactly(kernel_size: int) -> None:
    powers = [kernel_size**depth for depth in range(13) if kernel_size**depth <= 5000]
    for lookback in {power + offset for power in powers for offset in range(-5, 6)} | set(range(4990, 5001)):
        if lookback >= 1:
            check_plan(lookback, kernel_size)


@settings(max_examples=200)
@given(st.integers(1, 5000), st.sampled_from(KERNEL_SIZES))
def test_any_lookback_is_met_exactly(lookback: int, kernel_size: int) -> None:
    check_plan(lookback, kernel_size)
    plan = plan_layers(lookback, kernel_size)
    assert receptive_field(plan) == lookback
    assert find_holes(plan) == []


@pytest.mark.parametrize("kernel_size", KERNEL_SIZES)
def test_full_kernels_and_powers_up_to_the_last_layer_wherever_that_is_enough(kernel_size: int) -> None:
    for lookback in range(2, 400):
        plan = plan_layers(lookback, kernel_size)
        powers = [(kernel_size, kernel_size**depth) for depth in range(len(plan) - 1)]
        before = kernel_size ** len(powers)
        enough = any(
            (lookback - before) % steps == 0 and steps <= lookback - before <= steps * before
            for steps in range(1, kernel_size)
        )
        assert (plan[:-1] == powers) == enough


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, r"`lookback` must be an integer of at least 1\. Received: lookback=0"),
        ((2.5,), TypeError, r"`lookback` must be an integer"),
        (
            (1_000_001,),
            ValueError,
            r"`lookback` must be an integer of at most 1000000\. Received: lookback=1000001",
        ),
        ((10, 1), ValueError, r"`kernel_size` must be an integer of at least 2\. Received: kernel_size=1"),
        ((10, None), TypeError, r"`kernel_size` must be an integer"),
        ((10, 10**5000), ValueError, r"`kernel_size` must be an integer of at most 9223372036854775807"),
    ],
)
def test_bad_plans(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plan_layers(*arguments)


@given(
    st.integers(1, 40),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from(["valid", "same", "causal"]) | st.integers(0, 12),
)
def test_output_length_counts_the_places_of_the_kernel(
    length: int, kernel_size: int, stride: int, dilation_rate: int, padding: str | int
) -> None:
    span = 1 + (kernel_size - 1) * dilation_rate
    padded = {"valid": 0, "same": span - 1, "causal": span - 1}.get(padding, padding)  # type: ignore[call-overload]
    places = starts_of_kernel(length, span, stride, padded)
    options: Any = {"stride": stride, "dilation_rate": dilation_rate, "padding": padding}
    if places == 0:
        with pytest.raises(ValueError, match=rf"`length` plus `padding` must be .* span={span}"):
            conv_output_length(length, kernel_size, **options)
    else:
        assert conv_output_length(length, kernel_size, **options) == places
        if padding in ("same", "causal"):
            assert places == -(-length // stride)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((0, 3), {}, ValueError, r"`length` must be an integer of at least 1\. Received: length=0"),
        ((9, 0), {}, ValueError, r"`kernel_size` must be"),
        ((9, 3), {"stride": 0}, ValueError, r"`stride` must be"),
        ((9, 3), {"dilation_rate": 1.5}, TypeError, r"`dilation_rate` must be"),
        (
            (9, 3),
            {"padding": "full"},
            ValueError,
            r"`padding` must be one of 'valid', 'same', 'causal'.*='full'",
        ),
        (
            (9, 3),
            {"padding": -1},
            ValueError,
            r"`padding` must be an integer of at least 0\. Received: padding=-1",
        ),
        ((9, 3), {"padding": None}, TypeError, r"`padding` must be an integer"),
    ],
)
def test_bad_output_lengths(arguments: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        conv_output_length(*arguments, **options)
