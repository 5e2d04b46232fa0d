import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tscnn import Forecaster
from tscnn.data import mapped
from tscnn.data.frame import learn_schema
from tscnn.data.mapped import is_mapped
from tscnn.data.panel import learn_panel
from tscnn.data.parquet import is_stored, read_stored
from tscnn.data.series import SeriesSet

pytest.importorskip("pyarrow")


@pytest.fixture(autouse=True)
def on_disk(monkeypatch):
    monkeypatch.setattr(mapped, "MOST_IN_MEMORY", 0)
    monkeypatch.setattr(mapped, "MOST_MAPPED", 256)


TIMES = pd.date_range("2026-01-01", periods=600, freq="h", name="when")


def rows(n=600, seed=0):
    noise = np.random.default_rng(seed).normal(scale=0.2, size=(n, 2))
    waves = np.sin(np.arange(n)[:, None] * 2 * np.pi / 24 + [0, 1])
    return pd.DataFrame(waves + noise, TIMES[:n], ["a", "b"])


def panel():
    parts = [rows(n, seed).assign(shop=shop) for seed, (shop, n) in enumerate({"x": 600, "y": 400, "z": 500}.items())]
    return pd.concat(parts)


def write(frame, folder, n_files=4):
    folder.mkdir()
    for i, at in enumerate(np.array_split(np.arange(len(frame)), n_files)):
        frame.iloc[at].reset_index().to_parquet(folder / f"part-{i}.parquet")
    return folder


def assert_same(stored, schema, frames):
    series = SeriesSet.of_frames(frames, schema)
    assert stored.schema == schema
    assert is_mapped(stored.series.values)
    np.testing.assert_array_equal(stored.series.values, series.values)
    assert stored.series.names == series.names
    assert all(own.equals(other) for own, other in zip(stored.indexes, series.indexes, strict=True))
    newest = stored.newest(7)
    assert list(newest) == list(frames)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(newest[name], frame.iloc[-7:], check_freq=False)
    if series.covariates is not None:
        np.testing.assert_array_equal(stored.series.covariates, series.covariates)


def test_one_series_is_read_as_its_frame(tmp_path):
    schema, frame = learn_schema(rows())
    assert_same(read_stored(write(rows(), tmp_path / "data"), "when", None), schema, {None: frame})


def test_float32_stays_float32(tmp_path):
    stored = read_stored(write(rows().astype(np.float32), tmp_path / "data"), "when", None)
    assert stored.values.dtype == np.float32
    assert stored.schema.dtype == np.float32


@pytest.mark.parametrize("order", ["by series", "by time"])
def test_many_series_are_read_as_their_frame(tmp_path, order):
    long = panel() if order == "by series" else panel().sort_index(kind="stable")
    schema, frames = learn_panel(long, "shop")
    assert_same(read_stored(write(long, tmp_path / "data", 5), "when", "shop"), schema, frames)


def test_covariates_and_categories_are_read_as_their_frame(tmp_path):
    long = panel().assign(sky=np.where(np.arange(1500) % 3, "clear", "rain"), size=1.5)
    long.loc[long["shop"] == "y", "size"] = 2.5
    roles = {"targets": "a", "future": "sky", "static": "size"}
    schema, frames = learn_panel(long, "shop", **roles)
    assert_same(read_stored(write(long, tmp_path / "data"), "when", "shop", **roles), schema, frames)


def test_integers_zones_and_missing_values_are_read_as_their_frame(tmp_path):
    numbered = rows().set_axis(pd.Index(np.arange(600) * 5, name="when"))
    schema, frame = learn_schema(numbered)
    assert_same(read_stored(write(numbered, tmp_path / "numbers"), "when", None), schema, {None: frame})
    zoned = rows().tz_localize("UTC").tz_convert("Europe/Berlin")
    zoned.iloc[5, 1] = np.nan
    schema, frame = learn_schema(zoned, missing="mask")
    assert_same(read_stored(write(zoned, tmp_path / "zones"), "when", None, missing="mask"), schema, {None: frame})


def test_a_data_set_of_pyarrow_is_read_in_its_own_order(tmp_path):
    dataset = pytest.importorskip("pyarrow.dataset")
    folder = write(rows(), tmp_path / "data")
    for i in range(4):
        (folder / f"part-{i}.parquet").rename(folder / f"part-{9 - i}.parquet")
    stored = read_stored(dataset.dataset([folder / f"part-{9 - i}.parquet" for i in range(4)]), "when", None)
    np.testing.assert_array_equal(stored.values, rows().to_numpy())
    with pytest.raises(ValueError, match=r"File 'part-7.parquet': The index must ascend"):
        read_stored(folder, "when", None)


def test_a_folder_of_partitions_leaves_their_names_out(tmp_path):
    for month, part in rows().groupby(TIMES.month):
        (tmp_path / f"month={month}").mkdir()
        part.reset_index().to_parquet(tmp_path / f"month={month}" / "rows.parquet")
    assert read_stored(tmp_path, "when", None).schema.columns.tolist() == ["a", "b"]


def test_what_is_stored():
    assert is_stored("a folder")
    assert not is_stored(rows())
    with pytest.raises(ValueError, match=r"`pandas\.read_csv` reads other files"):
        Forecaster(time="when").fit(__file__)


CASES = {
    "columns": (lambda frame: frame.rename(columns={"b": "c"}), "'part-2.parquet' has not.*missing=.'b'"),
    "types": (lambda frame: frame.assign(b="much"), "types of the first one, but 'part-2.parquet'"),
    "gaps": (
        lambda frame: frame.drop(frame.index[7]),
        "2026-01-13 19:00:00 is missing; files need a row at every step",
    ),
    "order": (lambda frame: frame[::-1], "File 'part-2.parquet': The index must ascend"),
    "repeated": (lambda frame: frame.iloc[[0, *range(len(frame))]], "File 'part-2.parquet': The index must not repeat"),
    "missing": (lambda frame: frame.assign(b=np.nan), "File 'part-2.parquet': .*column 'b' has NaN"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_does_not_fit_is_named(tmp_path, case):
    change, said = CASES[case]
    folder = write(rows(), tmp_path / "data")
    change(rows().iloc[300:450]).reset_index().to_parquet(folder / "part-2.parquet")
    with pytest.raises(ValueError, match=said) as error:
        read_stored(folder, "when", None)
    assert len(str(error.value)) < 400


def test_what_is_named_must_be_there(tmp_path):
    folder = write(panel(), tmp_path / "data")
    for time, series_id, said in [(None, None, r"Forecaster\(time='when'\)"), ("when", "store", "`series_id`")]:
        with pytest.raises(ValueError, match=said):
            read_stored(folder, time, series_id)
    with pytest.raises(TypeError, match="Column 'shop' must hold real numbers"):
        read_stored(folder, "when", None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="a folder that holds Parquet files"):
        read_stored(tmp_path / "empty", "when", None)
    (tmp_path / "empty" / "notes.txt").write_text("no Parquet")
    with pytest.raises(ValueError, match="must hold Parquet files"):
        read_stored(tmp_path / "empty", "when", None)


def fit_both(frame, folder, checkpoint=None, **settings):
    settings |= {"lookback": 24, "horizon": 3, "network": None, "time": "when", "calendar": None}
    inside, outside = Forecaster(**settings).fit(frame), Forecaster(**settings)
    outside.fit(write(frame, folder), checkpoint=checkpoint)
    np.testing.assert_allclose(outside.predict()[["a", "b"]], inside.predict()[["a", "b"]], rtol=1e-6)
    arrays = inside.pipeline_.arrays()
    for name, array in outside.pipeline_.arrays().items():
        np.testing.assert_allclose(array, arrays[name], rtol=1e-4, atol=1e-5, err_msg=name)
    return outside


def test_a_fit_on_files_is_that_on_their_frame(tmp_path):
    fit_both(rows(), tmp_path / "data")


@pytest.mark.slow
def test_a_fit_on_files_of_many_series_resumes(tmp_path):
    outside = fit_both(panel(), tmp_path / "data", tmp_path / "fit.npz", series_id="shop")
    resumed = Forecaster(**outside.get_params(deep=False)).fit(tmp_path / "data", resume=tmp_path / "fit.npz")
    assert resumed.pipeline_.fingerprint == outside.pipeline_.fingerprint


def test_no_y_beside_files(tmp_path):
    with pytest.raises(ValueError, match="`y` must be None"):
        Forecaster(time="when").fit(write(rows(), tmp_path / "data"), rows()["a"])


@pytest.mark.slow
def test_the_example_of_the_docs_runs(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "larger-than-memory.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(example, found)
    assert len(found["forecaster"].predict()) == 24
