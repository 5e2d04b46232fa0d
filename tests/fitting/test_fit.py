"""What a fit chooses, and what it learns from which rows."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame, small_forecaster
from tscnn import Forecaster, LinearModel


def dependent_frame(n_rows: int, seed: int) -> pd.DataFrame:
    """Two columns of noise, and one that is a lagged nonlinear function of both, plus noise of variance 1/4."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, n_rows))
    y = 0.5 * random.normal(size=n_rows)
    y[3:] += np.tanh(2 * a[1:-2]) * b[:-3]
    return pd.DataFrame({"a": a, "b": b, "y": y})


@pytest.mark.slow
@pytest.mark.parametrize("feature_mode", ["joint", "front_end", "independent"])
def test_columns_that_depend_on_each_other(feature_mode):
    forecaster = Forecaster(lookback=10, feature_mode=feature_mode, random_state=0, verbose=0)
    forecaster.fit(dependent_frame(8000, seed=0))
    after = dependent_frame(4000, seed=1)
    errors = forecaster.backtest(after)["y"].to_numpy() - after["y"].to_numpy()[10:]
    if feature_mode == "independent":  # its own past says nothing of what comes
        assert np.square(errors).mean() > 0.98 * after["y"].var()
    else:
        assert np.square(errors).mean() < 1.1 * 0.25


# The lookback


@pytest.mark.slow
def test_the_lookback_is_chosen_on_validation_rows(capsys):
    frame = make_frame(600)
    forecaster = closed_form(lookback="auto", verbose=1).fit(frame)
    assert forecaster.lookback_ in (24, 48, 96, 192)  # a day has 24 rows
    assert f"lookback {forecaster.lookback_} chosen, of 1 to 192\n" in capsys.readouterr().out
    assert forecaster.predict(frame).shape == (3, 3)
    assert forecaster.get_params()["lookback"] == "auto"
    frame.index = pd.date_range("2025-01-01", periods=len(frame), freq="D")
    weekly = closed_form(lookback="auto", verbose=1).fit(frame)
    assert weekly.lookback_ in (56, 112, 224)
    assert "chosen, of 1 to 224\n" in capsys.readouterr().out


@pytest.mark.parametrize("freq", ["MS", "D", None])
@pytest.mark.parametrize(("n_rows", "horizon"), [(8, 1), (14, 6), (20, 1), (20, 6), (25, 12), (60, 12)])
def test_the_lookback_is_chosen_on_short_series_of_any_index(freq, n_rows, horizon):
    index = pd.RangeIndex(n_rows) if freq is None else pd.date_range("2020-01-01", periods=n_rows, freq=freq)
    frame = make_frame(n_rows, 2).set_axis(index)
    forecaster = closed_form(lookback="auto", horizon=horizon).fit(frame)
    assert forecaster.lookback_ == n_rows  # of structural models
    assert np.isfinite(forecaster.predict()).all(axis=None)


def test_errors_of_too_few_rows_to_choose_a_lookback_say_how_many_it_takes():
    settings = LinearModel(structural_models=False)
    with pytest.raises(ValueError, match=r"at least 25 rows; or give `lookback`\. Received: n_rows=20"):
        closed_form(lookback="auto", horizon=12, linear_model=settings).fit(make_frame(20))


@pytest.mark.slow
def test_the_lookback_is_chosen_without_a_linear_model_too():
    forecaster = small_forecaster(lookback="auto", linear_model=None, epochs=1).fit(make_frame(300))
    assert [term.name for term in forecaster.pipeline_.terms] == ["network"]
    assert forecaster.lookback_ > 1


@pytest.mark.parametrize("changes", [{"normalizer_span": 5}, {"dilation_rates": [1, 2]}])
def test_what_must_fit_the_lookback_cannot_be_given_with_it_left_to_choose(frame, changes):
    (name,) = changes
    with pytest.raises(ValueError, match=f"With lookback='auto' `{name}` must be 'auto'"):
        small_forecaster(lookback="auto", **changes).fit(frame)


@pytest.mark.parametrize("changes", [{"lookback": "auto"}, {"feature_mode": "auto"}])
def test_without_validation_rows_nothing_can_be_chosen(frame, changes):
    (name,) = changes
    with pytest.raises(ValueError, match=f"`{name}='auto'` is chosen on validation rows, and there are none"):
        small_forecaster(validation_fraction=0, **changes).fit(frame)


@pytest.mark.parametrize(
    ("freq", "lookback", "said"),
    [
        ("h", 23, "lookback=23 sees less than a day \\(24 rows\\): lookback='auto' .*, lookback=24 sees a day"),
        ("D", 6, "lookback=6 sees less than a week \\(7 rows\\).* lookback=7 sees a week"),
        ("MS", 11, "lookback=11 sees less than a year \\(12 rows\\).* lookback=12 sees a year"),
        ("h", 24, None),
        ("15min", 12, None),  # 80 rows hold no two days
        (None, 12, None),
    ],
)
def test_a_lookback_below_a_season_of_the_index_is_told_once(freq, lookback, said):
    frame = make_frame(80, 1)
    frame.index = pd.RangeIndex(80) if freq is None else pd.date_range("2000", periods=80, freq=freq)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        closed_form(lookback=lookback, horizon=1, yearly_seasonality=None).fit(frame)
    told = [str(one.message) for one in caught if "sees less than" in str(one.message)]
    assert len(told) == (0 if said is None else 1)
    assert said is None or re.match(said, told[0])
    assert all(one.filename == __file__ for one in caught)  # it points to the fit


@pytest.mark.parametrize(("freq", "told"), [("D", 0), ("h", 0), ("W-WED", 1), ("MS", 1)])
def test_holidays_of_one_day_of_a_longer_step_are_told(freq, told):
    """A week that ends on a Wednesday has a holiday on any of its days, and the calendar looks at the Wednesday."""
    pytest.importorskip("holidays")
    frame = make_frame(120, 1).set_axis(pd.date_range("2020-01-01", periods=120, freq=freq))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        closed_form(lookback=4, calendar=["holidays:DE"]).fit(frame)
    assert sum("longer than a day" in str(one.message) for one in caught) == told


def test_a_refitted_backtest_chooses_anew(frame):
    forecaster = closed_form(lookback="auto")
    forecasts = forecaster.backtest(frame, start=frame.index[280], stride=20, refit=True)
    alone = closed_form(lookback="auto").fit(frame.iloc[:281]).predict()
    np.testing.assert_array_equal(forecasts.loc[frame.index[280]], alone)
    with pytest.raises(ValueError, match="`lookback='auto'` with `refit` needs a `start`"):
        forecaster.backtest(frame, refit=True)


# The network


@pytest.mark.slow
def test_the_feature_mode_is_chosen_on_validation_rows(frame, capsys):
    settings = {"linear_model": None, "epochs": 3, "learning_rate": 0.01}
    losses = {
        mode: small_forecaster(feature_mode=mode, **settings).fit(frame).history_["val_loss"].min()
        for mode in ("joint", "independent")
    }
    forecaster = small_forecaster(feature_mode="auto", verbose=1, **settings).fit(frame)
    chosen = forecaster.config_.feature_mode
    assert chosen == min(losses, key=losses.get)
    assert f"{chosen} with normaliser over 6 rows and no linear model chosen" in capsys.readouterr().out


@pytest.mark.slow
def test_a_normaliser_that_does_not_help_is_left_out():
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 2)))
    noise[1] = np.sign(noise[0].shift(1).fillna(0)) * 2 + 0.1 * noise[1]
    chosen = small_forecaster(normalizer_span="auto", linear_model=None, epochs=10, learning_rate=0.01).fit(noise)
    assert chosen.config_.normalizer_span == 1


# Which rows teach what


def test_the_linear_terms_are_solved_once_more_on_all_rows(frame):
    changed = frame.copy()
    changed.iloc[-3:] += 0.5  # validation rows
    kernels = [
        closed_form(maps="shared").fit(data).pipeline_.arrays()["linear_mixture/kernel"] for data in (frame, changed)
    ]
    assert not np.allclose(*kernels, atol=1e-5)


def test_many_columns_are_forecast_by_the_maps_of_their_groups():
    frame = make_frame(400, 4)
    maps = closed_form(linear_model=few_maps()).fit(frame).pipeline_
    kernel = maps.arrays()["linear_mixture/kernel"]
    assert len(kernel) == 2


def few_maps():
    return LinearModel().set_params(mixture__most_entries=2 * 12 * 15)
