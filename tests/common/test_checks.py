from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from tscnn.common.checks import check_choice, check_int, check_ints, check_real, received, show


def test_a_message_ends_in_the_values() -> None:
    assert received("Be so.", a=1, b="x") == "Be so. Received: a=1, b='x'"


def test_errors_stay_short_and_in_one_line() -> None:
    for value in (10**5000, "x" * 9999, np.zeros((99, 99)), ["column"] * 300, pd.DataFrame(np.eye(99))):
        said = received("`a` must be something.", a=value, b=value)
        assert len(said) < 400
        assert "\n" not in said
        assert re.fullmatch(r".{6}\.\..{6}|<int>", show(value, 14))


@pytest.mark.parametrize("value", [1, np.int8(1), np.uint64(1), 2**63 - 1])
def test_ints_come_back_as_int(value: object) -> None:
    result = check_int("n", value)
    assert type(result) is int
    assert result == value


@pytest.mark.parametrize("value", [1.0, "1", None, True, np.bool_(True), np.float64(1), [1], 1 + 0j])
def test_what_is_no_int_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"^`n` must be an integer of at least 1\. Received: n="):
        check_int("n", value)


def test_ints_have_a_minimum() -> None:
    assert check_int("n", -3, minimum=-3) == -3
    with pytest.raises(ValueError, match=r"^`n` must be an integer of at least 1\. Received: n=0$"):
        check_int("n", 0)


@pytest.mark.parametrize("values", [(1, 2), [1, 2], np.array([1, 2]), range(1, 3)])
def test_a_sequence_of_ints_comes_back_as_a_tuple(values: object) -> None:
    result = check_ints("ns", values)
    assert result == (1, 2)
    assert all(type(value) is int for value in result)


def test_a_sequence_may_be_empty() -> None:
    assert check_ints("ns", []) == ()


@pytest.mark.parametrize("values", ["12", b"12", 3, None, np.array(3), iter([1, 2]), {1, 2}, {1: 2}])
def test_what_is_no_sequence_is_refused(values: object) -> None:
    with pytest.raises(TypeError, match=r"`ns` must be a sequence of integers of at least 1. Received: ns="):
        check_ints("ns", values)


def test_the_item_that_breaks_the_rule_is_named() -> None:
    with pytest.raises(ValueError, match=r"`ns\[1\]` must be an integer of at least 1. Received: ns\[1\]=0"):
        check_ints("ns", [1, 0, 3])
    with pytest.raises(TypeError, match=r"ns\[0\]=1.5"):
        check_ints("ns", [1.5])


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.5), np.int64(0)])
def test_reals_come_back_as_float(value: object) -> None:
    result = check_real("x", value, low=0, high=1)
    assert type(result) is float
    assert result == value


@pytest.mark.parametrize("value", [-1e-9, 1, 1.5, float("nan"), float("inf"), float("-inf")])
def test_reals_have_limits(value: float) -> None:
    with pytest.raises(ValueError, match=r"^`x` must be a number in \[0, 1\)\. Received: x="):
        check_real("x", value, low=0, high=1)


def test_the_lower_limit_may_be_left_out() -> None:
    with pytest.raises(ValueError, match="Received: x="):
        check_real("x", 10**400)
    with pytest.raises(ValueError, match=r"^`x` must be a number in \(0, inf\)\. Received: x=0$"):
        check_real("x", 0, low=0, include_low=False)
    with pytest.raises(ValueError, match=r"in \(-inf, inf\)\. Received: x=-inf"):
        check_real("x", float("-inf"), include_low=False)


@pytest.mark.parametrize("value", ["0.5", None, False, 1j, [0.5]])
def test_what_is_no_real_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="`x` must be a number"):
        check_real("x", value, low=0, high=1)


def test_a_choice_is_one_of_those() -> None:
    assert check_choice("mode", "a", ("a", None)) == "a"
    assert check_choice("mode", None, ("a", None)) is None
    with pytest.raises(ValueError, match=r"^`mode` must be one of 'a', None\. Received: mode='b'$"):
        check_choice("mode", "b", ("a", None))


@pytest.mark.parametrize("value", [[1], {}, object(), 1, 1.0, b"a", np.array(["a", "b"]), np.array(True), pd.NA, None])
def test_errors_of_a_choice_take_anything(value: object) -> None:
    with pytest.raises(ValueError, match="must be one of 'a', True"):
        check_choice("mode", value, ("a", True))


def test_a_choice_comes_back_as_listed() -> None:
    assert check_choice("mode", np.True_, ("a", True)) is True
    assert type(check_choice("mode", np.str_("a"), ("a", True))) is str
    assert check_choice("mode", np.int64(2), ("a", True, 2)) == 2
