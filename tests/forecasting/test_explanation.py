"""A forecast as the sum of its parts: exactly, of every kind of model."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tests.network.networks import random_term
from tscnn import Forecaster
from tscnn.transforms.ahead import AheadInputs

FRAMES = ("terms", "by_column", "by_lag")


def with_covariates(n: int = 700) -> pd.DataFrame:
    """A positive daily load that multiplies with the price, a promotion and the weekday."""
    random = np.random.default_rng(0)
    days, price = np.arange(n), random.uniform(1, 2, n)
    promotion = random.choice(["none", "half price"], n)
    week = 1 + 0.3 * np.sin(2 * np.pi * days / 7)
    load = 50 * week * np.exp(price - 1.5 + 0.5 * (promotion != "none") + 0.1 * random.normal(size=n))
    return pd.DataFrame(
        {"load": load, "seen": load + random.normal(size=n), "price": price, "promotion": promotion},
        pd.date_range("2024-01-01", periods=n, name="day"),
    )


def summed(explanation, frame: str) -> pd.DataFrame:
    """Values of all parts together, in the layout of the forecast."""
    forecast, tidy = explanation.forecast, getattr(explanation, frame)
    keys = ["series", "time"] if "series" in tidy else ["time"]
    wide = tidy.pivot_table(index=keys, columns="target", values="value", aggfunc="sum")
    return wide.reindex(forecast.index)[forecast.columns]


def check(explanation, forecast: pd.DataFrame) -> None:
    """Every frame sums to what `predict` says."""
    pd.testing.assert_index_equal(explanation.forecast.index, forecast.index)
    pd.testing.assert_index_equal(explanation.forecast.columns, forecast.columns)
    size = np.abs(forecast.to_numpy()).max()
    for frame, values in [("forecast", explanation.forecast), *((each, summed(explanation, each)) for each in FRAMES)]:
        np.testing.assert_allclose(values, forecast, atol=2e-5 * size, err_msg=frame)


def future_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["price", "promotion"]].iloc[-7:]


@pytest.fixture(scope="module")
def frame():
    return make_frame(400)


@pytest.fixture(scope="module")
def covariates():
    return with_covariates()


@pytest.fixture(scope="module")
def known_ahead(covariates) -> Forecaster:
    settings = {"lookback": 28, "horizon": 7, "targets": "load", "future_covariates": ["price", "promotion"]}
    return closed_form(**settings).fit(covariates[:-7])


@pytest.mark.parametrize(
    "settings",
    [
        {"lookback": 48},
        {"lookback": 12, "horizon": 5, "targets": ["c", "a"]},
        {"lookback": 48, "quantiles": (0.1, 0.9)},
        {"lookback": 24, "yearly_seasonality": None, "calendar": None, "outliers": None},
        {"lookback": 1},
    ],
    ids=str,
)
def test_explain_sums_to_the_forecast_of_a_linear_model(frame, settings):
    forecaster = closed_form(**settings).fit(frame)
    found = forecaster.explain(frame[:-9])
    check(found, closed_form(**{**settings, "quantiles": None}).fit(frame).predict(frame[:-9]))
    assert "(rest)" not in set(found.by_column["column"])  # columns, intercept and calendar say it all
    assert found.by_lag["lag"].max() == forecaster.lookback_ - 1


def test_explain_tells_level_season_and_the_rest_of_a_linear_map(frame):
    forecaster = closed_form(lookback=72, horizon=24, outliers=None).fit(frame)
    values = forecaster.explain().terms.pivot_table(index=["target", "time"], columns="term", values="value")
    assert values.loc["c", "level"].between(199, 201).all()
    assert np.ptp(values.loc["c", "season"]) > 5 > np.ptp(values.loc["c", "linear"].fillna(0))
    shifted = forecaster.explain(frame + 10).terms.pivot_table(index=["target", "time"], columns="term", values="value")
    np.testing.assert_allclose(shifted["season"], values["season"], atol=1e-3)  # a level is all that is added


def test_explain_of_covariates_and_logarithms_with_what_is_known_ahead(known_ahead, covariates):
    assert known_ahead.gates_["logarithm"].kept
    found = known_ahead.explain(future=future_of(covariates))
    check(found, known_ahead.predict(future=future_of(covariates)))
    assert {"covariate price", "covariate promotion", "level"} <= set(found.terms["term"])
    assert {"load", "price", "promotion", "(intercept)"} <= set(found.by_column["column"])
    values = found.by_column.pivot_table(index="time", columns="column", values="value")
    price = future_of(covariates)["price"]
    assert np.corrcoef(values["price"], price)[0, 1] > 0.8
    dear = future_of(covariates).assign(price=2.0)
    later = known_ahead.explain(future=dear).terms.query("term == 'covariate price'")["value"]
    assert later.mean() > found.terms.query("term == 'covariate price'")["value"].mean()


def test_explain_of_gaps_sees_what_fills_them(frame):
    frame = frame.mask(np.random.default_rng(0).random(frame.shape) < 0.1)
    forecaster = closed_form(lookback=24, missing="mask").fit(frame)
    check(forecaster.explain(), forecaster.predict())


def test_explain_of_panels(frame):
    panel = {"x": frame, "y": 3 * frame[:-50] + 7, ("z", 3): frame[100:]}
    forecaster = closed_form(lookback=24).fit(panel)
    check(forecaster.explain(), forecaster.predict())
    some = {"y": panel["y"][:-5], "unseen": frame * 2}
    check(forecaster.explain(some), forecaster.predict(some))


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.set_axis([("a", 1), ("a", 2), ("b", 1)], axis=1),
        lambda frame: frame.set_axis(range(3), axis=1),
        lambda frame: frame.set_axis(pd.period_range("2026-01-01", periods=len(frame), freq="h")),
        lambda frame: frame.to_numpy(np.float32),
        lambda frame: frame["a"],
    ],
    ids=["tuples", "numbers", "periods", "array", "series"],
)
def test_explain_of_columns_and_indexes_of_any_kind(frame, change):
    rows = change(frame)
    forecaster = closed_form(lookback=24, missing="interpolate").fit(rows)
    found, forecast = forecaster.explain(), forecaster.predict()
    pd.testing.assert_index_equal(found.forecast.columns, forecast.columns)
    for frame_of in FRAMES:
        values = getattr(found, frame_of)
        own = values[values["target"] == forecast.columns[0]].groupby("time")["value"].sum()
        np.testing.assert_allclose(own, forecast.iloc[:, 0], atol=1e-4)


def test_explain_of_short_series():
    months = pd.date_range("2010-01-01", periods=90, freq="MS", name="time")
    short = pd.DataFrame({"a": 50 + np.arange(90) + 10 * np.sin(np.arange(90) * np.pi / 6)}, months)
    forecaster = closed_form(lookback="auto", horizon=12).fit(short)
    assert "structural_mixture" in {term.name for term in forecaster.pipeline_.terms}
    found = forecaster.explain(short[20:])
    check(found, forecaster.predict(short[20:]))
    rest = found.by_column.query("column == '(rest)'")["value"].abs().max()
    assert not rest > 0.02 * 50  # gradients times inputs sum to it


@pytest.mark.parametrize("mode", ["joint", "front_end"])
@pytest.mark.parametrize("alone", [True, False])
def test_explain_of_a_network_and_of_one_that_is_loaded(known_ahead, covariates, tmp_path, mode, alone):
    inputs = AheadInputs.fit((), pd.get_dummies(covariates[["price", "promotion"]], dtype=float).to_numpy())
    network = random_term(28, 7, 2, targets=(0,), n_ahead=3, feature_mode=mode, normalizer_span=7, add_level=alone)
    terms = (*(() if alone else known_ahead.pipeline_.terms), replace(network, inputs=inputs))
    forecaster, future = copy.copy(known_ahead), future_of(covariates)
    forecaster.pipeline_ = replace(known_ahead.pipeline_, terms=terms)
    found = forecaster.explain(future=future)
    check(found, forecaster.predict(future=future))
    assert "network" in set(found.terms["term"])
    assert {"load", "seen", "price", "promotion"} <= set(found.by_column["column"])
    forecaster.save(tmp_path / "model")
    again = Forecaster.load(tmp_path / "model").explain(future=future)
    for each in ("forecast", *FRAMES):
        pd.testing.assert_frame_equal(getattr(again, each), getattr(found, each))


def test_explain_takes_what_predict_takes(known_ahead, frame):
    with pytest.raises(ValueError, match="future"):
        known_ahead.explain()
    with pytest.raises(ValueError, match="at least lookback"):
        closed_form(lookback=24).fit(frame).explain(frame[:5])
    polars = pytest.importorskip("polars")
    plain = closed_form(lookback=24).fit(frame)
    table = polars.from_pandas(frame.reset_index())
    found = closed_form(lookback=24, time="time").fit(table).explain()
    np.testing.assert_allclose(found.terms["value"], plain.explain().terms["value"], atol=1e-6)
