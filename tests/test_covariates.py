"""Columns that are known ahead: numbers and categories, in fit, predict, backtest, score, stream, and saved."""

import re

import holidays
import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, small_forecaster
from tscnn import Forecaster

HORIZON = 3


def hours(n=1500, seed=0) -> pd.DataFrame:
    """An hourly load that depends on the temperature as a valley does, and on the kind of the day."""
    random = np.random.default_rng(seed)
    times = pd.date_range("2026-01-05", periods=n, freq="h", name="time")
    warmth = np.sin(2 * np.pi * np.arange(n) / 24) + random.normal(size=n)
    sky = random.choice(["clear", "rain", "snow"], size=n)
    effect = 2 * np.abs(warmth) + pd.Series(sky).map({"clear": 0.0, "rain": 1.0, "snow": 3.0}).to_numpy()
    return pd.DataFrame({"load": 10 + effect + 0.1 * random.normal(size=n), "warmth": warmth, "sky": sky}, times)


def linear(**settings):
    given = {"lookback": 24, "horizon": HORIZON, "future_covariates": ["warmth", "sky"], **settings}
    return Forecaster(network=None, random_state=0, verbose=0, **given)


@pytest.fixture(scope="module")
def frame():
    return hours()


@pytest.fixture(scope="module")
def forecaster(frame):
    return linear().fit(frame[:-100])


@pytest.fixture(scope="module")
def with_network(frame):
    settings = {"lookback": 8, "horizon": HORIZON, "normalizer_span": None, "epochs": 20, "learning_rate": 0.02}
    return small_forecaster(**settings, calendar=None, future_covariates=["warmth", "sky"]).fit(frame[:900])


def test_covariates_explain_what_the_past_cannot(frame, forecaster):
    plain = linear(future_covariates=None, calendar=None).fit(frame[["load"]][:-100])
    assert forecaster.score(frame[-100:]) > 0.95
    assert plain.score(frame[["load"]][-100:]) < 0.4
    assert forecaster.gates_["covariate_effects"].kept


def test_covariates_of_every_form_of_forecast_agree(frame, forecaster):
    found = forecaster.backtest(frame[-100:], stride=7)
    stream = forecaster.stream(frame[-100:-76])
    for cutoff in found.index.unique("cutoff"):
        at = frame.index.get_loc(cutoff)
        future = frame.iloc[at + 1 : at + 1 + HORIZON]
        predicted = forecaster.predict(frame.iloc[: at + 1], future=future)
        pd.testing.assert_frame_equal(predicted, found.loc[cutoff], rtol=1e-4, check_names=False, check_freq=False)
    for at in range(len(frame) - 76, len(frame) - HORIZON):
        later = frame.iloc[at + 1 : at + 1 + HORIZON]
        streamed = stream.update(frame.iloc[at], future=later[["sky", "warmth"]])
        if frame.index[at] in found.index.unique("cutoff"):
            np.testing.assert_allclose(streamed, found.loc[frame.index[at]], rtol=1e-4)


def test_covariates_reach_the_network_step_by_step(frame, with_network):
    assert with_network.pipeline_.terms[-1].needs_ahead
    context, future = frame[:901], frame[901 : 901 + HORIZON].copy()
    before = with_network.predict(context, future=future)
    future.iloc[1, future.columns.get_loc("warmth")] += 1
    changes = np.abs(with_network.predict(context, future=future) - before)["load"].to_numpy()
    assert changes[1] > 0.01
    assert changes[0] == 0
    rows = frame[800:900]
    found = with_network.backtest(rows)
    cutoff = rows.index[50]
    at = frame.index.get_loc(cutoff)
    predicted = with_network.predict(frame[: at + 1], future=frame[at + 1 : at + 1 + HORIZON])
    np.testing.assert_allclose(predicted, found.loc[cutoff], rtol=1e-4)


def test_covariates_are_saved(frame, with_network, tmp_path):
    with_network.save(tmp_path / "m.tscnn")
    loaded = Forecaster.load(tmp_path / "m.tscnn")
    future = frame[900 : 900 + HORIZON]
    assert loaded.predict(future=future).equals(with_network.predict(future=future))
    assert loaded.future_covariates == ["warmth", "sky"]


def test_covariates_of_a_longer_and_a_shorter_horizon(frame, forecaster):
    future = frame[-100:]
    with pytest.warns(UserWarning, match="are forecast from forecasts"):
        long = forecaster.predict(future=future[: 2 * HORIZON + 1], horizon=2 * HORIZON + 1)
    short = forecaster.predict(future=future[:2], horizon=2)
    assert long.index.equals(future.index[: 2 * HORIZON + 1])
    np.testing.assert_array_equal(long[:2], short)
    assert np.abs(long["load"].to_numpy() - future["load"].to_numpy()[:7]).max() < 1


def test_covariates_when_refitted_at_every_cutoff(frame):
    found = linear().backtest(frame[:400], start=frame.index[380], stride=10, refit=True)
    at = 380
    alone = linear().fit(frame[: at + 1]).predict(future=frame[at + 1 : at + 1 + HORIZON])
    np.testing.assert_array_equal(found.loc[frame.index[at]], alone)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: None, "`future` must hold what is known ahead: 3 rows, from 2026-03-04 08:00:00"),
        (lambda future: future[["warmth"]], "missing=['sky']"),
        (lambda future: future[:2], "must have exactly the 3 steps"),
        (lambda future: future.shift(1, freq="h"), "missing=['2026-03-04 08:00:00']"),
        (lambda future: future.assign(other=1), "unknown=['other']"),
        (lambda future: future.to_numpy(), "`future` must be a DataFrame"),
        (lambda future: future.reset_index(drop=True), "`future` must be indexed by times"),
        (lambda future: future.assign(warmth=np.nan), "'warmth'"),
    ],
)
def test_covariates_that_are_not_what_is_asked_for_are_errors(frame, forecaster, change, message):
    future = frame[["warmth", "sky"]][-100 : -100 + HORIZON]
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as caught:
        forecaster.predict(future=change(future))
    assert len(str(caught.value)) < 400


def test_covariates_given_where_none_are_known_is_an_error(frame):
    plain = linear(future_covariates=None).fit(frame[["load"]][:200])
    with pytest.raises(ValueError, match="fitted without `future_covariates`"):
        plain.predict(future=frame[200:203])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"future_covariates": ["cold"]}, "'cold' is none"),
        ({"targets": "load", "future_covariates": "load"}, "named in `targets` and in `future_covariates`"),
        ({"targets": "sky", "future_covariates": None}, "must hold real numbers"),
        ({"calendar": ["hours"]}, "did you mean 'hour'"),
        ({"calendar": "hour"}, "such as ['hour']"),
    ],
)
def test_covariates_and_calendar_that_cannot_be_are_errors(frame, settings, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as caught:
        linear(**settings).fit(frame)
    assert len(str(caught.value)) < 400


def test_covariates_of_a_new_category_count_as_none_and_are_told(frame, forecaster):
    future = frame[["warmth", "sky"]][-100 : -100 + HORIZON].assign(sky=["clear", "hail", "clear"])
    with pytest.warns(UserWarning, match=re.escape("unknown=['hail']")):
        found = forecaster.predict(future=future)
    assert np.isfinite(found.to_numpy()).all()


def test_covariates_may_be_categorical_in_the_past(frame):
    past = frame.assign(sky=frame["sky"].astype("category"))
    fitted = linear(targets="load", future_covariates="warmth").fit(past[:300])
    assert fitted.schema_.features.tolist() == ["load", "sky=clear", "sky=rain", "sky=snow"]
    assert fitted.predict(future=past[300:303]).columns.tolist() == ["load"]


def test_calendar_knows_holidays():
    days = pd.date_range("2022-01-01", "2025-12-31", name="day")
    closed = np.array([day in holidays.country_holidays("US", years=range(2022, 2026)) for day in days])
    random = np.random.default_rng(0)
    sales = pd.DataFrame({"sales": 10 - 8 * closed + random.normal(size=len(days))}, days)
    settings = {"lookback": 14, "horizon": 7, "network": None, "verbose": 0, "outliers": None}
    knows = Forecaster(calendar=["weekday", "holidays:US"], **settings).fit(sales[:-200])
    without = Forecaster(calendar=None, **settings).fit(sales[:-200])
    assert knows.gates_["covariate_effects"].kept
    assert knows.score(sales[-200:]) > without.score(sales[-200:]) + 0.2


@pytest.mark.parametrize("n_rows", [60, 120])
def test_covariates_count_where_rows_are_few(n_rows):
    random, days = np.random.default_rng(1), pd.date_range("2024-01-01", periods=n_rows + 7)
    promotion = (random.random(n_rows + 7) < 0.3).astype(float)
    week = 2 * random.normal(size=7)[np.arange(n_rows + 7) % 7]
    sales = 20 + week + 8 * promotion + random.normal(size=n_rows + 7)
    shop = pd.DataFrame({"sales": sales, "promotion": promotion}, days)
    forecaster = closed_form(lookback="auto", horizon=7, future_covariates="promotion").fit(shop[:n_rows])
    assert forecaster.gates_["covariate_effects"].kept
    errors = forecaster.predict(future=shop[["promotion"]][n_rows:])["sales"] - shop["sales"][n_rows:]
    assert np.sqrt(np.square(errors).mean()) < 2


@pytest.mark.parametrize(("freq", "n_rows"), [("MS", 90), ("W-MON", 110)])
def test_covariates_count_in_weeks_and_months(freq, n_rows):
    random, times = np.random.default_rng(0), pd.date_range("2018-01-01", periods=n_rows, freq=freq)
    promotion = (random.random(n_rows) < 0.2).astype(int)
    level = 100 + np.cumsum(random.normal(0, 1, n_rows))
    frame = pd.DataFrame({"sales": level + 20 * promotion + random.normal(size=n_rows), "promotion": promotion}, times)
    forecaster = Forecaster(horizon=3, future_covariates="promotion", network=None, verbose=0).fit(frame[:-3])
    ahead = frame[["promotion"]][-3:]
    gain = forecaster.predict(future=ahead * 0 + 1) - forecaster.predict(future=ahead * 0)
    np.testing.assert_allclose(gain, 20, atol=4)
