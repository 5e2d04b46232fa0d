"""What every contestant's module needs: settings, dilations, scores. NumPy and pandas only."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["EpochClock", "Settings", "cut_windows", "powers_of_two"]


@dataclass(frozen=True)
class Settings:
    """What is equal for all contestants."""

    lookback: int
    horizon: int
    filters: int = 32
    kernel_size: int = 3
    batch_size: int = 256
    seed: int = 0


def powers_of_two(lookback: int, kernel_size: int, convolutions: int = 1, *, cover: bool = True) -> list[int]:
    """Return the dilations 1, 2, 4, .. whose field just covers the lookback, or the most that fit into it.

    ``convolutions`` is how many a block of one dilation has.
    """
    rates, field = [], 1
    while True:
        field += (kernel_size - 1) * 2 ** len(rates) * convolutions
        if not cover and field > lookback:
            return rates
        rates.append(2 ** len(rates))
        if cover and field >= lookback:
            return rates


def cut_windows(values: np.ndarray, lookback: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Copy every window, as the usual recipes do: (windows, lookback, features), (windows, horizon, features)."""
    windows = np.lib.stride_tricks.sliding_window_view(values, lookback + horizon, axis=0).transpose(0, 2, 1)
    return np.ascontiguousarray(windows[:, :lookback]), np.ascontiguousarray(windows[:, lookback:])


def frame_after(context: pd.DataFrame, forecast: np.ndarray) -> pd.DataFrame:
    """Put a forecast into a frame whose index continues that of the context."""
    freq = context.index.freq
    times = pd.date_range(context.index[-1] + freq, periods=len(forecast), freq=freq)
    return pd.DataFrame(forecast, index=times, columns=context.columns)


class EpochClock:
    """Seconds of each epoch, under the names by which Keras and Lightning call their callbacks."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def begin(self) -> None:
        """Start an epoch."""
        self.began = time.perf_counter()

    def end(self) -> None:
        """End it."""
        self.seconds.append(time.perf_counter() - self.began)


def keras_clock(clock: EpochClock) -> Any:
    """Make a Keras callback that runs the clock."""
    import keras

    return keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda _epoch, _logs: clock.begin(), on_epoch_end=lambda _epoch, _logs: clock.end()
    )


def lightning_clock(clock: EpochClock) -> Any:
    """Make a Lightning callback that runs the clock."""
    from pytorch_lightning.callbacks import LambdaCallback

    return LambdaCallback(
        on_train_epoch_start=lambda _trainer, _module: clock.begin(),
        on_train_epoch_end=lambda _trainer, _module: clock.end(),
    )
