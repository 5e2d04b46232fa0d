import copy
import datetime
import inspect
import pickle
import random

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import (
    check_dict_unchanged,
    check_estimator,
    check_estimators_pickle,
    check_fit_idempotent,
)

from tests.conftest import closed_form, make_frame, small_forecaster
from tscnn import TCN, Forecaster, LinearModel, Training, make_windows
from tscnn.network.backend import keras

# What comes out


def test_predict_continues_the_training_frame(fitted, frame):
    forecast = fitted.predict()
    assert list(forecast.columns) == list(frame.columns)
    assert forecast.index.equals(pd.date_range(frame.index[-1], periods=4, freq="h", name="time")[1:])
    assert forecast.index.freq == "h"
    assert forecast.index.name == "time"
    assert np.isfinite(forecast.to_numpy()).all()


def test_predict_depends_on_the_last_lookback_rows_only(fitted, frame):
    forecast = fitted.predict()
    pd.testing.assert_frame_equal(fitted.predict(frame.iloc[-12:]), forecast)
    changed = frame.copy()
    changed.iloc[:-12] = 0
    pd.testing.assert_frame_equal(fitted.predict(changed), forecast)
    changed = frame.copy()
    changed.iloc[-12] += 1
    assert not np.allclose(fitted.predict(changed), forecast, rtol=1e-7)


def test_columns_in_another_order_are_matched_by_name(fitted, frame):
    pd.testing.assert_frame_equal(fitted.predict(frame[["c", "a", "b"]]), fitted.predict(frame))


def test_it_learns_a_wave(fitted, frame):
    after = make_frame(330).iloc[300 - 12 :]
    ours = fitted.backtest(after).to_numpy().reshape(-1, 3, 3)
    inputs, outcomes = make_windows(after, 12, 3)
    scale = frame.std().to_numpy()
    error = np.square((ours - outcomes) / scale).mean()
    repeated = np.square((inputs[:, -1:] - outcomes) / scale).mean()
    assert error < 0.25 * repeated


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2026-03-28 12:00", periods=80, freq="h", tz="Europe/Berlin", name="local"),
        pd.date_range("2026-10-01", periods=80, freq="D", tz="America/New_York"),
        pd.period_range("2020-01", periods=80, freq="M"),
        pd.RangeIndex(100, 260, 2, name="step"),
        pd.Index(np.arange(80)),
    ],
    ids=["hourly across a clock change", "local days", "periods", "range", "integers"],
)
def test_index_kind_zone_and_frequency_survive(index):
    frame = make_frame(80, 2).set_axis(index)
    forecaster = closed_form(horizon=2).fit(frame.iloc[:-2])
    forecast = forecaster.predict()
    assert forecast.index.equals(index[-2:])
    assert type(forecast.index) is type(index)
    assert forecast.index.name == index.name
    assert forecast.index.dtype == index.dtype
    assert getattr(forecast.index, "freq", None) == getattr(index, "freq", None)


def test_times_of_another_zone_are_refused_where_the_calendar_counts(tmp_path):
    """By the clock of another zone it is another hour, and now and then another day."""
    index = pd.date_range("2026-01-01", periods=700, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"load": 5.0 * (index.hour >= 8) + np.random.default_rng(0).normal(0, 0.3, 700)}, index)
    forecaster = closed_form(lookback=12, calendar=["hour"]).fit(frame[:-50])
    forecaster.save(tmp_path / "berlin.tscnn")
    for model in (forecaster, Forecaster.load(tmp_path / "berlin.tscnn")):
        for call in (model.predict, model.backtest, model.score, model.stream):
            with pytest.raises(ValueError, match=r"time zone of training.*`X.tz_convert\('Europe/Berlin'\)`.*tz='UTC'"):
                call(frame.tz_convert("UTC"))
        same = model.predict(frame.tz_convert(datetime.timezone(datetime.timedelta(hours=1))))  # of the same clock
        np.testing.assert_array_equal(same, model.predict(frame))
    assert len(forecaster.predict({"of another place": frame.tz_convert("UTC")})) == forecaster.horizon
    panel = closed_form(lookback=12, calendar=["hour"]).fit({"x": frame, "y": frame})
    with pytest.raises(ValueError, match="Series 'y': The index must have the time zone of training"):
        panel.predict({"x": frame, "y": frame.tz_convert("UTC")})
    plain = closed_form(lookback=12, calendar=None).fit(frame[:-50])
    np.testing.assert_array_equal(plain.predict(frame.tz_convert("UTC")), plain.predict(frame))


def test_integers_booleans_and_constants_work():
    frame = make_frame(80)
    frame["count"] = np.arange(80) % 7
    frame["flag"] = np.arange(80) % 2 == 0
    frame["constant"] = 5.0
    forecast = closed_form().fit(frame).predict()
    np.testing.assert_allclose(forecast["constant"], 5.0, rtol=1e-3)
    assert np.isfinite(forecast.to_numpy()).all()


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_frame_of_constants_is_forecast_to_stay():
    frame = make_frame(200) * 0 + [5.0, 0.0, -1e6]
    for forecaster in (small_forecaster(epochs=1), closed_form()):
        np.testing.assert_allclose(forecaster.fit(frame).predict(), frame.iloc[:3], rtol=1e-6, atol=1e-6)


def test_arrays_and_series_come_back_as_frames():
    values = make_frame(80).to_numpy()
    forecaster = closed_form().fit(values)
    forecast = forecaster.predict(values[-12:])
    assert list(forecast.columns) == [0, 1, 2]
    assert list(forecast.index) == [12, 13, 14]
    assert list(forecaster.predict().index) == [80, 81, 82]
    series = make_frame(80)["b"]
    assert list(closed_form().fit(series).predict().columns) == ["b"]


def test_forecasts_are_float32_where_all_columns_are(frame):
    small = frame.astype(np.float32)
    forecaster = closed_form().fit(small)
    forecasts = [
        forecaster.predict(small),
        forecaster.backtest(small),
        forecaster.stream().update(small.iloc[0].to_dict()),
    ]
    wide = closed_form().fit(small.astype(np.float64))
    expected = [wide.predict(small), wide.backtest(small), wide.stream().update(small.iloc[0].to_dict())]
    for found, same in zip(forecasts, expected, strict=True):
        assert set(found.dtypes) == {np.dtype(np.float32)}
        assert set(same.dtypes) == {np.dtype(np.float64)}
        np.testing.assert_allclose(found, same, rtol=1e-5, atol=1e-5)
    mixed = closed_form().fit(small.astype({"a": np.float64}))
    assert set(mixed.predict().dtypes) == {np.dtype(np.float64)}


def test_the_callers_frame_is_left_alone():
    frame = make_frame(80)
    before = frame.copy(deep=True)
    closed_form().fit(frame).backtest(frame)
    pd.testing.assert_frame_equal(frame, before)


# Horizons other than that of `fit`


@pytest.fixture(scope="module")
def three_ahead(frame):
    return closed_form().fit(frame)


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_a_shorter_horizon_is_a_slice(three_ahead, frame, horizon):
    pd.testing.assert_frame_equal(three_ahead.predict(horizon=horizon), three_ahead.predict().iloc[:horizon])
    several = three_ahead.predict({"one": frame.iloc[:99], "two": frame}, horizon=horizon)
    assert several.index.equals(pd.concat([several.loc[[name]] for name in ("one", "two")]).index)
    pd.testing.assert_frame_equal(several.loc["two"], three_ahead.predict().iloc[:horizon], check_freq=False)


@pytest.mark.parametrize("lookback", [2, 12])  # shorter and longer than the horizon
def test_a_longer_horizon_is_forecast_from_forecasts(frame, lookback):
    forecaster = closed_form(lookback=lookback, targets=["c", "a", "b"]).fit(frame)
    with pytest.warns(UserWarning, match="beyond the horizon of `fit`, 3, .* a fit with `horizon=8`") as told:
        found = forecaster.predict(horizon=8)
    assert found.index.equals(pd.date_range(frame.index[-1], periods=9, freq="h", name="time")[1:])
    rows = frame
    for _ in range(3):
        rows = pd.concat([rows, forecaster.predict(rows)[frame.columns]])
    pd.testing.assert_frame_equal(found, rows.iloc[300:308][found.columns], check_freq=False, check_exact=True)
    assert len(told) == 1
    several = forecaster.predict({"one": frame.iloc[:99], "two": frame}, horizon=8)  # and it isn't said again
    pd.testing.assert_frame_equal(several.loc["one"], forecaster.predict(frame.iloc[:99], horizon=8), check_freq=False)
    assert several.shape == (16, 3)


def test_a_longer_horizon_needs_forecasts_of_past_covariates(frame):
    forecaster = closed_form(targets="b").fit(frame)
    assert len(forecaster.predict(horizon=3)) == 3
    with pytest.raises(ValueError, match=r"`targets=None` .* or fit with `horizon=4`.*\['a', 'c'\]") as caught:
        forecaster.predict(horizon=4)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(("horizon", "error"), [(0, ValueError), (2.5, TypeError), (True, TypeError)])
def test_errors_of_a_horizon_to_predict(three_ahead, horizon, error):
    with pytest.raises(error, match="`horizon` must be an integer of at least 1"):
        three_ahead.predict(horizon=horizon)


def test_errors_of_a_horizon_that_would_take_hours(three_ahead):
    with pytest.raises(ValueError, match="`horizon` must be at most 100000"):
        three_ahead.predict(horizon=10**9)


# Targets and feature modes


@pytest.mark.parametrize("feature_mode", ["joint", "front_end"])
@pytest.mark.slow
def test_columns_that_are_no_targets_are_past_covariates(frame, feature_mode):
    forecaster = small_forecaster(
        targets=["c", "a"], feature_mode=feature_mode, linear_model=None, epochs=5, learning_rate=0.01
    ).fit(frame)
    forecast = forecaster.predict()
    assert list(forecast.columns) == ["c", "a"]
    changed = frame.copy()
    changed["b"] += np.sin(np.arange(len(frame)))
    assert not np.allclose(forecaster.predict(changed), forecast, rtol=1e-6)
    assert list(forecaster.backtest(frame, stride=50).columns) == ["c", "a"]
    own_level = frame[["c", "a"]].mean()
    assert ((forecast.mean() - own_level).abs() < 4 * frame[["c", "a"]].std()).all()


def test_one_target_may_be_named_without_a_list(frame):
    assert list(closed_form(targets="b").fit(frame).predict().columns) == ["b"]


@pytest.mark.slow
def test_independent_features_do_not_see_each_other(frame):
    forecaster = small_forecaster(feature_mode="independent", linear_model=None).fit(frame)
    changed = frame.copy()
    changed["b"] *= 1.01
    before, after = forecaster.predict(frame), forecaster.predict(changed)
    np.testing.assert_array_equal(before[["a", "c"]], after[["a", "c"]])
    assert not np.allclose(before["b"], after["b"])


@pytest.mark.parametrize(("maps", "n_maps"), [("shared", 1), ("per_feature", 3)])
def test_the_linear_model_has_the_maps_asked_for(frame, maps, n_maps):
    terms = {term.name: term for term in closed_form(maps=maps).fit(frame).pipeline_.terms}
    assert len(terms["linear_mixture"].arrays()["kernel"]) == n_maps


@pytest.mark.slow
def test_either_half_may_be_left_out(frame):
    names = {
        half: [term.name for term in small_forecaster(**{half: None}, **flat).fit(frame).pipeline_.terms]
        for half, flat in (("linear_model", {}),)
    }
    assert names == {"linear_model": ["network"]}
    assert "network" not in [term.name for term in closed_form().fit(frame).pipeline_.terms]
    with pytest.raises(ValueError, match="Of `network` and `linear_model` one at least must not be None"):
        closed_form(linear_model=None).fit(frame)


def test_explicit_dilations_are_used_as_given(frame):
    forecaster = small_forecaster(dilation_rates=[1, 4, 2], epochs=1).fit(frame)
    assert forecaster.config_.layers == ((2, 1), (2, 4), (2, 2))
    assert forecaster.config_.normalizer_span == 12 - 8 + 1


# No leakage, and starting afresh


def test_same_seed_same_forecast(fitted, frame):
    pd.testing.assert_frame_equal(small_forecaster().fit(frame).predict(), fitted.predict(), check_exact=True)


@pytest.mark.slow
def test_fit_starts_afresh(fitted, frame):
    forecaster = small_forecaster().fit(make_frame(seed=9))
    other = forecaster.predict(frame)
    refitted = forecaster.fit(frame).predict()
    assert not np.allclose(other, refitted, rtol=1e-7)
    pd.testing.assert_frame_equal(refitted, fitted.predict(), check_exact=True)


@pytest.mark.slow
def test_another_seed_another_forecast(frame):
    settings = {"linear_model": None, "epochs": 1}
    first, second = (small_forecaster(random_state=seed, **settings).fit(frame).predict() for seed in (0, 1))
    assert not np.allclose(first, second, rtol=1e-7)


def test_global_random_state_neither_matters_nor_changes(fitted, frame):
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    pd.testing.assert_frame_equal(small_forecaster().fit(frame).predict(), fitted.predict(), check_exact=True)
    assert np.random.random() == expected  # noqa: NPY002


def test_rows_after_a_cutoff_change_nothing_at_or_before_it(fitted, frame):
    changed = frame.copy()
    changed.iloc[200:] *= 10
    before, after = fitted.backtest(frame), fitted.backtest(changed)
    seen = before.index.get_level_values("cutoff") < frame.index[200]
    np.testing.assert_array_equal(before[seen], after[seen])
    assert not np.allclose(before[~seen], after[~seen])


@pytest.mark.slow
def test_validation_rows_change_no_scaler_and_no_training(frame):
    held_back = small_forecaster(epochs=1, linear_model=None).fit(frame)
    changed = frame.copy()
    changed.iloc[270:] += 0.01  # a tenth of the rows
    other = small_forecaster(epochs=1, linear_model=None).fit(changed)
    np.testing.assert_array_equal(held_back.mean_, other.mean_)
    np.testing.assert_allclose(held_back.mean_, frame.iloc[:270].mean(), rtol=1e-12)
    np.testing.assert_array_equal(held_back.scale_, other.scale_)
    np.testing.assert_array_equal(held_back.history_["loss"], other.history_["loss"])


@pytest.mark.slow
def test_the_best_epoch_is_kept_and_the_start_counts(frame):
    forecaster = small_forecaster(epochs=3, learning_rate=10.0).fit(frame)  # training can only do harm
    assert "network" not in [term.name for term in forecaster.pipeline_.terms]
    assert not forecaster.gates_["network"].kept
    with pytest.raises(AttributeError, match="The network adds nothing to the linear model"):
        _ = forecaster.network_


@pytest.mark.slow
@pytest.mark.parametrize("linear_model", ["auto", None])
def test_training_stops_when_patience_is_spent(frame, linear_model):
    settings = {"epochs": 20, "learning_rate": 10.0, "patience": 2, "linear_model": linear_model}
    assert len(small_forecaster(**settings).fit(frame).history_) == 2


# Backtest and score


def test_backtest_equals_predict_at_every_cutoff(fitted, frame):
    backtest = fitted.backtest(frame)
    cutoffs = backtest.index.get_level_values("cutoff").unique()
    assert list(cutoffs) == list(frame.index[11:-3])
    for cutoff in cutoffs[[0, 1, 100, -1]]:
        forecast = fitted.predict(frame.loc[:cutoff])
        np.testing.assert_allclose(backtest.loc[cutoff], forecast, rtol=1e-5, atol=1e-5)
        assert backtest.loc[cutoff].index.equals(forecast.index)


@pytest.mark.parametrize("stride", [2, 7, 13, 40])
def test_stride_takes_every_nth_cutoff(fitted, frame, stride):
    strided, every = fitted.backtest(frame, stride=stride), fitted.backtest(frame)
    assert len(strided) == 3 * ((300 - 12 - 3) // stride + 1)
    pd.testing.assert_frame_equal(strided, every.loc[strided.index], rtol=1e-5, atol=1e-5)


def test_start_is_the_first_cutoff(fitted, frame):
    start = frame.index[100]
    assert fitted.backtest(frame, start=start).index[0] == (start, frame.index[101])
    assert fitted.backtest(frame, start="2026-01-05").index[0][0] == pd.Timestamp("2026-01-05")


def test_refitted_folds_equal_models_fitted_from_scratch(frame):
    forecaster = closed_form().fit(frame.iloc[:100])
    backtest = forecaster.backtest(frame, start=frame.index[290], stride=4, refit=True)
    cutoffs = backtest.index.get_level_values("cutoff").unique()
    assert list(cutoffs) == [frame.index[290], frame.index[294]]
    for cutoff in cutoffs:
        fold = closed_form().fit(frame.loc[:cutoff]).predict()
        np.testing.assert_array_equal(backtest.loc[cutoff], fold)


def test_score_is_r2_over_all_forecasts(fitted, frame):
    backtest = fitted.backtest(frame)
    outcomes = frame.loc[backtest.index.get_level_values("time")]
    assert fitted.score(frame) == pytest.approx(r2_score(outcomes, backtest), rel=1e-6)


def test_score_of_a_constant_column_is_one_if_it_is_forecast_exactly():
    frame = make_frame(80, 1).assign(constant=0.0)
    score = closed_form(maps="per_feature").fit(frame).score(frame)
    assert 0 < score <= 1


# scikit-learn's rules


def test_clone_and_parameters():
    forecaster = small_forecaster(filters=7)
    copied = clone(forecaster)
    assert copied.get_params() == forecaster.get_params()
    assert copied.set_params(network__filters=3).network.filters == 3
    assert copied.set_params(filters=5).network.filters == 5
    assert forecaster.network.filters == 7
    assert not hasattr(copied, "pipeline_")


def test_settings_are_given_in_groups_or_flat():
    grouped = Forecaster(network=TCN(filters=8), linear_model=LinearModel(maps="shared"), training=Training(epochs=2))
    flat = Forecaster(filters=8, maps="shared", epochs=2)
    assert flat.get_params() == grouped.get_params()
    assert Forecaster().get_params()["network__filters"] == TCN().filters
    assert len(inspect.signature(Forecaster.__init__).parameters) <= 22  # twenty, itself and the settings


@pytest.mark.parametrize("wrong", [{"filter": 8}, {"network__filter": 8}, {"layers": 3}])
def test_an_unknown_parameter_is_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"no parameter '{name}'"):
        Forecaster().set_params(**wrong)
    if "__" not in name:
        with pytest.raises(TypeError, match=f"no parameter '{name}'"):
            Forecaster(**wrong)


@pytest.mark.slow
def test_grid_search_with_time_series_split(frame):
    grid = {"network__filters": [2, 4]}
    forecaster = small_forecaster(epochs=1, linear_model=None, validation_fraction=0)
    search = GridSearchCV(forecaster, grid, cv=TimeSeriesSplit(2, test_size=60), error_score="raise")
    search.fit(frame)
    assert search.best_params_["network__filters"] in (2, 4)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(frame).shape == (3, 3)


def test_last_step_of_a_pipeline(frame):
    assert make_pipeline("passthrough", closed_form()).fit(frame).predict(frame).shape == (3, 3)


def test_a_y_that_is_no_target_is_refused_and_the_model_kept(frame, three_ahead):
    before = three_ahead.predict()
    for use in (three_ahead.fit, three_ahead.score):
        with pytest.raises(ValueError, match=r"`Forecaster\(targets='y'\).fit\(X.assign\(y=y\)\)`"):
            use(frame[["a", "b"]] if use == three_ahead.fit else frame, (frame["c"] + 1).rename("y"))
    pd.testing.assert_frame_equal(three_ahead.predict(), before)


def test_a_y_of_targets_changes_nothing(frame, three_ahead):
    given = make_pipeline("passthrough", closed_form()).fit(frame, frame["b"])
    pd.testing.assert_frame_equal(given.predict(frame), three_ahead.predict())
    assert given.score(frame, frame["b"]) == three_ahead.score(frame)


def test_feature_names_in(fitted):
    assert list(fitted.feature_names_in_) == ["a", "b", "c"]
    assert fitted.n_features_in_ == 3


def test_pickle_and_deepcopy(fitted, frame):
    for twin in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        pd.testing.assert_frame_equal(twin.predict(), fitted.predict(), check_exact=True)
        pd.testing.assert_frame_equal(twin.backtest(frame), fitted.backtest(frame), check_exact=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`X` is too short to hold validation rows back")
@pytest.mark.filterwarnings("ignore:`y` must be None")  # it is labels of classes, whatever the estimator
def test_scikit_learns_own_checks():
    order = "rows are a series: their order and number matter"
    check_estimator(
        closed_form(lookback=2, horizon=1),
        expected_failed_checks={
            "check_methods_subset_invariance": order,
            "check_methods_sample_order_invariance": order,
        },
        on_skip=None,
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`X` is too short to hold validation rows back")
@pytest.mark.filterwarnings("ignore:`y` must be None")
@pytest.mark.parametrize("check", [check_dict_unchanged, check_estimators_pickle, check_fit_idempotent])
def test_scikit_learns_own_checks_of_what_a_network_adds(check):
    check("Forecaster", small_forecaster(lookback=2, horizon=1, filters=2, epochs=1))


# Keras


@pytest.mark.slow
def test_keras_computes_the_same_forecasts(frame):
    fitted = small_forecaster(linear_model=None, epochs=1).fit(frame)
    assert np.abs(fitted.predict(frame, engine="keras") - fitted.predict(frame)).max(axis=None) < 1e-4
    found = fitted.backtest(frame, coverage=0.8, engine="keras")
    np.testing.assert_allclose(found, fitted.backtest(frame, coverage=0.8), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["huber", keras.losses.mean_squared_error])
def test_losses(frame, loss):
    history = small_forecaster(loss=loss, epochs=1, validation_fraction=0).fit(frame).history_
    assert np.isfinite(history.to_numpy()).all()


def test_history_has_a_row_an_epoch(fitted):
    assert list(fitted.history_.columns) == ["loss", "val_loss"]
    assert list(fitted.history_.index) == [1, 2]


@pytest.mark.slow
def test_the_reported_loss_is_the_mean_over_all_training_origins(frame):
    settings = {"epochs": 1, "learning_rate": 1e-12, "dropout": 0, "batch_size": 64, "linear_model": None}
    forecaster = small_forecaster(**settings).fit(frame)
    rows = (frame - forecaster.mean_) / forecaster.scale_
    for name, part in (("loss", rows.iloc[:270]), ("val_loss", rows.iloc[270 - 12 :])):
        forecasts = forecaster.backtest(part * forecaster.scale_ + forecaster.mean_).to_numpy()
        outcomes = make_windows(part, 12, 3)[1].reshape(-1, 3)
        error = np.square((forecasts - forecaster.mean_) / forecaster.scale_ - outcomes).mean()
        assert forecaster.history_[name].iloc[0] == pytest.approx(error, rel=1e-4)


@pytest.mark.slow
def test_a_device_is_trained_on(frame):
    assert small_forecaster(device="cpu:0", epochs=1).fit(frame).predict().shape == (3, 3)


def test_verbose_writes_a_line_an_epoch(frame, capfd):
    small_forecaster(verbose=1).fit(frame)
    out, err = capfd.readouterr()
    lines = out.splitlines()
    assert [line.split("   ")[0] for line in lines if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]
    assert "validation loss" in out
    assert "linear terms" in out
    assert any(line.startswith("validation MSE ") for line in lines)
    assert [line for line in lines if line.endswith(" ..")] == [
        f"{stage} .." for stage in ("outliers", "transforms", "linear model", "network", "report", "intervals")
    ]
    assert err == ""


@pytest.mark.slow
def test_verbose_0_writes_nothing(frame, capfd):
    forecaster = small_forecaster(verbose=0).fit(frame)
    forecaster.predict()
    forecaster.backtest(frame)
    assert capfd.readouterr() == ("", "")


# Bad input


def test_predict_before_fit():
    with pytest.raises(NotFittedError, match="fit"):
        small_forecaster().predict()
    with pytest.raises(NotFittedError, match="fit"):
        small_forecaster().backtest(make_frame())


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"lookback": 0}, ValueError, "`lookback` must be 'auto' or an integer of at least 1. Received: lookback=0"),
        ({"lookback": 2.5}, TypeError, "`lookback` must be 'auto' or an integer of at least 1. Received: lookback=2.5"),
        ({"horizon": 0}, ValueError, "`horizon` must be .* Received: horizon=0"),
        ({"filters": -1}, ValueError, "`filters`"),
        ({"feature_mode": "mixed"}, ValueError, "`feature_mode` must be one of 'joint', .* Received: .*'mixed'"),
        ({"dropout": 1.0}, ValueError, "`dropout`"),
        ({"activation": "rleu"}, ValueError, "`activation` .* Received: activation='rleu'"),
        ({"normalization": "group"}, ValueError, "`normalization`"),
        ({"maps": True}, ValueError, "`maps`"),
        ({"network": 3}, TypeError, r"`network` must be 'auto', None or tscnn.TCN"),
        ({"loss": "mze"}, ValueError, "`loss` .* Received: loss='mze'"),
        ({"epochs": 0}, ValueError, "`epochs`"),
        ({"batch_size": 0}, ValueError, "`batch_size`"),
        ({"learning_rate": 0}, ValueError, "`learning_rate`"),
        ({"validation_fraction": 1}, ValueError, "`validation_fraction`"),
        ({"patience": 0}, ValueError, "`patience`"),
        ({"device": "gpu:7"}, ValueError, "`device` must be .* Received: device='gpu:7'"),
        ({"verbose": "loud"}, ValueError, "`verbose`"),
        ({"targets": "d"}, ValueError, "`targets` must be a column .* Received: targets='d'"),
        ({"targets": []}, ValueError, "`targets`"),
        ({"targets": ["a", "a"]}, ValueError, "`targets`"),
        ({"targets": ["a"], "feature_mode": "independent"}, ValueError, "`feature_mode='independent'`"),
        ({"dilation_rates": [1, 2, 4, 8, 16]}, ValueError, "receptive field must equal the lookback, 12"),
        ({"dilation_rates": "wide"}, ValueError, "`dilation_rates`"),
        ({"normalizer_span": 13}, ValueError, "`normalizer_span`"),
    ],
)
def test_errors_name_bad_parameters(frame, parameters, error, message):
    with pytest.raises(error, match=message):
        small_forecaster(**parameters).fit(frame)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"lookback": 10**5000}, ValueError, "`lookback` must be an integer of at most"),
        ({"lookback": pd.NA}, TypeError, "`lookback` must be 'auto' or an integer of at least 1"),
        ({"horizon": np.array(3)}, TypeError, r"`horizon` must be .* Received: horizon=array\(3\)"),
        ({"yearly_seasonality": True}, ValueError, "`yearly_seasonality` must be one of 'auto', None"),
        ({"random_state": -1}, ValueError, "`random_state` must be None, an integer from 0"),
        ({"random_state": True}, ValueError, "`random_state` must be None, an integer from 0"),
        ({"random_state": np.random.default_rng(0)}, ValueError, "`random_state` must be None, an integer from 0"),
        ({"device": None}, TypeError, "`device` must be 'auto', 'cpu', 'gpu' or one"),
        ({"device": "toaster"}, ValueError, "`device` must be 'auto', 'cpu', 'gpu' or one"),
        ({"verbose": np.array([1, 2])}, ValueError, "`verbose` must be one of 'auto', True"),
        ({"feature_mode": np.array(["joint", "x"])}, ValueError, "`feature_mode` must be one of .* 'auto'"),
        ({"feature_mode": b"joint"}, ValueError, "`feature_mode` must be one of"),
        ({"activation": "glu"}, ValueError, "`activation` must be"),
        ({"kernel_size": 13}, ValueError, "`kernel_size` must be at most 12 for a lookback of 12"),
        ({"kernel_size": 10**9}, ValueError, "`kernel_size` must be at most 12 for a lookback of 12"),
        ({"kernel_size": 10**9, "lookback": "auto"}, ValueError, "`kernel_size` must be at most"),
        ({"n_stacks": 10**9, "dilation_rates": [1]}, ValueError, "`n_stacks` must be at most 12"),
        ({"n_stacks": 2, "lookback": "auto"}, ValueError, "With lookback='auto' `n_stacks` must be 1"),
        (
            {"normalizer_span": 6, "lookback": "auto"},
            ValueError,
            "With lookback='auto' `normalizer_span` must be 'auto'",
        ),
        ({"dilation_rates": range(10**9)}, ValueError, "`dilation_rates` must be at most 1000 integers"),
        ({"dilation_rates": 3}, TypeError, "`dilation_rates` must be 'auto' or a sequence of integers"),
        ({"dilation_rates": [1, 2], "feature_mode": "front_end"}, ValueError, "`dilation_rates` .* or a pair of lists"),
        ({"normalizer_span": 1}, ValueError, "`normalizer_span` must be 'auto', None or an integer of at least 2"),
        ({"filters": 10**30}, ValueError, "`filters` must be an integer of at most"),
        ({"targets": [["a"]]}, ValueError, "`targets` must be a column of `X` or a list"),
        ({"loss": "ctc"}, ValueError, "`loss` must be one of 'mse'"),
        ({"loss": "mae", "linear_model": LinearModel()}, ValueError, "`loss` must be 'mse' with a linear model"),
        ({"loss": "mae", "maps": "shared"}, ValueError, "`loss` must be 'mse' with a linear model"),
        ({"loss": "mae", "network": None}, ValueError, "`loss` is that of the network alone"),
        ({"training": Training}, TypeError, r"`training` must be 'auto' or tscnn.Training\(...\)"),
    ],
)
def test_errors_name_parameters_of_any_type(frame, parameters, error, message):
    with pytest.raises(error, match=message) as caught:
        Forecaster(**{"lookback": 12, "horizon": 3, "verbose": 0, **parameters}).fit(frame)
    assert len(str(caught.value)) < 400


def test_errors_ask_for_the_setting_that_was_meant():
    with pytest.raises(TypeError, match=r"no parameter 'filtres'.*; did you mean 'filters'\? Received: filtres=8"):
        Forecaster(filtres=8)
    with pytest.raises(ValueError, match=r"no parameter 'horizn'.*; did you mean 'horizon'\?"):
        Forecaster().set_params(horizn=8)


def test_integers_of_numpy_are_settings(frame):
    numbers = {"lookback": np.int64(12), "horizon": np.int8(3), "epochs": np.int64(1), "segment_origins": np.int64(4)}
    forecaster = small_forecaster(**numbers, kernel_size=np.int32(3)).fit(frame)
    assert forecaster.config_.layers[0][0] == 3
    assert forecaster.predict().shape == (3, 3)


def test_errors_of_training_rows_come_before_anything_is_fitted(frame):
    far = frame.copy()
    far.iloc[-2, 1] = 1e100
    for forecaster in (closed_form(), small_forecaster()):
        with pytest.raises(ValueError, match="float32 can square, but that of column 'b' at row 2026-01-13 10:00:00"):
            forecaster.fit(far)


def test_errors_of_a_row_too_far_away_leave_the_stream_as_it_was(fitted):
    stream, other = fitted.stream(), fitted.stream()
    with pytest.raises(ValueError, match=r"Column 'a' has a value at row 2026-01-13 12:00:00"):
        stream.update([1e18, 100, 200])
    pd.testing.assert_frame_equal(stream.update([0, 100, 200]), other.update([0, 100, 200]))


@pytest.mark.parametrize("value", [1e20, -1e300, 1e18])
def test_errors_of_contexts_that_no_forecast_can_be_made_from(fitted, frame, value):
    far = frame.copy()
    far.iloc[-1, 0] = value
    for use in (fitted.predict, fitted.backtest, fitted.stream, fitted.score, lambda X: fitted.predict({"one": X})):
        with pytest.raises(ValueError, match=r"olumn 'a' .*row 2026-01-13 11:00:00"):
            use(far)


def test_errors_rather_than_forecasts_that_are_not_numbers(fitted, frame):
    broken = pickle.loads(pickle.dumps(fitted))
    broken.pipeline_.terms[0].arrays()["kernel"][:] = np.nan
    for use in (broken.predict, broken.backtest):
        with pytest.raises(ValueError, match="forecast is not finite"):
            use(frame)


# The loss


def quantile(outcomes, forecasts):
    above = keras.ops.maximum(outcomes - forecasts, 0)
    return keras.ops.mean(0.9 * above + 0.1 * keras.ops.maximum(forecasts - outcomes, 0), axis=-1)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.slow
def test_errors_count_by_the_loss_asked_for():
    skewed = pd.DataFrame({"x": np.random.default_rng(0).exponential(size=400)})
    below = {}
    for loss in ("mae", quantile):
        forecaster = small_forecaster(loss=loss, horizon=1, filters=2, epochs=40, learning_rate=0.03, lookback=4)
        forecaster.set_params(normalizer_span=None)
        forecaster.fit(skewed[:300])
        assert [term.name for term in forecaster.pipeline_.terms] == ["network"]
        forecasts = forecaster.backtest(skewed[296:])["x"]
        outcomes = skewed["x"].loc[forecasts.index.get_level_values("time")].to_numpy()
        below[loss] = (outcomes <= forecasts.to_numpy()).mean()
    assert 0.4 < below["mae"] < 0.62
    assert 0.82 < below[quantile] < 0.97


@pytest.mark.slow
def test_errors_of_a_quantile_leave_as_many_outcomes_below():
    times = np.arange(1500)
    values = 100 + 20 * np.sin(2 * np.pi * times / 7) + 10 * np.random.default_rng(0).normal(size=1500)
    frame = pd.DataFrame({"x": values}, index=pd.date_range("2020", periods=1500))
    forecaster = Forecaster(28, 28, loss=quantile, random_state=0, verbose=0).fit(frame[:1100])
    forecasts = forecaster.backtest(frame[1072:])["x"]
    outcomes = frame["x"].loc[forecasts.index.get_level_values("time")].to_numpy()
    assert 0.84 < (outcomes <= forecasts.to_numpy()).mean() < 0.95  # measured with this seed: 0.87


def test_training_cannot_be_left_out(frame):
    with pytest.raises(TypeError, match=r"`training` must be 'auto' or tscnn.Training\(...\). Received: training=None"):
        Forecaster(training=None).fit(frame)


def test_too_few_rows(fitted, frame):
    with pytest.raises(ValueError, match=r"at least lookback \+ horizon = 15 rows. Received: n_samples=14"):
        small_forecaster().fit(frame.iloc[:14])
    with pytest.raises(ValueError, match=r"at least lookback = 12 rows. Received: n_rows=11"):
        fitted.predict(frame.iloc[-11:])
    with pytest.raises(ValueError, match=r"at least lookback \+ horizon = 15 rows. Received: n_rows=14"):
        fitted.backtest(frame.iloc[-14:])


def test_too_few_rows_to_validate_is_said():
    with pytest.warns(UserWarning, match="too short to hold validation rows back"):
        forecaster = small_forecaster(epochs=1).fit(make_frame(15))
    assert list(forecaster.history_.columns) == ["loss"]
    assert forecaster.predict().shape == (3, 3)
    small_forecaster(epochs=1, validation_fraction=0).fit(make_frame(15))


def test_missing_and_extra_columns_are_named(fitted, frame):
    with pytest.raises(ValueError, match=r"missing=\['b'\], extra=\['d'\]"):
        fitted.predict(frame.rename(columns={"b": "d"}))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_bad_value_is_reported_with_column_and_row(fitted, frame, value):
    bad = frame.copy()
    bad.iloc[7, 1] = value
    for use in (fitted.predict, fitted.backtest, fitted.score, closed_form().fit):
        with pytest.raises(ValueError, match=r"'b' .* 2026-01-01 07:00"):
            use(bad)


def test_a_gap_is_reported_with_its_first_timestamp(fitted, frame):
    bad = frame.drop(frame.index[[100, 200]])
    for use in (fitted.predict, closed_form().fit):
        with pytest.raises(ValueError, match="2026-01-05 04:00"):
            use(bad)


def test_start_without_cutoff_left(fitted, frame):
    with pytest.raises(ValueError, match="No cutoff"):
        fitted.backtest(frame, start=frame.index[-1])
    with pytest.raises(TypeError, match="`start`"):
        fitted.backtest(frame, start=3.5)


def test_a_failed_fit_keeps_the_old_model(frame):
    forecaster = closed_form().fit(frame)
    before = forecaster.predict()
    with pytest.raises(ValueError, match="finite"):
        forecaster.fit(frame.replace(frame.iloc[0, 0], np.nan))
    pd.testing.assert_frame_equal(forecaster.predict(), before)


def test_defaults():
    assert Forecaster().lookback == "auto"
    assert Forecaster().horizon == 1


def test_the_default_lookback_sees_a_season(frame):
    forecaster = Forecaster(network=None, verbose=0).fit(frame)
    assert forecaster.lookback_ in (24, 48, 96)
    pd.testing.assert_frame_equal(forecaster.predict(), closed_form(lookback="auto", horizon=1).fit(frame).predict())


@pytest.mark.slow
def test_window_training_sees_the_same_origins_as_dense(frame):
    # Nothing is learned at such a rate: what is left is the mean loss over all origins.
    still = {"epochs": 1, "learning_rate": 1e-12, "dropout": 0}
    dense, window = (small_forecaster(mode=kind, **still).fit(frame) for kind in ("dense", "window"))
    np.testing.assert_allclose(dense.history_, window.history_, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_window_training_learns(frame):
    history = small_forecaster(mode="window", linear_model=None, epochs=20, learning_rate=0.02).fit(frame).history_
    assert history["val_loss"].min() < 0.5 * history["val_loss"].iloc[0]


@pytest.mark.slow
def test_mixed_precision_trains_and_forecasts_in_float32(frame):
    forecaster = small_forecaster(precision="mixed_bfloat16", linear_model=None).fit(frame)
    assert {layer.compute_dtype for layer in forecaster.network_.dense.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    exact = small_forecaster(linear_model=None).fit(frame).history_["val_loss"].iloc[-1]
    mixed = forecaster.history_["val_loss"].iloc[-1]
    assert mixed == pytest.approx(exact, rel=0.05)
    assert mixed != exact


def test_a_dict_of_contexts_is_forecast_in_one_call(fitted, frame):
    forecast = fitted.predict({"early": frame.iloc[:100], "late": frame})
    assert forecast.index.names == ["series", "time"]
    pd.testing.assert_frame_equal(forecast.loc["early"], fitted.predict(frame.iloc[:100]), rtol=1e-5, check_freq=False)
    pd.testing.assert_frame_equal(forecast.loc["late"], fitted.predict(frame), rtol=1e-5, check_freq=False)
    with pytest.raises(ValueError, match="at least one series"):
        fitted.predict({})


@pytest.mark.slow
@pytest.mark.parametrize("feature_mode", ["joint", "front_end", "independent"])
def test_evaluators_agree_at_values_around_a_million(feature_mode):
    frame = make_frame(160) + 1e6
    forecaster = small_forecaster(feature_mode=feature_mode, epochs=1).fit(frame.iloc[:120])
    dense = forecaster.backtest(frame)
    stream = forecaster.stream(frame.iloc[:12])
    for i in range(12, 150, 10):
        single = forecaster.predict(frame.iloc[: i + 1])
        np.testing.assert_allclose(dense.loc[frame.index[i]] - 1e6, single - 1e6, rtol=1e-5, atol=1e-5 * 200)
        np.testing.assert_allclose(single, frame.iloc[i + 1 : i + 4], atol=20)
    for i in range(12, 40):
        streamed = stream.update(frame.iloc[[i]])
        np.testing.assert_allclose(streamed - 1e6, dense.loc[frame.index[i]] - 1e6, rtol=1e-5, atol=1e-5 * 200)
