import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from tscnn import Forecaster, Reconstructor, Training, UNet


def weather_like(n_rows: int = 700, seed: int = 0) -> pd.DataFrame:
    """Two columns that follow each other and the hour, and one by itself."""
    random = np.random.default_rng(seed)
    times = pd.date_range("2026-01-01", periods=n_rows, freq="h", name="time", tz="Europe/Berlin")
    slow = np.zeros(n_rows)
    for t in range(1, n_rows):
        slow[t] = 0.95 * slow[t - 1] + random.normal()
    day = 2 * np.sin(2 * np.pi * np.arange(n_rows) / 24)
    columns = {
        "a": slow + day,
        "b": 10 * slow + 300 + random.normal(size=n_rows),
        "c": np.cumsum(random.normal(size=n_rows)),
    }
    return pd.DataFrame(columns, times)


@pytest.fixture(scope="module")
def truth():
    return weather_like()


@pytest.fixture(scope="module")
def df(truth):
    df = truth.copy()
    df.iloc[300:324] = np.nan
    df.iloc[100:112, 1] = np.nan
    df.iloc[500, 0] = np.nan
    df.iloc[:2, 2] = np.nan
    return df


@pytest.fixture(scope="module")
def fitted(df):
    return Reconstructor(network=None, random_state=0).fit(df)


def test_gaps_are_filled_and_the_rest_stays(fitted, df, truth):
    filled = fitted.impute(df)
    assert not filled.isna().any().any()
    assert filled.index.equals(df.index)
    assert filled.columns.equals(df.columns)
    there = df.notna().to_numpy()
    np.testing.assert_array_equal(filled.to_numpy()[there], df.to_numpy()[there])
    line = df.interpolate(limit_direction="both")
    for rows, column in ((slice(300, 324), "a"), (slice(100, 112), "b")):
        errors = [np.sqrt(np.mean((one[column] - truth[column]).iloc[rows] ** 2)) for one in (filled, line)]
        assert errors[0] < 0.7 * errors[1]


def test_intervals_hold_the_part_that_they_claim(fitted):
    later = weather_like(seed=1)
    gone = np.random.default_rng(0).random(later.shape) < 0.1
    gone[200:212] = gone[400:424] = True
    found = fitted.impute(later.mask(gone), coverage=0.8)
    assert found.columns[:3].tolist() == [("a", "value"), ("a", "lower"), ("a", "upper")]
    values, lower, upper = (found.xs(part, axis=1, level=1).to_numpy() for part in ("value", "lower", "upper"))
    assert (lower <= upper).all()
    np.testing.assert_array_equal(lower[~gone], values[~gone])
    truth = later.to_numpy()[gone]
    assert 0.7 < np.mean((lower[gone] <= truth) & (truth <= upper[gone])) < 0.9


def test_what_fills_a_gap_depends_on_the_rows_beside_it_alone(fitted, df):
    n = fitted.lookback_
    whole = fitted.impute(df)
    for first in (300 - 2 * n - 3, 300 - 2 * n - 8):  # wherever a part of the series begins
        part = fitted.impute(df.iloc[first : 324 + n])
        np.testing.assert_allclose(part.loc[df.index[300:324]], whole.iloc[300:324], rtol=0, atol=1e-5)


def test_anomalies_have_the_highest_scores(fitted):
    later = weather_like(seed=2)
    later.iloc[350, 0] += 12
    later.iloc[200:230, 1] = later.iloc[200, 1]
    scores = fitted.score_samples(later)
    assert scores.shape == later.shape
    assert scores["a"].idxmax() == later.index[350]
    assert scores["b"].iloc[205:225].min() > fitted.threshold_


def test_of_a_single_column_small_spikes_and_noise_are_found(truth):
    column = truth[["a"]]
    later, scale = weather_like(seed=2)[["a"]], float(column["a"].std())
    later.iloc[350] += scale
    later.iloc[200:230, 0] += 0.7 * scale * np.random.default_rng(0).normal(size=30)
    found = Reconstructor(network=None, random_state=0, lookback=1).fit(column)
    scores = found.score_samples(later)["a"]
    assert scores.drop(scores.index[195:235]).idxmax() == scores.index[350]
    assert (scores.iloc[200:230] > found.threshold_).mean() > 0.2


def test_outliers_are_found_and_nothing_is_learnt_or_filled_from_them(truth, df, fitted):
    damaged = df.copy()
    outliers = [(299, "b"), (508, "a"), (600, "c")]  # the first right beside a gap
    for row, column in outliers:
        damaged.loc[df.index[row], column] = -9999.0
    found = Reconstructor(network=None, random_state=0).fit(damaged)
    gone = df.isna()
    error, expected = (
        np.sqrt(np.mean((((one.impute(rows) - truth) / truth.std()) ** 2).to_numpy()[gone]))
        for one, rows in ((found, damaged), (fitted, df))
    )
    assert error < 1.1 * expected
    scores = found.score_samples(damaged)
    unusual = (scores > found.threshold_).any(axis=1)
    assert all(unusual.iloc[row] for row, _ in outliers)
    assert unusual.sum() < 12
    assert found.impute(damaged).iloc[600]["c"] == -9999
    drawn = found.reconstruct(damaged)
    assert ((drawn - fitted.reconstruct(df)).abs() / truth.std()).max().max() < 1


def test_gaps_of_a_new_level_are_filled_at_that_level(truth, fitted):
    moved = truth.copy()
    moved["c"] += 1000
    gone = moved.copy()
    gone.iloc[300:306, 2] = np.nan
    assert (fitted.impute(gone) - moved)["c"].iloc[300:306].abs().max() < 100


def test_models_of_files_without_scales_of_residuals_and_bounds_are_read(fitted, df):
    arrays = {name: one for name, one in fitted.model_.arrays().items() if not name.startswith("outliers/")}
    older = {**arrays, "scores/scales": arrays["scores/scales"][:2]}
    found = clone(fitted).set_params(network=None)
    found.__dict__.update(
        {**fitted.__dict__, "model_": type(fitted.model_).from_arrays(fitted.model_.settings(), older)}
    )
    pd.testing.assert_frame_equal(found.impute(df), fitted.impute(df))
    assert (found.score_samples(df) <= fitted.score_samples(df)).where(df.notna(), True).all().all()


def test_a_sensor_that_is_stuck_in_training_is_found_there(df):
    stuck = df.copy()
    stuck.iloc[200:230, 1] = stuck.iloc[200, 1]  # more rows than the share of false alarms
    found = Reconstructor(network=None, random_state=0, lookback=1).fit(stuck)
    assert (found.score_samples(stuck)["b"].iloc[200:230] > found.threshold_).all()


def test_the_threshold_has_the_false_alarm_rate_that_is_asked_for(df):
    found = Reconstructor(network=None, random_state=0, false_alarm_rate=0.05, lookback=1).fit(df)
    later = pd.concat([found.score_samples(weather_like(seed=seed)).max(axis=1) for seed in (3, 4, 5)])
    assert 0.01 < (later > found.threshold_).mean() < 0.12


def test_a_reconstruction_leaves_each_value_out(fitted, df):
    changed = df.copy()
    changed.iloc[400, 1] += 60
    before, after = fitted.reconstruct(df), fitted.reconstruct(changed)
    assert after.iloc[400, 1] == pytest.approx(before.iloc[400, 1], abs=1e-2)
    assert abs(after.iloc[401, 1] - before.iloc[401, 1]) > 2
    missing = df.isna().to_numpy()
    np.testing.assert_allclose(before.to_numpy()[missing], fitted.impute(df).to_numpy()[missing])


def test_it_is_saved_and_loaded_to_the_bit(fitted, df, tmp_path):
    path = tmp_path / "model.tscnn"
    fitted.save(path)
    loaded = Reconstructor.load(path)
    for method in ("reconstruct", "score_samples"):
        pd.testing.assert_frame_equal(getattr(loaded, method)(df), getattr(fitted, method)(df), check_exact=True)
    pd.testing.assert_frame_equal(loaded.impute(df, coverage=0.9), fitted.impute(df, coverage=0.9), check_exact=True)
    assert loaded.get_params() == fitted.get_params()
    assert loaded.threshold_ == fitted.threshold_
    pd.testing.assert_frame_equal(loaded.report_, fitted.report_)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="damaged"):
        Reconstructor.load(path)


def test_the_file_of_another_estimator_is_refused(fitted, tmp_path):
    rows = np.sin(np.arange(99.0))[:, None]
    Forecaster(lookback=4, network=None).fit(rows).save(tmp_path / "forecaster")
    with pytest.raises(ValueError, match="must hold a reconstructor"):
        Reconstructor.load(tmp_path / "forecaster")
    fitted.save(tmp_path / "reconstructor")
    with pytest.raises(ValueError, match="must hold a forecaster"):
        Forecaster.load(tmp_path / "reconstructor")


def test_a_fit_repeats_itself(df, fitted):
    again = clone(fitted).fit(df)
    pd.testing.assert_frame_equal(again.impute(df), fitted.impute(df), check_exact=True)
    assert again.threshold_ == fitted.threshold_


def test_the_report_names_what_it_has_to_beat(fitted):
    report = fitted.report_
    assert report.columns.tolist() == ["tscnn", "closed form", "linear", "seasonal", "mean", "spread"]
    assert report.loc[(6, "one"), "tscnn"] < 0.7 * report.loc[(6, "one"), "linear"]
    assert not fitted.collapsed_


def test_it_says_that_its_output_is_flat():
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 2)))
    with pytest.warns(UserWarning, match="constant, or no better than the mean"):
        found = Reconstructor(network=None, random_state=0).fit(noise)
    assert found.collapsed_


def test_panels_are_filled_series_by_series():
    random = np.random.default_rng(0)
    frames = {name: pd.DataFrame({"x": random.normal(size=150).cumsum(), "y": 1.0}) for name in "pq"}
    for frame in frames.values():
        frame["y"] = 100 * frame["x"] + 7
        frame.iloc[60:70, 0] = np.nan
    found = Reconstructor(network=None, random_state=0).fit(frames)
    filled = found.impute(frames)
    assert filled.index.names == ["series", "time"]
    np.testing.assert_allclose(filled.loc["p", "x"], (frames["p"]["y"] - 7) / 100, atol=0.05)
    long = pd.concat([frame.assign(shop=name) for name, frame in frames.items()])
    same = Reconstructor(network=None, random_state=0, series_id="shop").fit(long)
    np.testing.assert_allclose(same.impute(long)["x"], filled["x"])
    unseen = same.impute(long.assign(shop=long["shop"] + "2"))
    assert not unseen.isna().any().any()


def test_a_column_without_values_is_filled_from_the_others(fitted, truth):
    filled = fitted.impute(truth.assign(a=np.nan))
    assert np.corrcoef(filled["a"], truth["a"])[0, 1] > 0.9


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"lookback": 0}, "`lookback` must be 'auto' or an integer of at least 1"),
        ({"false_alarm_rate": 1}, "`false_alarm_rate` must be a number in"),
        ({"calendar": "week"}, "`calendar` must be one of 'auto', None"),
        ({"validation_fraction": 1.0}, "`validation_fraction` must be a number in"),
    ],
)
def test_wrong_parameters_are_named(settings, match, df):
    with pytest.raises(ValueError, match=match):
        Reconstructor(network=None, **settings).fit(df)


def test_code_is_not_saved_and_that_is_said(df, tmp_path):
    found = Reconstructor(1, network=None, random_state=np.random.RandomState(0)).fit(df)
    found.training = Training(loss=abs, epochs=3)
    with pytest.warns(UserWarning, match="`loss`, `random_state` can't be saved") as warned:
        found.save(tmp_path / "model")
    assert warned[0].filename == __file__
    again = Reconstructor.load(tmp_path / "model")
    assert (again.training.epochs, again.training.loss, again.random_state) == (3, "mse", None)


def test_settings_of_groups_left_to_choose_are_set_by_name():
    found = Reconstructor()
    assert found.get_params(deep=False).items() < found.get_params().items()
    assert (found.get_params()["network__latent"], found.get_params()["training__epochs"]) == (None, Training().epochs)
    found.set_params(network__latent=8, training__epochs=3)
    assert (found.network, found.training) == (UNet(latent=8), Training(epochs=3))
    assert clone(found).get_params() == found.get_params()
    assert "network__latent" not in found.set_params(network=None).get_params()
    with pytest.raises(ValueError, match="With network=None there is no setting 'latent'"):
        found.set_params(network__latent=8)
    with pytest.raises(ValueError, match="UNet has no setting 'latnt'; did you mean 'latent'"):
        found.set_params(network__latnt=8, network="auto")
    assert found.network is None


def test_parameters_are_set_by_name():
    found = Reconstructor(training=Training())
    assert found.set_params(training__epochs=3, lookback=2) is found
    assert (found.training.epochs, found.lookback) == (3, 2)
    with pytest.raises(ValueError, match="no parameter 'lookbak'; did you mean 'lookback'"):
        found.set_params(network=None, lookbak=3)
    assert found.network == "auto"


def test_wrong_input_is_named(fitted, df):
    with pytest.raises(ValueError, match="`coverage` must be a number in"):
        fitted.impute(df, coverage=1.5)
    with pytest.raises(ValueError, match="`y` must be None"):
        Reconstructor(network=None).fit(df, df["a"])
    with pytest.raises(ValueError, match="at least 8 rows"):
        Reconstructor(network=None).fit(df.iloc[:5])


def test_errors_suggest_what_a_reconstructor_takes(fitted, df, tmp_path):
    absent, infinite = df.drop(df.index[5]), df.replace({"a": {df["a"].iloc[3]: np.inf}})
    for read in (Reconstructor(network=None).fit, fitted.impute, fitted.score_samples):
        with pytest.raises(ValueError, match=r"`Reconstructor\(freq='h'\)` takes absent rows as missing"):
            read(absent)
        with pytest.raises(ValueError, match=r"np.nan\)` takes it as missing\. Received"):
            read(infinite)
    assert len(Reconstructor(2, network=None, freq="h").fit(absent).impute(absent)) == len(df)
    with pytest.raises(ValueError, match="more than lookback = 600 rows"):
        Reconstructor(600, network=None).fit(df.iloc[:600])
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ValueError, match=r"no.* saved tscnn reconstructor, which `Reconstructor\.save` writes"):
        Reconstructor.load(tmp_path / "text")


def test_short_and_constant_series_are_filled():
    rows = np.column_stack([np.arange(12.0), np.full(12, 5.0)])
    rows[4:6] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        filled = Reconstructor(network=None, random_state=0).fit(rows).impute(rows)
    np.testing.assert_allclose(filled[1], 5.0)
    np.testing.assert_allclose(filled[0], np.arange(12.0), atol=1.0)


def test_errors_keep_what_the_user_called_forecaster(df, tmp_path):
    named = df.iloc[:60].rename(columns={df.columns[0]: "forecaster"})
    with pytest.raises(ValueError, match="column 'forecaster' has infinity"):
        Reconstructor(lookback=2, network=None).fit(named.assign(forecaster=np.inf))
    (tmp_path / "forecaster").write_text("no archive")
    with pytest.raises(ValueError, match=r"saved tscnn reconstructor.* Received: path='.*forecaster'"):
        Reconstructor.load(tmp_path / "forecaster")


def test_its_audit_passes(fitted, df):
    audit = fitted.audit(df)
    assert audit.passed, audit
    assert len(audit.findings) == 6
    assert audit.frame.loc["no seam shows where a part begins", "result"] == "pass"


@pytest.mark.slow
def test_a_network_with_a_latent_layer_is_trained_and_saved(df, tmp_path):
    training = Training(epochs=1, level=0.99999, shrinkage=0.0)
    found = Reconstructor(lookback=1, network=UNet(), training=training, random_state=0)
    assert found.set_params(network__latent=2).fit(df.iloc[:300]).network == UNet(latent=2)
    assert any(gate.kept for gate in found.gates_.values())
    found.save(tmp_path / "model")
    loaded = Reconstructor.load(tmp_path / "model")
    assert loaded.network == UNet(latent=2)
    for again in (loaded, clone(found).fit(df.iloc[:300])):
        pd.testing.assert_frame_equal(again.impute(df), found.impute(df), check_exact=True)
    with pytest.raises(TypeError, match="`network` must be 'auto', None or"):
        Reconstructor(network=8).fit(df)
    with pytest.raises(ValueError, match="`latent` must be an integer of at least 1"):
        Reconstructor(network=UNet(latent=0)).fit(df)


@pytest.mark.slow
def test_the_network_is_kept_where_it_helps_and_saved(tmp_path):
    random = np.random.default_rng(0)
    slow = np.convolve(random.normal(size=3030), np.ones(31) / 5, "valid")
    df = pd.DataFrame({"a": slow, "square": slow**2 + 0.05 * random.normal(size=3000)})  # no linear map tells it
    training = Training(epochs=40, learning_rate=0.01, level=0.1, shrinkage=0.0)
    found = Reconstructor(lookback=2, training=training, random_state=0, validation_fraction=0.5).fit(df)
    report = found.report_
    for rows, columns in report.index:
        kept = found.gates_[f"network, gaps of {rows} in {'all columns' if columns == 'all' else 'one column'}"].kept
        assert (report["tscnn"] < report["closed form"])[rows, columns] == kept
    assert (report["tscnn"] <= report["closed form"]).all()
    assert (report["tscnn"] < report["closed form"]).xs("one", level="columns").loc[24:].all()
    found.save(tmp_path / "model")
    gappy = df.mask(random.random(df.shape) < 0.2)
    pd.testing.assert_frame_equal(Reconstructor.load(tmp_path / "model").impute(gappy), found.impute(gappy))


def test_without_network_nothing_of_a_framework_is_imported(tmp_path):
    code = (
        "import sys, numpy as np; from tscnn import Reconstructor;"
        "x = np.random.default_rng(0).normal(size=(90, 2)).cumsum(axis=0); x[20:25] = np.nan;"
        "r = Reconstructor(network=None, lookback=1).fit(x); r.impute(x, coverage=0.9); r.score_samples(x);"
        "assert r.set_params(lookback=2).get_params()['lookback'] == 2;"
        f"r.save({str(tmp_path / 'model')!r}); Reconstructor.load({str(tmp_path / 'model')!r}).reconstruct(x);"
        "assert not {'keras', 'tensorflow', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_times_of_another_zone_are_refused_where_means_by_time_count(df, fitted, tmp_path):
    fitted.save(tmp_path / "gaps.tscnn")
    for model in (fitted, Reconstructor.load(tmp_path / "gaps.tscnn")):
        for call in (model.impute, model.score_samples):
            with pytest.raises(ValueError, match=r"time zone of training.*`X.tz_convert\('Europe/Berlin'\)`.*tz='UTC'"):
                call(df.tz_convert("UTC"))
