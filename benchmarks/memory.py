"""Peak memory of building windows and of training on a long series.

Run ``python -m benchmarks.memory``: 1,000,000 rows x 7 columns at lookback 336, each case in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from typing import Any

import numpy as np

LOOKBACK, HORIZON = 336, 96


def _series(n_rows: int, n_columns: int) -> np.ndarray:
    random = np.random.default_rng(0)
    hours = np.arange(n_rows)[:, None]
    waves = np.sin(2 * np.pi * (hours + 3 * np.arange(n_columns)) / 24)
    return (waves + 0.5 * random.standard_normal((n_rows, n_columns))).astype(np.float32)


def views(n_rows: int, n_columns: int) -> str:
    """Cut every window, as views."""
    from tscnn import make_windows

    inputs, targets = make_windows(_series(n_rows, n_columns), LOOKBACK, HORIZON)
    return f"{inputs.shape[0]:,} windows, {(inputs.nbytes + targets.nbytes) / 1e9:.1f} GB if copied"


def imports(n_rows: int, n_columns: int) -> str:
    """Import TensorFlow and make the series: what every training pays."""
    from tscnn import Forecaster

    return f"{Forecaster.__name__} on {_series(n_rows, n_columns).nbytes / 1e6:.0f} MB of rows"


def training(n_rows: int, n_columns: int) -> str:
    """Fit one epoch, every origin once."""
    import pandas as pd

    from tscnn import Forecaster

    times = pd.date_range("1900-01-01", periods=n_rows, freq="h")
    frame = pd.DataFrame(_series(n_rows, n_columns), index=times)
    began = time.perf_counter()
    Forecaster(LOOKBACK, HORIZON, epochs=1, random_state=0, verbose=0).fit(frame)
    return f"one epoch, validation included, in {time.perf_counter() - began:.0f} s"


CASES = {case.__name__: case for case in (views, imports, training)}


def _measure(name: str, n_rows: int, n_columns: int, answers: Any) -> None:
    said = CASES[name](n_rows, n_columns)
    unit = 1 if sys.platform == "darwin" else 1024
    answers.put((said, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9))


def main() -> None:
    """Print a line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=7)
    arguments = parser.parse_args()
    copied = arguments.rows * arguments.columns * LOOKBACK * 4 / 1e9
    print(f"{arguments.rows:,} rows x {arguments.columns} columns, lookback {LOOKBACK}, horizon {HORIZON}, float32;")
    print(f"inputs as materialised windows: {copied:.1f} GB\n")
    context = multiprocessing.get_context("spawn")
    for name in CASES:
        answers = context.Queue()
        process = context.Process(target=_measure, args=(name, arguments.rows, arguments.columns, answers))
        process.start()
        said, peak = answers.get()
        process.join()
        print(f"{name:10} peak of the process {peak:5.2f} GB   ({said})")


if __name__ == "__main__":
    main()
