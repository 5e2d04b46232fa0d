"""Parameters of an estimator as a file holds them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.data.encoding import label_from_json, label_to_json, step_from_json, step_to_json
from tscnn.parameters.groups import GROUPS

__all__ = ["describe_parameters", "restore_parameters"]

COLUMNS = {"targets", "future_covariates", "static_covariates", "series_id", "time"}  # parameters that name columns


def describe_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Write parameters of an estimator; code is left out, with a warning to who called the caller's caller.

    Parameters
    ----------
    parameters : mapping
        Of ``get_params(deep=False)``, with "training", "random_state" and "freq".

    Returns
    -------
    dict
        Of what JSON holds.
    """
    described, left_out = dict(parameters), []
    for name in GROUPS.keys() & parameters:
        if is_dataclass(parameters[name]):
            described[name] = _describe_settings(parameters[name])
    training = described["training"]
    for name, kept in (("callbacks", None), ("loss", "mse")) if isinstance(training, dict) else ():
        if not isinstance(training[name], str | None):
            training[name] = kept
            left_out.append(name)
    if not isinstance(parameters["random_state"], int | np.integer | None):
        described["random_state"] = None
        left_out.append("random_state")
    if left_out:
        told = f"{', '.join(f'`{name}`' for name in left_out)} can't be saved: a fit after loading takes the default."
        warnings.warn(received(told, **{name: parameters.get(name, "..") for name in left_out}), stacklevel=4)
    for name in COLUMNS & parameters.keys():
        described[name] = _describe_columns(parameters[name])
    if parameters.get("quantiles") is not None:
        described["quantiles"] = [float(level) for level in parameters["quantiles"]]
    if not isinstance(parameters["freq"], str):
        described["freq"] = step_to_json(parameters["freq"])
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in described.items()}


def _describe_columns(names: Any) -> Any:
    if names is None:
        return None
    if isinstance(names, list | tuple | pd.Index | np.ndarray):
        return {"several": [label_to_json(name) for name in names], "tuple": isinstance(names, tuple)}
    return {"one": label_to_json(names)}


def _describe_settings(settings: Any) -> dict[str, Any]:
    """Write a settings object as a dict of what JSON holds."""
    described = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            value = _describe_settings(value)
        elif isinstance(value, np.ndarray):
            value = value.tolist()
        described[field.name] = value
    return described


def restore_parameters(described: Mapping[str, Any], groups: Mapping[str, Any] = GROUPS) -> dict[str, Any]:
    """Make the parameters that `describe_parameters` wrote.

    Parameters
    ----------
    described : mapping
        After JSON.
    groups : mapping of type, optional
        The classes of parameters that are groups of settings, by name; those of a forecaster if not given.

    Returns
    -------
    dict
        By name.
    """
    parameters = dict(described)
    for name in groups.keys() & parameters:
        if isinstance(parameters[name], dict):
            parameters[name] = _restore_settings(groups[name](), parameters[name])
    for name in COLUMNS & parameters.keys():
        given = parameters[name]
        if isinstance(given, dict) and "one" in given:
            parameters[name] = label_from_json(given["one"])
        elif isinstance(given, dict):
            names = [label_from_json(label) for label in given["several"]]
            parameters[name] = tuple(names) if given["tuple"] else names
    if "quantiles" in parameters:
        parameters["quantiles"] = _tuples(parameters["quantiles"])
    freq = parameters["freq"]
    parameters["freq"] = step_from_json(freq) if isinstance(freq, dict) else freq
    return parameters


def _restore_settings(default: Any, described: Mapping[str, Any]) -> Any:
    """Make a settings object of the class of `default`, with its tuples and its nested objects."""
    values = {}
    for field in fields(default):
        value, like = described[field.name], getattr(default, field.name)
        if is_dataclass(like):
            value = _restore_settings(like, value)
        elif isinstance(value, list):
            value = _tuples(value)
        values[field.name] = value
    return type(default)(**values)


def _tuples(value: Any) -> Any:
    """Turn lists into tuples, as settings have them."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {name: _tuples(item) for name, item in value.items()}
    return value
