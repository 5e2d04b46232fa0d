import numpy as np
import pandas as pd
import pytest

from tscnn.data import datasets


@pytest.fixture(scope="module")
def weather():
    return datasets.load_nyc_weather()


def test_index_is_hourly_utc(weather):
    expected = pd.date_range("2013-01-01 06:00", "2013-12-30 23:00", freq="h", tz="UTC")
    assert weather.index.name == "time"
    assert str(weather.index.tz) == "UTC"
    assert weather.index.freq == "h"
    assert (weather.index == expected).all()


def test_columns(weather):
    measures = ["dewp", "humid", "temp", "wind_speed"]
    assert list(weather.columns) == [f"{airport}_{m}" for airport in ("EWR", "JFK", "LGA") for m in measures]
    assert (weather.dtypes == np.float64).all()


def test_values_are_possible(weather):
    assert np.isfinite(weather.to_numpy()).all()
    # The record wind speed measured on the ground is 253 mph; the source has one of 1048.
    assert weather.filter(like="wind_speed").to_numpy().max() < 50
    assert weather.filter(like="humid").stack().between(0, 100).all()
    for airport in ("EWR", "JFK", "LGA"):
        assert (weather[f"{airport}_dewp"] <= weather[f"{airport}_temp"] + 1).all()


def test_each_call_returns_its_own_frame(weather):
    again = datasets.load_nyc_weather()
    again.iloc[0, 0] = -99.0
    assert weather.iloc[0, 0] != -99.0


def test_every_folder_serves(weather, tmp_path, monkeypatch):
    weather.tz_localize(None).to_csv(tmp_path / "nyc_weather.csv")
    monkeypatch.setattr(datasets, "_FOLDERS", (tmp_path / "absent", tmp_path))
    pd.testing.assert_frame_equal(datasets.load_nyc_weather(), weather)


def test_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_FOLDERS", (tmp_path,))
    with pytest.raises(FileNotFoundError, match=r"nyc_weather\.csv.*Received: searched="):
        datasets.load_nyc_weather()
