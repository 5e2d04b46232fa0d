"""Many series: a long frame or a dict of frames, in and out."""

import re

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame, small_forecaster
from tscnn import Forecaster, evaluate

HORIZON = 7
pytestmark = pytest.mark.filterwarnings("ignore:1 of 12 series are shorter")


def shop(seed: int, n: int, start="2024-01-01") -> pd.DataFrame:
    """Daily sales with a week, of a level and a scale of their own."""
    random = np.random.default_rng(seed)
    size = 10.0 ** random.integers(-3, 5)
    week = np.sin(2 * np.pi * np.arange(n) / 7 + seed)
    return pd.DataFrame({"sales": size * (5 + week + 0.2 * random.normal(size=n))}, pd.date_range(start, periods=n))


@pytest.fixture(scope="module")
def shops() -> dict[str, pd.DataFrame]:
    """Twelve shops of unequal starts and ends, one of them too short for the lookback."""
    frames = {f"s{i}": shop(i, 60 + 10 * i, f"2024-0{1 + i % 5}-01") for i in range(11)}
    return {**frames, "short": shop(11, 9)}


@pytest.fixture(scope="module")
def long(shops) -> pd.DataFrame:
    return pd.concat([frame.assign(shop=name) for name, frame in shops.items()]).sort_index(kind="stable")


@pytest.fixture(scope="module")
def forecaster(long):
    return Forecaster(14, HORIZON, series_id="shop", network=None, verbose=0).fit(long)


def test_panel_forecasts_come_in_the_shape_of_what_went_in(forecaster, shops, long):
    found = forecaster.predict()
    assert found.columns.tolist() == ["shop", "sales"]
    assert found.groupby("shop").size().eq(HORIZON).all()
    for name, frame in shops.items():
        own = found[found["shop"] == name]
        assert own.index[0] == frame.index[-1] + pd.Timedelta(days=1)
    pd.testing.assert_frame_equal(forecaster.predict(long), found)
    by_name = forecaster.predict(shops)
    assert by_name.index.names == ["series", "time"]
    np.testing.assert_array_equal(by_name.loc["s3"], found.loc[found["shop"] == "s3", ["sales"]])


def test_panel_intervals_of_a_long_frame_with_a_column_of_times(long):
    long = long[long["shop"] != "short"]
    sales, how = long.rename_axis("day").reset_index(), {"time": "day", "series_id": "shop"}
    timed = Forecaster(14, HORIZON, **how, network=None, verbose=0).fit(sales)
    assert timed.predict(coverage=0.8).columns[:3].tolist() == [("day", ""), ("shop", ""), ("sales", "forecast")]
    backtest = timed.backtest(sales, stride=40, coverage=0.8)
    assert 0.6 < evaluate(backtest, sales, "coverage", series_id="shop")["coverage"].item() < 1


def test_panel_fitted_to_a_dict_is_the_same(forecaster, shops):
    again = Forecaster(14, HORIZON, network=None, verbose=0).fit(shops)
    np.testing.assert_allclose(again.predict(shops), forecaster.predict(shops), rtol=1e-5)


def test_panel_each_series_keeps_its_own_level_and_scale(forecaster, shops):
    for name, frame in shops.items():
        error = np.abs(forecaster.predict({name: frame})["sales"] - frame["sales"].mean()).max()
        assert error < 2 * np.ptp(frame["sales"]), name


def test_panel_does_better_than_repeating_the_week(forecaster, shops):
    rows = {name: frame for name, frame in shops.items() if len(frame) > 100}
    found = forecaster.backtest(rows)
    errors = naive = 0.0
    for name, frame in rows.items():
        own = found.loc[name]["sales"]
        truth = frame["sales"].reindex(own.index.get_level_values("time")).to_numpy()
        week = frame["sales"].shift(7).reindex(own.index.get_level_values("time")).to_numpy()
        errors += np.square((own.to_numpy() - truth) / frame["sales"].std()).mean()
        naive += np.square((week - truth) / frame["sales"].std()).mean()
    assert errors < 0.7 * naive


def test_panel_a_series_that_training_has_not_seen_is_forecast_from_its_rows(forecaster, shops):
    known = forecaster.predict({"s4": shops["s4"]})
    unseen = forecaster.predict({"new": shops["s4"]})
    np.testing.assert_allclose(unseen, known, rtol=1e-4)


def test_panel_backtest_agrees_with_predict_and_stream(forecaster, shops):
    rows = {name: shops[name] for name in ("s5", "s9")}
    found = forecaster.backtest(rows, stride=3)
    assert found.index.names == ["series", "cutoff", "time"]
    for name, frame in rows.items():
        cutoff = found.loc[name].index.unique("cutoff")[4]
        np.testing.assert_allclose(forecaster.predict({name: frame.loc[:cutoff]}), found.loc[(name, cutoff)], rtol=1e-5)
    ends = {name: frame.iloc[:60] for name, frame in rows.items()}
    streamed = forecaster.stream(ends).update({name: frame.iloc[60] for name, frame in rows.items()})
    for name, frame in rows.items():
        expected = forecaster.predict({name: frame.iloc[:61]})
        np.testing.assert_allclose(streamed.loc[name], expected, rtol=1e-4)


def test_panel_takes_a_single_frame_as_a_series_that_it_has_not_seen(forecaster, shops):
    expected = forecaster.predict({"new": shops["s4"]})
    np.testing.assert_array_equal(forecaster.predict(shops["s4"]), expected)
    np.testing.assert_array_equal(forecaster.predict(shops["s4"].to_numpy()), expected)
    backtest = forecaster.backtest(shops["s4"])
    np.testing.assert_array_equal(backtest, forecaster.backtest({"new": shops["s4"]}))
    stream = forecaster.stream(shops["s4"][:-1])
    np.testing.assert_allclose(stream.update(shops["s4"].iloc[-1]), expected, rtol=1e-4)


def test_panel_streams_take_long_frames(forecaster, shops):
    rows = pd.concat([frame.iloc[[-1]].shift(1, freq="D").assign(shop=name) for name, frame in shops.items()])
    by_name = {name: own[["sales"]] for name, own in rows.groupby("shop", sort=False)}
    expected = forecaster.stream().update(by_name)
    found = forecaster.stream().update(rows[::-1])
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match=r"^Series 's3': The next row must be that of"):
        forecaster.stream().update({**by_name, "s3": by_name["s3"].shift(1, freq="D")})
    with pytest.raises(ValueError, match=r"^Series 's3': Every value must be finite"):
        forecaster.stream().update({**by_name, "s3": by_name["s3"] * np.nan})


def test_panel_backtests_name_the_series_without_a_cutoff(forecaster, shops):
    with pytest.raises(ValueError, match=r"^Series 's1': No cutoff has"):
        forecaster.backtest({"s1": shops["s1"]}, start=shops["s1"].index[-1])


def test_panel_backtests_leave_out_series_that_end_before_the_start(forecaster, shops):
    rows = {name: shops[name] for name in ("s1", "s5")}
    start = shops["s1"].index[-1]
    with pytest.warns(UserWarning, match=r"1 of 2 series have no cutoff .* series=\['s1'\]"):
        backtest = forecaster.backtest(rows, start=start)
    pd.testing.assert_frame_equal(backtest, forecaster.backtest({"s5": shops["s5"]}, start=start))


def test_panel_pictures_of_a_cutoff_show_the_series_that_are_there(forecaster, shops):
    cutoff = shops["s1"].index[-1] + pd.Timedelta(days=1)
    axes = forecaster.plot({name: shops[name] for name in ("s1", "s5")}, cutoff=cutoff)
    assert [panel.get_title(loc="left") for panel in axes] == ["s5"]


def test_panel_score_is_the_mean_over_series(forecaster, shops):
    rows = {name: shops[name] for name in ("s5", "s9")}
    each = [forecaster.score({name: frame}) for name, frame in rows.items()]
    assert forecaster.score(rows) == pytest.approx(np.mean(each))
    with pytest.warns(UserWarning, match=re.escape("1 of 2 are left out. Received: short=['short']")):
        assert forecaster.score({"s5": shops["s5"], "short": shops["short"]}) == pytest.approx(each[0])
    with pytest.raises(ValueError, match="at least lookback"):
        forecaster.score({"short": shops["short"]})


def test_panel_is_saved_with_its_context(forecaster, tmp_path):
    forecaster.save(tmp_path / "m.tscnn")
    loaded = Forecaster.load(tmp_path / "m.tscnn")
    assert loaded.predict().equals(forecaster.predict())
    assert loaded.series_id == "shop"


@pytest.mark.slow
def test_panel_with_a_network_and_covariates(shops):
    random = np.random.default_rng(0)
    rows = {}
    for name, frame in shops.items():
        promotion = (random.random(len(frame)) < 0.3).astype(float)
        sold = frame["sales"] * (1 + promotion)
        rows[name] = pd.DataFrame({"sales": sold, "promotion": promotion, "kind": name[-1]}, frame.index)
    fitted = small_forecaster(
        lookback=14, horizon=3, future_covariates="promotion", static_covariates="kind", epochs=3
    ).fit(rows)
    future = {
        name: pd.DataFrame({"promotion": [0.0, 1.0, 0.0]}, pd.date_range(frame.index[-1], periods=4)[1:])
        for name, frame in rows.items()
    }
    found = fitted.predict(future=future)
    assert found.shape == (3 * len(rows), 1)
    higher = [found.loc[name]["sales"].iloc[1] > found.loc[name]["sales"].iloc[[0, 2]].max() for name in rows]
    assert np.mean(higher) > 0.9
    long = pd.concat([frame.assign(shop=name) for name, frame in future.items()])
    fitted.series_id = "shop"
    pd.testing.assert_frame_equal(fitted.predict(rows, future=long), found)
    with pytest.raises(ValueError, match="`future` must have an entry for every series"):
        fitted.predict(future={"s1": future["s1"]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.drop(columns="shop"), "`series_id` must be a column of `X`"),
        (lambda X: X.assign(shop=X["shop"].where(X["shop"] != "s3")), "Every row must name its series"),
        (lambda X: X.drop(X.index[X["shop"].eq("s2").to_numpy()][5]), "must"),
        (lambda X: X.iloc[::-1], "must ascend"),
    ],
)
def test_panel_errors_name_what_is_wrong(long, change, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        Forecaster(14, HORIZON, series_id="shop", network=None, verbose=0).fit(change(long))


def test_panel_static_covariates_must_not_change(shops):
    rows = {name: frame.assign(size=np.arange(len(frame))) for name, frame in shops.items()}
    with pytest.raises(ValueError, match="A static covariate must have one value a series"):
        Forecaster(14, HORIZON, static_covariates="size", network=None, verbose=0).fit(rows)


def test_panel_series_too_short_to_learn_from_are_named(shops):
    with pytest.warns(UserWarning, match=re.escape("1 of 3 series are shorter than 21 rows")) as told:
        Forecaster(14, HORIZON, network=None, verbose=0).fit({name: shops[name] for name in ("s1", "s2", "short")})
    assert "short=['short']" in str(told[0].message)


def test_panel_errors_of_a_y_that_would_be_ignored(shops, forecaster):
    for use in (Forecaster(14, HORIZON, network=None).fit, forecaster.score):
        with pytest.raises(ValueError, match="`y` must be None beside many series"):
            use(shops, shops["s1"]["sales"])


@pytest.mark.slow
def test_a_panels_unseen_series_is_forecast_from_its_window_alone():
    rows = make_frame(400, 2)
    forecaster = closed_form(lookback=24, horizon=3).fit({"x": rows[:300], "y": 5 * rows[50:350] + 3})
    new = 3 * rows + 100
    new.iloc[300:] += 50
    backtest = forecaster.backtest({"new": new}, coverage=0.8)
    for end in (100, 301):
        expected = forecaster.predict({"new": new[:end]}, coverage=0.8)
        found = backtest.xs("new").xs(new.index[end - 1])
        np.testing.assert_array_equal(found, expected)
        pd.testing.assert_frame_equal(forecaster.predict({"new": new[end - 24 : end]}, coverage=0.8), expected)
    assert forecaster.score({"new": new}) > 0.5
    assert forecaster.audit({"new": new}, refit=False).passed


def test_a_series_that_never_moves_is_forecast_as_it_is():
    """What promotions do to other shops is in units of theirs: a shop that always sells the same has none of it."""
    level = 5.0
    days, random = pd.date_range("2024-01-01", periods=240), np.random.default_rng(0)
    shops = {}
    for name in "abc":
        promotion = random.random(240) < 0.2
        sales = 50 + 20 * promotion + 10 * np.sin(2 * np.pi * np.arange(240) / 7) + random.normal(size=240)
        shops[name] = pd.DataFrame({"sales": sales, "promotion": promotion}, days)
    shops["still"] = shops["a"].assign(sales=level)
    forecaster = closed_form(lookback=14, horizon=7, future_covariates="promotion", calendar=["weekday"])
    forecaster.fit({name: frame[:-7] for name, frame in shops.items()})
    future = {name: frame[["promotion"]][-7:] for name, frame in shops.items()}
    forecasts = forecaster.predict(future=future)["sales"].unstack("series")
    assert (forecasts["a"] - shops["a"]["sales"][-7:]).abs().mean() < 3  # whose promotions add 20
    np.testing.assert_allclose(forecasts["still"], level, atol=0.05)
    unseen = forecaster.predict({"new": shops["still"][:-7]}, future={"new": future["still"]})
    np.testing.assert_allclose(unseen["sales"], level, atol=0.05)


def test_panel_errors_of_what_is_known_ahead_name_a_line_that_takes_the_rows_of_one_series():
    """`future.loc[..]` of a long frame, whose times repeat from series to series, raises a KeyError."""
    rows = pd.concat([make_frame(40, 2).assign(shop=name) for name in "xy"])
    forecaster = closed_form(lookback=6, targets="a", future_covariates="b", calendar=None, series_id="shop")
    forecaster.fit(rows.groupby("shop").head(30))
    future = rows[["shop", "b"]].groupby("shop").tail(10)
    due = future[future["shop"] == "x"].iloc[:3].drop(columns="shop")
    given = {
        "long": future,
        "by name": {name: own.drop(columns="shop") for name, own in future.groupby("shop")},
        "a hole": future.groupby("shop").head(3).drop(future.index[1]),
        "backwards": future.groupby("shop").head(3)[::-1],
    }
    for kind, one in given.items():
        with pytest.raises(ValueError, match=r"Series '.': `future` must have exactly the 3 steps") as told:
            forecaster.predict(rows.groupby("shop").head(30), future=one)
        line = re.search(r"`(future\[[^`]+)`", str(told.value))
        assert line is not None, told.value
        found = eval(line.group(1), {"future": one, "pd": pd})[["b"]]
        assert found.index.tolist() == due.index.tolist(), kind
