"""Quantiles and intervals of fitted forecasters: what they hold, what they see, and how they are laid out."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tests.exporting.runtimes import run_exported
from tscnn import Forecaster, evaluate
from tscnn.forecasting.intervals import Asked
from tscnn.linear import LinearModel
from tscnn.linear.settings import MixtureSettings

LEVELS = (0.1, 0.5, 0.9)
HORIZON = 6


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return make_frame(900, 2)


@pytest.fixture(scope="module")
def forecaster(rows) -> Forecaster:
    return closed_form(lookback=48, horizon=HORIZON).fit(rows[:600])


@pytest.fixture(scope="module")
def with_quantiles(rows) -> Forecaster:
    return closed_form(lookback=48, horizon=HORIZON, quantiles=LEVELS).fit(rows[:600])


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_conformal_intervals_hold_as_many_outcomes_as_they_say(forecaster, rows):
    found = evaluate(forecaster.backtest(rows[552:], coverage=(0.8, 0.9)), rows)
    assert found.loc["all", "coverage 80%"] == pytest.approx(0.8, abs=0.05)
    assert found.loc["all", "coverage 90%"] == pytest.approx(0.9, abs=0.05)
    assert found.loc["all", "width 80%"] < found.loc["all", "width 90%"]


def test_quantiles_are_scored_by_evaluate_and_never_cross(with_quantiles, rows):
    backtest = with_quantiles.backtest(rows[552:], stride=3)
    assert backtest.columns.tolist() == [(name, level) for name in "ab" for level in LEVELS]
    for name in "ab":
        assert (np.diff(backtest[name].to_numpy(), axis=1) >= 0).all()
    found = evaluate(backtest, rows)
    assert {"crps", "sql", "coverage 80%", "interval_score 80%"} <= set(found.columns)


def test_conformal_intervals_of_one_coverage_say_what_they_claim(forecaster, rows):
    backtest = forecaster.backtest(rows[552:], coverage=0.9, stride=7)
    assert backtest.attrs["coverage"] == 0.9
    assert {"coverage", "width", "interval_score"} <= set(evaluate(backtest, rows).columns)


def test_conformal_intervals_leave_point_forecasts_as_they_are(forecaster):
    found = forecaster.predict(coverage=(0.8, 0.95))
    parts = ["forecast", "lower 80%", "upper 80%", "lower 95%", "upper 95%"]
    assert found.columns.tolist() == [(name, part) for name in "ab" for part in parts]
    pd.testing.assert_frame_equal(found.xs("forecast", axis=1, level=1), forecaster.predict())


def test_quantile_and_conformal_forecasts_agree_in_predict_backtest_and_stream(forecaster, rows):
    expected = forecaster.predict(rows[:700], coverage=0.9)
    close(forecaster.backtest(rows[:706], coverage=0.9).xs(rows.index[699]), expected)
    close(forecaster.stream(rows[:699], coverage=0.9).update(rows.iloc[699]), expected)
    close(forecaster.predict(rows[:700], coverage=0.9, horizon=2), expected[:2])


def test_conformal_intervals_see_the_lookback_and_nothing_else(forecaster, rows):
    expected = forecaster.predict(rows[:700], coverage=0.9)
    changed = rows.copy()
    changed.iloc[: 700 - 48] += 7
    pd.testing.assert_frame_equal(forecaster.predict(changed[:700], coverage=0.9), expected)
    changed.iloc[700:] += 5
    close(forecaster.backtest(changed[652:720], coverage=0.9).xs(rows.index[699]), expected)


def test_conformal_intervals_are_wider_after_restless_days():
    random = np.random.default_rng(0)
    size = np.where(np.arange(2400) // 240 % 2, 1.0, 0.1)
    noisy = pd.DataFrame({"a": size * random.normal(size=2400)}, pd.date_range("2026-01-01", periods=2400, freq="h"))
    found = closed_form(lookback=48, horizon=3).fit(noisy[:1920])
    calm, restless = (found.predict(noisy[:at], coverage=0.8)["a"] for at in (2160, 2400))
    width = [(one["upper"] - one["lower"]).mean() for one in (calm, restless)]
    assert width[1] > 3 * width[0]


def test_conformal_intervals_stay_within_what_can_be():
    random = np.random.default_rng(0)
    counts = random.poisson(0.4, size=(800, 1)).astype(float)  # most are 0
    found = closed_form(lookback=24, horizon=4).fit(counts[:600]).backtest(counts[500:], coverage=0.9)
    assert found.xs("lower", axis=1, level=1).to_numpy().min() == 0
    below = closed_form(lookback=24, horizon=4).fit(counts[:600] - 1).predict(coverage=0.9)
    assert below.xs("lower", axis=1, level=1).to_numpy().min() < 0


def test_conformal_intervals_follow_a_temperature_below_zero(tmp_path):
    random, hours = np.random.default_rng(0), np.arange(1300)
    wandering = np.convolve(random.normal(size=len(hours) + 23), np.ones(24) / 8, "valid")
    values = 14 - hours / 100 + 4 * np.sin(2 * np.pi * hours / 24) + wandering
    values += 0.3 - values[:900].min()
    df = pd.DataFrame({"temperature": values}, pd.date_range("2026-09-01", periods=len(hours), freq="h"))
    autumn = closed_form(lookback=72, horizon=24).fit(df[:900])
    backtest = autumn.backtest(df[828:], coverage=0.8)["temperature"]
    outcomes = df["temperature"].loc[backtest.index.get_level_values("time")].to_numpy()
    below = (outcomes < 0) & (backtest["forecast"].to_numpy() < 0)
    assert below.sum() > 200
    assert (backtest["lower"] <= backtest["forecast"]).all()
    assert (backtest["lower"] < outcomes)[below].mean() > 0.8
    assert (backtest["lower"][backtest["forecast"] > 0] >= 0).all()
    autumn.export(tmp_path / "model.onnx", coverage=0.8)
    given = df[: 900 + int(np.flatnonzero(backtest["forecast"].to_numpy() < 0)[0] // 24)]
    found = run_exported(tmp_path / "model.onnx", "onnx", autumn.export_inputs(given, coverage=0.8))
    expected = autumn.predict(given, coverage=0.8)["temperature"]
    assert (expected["lower"] < 0).any()
    np.testing.assert_allclose(found["quantiles"][0, :, :, 0].T, expected[["lower", "upper"]], atol=1e-4)


def test_conformal_intervals_of_few_rows_are_wide_and_told_of_once(rows):
    few = closed_form(lookback=8, horizon=2, validation_fraction=0.15).fit(rows[["a"]][:60])
    with pytest.warns(UserWarning, match="intervals are wide"):
        wide = few.predict(coverage=0.95)["a"]
    narrow = closed_form(lookback=8, horizon=2).fit(rows[["a"]][:600]).predict(coverage=0.95)["a"]
    assert (wide["upper"] - wide["lower"]).mean() > (narrow["upper"] - narrow["lower"]).mean()
    few.predict(coverage=0.95)  # a second warning would be an error


@pytest.mark.parametrize("n_rows", [10, 14, 24])
def test_conformal_intervals_without_rows_held_back_are_those_of_repeating_the_newest(rows, n_rows):
    model = LinearModel(mixture=MixtureSettings(n_folds=0))
    bare = Forecaster(lookback=8, horizon=2, validation_fraction=0, network=None, linear_model=model)
    bare.fit(rows[:n_rows])
    with pytest.warns(UserWarning, match="intervals are wide"):
        found = bare.predict(coverage=0.9)
    changes = rows[:n_rows].diff().iloc[8:].abs().mean()  # of the outcomes of whole windows
    for name in "ab":
        assert (found[name, "upper"] - found[name, "lower"]).iloc[0] > 2 * changes[name]
    assert np.isfinite(bare.sample(3).to_numpy()).all()


def test_conformal_intervals_need_a_calibration(rows):
    bare = closed_form(lookback=8, horizon=2).fit(rows[:60])
    bare.pipeline_ = bare.pipeline_.without("calibration")
    with pytest.raises(ValueError, match="held back"):
        bare.predict(coverage=0.9)
    with pytest.raises(ValueError, match="held back"):
        bare.sample(2)
    bare.predict()


def test_quantiles_of_a_saved_forecaster_are_equal_to_the_bit(with_quantiles, tmp_path):
    with_quantiles.save(tmp_path / "model.tscnn")
    loaded = Forecaster.load(tmp_path / "model.tscnn")
    assert loaded.quantiles == LEVELS
    pd.testing.assert_frame_equal(loaded.predict(coverage=0.8), with_quantiles.predict(coverage=0.8), rtol=0, atol=0)
    pd.testing.assert_frame_equal(loaded.sample(n=2, random_state=0), with_quantiles.sample(n=2, random_state=0))


def test_quantiles_of_a_panel_and_of_refitted_backtests(rows):
    panel = {"calm": rows[:300], "busy": 5 * rows[300:600] + 3}
    forecaster = closed_form(lookback=24, horizon=3, quantiles=LEVELS).fit(panel)
    found = forecaster.predict(coverage=0.8)
    assert found.index.names == ["series", "time"]
    assert found.shape == (6, 2 * (len(LEVELS) + 3))
    stranger = forecaster.predict({"new": rows[600:700]})
    assert np.isfinite(stranger.to_numpy()).all()
    backtest = forecaster.backtest(panel, stride=40)
    assert set(evaluate(backtest, panel, "coverage", by="series").index) == {"calm", "busy"}
    refitted = closed_form(lookback=24, horizon=3, quantiles=LEVELS)
    again = refitted.backtest(rows[:400], start=rows.index[300], stride=40, refit=True)
    assert again.columns.tolist() == [(name, level) for name in "ab" for level in LEVELS]


def test_quantiles_of_polars_tables(rows):
    polars = pytest.importorskip("polars")
    table = polars.from_pandas(rows[:300].reset_index())
    found = closed_form(lookback=24, horizon=3, time="time").fit(table).predict(coverage=0.9)
    assert found.columns[:4] == ["time", "a forecast", "a lower", "a upper"]


def test_conformal_paths_hang_together_and_follow_the_intervals(forecaster):
    found = forecaster.sample(2000, random_state=0)
    assert found.index.names == ["sample", "time"]
    paths = found["a"].to_numpy().reshape(2000, HORIZON)
    interval = forecaster.predict(coverage=0.8)["a"]
    inside = (interval["lower"].to_numpy() <= paths) & (paths <= interval["upper"].to_numpy())
    assert inside.mean() == pytest.approx(0.8, abs=0.1)
    pd.testing.assert_frame_equal(found, forecaster.sample(n=2000, random_state=0))


def test_conformal_paths_are_of_all_rows_that_errors_were_seen_on():
    rows = pd.Series(np.random.default_rng(0).normal(size=500))
    rows.iloc[450:] += np.linspace(0, 15, 50)  # the rows held back: errors of these have one sign
    forecaster = closed_form(lookback=12, horizon=HORIZON, outliers=None).fit(rows.to_frame("a"))
    sums = forecaster.sample(500, random_state=0)["a"].groupby("sample").sum()
    assert 0.2 < (sums < forecaster.predict()["a"].sum()).mean() < 0.8


@pytest.mark.parametrize("coverage", [0, 1, 1.5, "0.9", [], (0.8, 0.8), {0.9}, True, (0.8, None)])
def test_conformal_coverage_that_is_none_is_refused(forecaster, coverage):
    with pytest.raises((TypeError, ValueError), match="`coverage` must be a number in") as error:
        forecaster.predict(coverage=coverage)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("quantiles", [0.5, (0.9, 0.1), (0.1, 1.0), "0.5", (0.5, 0.5), ()])
def test_quantiles_that_are_none_are_refused(rows, quantiles):
    with pytest.raises((TypeError, ValueError), match="`quantiles` must"):
        closed_form(quantiles=quantiles).fit(rows[:100])


def test_quantiles_end_at_the_horizon_of_fit(forecaster):
    with pytest.raises(ValueError, match="at most 6 steps"):
        forecaster.predict(horizon=7, coverage=0.9)


def test_quantiles_and_intervals_share_levels():
    asked = Asked.read((0.1, 0.5), (0.8, 0.95))
    np.testing.assert_allclose(asked.levels, [0.025, 0.1, 0.5, 0.9, 0.975])
    points, quantiles = np.array([[7.0]]), np.arange(5.0)[:, None, None]
    np.testing.assert_array_equal(asked.lay_out(points, quantiles), [[7, 1, 2, 1, 3, 0, 4]])
