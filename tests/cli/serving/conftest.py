from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tscnn import Forecaster
from tscnn.cli.serving.bodies import FORECAST_FIELDS, UPDATE_FIELDS, read_body
from tscnn.cli.serving.served import ServedModel

N_ROWS = 150  # of the fit; those after it are to come


class Model:
    """A served model whose bodies are given as Python."""

    def __init__(self, forecaster: Forecaster, **settings: Any) -> None:
        self.served = ServedModel("m", forecaster, **settings)

    def update(self, **body: Any) -> dict[str, Any]:
        return json.loads(self.served.update(read_body(json.dumps(body).encode(), UPDATE_FIELDS)))

    def forecast(self, **body: Any) -> dict[str, Any]:
        return json.loads(self.served.forecast(read_body(json.dumps(body).encode(), FORECAST_FIELDS)))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as a client would send them."""
    written = json.loads(frame.reset_index(drop=True).to_json(orient="records", double_precision=15))
    return [{"time": str(time)[:16], **row} for time, row in zip(frame.index, written, strict=True)]


def values(answer: dict[str, Any]) -> list[list[float]]:
    """Numbers of a forecast."""
    return [[value for name, value in one.items() if name not in ("time", "series")] for one in answer["forecast"]]


@pytest.fixture(scope="package")
def frame() -> pd.DataFrame:
    return make_frame(200, 2)


@pytest.fixture(scope="package")
def saved(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("serving") / "m.tscnn"
    closed_form().fit(frame.iloc[:N_ROWS]).save(path)
    return str(path)


@pytest.fixture
def model(saved: str) -> Model:
    return Model(Forecaster.load(saved))


@pytest.fixture
def make(saved: str) -> Callable[..., Model]:
    return lambda **settings: Model(Forecaster.load(saved), **settings)
