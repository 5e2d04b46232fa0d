"""Faults that are planted in models of others are found from outside, and sound models pass."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tscnn import SeasonalNaive, audit

LOOKBACK, HORIZON = 6, 3
WEIGHTS = np.random.default_rng(0).uniform(0.5, 1, (LOOKBACK, HORIZON)) / LOOKBACK


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return make_frame(120, 2)


def forecast(context, window=lambda values: values[-LOOKBACK:]):
    """A linear map of each column's own window, in a frame."""
    step = context.index[-1] - context.index[-2]
    values = np.stack([WEIGHTS.T @ window(context[name].to_numpy()) for name in ("a", "b")], axis=1)
    return pd.DataFrame(values, context.index[-1] + step * np.arange(1, HORIZON + 1), columns=["a", "b"])


def results(model, df, **settings):
    found = audit(model, df, HORIZON, **settings)
    return found.frame["result"], found


def failed(model, df, **settings):
    result, _ = results(model, df, **settings)
    return set(result.index[result == "fail"])


def test_a_sound_model_passes(rows):
    def fit(df, cutoff):
        mean = df.loc[:cutoff].mean()
        return lambda context: forecast(context - mean) + mean

    result, found = results(None, rows, fit=fit, lookback=LOOKBACK, independent=True)
    assert found.passed
    applies = result[result != "not applicable"].index
    assert set(result.index) - set(applies) == {"a future covariate changes no earlier step", "series isolated"}


def test_a_forecaster_of_ours_is_sound_from_outside(rows):
    ours = closed_form(lookback=LOOKBACK, horizon=HORIZON)
    found = audit(None, rows, HORIZON, fit=lambda df, cutoff: ours.fit(df.loc[:cutoff]).predict, lookback=LOOKBACK)
    assert found.passed, found


def test_a_fitted_forecaster_is_audited_as_such(rows):
    fitted = closed_form(lookback=LOOKBACK, horizon=HORIZON).fit(rows)
    assert "evaluators agree" in audit(fitted, rows).frame.index


# Which rows count


@pytest.mark.parametrize("stale", [1, 4])
def test_a_stale_shift(rows, stale):
    def model(context):
        return forecast(context, lambda values: values[-LOOKBACK - stale : -stale])

    _, found = results(model, rows)
    line = found.frame.loc["every step sees the newest row"]
    assert (line["result"], line["figure"]) == ("fail", stale)
    assert found.frame.loc["receptive field", "figure"] == LOOKBACK + stale


def test_outputs_that_lag_behind_inputs_see_the_newest_row_in_the_last_step_alone(rows):
    """As where a causal stack's output at one row is the forecast of the row a horizon later."""

    def model(context):
        values = context.to_numpy()
        ends = range(len(values) - HORIZON + 1, len(values) + 1)
        return np.stack([values[end - LOOKBACK : end].mean(axis=0) for end in ends])

    line = audit(model, rows, HORIZON).frame.loc["every step sees the newest row"]
    assert (line["result"], line["figure"]) == ("fail", HORIZON - 1)
    assert f"steps 1 to {HORIZON - 1} of {HORIZON}" in line["measured"]


def test_holes_and_fields_that_are_not_what_is_declared(rows):
    taps = [0, 1, 4, 5]  # of kernel size 2 and dilations 1 and 4

    def model(context):
        return np.repeat(context.to_numpy()[[-1 - tap for tap in taps]].mean(axis=0)[None], HORIZON, axis=0)

    line = audit(model, rows, HORIZON, lookback=LOOKBACK).frame.loc["receptive field"]
    assert line["result"] == "fail"
    assert "6 measured, 2 of them holes" in line["measured"]
    assert "receptive field" in failed(forecast, rows, lookback=LOOKBACK - 1)
    assert "receptive field" in failed(forecast, rows, lookback=LOOKBACK + 1)
    assert results(forecast, rows)[0]["receptive field"] == "not applicable"


def test_a_naive_forecast_is_blind_on_purpose(rows):
    line = audit(SeasonalNaive(24, HORIZON), rows).frame.loc["every step sees the newest row"]
    assert (line["result"], line["figure"]) == ("fail", 23)
    assert "meant to be so" in line["advice"]


# What a fit sees


def test_a_scaler_that_was_fitted_to_later_rows(rows):
    def fit(df, cutoff):  # noqa: ARG001
        mean, spread = df.mean(), df.std()
        return lambda context: np.tanh(forecast((context - mean) / spread)) * spread + mean

    result, found = results(None, rows, fit=fit)
    assert result["later rows change no fit"] == "fail"
    assert result["same fit, same forecast"] == "pass"
    assert "standard deviations" in found.frame.loc["later rows change no fit", "measured"]


def test_a_fit_without_a_seed(rows):
    random = np.random.default_rng(0)

    def fit(df, cutoff):  # noqa: ARG001
        shift = random.normal()
        return lambda context: forecast(context) + shift

    result, _ = results(None, rows, fit=fit)
    assert result["same fit, same forecast"] == "fail"
    assert result["later rows change no fit"] == "not applicable"


def test_an_object_is_cloned_and_fitted_to_the_older_rows(rows):
    class Model:
        horizon = HORIZON
        seen = None

        def fit(self, X):
            self.seen = len(X)

        def predict(self, X):
            assert self.seen == 80
            return forecast(X)

    model = Model()
    assert audit(model, rows, cutoff=rows.index[79]).passed
    assert model.seen is None
    assert audit(Model, rows, cutoff=rows.index[79]).passed


# Forecasts themselves


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: found.shift(1, freq="h"), "first time"),
        (lambda found: found.where(found != found.iloc[1]), "not finite"),
        (lambda found: pd.concat([found, found]), "6 rows instead of 3"),
    ],
)
def test_wrong_times_numbers_and_lengths(rows, change, said):
    _, found = results(lambda context: change(forecast(context)), rows)
    line = found.frame.loc["steps and times of forecasts"]
    assert line["result"] == "fail"
    assert said in line["measured"]


def test_dropout_that_is_on(rows):
    random = np.random.default_rng(0)
    assert "same rows, same forecast" in failed(lambda context: forecast(context) + random.normal(), rows)


# Columns, covariates and series


def test_a_reshape_for_a_permute(rows):
    def model(context):
        mixed = context.to_numpy()[-LOOKBACK:].reshape(2, LOOKBACK)  # (features, time) it is not
        return (mixed @ WEIGHTS).T

    assert "columns isolated" in failed(model, rows, independent=True)
    transposed = lambda context: (context.to_numpy()[-LOOKBACK:].T @ WEIGHTS).T  # noqa: E731
    assert not failed(transposed, rows, independent=True)


@pytest.mark.parametrize(("shift", "fails"), [(0, False), (1, True)])
def test_a_covariate_one_step_ahead(rows, shift, fails):
    class Model:
        future_covariates = "b"

        def fit(self, X):  # noqa: ARG002
            return self

        def predict(self, X, future=None):
            ahead = np.roll(future["b"].to_numpy(), -shift)
            return forecast(X)[["a"]].add(ahead, axis=0)

    result, _ = results(Model(), rows)
    assert (result["a future covariate changes no earlier step"] == "fail") == fails


def panel():
    return {name: make_frame(80 + 10 * i, 2, seed=i) for i, name in enumerate("xyz")}


def test_a_window_across_two_series():
    def model(context):
        joined = pd.concat(context.values())
        ends = np.cumsum([len(frame) for frame in context.values()])
        rows = {name: joined.iloc[: end + 2] for name, end in zip(context, ends, strict=True)}  # two rows too late
        return {name: forecast(own) for name, own in rows.items()}

    assert "series isolated" in failed(model, panel())


def test_series_that_are_forecast_one_by_one():
    frames = panel()
    assert not failed(lambda context: {name: forecast(own) for name, own in context.items()}, frames)
    long = pd.concat([frame.assign(shop=name) for name, frame in frames.items()])
    joined = lambda context: pd.concat({name: forecast(own) for name, own in context.items()})  # noqa: E731
    assert not failed(joined, long, series_id="shop")
    fit = lambda df, cutoff: joined  # noqa: E731, ARG005
    assert results(None, long, fit=fit, series_id="shop")[0]["later rows change no fit"] == "pass"


# What is refused


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ({"model": 3, "horizon": 2}, TypeError, "`model` must be a function"),
        ({"model": forecast}, ValueError, "`horizon` must be given"),
        ({"model": forecast, "horizon": 0}, ValueError, "`horizon` must be an integer"),
        ({"model": forecast, "horizon": HORIZON, "fit": forecast}, TypeError, "`model` must be None"),
        ({"model": None, "horizon": HORIZON, "fit": 3}, TypeError, "`fit` must be a function"),
        ({"model": forecast, "horizon": HORIZON, "lookback": 0}, ValueError, "`lookback`"),
        ({"model": forecast, "horizon": HORIZON, "independent": 2}, ValueError, "`independent`"),
        ({"model": forecast, "horizon": HORIZON, "cutoff": pd.Timestamp("2030")}, ValueError, "`cutoff` must leave"),
        ({"model": forecast, "horizon": HORIZON + 1}, ValueError, "must return 4 rows"),
        ({"model": forecast, "horizon": 100}, ValueError, "at least 160 rows"),
    ],
)
def test_wrong_arguments(rows, arguments, kind, said):
    with pytest.raises(kind, match=said) as error:
        audit(df=rows, **arguments)
    assert len(str(error.value)) < 400
