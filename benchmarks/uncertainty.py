"""Do intervals hold what they say, and how wide are they: beside seasonal naive forecasts with intervals of their own.

Run ``python -m benchmarks.uncertainty --data FOLDER`` with the files ETTh1.csv, epf_np.csv and epf_fr.csv, or with
``--quick`` on the weather of New York that comes with the package, without network. Forecasters are fitted once, on the
rows before the first cutoff. Intervals of 80 and 95 % are judged on all cutoffs of the test rows (of prices at the
midnights of the last fifth): coverage over all, in the step that is furthest off, and the mean interval score of
standardised columns. Those of seasonal naive forecasts are quantiles of its errors, by step, on the rows before. Tasks
of fev-bench are the last 20 windows: SQL at 0.1 .. 0.9, beside the figures of ``published_fev.csv``.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.covariates import last_windows, midnights
from benchmarks.ltsf import read_setting
from benchmarks.report import describe_machine, print_table, write_json
from tscnn import Forecaster, evaluate
from tscnn.data.datasets import load_nyc_weather
from tscnn.data.frame import forecast_frame
from tscnn.data.index import find_seasonality
from tscnn.data.steps import find_step
from tscnn.evaluation.columns import name_columns

COVERAGES = (0.8, 0.95)
LEVELS = tuple(np.arange(1, 10) / 10)


@dataclass(frozen=True)
class Task:
    """Columns `targets` of `frame`, standardised, `horizon` ahead of `cutoffs`; the other columns are known ahead."""

    name: str
    frame: pd.DataFrame
    targets: list[str]
    horizon: int
    cutoffs: np.ndarray

    @property
    def known(self) -> list[str]:
        """The columns that are known ahead."""
        return [name for name in self.frame if name not in self.targets]


def make_task(name: str, frame: pd.DataFrame, targets: Sequence[str], horizon: int, cutoffs: np.ndarray) -> Task:
    """Standardise the targets by the rows up to the first cutoff."""
    frame, targets = frame.copy(), list(targets)
    seen = frame[targets].iloc[: cutoffs[0] + 1]
    frame[targets] = (frame[targets] - seen.mean()) / seen.std(ddof=0)
    return Task(name, frame, targets, horizon, cutoffs)


def weather(_: Path | None, stride: int) -> Task:
    """Weather of New York, a day ahead, of the last fifth."""
    frame = load_nyc_weather()
    first = len(frame) - len(frame) // 5
    return make_task("weather", frame, list(frame), 24, np.arange(first - 1, len(frame) - 24, stride))


def etth1(folder: Path | None, stride: int) -> Task:
    """Oil temperature and loads of a transformer, four days ahead, of the four months after sixteen."""
    frame, month = _read(folder, "ETTh1"), 30 * 24
    return make_task("ETTh1", frame[: 20 * month], list(frame), 96, np.arange(16 * month - 1, 20 * month - 96, stride))


def prices(name: str) -> Callable[[Path | None, int], Task]:
    """Prices of electricity, a day ahead at midnight."""

    def load(folder: Path | None, _: int) -> Task:
        frame = _read(folder, name)
        return make_task(name, frame, [frame.columns[0]], 24, midnights(pd.DatetimeIndex(frame.index), 24))

    return load


def fev(name: str, horizon: int, *, covariates: bool) -> Callable[[Path | None, int], Task]:
    """Take the last 20 windows."""

    def load(folder: Path | None, _: int) -> Task:
        frame = _read(folder, name)
        targets = [frame.columns[0]] if covariates else list(frame)
        return make_task(name, frame, targets, horizon, last_windows(len(frame), horizon))

    return load


INTERVALS = {"weather": weather, "ETTh1": etth1, "epf_np": prices("epf_np"), "epf_fr": prices("epf_fr")}
FEV = {
    "epf_np": fev("epf_np", 24, covariates=True),
    "epf_fr": fev("epf_fr", 24, covariates=True),
    "ETT_1H": fev("ETTh1", 168, covariates=False),
}


def _read(folder: Path | None, name: str) -> pd.DataFrame:
    if folder is None:
        raise FileNotFoundError(f"{name}.csv")
    return pd.read_csv(folder / f"{name}.csv", index_col=0, parse_dates=[0], skipinitialspace=True)


def forecast(task: Task, settings: dict[str, Any], asked: dict[str, Any]) -> tuple[pd.DataFrame, float]:
    """Fit once, and forecast from all cutoffs; return that and the seconds of the fit."""
    roles = {"targets": task.targets, "future_covariates": task.known} if task.known else {}
    given = {"random_state": 0, "verbose": 0, "quantiles": asked.get("quantiles"), **settings}
    began = time.perf_counter()
    forecaster = Forecaster(horizon=task.horizon, **roles, **given).fit(task.frame.iloc[: task.cutoffs[0] + 1])
    seconds = time.perf_counter() - began
    stride = int(np.diff(task.cutoffs[:2])[0])
    rows = task.frame.iloc[task.cutoffs[0] + 1 - forecaster.lookback_ :]
    start = task.frame.index[task.cutoffs[0]]
    found = forecaster.backtest(
        rows, start=start, stride=stride, coverage=asked.get("coverage"), adaptive=asked.get("adaptive", False)
    )
    return found, seconds


def repeat_with_intervals(task: Task, coverage: Sequence[float]) -> pd.DataFrame:
    """Repeat the season, with conformal intervals of what that was wrong by, by step, in the rows before."""
    values, season = task.frame[task.targets].to_numpy(float), find_seasonality(find_step(task.frame.index)) or 1
    steps = np.arange(task.horizon)
    before = np.arange(season - 1, task.cutoffs[0] + 1 - task.horizon)

    def repeat(at: np.ndarray) -> np.ndarray:
        return values[at[:, None] - season + 1 + steps % season]

    errors, points = values[before[:, None] + 1 + steps] - repeat(before), repeat(task.cutoffs)
    n, parts = len(before), [points]
    for each in coverage:
        tail = max(1 - np.ceil((n + 1) * (1 + each) / 2) / n, 0)
        parts += [points + np.quantile(errors, level, axis=0) for level in (tail, 1 - tail)]
    forecasts = np.stack(parts, axis=-1).reshape(*points.shape[:2], -1)
    columns, freq = name_columns(task.targets, coverage=coverage), find_step(task.frame.index)
    return forecast_frame(forecasts, task.frame.index, task.cutoffs, columns, freq)


def judge(task: Task, backtest: pd.DataFrame) -> dict[str, float]:
    """Return coverage, that of the worst step, and the interval score of each coverage."""
    outcomes, found = task.frame[task.targets], {}
    names = ["coverage", "interval_score"]
    overall, steps = evaluate(backtest, outcomes, names).loc["all"], evaluate(backtest, outcomes, "coverage", by="step")
    for each in COVERAGES:
        share = f"{100 * each:.6g}%"
        of_steps = steps[f"coverage {share}"]
        found[f"coverage {share}"] = float(overall[f"coverage {share}"])
        found[f"worst step {share}"] = float(of_steps.iloc[(of_steps - each).abs().to_numpy().argmax()])
        found[f"score {share}"] = float(overall[f"interval_score {share}"])
    return found


def read_published(path: Path, name: str) -> str:
    """Return the published SQL of a task in words, the best first; nothing without such a file."""
    if not path.is_file():
        return ""
    rows = pd.read_csv(path)
    rows = rows[(rows["task"] == name) & (rows["metric"] == "SQL")].sort_values("value")[:4]
    return ", ".join(f"{model} {value:.3f}" for model, value in zip(rows["model"], rows["value"], strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="of CSV files, times in the first column")
    parser.add_argument("--quick", action="store_true", help="the weather alone, without network: a minute")
    parser.add_argument("--tasks", nargs="+", choices=[*INTERVALS, "fev"], default=[*INTERVALS, "fev"])
    parser.add_argument("--stride", type=int, default=1, help="from one cutoff to the next; not of prices")
    parser.add_argument("--adaptive", action="store_true", help="intervals that follow the outcomes up to each cutoff")
    parser.add_argument("--set", metavar="NAME=VALUE", type=read_setting, action="append", default=[])
    parser.add_argument("--out", metavar="FILE.json")
    options = parser.parse_args(arguments)
    settings, stride = dict(options.set), options.stride
    if options.quick:
        settings, stride = {"network": None, **settings}, 5 * stride
    machine = describe_machine()
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_before']}\n")
    results: dict[str, Any] = {}
    lines = []
    for name in options.tasks if not options.quick else ["weather"]:
        if name == "fev":
            continue
        try:
            task = INTERVALS[name](options.data, stride)
        except FileNotFoundError as missing:
            print(f"{name} is left out: --data must name a folder with {missing}")
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, seconds = forecast(task, settings, {"coverage": COVERAGES, "adaptive": options.adaptive})
        ours, naive = judge(task, found), judge(task, repeat_with_intervals(task, COVERAGES))
        results[name] = {"ours": ours, "seasonal naive": naive, "fit_s": seconds}
        for share in (f"{100 * each:.6g}%" for each in COVERAGES):
            figures = [f"{100 * ours[f'{what} {share}']:.1f}" for what in ("coverage", "worst step")]
            scores = [ours[f"score {share}"], naive[f"score {share}"]]
            ratio, of_naive = f"{scores[0] / scores[1]:.3f}", f"{100 * naive[f'coverage {share}']:.1f}"
            lines.append([f"{name}, {share}", *figures, of_naive, *(f"{each:.3f}" for each in scores), ratio])
    print_table(["", "covers", "worst step", "naive covers", "score", "naive score", "ratio"], lines)
    for name in FEV if "fev" in options.tasks and options.data and not options.quick else ():
        task = FEV[name](options.data, stride)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, seconds = forecast(task, settings, {"quantiles": LEVELS})
        sql = float(evaluate(found, task.frame[task.targets], "sql", season_length=24).loc["all", "sql"])
        results[f"fev {name}"] = {"sql": sql, "fit_s": seconds}
        print(f"\n{name}: SQL {sql:.3f}; published: {read_published(options.data / 'published_fev.csv', name)}")
    if options.out:
        write_json(options.out, {"machine": machine, "results": results})


if __name__ == "__main__":
    main()
