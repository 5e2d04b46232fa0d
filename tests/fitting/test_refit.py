import importlib.util

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame, small_forecaster
from tscnn.data import SeriesSet
from tscnn.data.frame import read_frame
from tscnn.evaluation import rolling
from tscnn.fitting.refit import refit_linear
from tscnn.parameters import read_parameters

HORIZON = 3


@pytest.fixture(scope="module")
def df() -> pd.DataFrame:
    return make_frame(200, 2)


def starts(df, **changes):
    return {"start": df.index[170], "stride": 8, **changes}


@pytest.mark.parametrize(
    ("how", "first", "ends"),
    [
        ({"refit": True}, [0, 0, 0, 0], [171, 179, 187, 195]),
        ({"every": 3}, [0, 0, 0, 0], [171, 171, 171, 195]),
        ({"every": 2, "gap": 5, "window": "rolling"}, [0, 0, 16, 16], [166, 166, 182, 182]),
        pytest.param({"refit": True, "n_jobs": 2}, [0, 0, 0, 0], [171, 179, 187, 195], marks=pytest.mark.slow),
    ],
)
def test_folds_equal_fits_from_scratch_on_their_rows(df, how, first, ends):
    found = closed_form().backtest(df, **starts(df), **how)
    cutoffs = df.index[[170, 178, 186, 194]]
    assert found.index.get_level_values("cutoff").unique().equals(cutoffs)
    for cutoff, a, b in zip(cutoffs, first, ends, strict=True):
        alone = closed_form().fit(df.iloc[a:b]).predict(df.loc[:cutoff])
        pd.testing.assert_frame_equal(found.loc[cutoff], alone, check_exact=True, check_names=False, check_freq=False)


def test_panels(df):
    frames = {"x": df, "y": 5 + df.iloc[40:190]}
    forecaster = closed_form()
    found = forecaster.backtest(frames, **starts(df, every=2))
    assert found.index.names == ["series", "cutoff", "time"]
    fit = closed_form().fit({name: frame.loc[: df.index[186]] for name, frame in frames.items()})
    alone = fit.predict({"x": df.loc[: df.index[194]]})
    np.testing.assert_array_equal(found.loc["x"].loc[df.index[194]], alone)
    alone = fit.predict({name: frame.loc[: df.index[186]] for name, frame in frames.items()})
    np.testing.assert_array_equal(found.loc["y"].loc[df.index[186]], alone.loc["y"])
    assert found.loc["y"].index.get_level_values("cutoff").unique().tolist() == df.index[[170, 178, 186]].tolist()
    long = pd.concat([frame.assign(shop=name) for name, frame in frames.items()])
    again = closed_form(series_id="shop").backtest(long, **starts(df, every=2))
    pd.testing.assert_frame_equal(again, found, check_exact=True)


@pytest.mark.slow
def test_absent_rows(df):
    settings = {"freq": "h", "missing": "mask"}
    rows = df.drop(df.index[[50, 175]])
    found = closed_form(**settings).backtest(rows, **starts(df, refit=True))
    alone = closed_form(**settings).fit(rows.loc[: df.index[178]]).predict()
    np.testing.assert_array_equal(found.loc[df.index[178]], alone)


def test_an_interrupted_backtest_goes_on_from_its_folder(df, tmp_path, monkeypatch):
    settings, calls = starts(df, refit=True, folder=tmp_path / "kept"), []

    def interrupted(*arguments):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(arguments)
        return forecast_fold(*arguments)

    forecast_fold = rolling.forecast_fold
    monkeypatch.setattr(rolling, "forecast_fold", interrupted)
    with pytest.raises(KeyboardInterrupt) as stopped:
        closed_form().backtest(df, **settings)
    assert stopped.value.__notes__ == [
        "2 of 4 fits of the backtest were done; they are kept: the same call goes on from there."
    ]
    calls[:] = [None, None, None]
    monkeypatch.setattr(rolling, "forecast_fold", lambda *each: (calls.append(each), forecast_fold(*each))[1])
    found = closed_form().backtest(df, **settings)
    assert len(calls) == 5
    expected = closed_form().backtest(df, **starts(df, refit=True))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert len(calls) == 9
    pd.testing.assert_frame_equal(closed_form().backtest(df, **settings), expected, check_exact=True)
    assert len(calls) == 9
    for other in (closed_form(lookback=11), closed_form()):
        rows = df if other.lookback == 11 else df + 1
        with pytest.raises(ValueError, match="`folder` holds another backtest"):
            other.backtest(rows, **settings)


def test_a_folder_of_other_files_is_left_alone(df, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="`folder` must be new, empty, or of the same backtest"):
        closed_form().backtest(df, **starts(df, refit=True, folder=tmp_path))


def test_progress_is_shown_to_who_watches(df, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    closed_form(verbose=True).backtest(df, **starts(df, every=3))
    assert capsys.readouterr().out.splitlines() == ["backtest: fit 1 of 2", "backtest: fit 2 of 2"]
    closed_form().backtest(df, **starts(df, every=3))
    assert capsys.readouterr().out == ""


def test_a_bar_where_tqdm_is(df, capsys):
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    closed_form(verbose=True).backtest(df, **starts(df, every=3))
    assert "2/2" in capsys.readouterr().err


def test_a_linear_refit_of_the_same_rows_changes_little(df):
    new = closed_form().backtest(df, **starts(df, refit=True))
    linear = closed_form().backtest(df, **starts(df, refit="linear"))
    old = closed_form().fit(df.iloc[:171]).backtest(df, **starts(df))
    assert linear.index.equals(new.index)
    last = df.index[194]
    assert not np.allclose(linear.loc[last], old.loc[last], rtol=1e-6)
    assert np.abs(linear.loc[last] - new.loc[last]).mean(axis=None) < np.abs(old.loc[last] - new.loc[last]).mean(
        axis=None
    )


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["mask", "interpolate"])
def test_a_linear_refit_of_missing_values_and_covariates(df, missing):
    known = pd.Categorical(np.where(np.arange(200) % 3, "u", "v"))
    rows = df.mask(np.random.default_rng(0).random(df.shape) < 0.1).assign(known=known)
    forecaster = closed_form(missing=missing, future_covariates="known")
    linear = forecaster.backtest(rows, **starts(df, refit="linear"))
    new = forecaster.backtest(rows, **starts(df, refit=True))
    assert ((linear - new).abs().mean() < 0.2 * new.std()).all()


@pytest.mark.slow
def test_a_linear_refit_keeps_the_network(df, monkeypatch):
    trained = []
    from tscnn.training import fit

    fit_network = fit.fit_network
    monkeypatch.setattr(fit, "fit_network", lambda *each, **named: (trained.append(1), fit_network(*each, **named))[1])
    found = small_forecaster(normalizer_span=6).backtest(df, **starts(df, refit="linear"))
    assert len(found) == 4 * HORIZON
    assert len(trained) == 1


@pytest.mark.parametrize("refit", [True, "linear"])
def test_intervals_are_those_of_each_fit(df, refit):
    found = closed_form().backtest(df, **starts(df, refit=refit), coverage=0.9)
    assert found.attrs["coverage"] == 0.9
    first = df.index[170]
    alone = closed_form().fit(df[:171]).predict(df[:171], coverage=0.9)
    pd.testing.assert_frame_equal(
        found.loc[first], alone, check_exact=refit is True, check_names=False, check_freq=False, rtol=0.1
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"refit": "network"}, ValueError, "`refit` must be one of True, False, 'linear'"),
        ({"every": 0}, ValueError, "`every` must be an integer of at least 1"),
        ({"refit": True, "gap": -1}, ValueError, "`gap` must be an integer of at least 0"),
        ({"refit": True, "window": "sliding"}, ValueError, "`window` must be one of 'expanding', 'rolling'"),
        ({"refit": True, "n_jobs": 0}, ValueError, "`n_jobs` must be"),
        ({"gap": 3}, ValueError, "`gap`, `window`, `n_jobs` and `folder` are of fits: `refit=True`"),
        ({"refit": True, "gap": 400}, ValueError, "`gap` must be at most 182"),
    ],
)
def test_errors_name_what_breaks_a_rule(df, arguments, error, message):
    with pytest.raises(error, match=message) as raised:
        closed_form().backtest(df, **arguments)
    assert len(str(raised.value)) < 400


@pytest.mark.slow
def test_a_linear_refit_has_the_periodic_regression_again():
    random = np.random.default_rng(0)
    load, hour = random.normal(size=24 * 120), np.arange(24 * 120) % 24
    price = np.where(hour < 12, 2.0, -1.0) * load + 0.1 * random.normal(size=len(load))
    rows = pd.DataFrame({"price": price, "load": load}, pd.date_range("2026-01-01", periods=len(load), freq="h"))
    forecaster = closed_form(lookback=48, future_covariates="load", outliers=None).fit(rows[:-100])
    before = forecaster.pipeline_
    series = SeriesSet.of_frames({None: read_frame(rows, forecaster.schema_)}, forecaster.schema_)
    after = refit_linear(before, series, forecaster.schema_, read_parameters(forecaster))
    assert "periodic_regression" in [term.name for term in before.terms]
    assert [term.name for term in after.terms] == [term.name for term in before.terms]
