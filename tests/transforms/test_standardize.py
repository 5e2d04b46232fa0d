import json

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form
from tscnn import LinearModel
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.times import Times
from tscnn.transforms.standardize import Standardize
from tscnn.transforms.transform import Transform

INDEX = pd.RangeIndex(60)


@pytest.mark.parametrize("unit", [1e-300, 1e-15, 1.0, 1e15, 1e300])
def test_values_of_any_size_are_standardised(unit):
    values = np.random.default_rng(0).normal(3, 2, (50, 2)) * unit
    transform = Standardize.fit(values)
    rows = transform.apply(values, Times(INDEX[:50]))
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(rows.std(axis=0), 1, rtol=1e-6)
    restored = transform.invert(rows[:, None, 1:], Times(INDEX), np.arange(50), [1])
    np.testing.assert_allclose(restored[:, 0, 0], values[:, 1], rtol=1e-5, atol=1e-6 * unit)


def test_the_unit_costs_no_digit():
    values = np.random.default_rng(1).normal(3, 2, (50, 3))
    transform = Standardize.fit(values)
    np.testing.assert_array_equal(transform.mean, values.mean(axis=0))
    np.testing.assert_array_equal(transform.scale, values.std(axis=0))


@pytest.mark.parametrize("level", [0.0, 0.1, 7.0, 1e12])
def test_a_column_that_varies_by_rounding_alone_is_constant(level):
    values = np.full((30, 1), level)
    values[::2] *= 1 + 2e-16
    assert Standardize.fit(values).scale == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forecasts_are_in_the_precision_asked_for(dtype):
    transform = Standardize.fit(np.random.default_rng(0).normal(3, 2, (50, 3)), dtype)
    forecasts = np.random.default_rng(1).normal(size=(4, 5, 2)).astype(np.float32)
    restored = transform.invert(forecasts.copy(), Times(INDEX), np.arange(4), [2, 0])
    assert restored.dtype == dtype
    expected = forecasts * transform.scale[[2, 0]] + transform.mean[[2, 0]]
    np.testing.assert_allclose(restored, expected, rtol=1e-6)


def test_it_is_a_transform_that_survives_being_saved():
    transform = Standardize.fit(np.random.default_rng(0).normal(3, 2, (50, 3)), np.float32)
    assert isinstance(transform, Transform)
    again = Standardize.from_arrays(json.loads(json.dumps(transform.settings())), transform.arrays())
    np.testing.assert_array_equal(again.mean, transform.mean)
    assert again.dtype == transform.dtype


@pytest.mark.parametrize(
    ("settings", "arrays"),
    [
        ({"dtype": "object"}, {"mean": np.zeros(2), "scale": np.ones(2)}),
        ({"dtype": "float32"}, {"mean": np.zeros(2), "scale": np.ones(3)}),
    ],
)
def test_what_cannot_have_been_saved_is_refused(settings, arrays):
    with pytest.raises(ValueError, match="`standardize` must have one mean and one scale a column"):
        Standardize.from_arrays(settings, arrays)


def test_a_constant_comes_back_to_the_bit():
    values = np.full((1000, 3), [5.3, 0.1, 1e17 / 3])
    transform = Standardize.fit(values)
    np.testing.assert_array_equal(transform.mean, values[0])
    assert not transform.apply(values, pd.RangeIndex(1000)).any()


def test_series_of_a_panel_that_were_not_in_training_have_their_own_moments():
    index, random = pd.RangeIndex(40), np.random.default_rng(0)
    panel = SeriesSet(random.normal([5, 50], 1, (80, 2)), (index, index), ("a", "b"))
    fitted = Standardize.fit_series(Split.at(panel, [None, None]))
    values = random.normal(100, 3, (40, 2))
    values[:, 1] = np.nan  # as is typical of the others, then
    admitted = fitted.admit(SeriesSet(values, (index,), ("new",)), 100)
    assert admitted.mean[0, 0] == pytest.approx(values[:, 0].mean())
    assert admitted.mean[0, 1] == pytest.approx(np.median(fitted.mean[:, 1]))
    nothing = SeriesSet(np.full((40, 2), np.nan), (index,), ("empty",))
    with pytest.raises(ValueError, match=r"must have values; leave out those that have none.*series='empty'"):
        fitted.admit(nothing, 100)


def test_forecasts_of_columns_that_end_at_zero_do_too():
    random = np.random.default_rng(0)
    night = np.maximum(np.sin(2 * np.pi * np.arange(600) / 24), 0) * random.uniform(0.5, 1, 600)
    frame = pd.DataFrame({"power": night, "warmth": night - 0.1 * random.random(600)})
    forecaster = closed_form(lookback=24, horizon=24, linear_model=LinearModel(logarithms=False)).fit(frame[:-48])
    backtest = forecaster.backtest(frame, start=551)
    assert (backtest["power"] >= 0).all()
    assert (backtest["power"] == 0).any()
    assert (backtest["warmth"] < 0).any()
    explained = forecaster.explain(frame[:-24])
    sums = explained.terms.groupby(["target", "time"])["value"].sum().unstack("target")
    np.testing.assert_allclose(sums, explained.forecast, atol=1e-6)
    standardize = forecaster.pipeline_.standardize
    again = Standardize.from_arrays(standardize.settings(), standardize.arrays())
    np.testing.assert_array_equal(again.lowest, [0, -np.inf])
