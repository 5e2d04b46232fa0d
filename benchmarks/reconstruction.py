"""How well gaps are filled and anomalies found: `tscnn.Reconstructor` beside what others would take.

Run ``python -m benchmarks.reconstruction``, or with ``--quick`` on part of the weather of New York, without the slow
methods; ``--data FILE.csv`` takes other files, times in the first column. Values are taken out in gaps of 1, 6, 24 and
72 hours, of each column by itself ("one") or of all in the same rows; every method learns from the rows with these gaps
and fills them. Errors are root mean squares in standard deviations of a column, mean of squares over all values taken.

Anomalies are planted in the weather: spikes, sensors that are stuck, clocks that go wrong, shifts of level, columns
that are swapped. Methods learn from the rows with them and score every value; the figure is the area under the curve
of precision and recall, over values and, by the highest score in each, over rows. ``--labelled FILE.csv`` takes a file
with a last column of 0 and 1 that labels rows.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.report import describe_machine, print_table, write_json
from tscnn import Forecaster, Reconstructor
from tscnn.data.datasets import load_nyc_weather
from tscnn.data.index import find_seasonality
from tscnn.data.steps import find_step

HOURS = (1, 6, 24, 72)
SHARE = 0.05  # of the rows of a column, about
KALMAN_ROWS = 1000  # to which a smoother is fitted: it takes the longest by far
N_EACH = 8  # anomalies of each kind


# Gaps


def take_out(known: np.ndarray, length: int, together: bool, seed: int) -> np.ndarray:
    """Place gaps of a length in slots of equal size, anywhere in each; only what is known can be taken out."""
    random, gone = np.random.default_rng(seed), np.zeros(known.shape, bool)
    n_rows = len(known)
    slot = max(2 * length + 4, int(length / SHARE))
    for column in range(1 if together else known.shape[1]):
        for first in range(0, n_rows - slot, slot):
            start = first + random.integers(1, slot - length)
            gone[start : start + length, slice(None) if together else column] = True
    return gone & known


def _tscnn(frame: pd.DataFrame, _: int, settings: dict[str, Any]) -> pd.DataFrame:
    return Reconstructor(random_state=0, verbose=0, **settings).fit(frame).impute(frame)


def _linear(frame: pd.DataFrame, *_: Any) -> pd.DataFrame:
    return frame.interpolate(limit_direction="both")


def _seasonal(frame: pd.DataFrame, season: int, _: Any) -> pd.DataFrame:
    means = frame.groupby(np.arange(len(frame)) % season).transform("mean")
    return _linear(frame - means) + means


def _iterative(frame: pd.DataFrame, *_: Any) -> pd.DataFrame:
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    return pd.DataFrame(IterativeImputer(random_state=0).fit_transform(frame), frame.index, frame.columns)


def _kalman(frame: pd.DataFrame, season: int, _: Any) -> pd.DataFrame:
    """Smooth each column by a level, a season of four harmonics, and an autoregressive rest, fitted to first rows."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    filled = frame.copy()
    for name, column in frame.items():
        scaled = ((column - column.mean()) / column.std()).to_numpy()
        waves = [{"period": season, "harmonics": min(4, season // 2)}]
        how = {"level": "llevel", "freq_seasonal": waves, "autoregressive": 1}
        params = UnobservedComponents(scaled[:KALMAN_ROWS], **how).fit(disp=False, maxiter=30).params
        model = UnobservedComponents(scaled, **how)
        smoothed = model.smooth(params)
        told = smoothed.smoothed_state.T @ model.ssm["design"][0]
        filled[name] = column.fillna(pd.Series(told * column.std() + column.mean(), frame.index))
    return filled


METHODS: dict[str, Callable[[pd.DataFrame, int, dict[str, Any]], pd.DataFrame]] = {
    "tscnn": _tscnn,
    "linear": _linear,
    "seasonal": _seasonal,
    "IterativeImputer": _iterative,
    "Kalman smoother": _kalman,
}


def measure_gaps(frame: pd.DataFrame, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return the error of each method, by kind of gap."""
    step = find_step(frame.index)
    season, per_hour = find_seasonality(step) or 24, pd.Timedelta(hours=1) / pd.Timedelta(step)
    known, scale, found = frame.notna().to_numpy(), frame.std().to_numpy(), {}
    for together in (False, True) if frame.shape[1] > 1 else (True,):
        for hours in options.hours:
            gone = take_out(known, max(1, round(hours * per_hour)), together, seed=hours)
            line: dict[str, float] = {}
            for method in options.methods:
                began = time.perf_counter()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    filled = METHODS[method](frame.mask(gone), season, options.settings)
                errors = ((filled - frame).to_numpy() / scale)[gone]
                line[method] = float(np.sqrt(np.mean(errors**2)))
                line[f"{method}, seconds"] = time.perf_counter() - began
            found[f"{hours} h, {'all columns' if together else 'one column'}"] = line
    return found


# Anomalies


def plant(frame: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Plant anomalies of five kinds, apart from each other; return the frame, and the kind of each value or 0."""
    random = np.random.default_rng(seed)
    truth, scale = frame.to_numpy(), frame.std().to_numpy()
    values, kinds = truth.copy(), np.zeros(truth.shape, int)
    n_slots = 5 * N_EACH + 2
    slot = len(frame) // n_slots
    longest = min(72, slot - 12)
    for n, at in enumerate(random.permutation(n_slots - 2) + 1):
        kind = n % 5 + 1
        start, column = at * slot + random.integers(0, 10), random.integers(truth.shape[1])
        length = {1: 1, 2: random.integers(longest // 4, longest)}.get(kind, random.integers(longest // 3, longest))
        rows = slice(start, start + length)
        if kind == 1:
            values[rows, column] += random.choice([-1, 1]) * random.uniform(2, 4) * scale[column]
        elif kind == 2:
            values[rows, column] = values[start, column]
        elif kind == 3:
            late = random.integers(3, 9)
            values[rows, column] = truth[start - late : start - late + length, column]
        elif kind == 4:
            values[rows, column] += random.choice([-1, 1]) * random.uniform(1, 2) * scale[column]
        else:
            other = (column + random.integers(1, truth.shape[1])) % truth.shape[1]
            values[rows, [column, other]] = truth[rows, [other, column]]
            kinds[rows, other] = kind
        kinds[rows, column] = kind
    return pd.DataFrame(values, frame.index, frame.columns), kinds


def _score_tscnn(frame: pd.DataFrame) -> np.ndarray:
    return Reconstructor(network=None, random_state=0, verbose=0).fit(frame).score_samples(frame).fillna(0).to_numpy()


def _score_rolling(frame: pd.DataFrame) -> np.ndarray:
    rows = frame.rolling(48, center=True, min_periods=2)
    return ((frame - rows.mean()) / rows.std()).abs().replace(np.inf, 0).fillna(0).to_numpy()


def _score_forest(frame: pd.DataFrame) -> np.ndarray:
    from sklearn.ensemble import IsolationForest

    filled = frame.fillna(frame.mean())
    of_rows = -IsolationForest(random_state=0).fit(filled).score_samples(filled)
    return np.repeat(of_rows[:, None], frame.shape[1], axis=1)


def _score_forecaster(frame: pd.DataFrame) -> np.ndarray:
    """Take the errors of forecasts a step ahead."""
    forecaster = Forecaster(lookback=48, network=None, missing="mask", verbose=0).fit(frame)
    forecasts = forecaster.backtest(frame).droplevel("cutoff").reindex(frame.index)
    errors = (forecasts - frame).abs().fillna(0)
    return (errors / errors.median().clip(lower=1e-9)).to_numpy()


SCORES: dict[str, Callable[[pd.DataFrame], np.ndarray]] = {
    "tscnn": _score_tscnn,
    "rolling z-score": _score_rolling,
    "isolation forest": _score_forest,
    "forecaster's errors": _score_forecaster,
}
KINDS = ("spike", "stuck", "clock", "shift", "swap")


def measure_anomalies(frame: pd.DataFrame, n_seeds: int) -> dict[str, dict[str, float]]:
    """Return areas under the curve of precision and recall, the mean over plantings."""
    from sklearn.metrics import average_precision_score

    found: dict[str, dict[str, float]] = {}
    for name, method in SCORES.items():
        lines = []
        for seed in range(100, 100 + n_seeds):
            planted, kinds = plant(frame, seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scores = method(planted)
            line = {
                "values": average_precision_score(kinds.ravel() > 0, scores.ravel()),
                "rows": average_precision_score((kinds > 0).any(axis=1), scores.max(axis=1)),
            }
            for number, kind in enumerate(KINDS, 1):
                rest = (kinds == number) | (kinds == 0)
                line[kind] = average_precision_score(kinds[rest] == number, scores[rest])
            lines.append(line)
        found[name] = pd.DataFrame(lines).mean().to_dict()
    return found


def measure_labelled(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return areas of a file whose last column labels rows."""
    from sklearn.metrics import average_precision_score

    rows, labels = frame.iloc[:, :-1], frame.iloc[:, -1].to_numpy() > 0
    return {
        name: {"rows": average_precision_score(labels, method(rows).max(axis=1))} for name, method in SCORES.items()
    }


# All of it


def _read(path: str, options: argparse.Namespace) -> pd.DataFrame:
    frame = pd.read_csv(path, index_col=0, parse_dates=[0], skipinitialspace=True)
    frame = frame.resample("h").mean() if options.hourly else frame
    return frame.iloc[: options.rows, : options.columns]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,500 rows x 4 columns of the weather: a minute")
    parser.add_argument("--data", nargs="+", metavar="FILE.csv", default=[], help="beside the weather of New York")
    parser.add_argument("--labelled", metavar="FILE.csv", help="whose last column labels anomalous rows by 1")
    parser.add_argument("--hourly", action="store_true", help="means of the hours of --data")
    parser.add_argument("--rows", type=int, help="use the first rows only")
    parser.add_argument("--columns", type=int, help="use the first columns only")
    parser.add_argument("--hours", type=int, nargs="+", default=HOURS, help="lengths of gaps")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--parts", nargs="+", choices=["gaps", "anomalies"], default=["gaps", "anomalies"])
    parser.add_argument("--network", action="store_true", help="with the network, where it helps")
    parser.add_argument("--seeds", type=int, default=3, help="plantings of anomalies")
    parser.add_argument("--out", metavar="FILE.json")
    parsed = parser.parse_args(arguments)
    if parsed.quick:
        parsed.rows, parsed.columns, parsed.seeds = parsed.rows or 1500, parsed.columns or 4, 1
        parsed.methods = [name for name in parsed.methods if name != "Kalman smoother"]
    parsed.settings = {} if parsed.network else {"network": None}
    return parsed


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each file, and one of anomalies."""
    options = _parse(arguments)
    machine = describe_machine()
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_before']}")
    weather = load_nyc_weather().iloc[: options.rows, : options.columns]
    frames = {"nyc_weather": weather, **{Path(path).stem: _read(path, options) for path in options.data}}
    results: dict[str, Any] = {}
    for name, frame in frames.items() if "gaps" in options.parts else ():
        print(f"\n{name}: {len(frame):,} rows x {frame.shape[1]}; errors in gaps, in standard deviations")
        results[name] = measure_gaps(frame, options)
        lines = [[kind, *(f"{line[m]:.4f}" for m in options.methods)] for kind, line in results[name].items()]
        print_table(["", *options.methods], lines)
    if "anomalies" in options.parts:
        print(f"\nanomalies planted in nyc_weather: areas under precision and recall, {options.seeds} plantings")
        results["anomalies"] = measure_anomalies(weather, options.seeds)
        _print_areas(results["anomalies"])
    if options.labelled:
        print(f"\n{Path(options.labelled).stem}: areas under precision and recall")
        results["labelled"] = measure_labelled(
            _read(options.labelled, argparse.Namespace(rows=None, columns=None, hourly=False))
        )
        _print_areas(results["labelled"])
    if options.out:
        write_json(options.out, {"machine": machine, "results": results})


def _print_areas(found: dict[str, dict[str, float]]) -> None:
    of = list(next(iter(found.values())))
    print_table(["", *of], [[name, *(f"{line[one]:.3f}" for one in of)] for name, line in found.items()])


if __name__ == "__main__":
    main()
