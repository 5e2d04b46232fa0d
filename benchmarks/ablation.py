"""What each part of the recipe is worth: the forecaster with everything against the one without that part.

Run ``python -m benchmarks.ablation --all``, or with ``--quick`` on a few small sets, without what trains networks
but for one line. Sets are those of `benchmarks.sets`, and files of the user with ``--data``, whose last fifth is never
looked at. On each, two stretches or more are forecast from every row, after a fit on all rows before them. A part's
worth is how much larger the squared error is without it, in the geometric mean over cuts and steps ahead of a set,
and then over sets. Errors are taken on columns standardised by the rows of the fit.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import statistics
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.ltsf import read_setting, test_errors
from benchmarks.parts import BASES, PARTS
from benchmarks.report import describe_machine, print_table, read_versions, write_json
from benchmarks.sets import QUICK, SETS, load_available, read_files
from benchmarks.simulated import SIMULATED
from tscnn.linear import LinearModel
from tscnn.linear.settings import LookbackSettings

JUDGED_FRACTION = 0.4  # of the rows, in as many stretches as there are cuts
LITTLE, LARGE = 0.3, 5.0  # % of squared error: what is not worth its lines, and what would be missed on a single set
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


@dataclass(frozen=True)
class Case:
    """One stretch of one set: the rows from `n_fitted` on are forecast `horizon` steps ahead."""

    name: str
    horizon: int
    cut: int
    frame: pd.DataFrame
    n_fitted: int

    @property
    def key(self) -> str:
        """What tells it from others in a file of results."""
        return f"{self.name}, {self.horizon} ahead, cut {self.cut}"


def list_cases(frames: Mapping[str, pd.DataFrame], horizons: Mapping[str, Sequence[int]], n_cuts: int) -> list[Case]:
    """Cut the last part of each set into stretches to judge on; a stretch shorter than the horizon is left out."""
    cases = []
    for name, frame in frames.items():
        ends = [round(len(frame) * (1 - JUDGED_FRACTION * (n_cuts - i) / n_cuts)) for i in range(n_cuts + 1)]
        for horizon in horizons[name]:
            stretches = enumerate(itertools.pairwise(ends), start=1)
            cases += [
                Case(name, horizon, cut, frame.iloc[:end], begin)
                for cut, (begin, end) in stretches
                if end - begin >= horizon
            ]
    return cases


def judge_settings(case: Case, settings: Mapping[str, Any]) -> dict[str, float]:
    """Fit a forecaster before the stretch, and return its errors on it and the seconds of the fit."""
    from tscnn import Forecaster

    known = case.frame.iloc[: case.n_fitted]
    mean, scale = known.to_numpy(float).mean(axis=0), known.to_numpy(float).std(axis=0)
    scale = np.where(scale > 0, scale, 1)
    given = {"lookback": "auto", "random_state": 0, "verbose": 0, **settings}
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a forecaster beats no naive forecast is what is asked here
        forecaster = Forecaster(horizon=case.horizon, **given).fit(known)
    seconds = time.perf_counter() - began
    lookback = forecaster.lookback_

    def forecast(at: np.ndarray) -> np.ndarray:
        seen = case.frame.iloc[max(0, at[0] - lookback + 1) : at[-1] + case.horizon + 1]
        return (
            forecaster.backtest(seen, start=case.frame.index[at[0]]).to_numpy().reshape(len(at), case.horizon, -1)
            - mean
        ) / scale

    errors = test_errors((case.frame.to_numpy(float) - mean) / scale, case.n_fitted, case.horizon, forecast)
    return {**errors, "fit_s": seconds, "lookback": lookback}


def judge_case(case: Case, parts: Sequence[str], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the errors of each base and of each part left out; of one that fails, what it said."""
    whole = {"linear_model": LinearModel(), **extra}
    bases = {name: {**whole, **BASES[name]} for name in dict.fromkeys(PARTS[part].base for part in parts)}
    variants = {f"all: {name}": settings for name, settings in bases.items()}
    variants |= {part: {**bases[PARTS[part].base], **PARTS[part].without(whole["linear_model"])} for part in parts}
    found: dict[str, Any] = {}
    for name, settings in variants.items():
        same = next((other for other in found if variants[other] == settings), None)
        if same is not None:
            found[name] = found[same]
            continue
        try:
            found[name] = judge_settings(case, settings)
        except Exception as error:  # noqa: BLE001 - one variant that fails must not end hours of others
            found[name] = {"error": f"{type(error).__name__}: {error}"[:300]}
    return found


def judge_all(
    cases: Sequence[Case], parts: Sequence[str], extra: Mapping[str, Any], n_jobs: int
) -> Iterator[tuple[Case, dict[str, Any]]]:
    """Judge cases, in `n_jobs` processes of one thread each if these are more than one."""
    if n_jobs == 1:
        for case in cases:
            yield case, judge_case(case, parts, extra)
        return
    os.environ.update(dict.fromkeys(THREADS, "1"))  # for the processes, which are started afresh
    with ProcessPoolExecutor(n_jobs, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(judge_case, case, parts, extra): case for case in cases}
        for done in as_completed(running):
            yield running[done], done.result()


# From errors to what a part is worth


def find_gains(results: Mapping[str, Mapping[str, Any]], parts: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return by part and set how much larger the squared error is without the part: its logarithm, mean over cuts."""
    gains: dict[str, dict[str, float]] = {}
    for part in parts:
        by_set: dict[str, list[float]] = {}
        for key, found in results.items():
            whole, without = found.get(f"all: {PARTS[part].base}", {}), found.get(part, {})
            if "mse" in whole and "mse" in without:
                ratio = max(without["mse"], 1e-12) / max(whole["mse"], 1e-12)
                by_set.setdefault(key.split(",")[0], []).append(math.log(ratio))
        gains[part] = {name: statistics.mean(logs) for name, logs in by_set.items()}
    return gains


def summarize(gains: Mapping[str, float]) -> dict[str, Any]:
    """Return in % the geometric mean of gains, its standard error over sets, and the sets that gain most and least.

    Simulated sets are made for single parts: means are those of the others, where there are others.
    """
    real = [gain for name, gain in gains.items() if name not in _SIMULATED_NAMES] or list(gains.values())
    error = statistics.stdev(real) / math.sqrt(len(real)) if len(real) > 1 else math.nan
    best, worst = max(gains, key=gains.__getitem__), min(gains, key=gains.__getitem__)
    mean = 100 * math.expm1(statistics.mean(real))
    saves = 100 * math.expm1(gains[best])
    return {
        "gain": mean,
        "standard_error": 100 * error,
        "n_sets": len(real),
        "n_changed": sum(abs(gain) > 1e-6 for gain in gains.values()),
        "most": (saves, best),
        "least": (100 * math.expm1(gains[worst]), worst),
        "earns_its_lines": mean >= LITTLE or saves >= LARGE,
    }


_SIMULATED_NAMES = {load.__name__ for load in SIMULATED}


def _print_worth(gains: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    summaries = {part: summarize(by_set) for part, by_set in gains.items() if by_set}
    lines = []
    for part, s in sorted(summaries.items(), key=lambda item: -item[1]["gain"]):
        most, least = (f"{value:+.1f} {name}" for value, name in (s["most"], s["least"]))
        mean, spread = f"{s['gain']:+.2f}", "-" if math.isnan(s["standard_error"]) else f"{s['standard_error']:.2f}"
        count = f"{s['n_sets']} ({s['n_changed']} of {len(gains[part])})"
        lines.append([PARTS[part].about, mean, spread, count, most, least, "" if s["earns_its_lines"] else "little"])
    columns = ["part: % of squared error", "gain", "± of sets", "sets (changed)", "gains most", "gains least", ""]
    print_table(columns, lines)
    print(f"little: less than {LITTLE} % in the mean, and on no set as much as {LARGE:.0f} %")
    return summaries


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--all", action="store_true", help="all sets at hand and all parts, but for what is named below"
    )
    parser.add_argument("--quick", action="store_true", help="a few small sets, and one line for the network")
    parser.add_argument("--parts", nargs="+", choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--sets", nargs="+", metavar="SET", help="of `python -m benchmarks.sets`")
    parser.add_argument("--data", nargs="+", metavar="FILE.csv", default=[], help="files, times in the first column")
    parser.add_argument("--horizons", type=int, nargs="+", help="steps ahead, instead of those of each set")
    parser.add_argument("--cuts", type=int, default=2, help="stretches that are judged of each set")
    parser.add_argument("--rows", type=int, help="use the last rows of each set only; with --quick 1,000")
    parser.add_argument("--columns", type=int, help="use the first columns of each set only; with --quick 6")
    parser.add_argument("--longest", type=int, help="rows of the longest lookback to choose; with --quick 96")
    parser.add_argument("--set", metavar="NAME=VALUE", type=read_setting, action="append", default=[])
    parser.add_argument("--jobs", type=int, default=2, help="processes, with one thread each")
    parser.add_argument("--out", metavar="FILE.json", help="written after each case")
    parser.add_argument("--resume", action="store_true", help="go on with what is in --out")
    options = parser.parse_args(arguments)
    if not (options.all or options.quick or options.sets or options.data):
        parser.error("say which sets: --all, --quick, --sets or --data")
    unknown = set(options.sets or []) - set(SETS)
    if unknown:
        parser.error(f"--sets takes names of `python -m benchmarks.sets`. Received: {sorted(unknown)}")
    return options


def _load(options: argparse.Namespace) -> tuple[dict[str, pd.DataFrame], dict[str, Sequence[int]]]:
    names: Iterable[str] = options.sets or ()
    if not names and (options.all or options.quick):
        names = QUICK if options.quick else SETS
    sources = {**{name: SETS[name] for name in names}, **read_files(options.data)}
    n_rows, n_columns = (
        (options.rows or 1000, options.columns or 6) if options.quick else (options.rows, options.columns)
    )
    frames = {
        name: frame.iloc[-(n_rows or len(frame)) :, :n_columns]
        for name, frame in load_available(list(sources.values())).items()
    }
    return frames, {name: options.horizons or sources[name].horizons for name in frames}


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge all cases, and print what each part is worth."""
    options = _parse(arguments)
    parts = options.parts or [name for name, part in PARTS.items() if part.quick or not options.quick]
    frames, horizons = _load(options)
    cases, machine, extra = list_cases(frames, horizons, options.cuts), describe_machine(), dict(options.set)
    longest = options.longest or (96 if options.quick else None)
    if longest is not None:
        extra["linear_model"] = LinearModel(lookbacks=LookbackSettings(longest=longest, longest_season=longest))
    print(f"{machine['cpu']}, {machine['cores']} cores; {len(frames)} sets, {len(cases)} stretches, {len(parts)} parts")
    results: dict[str, Any] = {}
    if options.resume and options.out and Path(options.out).is_file():
        results = json.loads(Path(options.out).read_text())["results"]
    versions = read_versions(("tscnn", "keras", "tensorflow", "numpy", "pandas"))
    content = {
        "machine": machine,
        "versions": versions,
        "settings": {**dict(options.set), "longest": longest},
        "parts": parts,
    }
    missing = [case for case in cases if set(parts) - set(results.get(case.key, {}))]
    began = time.perf_counter()
    for n_done, (case, found) in enumerate(judge_all(missing, parts, extra, options.jobs), start=1):
        results[case.key] = {**results.get(case.key, {}), **found}
        said = f"  {case.key}: {n_done} of {len(missing)}, {time.perf_counter() - began:.0f} s"
        print(said, file=sys.stderr, flush=True)
        for name, record in found.items():
            if "error" in record:
                print(f"  {case.key}, {name}: {record['error']}", flush=True)
        if options.out:
            write_json(options.out, {**content, "results": results})
    gains = find_gains({case.key: results[case.key] for case in cases}, parts)
    summaries = _print_worth(gains)
    if options.out:
        percent = {part: {name: 100 * math.expm1(g) for name, g in by_set.items()} for part, by_set in gains.items()}
        write_json(options.out, {**content, "results": results, "worth": summaries, "gains": percent})


if __name__ == "__main__":
    main()
