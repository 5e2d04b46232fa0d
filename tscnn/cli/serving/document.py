"""The service in the words of OpenAPI, with the columns of its models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tscnn.cli.serving.answers import write_times
from tscnn.cli.serving.served import MOST_STEPS, ServedModel
from tscnn.data.index import future_index

__all__ = ["describe_service"]

_TEXT, _NUMBER = {"type": "string"}, {"type": "number"}
_ERROR = {
    "description": "What was wrong, in one line",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_ANSWER = """\
`cutoff` is the time of the newest row (by series where there are several), `forecast` one record a step. Intervals
and quantiles have columns of their own: "load lower", "load 0.9". A missing value is null. Times are written as those
of the request, without rows by ISO 8601."""
_UPDATE = """\
Takes the next rows, all of them or none, and forecasts the steps after them. With `--state` rows are accepted once
they are on the disk: a crash loses no row that was accepted. Updates of one model are taken in the order in which they
come. Rows that are not newer than the newest one are passed over, so that a request without an answer can be sent
again. A row that is not due is refused; as many rows as the model needs, all later ones, begin anew. Absent rows are
missing values where the model takes some."""


def describe_service(models: Mapping[str, ServedModel], version: str, most_bytes: int) -> dict[str, Any]:
    """Describe the service.

    Parameters
    ----------
    models : mapping of ServedModel
        By name.
    version : str
        Of the package.
    most_bytes : int
        Of a body.

    Returns
    -------
    dict
        A document of OpenAPI 3.1.
    """
    paths: dict[str, Any] = {"/health": {"get": _operation("What is served, and since when", "health", {})}}
    for name, model in models.items():
        for start in [f"/models/{name}", *([""] if len(models) == 1 else [])]:
            key = f"{name}{'' if start else '_short'}"
            paths[f"{start}/forecast"] = _forecast_of(model, key)
            paths[f"{start}/update"] = _update_of(model, key)
    error = {"type": "object", "properties": {"error": _TEXT}, "required": ["error"]}
    said = f"Forecasts of {', '.join(models)}. Bodies are JSON of at most {most_bytes} bytes."
    return {
        "openapi": "3.1.0",
        "info": {"title": "tscnn serve", "version": version, "description": said},
        "paths": paths,
        "components": {"schemas": {"Error": error}},
    }


def _forecast_of(model: ServedModel, key: str) -> dict[str, Any]:
    fields = {
        "rows": _rows(model, f"Rows to forecast from, at least {model.n_needed}; default the newest ones of the model"),
        "horizon": {
            "type": "integer",
            "minimum": 1,
            "maximum": max(MOST_STEPS, model.horizon),
            "description": f"Steps, default {model.horizon}; more are forecast from forecasts",
        },
        "coverage": _one_or_list(_NUMBER, "Share of outcomes that intervals are to hold, such as 0.9"),
        "quantiles": {"type": "array", "items": _NUMBER, "description": "Levels, such as [0.1, 0.5, 0.9]"},
        "series": _one_or_list(_TEXT, "Series to forecast, default all"),
        **_known(model),
    }
    query = [
        {"name": name, "in": "query", "required": False, "schema": fields[name]}
        for name in ("horizon", "coverage", "quantiles", "series")
    ]
    said = "Forecast the steps after the newest rows"
    get = _operation(said, f"get_forecast_{key}", _answer_of(model, {}), parameters=query)
    body = _body(fields, [], {"horizon": min(model.horizon, 3)})
    said = "Forecast the steps after given rows, or after the newest ones"
    return {"get": get, "post": _operation(said, f"forecast_{key}", _answer_of(model, {}), requestBody=body)}


def _update_of(model: ServedModel, key: str) -> dict[str, Any]:
    rows = _rows(model, "The next rows, or a single one")
    example = {"rows": [rows["oneOf"][0]["items"]["example"]]}
    body = _body({"rows": rows, **_known(model)}, ["rows"], example)
    counts = {"accepted": {"type": "integer"}, "passed_over": {"type": "integer"}}
    found = _operation("Take the next rows", f"update_{key}", _answer_of(model, counts), requestBody=body)
    return {"post": {**found, "description": f"{_UPDATE} {_ANSWER}"}}


def _operation(summary: str, key: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = {"description": summary, "content": {"application/json": {"schema": schema or {"type": "object"}}}}
    errors = dict.fromkeys(("404", "413", "422", "503"), _ERROR) if more else {}
    described = {"description": _ANSWER} if more else {}
    return {"summary": summary, **described, "operationId": key, **more, "responses": {"200": answer, **errors}}


def _body(fields: dict[str, Any], required: list[str], example: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": fields, "required": required, "additionalProperties": False}
    return {"required": bool(required), "content": {"application/json": {"schema": schema, "example": example}}}


def _rows(model: ServedModel, said: str) -> dict[str, Any]:
    """Describe rows of a model; the example is the row that is due, of the values of the newest one."""
    reader, schema = model.reader, model.forecaster.schema_
    texts = [own is not None for own in schema.categories]
    columns = {
        name: _TEXT if text else {"type": ["number", "null"]} for name, text in zip(reader.columns, texts, strict=True)
    }
    time = {"type": "integer"} if schema.kind == "integers" else _TEXT
    series = {reader.series: _TEXT} if reader.is_panel else {}
    row: dict[str, Any] = {
        "type": "object",
        "properties": {reader.time: time, **series, **columns},
        "required": [*([] if schema.kind == "integers" else [reader.time]), *series, *columns],
        "additionalProperties": False,
    }
    if model.context:
        name, newest = next(iter(model.context.items()))
        due = write_times(future_index(newest.index, schema.freq, 1), None)[0]
        values = {
            column: own[int(value)] if own is not None and value >= 0 else None if value != value else float(value)
            for column, own, value in zip(reader.columns, schema.categories, newest.iloc[-1], strict=True)
        }
        row["example"] = {reader.time: due, **({reader.series: str(name)} if series else {}), **values}
    return {"oneOf": [{"type": "array", "items": row, "minItems": 1}, row], "description": said}


def _known(model: ServedModel) -> dict[str, Any]:
    """Describe the fields that forecasts and updates have."""
    time_format = {**_TEXT, "description": "How times are written, such as %d/%m/%Y; found if not given"}
    roles, fields = model.forecaster.schema_.roles, {}
    records = {"type": "array", "items": {"type": "object"}}
    if "future_covariate" in roles:
        said = "Rows of the columns that are known ahead, at the steps to forecast"
        fields["future"] = {**records, "description": said}
    if "static_covariate" in roles:
        said = "Columns that never change, so that rows need not repeat them; of several series by name"
        fields["static"] = {"type": "object", "description": said}
    return {**fields, "time_format": time_format}


def _one_or_list(schema: dict[str, Any], said: str) -> dict[str, Any]:
    return {"oneOf": [schema, {"type": "array", "items": schema}], "description": said}


def _answer_of(model: ServedModel, more: dict[str, Any]) -> dict[str, Any]:
    cutoff = {"type": "object"} if model.reader.is_panel else {"type": ["string", "integer"]}
    records = {"type": ["array", "null"], "items": {"type": "object"}}
    return {"type": "object", "properties": {"model": _TEXT, **more, "cutoff": cutoff, "forecast": records}}
