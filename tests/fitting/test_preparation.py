"""Transforms are chosen on rows, and learn from the training rows alone."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form
from tscnn.data import SeriesSet, Split, learn_schema
from tscnn.fitting import prepare
from tscnn.parameters import read_parameters

N, TRAINING = 1400, 1200


def sales() -> pd.DataFrame:
    """Daily sales that promotions and weekends multiply."""
    random, days = np.random.default_rng(0), np.arange(N)
    promotion = (random.random(N) < 0.3).astype(float)
    rate = np.exp(2 + 0.5 * (days % 7 > 4) + 0.7 * promotion + 0.2 * random.normal(size=N))
    return pd.DataFrame({"sales": rate, "promotion": promotion}, pd.date_range("2021-01-04", periods=N))


def prepared(frame: pd.DataFrame, **settings):
    parameters = read_parameters(closed_form(lookback=28, horizon=7, **settings))
    schema, read = learn_schema(frame, future="promotion")
    series = SeriesSet.of_frames({None: read}, schema)
    split = Split.at(series, [TRAINING])
    return prepare(series, split, schema, parameters), (series, schema, parameters)


@pytest.fixture(scope="module")
def found():
    return prepared(sales())


def test_transforms_are_those_that_help(found):
    chosen, _ = found
    assert [one.name for one in chosen.transforms] == ["logarithm", "standardize", "covariate_effects"]
    assert chosen.gates["logarithm"].kept
    assert chosen.gates["covariate_effects"].kept
    assert chosen.rows.values.std() < 0.6  # of what covariates leave, in units of what there was


@pytest.mark.parametrize("of", ["sales", "promotion"])
def test_transforms_learn_nothing_from_validation_rows(found, of):
    chosen, _ = found
    changed = sales()
    changed.iloc[TRAINING:, changed.columns.get_loc(of)] *= 1.1
    other, _ = prepared(changed)
    for one, two in zip(chosen.transforms, other.transforms, strict=True):
        for name, array in one.arrays().items():
            np.testing.assert_array_equal(two.arrays()[name], array, err_msg=f"{one.name} {name}")


def test_effects_are_fitted_once_more_to_all_rows(found):
    chosen, (series, schema, parameters) = found
    refitted = chosen.refit(series, schema, parameters)
    assert [one.name for one in refitted] == [one.name for one in chosen.transforms]
    before, after = (one[-1].coefficients for one in (chosen.transforms, refitted))
    assert np.any(before != after)


def test_logarithms_can_be_left_out():
    chosen, _ = prepared(sales(), linear_model=closed_form(logarithms=False).linear_model)
    assert [one.name for one in chosen.transforms] == ["standardize", "covariate_effects"]


def test_noise_has_no_effects_and_no_logarithm():
    random = np.random.default_rng(0)
    noise = pd.DataFrame({"sales": random.gamma(4, size=N), "promotion": random.normal(size=N)}, sales().index)
    chosen, _ = prepared(noise)
    assert not chosen.gates["covariate_effects"].kept
    assert "covariate_effects" not in [one.name for one in chosen.transforms]
