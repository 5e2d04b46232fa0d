from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tscnn import Forecaster
from tscnn.data import SeriesSet, Split
from tscnn.data.times import Times
from tscnn.transforms import Logarithm

ROWS = np.column_stack([np.r_[0.0, np.arange(1, 100)], np.arange(100) - 50.0, np.zeros(100)])


def panel() -> SeriesSet:
    indexes = (pd.RangeIndex(100), pd.RangeIndex(60))
    return SeriesSet(np.concatenate([ROWS, 10 * ROWS[:60]]), indexes, ("a", "b"))


def test_columns_that_are_negative_or_nothing_but_zero_stay_as_they_are() -> None:
    split = Split.at(SeriesSet(ROWS, (pd.RangeIndex(100),)), [100])
    logarithm = Logarithm.fit(split, np.ones(3, bool))
    assert np.isfinite(logarithm.offsets).tolist() == [True, False, False]
    applied = logarithm.apply(ROWS, Times(pd.RangeIndex(100)))
    np.testing.assert_array_equal(applied[:, 1:], ROWS[:, 1:])
    assert np.isfinite(applied).all()
    restored = logarithm.invert(applied[None, :, [1, 0]], Times(pd.RangeIndex(100)), np.zeros(1, int), [1, 0])
    np.testing.assert_allclose(restored[0], ROWS[:, [1, 0]], atol=1e-9)


def test_forecasts_stay_between_zero_and_what_training_makes_likely() -> None:
    logarithm = Logarithm.fit(Split.at(SeriesSet(ROWS, (pd.RangeIndex(100),)), [100]), np.array([True, False, False]))
    wild = np.array([[[-50.0], [800.0]]])
    found = logarithm.invert(wild, Times(pd.RangeIndex(9)), np.zeros(1, int), [0])
    np.testing.assert_allclose(found.ravel(), [0, 3 * 99])


def test_a_panel_has_offsets_of_each_series_and_admits_others() -> None:
    series = panel()
    logarithm = Logarithm.fit(Split.at(series, [100, 160]), np.array([True, False, False]))
    assert logarithm.offsets[1, 0] == pytest.approx(0.01 * 295)
    other = SeriesSet(np.concatenate([10 * ROWS[:60], 7 * ROWS]), (pd.RangeIndex(60), pd.RangeIndex(100)), ("b", "new"))
    admitted = logarithm.admit(other, 100)
    assert admitted.offsets[0, 0] == logarithm.offsets[1, 0]
    assert admitted.offsets[1, 0] == pytest.approx(0.01 * 7 * 49.5)
    np.testing.assert_array_equal(admitted.apply_all(other)[:60, 0], logarithm.apply_all(series)[100:, 0])


def test_it_is_saved() -> None:
    for series in (panel(), SeriesSet(ROWS, (pd.RangeIndex(100),))):
        logarithm = Logarithm.fit(Split.of(series, 5, 2, 0.1), np.array([True, False, False]))
        again = Logarithm.from_arrays(json.loads(json.dumps(logarithm.settings())), logarithm.arrays())
        np.testing.assert_array_equal(again.apply_all(series), logarithm.apply_all(series))
    with pytest.raises(ValueError, match="`logarithm` must have"):
        Logarithm.from_arrays({"names": None}, {"offsets": np.zeros(2), "largest": np.zeros(3)})


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    """Daily sales of which the week and promotions take a part, and which grow to five times as many."""
    random = np.random.default_rng(0)
    days = np.arange(1000)
    promotion = (random.random(1000) < 0.2).astype(float)
    rate = np.exp(
        1 + days / 600 + 0.5 * np.sin(2 * np.pi * days / 7) + 0.8 * promotion + 0.2 * random.normal(size=1000)
    )
    values = {"sales": rate, "shift": rate - 20, "promotion": promotion}
    return pd.DataFrame(values, pd.date_range("2023-01-01", periods=1000))


def test_effects_that_multiply_are_found_and_saved(sales: pd.DataFrame, tmp_path) -> None:
    settings = {"lookback": 28, "horizon": 7, "future_covariates": "promotion", "network": None, "verbose": 0}
    fitted = Forecaster(**settings).fit(sales[["sales", "promotion"]][:-100])
    assert fitted.gates_["logarithm"].kept
    assert fitted.score(sales[["sales", "promotion"]][-100:]) > 0.6
    future = sales[["promotion"]][-100:-93]
    found = fitted.predict(future=future)
    assert (found["sales"] > 0).all()
    fitted.save(tmp_path / "m.tscnn")
    assert Forecaster.load(tmp_path / "m.tscnn").predict(future=future).equals(found)
    other = Forecaster(**settings).fit(sales[["shift", "promotion"]][:-100])
    assert "logarithm" not in other.gates_
    units = fitted.report_by_target_.loc["sales", "mae"]
    assert 0.5 < units < 10  # in sales, not in logarithms
