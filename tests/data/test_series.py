from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tscnn.data import SeriesSet, learn_schema

sizes = st.integers(1, 5)
lengths = st.lists(st.integers(0, 25), min_size=1, max_size=4)


@st.composite
def series_sets(draw: Any) -> SeriesSet:
    """One to four series, whose every value is the number of its row."""
    each = draw(lengths)
    values = np.arange(float(sum(each)))[:, None] * [1, -1]
    indexes = tuple(pd.RangeIndex(length) for length in each)
    return SeriesSet(values, indexes)


def series_of_rows(series: SeriesSet) -> list[int]:
    """The series of each row."""
    return [i for i, index in enumerate(series.indexes) for _ in index]


def list_origins(series: SeriesSet, lookback: int, horizon: int, first: Any = None, end: Any = None) -> list[int]:
    """Try every row: all that its window and its outcomes hold must be of its series."""
    of, found = series_of_rows(series), []
    for row in range(len(of)):
        rows = range(row - lookback + 1, row + horizon + 1)
        outcomes = rows[lookback:]
        if rows[0] < 0 or rows[-1] >= len(of) or any(of[other] != of[row] for other in rows):
            continue
        if (first is None or outcomes[0] >= first[of[row]]) and (end is None or outcomes[-1] < end[of[row]]):
            found.append(row)
    return found


@settings(max_examples=40)
@given(series_sets(), sizes, sizes)
def test_origins_are_those_of_an_enumeration(series: SeriesSet, lookback: int, horizon: int) -> None:
    found = series.origins(lookback, horizon)
    assert [row for rows in found for row in rows] == list_origins(series, lookback, horizon)
    assert len(found) == len(series.stretches())


@settings(max_examples=40)
@given(series_sets(), sizes, sizes, st.data())
def test_outcomes_lie_between_two_rows(series: SeriesSet, lookback: int, horizon: int, data: st.DataObject) -> None:
    bounds = series.bounds.tolist()
    drawn = [sorted(data.draw(st.tuples(*[st.integers(a, b)] * 2))) for a, b in itertools.pairwise(bounds)]
    first, end = [rows[0] for rows in drawn], [rows[1] for rows in drawn]
    found = series.origins(lookback, horizon, first=first, end=end)
    assert [row for rows in found for row in rows] == list_origins(series, lookback, horizon, first, end)
    found = series.origins(lookback, horizon, end=end)
    assert [row for rows in found for row in rows] == list_origins(series, lookback, horizon, None, end)


@settings(max_examples=40)
@given(series_sets())
def test_stretches_hold_every_row_once(series: SeriesSet) -> None:
    of, held = series_of_rows(series), [row for rows in series.stretches() for row in rows]
    assert held == list(range(len(of)))
    assert all(len({of[row] for row in rows}) <= 1 for rows in series.stretches())
    assert [len(rows) for rows in series.stretches()] == [len(index) for index in series.indexes]


@settings(max_examples=40)
@given(series_sets(), sizes, sizes)
def test_windows_and_outcomes_are_rows_of_one_series(series: SeriesSet, lookback: int, horizon: int) -> None:
    at = np.array(list_origins(series, lookback, horizon), dtype=int)
    if not len(at):
        return
    windows, outcomes = series.windows(at, lookback), series.outcomes(at, horizon)
    assert windows.tolist() == [series.values[row - lookback + 1 : row + 1].tolist() for row in at]
    assert outcomes.tolist() == [series.values[row + 1 : row + 1 + horizon].tolist() for row in at]
    windows[:] = outcomes[:] = np.nan
    assert np.isfinite(series.values).all()


def test_the_last_window_of_every_series_is_there() -> None:
    series = SeriesSet(np.arange(30.0)[:, None], (pd.RangeIndex(17), pd.RangeIndex(13)))
    assert [rows[-1] for rows in series.origins(10, 2)] == [14, 27]
    assert series.outcomes(np.array([14, 27]), 2)[:, :, 0].tolist() == [[15, 16], [28, 29]]
    assert [len(rows) for rows in series.origins(10, 1)] == [7, 3]
    assert series.origins(10, 4)[1] == range(22, 22)


def test_newest_windows() -> None:
    series = SeriesSet(np.arange(9.0)[:, None], (pd.RangeIndex(5), pd.RangeIndex(4)))
    assert series.newest(3)[:, :, 0].tolist() == [[2, 3, 4], [6, 7, 8]]
    assert series.newest(4)[:, :, 0].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    with pytest.raises(ValueError, match=r"Every series must have at least 5 rows\. Received: shortest=4"):
        series.newest(5)


def test_missing_values_are_told_from_observed_ones() -> None:
    values = np.arange(6.0).reshape(3, 2)
    assert SeriesSet(values, (pd.RangeIndex(3),)).observed is None
    values[1, 0] = np.nan
    observed = SeriesSet(values, (pd.RangeIndex(3),)).observed
    assert observed is not None
    assert observed.tolist() == [[True, True], [False, True], [True, True]]


def test_frames_are_joined() -> None:
    frames = [pd.DataFrame({"a": [1.0, 2.0]}), pd.DataFrame({"a": [3.0]}, index=[7])]
    schema, _ = learn_schema(frames[0])
    series = SeriesSet.of_frames(dict(zip("xy", frames, strict=True)), schema)
    assert series.values.tolist() == [[1], [2], [3]]
    assert series.bounds.tolist() == [0, 2, 3]
    assert series.names == ("x", "y")
    assert [index.tolist() for index in series.indexes] == [[0, 1], [7]]
    assert SeriesSet.of_frames({None: frames[0]}, schema).names is None


def test_other_values_keep_the_boundaries() -> None:
    series = SeriesSet(np.zeros((3, 2)), (pd.RangeIndex(2), pd.RangeIndex(1)))
    other = series.with_values(np.ones((3, 1)))
    assert other.values.shape == (3, 1)
    assert other.stretches() == series.stretches()
    with pytest.raises(ValueError, match="as many entries as there are rows"):
        series.with_values(np.ones((4, 2)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indexes": (pd.RangeIndex(2),)}, r"as many entries as there are rows\. Received: n_rows=3, entries=\[2\]"),
        ({"names": ("a", "b")}, r"Every series must have a name\. Received: names=\('a', 'b'\), n_series=1"),
    ],
)
def test_parts_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SeriesSet(**{"values": np.zeros((3, 1)), "indexes": (pd.RangeIndex(3),), **changes})
