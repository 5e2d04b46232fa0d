"""A fit on a folder of Parquet files with more rows than memory holds: seconds, and the peak of the process.

Run ``python -m benchmarks.larger_than_memory``: 50,000,000 minutes of one column are written to temporary files, about
200 MB a column, and fitted in a process of its own; what is larger than memory lies in other temporary files.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

ROWS_OF_FILE = 1_000_000
LOOKBACK, HORIZON = 96, 24


def write_files(folder: Path, n_rows: int, n_columns: int) -> float:
    """Write days and weeks of minutes with noise, a million rows a file; return the bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(0)
    for number, first in enumerate(range(0, n_rows, ROWS_OF_FILE)):
        at = np.arange(first, min(first + ROWS_OF_FILE, n_rows))
        columns = {"time": np.datetime64("1930-01-01", "s") + at * np.timedelta64(60, "s")}
        for column in range(n_columns):
            waves = np.sin(2 * np.pi * (at / 1440 + column / 7)) + 0.5 * np.sin(2 * np.pi * at / 10_080)
            columns[f"x{column}"] = (waves + 0.3 * random.standard_normal(len(at))).astype(np.float32)
        pq.write_table(pa.table(columns), folder / f"part-{number:04d}.parquet")
    return float(sum(file.stat().st_size for file in folder.iterdir()))


def fit(folder: str, settings: dict[str, Any]) -> tuple[float, float, dict[str, float], float]:
    """Fit, and return seconds, the peak of memory in GB, the seconds of stages, and the error on validation rows."""
    warnings.simplefilter("ignore")
    from tscnn import Forecaster

    began = time.perf_counter()
    forecaster = Forecaster(LOOKBACK, HORIZON, time="time", random_state=0, **settings).fit(folder)
    seconds, unit = time.perf_counter() - began, 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    return seconds, peak, forecaster.summary_.seconds.to_dict(), float(forecaster.report_["mse"].iloc[0])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print seconds and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--columns", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="3,000,000 rows, without network")
    parser.add_argument("--calendar", action="store_true", help="let the calendar be tried: 10 microseconds a row")
    parser.add_argument("--no-network", action="store_true")
    asked = parser.parse_args(arguments)
    n_rows = 3_000_000 if asked.quick else asked.rows
    settings = {"calendar": "auto" if asked.calendar else None}
    settings |= {"network": None} if asked.quick or asked.no_network else {}
    with tempfile.TemporaryDirectory() as folder:
        n_bytes = write_files(Path(folder), n_rows, asked.columns)
        print(f"{n_rows:,} rows x {asked.columns} columns, float32: {n_bytes / 1e6:.0f} MB of Parquet", flush=True)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            seconds, peak, stages, error = process.submit(fit, folder, settings).result()
    print(f"fitted in {seconds:.0f} s, peak of the process {peak:.2f} GB; validation MSE {error:.3f}")
    print("; ".join(f"{name} {spent:.0f} s" for name, spent in stages.items()))


if __name__ == "__main__":
    main()
