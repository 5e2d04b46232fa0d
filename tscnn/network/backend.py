"""Keras, imported quietly, and the few things that depend on its backend and its devices."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tscnn.common.checks import received
from tscnn.common.scopes import SharedScope

__all__ = [
    "agree_on",
    "can_jit",
    "check_device",
    "device_scope",
    "find_distribution",
    "float32_scope",
    "is_forked",
    "keras",
    "lost_process_scope",
    "on_tensorflow",
    "ops",
    "start_runtime",
    "to_numpy",
]

_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    # Freed memory is kept: giving it back and taking it anew every step costs up to half of the time on a CPU.
    "TF_CPU_ALLOCATOR_USE_BFC": "true",
}


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Silence what native code writes while it loads, with our environment; errors still arrive as exceptions."""
    ours = {name: value for name, value in _ENVIRONMENT.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error
        saved = None
    if saved is not None:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        if saved is not None:
            os.dup2(saved, 2)
            os.close(saved)
        for name in ours:
            os.environ.pop(name, None)


def _import_keras() -> Any:
    state = random.getstate()  # which a package that Keras imports draws from
    try:
        with _quietly():
            import keras

            if keras.backend.backend() == "tensorflow":
                import tensorflow  # noqa: F401
    except ModuleNotFoundError as error:
        line = 'pip install "tensorflow>=2.20" "keras>=3.15.1"'
        raise ImportError(
            f"A network is trained by Keras on TensorFlow, and {error.name} is not installed: {line}. "
            "Without it, network=None fits the linear model alone, and saved models forecast."
        ) from error
    random.setstate(state)
    return keras


keras = _import_keras()
ops = keras.ops

_starting = threading.Lock()
_started_in: int | None = None  # process


def start_runtime() -> None:
    """Start TensorFlow's devices and thread pools, quietly: before the first computation, and not on import."""
    global _started_in
    if _started_in is not None or not on_tensorflow():
        return
    with _starting, _quietly():
        from tensorflow import config

        for gpu in config.list_physical_devices("GPU"):
            with contextlib.suppress(RuntimeError, ValueError):  # somebody has used it already, or split it
                config.experimental.set_memory_growth(gpu, True)
        config.list_logical_devices()  # the first look at the devices is what logs
        _started_in = os.getpid()


def is_forked() -> bool:
    """Return whether this is a forked child of a process that has started TensorFlow.

    Here it would wait forever for threads that a fork leaves behind; a child that is forked before starts its own.
    """
    return _started_in not in (None, os.getpid())


def to_numpy(variable: Any) -> np.ndarray:
    """Copy the values of a ``keras.Variable``, in two steps: asked for a copy, Keras lets NumPy warn."""
    return np.array(np.asarray(variable))


def on_tensorflow() -> bool:
    """Return whether Keras runs on TensorFlow."""
    return bool(keras.backend.backend() == "tensorflow")


def can_jit(device: str) -> bool | str:
    """Return what to pass as ``jit_compile``: on TensorFlow's CPU it costs seconds and gains nothing in training."""
    on_cpu = device.startswith("cpu") or not any(name.startswith("gpu") for name in list_devices())
    return False if on_cpu and on_tensorflow() else "auto"


def list_devices() -> list[str]:
    """List the devices that Keras can use, such as ``["cpu:0", "gpu:0"]``."""
    start_runtime()
    if keras.backend.backend() == "torch":  # of which Keras lists none
        import torch

        return ["cpu:0", *(f"gpu:{i}" for i in range(torch.cuda.device_count()))]
    return sorted({"cpu:0", *keras.distribution.list_devices()})


def check_device(device: str) -> str:
    """Return the name in `list_devices` of "cpu", "gpu" or one of them; "auto" as it is."""
    known = list_devices()
    name = f"{device}:0" if device in ("cpu", "gpu") else device
    if name not in ("auto", *known):
        raise ValueError(received(f"`device` must be 'auto', 'cpu', 'gpu' or one of {known}.", device=device))
    return name


# One model on several devices


class Distribution(NamedTuple):
    """Who trains a model together: devices, each on its part of a batch, that belong to one or several processes."""

    n_devices: int = 1
    process: int = 0
    n_processes: int = 1


def find_distribution() -> Distribution:
    """Return that of the ``keras.distribution.DataParallel`` in effect, or of one device."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return Distribution()
    if keras.backend.backend() != "jax" or not isinstance(distribution, keras.distribution.DataParallel):
        rule = "Several devices train a model under `keras.distribution.DataParallel` on JAX: set KERAS_BACKEND=jax."
        raise ValueError(received(rule, distribution=type(distribution).__name__, backend=keras.backend.backend()))
    import jax

    if jax.process_count() > 1 and distribution.auto_shard_dataset:
        rule = "Each process takes its part of a batch itself: DataParallel(auto_shard_dataset=False)."
        raise ValueError(received(rule, auto_shard_dataset=True))
    return Distribution(distribution.num_model_replicas, jax.process_index(), jax.process_count())


def agree_on(number: int) -> int:
    """Return what the first of several processes that train together is given."""
    if find_distribution().n_processes == 1:
        return number
    from jax.experimental.multihost_utils import broadcast_one_to_all

    return int(broadcast_one_to_all(np.int32(number)))


@contextlib.contextmanager
def lost_process_scope() -> Iterator[None]:
    """Say so where another process ends while this one trains with it."""
    try:
        yield
    except Exception as error:
        n_processes = find_distribution().n_processes
        if n_processes == 1 or not any(word in str(error) for word in ("Gloo", "NCCL", "UNAVAILABLE")):
            raise
        rule = f"All {n_processes} processes that train a model must run to its end, but one no longer answers: see "
        rule += f"its own output, and start all of them again. JAX says: {' '.join(str(error).split())[:120]}"
        raise RuntimeError(rule) from error


@contextlib.contextmanager
def device_scope(device: str) -> Iterator[None]:
    """Make Keras compute on `device` inside, and float32 in all of its digits.

    "auto" leaves the choice to Keras, which takes a GPU where there is one.
    """
    name = check_device(device)
    if name != "auto" and find_distribution().n_devices > 1:
        raise ValueError(received("`device` must be 'auto' where a distribution names the devices.", device=device))
    with contextlib.nullcontext() if name == "auto" else keras.device(name), float32_scope():
        yield


@contextlib.contextmanager
def float32_scope() -> Iterator[None]:
    """Make Keras compute in float32 inside, in all of its digits, whatever the user has set."""
    before = keras.config.dtype_policy()  # of this thread
    digits: Any = contextlib.nullcontext()
    if keras.backend.backend() == "jax":
        import jax

        digits = jax.default_matmul_precision("float32")
    with _process_in_float32, digits:
        keras.config.set_dtype_policy("float32")
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def _in_float32() -> Iterator[None]:
    """Set what all threads share: the default type, TensorFloat-32, and a needless warning.

    TensorFloat-32 rounds what float32 products multiply to ten bits: on a level of 1,000 standard deviations forecasts
    would be off by half of one, and those of a long segment differ from those of a single window.
    """
    floatx = keras.config.floatx()
    keras.config.set_floatx("float32")
    with _as_tensorflow() if on_tensorflow() else contextlib.nullcontext():
        try:
            yield
        finally:
            keras.config.set_floatx(floatx)


@contextlib.contextmanager
def _as_tensorflow() -> Iterator[None]:
    import tensorflow as tf

    options = tf.config.experimental
    rounds = options.tensor_float_32_execution_enabled()
    options.enable_tensor_float_32_execution(False)
    tf.get_logger().addFilter(_is_needed)
    try:
        yield
    finally:
        tf.get_logger().removeFilter(_is_needed)
        options.enable_tensor_float_32_execution(rounds)


def _is_needed(record: logging.LogRecord) -> bool:
    """Drop the warning of retracing: each fit is a model of its own."""
    return "retracing" not in str(record.msg)


_process_in_float32 = SharedScope(_in_float32)
