"""The main job on the bundled data: fit, judge on held-back rows, forecast, draw."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tscnn.cli.output import lay_out
from tscnn.cli.tables import Table
from tscnn.data.datasets import load_nyc_weather
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.windows import make_windows
from tscnn.evaluation.evaluate import evaluate
from tscnn.evaluation.naive import repeat_last, repeat_season
from tscnn.forecaster import Forecaster
from tscnn.linear.ridge import fit_ridge_map
from tscnn.linear.settings import LinearModel
from tscnn.plotting import need_matplotlib, plot_forecast, save_picture

__all__ = ["run_demo"]

LOOKBACK, HORIZON = 168, 24  # a week to forecast a day
HELD_BACK = 0.2
COVERAGE = 0.9
COLUMNS = ["JFK_temp", "JFK_dewp", "JFK_humid", "JFK_wind_speed"]
UNITS = {"JFK_temp": "°F", "JFK_dewp": "°F", "JFK_humid": "%", "JFK_wind_speed": "mph"}


def run_demo(out: str | Path) -> int:
    """Run the demo, print what it finds, and write ``forecast.csv`` and ``forecast.png``.

    Parameters
    ----------
    out : str or Path
        Folder to write to.

    Returns
    -------
    int
        Exit status: 0.

    Raises
    ------
    ImportError
        If matplotlib isn't installed, before anything is done.
    """
    need_matplotlib()  # before minutes are spent on what it is to draw
    folder = Path(out)
    weather = load_nyc_weather()
    n_training = round((1 - HELD_BACK) * len(weather))
    training, held_back = weather.iloc[:n_training], weather.iloc[n_training - LOOKBACK :]
    print(f"Hourly weather at three New York airports, {len(weather)} rows, {weather.shape[1]} columns.")
    print(f"Training on the first {n_training} rows: {LOOKBACK} hours seen, {HORIZON} hours forecast.\n")

    began = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        forecaster = Forecaster(LOOKBACK, HORIZON, random_state=0, verbose=1).fit(training)
    print(f"Trained in {time.perf_counter() - began:.0f} s. ", end="")

    backtest = forecaster.backtest(held_back, coverage=COVERAGE, adaptive=True)
    errors, squared = _compare(forecaster, backtest, training, held_back)
    print(f"Errors on the last {len(weather) - n_training} rows, on columns scaled to a standard deviation of 1,")
    print(f"over {len(held_back) - LOOKBACK - HORIZON + 1} forecasts:\n")
    print(errors.to_string(float_format="{:.3f}".format), "\n")
    print(_verdict(errors))
    held = evaluate(backtest, held_back, "coverage", coverage=COVERAGE)["coverage"].iloc[0]
    print(f"Intervals of {COVERAGE:.0%} that follow drift (adaptive=True) hold {held:.1%} of the outcomes.")

    cutoff = LOOKBACK + int(np.argsort(squared)[len(squared) // 2])
    forecast = forecaster.predict(held_back.iloc[:cutoff], coverage=COVERAGE)
    _write(folder, forecast, held_back.iloc[cutoff - 3 * HORIZON : cutoff], held_back.iloc[cutoff : cutoff + HORIZON])
    print(f"\nforecast.csv and forecast.png are in {folder.resolve()}: the {HORIZON} hours after")
    print(f"{held_back.index[cutoff - 1]:%Y-%m-%d %H:%M}, a typical forecast: half of all have a larger MSE.")
    return 0


def _compare(
    forecaster: Forecaster, backtest: pd.DataFrame, training: pd.DataFrame, held_back: pd.DataFrame
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the MSE and MAE of the model and of what it has to beat, on the same windows; and its MSE by window."""
    mean, scale = forecaster.mean_, forecaster.scale_
    rows = (held_back.to_numpy() - mean) / scale
    inputs, outcomes = make_windows(rows, LOOKBACK, HORIZON)
    points = backtest.xs("forecast", axis=1, level=1).to_numpy().reshape(outcomes.shape)
    forecasts = {
        "tscnn": (points - mean) / scale,
        "ridge regression": _ridge(((training.to_numpy() - mean) / scale), inputs),
        "repeat last day": repeat_season(inputs, HORIZON, 24),
        "repeat last hour": repeat_last(inputs, HORIZON),
    }
    errors = pd.DataFrame(
        {
            name: {"MSE": np.square(f - outcomes).mean(), "MAE": np.abs(f - outcomes).mean()}
            for name, f in forecasts.items()
        }
    ).T
    return errors, np.square(forecasts["tscnn"] - outcomes).mean((1, 2))


def _ridge(training: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Forecast by one ridge regression for all columns, its strength chosen on the model's own validation rows."""
    split = Split.of(SeriesSet(training, (pd.RangeIndex(len(training)),)), LOOKBACK, HORIZON, 0.1)
    origins, settings = (split.training(LOOKBACK, HORIZON), split.validation(LOOKBACK, HORIZON)), LinearModel()
    most_products = settings.mixture.most_products
    (kernel,) = fit_ridge_map(training, *origins, LOOKBACK, HORIZON, settings.baseline_alphas, most_products)
    return np.asarray(np.einsum("nlf,lh->nhf", inputs, kernel, optimize=True))


def _verdict(errors: pd.DataFrame) -> str:
    others = errors["MSE"].drop("tscnn")
    model, best = errors.loc["tscnn", "MSE"], others.min()
    if model < best:
        return f"tscnn wins: its MSE is {1 - model / best:.1%} below that of the best other, {others.idxmin()}."
    return f"tscnn loses: {others.idxmin()} has a lower MSE ({best:.3f} against {model:.3f})."


def _write(folder: Path, forecast: pd.DataFrame, history: pd.DataFrame, truth: pd.DataFrame) -> None:
    """Write both files under temporary names first, so that neither is ever half there."""
    lay_out(forecast, Table(time="time")).to_csv(folder / "forecast.csv.part", index=False)
    (folder / "forecast.csv.part").replace(folder / "forecast.csv")
    save_picture(plot_forecast(forecast, history, truth, COLUMNS, units=UNITS), folder / "forecast.png.part")
    (folder / "forecast.png.part").replace(folder / "forecast.png")
