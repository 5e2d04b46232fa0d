"""Accuracy by the standard protocol of long-term forecasting, beside naive forecasts and the closed-form linear map.

Run ``python -m benchmarks.ltsf --data ETTh1.csv --protocol etth --horizons 96 192 336 720 --seeds 3``. A CSV file has
times in its first column and numbers in the others. ``etth`` and ``ettm`` take 12, 4 and 4 months of 30 days for
training, validation and test, and leave what follows; ``custom`` takes 70, 10 and 20 % of the rows. Errors are those of
all windows of the test rows, on columns standardised by the training rows; inputs may reach back before the test rows.
Nothing is chosen on test rows.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.report import describe_machine, print_table, read_versions, write_json
from tscnn.data.frame import learn_schema
from tscnn.data.index import find_seasonality
from tscnn.data.windows import find_origins
from tscnn.linear import LinearModel
from tscnn.linear.ridge import fit_ridge_map

OLS = 1e-6  # ridge that only keeps the normal equations solvable
BLOCK = 1024  # test windows in memory at a time

Forecast = Callable[[np.ndarray], np.ndarray]


def find_splits(n_rows: int, protocol: str) -> tuple[int, int, int]:
    """Return the ends of the training, the validation and the test rows."""
    if protocol == "custom":
        return int(0.7 * n_rows), n_rows - int(0.2 * n_rows), n_rows
    month = 30 * 24 * {"etth": 1, "ettm": 4}[protocol]
    if n_rows < 20 * month:
        raise SystemExit(f"--protocol {protocol} needs {20 * month} rows. Received: {n_rows} rows")
    return 12 * month, 16 * month, 20 * month


def test_errors(rows: np.ndarray, first: int, horizon: int, forecast: Forecast) -> dict[str, float]:
    """Return the MSE and the MAE over all test windows, whose first targets are the rows from `first` on.

    `forecast` takes row numbers of origins to forecasts, (origins, horizon, features).
    """
    outcomes = sliding_window_view(rows, horizon, axis=0)
    squares = sizes = 0.0
    origins = np.arange(first - 1, len(rows) - horizon)
    for at in (origins[i : i + BLOCK] for i in range(0, len(origins), BLOCK)):
        errors = (forecast(at) - outcomes[at + 1].transpose(0, 2, 1)).astype(np.float64)
        squares += float(np.square(errors).sum())
        sizes += float(np.abs(errors).sum())
    n_values = len(origins) * horizon * rows.shape[1]
    return {"mse": squares / n_values, "mae": sizes / n_values}


def fit_linear(
    rows: np.ndarray, splits: Sequence[int], lookback: int, horizon: int, alphas: Sequence[float]
) -> np.ndarray:
    """Fit one linear map for all columns on the training rows; `alphas` compete on the validation rows."""
    rows = rows.astype(np.float64)  # with so little ridge float32 is not enough
    origins = find_origins([splits[0]], lookback, horizon), find_origins([splits[1]], lookback, horizon, [splits[0]])
    return fit_ridge_map(rows, *origins, lookback, horizon, alphas, most_products=math.inf)[0]


def judge_baselines(
    rows: np.ndarray, splits: Sequence[int], lookback: int, horizon: int, seasonality: int | None
) -> dict[str, dict[str, float]]:
    """Return the test errors of what every model has to beat."""
    windows = sliding_window_view(rows, lookback, axis=0)  # (.., features, lookback)

    def linear(alphas: Sequence[float]) -> Forecast:
        weights = fit_linear(rows, splits, lookback, horizon, alphas).astype(np.float32)
        return lambda at: (windows[at - lookback + 1] @ weights).transpose(0, 2, 1)

    def repeat(season: int) -> Forecast:
        return lambda at: rows[at[:, None] - season + 1 + np.arange(horizon) % season]

    forecasts = {"repeat last": repeat(1)}
    if seasonality is not None:
        forecasts[f"repeat {seasonality} rows"] = repeat(seasonality)
    forecasts[f"linear map, OLS, lookback {lookback}"] = linear([OLS])
    forecasts[f"linear map, ridge, lookback {lookback}"] = linear(LinearModel().baseline_alphas)
    return {name: test_errors(rows, splits[1], horizon, forecast) for name, forecast in forecasts.items()}


def judge_forecaster(
    frame: pd.DataFrame, rows: np.ndarray, splits: Sequence[int], settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Fit on the training rows, with the validation rows as its own, and return the test errors."""
    from tscnn import Forecaster

    known = frame.iloc[: splits[1]]
    forecaster = Forecaster(**settings, validation_fraction=1 - splits[0] / splits[1], random_state=seed)
    began = time.perf_counter()
    forecaster.fit(known)
    seconds = time.perf_counter() - began
    lookback, horizon = forecaster.lookback_, settings["horizon"]
    mean, scale = known[: splits[0]].to_numpy().mean(axis=0), known[: splits[0]].to_numpy().std(axis=0)
    scale = np.where(scale > 0, scale, 1)

    def forecast(at: np.ndarray) -> np.ndarray:
        seen = frame.iloc[at[0] - lookback + 1 : at[-1] + horizon + 1]
        own_units = forecaster.backtest(seen).to_numpy().reshape(len(at), horizon, -1)
        return (own_units - mean) / scale

    errors = test_errors(rows, splits[1], horizon, forecast)
    mode = "no network" if forecaster.config_ is None else forecaster.config_.feature_mode
    chosen = {"lookback": lookback, "feature_mode": mode}
    validation = float(forecaster.report_.loc["tscnn", "mse"])
    return {"seed": seed, **errors, "validation_mse": validation, "fit_s": seconds, **chosen}


def _spread(values: Sequence[float]) -> str:
    mean = statistics.mean(values)
    return f"{mean:.4f} ± {statistics.stdev(values):.4f}" if len(values) > 1 else f"{mean:.4f}"


def read_setting(text: str) -> tuple[str, Any]:
    """Read ``NAME=VALUE``, the value as Python or JSON writes it, or else as text."""
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, a parameter of Forecaster. Received: {text!r}")
    for read in (ast.literal_eval, json.loads):
        try:
            return name, read(value)
        except (ValueError, SyntaxError):
            continue
    return name, value


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="CSV file, times in the first column")
    parser.add_argument("--protocol", choices=("etth", "ettm", "custom"), default="custom")
    parser.add_argument("--horizons", type=int, nargs="+", default=[96, 192, 336, 720])
    parser.add_argument("--lookback", default="auto", help="rows, or auto: chosen on the validation rows (default)")
    parser.add_argument("--seeds", type=int, default=3, help="fits for each horizon")
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        type=read_setting,
        action="append",
        default=[],
        help="another Forecaster setting",
    )
    parser.add_argument("--baseline-lookback", type=int, default=336, help="of the linear maps")
    parser.add_argument("--out", metavar="FILE.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each horizon, and the means over horizons."""
    options = _parse(arguments)
    frame = pd.read_csv(options.data, index_col=0, parse_dates=[0])
    schema, frame = learn_schema(frame)
    splits = find_splits(len(frame), options.protocol)
    frame = frame.iloc[: splits[2]]
    known = frame.to_numpy()[: splits[0]]
    rows = ((frame.to_numpy() - known.mean(axis=0)) / np.where(known.std(axis=0) > 0, known.std(axis=0), 1)).astype(
        np.float32
    )
    lookback = options.lookback if options.lookback == "auto" else int(options.lookback)
    settings = {"lookback": lookback, **dict(options.set), "verbose": 0}
    machine = describe_machine()
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_before']}")
    print(
        f"{len(frame):,} rows x {frame.shape[1]} columns; training to row {splits[0]:,}, validation to {splits[1]:,},"
    )
    print(f"test to {splits[2]:,}. Forecaster({', '.join(f'{k}={v!r}' for k, v in settings.items())})")

    results: list[dict[str, Any]] = []
    for horizon in options.horizons:
        baselines = judge_baselines(rows, splits, options.baseline_lookback, horizon, find_seasonality(schema.freq))
        runs = [
            judge_forecaster(frame, rows, splits, {**settings, "horizon": horizon}, seed)
            for seed in range(options.seeds)
        ]
        results.append({"horizon": horizon, "baselines": baselines, "runs": runs})
        print(f"\nhorizon {horizon}")
        table = [[name, f"{e['mse']:.4f}", f"{e['mae']:.4f}", "", ""] for name, e in baselines.items()]
        chosen = sorted({f"lookback {run['lookback']}, {run['feature_mode']}" for run in runs})
        fit = f"{statistics.mean(run['fit_s'] for run in runs):.0f}"
        mse, mae = _spread([run["mse"] for run in runs]), _spread([run["mae"] for run in runs])
        table.append([f"tscnn ({'; '.join(chosen)})", mse, mae, f"{runs[0]['validation_mse']:.4f}", fit])
        print_table(["", "test MSE", "test MAE", "validation MSE", "fit s"], table)
    print("\nmean over horizons")
    names = list(results[0]["baselines"])
    means = [
        [name, *(statistics.mean(r["baselines"][name][k] for r in results) for k in ("mse", "mae"))] for name in names
    ]
    by_seed = [
        [statistics.mean(r["runs"][seed][k] for r in results) for k in ("mse", "mae")] for seed in range(options.seeds)
    ]
    table = [[name, f"{mse:.4f}", f"{mae:.4f}"] for name, mse, mae in means]
    table.append(["tscnn", _spread([mse for mse, _ in by_seed]), _spread([mae for _, mae in by_seed])])
    print_table(["", "test MSE", "test MAE"], table)
    if options.out:
        versions = read_versions(("tscnn", "keras", "tensorflow", "numpy", "pandas"))
        content = {"machine": machine, "versions": versions, "protocol": options.protocol, "settings": settings}
        write_json(options.out, {**content, "results": results})


if __name__ == "__main__":
    main()
