"""Which backend of Keras trains fastest on this machine's CPU, and how long each takes to start.

Run ``python -m benchmarks.backends``: one training of the network alone, and one fit with everything by default, in a
process of its own for each backend, one after the other. ``--python torch=INTERPRETER`` names another environment.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import describe_machine, load_values, print_table, write_json

ROOT = Path(__file__).parents[1]
BACKENDS = ("tensorflow", "jax", "torch")
COLUMNS = ["backend", "start, s", "first epoch, s", "origins/s after it", "whole default fit, s", "validation MSE"]


def measure(lookback: int, horizon: int, epochs: int, data: str | None) -> dict[str, float]:
    """Train in this process; the first epoch has the tracing or compiling in it, evaluation left out."""
    began = time.perf_counter()
    from benchmarks.contestants.common import EpochClock, keras_clock
    from tscnn import Forecaster
    from tscnn.network.backend import start_runtime

    start_runtime()
    started = time.perf_counter()
    _, values, _ = load_values(data)
    clock = EpochClock()
    settings = {"validation_fraction": 0, "linear_model": None, "epochs": epochs, "callbacks": [keras_clock(clock)]}
    Forecaster(lookback, horizon, random_state=0, verbose=0, **settings).fit(values)
    fitting = time.perf_counter()
    forecaster = Forecaster(lookback, horizon, random_state=0, verbose=0).fit(values)
    return {
        "start_s": started - began,
        "first_epoch_s": clock.seconds[0],
        "train_per_s": (len(values) - lookback - horizon + 1) / statistics.median(clock.seconds[1:]),
        "default_s": time.perf_counter() - fitting,
        "mse": float(forecaster.report_["mse"].iloc[0]),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a backend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", nargs="+", default=BACKENDS, choices=BACKENDS)
    parser.add_argument("--python", action="append", default=[], metavar="BACKEND=INTERPRETER")
    parser.add_argument("--lookback", type=int, default=336)
    parser.add_argument("--horizon", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--data", metavar="FILE.csv")
    parser.add_argument("--out", metavar="FILE.json")
    asked = parser.parse_args(arguments)
    interpreters = dict(one.split("=", 1) for one in asked.python)
    given = [asked.lookback, asked.horizon, asked.epochs, asked.data]
    code = f"import json; from benchmarks.backends import measure; print(json.dumps(measure(*{given!r})))"
    lines: list[list[str]] = []
    records: list[dict[str, Any]] = []
    for backend in asked.backends:
        environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        command = [interpreters.get(backend, sys.executable), "-c", code]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{backend}: left out, {done.stderr.strip().splitlines()[-1]}")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        records.append({"backend": backend, **found})
        figures = [f"{found['start_s']:.1f}", f"{found['first_epoch_s']:.1f}", f"{found['train_per_s']:,.0f}"]
        lines.append([backend, *figures, f"{found['default_s']:.1f}", f"{found['mse']:.3f}"])
    machine = describe_machine()
    print(f"{machine['cpu']}, {machine['cores']} cores; lookback {asked.lookback}, horizon {asked.horizon}\n")
    print_table(COLUMNS, lines)
    if asked.out:
        write_json(asked.out, {"machine": machine, "results": records})


if __name__ == "__main__":
    main()
