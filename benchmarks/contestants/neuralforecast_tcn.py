"""neuralforecast (nixtlaverse.nixtla.io/neuralforecast): ``TCN``, one series a column."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.contestants.common import EpochClock, Settings, lightning_clock, powers_of_two


class Model:
    """``TCN`` on as many series as columns; a step takes ``batch_size`` windows of each.

    An epoch of it is one pass over the training rows, or `most_steps`.
    """

    def __init__(self, settings: Settings, most_steps: int = 10**6) -> None:
        os.environ["NIXTLA_ID_AS_COL"] = "1"
        self.settings, self.most_steps = settings, most_steps
        self.model: Any = None

    def _build(self, n_columns: int, steps: int, freq: str) -> None:
        from neuralforecast import NeuralForecast
        from neuralforecast.models import TCN

        settings = self.settings
        self.clock = EpochClock()
        # An epoch of its trainer is one batch: all series, and of each the windows that it draws.
        model = TCN(
            h=settings.horizon,
            input_size=settings.lookback,
            kernel_size=settings.kernel_size,
            dilations=powers_of_two(settings.lookback, settings.kernel_size),
            encoder_hidden_size=settings.filters,
            decoder_hidden_size=settings.filters,
            max_steps=steps,
            batch_size=n_columns,
            windows_batch_size=settings.batch_size * n_columns,
            inference_windows_batch_size=settings.batch_size * n_columns,
            val_check_steps=10**6,
            random_seed=settings.seed + 1,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[lightning_clock(self.clock)],
        )
        self.model = NeuralForecast(models=[model], freq=freq)

    def train(self, frame: pd.DataFrame, epochs: int) -> list[float]:
        """Train as many steps as `epochs` have batches, and return the seconds of each epoch; once more to go on."""
        warnings.simplefilter("ignore")
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        n_windows = len(frame) - self.settings.lookback - self.settings.horizon + 1
        n_batches = min(self.most_steps, -(-n_windows // self.settings.batch_size))
        if self.model is None:
            self._build(frame.shape[1], n_batches * epochs, frame.index.freqstr)
        n_before = len(self.clock.seconds)
        self.model.fit(_long(frame), val_size=0)
        seconds = np.array(self.clock.seconds[n_before:])
        return seconds.reshape(epochs, -1).sum(axis=1).tolist()

    def save(self, path: Path) -> None:
        """Save the model as neuralforecast does: a folder."""
        self.model.save(str(path), save_dataset=False, overwrite=True)

    def load(self, path: Path) -> None:
        """Load it."""
        from neuralforecast import NeuralForecast

        self.model = NeuralForecast.load(str(path))

    def predict(self, context: pd.DataFrame) -> pd.DataFrame:
        """Forecast the steps after a context."""
        forecast = self.model.predict(df=_long(context.iloc[-self.settings.lookback :]))
        return forecast.pivot(index="ds", columns="unique_id", values="TCN")[list(context.columns)]

    def backtest(self, frame: pd.DataFrame) -> np.ndarray:
        """Forecast from every row with a complete window: (origins, horizon, columns)."""
        n_origins = len(frame) - self.settings.lookback - self.settings.horizon + 1
        forecasts = self.model.cross_validation(
            df=_long(frame), n_windows=n_origins, step_size=1, refit=False, use_fitted=True
        )
        names = list(frame.columns)
        values = [forecasts.loc[forecasts["unique_id"] == name, "TCN"].to_numpy() for name in names]
        return np.stack([value.reshape(-1, self.settings.horizon) for value in values], axis=-1)


def _long(frame: pd.DataFrame) -> pd.DataFrame:
    named = frame.rename_axis(index="ds", columns="unique_id")
    return named.melt(ignore_index=False, value_name="y").reset_index()[["unique_id", "ds", "y"]]
