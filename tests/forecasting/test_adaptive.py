"""Intervals that follow outcomes, in their size and in their levels."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tscnn import evaluate
from tscnn.forecasting.adaptive import AdaptiveLevels, ErrorSizes


@pytest.fixture(scope="module")
def drifting() -> pd.DataFrame:
    """Columns whose noise is three times as large after training."""
    rows = make_frame(1500, 2)
    noise = np.random.default_rng(1).normal(size=(900, 2)) * [0.3, 0.6]
    rows.iloc[600:] += noise
    return rows


@pytest.fixture(scope="module")
def forecaster(drifting):
    return closed_form(lookback=24, horizon=3).fit(drifting[:600])


def test_conformal_levels_end_where_outcomes_lie_below_as_often_as_they_say():
    random, levels = np.random.default_rng(0), AdaptiveLevels(np.array([0.9]), 1, 1)
    below = []
    for outcome in random.normal(size=4000):
        quantile = np.quantile([-1.0, 1.0], np.clip(levels.current[:, 0], 0, 1))  # of another distribution
        below.append(outcome <= quantile[0, 0])
        levels.learn(np.array([0]), quantile[None], np.array([outcome]))
    assert np.mean(below[1000:]) == pytest.approx(0.84, abs=0.02)  # 1.0 is as far as quantiles go
    levels.learn(np.array([0]), np.array([[[np.nan]]]), np.array([0.0]))  # nothing was forecast: no outcome of it
    levels.learn(np.array([0]), np.array([[[0.0]]]), np.array([np.nan]))


def test_conformal_sizes_are_those_of_the_newest_errors():
    random, sizes = np.random.default_rng(0), ErrorSizes.of(horizon=2, n_targets=2)
    reach = np.array([[[-1.0], [0.0], [2.0]]] * 2) * np.ones(2)  # upwards errors are twice as large
    for scale in (1.0, 3.0):
        for error in scale * random.laplace(size=600):
            outcome = np.array([2 * error if error > 0 else error, np.nan])
            sizes.learn(reach, outcome)
        np.testing.assert_allclose(sizes.factor, [scale, 1.0], rtol=0.3)  # that of the missing one stays
    before = sizes.factor
    sizes.learn(np.full((1, 3, 2), np.nan), np.zeros(2))  # nothing was forecast
    sizes.learn(np.zeros((1, 3, 2)), np.zeros(2))  # nor was an error possible
    np.testing.assert_allclose(sizes.factor, before, rtol=0.1)


def test_conformal_intervals_that_adapt_are_as_wide_as_errors_soon_after_a_drift(forecaster, drifting):
    kept, adapted = (
        forecaster.backtest(drifting[576:900], coverage=0.9, adaptive=adaptive).loc[drifting.index[700] :]
        for adaptive in (False, True)
    )
    scores = [evaluate(one, drifting).loc["all"] for one in (kept, adapted)]
    assert scores[1]["width"] > 1.5 * scores[0]["width"]
    assert scores[1]["interval_score"] < scores[0]["interval_score"]
    np.testing.assert_array_equal(*(one.xs("forecast", axis=1, level=1) for one in (kept, adapted)))


def test_conformal_intervals_that_adapt_cover_more_after_a_drift(forecaster, drifting):
    kept, adapted = (
        evaluate(forecaster.backtest(drifting[576:], coverage=0.9, adaptive=adaptive), drifting).loc["all", "coverage"]
        for adaptive in (False, True)
    )
    assert abs(adapted - 0.9) < 0.03
    assert abs(adapted - 0.9) <= abs(kept - 0.9)


def test_conformal_levels_of_backtest_and_stream_are_the_same(forecaster, drifting):
    backtest = forecaster.backtest(drifting[:640], start=drifting.index[600], coverage=0.9, adaptive=True)
    stream = forecaster.stream(coverage=0.9, adaptive=True)
    state = stream.state
    for i in range(600, 637):
        found = stream.update(drifting.iloc[i])
        if i == 620:
            state = stream.state
    np.testing.assert_allclose(found, backtest.xs(drifting.index[636]), atol=1e-5)
    again = forecaster.stream(coverage=0.9, adaptive=True)
    again.restore(state)
    for i in range(621, 637):
        last = again.update(drifting.iloc[i])
    pd.testing.assert_frame_equal(last, found)


def test_conformal_levels_know_outcomes_after_their_step_alone(forecaster, drifting):
    changed = drifting.copy()
    changed.iloc[640:] += 50
    one, other = (
        forecaster.backtest(rows[576:660], coverage=0.9, adaptive=True, stride=2).loc[: drifting.index[639]]
        for rows in (drifting, changed)
    )
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_conformal_intervals_of_a_short_lookback_adapt_too():
    rows = pd.DataFrame(
        {"a": np.random.default_rng(0).normal(size=400)}, range(400)
    )  # no season, and no window to speak of
    forecaster = closed_form(lookback=3, horizon=2).fit(rows[:200])
    found = evaluate(forecaster.backtest(rows[197:], coverage=0.8, adaptive=True), rows)
    assert found.loc["all", "coverage"] == pytest.approx(0.8, abs=0.05)
