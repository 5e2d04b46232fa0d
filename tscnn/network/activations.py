"""Activations by name, in NumPy: those of Keras, and "gated"."""

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


def _relu6(x: np.ndarray) -> np.ndarray:
    return np.clip(x, 0, 6)


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _gelu(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf  # takes longer to import than to load a model and forecast

    return np.asarray(0.5 * x * (1 + erf(x * 0.70710678)))


def _selu(x: np.ndarray) -> np.ndarray:
    return 1.05070098 * np.where(x > 0, x, 1.67326324 * np.expm1(np.minimum(x, 0)))


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, np.zeros((), x.dtype))


def _hard_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.clip(x / 6 + 0.5, 0, 1)


ACTIVATIONS: dict[str, Activation] = {
    "gated": partial(gate, ops=numpy_ops),
    "celu": _elu,
    "elu": _elu,
    "exponential": np.exp,
    "gelu": _gelu,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "hard_swish": lambda x: x * _hard_sigmoid(x),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "leaky_relu": lambda x: np.maximum(x, 0.2 * x),
    "linear": lambda x: x,
    "log_sigmoid": lambda x: -_softplus(-x),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": _relu6,
    "selu": _selu,
    "sigmoid": numpy_ops.sigmoid,
    "silu": lambda x: x * numpy_ops.sigmoid(x),
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "swish": lambda x: x * numpy_ops.sigmoid(x),
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
}


def find_activation(name: str) -> Activation:
    """Return the activation of a name, on arrays.

    Parameters
    ----------
    name : str
        Of `check_activation`.

    Returns
    -------
    callable
        In NumPy; of Keras itself, which is imported, where the name is not in `ACTIVATIONS`.
    """
    return ACTIVATIONS[name] if name in ACTIVATIONS else partial(_activate_by_keras, name)


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
