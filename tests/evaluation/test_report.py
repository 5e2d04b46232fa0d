import numpy as np
import pandas as pd
import pytest

from tests.conftest import make_frame, small_forecaster
from tscnn import make_windows
from tscnn.evaluation.naive import repeat_last
from tscnn.evaluation.report import describe_report, list_unbeaten


def test_the_report_says_what_a_backtest_of_the_validation_rows_says(frame):
    fitted = small_forecaster(linear_skip=None).fit(frame)  # a linear map is solved again after the report
    first = 270  # a tenth of 300 rows is held back
    rows = (frame - fitted.mean_) / fitted.scale_
    seen = frame.iloc[first - 12 :]
    inputs, outcomes = make_windows(rows.iloc[first - 12 :], 12, 3)
    forecasts = (fitted.backtest(seen) - fitted.mean_) / fitted.scale_
    errors = forecasts.to_numpy().reshape(outcomes.shape) - outcomes
    report = fitted.report_
    assert list(report.index) == ["tscnn", "linear map", "repeat season", "repeat last", "constant"]
    assert report.loc["tscnn", "mse"] == pytest.approx(np.square(errors).mean(), rel=1e-4)
    assert report.loc["tscnn", "mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-4)
    repeated = repeat_last(inputs, 3) - outcomes
    assert report.loc["repeat last", "mse"] == pytest.approx(np.square(repeated).mean(), rel=1e-4)
    values = rows.to_numpy()
    days = np.stack([values[row - 24 : row - 21] for row in range(first, 298)]) - outcomes
    assert report.loc["repeat season", "mse"] == pytest.approx(np.square(days).mean(), rel=1e-4)
    constant = outcomes - outcomes.mean(axis=0)
    assert report.loc["constant", "mse"] == pytest.approx(np.square(constant).mean(), rel=1e-4)
    skill = 1 - report.loc["tscnn", "mse"] / report["mse"]
    np.testing.assert_allclose(report["skill"], skill, atol=1e-12)


def test_many_outcomes_are_judged_on_a_part_of_them(frame, monkeypatch):
    monkeypatch.setattr("tscnn.evaluation.report.MOST_VALUES", 10 * 3 * 3)  # of 28 origins, 3 steps and 3 columns
    forecaster = small_forecaster(linear_skip=None).fit(frame)
    rows = ((frame - forecaster.mean_) / forecaster.scale_).to_numpy()
    cutoffs = np.arange(269, 297, 3)  # every third
    outcomes = rows[cutoffs[:, None] + np.arange(1, 4)]
    backtest = forecaster.backtest(frame, start=frame.index[269], stride=3)
    forecasts = ((backtest - forecaster.mean_) / forecaster.scale_).to_numpy().reshape(outcomes.shape)
    for name, found in (("tscnn", forecasts), ("repeat last", rows[cutoffs][:, None])):
        assert forecaster.report_.loc[name, "mse"] == pytest.approx(np.square(found - outcomes).mean(), rel=1e-4)


def test_targets_alone_are_judged(frame):
    forecaster = small_forecaster(targets=["b"]).fit(frame)
    alone = small_forecaster().fit(frame[["b"]])
    columns = ["linear map", "repeat season", "repeat last", "constant"]
    pd.testing.assert_series_equal(forecaster.report_.loc[columns, "mse"], alone.report_.loc[columns, "mse"], rtol=1e-5)


def test_without_times_no_season_is_known(frame):
    assert "repeat season" not in small_forecaster().fit(frame.to_numpy()).report_.index


def test_without_validation_rows_there_is_no_report(frame):
    assert small_forecaster(validation_fraction=0).fit(frame).report_ is None


@pytest.mark.filterwarnings("default:On the validation rows")
def test_a_forecaster_that_loses_says_so(frame):
    random_walk = frame.cumsum() + np.random.default_rng(0).normal(size=frame.shape).cumsum(axis=0) * 100
    poor = small_forecaster(linear_skip=None, normalizer_span=None, epochs=1, learning_rate=1e-6)
    with pytest.warns(UserWarning, match=r"no better than .*repeat last.*: see `report_`") as caught:
        poor.fit(random_walk)
    assert [w.filename for w in caught if w.category is UserWarning] == [__file__]
    assert "repeat last" in list_unbeaten(poor.report_)


@pytest.mark.filterwarnings("default:On the validation rows")
@pytest.mark.parametrize("output", [0.0, 0.3])
def test_a_network_that_has_collapsed_to_a_constant_is_caught(frame, output):
    from tscnn.network.backend import keras

    class Collapse(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002
            head = self.model.network.get_layer("head")
            kernel, bias = head.get_weights()
            head.set_weights([np.zeros_like(kernel), np.full_like(bias, output)])

    forecaster = small_forecaster(linear_skip=None, normalizer_span=None, callbacks=[Collapse()], patience=9, epochs=1)
    with pytest.warns(UserWarning, match="no better than .*constant"):
        forecaster.fit(frame)
    assert "constant" in list_unbeaten(forecaster.report_)


def test_a_good_forecaster_is_not_scolded(recwarn):
    frame = make_frame(600)
    frame["b"] += 10 * np.sin(np.arange(600) * 2 * np.pi / 7)  # of another rhythm, which one map for all can't serve
    report = small_forecaster(lookback=24).fit(frame).report_
    assert not [warning for warning in recwarn if warning.category is UserWarning]
    assert list_unbeaten(report) == []
    assert (report["skill"].iloc[1:] > 0).all()


def test_a_report_in_one_line(fitted):
    line = describe_report(fitted.report_)
    assert line.startswith(f"validation MSE {fitted.report_.loc['tscnn', 'mse']:.4f}; skill against linear map ")
    assert "repeat season +" in line


def test_the_line_is_written_with_the_epochs(frame, capsys):
    forecaster = small_forecaster(verbose=1).fit(frame)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == describe_report(forecaster.report_)
    assert lines[-4].startswith("epoch 1/2")
