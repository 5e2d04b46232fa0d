"""tscnn beside its peers: training, backtest, latency, streaming, start-up and memory.

Run ``python -m benchmarks.speed --quick``; a peer in an environment of its own is given as
``--python darts=/path/to/its/python``. Each contestant runs in processes of its own, one at a time.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.contestants import CONTESTANTS, PEERS
from benchmarks.contestants.launch import Launcher, parse_interpreters
from benchmarks.report import describe_machine, load_values, print_table, write_json

HORIZON = 96
FIRST = {"lookback": 96, "horizon": 24}
# Name, heading, factor from the measure to the figure printed, whether more is better.
COLUMNS = [
    ("train_per_s", "train/s", 1, True),
    ("backtest_per_s", "backtest/s", 1, True),
    ("predict_median_s", "predict ms", 1e3, False),
    ("predict_p99_s", "p99 ms", 1e3, False),
    ("stream_update_s", "update ms", 1e3, False),
    ("stream_network_s", "network ms", 1e3, False),
    ("stream_stack_s", "stack ms", 1e3, False),
    ("training_peak_gb", "train GB", 1, False),
    ("peak_gb", "peak GB", 1, False),
    ("first_forecast_s", "first s", 1, False),
]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="lookback 336, one round: some minutes")
    parser.add_argument("--lookbacks", type=int, nargs="+")
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--data", help="CSV file, times in the first column; default ETTh1 or the bundled weather")
    parser.add_argument("--rows", type=int, help="use only the first rows")
    parser.add_argument("--rounds", type=int, help="times that every contestant is run; medians are shown")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--limit", type=float, help="seconds that a process may take")
    parser.add_argument("--python", metavar="NAME=INTERPRETER", action="append", default=[])
    parser.add_argument("--out", metavar="FILE.json")
    parsed = parser.parse_args(arguments)
    parsed.lookbacks = parsed.lookbacks or ([336] if parsed.quick else [96, 336, 1000, 5000])
    parsed.rounds = parsed.rounds or (1 if parsed.quick else 3)
    parsed.limit = parsed.limit or (90 if parsed.quick else 1200)
    return parsed


def measure(launcher: Launcher, names: Sequence[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run all contestants in turn, round after round, and return one record for each of them and each lookback."""
    _, values, freq = load_values(options.data)
    values = values[: options.rows]
    data = {"values": launcher.save(values, "values"), "freq": freq}
    random = np.random.default_rng(0)
    waves = np.sin(np.arange(1000)[:, None] * 2 * np.pi / 24 + np.arange(5))
    small = (waves + 0.1 * random.standard_normal(waves.shape)).astype(np.float32)
    first = {"measure": "first", "settings": FIRST, "epochs": 3, "freq": "h", "values": launcher.save(small, "first")}
    tasks: list[tuple[int | None, dict[str, Any]]] = [(None, first)]
    effort = {"repeats": 5, "predictions": 23 if options.quick else 103}
    for lookback in options.lookbacks:
        settings = {"lookback": lookback, "horizon": HORIZON}
        tasks.append((lookback, {"measure": "speed", "settings": settings, **data, **effort}))

    one_each = {launcher.interpreters.get(name): name for name in reversed(names)}
    for name in one_each.values():  # its libraries are read from the disk for once
        launcher.run(name, first)
    answers: dict[tuple[str, int | None], list[dict[str, Any]]] = defaultdict(list)
    for lap in range(options.rounds):
        for lookback, task in tasks:
            for name in names:
                what = "first forecast" if lookback is None else f"lookback {lookback}"
                print(f"  round {lap + 1}, {what}: {name}", flush=True)
                answers[name, lookback].append(launcher.run(name, task))
    return [_summarize(name, lookback, runs) for (name, lookback), runs in answers.items()]


def _summarize(name: str, lookback: int | None, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Take the median of each measure over the rounds."""
    done = [run for run in runs if "error" not in run]
    record: dict[str, Any] = {"contestant": name, "lookback": lookback, "rounds": len(done)}
    if done:
        kinds = done[0]["measures"]
        record["measures"] = {kind: statistics.median(run["measures"][kind] for run in done) for kind in kinds}
        record["versions"] = done[0]["versions"]
    if len(done) < len(runs):
        record["error"] = next(run["error"] for run in runs if "error" in run)
    return record


def find_ratios(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare every other contestant with each peer: how many times better, by measure, at each lookback."""
    ratios = []
    for record in records:
        if record["contestant"] in PEERS or "measures" not in record:
            continue
        peers = {
            peer["contestant"]: peer["measures"]
            for peer in records
            if peer["contestant"] in PEERS and peer["lookback"] == record["lookback"] and "measures" in peer
        }
        for kind, _, _, more_is_better in COLUMNS:
            against = {name: measures[kind] for name, measures in peers.items() if kind in measures}
            if kind not in record["measures"] or not against:
                continue
            own = record["measures"][kind]
            times = {name: own / figure if more_is_better else figure / own for name, figure in against.items()}
            place = {"contestant": record["contestant"], "lookback": record["lookback"], "measure": kind}
            ratios.append({**place, "best_peer": min(times.values()), **times})
    return ratios


def _print_figures(records: Sequence[dict[str, Any]]) -> None:
    for lookback in dict.fromkeys(record["lookback"] for record in records):
        here = [record for record in records if record["lookback"] == lookback]
        columns = [column for column in COLUMNS if any(column[0] in record.get("measures", {}) for record in here)]
        title = "1,000 rows x 5 columns, from process start" if lookback is None else f"lookback {lookback}"
        print(f"\n{title}")
        rows = []
        for record in here:
            figures = record.get("measures", {})
            cells = [figures[kind] * factor if kind in figures else None for kind, _, factor, _ in columns]
            rows.append([record["contestant"], *cells])
        print_table(["", *(heading for _, heading, _, _ in columns)], rows)
        for record in here:
            if "error" in record:
                print(f"{record['contestant']}: {record['error']}")


def _print_ratios(ratios: Sequence[dict[str, Any]]) -> None:
    headings = {kind: heading for kind, heading, _, _ in COLUMNS}
    for lookback in dict.fromkeys(ratio["lookback"] for ratio in ratios):
        here = [ratio for ratio in ratios if ratio["lookback"] == lookback]
        title = "first forecast" if lookback is None else f"lookback {lookback}"
        print(f"\n{title}: times better than the best peer, and than each")
        peers = [name for name in PEERS if any(name in ratio for ratio in here)]
        rows = [
            [f"{ratio['contestant']}: {headings[ratio['measure']]}", ratio["best_peer"], *map(ratio.get, peers)]
            for ratio in here
        ]
        print_table(["", "best peer", *peers], rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print tables of figures and of ratios, and write the JSON file."""
    options = _parse(arguments)
    machine = {**describe_machine(), "threads": options.threads}
    data, values, _ = load_values(options.data)
    print(f"{machine['cpu']}, {machine['cores']} cores, {options.threads} threads, load {machine['load_before']}")
    print(f"{data}: {len(values[: options.rows]):,} rows x {values.shape[1]} columns, horizon {HORIZON}, 32 filters,")
    print("kernel size 3, dilations 1, 2, 4, .., batches of 256, float32; a window counts once, all columns together\n")
    launcher = Launcher(parse_interpreters(options.python), options.threads, options.limit)
    try:
        names = [name for name in options.contestants if launcher.is_installed(name)]
        for name in options.contestants:
            if name not in names:
                print(f"  {name}: not installed")
        records = measure(launcher, names, options)
    finally:
        launcher.close()
    ratios = find_ratios(records)
    _print_figures(records)
    _print_ratios(ratios)
    if options.out:
        left_out = [name for name in options.contestants if name not in names]
        settings = {"data": data, "rows": len(values[: options.rows]), "horizon": HORIZON, "rounds": options.rounds}
        content = {"machine": machine, "settings": settings, "not_installed": left_out, "results": records}
        write_json(options.out, {**content, "ratios": ratios})


if __name__ == "__main__":
    main()
