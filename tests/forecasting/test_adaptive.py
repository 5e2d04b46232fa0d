"""Adaptive conformal inference: levels that follow the outcomes."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tscnn import evaluate
from tscnn.forecasting.adaptive import AdaptiveLevels


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
