"""Seconds of training until the validation rows are forecast as well as by the closed-form linear map.

Run ``python -m benchmarks.time_to_accuracy``: origins next to each other are alike, so that origins per second alone
say little. tscnn's clock runs from the start of `fit` and includes the linear start, compilation and validation; that
of the peers stands still while they are judged.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.contestants import PEERS
from benchmarks.contestants.accuracy import squared_error
from benchmarks.contestants.launch import Launcher, parse_interpreters
from benchmarks.report import describe_machine, load_values, print_table, write_json
from tscnn.data.windows import find_origins, split_row
from tscnn.linear import LinearModel
from tscnn.linear.ridge import fit_ridge_map

LOOKBACK, HORIZON, FRACTION = 336, 96, 0.1
SEGMENTS = (8, 16, 32, 64, 128, 256)


def find_target(values: np.ndarray, lookback: int, horizon: int) -> tuple[float, int, np.ndarray]:
    """Return the linear map's error on the validation rows, the first of these, and the rows standardised."""
    first = split_row(len(values), lookback, horizon, FRACTION)
    if first is None:
        raise SystemExit(f"{len(values)} rows are too few for lookback {lookback} and horizon {horizon}.")
    rows = ((values - values[:first].mean(axis=0)) / values[:first].std(axis=0)).astype(np.float32)
    origins = find_origins([first], lookback, horizon), find_origins([len(rows)], lookback, horizon, [first])
    alphas = LinearModel().baseline_alphas
    weights = fit_ridge_map(rows, *origins, lookback, horizon, alphas, most_products=math.inf)[0]
    validation = rows[first - lookback :]
    windows = np.lib.stride_tricks.sliding_window_view(validation, lookback, axis=0)[:-horizon]
    forecasts = windows @ weights  # (windows, columns, horizon)
    return squared_error(forecasts.transpose(0, 2, 1), validation, lookback), first, rows


def list_cases(segments: Sequence[int], peers: Sequence[str]) -> list[tuple[str, str, dict[str, Any]]]:
    """Name each case, its contestant, and what its task has beyond the common."""
    cases: list[tuple[str, str, dict[str, Any]]] = []
    for kind, options in (("linear model", {"linear_model": "auto"}), ("no linear model", {})):
        for n in segments:
            cases.append((f"dense, {n} origins, {kind}", "tscnn", {"segment_origins": n, "options": options}))
        windows = {"mode": "window", **options}
        cases.append((f"window, {kind}", "tscnn", {"options": windows}))
    cases.append(("everything by default", "tscnn default", {}))
    for name in peers:
        # A pass of neuralforecast over the data takes minutes: it is judged more often.
        steps = {"options": {"most_steps": 8}, "epochs": 1000}
        cases.append((name, name, steps if name == "neuralforecast" else {}))
    return cases


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, nargs="*", default=SEGMENTS, help="origins of a dense segment")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--lookback", type=int, default=LOOKBACK)
    parser.add_argument("--horizon", type=int, default=HORIZON)
    parser.add_argument("--epochs", type=int, default=10, help="of tscnn, at most")
    parser.add_argument("--peer-epochs", type=int, default=3, help="of each peer, at most")
    parser.add_argument("--seconds", type=float, default=120, help="of training, at most, checked after each epoch")
    parser.add_argument("--data", help="CSV file, times in the first column; default ETTh1 or the bundled weather")
    parser.add_argument("--rows", type=int, help="use only the first rows")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--python", metavar="NAME=INTERPRETER", action="append", default=[])
    parser.add_argument("--out", metavar="FILE.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the cases one after the other, and print a line for each."""
    options = _parse(arguments)
    machine = {**describe_machine(), "threads": options.threads}
    data, values, freq = load_values(options.data)
    target, first, rows = find_target(values[: options.rows], options.lookback, options.horizon)
    print(f"{machine['cpu']}, {machine['cores']} cores, {options.threads} threads, load {machine['load_before']}")
    print(f"{data}: validation error of the closed-form linear map {target:.4f}\n")
    launcher = Launcher(parse_interpreters(options.python), options.threads, 10 * options.seconds)
    results = []
    try:
        common = {
            "measure": "accuracy",
            "settings": {"lookback": options.lookback, "horizon": options.horizon},
            "values": launcher.save(rows, "values"),
            "freq": freq,
            "first": first,
            "fraction": FRACTION,
            "target": target * (1 + 1e-4),
            "seconds": options.seconds,
        }
        for name, contestant, extra in list_cases(options.segments, options.peers):
            epochs = options.peer_epochs if contestant in PEERS else options.epochs
            if launcher.is_installed(contestant):
                answer = launcher.run(contestant, {**common, "epochs": epochs, **extra})
            else:
                answer = {"error": "not installed"}
            results.append({"case": name, **answer.get("measures", {"error": answer.get("error")})})
            print(f"  {name} done", flush=True)
    finally:
        launcher.close()
    _print_results(results)
    if options.out:
        settings = {"data": data, "lookback": options.lookback, "horizon": options.horizon, "rows": len(rows)}
        write_json(options.out, {"machine": machine, "settings": settings, "target_mse": target, "results": results})


def _print_results(results: Sequence[dict[str, Any]]) -> None:
    print()
    lines = []
    for result in results:
        if "error" in result:
            lines.append([result["case"], result["error"], None, None, None])
        else:
            seconds = "not reached" if result["seconds"] is None else f"{result['seconds']:.1f}"
            best = f"{result['best_mse']:.4f}"
            lines.append([result["case"], seconds, best, str(result["epochs"]), result["trained_s"]])
    print_table(["", "seconds to target", "best MSE", "times judged", "trained s"], lines)


if __name__ == "__main__":
    main()
