"""Writing a model for TensorFlow and for LiteRT."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tscnn.common.archive.writing import replacing
from tscnn.common.checks import received
from tscnn.exporting.pipeline_graph import forecast_in_graph
from tscnn.exporting.plan import Plan

__all__ = ["write_litert", "write_saved_model"]


def write_saved_model(plan: Plan, place: Path) -> None:
    """Write a model as TensorFlow's SavedModel, with a description in ``assets.extra/tscnn.json``.

    Parameters
    ----------
    plan : Plan
        Of the model.
    place : Path
        A folder, which takes the place of an older SavedModel at once.

    Raises
    ------
    ImportError, ValueError
        If Keras doesn't run on TensorFlow.
    """
    module, function = _function_of(plan)
    import tensorflow as tf

    with _replacing_folder(place) as folder:
        tf.saved_model.save(module, str(folder), signatures=function)
        (folder / "assets.extra").mkdir()
        (folder / "assets.extra" / "tscnn.json").write_text(json.dumps(plan.description, indent=2), "utf-8")


def write_litert(plan: Plan, place: Path) -> None:
    """Write a model for LiteRT, once TensorFlow Lite.

    Parameters
    ----------
    plan : Plan
        Of the model, in float32.
    place : Path
        Of `find_place`.

    Raises
    ------
    ImportError, ValueError
        If Keras doesn't run on TensorFlow.
    """
    module, function = _function_of(plan)
    import tensorflow as tf

    converted = tf.lite.TFLiteConverter.from_concrete_functions([function], module).convert()
    with replacing(place) as file:
        file.write(converted)


def _function_of(plan: Plan) -> tuple[Any, Any]:
    """Return a module of TensorFlow, and its function of the inputs by name."""
    from tscnn.network.backend import float32_scope, on_tensorflow, ops, start_runtime

    if not on_tensorflow():
        rule = "This format needs Keras on TensorFlow: KERAS_BACKEND=tensorflow in the environment; `format='onnx'`"
        raise ValueError(received(f"{rule} does without.", format="saved_model or litert"))
    start_runtime()
    import tensorflow as tf

    def forecast(**inputs: Any) -> Any:
        return forecast_in_graph(plan.pipeline, inputs, ops, plan.levels, plan.fills)

    specs = {name: tf.TensorSpec([None, *one.shape[1:]], one.dtype, name) for name, one in plan.inputs.items()}
    with float32_scope(), tf.device("CPU"):
        # No attribute of the module: TensorFlow would trace the function again when it saves it.
        return tf.Module(), tf.function(forecast, autograph=False).get_concrete_function(**specs)


@contextlib.contextmanager
def _replacing_folder(place: Path) -> Iterator[Path]:
    """Make a folder beside `place`, which takes its place once it is complete, or is removed."""
    beside, old = (place.with_name(f".tscnn-{secrets.token_hex(8)}.{kind}") for kind in ("part", "old"))
    try:
        beside.mkdir()
        yield beside
        if place.exists():
            place.rename(old)
        beside.rename(place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        if old.exists() and not place.exists():
            old.rename(place)
        shutil.rmtree(old, ignore_errors=True)
