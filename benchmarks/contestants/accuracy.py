"""Train a contestant until it forecasts the validation rows as well as asked, or its time is over."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.contestants import Contestant

__all__ = ["squared_error", "start_error", "train_to_target"]


def squared_error(forecasts: np.ndarray, values: np.ndarray, lookback: int) -> float:
    """Return the mean squared error of forecasts (origins, horizon, columns), one from each complete window."""
    horizon = forecasts.shape[1]
    outcomes = np.lib.stride_tricks.sliding_window_view(values[lookback:], horizon, axis=0).transpose(0, 2, 1)
    return float(np.mean(np.square(forecasts - outcomes, dtype=np.float64)))


def train_to_target(model: Any, contestant: Contestant, frame: pd.DataFrame, task: dict[str, Any]) -> dict[str, Any]:
    """Return the seconds that training took to reach ``task["target"]``, None if it didn't, and the best error."""
    if contestant.module == "ours":
        return _train_ours(model, frame, task)
    return _train_peer(model, frame, task)


def _train_peer(model: Any, frame: pd.DataFrame, task: dict[str, Any]) -> dict[str, Any]:
    """Train epoch by epoch; the clock stands still while the validation rows are forecast."""
    training = frame.iloc[: task["first"]]
    validation = frame.iloc[task["first"] - model.settings.lookback :]
    values = validation.to_numpy()
    elapsed, epochs, errors = 0.0, 0, []
    while elapsed < task["seconds"] and epochs < task["epochs"]:
        began = time.perf_counter()
        model.train(training, 1)
        elapsed += time.perf_counter() - began
        epochs += 1
        errors.append(squared_error(model.backtest(validation), values, model.settings.lookback))
        if errors[-1] <= task["target"]:
            break
    reached = elapsed if errors[-1] <= task["target"] else None
    return {"seconds": reached, "best_mse": min(errors), "epochs": epochs, "trained_s": elapsed}


def _train_ours(model: Any, frame: pd.DataFrame, task: dict[str, Any]) -> dict[str, Any]:
    """Fit once; the clock includes the linear start, compilation and all validation."""
    import keras

    import tscnn.forecaster  # noqa: F401

    values, lookback, horizon = frame.to_numpy(), model.settings.lookback, model.settings.horizon
    validation = values[task["first"] - lookback :]

    class Watch(keras.callbacks.Callback):
        """Stops `fit` at the target; `idle` is the time that judging the start took here."""

        def __init__(self) -> None:
            super().__init__()
            self.errors: list[float] = []
            self.seconds: float | None = None
            self.idle = 0.0

        def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
            now = time.perf_counter()
            if self.model.forecast.terms is not None:
                known = None if self.model.ahead is None else np.asarray(self.model.ahead)[task["first"] :]
                self._note(start_error(self.model.forecast, validation, lookback, horizon, known), now)
            self.idle += time.perf_counter() - now

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
            self._note(logs["val_loss"], time.perf_counter())

        def _note(self, error: float, now: float) -> None:
            self.errors.append(float(error))
            if self.seconds is None and error <= task["target"]:
                self.seconds = now - began - self.idle
            if self.seconds is not None or now - began > task["seconds"]:
                self.model.stop_training = True

    watch = Watch()
    began = time.perf_counter()
    settings = {"validation_fraction": task["fraction"], "callbacks": [watch], "patience": task["epochs"]}
    settings |= {name: task[name] for name in ("segment_origins",) if name in task}
    model.train(frame, task["epochs"], **settings)
    trained = time.perf_counter() - began
    return {"seconds": watch.seconds, "best_mse": min(watch.errors), "epochs": len(watch.errors), "trained_s": trained}


def start_error(
    forecast: Any, values: np.ndarray, lookback: int, horizon: int, known: np.ndarray | None = None
) -> float:
    """Judge a network beside its linear terms on every window of `values` that has outcomes after it.

    `known` (len(values) - lookback, n_ahead) is what the network is told of the times of the outcomes.
    """
    windows = np.lib.stride_tricks.sliding_window_view(values[:-horizon], lookback, axis=0).transpose(0, 2, 1)
    given = [windows]
    if known is not None:
        given.append(np.lib.stride_tricks.sliding_window_view(known, horizon, axis=0).transpose(0, 2, 1)[:, None])
    blocks = [np.asarray(forecast(*(each[i : i + 256] for each in given)))[:, 0] for i in range(0, len(windows), 256)]
    return squared_error(np.concatenate(blocks), values, lookback)
