from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.test_series import list_origins, series_sets
from tscnn.data import SeriesSet, Split

sizes = st.integers(1, 5)
fractions = st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9])


def joined(*lengths: int) -> SeriesSet:
    return SeriesSet(np.arange(float(sum(lengths)))[:, None], tuple(pd.RangeIndex(length) for length in lengths))


def flat(ranges: list[range]) -> list[int]:
    return [row for rows in ranges for row in rows]


@settings(max_examples=40)
@given(series_sets(), sizes, sizes, fractions, fractions)
def test_parts_are_those_of_an_enumeration(
    series: SeriesSet, lookback: int, horizon: int, validation: float, calibration: float
) -> None:
    split = Split.of(series, lookback, horizon, validation, calibration)
    ends = series.bounds[1:].tolist()
    parts = {
        "training": (None, split.validation_from),
        "validation": (split.validation_from, split.calibration_from),
        "calibration": (split.calibration_from, ends),
    }
    for part, (first, end) in parts.items():
        found = flat(getattr(split, part)(lookback, horizon))
        assert found == list_origins(series, lookback, horizon, first, end)
    training = split.training_rows()
    assert training.shape == (len(series.values),)
    assert split.n_training == training.sum()
    for (start, stop), first in zip(itertools.pairwise(series.bounds.tolist()), split.validation_from, strict=True):
        assert training[start:first].all()
        assert not training[first:stop].any()


@settings(max_examples=40)
@given(series_sets(), sizes, sizes, fractions, fractions)
def test_no_outcome_is_in_two_parts(
    series: SeriesSet, lookback: int, horizon: int, validation: float, calibration: float
) -> None:
    split = Split.of(series, lookback, horizon, validation, calibration)
    parts = [
        split.training(lookback, horizon),
        split.validation(lookback, horizon),
        split.calibration(lookback, horizon),
    ]
    outcomes = [{row + step for row in flat(part) for step in range(1, horizon + 1)} for part in parts]
    assert not outcomes[0] & outcomes[1]
    assert not outcomes[1] & outcomes[2]
    assert not outcomes[0] & outcomes[2]
    windows = {row - back for row in flat(parts[0]) for back in range(lookback)}
    assert not windows & (outcomes[1] | outcomes[2])
    assert windows | outcomes[0] <= set(np.flatnonzero(split.training_rows()))


@settings(max_examples=40)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=3), sizes, sizes, fractions, fractions)
def test_every_series_that_is_long_enough_is_split(
    lengths: list[int], lookback: int, horizon: int, validation: float, calibration: float
) -> None:
    split = Split.of(joined(*lengths), lookback, horizon, validation, calibration)
    for i, length in enumerate(lengths):
        kept = length - max(round(calibration * length), horizon)
        has_calibration = calibration > 0 and kept >= lookback + horizon
        assert bool(split.calibration(lookback, horizon)[i]) == has_calibration
        length = kept if has_calibration else length
        kept = length - max(round(validation * length), horizon)
        has_validation = validation > 0 and kept >= lookback + horizon
        assert bool(split.validation(lookback, horizon)[i]) == has_validation
        assert bool(split.training(lookback, horizon)[i]) == (length >= lookback + horizon)
    assert split.has_validation == any(split.validation(lookback, horizon))


def test_the_newest_rows_calibrate() -> None:
    split = Split.of(joined(100, 50), 5, 2, 0.1, 0.2)
    assert split.calibration_from == (80, 140)
    assert split.validation_from == (72, 136)
    assert split.training(5, 2) == [range(4, 70), range(104, 134)]
    assert split.validation(5, 2) == [range(71, 78), range(135, 138)]
    assert split.calibration(5, 2) == [range(79, 98), range(139, 148)]
    assert split.n_training == 72 + 36


def test_validation_may_be_judged_with_other_sizes() -> None:
    split = Split.of(joined(30), 5, 2, 0.2)
    assert split.validation(20, 1) == [range(23, 29)]
    assert split.training(20, 4) == [range(19, 20)]
    assert not any(split.training(20, 5))
    assert split.validation(29, 1) == [range(28, 29)]


def test_rows_that_are_given() -> None:
    split = Split.at(joined(20, 10, 15), [16, None, np.int64(40)])
    assert split.validation_from == (16, 30, 40)
    assert split.calibration_from == (20, 30, 45)
    assert split.has_validation
    assert split.validation(3, 2) == [range(15, 18), range(29, 29), range(39, 43)]
    assert split.training(3, 2) == [range(2, 14), range(22, 28), range(32, 38)]
    assert not any(split.calibration(3, 2))
    with pytest.raises(ValueError, match="longer"):
        Split.at(joined(20, 10), [16])


def test_nothing_is_held_back() -> None:
    split = Split.of(joined(20, 4), 3, 2, 0)
    assert not split.has_validation
    assert split.n_training == 24
    assert split.training_rows().all()
    assert split.training(3, 2) == [range(2, 18), range(22, 22)]


@pytest.mark.parametrize("name", ["validation_fraction", "calibration_fraction"])
@pytest.mark.parametrize("fraction", [-0.1, 1, float("nan")])
def test_fractions_are_less_than_one(name: str, fraction: float) -> None:
    arguments: dict[str, Any] = {"validation_fraction": 0.1, name: fraction}
    with pytest.raises(ValueError, match=rf"`{name}` must be a number in \[0, 1\)"):
        Split.of(joined(20), 3, 2, **arguments)


def test_long_series_are_thinned_to_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tscnn.data.split.MOST_ROWS", 50)
    split = Split.at(joined(100, 30), [60, 120])
    thin = split.thin(10, 4)
    np.testing.assert_array_equal(thin.series.values[:, 0][[0, 10, 20, 30, 40]], [0, 30, 60, 90, 100])
    assert [len(index) for index in thin.series.indexes] == [10, 10, 10, 10, 30]
    assert thin.validation_from == (10, 20, 20, 30, 60)
    assert thin.calibration_from == (10, 20, 30, 40, 70)
    assert split.thin(25, 4) is split
    assert thin.series.indexes[1][0] == 30
