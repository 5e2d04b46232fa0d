"""darts (unit8co.github.io/darts): ``TCNModel``, all columns as one multivariate series."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.contestants.common import EpochClock, Settings, lightning_clock


class Model:
    """``TCNModel`` with dilation base 2; it chooses as many layers as the lookback needs.

    It wants a lookback longer than the horizon, and gets at least one row more.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lookback = max(settings.lookback, settings.horizon + 1)
        self.model: Any = None

    def _build(self, clock: EpochClock) -> None:
        from darts.models import TCNModel

        settings = self.settings
        self.model = TCNModel(
            input_chunk_length=self.lookback,
            output_chunk_length=settings.horizon,
            num_filters=settings.filters,
            kernel_size=settings.kernel_size,
            dilation_base=2,
            dropout=0.0,
            batch_size=settings.batch_size,
            random_state=settings.seed,
            pl_trainer_kwargs={
                "accelerator": "cpu",
                "logger": False,
                "enable_checkpointing": False,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "callbacks": [lightning_clock(clock)],
            },
        )

    def train(self, frame: pd.DataFrame, epochs: int) -> list[float]:
        """Train, and return the seconds of each epoch; once more to go on."""
        warnings.simplefilter("ignore")
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        if self.model is None:
            self.clock = EpochClock()
            self._build(self.clock)
        n_before = len(self.clock.seconds)
        # Its training windows are of lookback + horizon rows as well.
        self.model.fit(_series(frame), epochs=epochs, verbose=False)
        return self.clock.seconds[n_before:]

    def save(self, path: Path) -> None:
        """Save the model as darts does, in two files, without the clock."""
        for settings in (self.model.trainer_params, self.model.model_params["pl_trainer_kwargs"]):
            settings["callbacks"] = []
        self.model.save(str(path))

    def load(self, path: Path) -> None:
        """Load it on the CPU."""
        from darts.models import TCNModel

        self.model = TCNModel.load(str(path), map_location="cpu", pl_trainer_kwargs={"accelerator": "cpu"})

    def predict(self, context: pd.DataFrame) -> pd.DataFrame:
        """Forecast the steps after a context."""
        series = _series(context.iloc[-self.lookback :])
        forecast = self.model.predict(self.settings.horizon, series=series, verbose=False, show_warnings=False)
        return forecast.to_dataframe()

    def backtest(self, frame: pd.DataFrame) -> np.ndarray:
        """Forecast from every row with a complete window: (origins, horizon, columns)."""
        forecasts = self.model.historical_forecasts(
            _series(frame),
            forecast_horizon=self.settings.horizon,
            stride=1,
            retrain=False,
            last_points_only=False,
            verbose=False,
        )
        return np.stack([forecast.values(copy=False) for forecast in forecasts])


def _series(frame: pd.DataFrame) -> Any:
    from darts import TimeSeries

    return TimeSeries.from_dataframe(frame.astype(np.float32))
