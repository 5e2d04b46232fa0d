from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.shell import shell
from tscnn import datasets

COLUMNS = ["JFK_temp", "LGA_temp"]


@pytest.fixture(scope="session")
def folder_with_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    weather = datasets.load_nyc_weather()[COLUMNS].iloc[:500].tz_localize(None)
    weather.to_csv(folder / "weather.csv", date_format="%Y-%m-%d %H:%M")
    done = shell(f"tscnn fit {folder}/weather.csv --lookback 24 --horizon 3 --no-network -o {folder}/weather.tscnn")
    assert done.status == 0, done.err
    return folder


@pytest.fixture
def here(folder_with_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("weather.csv", "weather.tscnn"):
        shutil.copy(folder_with_model / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
