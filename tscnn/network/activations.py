"""Activations by name, for any operations: those of Keras, and "gated"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tscnn.common import numpy_ops
from tscnn.common.checks import received
from tscnn.network.functional import gate

__all__ = ["ACTIVATIONS", "check_activation", "find_activation"]

Activation = Callable[[np.ndarray], np.ndarray]


def _elu(x: Any, ops: Any) -> Any:
    return ops.where(x > 0, x, ops.expm1(ops.minimum(x, 0)))


def _selu(x: Any, ops: Any) -> Any:
    return 1.05070098 * ops.where(x > 0, x, 1.67326324 * ops.expm1(ops.minimum(x, 0)))


def _gelu(x: Any, ops: Any) -> Any:
    return 0.5 * x * (1 + ops.erf(x * 0.70710678))


def _softplus(x: Any, ops: Any) -> Any:
    return ops.maximum(x, 0) + ops.log(1 + ops.exp(-ops.abs(x)))


def _hard_sigmoid(x: Any, ops: Any) -> Any:
    return _clip(x / 6 + 0.5, 0, 1, ops)


def _clip(x: Any, low: float, high: float, ops: Any) -> Any:
    return ops.minimum(ops.maximum(x, low), high)


ACTIVATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "gated": gate,
    "celu": _elu,
    "elu": _elu,
    "exponential": lambda x, ops: ops.exp(x),
    "gelu": _gelu,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda x, ops: x * _hard_sigmoid(x, ops),
    "hard_swish": lambda x, ops: x * _hard_sigmoid(x, ops),
    "hard_tanh": lambda x, ops: _clip(x, -1, 1, ops),
    "leaky_relu": lambda x, ops: ops.maximum(x, 0.2 * x),
    "linear": lambda x, ops: x,  # noqa: ARG005
    "log_sigmoid": lambda x, ops: -_softplus(-x, ops),
    "mish": lambda x, ops: x * ops.tanh(_softplus(x, ops)),
    "relu": lambda x, ops: ops.maximum(x, 0),
    "relu6": lambda x, ops: _clip(x, 0, 6, ops),
    "selu": _selu,
    "sigmoid": lambda x, ops: ops.sigmoid(x),
    "silu": lambda x, ops: x * ops.sigmoid(x),
    "softplus": _softplus,
    "softsign": lambda x, ops: x / (1 + ops.abs(x)),
    "swish": lambda x, ops: x * ops.sigmoid(x),
    "tanh": lambda x, ops: ops.tanh(x),
    "tanh_shrink": lambda x, ops: x - ops.tanh(x),
}


def find_activation(name: str, ops: Any = numpy_ops) -> Activation:
    """Return the activation of a name.

    Parameters
    ----------
    name : str
        Of `check_activation`.
    ops : module, default `tscnn.common.numpy_ops`
        Of the same names, for what it is computed in.

    Returns
    -------
    callable
        In these operations; on arrays of Keras itself, which is imported, where the name is not in `ACTIVATIONS`.
    """
    return (lambda x: ACTIVATIONS[name](x, ops)) if name in ACTIVATIONS else partial(_activate_by_keras, name)


def _activate_by_keras(name: str, x: np.ndarray) -> np.ndarray:
    from tscnn.network.backend import keras, ops

    return np.asarray(ops.convert_to_numpy(keras.activations.get(name)(ops.convert_to_tensor(x))))


def check_activation(activation: Any) -> str:
    """Return `activation`, or raise if it is neither "gated" nor the name of a Keras activation of one array.

    Parameters
    ----------
    activation : str
        What is checked. Keras is imported only for a name that is not in `ACTIVATIONS`.

    Returns
    -------
    str
        The same.

    Raises
    ------
    TypeError, ValueError
        If it is no string, or names nothing.
    """
    rule = "`activation` must be 'gated' or the name of a Keras activation of one array, such as 'relu'."
    if not isinstance(activation, str):
        raise TypeError(received(rule, activation=activation))
    if activation not in ACTIVATIONS and not _keeps_shape(activation):
        raise ValueError(received(rule, activation=activation))
    return str(activation)


def _keeps_shape(name: str) -> bool:
    """Return whether Keras has a function of this name that needs nothing but an array, and returns one like it."""
    values = np.zeros((2, 4), np.float32)
    try:
        return _activate_by_keras(name, values).shape == values.shape
    except (TypeError, ValueError):
        return False
