"""What an exported model takes and returns; and what can't be exported, said before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tscnn.common.checks import received
from tscnn.common.term import ExportedTerm
from tscnn.data.graph_times import lists_holidays
from tscnn.data.schema import Schema
from tscnn.exporting import onnx_ops
from tscnn.exporting.onnx_ops import Graph, Traced
from tscnn.exporting.pipeline_graph import forecast_in_graph
from tscnn.forecasting.pipeline import Pipeline
from tscnn.network import NetworkTerm
from tscnn.network.activations import ACTIVATIONS

__all__ = ["CLOSE", "Plan", "plan_export"]

CLOSE = 1e-5  # standard deviations that a forecast may be off by
EXAMPLES = 2  # windows that are traced, whatever their number


@dataclass(frozen=True)
class Plan:
    """A model to be written.

    Attributes
    ----------
    pipeline : Pipeline
        The fitted model.
    levels : ndarray of shape (n_levels,)
        Of quantiles, ascending; may be empty.
    fills : bool
        Of `forecast_in_graph`.
    graph : Graph
        Of ONNX.
    inputs, outputs : dict of str to Traced
        By name.
    description : dict
        Of what JSON holds: of each input and output "shape", "dtype" and what its entries are.
    """

    pipeline: Pipeline
    levels: np.ndarray
    fills: bool
    graph: Graph
    inputs: dict[str, Traced]
    outputs: dict[str, Traced]
    description: dict[str, Any]


def plan_export(pipeline: Pipeline, schema: Schema, levels: np.ndarray, dtype: Any) -> Plan:
    """Find out what a model takes, and whether it can be exported.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted model.
    schema : Schema
        Of its training data.
    levels : ndarray of shape (n_levels,)
        Of quantiles, ascending; may be empty.
    dtype : dtype
        That values come in and forecasts go out in.

    Returns
    -------
    Plan
        Of a model that equals `predict`.

    Raises
    ------
    ValueError
        Naming the part that can't be exported, and what does without it.
    """
    _check_parts(pipeline)
    if dtype == np.float32:
        _check_precision(pipeline, schema)
    graph, names, fills = Graph(), pipeline.standardize.names, schema.missing == "mask"
    n_times = pipeline.lookback + pipeline.horizon
    rows = np.zeros((EXAMPLES, pipeline.lookback, len(schema.features)), dtype)
    examples = {"rows": rows, "clock": np.full((EXAMPLES, n_times, 2), 20_000, np.int32)}
    if schema.kind == "integers":
        del examples["clock"]
    if schema.ahead:
        examples["covariates"] = np.zeros((EXAMPLES, n_times, len(schema.covariates)), dtype)
    if names is not None:
        examples["series"] = np.zeros(EXAMPLES, np.int32)
    inputs = {name: Traced(graph, name, value) for name, value in examples.items()}
    with np.errstate(all="ignore"):  # the numbers of an example say nothing
        outputs = forecast_in_graph(pipeline, inputs, onnx_ops, levels, fills)
    needed = graph.prune([one.name for one in outputs.values()])
    inputs = {name: one for name, one in inputs.items() if name == "rows" or name in needed}
    described: dict[str, dict[str, Any]] = {
        "rows": {"columns": [str(name) for name in schema.features]},
        "clock": {"entries": ["days since 1970-01-01", "seconds since midnight"]},
        "covariates": {"columns": [str(name) for name in schema.covariates]},
        "series": {"names": None if names is None else [str(name) for name in names]},
        "forecast": {"columns": [str(name) for name in schema.target_names]},
        "quantiles": {"levels": levels.tolist()},
    }

    def describe(tensors: dict[str, Traced]) -> dict[str, Any]:
        return {
            name: {"shape": ["batch", *one.shape[1:]], "dtype": one.dtype.name, **described[name]}
            for name, one in tensors.items()
        }

    description = {"inputs": describe(inputs), "outputs": describe(outputs)}
    return Plan(pipeline, levels, fills, graph, inputs, outputs, description)


def _check_parts(pipeline: Pipeline) -> None:
    """Complain about a part that can't be written."""
    for term in pipeline.terms:
        if not isinstance(term, ExportedTerm):
            rule = "A part of this model can't be exported; `pipeline_.without(..)` leaves it out."
            raise ValueError(received(rule, term=term.name))
        if isinstance(term, NetworkTerm) and term.config.activation not in ACTIVATIONS:
            rule = f"This activation can't be exported; a fit with one of {', '.join(ACTIVATIONS)} can."
            raise ValueError(received(rule, activation=term.config.activation))
    for part in pipeline.parts:
        basis = getattr(part, "basis", None) or getattr(part, "inputs", None)
        calendar = getattr(basis, "calendar", ())
        if lists_holidays(calendar):
            rule = "Holidays of a calendar can't be exported, for a model of another runtime doesn't know them: fit"
            rule += " with a column of them in `future_covariates`, and a `calendar` without."
            raise ValueError(received(rule, calendar=calendar))


def _check_precision(pipeline: Pipeline, schema: Schema) -> None:
    """Complain about columns whose level float32 can't tell as finely as forecasts are to be."""
    known = pipeline.standardize
    mean, scale = np.atleast_2d(known.mean), np.atleast_2d(known.scale)  # of each series
    sizes = np.abs(mean) / scale * np.finfo(np.float32).eps / 2
    if sizes.max() > CLOSE:
        at = np.unravel_index(sizes.argmax(), sizes.shape)
        rule = "LiteRT computes in float32, in which a column of this level loses what it varies by:"
        rule += " `format='onnx'` computes in float64; or fit with a constant subtracted."
        raise ValueError(received(rule, column=schema.features[at[1]], mean=float(mean[at]), scale=float(scale[at])))
