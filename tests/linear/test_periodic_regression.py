"""Regressions on future covariates, one for each position in a season: inputs, solution, choice, and use."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from tscnn import Forecaster
from tscnn.linear.periodic_regression import Inputs, local_units, regression_inputs
from tscnn.linear.periodic_regression_fit import LEAST_VARIANCE, solve_ridges

HORIZON = 6


def market(n=24 * 120, seed=0) -> pd.DataFrame:
    """Hourly prices that answer to tomorrow's load, by the hour in another way, at a level that wanders."""
    random = np.random.default_rng(seed)
    times = pd.date_range("2026-01-01", periods=n, freq="h", name="time")
    hour = np.arange(n) % 24
    load = np.cumsum(random.normal(size=n)) * 0.1 + np.sin(2 * np.pi * hour / 24) + random.normal(size=n)
    level = np.cumsum(random.normal(size=n)) * 0.05
    price = 20 + level + np.where(hour < 12, 2.0, -1.0) * (load - pd.Series(load).rolling(168, 1).mean().to_numpy())
    price += 0.1 * random.normal(size=n)
    return pd.DataFrame({"price": price, "load": load, "noise": random.normal(size=n)}, times)


def fit(frame, **settings):
    given = {"horizon": HORIZON, "targets": "price", "network": None, "outliers": None, "verbose": 0, **settings}
    return Forecaster(168, **given).fit(frame)


@pytest.fixture(scope="module")
def frame():
    return market()


@pytest.fixture(scope="module")
def forecaster(frame):
    return fit(frame[:-240], future_covariates=["load"])


def test_explain_says_what_covariates_add(frame, forecaster):
    future = frame[["load"]].iloc[-240:][:HORIZON]
    found, forecast = forecaster.explain(future=future), forecaster.predict(future=future)
    for tidy in (found.terms, found.by_column, found.by_lag):
        np.testing.assert_allclose(tidy.groupby("time")["value"].sum(), forecast["price"], rtol=1e-5)
    assert "periodic regression" in set(found.terms["term"])
    of_load = found.by_column.query("column == 'load'")["value"].to_numpy()
    assert np.corrcoef(of_load, future["load"])[0, 1] > 0.8  # at night the price grows with it


def term_of(forecaster):
    return next(term for term in forecaster.pipeline_.terms if term.name == "periodic_regression")


def test_inputs_are_the_newest_two_seasons_and_the_steps_a_week_before():
    assert Inputs(28, 4, 6).own.tolist() == [0, 1, 2, 3, *range(20, 28)]
    assert Inputs(6, 4, 6).own.tolist() == [0, 1, 2, 3, 4, 5]


def test_inputs_of_a_step_are_those_of_no_later_step():
    numbers = np.random.default_rng(0).normal(size=(3, 28 + 6, 2))
    windows = np.random.default_rng(1).normal(size=(3, 28))
    own, known = regression_inputs(windows, *local_units(windows), numbers, Inputs(28, 4, 6))
    assert own.shape == (3, 12)
    assert known.shape == (3, 6, 6)
    for step in range(6):
        later = numbers.copy()
        later[:, 28 + step + 1 :] += 5
        _, changed = regression_inputs(windows, *local_units(windows), later, Inputs(28, 4, 6))
        np.testing.assert_array_equal(changed[:, : step + 1], known[:, : step + 1])
    mean = numbers[:, :28].mean(axis=1)
    np.testing.assert_allclose(known[:, 2, :2], numbers[:, 30] - mean)
    np.testing.assert_allclose(known[:, 2, 2:4], numbers[:, 26] - mean)  # four rows before
    np.testing.assert_allclose(known[:, 2, 4:], numbers[:, 28:31].mean(axis=1) - mean)


def test_local_units_are_not_moved_by_a_spike():
    windows = np.random.default_rng(0).normal(size=(1, 101))
    spiked = windows.copy()
    spiked[0, 50] = 3
    level, scale = local_units(windows)
    assert level[0] == np.median(windows)
    assert scale[0] == pytest.approx(1, abs=0.2)
    np.testing.assert_allclose(local_units(spiked), (level, scale), atol=0.05)


def test_ridges_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    inputs, outcomes = random.normal(2, 3, size=(80, 5)), random.normal(1, 1, size=80)
    found = solve_ridges(inputs, outcomes, (0.1, 1.0))
    for weights, alpha in zip(found, (0.1, 1.0), strict=True):
        penalty = np.sqrt(inputs.var(axis=0) + LEAST_VARIANCE)
        expected = Ridge(alpha=alpha * 80).fit(inputs / penalty, outcomes)
        np.testing.assert_allclose(weights[:-1], expected.coef_ / penalty, rtol=1e-8)
        assert weights[-1] == pytest.approx(expected.intercept_)


def test_it_finds_effects_that_differ_by_the_hour(frame, forecaster):
    assert forecaster.gates_["periodic_regression"].kept
    assert term_of(forecaster).cycle == "hour"
    without = fit(frame[:-240], future_covariates=["load"], periodic_regression=False)
    newest = frame[-240 - 168 :]
    outcomes = {"own": forecaster.backtest(newest), "without": without.backtest(newest)}
    errors = {name: rmse(found, frame) for name, found in outcomes.items()}
    assert errors["own"] < 0.8 * errors["without"], errors


def rmse(found, frame):
    actual = frame["price"].reindex(found.index.get_level_values("time")).to_numpy()
    return float(np.sqrt(np.mean((found["price"].to_numpy() - actual) ** 2)))


def test_covariates_that_say_nothing_are_left_out():
    random = np.random.default_rng(3)
    values = {"price": np.cumsum(random.normal(size=2400)), "noise": random.normal(size=2400)}
    walk = pd.DataFrame(values, pd.date_range("2026-01-01", periods=2400, freq="h"))
    forecaster = fit(walk, future_covariates=["noise"])
    assert "periodic_regression" in forecaster.gates_
    assert not forecaster.gates_["periodic_regression"].kept


def test_it_is_not_tried_without_future_covariates(frame):
    assert "periodic_regression" not in fit(frame[["price"]][:600]).gates_


def test_stream_predict_and_backtest_agree(frame, forecaster):
    seen = forecaster.lookback_
    rows = frame.iloc[-240 - seen :]
    backtest, stream = forecaster.backtest(rows), forecaster.stream(rows.iloc[:seen])
    for at in range(seen, seen + 30):
        future = rows.iloc[at + 1 : at + 1 + HORIZON]
        expected = backtest.loc[rows.index[at], "price"].to_numpy()
        streamed = stream.update(rows.iloc[at], future=future[["load"]])["price"].to_numpy()
        np.testing.assert_allclose(streamed, expected, rtol=1e-4)
    predicted = forecaster.predict(rows.iloc[: at + 1], future=future)["price"].to_numpy()
    np.testing.assert_allclose(predicted, expected, rtol=1e-4)
    state = stream.state
    again = forecaster.stream(rows.iloc[:seen])
    again.restore(state)
    row, future = rows.iloc[at + 1], rows.iloc[at + 2 : at + 2 + HORIZON][["load"]]
    pd.testing.assert_frame_equal(again.update(row, future=future), stream.update(row, future=future))


@pytest.mark.slow
def test_missing_values_are_filled_alike(frame):
    holed = frame[["price", "load"]].copy()
    holed.iloc[np.random.default_rng(0).choice(len(holed), 200, replace=False), 0] = np.nan
    forecaster = fit(holed[:-240], future_covariates=["load"], missing="mask")
    assert forecaster.gates_["periodic_regression"].kept
    rows = holed.iloc[-240 - forecaster.lookback_ :]
    found = forecaster.backtest(rows)
    assert np.isfinite(found.to_numpy()).all()
    cutoff = found.index[0][0]
    at = rows.index.get_loc(cutoff)
    predicted = forecaster.predict(rows.iloc[: at + 1], future=rows.iloc[at + 1 : at + 1 + HORIZON])
    np.testing.assert_allclose(predicted, found.loc[cutoff], rtol=1e-3)


@pytest.mark.slow
def test_series_of_a_panel_share_it():
    panel = {name: market(24 * 80, seed)[["price", "load"]] for seed, name in enumerate("ab", start=1)}
    panel["b"] = panel["b"].assign(price=panel["b"]["price"] * 100)
    forecaster = fit({name: one[:-HORIZON] for name, one in panel.items()}, future_covariates=["load"])
    assert forecaster.gates_["periodic_regression"].kept
    future = {name: one[-HORIZON:][["load"]] for name, one in panel.items()}
    found = forecaster.predict(future=future)
    for name, one in panel.items():
        scale = one["price"].std()
        np.testing.assert_allclose(found.loc[name, "price"] / scale, one["price"][-HORIZON:] / scale, atol=0.6)


def test_it_learns_how_covariates_are_spread_from_training_rows(frame, forecaster):
    changed = frame[:-240].copy()
    changed.iloc[-100:, 1] += 5  # of the validation rows
    other = fit(changed, future_covariates=["load"])
    np.testing.assert_array_equal(term_of(other).basis.knots, term_of(forecaster).basis.knots)


@pytest.mark.slow
def test_a_network_beside_more_rows_than_memory_has_room_for_is_not_trained(frame, monkeypatch):
    monkeypatch.setattr("tscnn.fitting.networks.MOST_BESIDE", 1000)
    with_network = fit(frame[:-240], future_covariates=["load"], network="auto")
    assert with_network.gates_["network"].reason == "not kept: too many rows beside future covariates"
    assert [term.name for term in with_network.pipeline_.terms][-1] == "periodic_regression"
