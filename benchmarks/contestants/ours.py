"""tscnn."""

from __future__ import annotations

import statistics
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.contestants.common import EpochClock, Settings, keras_clock, powers_of_two
from tscnn.data.times import Times


class Model:
    """`tscnn.Forecaster`: dilations 1, 2, 4, .. in the joint mode without linear model, or everything by default.

    The dilations are the most that fit into the lookback; the rolling normaliser sees the rest of it.
    """

    def __init__(
        self, settings: Settings, *, default: bool = False, mode: str = "dense", linear_model: str | None = None
    ) -> None:
        self.settings = settings
        self.parameters: dict[str, Any] = {
            "filters": settings.filters,
            "kernel_size": settings.kernel_size,
            "batch_size": settings.batch_size,
            "mode": mode,
        }
        if not default:
            rates = powers_of_two(settings.lookback, settings.kernel_size, cover=False)
            self.parameters |= {"dilation_rates": rates, "linear_model": linear_model, "dropout": 0.0}

    def train(self, frame: pd.DataFrame, epochs: int, **parameters: Any) -> list[float]:
        """Train from scratch on all rows, and return the seconds of each epoch."""
        from tscnn import Forecaster

        clock = EpochClock()
        given = {"validation_fraction": 0, "callbacks": [keras_clock(clock)], **parameters}
        settings = self.settings
        self.forecaster = Forecaster(
            settings.lookback,
            settings.horizon,
            epochs=epochs,
            random_state=settings.seed,
            verbose=0,
            **self.parameters,
            **given,
        ).fit(frame)
        return clock.seconds

    def save(self, path: Path) -> None:
        """Save the forecaster."""
        self.forecaster.save(path)

    def load(self, path: Path) -> None:
        """Load it."""
        from tscnn import Forecaster

        self.forecaster = Forecaster.load(path)

    def predict(self, context: pd.DataFrame) -> pd.DataFrame:
        """Forecast the steps after a context, by the public method."""
        return self.forecaster.predict(context)

    def backtest(self, frame: pd.DataFrame) -> np.ndarray:
        """Forecast from every row with a complete window: (origins, horizon, columns)."""
        forecasts = self.forecaster.backtest(frame).to_numpy().T  # columns lie one behind the other
        return forecasts.reshape(frame.shape[1], -1, self.settings.horizon).transpose(1, 2, 0)

    def stream(self, frame: pd.DataFrame, n_rows: int) -> dict[str, float]:
        """Seconds of one row: of ``Stream.update``, of the pipeline below it, and of the network's stack alone."""
        context, rows = frame.iloc[: self.settings.lookback], frame.to_numpy()[:n_rows]
        stream, pipeline = self.forecaster.stream(context), self.forecaster.pipeline_
        measured = {"stream_update_s": _median_seconds(stream.update, rows)}
        inputs = pipeline.apply(rows, Times(frame.index[:n_rows]))[:, None]
        parts = [("stream_network_s", pipeline)]
        parts += [("stream_stack_s", term) for term in pipeline.terms if term.name == "network"]
        for name, part in parts:
            state = part.start(pipeline.apply(context.to_numpy(), Times(context.index))[None])
            measured[name] = _median_seconds(partial(part.step, state), inputs)
        return measured


def _median_seconds(update: Any, rows: np.ndarray) -> float:
    seconds = []
    for row in rows:
        began = time.perf_counter()
        update(row)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[len(seconds) // 10 :])
