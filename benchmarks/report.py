"""What the benchmarks share: the data, the machine in words, tables, JSON files."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "describe_machine",
    "load_values",
    "peak_memory",
    "print_table",
    "read_versions",
    "write_json",
]

ETTH1 = Path(__file__).parents[2] / "shared" / "data" / "ETTh1.csv"
N_COLUMNS = 7


def load_values(path: str | None = None) -> tuple[str, np.ndarray, str]:
    """Return the name of the data, their first 7 columns standardised by the first 70 % of the rows, and their freq.

    ETTh1 where a copy lies beside the checkout, else the weather that comes with the package.
    """
    import pandas as pd

    file = Path(path) if path else ETTH1
    if path or file.is_file():
        name, frame = file.stem, pd.read_csv(file, index_col=0, parse_dates=[0])
    else:
        from tscnn.data.datasets import load_nyc_weather

        name, frame = "nyc_weather", load_nyc_weather()
    values = frame.iloc[:, :N_COLUMNS].to_numpy(np.float64)
    known = values[: int(0.7 * len(values))]
    freq = pd.tseries.frequencies.to_offset(frame.index[1] - frame.index[0]).freqstr
    return name, ((values - known.mean(axis=0)) / known.std(axis=0)).astype(np.float32), freq


def describe_machine() -> dict[str, Any]:
    """Say what the figures depend on, without the machine's name or any path."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = models[0] if models else model
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_before": None if load is None else round(load, 1),
    }


def read_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of those distributions that are installed."""
    versions = {}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def peak_memory() -> float:
    """Return the largest resident size of this process so far, in bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # rusage also counts what the parent held when it forked
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return 1024.0 * int(line.split()[1])
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under their columns, the first to the left, the others to the right."""
    cells = [list(columns), *([_format(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        first, *others = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([first, *others]).rstrip(), flush=True)


def _format(value: Any) -> str:
    if value is None:
        return "-"
    if not isinstance(value, int | float):
        return str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def write_json(path: str | Path, content: Any) -> None:
    """Write a file that is either the old one or complete."""
    target = Path(path)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    temporary.replace(target)
