"""What it is worth to know the future of other columns, and the calendar: prices, loads, rentals, a day ahead.

Run ``python -m benchmarks.covariates --data epf_np.csv --future all``, or with ``--quick`` on a simulated load. A CSV
file has times in its first column. Each method is fitted once, on the rows before the first cutoff, and forecasts
from all cutoffs. ``--protocol fev`` is that of fev-bench: the last 20 windows, one after the other. ``--protocol
midnights`` forecasts each day of the last fifth of the rows. MASE is the absolute error of a window over the mean
absolute difference of a season of all rows before it, mean over windows; MAE and RMSE are in the units of the data.
Published figures of the task with the file's name are printed from ``--published``, default ``published_fev.csv``
beside the data.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.ltsf import read_setting
from benchmarks.report import describe_machine, print_table, write_json
from benchmarks.trees import fit_trees

N_WINDOWS = 20  # of fev-bench
TEST_FRACTION = 0.2  # of the rows, whose days ``midnights`` forecasts


@dataclass(frozen=True)
class Task:
    """What is forecast: the column `target` of `frame` from each of `cutoffs`, columns `known` known ahead."""

    frame: pd.DataFrame
    target: str
    known: list[str]
    cutoffs: np.ndarray
    horizon: int
    season: int


class Run(NamedTuple):
    """Forecasts (cutoffs, horizon), and what they took in seconds."""

    forecasts: np.ndarray
    fit_s: float
    forecast_s: float


Method = Callable[[Task, dict[str, Any]], Run]  # the second are settings of Forecaster


def last_windows(n_rows: int, horizon: int, n_windows: int = N_WINDOWS) -> np.ndarray:
    """Return the cutoffs of the last `n_windows` windows, one after the other, as row numbers of the last row seen."""
    return n_rows - 1 - horizon * np.arange(n_windows, 0, -1)


def midnights(index: pd.DatetimeIndex, horizon: int) -> np.ndarray:
    """Return the last rows before the midnights of the last fifth that have `horizon` rows after them."""
    first = len(index) - int(TEST_FRACTION * len(index))
    starts = np.flatnonzero(index == index.normalize())
    return starts[(starts >= first) & (starts <= len(index) - horizon)] - 1


def judge(task: Task, forecasts: np.ndarray) -> dict[str, float]:
    """Return MASE, MAE and RMSE."""
    values = task.frame[task.target].to_numpy(float)
    errors = forecasts - values[task.cutoffs[:, None] + 1 + np.arange(task.horizon)]
    differences = np.abs(values[task.season :] - values[: -task.season])
    scales = np.array([differences[: cutoff + 1 - task.season].mean() for cutoff in task.cutoffs])
    sizes = np.abs(errors)
    return {
        "mase": float((sizes.mean(axis=1) / scales).mean()),
        "mae": float(sizes.mean()),
        "rmse": float(np.sqrt(np.square(errors).mean())),
    }


def _fit_forecaster(task: Task, frame: pd.DataFrame, settings: dict[str, Any]) -> Run:
    from tscnn import Forecaster

    began = time.perf_counter()
    given = {"lookback": "auto", "random_state": 0, "verbose": 0, **settings}
    forecaster = Forecaster(horizon=task.horizon, targets=[task.target], **given)
    forecaster.fit(frame.iloc[: task.cutoffs[0] + 1])
    fitted = time.perf_counter()
    start, stride = frame.index[task.cutoffs[0]], int(np.diff(task.cutoffs)[0])
    found = forecaster.backtest(frame, start=start, stride=stride)[task.target].to_numpy()
    return Run(found.reshape(len(task.cutoffs), task.horizon), fitted - began, time.perf_counter() - fitted)


def _with_covariates(task: Task, settings: dict[str, Any]) -> Run:
    roles = {"future_covariates": task.known} if task.known else {}
    seen = task.frame.select_dtypes("number").columns
    frame = task.frame[[name for name in task.frame if name in task.known or name in seen]]
    return _fit_forecaster(task, frame, {**roles, **settings})


def _without_covariates(task: Task, settings: dict[str, Any]) -> Run:
    return _fit_forecaster(task, task.frame[[task.target]], settings)


def _without_calendar(task: Task, settings: dict[str, Any]) -> Run:
    return _with_covariates(task, {"calendar": None, **settings})


def _trees(task: Task, known: Sequence[str], objective: str = "regression") -> Run:
    began = time.perf_counter()
    sizes = (int(task.cutoffs[0]), task.horizon, task.season)
    forecast = fit_trees(task.frame, task.target, known, *sizes, objective)
    fitted = time.perf_counter()
    found = forecast(task.cutoffs)
    return Run(found, fitted - began, time.perf_counter() - fitted)


def _lightgbm(task: Task, _: dict[str, Any]) -> Run:
    return _trees(task, task.known)


def _lightgbm_absolute(task: Task, _: dict[str, Any]) -> Run:
    return _trees(task, task.known, "regression_l1")  # prices have spikes


def _lightgbm_without_covariates(task: Task, _: dict[str, Any]) -> Run:
    return _trees(task, [])


def _repeat(task: Task, season: int) -> Run:
    began = time.perf_counter()
    at = task.cutoffs[:, None] - season + 1 + np.arange(task.horizon) % season
    return Run(task.frame[task.target].to_numpy(float)[at], 0.0, time.perf_counter() - began)


METHODS: dict[str, Method] = {
    "tscnn": _with_covariates,
    "tscnn, no covariates": _without_covariates,
    "tscnn, no calendar": _without_calendar,
    "LightGBM": _lightgbm,
    "LightGBM, absolute error": _lightgbm_absolute,
    "LightGBM, no covariates": _lightgbm_without_covariates,
    "seasonal naive": lambda task, _: _repeat(task, task.season),
    "repeat week": lambda task, _: _repeat(task, 7 * task.season),
}


def simulate_load(n_rows: int = 6000) -> pd.DataFrame:
    """Draw an hourly load: a day, quiet weekends and holidays, U-shaped in temperature, lower under a clear sky."""
    random = np.random.default_rng(0)
    times = pd.date_range("2024-01-01", periods=n_rows, freq="h")
    hours, days = np.arange(n_rows), np.arange(n_rows) // 24
    weather = np.repeat(random.choice(["clear", "mist", "rain"], days[-1] + 1, p=[0.6, 0.3, 0.1]), 24)[:n_rows]
    holiday = np.repeat(random.random(days[-1] + 1) < 0.04, 24)[:n_rows]
    wander = np.convolve(random.standard_normal(n_rows + 95), np.ones(96) / np.sqrt(96), "valid")
    temperature = 15 - 12 * np.cos(2 * np.pi * hours / 8766) + 4 * np.sin(2 * np.pi * (hours - 9) / 24) + 4 * wander
    free = (times.day_of_week >= 5) | holiday
    load = 100 + np.where(free, 8, 25) * np.sin(2 * np.pi * (hours - 7) / 24) - np.where(free, 15, 0)
    load += 0.12 * (temperature - 17) ** 2 - np.where(weather == "clear", 5, 0)
    noise = np.convolve(random.standard_normal(n_rows + 5), 0.8 ** np.arange(6), "valid")
    columns = {"load": load + 2 * noise, "temperature": temperature, "holiday": holiday.astype(float)}
    return pd.DataFrame({**columns, "weather": weather}, index=times)


def read_task(frame: pd.DataFrame, target: str | None, future: Sequence[str], protocol: str, **sizes: int) -> Task:
    """Name the target (default the first column), what is known ahead ("all", "none", or names), and the cutoffs."""
    target = target or str(frame.columns[0])
    others = [str(name) for name in frame if name != target]
    known = {"all": others, "none": []}.get(future[0], list(future))
    unknown = [name for name in [target, *known] if name not in frame]
    if unknown:
        raise SystemExit(f"--target and --future must name columns of {list(frame)}. Received: {unknown}")
    index = pd.DatetimeIndex(frame.index)
    horizon = sizes["horizon"]
    cutoffs = last_windows(len(frame), horizon) if protocol == "fev" else midnights(index, horizon)
    return Task(frame, target, known, cutoffs, horizon, sizes["season"])


def read_published(path: Path, name: str) -> list[tuple[str, float]]:
    """Return models and their MASE on the task `name`, the best first; none without such a file."""
    if not path.is_file():
        return []
    rows = pd.read_csv(path)
    rows = rows[(rows["task"] == name) & (rows["metric"] == "MASE")].sort_values("value")
    return list(zip(rows["model"], rows["value"].astype(float), strict=True))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="FILE.csv", help="times in the first column; default a simulated load")
    parser.add_argument("--quick", action="store_true", help="a simulated load, unless --data: two minutes")
    parser.add_argument("--target", metavar="COLUMN", help="default the first")
    parser.add_argument("--future", nargs="+", default=["all"], metavar="COLUMN", help="known ahead; or all, or none")
    parser.add_argument("--protocol", choices=("fev", "midnights"), default="fev")
    parser.add_argument("--horizon", type=int, default=24)
    parser.add_argument("--season", type=int, default=24)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--set", metavar="NAME=VALUE", type=read_setting, action="append", default=[])
    parser.add_argument("--published", metavar="FILE.csv", type=Path)
    parser.add_argument("--out", metavar="FILE.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a method, and the published figures."""
    options = _parse(arguments)
    if options.data:
        name = Path(options.data).stem
        frame = pd.read_csv(options.data, index_col=0, parse_dates=[0], skipinitialspace=True)
    else:
        name, frame = "simulated load", simulate_load(2500 if options.quick else 6000)
    sizes = {"horizon": options.horizon, "season": options.season}
    task = read_task(frame, options.target, options.future, options.protocol, **sizes)
    machine = describe_machine()
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_before']}")
    print(f"{name}: {task.target}, {task.horizon} ahead from {len(task.cutoffs)} cutoffs, the first after row")
    print(f"{task.cutoffs[0] + 1:,} of {len(frame):,}. Known ahead: {', '.join(task.known) or 'nothing'}\n")
    records = {}
    for method in options.methods:
        if method.startswith("LightGBM") and importlib.util.find_spec("lightgbm") is None:
            print(f"{method} is left out: `pip install lightgbm`.")
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run = METHODS[method](task, dict(options.set))
        records[method] = {**judge(task, run.forecasts), "fit_s": run.fit_s, "forecast_s": run.forecast_s}
    lines = [[method, *(f"{figure:.3f}" for figure in record.values())] for method, record in records.items()]
    print_table(["", "MASE", "MAE", "RMSE", "fit s", "forecast s"], lines)
    beside = options.published or Path(options.data or ".").with_name("published_fev.csv")
    published = read_published(beside, name) if options.protocol == "fev" else []
    if published:
        print("\npublished MASE: " + ", ".join(f"{model} {value:.3f}" for model, value in published))
    if options.out:
        write_json(options.out, {"machine": machine, "data": name, "results": records})


if __name__ == "__main__":
    main()
