from __future__ import annotations

import json

import pytest

from tests.cli.serving.conftest import Model
from tests.cli.serving.test_served import panel
from tests.conftest import closed_form, make_frame
from tscnn.cli.serving.document import describe_service


def post(document: dict, path: str) -> dict:
    return document["paths"][path]["post"]["requestBody"]["content"]["application/json"]


def test_columns_are_those_of_the_model(model: Model) -> None:
    document = describe_service({"m": model.served}, "1.0", 100)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert set(document["paths"]) == {
        f"{start}/{name}" for start in ("", "/models/m") for name in ("forecast", "update")
    } | {"/health"}
    row = post(document, "/update")["schema"]["properties"]["rows"]["oneOf"][1]
    assert row["required"] == ["time", "a", "b"]
    assert row["example"]["time"] == "2026-01-07T06:00:00"
    assert {"future", "static"}.isdisjoint(post(document, "/forecast")["schema"]["properties"])


@pytest.mark.parametrize("path", ["/models/m/update", "/models/m/forecast"])
def test_examples_are_taken(model: Model, path: str) -> None:
    body = post(describe_service({"m": model.served}, "1.0", 100), path)["example"]
    answer = model.update(**body) if path.endswith("update") else model.forecast(**body)
    assert len(answer["forecast"]) == 3


def test_what_a_model_has_besides() -> None:
    frame = make_frame(150, 3).assign(day=lambda x: x.index.day_name())
    known = Model(closed_form(future_covariates=["day"]).fit(frame))
    many = Model(closed_form().fit(panel(150)))
    document = describe_service({"known": known.served, "many": many.served}, "1.0", 100)
    assert "/forecast" not in document["paths"]
    fields = post(document, "/models/known/update")["schema"]["properties"]
    assert fields["rows"]["oneOf"][1]["example"]["day"].endswith("day")
    assert "future" in fields
    row = post(document, "/models/many/update")["schema"]["properties"]["rows"]["oneOf"][1]
    assert row["required"] == ["time", "series", "a", "b"]
