"""Keras, imported quietly, and the few things that depend on its backend and its devices."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from tscnn.common.checks import received

__all__ = ["can_jit", "check_device", "device_scope", "keras", "on_tensorflow", "ops", "precision_scope"]


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """Silence what native code writes while it loads; errors still arrive as exceptions."""
    saved = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def _import_keras() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Freed memory is kept: giving it back and taking it anew every step costs up to half of the time on a CPU.
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    with _without_stderr():
        import keras

        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            for gpu in tf.config.list_physical_devices("GPU"):
                with contextlib.suppress(RuntimeError):  # somebody has used it already
                    tf.config.experimental.set_memory_growth(gpu, True)
            tf.get_logger().setLevel("ERROR")  # each fit is a model of its own, which it takes for needless retracing
            tf.config.list_logical_devices()  # the first look at the devices is what logs
    return keras


keras = _import_keras()
ops = keras.ops


@contextlib.contextmanager
def precision_scope(precision: str | None) -> Iterator[None]:
    """Make the layers that are built inside compute in `precision`, a Keras dtype policy; None leaves it as it is."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(before if precision is None else precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def on_tensorflow() -> bool:
    """Return whether Keras runs on TensorFlow."""
    return bool(keras.backend.backend() == "tensorflow")


def can_jit(device: str) -> bool | str:
    """Return what to pass as ``jit_compile``: on TensorFlow's CPU it costs seconds and gains nothing in training."""
    on_cpu = device.startswith("cpu") or not any(name.startswith("gpu") for name in list_devices())
    return False if on_cpu and on_tensorflow() else "auto"


def list_devices() -> list[str]:
    """List the devices that Keras can use, such as ``["cpu:0", "gpu:0"]``."""
    return sorted({"cpu:0", *keras.distribution.list_devices()})


def check_device(device: str) -> str:
    """Return the name in `list_devices` of "cpu", "gpu" or one of them; "auto" as it is."""
    known = list_devices()
    name = f"{device}:0" if device in ("cpu", "gpu") else device
    if name not in ("auto", *known):
        raise ValueError(received(f"`device` must be 'auto', 'cpu', 'gpu' or one of {known}.", device=device))
    return name


@contextlib.contextmanager
def device_scope(device: str) -> Iterator[None]:
    """Make Keras compute on `device` inside, and float32 in all of its digits.

    "auto" leaves the choice to Keras, which takes a GPU where there is one.
    """
    name = check_device(device)
    with contextlib.nullcontext() if name == "auto" else keras.device(name), _all_digits():
        yield


@contextlib.contextmanager
def _all_digits() -> Iterator[None]:
    """Keep GPUs from rounding what float32 products multiply to ten bits, TensorFloat-32.

    On a level of 1,000 standard deviations forecasts would be off by half of one, and those of a long segment differ
    from those of a single window.
    """
    if on_tensorflow():
        from tensorflow import config

        before = config.experimental.tensor_float_32_execution_enabled()
        config.experimental.enable_tensor_float_32_execution(False)
        try:
            yield
        finally:
            config.experimental.enable_tensor_float_32_execution(before)
    elif keras.backend.backend() == "jax":
        import jax

        with jax.default_matmul_precision("float32"):
            yield
    else:
        yield
