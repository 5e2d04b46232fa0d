"""Whether a stream of a million rows still agrees with `predict`, and what a row still takes in time and memory.

Run ``python -m benchmarks.long_stream``: a network with random weights, 7 columns at a level of 1,000 standard
deviations. Differences are relative to what the network adds to that level, which float32 resolves to 6e-5.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.report import describe_machine, peak_memory, print_table
from tscnn.network.config import resolve_config
from tscnn.network.graph import build_network, seed_weights
from tscnn.network.term import NetworkTerm


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line ten times along the stream."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--lookback", type=int, default=336)
    parser.add_argument("--horizon", type=int, default=96)
    parser.add_argument("--level", type=float, default=1000.0)
    options = parser.parse_args(arguments)

    config = resolve_config(options.lookback, options.horizon, 7, kernel_size=3)
    network = build_network(config)
    seed_weights(network.dense, 0)
    random = np.random.default_rng(0)
    head = network.dense.get_layer("head")
    head.set_weights([random.normal(0, 0.1, weight.shape) for weight in head.get_weights()])

    def rows(n_rows: int) -> np.ndarray:
        return (options.level + random.standard_normal((n_rows, 7))).astype(np.float32)

    seen = rows(options.lookback)
    term = NetworkTerm.from_keras(network)
    state = term.start(seen[None])
    machine, part = describe_machine(), options.rows // 10
    print(f"{machine['cpu']}, {machine['cores']} cores; lookback {options.lookback}, 7 columns, kernel size 3\n")
    lines = []
    for k in range(1, 11):
        fresh = rows(part)
        took = np.empty(part)
        for i, row in enumerate(fresh):
            began = time.perf_counter()
            forecast = term.step(state, row[None])
            took[i] = time.perf_counter() - began
        seen = np.concatenate([seen, fresh])[-options.lookback :]
        expected = network.single_origin.predict_on_batch(seen[None])[:, 0]
        # Of what the network adds to the level: relative to the level itself, any error would look small.
        apart = np.abs(forecast - expected).max() / np.abs(expected - options.level).max()
        lines.append([f"{k * part:,}", f"{np.median(took) * 1e3:.3f}", f"{apart:.1e}", f"{peak_memory() / 1e6:.0f}"])
    print_table(["rows", "ms a row, median", "largest difference from predict", "peak of the process, MB"], lines)


if __name__ == "__main__":
    main()
