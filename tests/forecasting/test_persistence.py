"""A forecaster that is saved and loaded is the same forecaster."""

import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame, small_forecaster
from tscnn import Forecaster
from tscnn.network.backend import keras


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.tscnn"
    fitted.save(path)
    return path


@pytest.fixture(scope="module")
def loaded(saved):
    return Forecaster.load(saved)


def test_forecasts_are_equal_to_the_bit(fitted, loaded, frame):
    pd.testing.assert_frame_equal(loaded.predict(), fitted.predict(), check_exact=True)
    pd.testing.assert_frame_equal(loaded.predict(frame), fitted.predict(frame), check_exact=True)
    pd.testing.assert_frame_equal(
        loaded.backtest(frame, stride=50), fitted.backtest(frame, stride=50), check_exact=True
    )
    row = frame.iloc[0].to_dict()
    pd.testing.assert_frame_equal(loaded.stream().update(row), fitted.stream().update(row), check_exact=True)
    assert loaded.score(frame) == fitted.score(frame)


def test_everything_that_was_learnt_is_there(fitted, loaded):
    assert loaded.get_params() == fitted.get_params()
    assert loaded.config_ == fitted.config_
    assert loaded.gates_ == fitted.gates_
    assert loaded.lookback_ == fitted.lookback_
    assert loaded.pipeline_.fingerprint == fitted.pipeline_.fingerprint
    pd.testing.assert_frame_equal(loaded.report_, fitted.report_)
    assert loaded.report_.attrs == fitted.report_.attrs
    pd.testing.assert_frame_equal(loaded.history_, fitted.history_)
    assert list(loaded.feature_names_in_) == list(fitted.feature_names_in_)


@pytest.mark.slow
def test_a_loaded_forecaster_is_fitted_anew_and_saved_again(fitted, loaded, frame, tmp_path):
    again = Forecaster.load(loaded.save(tmp_path / "again") or tmp_path / "again")
    pd.testing.assert_frame_equal(again.predict(), fitted.predict(), check_exact=True)
    refitted = again.fit(frame)
    pd.testing.assert_frame_equal(refitted.predict(), fitted.predict(), check_exact=True)


def test_the_same_model_makes_the_same_file(fitted, saved, tmp_path):
    fitted.save(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == saved.read_bytes()


def test_a_fresh_process_forecasts_without_a_framework(fitted, saved, tmp_path):
    code = (
        "import sys; from tscnn import Forecaster;"
        f"forecaster = Forecaster.load({str(saved)!r}); forecaster.predict().to_pickle({str(tmp_path / 'out')!r});"
        "forecaster.stream(); print({'keras', 'scipy', 'sklearn', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    pd.testing.assert_frame_equal(pd.read_pickle(tmp_path / "out"), fitted.predict(), check_exact=True)


def test_the_context_can_be_left_out(fitted, frame, tmp_path):
    fitted.save(tmp_path / "model", context=False)
    with zipfile.ZipFile(tmp_path / "model") as archive:
        held = sum(info.file_size for info in archive.infolist())
    fitted.save(tmp_path / "with")
    with zipfile.ZipFile(tmp_path / "with") as archive:
        assert held < sum(info.file_size for info in archive.infolist())
    loaded = Forecaster.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.predict(frame), fitted.predict(), check_exact=True)
    for use in (loaded.predict, loaded.stream):
        with pytest.raises(ValueError, match="saved without its context"):
            use()


@pytest.mark.parametrize(
    ("index", "columns"),
    [
        (pd.date_range("2026-03-28 12:00", periods=80, freq="h", tz="Europe/Berlin", name="local"), ["x", "y"]),
        (pd.date_range("2026-01-01", periods=80, freq="B", unit="s"), [0, 1]),
        (pd.period_range("2020-01", periods=80, freq="M"), [("Close", "A"), ("Close", "B")]),
        (pd.RangeIndex(100, 260, 2, name="step"), [pd.Timestamp("2026-01-01"), None]),
    ],
    ids=["zone", "business days", "periods", "range"],
)
def test_every_kind_of_frame_survives(index, columns, tmp_path):
    names = pd.MultiIndex.from_tuples(columns) if isinstance(columns[0], tuple) else pd.Index(columns, dtype=object)
    frame = make_frame(80, 2).set_axis(index).set_axis(names, axis=1).astype(np.float32)
    forecaster = closed_form(targets=[columns[1]]).fit(frame)
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.predict(), forecaster.predict(), check_exact=True)
    pd.testing.assert_frame_equal(loaded.predict(frame), forecaster.predict(frame), check_exact=True)
    assert loaded.get_params()["targets"] == [columns[1]]


def test_a_yearly_season_survives(tmp_path):
    days = np.arange(800)
    random = np.random.default_rng(0)
    values = np.sin(2 * np.pi * days / 365.25) + 0.3 * random.normal(size=800)
    frame = pd.DataFrame({"y": values}, pd.date_range("2020-01-01", periods=800))
    forecaster = closed_form().fit(frame)
    assert forecaster.yearly_wave_ is not None
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.predict(), forecaster.predict(), check_exact=True)
    pd.testing.assert_frame_equal(loaded.yearly_wave_, forecaster.yearly_wave_)


@pytest.mark.slow
def test_code_is_not_saved_and_that_is_said(frame, tmp_path):
    def loss(outcomes, forecasts):
        return keras.ops.mean(abs(outcomes - forecasts), axis=-1)

    forecaster = small_forecaster(filters=2, epochs=1, loss=loss, random_state=np.random.RandomState(0)).fit(frame)
    with pytest.warns(UserWarning, match="`loss`, `random_state` can't be saved"):
        forecaster.save(tmp_path / "model")
    assert Forecaster.load(tmp_path / "model").get_params()["training__loss"] == "mse"


@pytest.mark.slow
def test_settings_survive(frame, tmp_path):
    forecaster = small_forecaster(
        dilation_rates=[1, 4, 2], maps="shared", dropout=0.0, epochs=1, targets="b", validation_fraction=0
    ).fit(frame)
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    assert loaded.config_ == forecaster.config_
    assert loaded.network.dilation_rates == (1, 4, 2)
    assert (loaded.linear_model, loaded.targets) == (forecaster.linear_model, "b")
    pd.testing.assert_frame_equal(loaded.fit(frame).predict(), forecaster.predict(), check_exact=True)


def test_counts_of_outliers_are_saved_beside_columns_that_are_known_ahead(tmp_path):
    rows = make_frame(120, 3)
    forecaster = closed_form(future_covariates="c").fit(rows)
    forecaster.save(tmp_path / "model")
    pd.testing.assert_frame_equal(Forecaster.load(tmp_path / "model").outliers_, forecaster.outliers_)
    assert forecaster.outliers_.index.tolist() == ["a", "b"]


def test_only_a_fitted_forecaster_can_be_saved(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        small_forecaster().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"time,a\n2026-01-01,1\n", b"PK\x03\x04 and so on"])
def test_another_file_is_refused_by_name(content, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"table\.csv"):
        Forecaster.load(path)


def test_a_stream_refuses_the_state_of_another_forecaster(fitted, loaded, frame):
    state = fitted.stream().state
    loaded.stream().restore(state)  # the same model
    stream = closed_form().fit(make_frame(300, seed=1)).stream()
    before = stream.state
    with pytest.raises(ValueError, match="must be that of a stream of this forecaster"):
        stream.restore(state)
    for name, array in stream.state.items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(ValueError, match="must be that of a stream of 1 series"):
        fitted.stream().restore(fitted.stream({"a": frame, "b": frame}).state)
