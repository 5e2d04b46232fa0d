"""What missing values cost: a file with gaps of its own, or a complete one of which a fifth of the values is removed.

Run ``python -m benchmarks.missing``, or with ``--quick`` on part of the weather, without network. ``--data FILE.csv``
takes a file with its own gaps, times in the first column; else the weather of New York loses 20 % of the values of
each column, one by one, or in blocks of a day. Methods are fitted on the first four fifths of the rows, and forecast
from all of the last fifth, ``--stride`` rows apart. Errors are those of outcomes that are there, in standard deviations
of the training rows that are; those after a fit on the complete rows, from complete rows, are of the same outcomes.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.ltsf import read_setting
from benchmarks.report import describe_machine, print_table, write_json
from benchmarks.trees import fit_trees
from tscnn.data.datasets import load_nyc_weather

TEST_FRACTION = 0.2
SHARE = 0.2  # of the values that are removed
BLOCK = 24  # rows: a day


class Task(NamedTuple):
    """Rows with gaps, the same without where they are known, and the cutoffs: row numbers of the last row seen."""

    frame: pd.DataFrame
    complete: pd.DataFrame | None
    cutoffs: np.ndarray
    horizon: int
    season: int


Method = Callable[[Task, dict[str, Any]], np.ndarray]  # forecasts (cutoffs, horizon, columns)


def remove_at_random(frame: pd.DataFrame) -> pd.DataFrame:
    """Remove each value with the same probability."""
    return frame.mask(np.random.default_rng(0).random(frame.shape) < SHARE)


def remove_blocks(frame: pd.DataFrame) -> pd.DataFrame:
    """Remove days from each column, at any hour, until as many values are gone."""
    random = np.random.default_rng(0)
    gone = np.zeros(frame.shape, bool)
    for column in gone.T:
        for first in random.permutation(len(frame) - BLOCK):
            if column.mean() >= SHARE:
                break
            column[first : first + BLOCK] = True
    return frame.mask(gone)


REMOVALS = {"at random": remove_at_random, "in blocks of a day": remove_blocks}


def _fit_and_backtest(task: Task, frame: pd.DataFrame, settings: dict[str, Any]) -> np.ndarray:
    from tscnn import Forecaster

    given = {"lookback": "auto", "random_state": 0, "verbose": 0, **settings}
    forecaster = Forecaster(horizon=task.horizon, **given)
    forecaster.fit(frame.iloc[: task.cutoffs[0] + 1])
    stride = int(np.diff(task.cutoffs[:2])[0])
    found = forecaster.backtest(frame, start=frame.index[task.cutoffs[0]], stride=stride)
    return found.to_numpy().reshape(len(task.cutoffs), task.horizon, -1)


def _mask(task: Task, settings: dict[str, Any]) -> np.ndarray:
    return _fit_and_backtest(task, task.frame, {"missing": "mask", **settings})


def _interpolate(task: Task, settings: dict[str, Any]) -> np.ndarray:
    return _fit_and_backtest(task, task.frame, {"missing": "interpolate", **settings})


def _fill_first(task: Task, settings: dict[str, Any]) -> np.ndarray:
    return _fit_and_backtest(task, fill(task.frame, int(task.cutoffs[0]) + 1), settings)


def _complete(task: Task, settings: dict[str, Any]) -> np.ndarray:
    assert task.complete is not None
    return _fit_and_backtest(task, task.complete, settings)


def _lightgbm(task: Task, _: dict[str, Any]) -> np.ndarray:
    sizes = (int(task.cutoffs[0]), task.horizon, task.season)
    return np.stack([fit_trees(task.frame, name, [], *sizes)(task.cutoffs) for name in task.frame], axis=2)


def _seasonal_naive(task: Task, _: dict[str, Any]) -> np.ndarray:
    known = task.frame.iloc[: task.cutoffs[0] + 1].mean().to_numpy()
    newest = pd.DataFrame(task.frame.to_numpy()).groupby(np.arange(len(task.frame)) % task.season).ffill().to_numpy()
    at = task.cutoffs[:, None] - task.season + 1 + np.arange(task.horizon) % task.season
    return np.where(np.isnan(newest[at]), known, newest[at])


METHODS: dict[str, Method] = {
    "tscnn, complete rows": _complete,
    "tscnn, mask": _mask,
    "tscnn, interpolate": _interpolate,
    "tscnn, filled first": _fill_first,
    "LightGBM": _lightgbm,
    "seasonal naive": _seasonal_naive,
}


def fill(frame: pd.DataFrame, n_training: int) -> pd.DataFrame:
    """Interpolate between training rows; later ones repeat what was before them, so that nothing is seen early."""
    training = frame.iloc[:n_training].interpolate(limit_direction="both")
    return pd.concat([training, frame.iloc[n_training:]]).ffill()


def judge(task: Task, forecasts: np.ndarray) -> dict[str, float]:
    """Return MSE and MAE of the outcomes that are there, in standard deviations of the training rows."""
    values = task.frame.to_numpy(float)
    scale = np.nanstd(values[: task.cutoffs[0] + 1], axis=0)
    errors = (forecasts - values[task.cutoffs[:, None] + 1 + np.arange(task.horizon)]) / np.where(scale > 0, scale, 1)
    return {"mse": float(np.nanmean(np.square(errors))), "mae": float(np.nanmean(np.abs(errors)))}


def make_task(frame: pd.DataFrame, complete: pd.DataFrame | None, options: argparse.Namespace) -> Task:
    """Take the cutoffs of the last fifth of the rows, of which the first has all training rows before it."""
    first = len(frame) - int(TEST_FRACTION * len(frame)) - 1
    cutoffs = np.arange(first, len(frame) - options.horizon, options.stride)
    return Task(frame, complete, cutoffs, options.horizon, options.season)


def list_tasks(options: argparse.Namespace) -> dict[str, Task]:
    """Read the file, or remove values from the weather."""
    if options.data:
        frame = pd.read_csv(options.data, index_col=0, parse_dates=[0], skipinitialspace=True)
        frame = frame.iloc[-(options.rows or 0) :, : options.columns]
        return {Path(options.data).stem: make_task(frame, None, options)}
    weather = load_nyc_weather().iloc[-(options.rows or 0) :, : options.columns]
    removals = {name: REMOVALS[name](weather) for name in options.removals}
    return {f"nyc_weather, {name}": make_task(frame, weather, options) for name, frame in removals.items()}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,500 rows x 2 columns, without network: two minutes")
    parser.add_argument("--data", metavar="FILE.csv", help="with gaps of its own; default the weather of New York")
    parser.add_argument("--removals", nargs="+", choices=REMOVALS, default=list(REMOVALS), help="from the weather")
    parser.add_argument("--rows", type=int, help="use the last rows only")
    parser.add_argument("--columns", type=int, help="use the first columns only")
    parser.add_argument("--horizon", type=int, default=24)
    parser.add_argument("--season", type=int, default=24)
    parser.add_argument("--stride", type=int, default=1, help="rows from one cutoff to the next")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--set", metavar="NAME=VALUE", type=read_setting, action="append", default=[])
    parser.add_argument("--out", metavar="FILE.json")
    parsed = parser.parse_args(arguments)
    if parsed.quick:
        parsed.rows, parsed.columns = parsed.rows or 1500, parsed.columns or 2
    return parsed


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table a way of missing."""
    options = _parse(arguments)
    settings = {**({"network": None} if options.quick else {}), **dict(options.set)}
    machine = describe_machine()
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_before']}")
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name, task in list_tasks(options).items():
        gone = task.frame.isna().to_numpy().mean()
        print(f"\n{name}: {len(task.frame):,} rows x {task.frame.shape[1]}, {100 * gone:.0f} % missing,", end=" ")
        print(f"{task.horizon} ahead from {len(task.cutoffs):,} cutoffs")
        results[name] = {}
        for method in options.methods:
            if task.complete is None and method == "tscnn, complete rows":
                continue
            if method == "LightGBM" and importlib.util.find_spec("lightgbm") is None:
                print("LightGBM is left out: `pip install lightgbm`.")
                continue
            began = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                forecasts = METHODS[method](task, settings)
            seconds = time.perf_counter() - began
            results[name][method] = {**judge(task, forecasts), "seconds": seconds}
        lines = [
            [method, *(f"{found[kind]:.4f}" for kind in ("mse", "mae")), f"{found['seconds']:.1f}"]
            for method, found in results[name].items()
        ]
        print_table(["", "MSE", "MAE", "seconds"], lines)
    if options.out:
        write_json(options.out, {"machine": machine, "results": results})


if __name__ == "__main__":
    main()
