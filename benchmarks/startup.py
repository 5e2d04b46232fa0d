"""From the start of a process to a forecast of a saved model: seconds and memory, beside darts and neuralforecast.

Run ``python -m benchmarks.startup``; a peer in an environment of its own is given as
``--python darts=/path/to/its/python``. Each model is fitted and saved once, then loaded in a fresh process `--rounds`
times, in turn; medians are shown.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.contestants.launch import Launcher, parse_interpreters
from benchmarks.report import describe_machine, load_values, print_table, write_json

NAMES = ("tscnn default", "tscnn", "darts", "neuralforecast")
SETTINGS = {"lookback": 168, "horizon": 24}


def measure(launcher: Launcher, names: Sequence[str], rounds: int, data: str | None) -> list[dict[str, Any]]:
    """Fit and save each model, and load it again and again."""
    _, values, freq = load_values(data)
    task = {"settings": SETTINGS, "values": launcher.save(values[-2000:], "values"), "freq": freq}
    records = []
    for name in names:
        path = str(Path(launcher.folder.name) / name.replace(" ", "_"))
        print(f"  {name}: is fitted and saved", flush=True)
        saved = launcher.run(name, {**task, "measure": "save", "path": path})
        records.append({"contestant": name, "path": path, "runs": [], **saved})
    for _ in range(rounds + 1):  # the first reads libraries from the disk
        for record in records:
            if "error" not in record:
                start = {**task, "measure": "start", "path": record["path"]}
                record["runs"].append(launcher.run(record["contestant"], start))
    return [_summarize(record) for record in records]


def _summarize(record: dict[str, Any]) -> dict[str, Any]:
    """Take the medians of all runs but the first."""
    runs, name = record["runs"][1:], {"contestant": record["contestant"]}
    errors = [run["error"] for run in [record, *runs] if "error" in run]
    if errors:
        return {**name, "error": errors[0]}
    kinds = runs[0]["measures"]
    measures = {kind: statistics.median(run["measures"][kind] for run in runs) for kind in kinds}
    return {**name, "measures": {**record["measures"], **measures}, "versions": record["versions"]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contestants", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--data", help="CSV file, times in the first column; default ETTh1 or the bundled weather")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=300, help="seconds that a process may take")
    parser.add_argument("--python", metavar="NAME=INTERPRETER", action="append", default=[])
    parser.add_argument("--out", metavar="FILE.json")
    options = parser.parse_args(arguments)
    launcher = Launcher(parse_interpreters(options.python), threads=1, limit=options.limit)
    try:
        names = [name for name in options.contestants if launcher.is_installed(name)]
        missing = sorted({*options.contestants} - {*names})
        records = measure(launcher, names, options.rounds, options.data)
    finally:
        launcher.close()
    rows = []
    for record in records:
        if "error" in record:
            print(f"{record['contestant']}: {record['error']}")
            continue
        measures = record["measures"]
        rows.append([record["contestant"], *(measures[kind] for kind in ("start_s", "start_peak_mb", "saved_mb"))])
    print(f"\nFrom the start of a process to a forecast of {SETTINGS['horizon']} steps, one thread:\n")
    print_table(["", "s", "peak MB", "file MB"], rows)
    if missing:
        print(f"Not installed: {', '.join(missing)}; see --python.")
    if options.out:
        write_json(options.out, {"machine": describe_machine(), "results": records, "not_installed": missing})


if __name__ == "__main__":
    main()
