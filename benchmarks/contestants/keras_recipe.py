"""What Keras tutorials do: every window cut out, causal convolutions over all of it, the last position used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.contestants.common import EpochClock, Settings, cut_windows, frame_after, keras_clock, powers_of_two


class Model:
    """A ``keras.Sequential`` of dilated ``Conv1D(padding="causal")`` and a ``Dense`` head, `fit` and `predict`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.model: Any = None

    def _body(self) -> list[Any]:
        import keras

        settings = self.settings
        rates = powers_of_two(settings.lookback, settings.kernel_size)
        layers = [
            keras.layers.Conv1D(
                settings.filters, settings.kernel_size, padding="causal", dilation_rate=rate, activation="relu"
            )
            for rate in rates
        ]
        return [*layers, keras.layers.Lambda(lambda hidden: hidden[:, -1])]

    def _build(self, n_columns: int) -> None:
        import keras

        settings = self.settings
        keras.utils.set_random_seed(settings.seed)
        head = [keras.layers.Dense(settings.horizon * n_columns), keras.layers.Reshape((settings.horizon, n_columns))]
        self.model = keras.Sequential([keras.Input((settings.lookback, n_columns)), *self._body(), *head])
        self.model.compile("adam", "mse")

    def train(self, frame: pd.DataFrame, epochs: int) -> list[float]:
        """Train, and return the seconds of each epoch; once more to go on."""
        if self.model is None:
            self._build(frame.shape[1])
        inputs, targets = cut_windows(frame.to_numpy(np.float32), self.settings.lookback, self.settings.horizon)
        clock = EpochClock()
        batch_size = self.settings.batch_size
        self.model.fit(inputs, targets, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[keras_clock(clock)])
        return clock.seconds

    def predict(self, context: pd.DataFrame) -> pd.DataFrame:
        """Forecast the steps after a context, by ``Model.predict``."""
        window = context.to_numpy(np.float32)[None, -self.settings.lookback :]
        return frame_after(context, self.model.predict(window, verbose=0)[0])

    def backtest(self, frame: pd.DataFrame) -> np.ndarray:
        """Forecast from every row with a complete window: (origins, horizon, columns)."""
        inputs, _ = cut_windows(frame.to_numpy(np.float32), self.settings.lookback, self.settings.horizon)
        return self.model.predict(inputs, batch_size=self.settings.batch_size, verbose=0)
