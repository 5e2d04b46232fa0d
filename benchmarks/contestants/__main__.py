"""Measure one contestant in this process: ``python -m benchmarks.contestants TASK.json ANSWER.json``."""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.contestants import CONTESTANTS, Contestant
from benchmarks.contestants.common import Settings
from benchmarks.report import peak_memory, read_versions

LIBRARIES = ("tensorflow", "keras", "torch", "numpy", "pandas", "tscnn", "keras-tcn", "darts", "neuralforecast")


def _make(contestant: Contestant, settings: Settings, options: dict[str, Any]) -> Any:
    module = importlib.import_module(f"benchmarks.contestants.{contestant.module}")
    return module.Model(settings, **{**contestant.options, **options})


def _frame(task: dict[str, Any]) -> pd.DataFrame:
    values = np.load(task["values"])
    times = pd.date_range("2016-07-01", periods=len(values), freq=task["freq"])
    return pd.DataFrame(values, index=times, columns=[f"column_{i}" for i in range(values.shape[1])])


def measure_speed(model: Any, contestant: Contestant, task: dict[str, Any]) -> dict[str, float]:
    """Train, backtest, forecast and stream, each after a warm-up."""
    settings, frame = model.settings, _frame(task)
    window = getattr(model, "lookback", settings.lookback) + settings.horizon  # some see a row more
    n_rows = min(len(frame), window - 1 + contestant.train_batches * settings.batch_size)
    seconds = model.train(frame.iloc[:n_rows], contestant.epochs)
    measures = {"train_per_s": (n_rows - window + 1) / statistics.median(seconds[1:])}
    measures["training_peak_gb"] = peak_memory() / 1e9

    part = frame.iloc[-min(len(frame), window - 1 + contestant.backtest_origins) :]
    model.backtest(part)  # what is compiled once is compiled now
    seconds = []
    for _ in range(task["repeats"]):
        began = time.perf_counter()
        forecasts = model.backtest(part)
        seconds.append(time.perf_counter() - began)
        if forecasts.shape != (len(part) - window + 1, settings.horizon, frame.shape[1]):
            raise RuntimeError(f"The backtest returned forecasts of shape {forecasts.shape}.")
    measures["backtest_per_s"] = len(forecasts) / statistics.median(seconds)

    seconds = [_seconds(model.predict, frame.iloc[: -1 - i]) for i in range(task["predictions"])][3:]
    measures["predict_median_s"] = statistics.median(seconds)
    measures["predict_p99_s"] = float(np.quantile(seconds, 0.99))
    if hasattr(model, "stream"):
        measures |= model.stream(frame, min(len(frame), 1000))
    return {**measures, "peak_gb": peak_memory() / 1e9}


def _seconds(function: Any, frame: pd.DataFrame) -> float:
    context = frame.iloc[-5100:].copy()
    context.index.freq = frame.index.freq
    began = time.perf_counter()
    forecast = function(context)
    if not np.isfinite(np.asarray(forecast)).all():
        raise RuntimeError("A forecast is not finite.")
    return time.perf_counter() - began


def measure_first(model: Any, _: Contestant, task: dict[str, Any]) -> dict[str, float]:
    """Train a little and forecast: what `started`, when this process was, is there for."""
    frame = _frame(task)
    model.train(frame, task["epochs"])
    forecast = model.predict(frame)
    if len(forecast) != model.settings.horizon:
        raise RuntimeError(f"The forecast has {len(forecast)} rows.")
    return {"first_forecast_s": time.time() - task["started"], "first_peak_gb": peak_memory() / 1e9}


def measure_accuracy(model: Any, contestant: Contestant, task: dict[str, Any]) -> dict[str, Any]:
    """Train until the validation error is as good as the target's, or the time is over."""
    from benchmarks.contestants.accuracy import train_to_target

    return train_to_target(model, contestant, _frame(task), task)


def measure_save(model: Any, _: Contestant, task: dict[str, Any]) -> dict[str, float]:
    """Train a little, and save."""
    model.train(_frame(task), 1)
    path = Path(task["path"])
    model.save(path)
    files = [each for each in path.parent.rglob("*") if each.is_file() and str(each).startswith(str(path))]
    return {"saved_mb": sum(each.stat().st_size for each in files) / 1e6}


def measure_start(model: Any, _: Contestant, task: dict[str, Any]) -> dict[str, float]:
    """Load what was saved and forecast: what `started`, when this process was, is there for."""
    model.load(Path(task["path"]))
    forecast = model.predict(_frame(task))
    if len(forecast) != model.settings.horizon:
        raise RuntimeError(f"The forecast has {len(forecast)} rows.")
    return {"start_s": time.time() - task["started"], "start_peak_mb": peak_memory() / 1e6}


MEASURES = {
    "speed": measure_speed,
    "first": measure_first,
    "accuracy": measure_accuracy,
    "save": measure_save,
    "start": measure_start,
}


def main() -> None:
    """Read the task, write the answer."""
    task_file, answer_file = map(Path, sys.argv[1:])
    task = json.loads(task_file.read_text())
    contestant = CONTESTANTS[task["contestant"]]
    model = _make(contestant, Settings(**task["settings"]), task.get("options", {}))
    measures = MEASURES[task["measure"]](model, contestant, task)
    answer_file.write_text(json.dumps({"measures": measures, "versions": read_versions(LIBRARIES)}))


if __name__ == "__main__":
    main()
