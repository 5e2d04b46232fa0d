"""The part of ``keras.ops`` that forecasts need, in NumPy.

What is written against a namespace `ops`, this module or ``keras.ops``, is one piece of mathematics for training and
for inference, which needs no Keras. Names, arguments and results are those of Keras; results may be views.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import (
    abs,
    concatenate,
    cos,
    cumsum,
    equal,
    exp,
    expm1,
    floor_divide,
    log,
    matmul,
    max,
    maximum,
    mean,
    min,
    minimum,
    mod,
    not_equal,
    ones_like,
    pad,
    sin,
    sort,
    sqrt,
    square,
    stack,
    sum,
    take,
    take_along_axis,
    tanh,
    where,
    zeros_like,
)

__all__ = [
    "abs",
    "cast",
    "concatenate",
    "convert_to_numpy",
    "convert_to_tensor",
    "cos",
    "cumsum",
    "equal",
    "erf",
    "exp",
    "expm1",
    "floor_divide",
    "log",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mod",
    "not_equal",
    "ones_like",
    "pad",
    "reshape",
    "shape",
    "sigmoid",
    "sin",
    "slice",
    "sort",
    "split",
    "sqrt",
    "square",
    "stack",
    "sum",
    "take",
    "take_along_axis",
    "tanh",
    "transpose",
    "where",
    "zeros_like",
]


def erf(x: np.ndarray) -> np.ndarray:
    """Return the error function."""
    from scipy.special import erf as found  # takes longer to import than to load a model and forecast

    return np.asarray(found(x))


def cast(x: Any, dtype: Any) -> np.ndarray:
    """Return an array in another type.

    Parameters
    ----------
    x : array_like
        Of any shape.
    dtype : str or dtype
        Of the values.

    Returns
    -------
    ndarray
        Itself, if it is of that type.
    """
    return np.asarray(x).astype(dtype, copy=False)


def convert_to_numpy(x: Any) -> np.ndarray:
    """Return an array as it is.

    Parameters
    ----------
    x : array_like
        Of any shape.

    Returns
    -------
    ndarray
        Of the same.
    """
    return np.asarray(x)


def convert_to_tensor(x: Any) -> np.ndarray:
    """Return an array as it is: what is a tensor elsewhere is an array here.

    Parameters
    ----------
    x : array_like
        Of any shape.

    Returns
    -------
    ndarray
        Of the same.
    """
    return np.asarray(x)


def reshape(x: np.ndarray, newshape: Sequence[int]) -> np.ndarray:
    """Return an array in another shape: the method, which takes a tenth of the time of NumPy's function.

    Parameters
    ----------
    x : ndarray
        Of any shape.
    newshape : sequence of int
        Of as many values; -1 stands for what is left.

    Returns
    -------
    ndarray of shape `newshape`
        A view where possible.
    """
    return x.reshape(newshape)


def transpose(x: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Return an array with its axes in another order.

    Parameters
    ----------
    x : ndarray
        Of any shape.
    axes : sequence of int
        The old axes, in the new order.

    Returns
    -------
    ndarray
        A view.
    """
    return x.transpose(axes)


def shape(x: np.ndarray) -> tuple[int, ...]:
    """Return the shape of an array.

    Parameters
    ----------
    x : ndarray
        Of any shape.

    Returns
    -------
    tuple of int
        Its sizes.
    """
    return x.shape


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return ``1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : ndarray
        Of any shape.

    Returns
    -------
    ndarray
        Of the same shape.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).round(3)
    array([0. , 0.5, 1. ])
    """
    y = np.maximum(x, -80)  # whose exponential float32 still holds
    np.negative(y, out=y)
    np.exp(y, out=y)
    y += 1
    return np.reciprocal(y, out=y)


def slice(inputs: np.ndarray, start_indices: Sequence[int], shape: Sequence[int]) -> np.ndarray:
    """Return a block of an array.

    Parameters
    ----------
    inputs : ndarray
        Of any shape.
    start_indices, shape : sequence of int
        First corner and sizes of the block, one number for each axis.

    Returns
    -------
    ndarray of shape `shape`
        A view.
    """
    pairs = zip(start_indices, shape, strict=True)
    return inputs[tuple([builtins.slice(start, start + size) for start, size in pairs])]


def split(x: np.ndarray, indices_or_sections: int, axis: int = 0) -> list[np.ndarray]:
    """Cut an array into equal parts.

    Parameters
    ----------
    x : ndarray
        Of any shape.
    indices_or_sections : int
        Number of parts.
    axis : int, default 0
        That is cut.

    Returns
    -------
    list of ndarray
        Views.
    """
    if axis != -1:
        return np.split(x, indices_or_sections, axis)
    size = x.shape[-1] // indices_or_sections
    return [x[..., i * size : (i + 1) * size] for i in range(indices_or_sections)]
