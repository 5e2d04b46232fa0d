from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.windows import cut_windows, list_origins
from tscnn.data.windows import count_windows, cut_segments, find_origins, make_windows, split_row

sizes = st.integers(1, 6)


@given(st.integers(0, 40), sizes, sizes, sizes, st.sampled_from([None, 1, 3]))
def test_windows_are_all_that_fit(n_rows: int, lookback: int, horizon: int, stride: int, width: int | None) -> None:
    values = np.arange(float(n_rows * (width or 1))).reshape((n_rows, width) if width else n_rows)
    n_windows = count_windows(n_rows, lookback, horizon, stride)
    inputs, targets = cut_windows(values, lookback, horizon, stride)
    assert n_windows == len(inputs)
    if n_windows == 0:
        with pytest.raises(ValueError, match=rf"lookback \+ horizon = {lookback + horizon} rows. Received: n_rows="):
            make_windows(values, lookback, horizon, stride)
    else:
        ours = make_windows(values, lookback, horizon, stride)
        np.testing.assert_array_equal(ours[0], inputs)
        np.testing.assert_array_equal(ours[1], targets)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame, lambda values: pd.Series(values[:, 0])])
def test_windows_are_views(make, dtype: str) -> None:
    values = make(np.arange(60).reshape(20, 3).astype(dtype))
    for windows in make_windows(values, 4, 2, stride=3):
        assert np.shares_memory(windows, np.asarray(values))
        assert not windows.flags.writeable
        assert windows.dtype == dtype


def test_the_last_row_is_included() -> None:
    assert count_windows(100, 10, 1) == 90
    assert make_windows(np.arange(100), 10, 1)[1][-1, 0] == 99
    assert count_windows(5, 10, 1, stride=10) == 0


def test_a_list_has_windows_too() -> None:
    inputs, targets = make_windows([[1, 2], [3, 4], [5, 6]], 1, 1)
    assert inputs.tolist() == [[[1, 2]], [[3, 4]]]
    assert targets.tolist() == [[[3, 4]], [[5, 6]]]


@pytest.mark.parametrize("values", [np.float64(1), np.zeros((9, 2, 2))])
def test_other_dimensions_are_refused(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must have one or two dimensions. Received: shape="):
        make_windows(values, 2, 1)


@pytest.mark.parametrize(
    "column",
    [
        np.arange(20) % 7 == 0,
        pd.array(np.arange(20), dtype="Int64"),
        pd.array([None, *range(19)], dtype="Float64"),
        pd.array(np.arange(20) % 2 == 0, dtype="boolean"),
        pd.arrays.SparseArray(np.arange(20.0)),
        np.arange(20, dtype=np.int8),
    ],
)
def test_robust_windows_of_mixed_columns_are_floats(column) -> None:
    frame = pd.DataFrame({"x": np.arange(20.0), "other": column})
    inputs, targets = make_windows(frame, 4, 2)
    assert inputs.dtype == targets.dtype == np.float64
    expected = frame["other"].to_numpy(dtype=np.float64, na_value=np.nan)
    np.testing.assert_array_equal(inputs[:, 0, 1], expected[:15])


@pytest.mark.parametrize("column", [list("ab") * 10, [1, None] * 10, pd.date_range("2026", periods=20), [1j] * 20])
def test_errors_of_windows_of_what_are_no_numbers(column) -> None:
    frame = pd.DataFrame({"x": np.arange(20) > 7, "other": pd.Series(column, dtype=object)})
    with pytest.raises(
        TypeError, match=r"Column 'other' of `values` must hold real numbers or booleans. Received: dtype="
    ):
        make_windows(frame, 4, 2)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (
            pd.date_range("2026-01-01", periods=21, freq="h").delete(9),
            "2026-01-01 09:00:00 is missing",
        ),
        (pd.period_range("2026-01", periods=21, freq="M").delete(9), "2026-10 is missing"),
        (pd.RangeIndex(21).delete(9), "9 is missing"),
        (pd.Index([*range(19), 18]), "must not repeat, but 18 does"),
        (pd.RangeIndex(20)[::-1], "must ascend"),
    ],
)
@pytest.mark.parametrize("make", [pd.DataFrame, pd.Series])
def test_errors_of_windows_across_a_gap(make, index: pd.Index, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make_windows(make(np.arange(20.0), index), 4, 2)


def test_errors_of_windows_of_an_index_of_text() -> None:
    with pytest.raises(TypeError, match="The index must hold times"):
        make_windows(pd.Series(np.arange(20.0), [f"2026-01-{day:02}" for day in range(1, 21)]), 4, 2)


@pytest.mark.parametrize("name", ["lookback", "horizon", "stride"])
def test_sizes_are_at_least_one(name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be an integer of at least 1. Received: {name}=0"):
        make_windows(np.zeros(9), **{"lookback": 2, "horizon": 1, name: 0})


@given(st.lists(st.tuples(st.integers(0, 25), st.none() | st.integers(0, 30)), max_size=5), sizes, sizes)
def test_origins_are_those_of_an_enumeration(series: list, lookback: int, horizon: int) -> None:
    lengths, first_targets = [length for length, _ in series], [first for _, first in series]
    found = find_origins(lengths, lookback, horizon, first_targets)
    assert [list(stretch) for stretch in found] == list_origins(lengths, lookback, horizon, first_targets)
    assert find_origins(lengths, lookback, horizon) == find_origins(lengths, lookback, horizon, [None] * len(series))


def test_first_targets_are_one_a_series() -> None:
    with pytest.raises(ValueError, match="shorter"):
        find_origins([10, 10], 2, 1, [3])


@given(st.lists(st.integers(0, 25), max_size=5), sizes, sizes, st.integers(1, 12))
def test_segments_hold_every_origin_once(lengths: list[int], lookback: int, horizon: int, n_origins: int) -> None:
    origins = find_origins(iter(lengths), lookback, horizon)
    segments = cut_segments(iter(origins), lookback, n_origins)
    # A segment's first origin is the row at which it has seen `lookback` rows.
    held = segments.starts[:, None] + lookback - 1 + np.arange(n_origins)
    assert held[segments.weights == 1].tolist() == [row for stretch in origins for row in stretch]
    assert set(np.unique(segments.weights)) <= {0, 1}
    assert segments.n_origins == sum(map(len, origins))
    assert segments.weights.any(axis=1).all()
    assert segments.starts.dtype == np.int32
    assert segments.weights.dtype == np.float32
    # What counts sees and is judged on rows of one series.
    series = np.repeat(np.arange(len(lengths)), lengths)
    for row in held[segments.weights == 1]:
        assert len(set(series[row - lookback + 1 : row + horizon + 1])) == 1
    for stretch in origins:
        last = held[segments.starts + lookback - 1 + n_origins == stretch.stop]
        assert not len(stretch) or len(last)


def test_a_segment_has_an_origin() -> None:
    with pytest.raises(ValueError, match="`n_origins` must be an integer of at least 1"):
        cut_segments([range(3, 5)], 4, 0)


@given(st.integers(0, 60), sizes, sizes, st.floats(0, 1, exclude_max=True))
def test_a_split_judges_every_row_once(n_rows: int, lookback: int, horizon: int, fraction: float) -> None:
    row = split_row(n_rows, lookback, horizon, fraction)
    if row is None:
        too_short = n_rows - max(round(fraction * n_rows), horizon) < lookback + horizon
        assert fraction == 0 or too_short
        return
    training = find_origins([row], lookback, horizon)[0]
    validation = find_origins([n_rows], lookback, horizon, [row])[0]
    assert len(training)
    assert len(validation)
    judged_in_training = {t + step for t in training for step in range(1, horizon + 1)}
    judged_in_validation = {t + step for t in validation for step in range(1, horizon + 1)}
    assert judged_in_training == set(range(lookback, row))
    assert judged_in_validation == set(range(row, n_rows))


@pytest.mark.parametrize(
    ("arguments", "row"),
    [
        ((1000, 10, 5, 0.1), 900),
        ((1000, 10, 5, 0), None),
        ((1000, 10, 200, 0.1), 800),  # one forecast is held back at least
        ((20, 10, 5, 0.1), 15),
        ((19, 10, 5, 0.1), None),
        ((100, 10, 5, 0.99), None),
        ((0, 1, 1, 0.1), None),
    ],
)
def test_known_splits(arguments: tuple, row: int | None) -> None:
    assert split_row(*arguments) == row


@pytest.mark.parametrize("fraction", [-0.1, 1, 1.5, float("nan")])
def test_a_fraction_is_less_than_one(fraction: float) -> None:
    with pytest.raises(ValueError, match=r"`validation_fraction` must be a number in \[0, 1\)"):
        split_row(100, 10, 1, fraction)
