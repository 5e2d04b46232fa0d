"""The loss that a network is trained by: a squared error, another one of Keras, or a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tscnn.common.checks import received, show

__all__ = ["NAMES", "check_loss", "is_squared_error", "loss_function"]

SQUARED = ("mse", "mean_squared_error")
NAMES = (*SQUARED, "mae", "mean_absolute_error", "huber", "log_cosh")
RULE = f"`loss` must be one of {', '.join(map(repr, NAMES))}, or a function (outcomes, forecasts) -> loss"


def is_squared_error(loss: Any) -> bool:
    """Tell what linear terms, solved in closed form, forecast best by.

    Parameters
    ----------
    loss : str or callable
        Of `Training`. Keras is imported for what is not in `NAMES` only.

    Returns
    -------
    bool
        Whether it is the squared error, by name or as Keras has it.

    Raises
    ------
    TypeError, ValueError
        If it is no loss, or one of Keras's that fits no regression.
    """
    return _name(loss) in SQUARED


def loss_function(loss: Any) -> Callable[[Any, Any], Any]:
    """Return a loss as a function.

    Parameters
    ----------
    loss : str or callable
        Of `Training`.

    Returns
    -------
    callable
        (outcomes, forecasts) of shape (.., n_targets) -> loss of shape (..).
    """
    from tscnn.network.backend import keras

    found = keras.losses.get(loss)
    function: Callable[[Any, Any], Any] = found.call if isinstance(found, keras.losses.Loss) else found
    return function


def check_loss(loss: Any, n_targets: int) -> None:
    """Try a loss on a few values.

    Parameters
    ----------
    loss : str or callable
        Of `Training`.
    n_targets : int
        Columns that are forecast.

    Raises
    ------
    TypeError, ValueError
        If it is no loss of Keras that fits a regression, or a function that fails, or returns something else than a
        finite loss for each step of each forecast.
    """
    if _name(loss) is not None:
        return
    from tscnn.network.backend import ops

    shape = (2, 3, 4, n_targets)  # (batch, origins, horizon, targets)
    outcomes, forecasts = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    try:
        found = np.asarray(
            ops.convert_to_numpy(loss_function(loss)(*map(ops.convert_to_tensor, (outcomes, forecasts))))
        )
    except Exception as error:  # noqa: BLE001 - it is the user's
        rule = f"{RULE} of tensors of shape (.., n_targets), but it fails: {' '.join(str(error).split())[:120]}."
        raise ValueError(received(rule, loss=loss)) from None
    if found.shape != shape[:-1]:
        rule = f"{RULE} that averages over the last axis alone, as `keras.ops.mean(.., axis=-1)` does."
        raise ValueError(received(rule, loss=loss, from_shape=shape, to_shape=found.shape))
    if not np.isfinite(found).all():
        rule = f"{RULE} that is finite on standardised columns, whose values are negative as often as not."
        raise ValueError(received(rule, loss=loss))


def _name(loss: Any) -> str | None:
    """Return which of `NAMES` a loss is, None for a function or a loss that is none of Keras's own."""
    if isinstance(loss, str) and loss in NAMES:
        return str(loss)
    from tscnn.network.backend import keras

    try:
        found = None if loss is None else keras.losses.get(loss)
    except Exception:  # noqa: BLE001 - a class may fail in its own way
        found = None
    if found is None:
        raise (ValueError if isinstance(loss, str) else TypeError)(received(f"{RULE}.", loss=loss))
    function = getattr(found, "fn", found) if _is_keras(type(found)) else found
    if not _is_keras(function):
        return None
    name = str(getattr(function, "__name__", type(function).__name__))
    if name not in NAMES:
        rule = f"{RULE}: {show(name)} is for classes, or for positive values, and columns are standardised."
        raise ValueError(received(rule, loss=loss))
    return name


def _is_keras(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("keras.")
