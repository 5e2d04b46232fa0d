"""A checkpoint of a fit: what tells it from others, and going on from it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.mapped import MOST_ROWS, blocks
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.parameters import GROUPS, CheckedParameters
from tscnn.training.checkpoint import Checkpoint

__all__ = ["open_checkpoint"]

_NO_MATTER = ("device", "quantiles", "random_state", "verbose")  # to the forecasts, but for the seed, which is kept


def open_checkpoint(
    checkpoint: Any, resume: Any, forecaster: Any, parameters: CheckedParameters, series: SeriesSet, schema: Schema
) -> tuple[CheckedParameters, Checkpoint | None]:
    """Begin the checkpoint of a fit, or go on from one.

    Parameters
    ----------
    checkpoint, resume : str, path-like or None
        Of `Forecaster.fit`.
    forecaster : Forecaster
        For its parameters.
    parameters : CheckedParameters
        The same, with the seed of this fit.
    series : SeriesSet
        Training data.
    schema : Schema
        Of their frame.

    Returns
    -------
    parameters : CheckedParameters
        With the seed of the fit that it goes on from.
    checkpoint : Checkpoint or None
        On the disk; None if neither is asked for.

    Raises
    ------
    TypeError, ValueError, OSError
        If a path is none, or the checkpoint is of other rows or parameters: which.
    """
    if checkpoint is None and resume is None:
        return parameters, None
    if parameters.training.callbacks:
        rule = "`callbacks` must be None with `checkpoint` or `resume`, which can't keep what they remember."
        raise ValueError(received(rule, callbacks=parameters.training.callbacks))
    described = {
        "parameters": _describe_parameters(forecaster),
        "seed": parameters.seed,
        "data": _describe_data(series, schema),
    }
    if resume is None:
        opened = Checkpoint(checkpoint, described)
    else:
        before = Checkpoint.read(resume)
        _check_same(before, described, forecaster)
        opened = Checkpoint(resume if checkpoint is None else checkpoint, before.described, before.states)
        parameters = replace(parameters, seed=before.described["seed"])
    opened.write()
    return parameters, opened


def _check_same(before: Checkpoint, described: dict[str, Any], forecaster: Any) -> None:
    """Complain of a checkpoint of another fit, and say what differs."""
    own, kept = described["parameters"], before.described["parameters"]
    for name in sorted({*own, *kept}):
        if own.get(name) != kept.get(name):
            rule = f"`resume` must be a checkpoint of the same parameters, and its `{name}` is another one."
            raise ValueError(received(rule, **{name: own.get(name), "checkpoint": kept.get(name)}))
    if isinstance(forecaster.random_state, int | np.integer) and described["seed"] != before.described["seed"]:
        rule = "`resume` must be a checkpoint of the same `random_state`; None takes that of the checkpoint."
        raise ValueError(received(rule, random_state=forecaster.random_state))
    for name, digest in described["data"].items():
        if digest != before.described["data"].get(name):
            raise ValueError(
                received(f"`X` must be that of the checkpoint, and its {name} differ.", resume=before.path)
            )


def _describe_parameters(forecaster: Any) -> dict[str, str]:
    """Return what is written of each parameter that counts, flat; of code its name alone."""
    own = forecaster.get_params(deep=True)
    counted = [name for name in own if name not in _NO_MATTER and not (name in GROUPS and own[name] is not None)]
    return {name: re.sub(r" at 0x[0-9a-fA-F]+", "", repr(own[name])) for name in counted}


def _describe_data(series: SeriesSet, schema: Schema) -> dict[str, str]:
    """Return what is another text if a column, a name, a time or a value is another one."""
    times, values = hashlib.sha256(), hashlib.sha256()
    for index in series.indexes:
        times.update(f"{len(index)}".encode())
        for first in range(0, len(index), MOST_ROWS):
            times.update(pd.util.hash_array(index[first : first + MOST_ROWS].to_numpy()).tobytes())
    for table in (series.values, series.covariates):
        for column in () if table is None else table.T:
            for block in blocks(column):
                values.update(np.ascontiguousarray(column[block]).data)
    columns = json.dumps([schema.to_json(), repr(series.names)], default=str)
    return {
        "columns": hashlib.sha256(columns.encode()).hexdigest(),
        "times": times.hexdigest(),
        "values": values.hexdigest(),
    }
