"""Ctrl-C in a fit: what there is stays, an older model stays whole, and what is larger than a fit stops."""

import signal
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from tests.conftest import closed_form, make_frame, small_forecaster
from tscnn import Forecaster, compare
from tscnn.fitting import fit as fitting
from tscnn.network.backend import keras

FRAME = make_frame(200, 2)
SAID = "`fit` was interrupted, and goes on without further training"


@pytest.fixture(autouse=True)
def _heeds_interrupts():
    """A process that a shell started in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupt(keras.callbacks.Callback):
    """What Ctrl-C does, at the end of an epoch, or in the midst of one."""

    def __init__(self, epoch: int, *, midst: bool = False) -> None:
        super().__init__()
        self.epoch, self.midst, self.calls = epoch, midst, []

    def on_epoch_begin(self, epoch: int, *_: Any, **__: Any) -> None:
        self.calls.append(epoch + 1)

    def on_train_batch_begin(self, *_: Any, **__: Any) -> None:
        if self.midst and self.calls[-1] == self.epoch:
            signal.raise_signal(signal.SIGINT)

    def on_epoch_end(self, epoch: int, *_: Any, **__: Any) -> None:
        if not self.midst and epoch + 1 == self.epoch:
            signal.raise_signal(signal.SIGINT)

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.calls.append("end")


def interrupted(epoch: int, *, midst: bool = False, **changes: Any) -> tuple[Forecaster, Interrupt]:
    callback = Interrupt(epoch, midst=midst)
    return small_forecaster(callbacks=[callback], epochs=5, **changes), callback


def look_at(forecaster: Forecaster) -> dict[str, Any]:
    found = {name: value for name, value in vars(forecaster).items() if name.endswith("_")}
    return {**found, "predict": forecaster.predict().to_numpy().tolist()}


def same(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    return found.keys() == expected.keys() and all(
        value is expected[name] or (name == "predict" and value == expected[name]) for name, value in found.items()
    )


def test_robust_fit_keeps_the_linear_model_where_no_epoch_was_better_yet():
    forecaster, callback = interrupted(1, midst=True)
    with pytest.warns(UserWarning, match=f"{SAID}: the linear model forecasts alone"):
        forecaster.fit(FRAME)
    assert forecaster.gates_["network"].reason == "not kept: interrupted"
    assert forecaster.config_ is None
    assert forecaster.report_ is not None
    expected = closed_form().fit(FRAME).predict()
    pd.testing.assert_frame_equal(forecaster.predict(), expected, check_exact=True)
    assert callback.calls == [1]


@pytest.mark.slow
@pytest.mark.parametrize("midst", [True, False])
@pytest.mark.parametrize("changes", [{}, {"validation_fraction": 0}], ids=["validation", "none"])
def test_robust_fit_keeps_the_epochs_that_ended(midst, changes):
    forecaster, callback = interrupted(3, midst=midst, linear_model=None, **changes)
    with pytest.warns(UserWarning, match=f"{SAID}: the best network of 2 finished epochs is kept"):
        forecaster.fit(FRAME)
    assert len(forecaster.history_) == 2
    assert callback.calls == [1, 2, 3, "end"]
    assert np.isfinite(forecaster.predict()).all(axis=None)
    if midst and not changes:  # the weights of the best of two epochs, to the bit
        short = small_forecaster(epochs=2, linear_model=None).fit(FRAME)
        assert short.history_["val_loss"].iloc[0] == forecaster.history_["val_loss"].iloc[0]


@pytest.mark.slow
def test_robust_fit_keeps_networks_that_were_trained_before_the_one_that_is_interrupted():
    class Second(Interrupt):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.n_networks = getattr(self, "n_networks", 0) + 1

        def on_train_batch_begin(self, *_: Any, **__: Any) -> None:
            if self.n_networks == 2:
                raise KeyboardInterrupt

    callback = Second(9)
    forecaster = small_forecaster(callbacks=[callback], feature_mode="auto", linear_model=None)
    with pytest.warns(UserWarning, match=f"{SAID}: the best network of 2 finished epochs is kept"):
        forecaster.fit(FRAME)
    assert forecaster.config_.feature_mode == "joint"


@pytest.mark.slow
def test_robust_refit_that_is_interrupted_before_anything_is_usable_leaves_the_old_model_whole():
    forecaster, _ = interrupted(9, linear_model=None)
    before = look_at(forecaster.fit(FRAME))
    forecaster.set_params(callbacks=[Interrupt(1, midst=True)])
    with pytest.raises(KeyboardInterrupt):
        forecaster.fit(FRAME.iloc[:150])
    assert same(look_at(forecaster), before)


@pytest.mark.parametrize("stage", ["clean_series", "prepare", "fit_linear", "report_on_validation", "fit_calibration"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_robust_refit_that_fails_leaves_the_old_model_whole(monkeypatch, stage, error):
    forecaster = closed_form(validation_fraction=0.2).fit(FRAME)
    before = look_at(forecaster)

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(fitting, stage, fail)
    other = FRAME.rename(columns=str.upper)[:150].reset_index()
    forecaster.set_params(time="time")
    with pytest.raises(error):
        forecaster.fit(other)
    forecaster.set_params(time=None)
    assert same(look_at(forecaster), before)


def test_robust_refit_whose_warning_is_an_error_leaves_the_old_model_whole():
    forecaster = closed_form().fit(FRAME)
    before = look_at(forecaster)
    noise = FRAME * 0 + np.random.default_rng(0).normal(size=FRAME.shape).cumsum(axis=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "On the validation rows")
        with pytest.raises(UserWarning, match="no better than"):
            forecaster.fit(noise)
    assert same(look_at(forecaster), before)


@pytest.mark.slow
def test_robust_refit_whose_loss_is_not_finite_leaves_the_old_model_whole():
    forecaster = small_forecaster(linear_model=None).fit(FRAME)
    before = look_at(forecaster)
    forecaster.set_params(learning_rate=1e30)
    with pytest.raises(ValueError, match="Try a smaller `learning_rate`"):
        forecaster.fit(FRAME)
    assert same(look_at(forecaster), before)


# Fits within something larger


def fold_stops(call: Any, callback: Interrupt) -> None:
    """Assert that the first interrupt ends all."""
    with pytest.raises(KeyboardInterrupt):
        call()
    assert "end" not in callback.calls
    assert callback.calls.count(2) == 1


@pytest.mark.slow
@pytest.mark.parametrize("refit", [True, "linear"])
def test_robust_backtest_stops_at_an_interrupt(refit):
    forecaster, callback = interrupted(2)
    fold_stops(lambda: forecaster.backtest(FRAME, refit=refit, start=FRAME.index[170], stride=10), callback)


@pytest.mark.slow
def test_robust_searches_and_comparisons_stop_at_an_interrupt():
    forecaster, callback = interrupted(2)
    fold_stops(lambda: compare({"ours": forecaster, "other": closed_form()}, FRAME, horizon=3), callback)
    forecaster, callback = interrupted(2)
    fold_stops(lambda: GridSearchCV(forecaster, {"filters": [2, 3]}, cv=TimeSeriesSplit(2)).fit(FRAME), callback)
