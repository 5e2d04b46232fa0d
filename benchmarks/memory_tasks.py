"""Long memory: the adding problem and copy memory, beside the published figures.

Run ``python -m benchmarks.memory_tasks``, or with ``--quick`` at length 200 only and for fewer steps. Data are drawn
anew for every step, so that nothing can be learnt by heart, and test data from a seed of their own.

Adding problem: a row is a number in [0, 1] and a mark, 1 at two places and 0 elsewhere; the target is the sum of the
two marked numbers. Always saying 1 has a mean squared error of 1/6.
Copy memory: ten symbols, then blanks, then a row of ten marks under which the symbols are to be said again, after
`length` rows. The loss is the cross entropy over all rows; saying blank, and then any symbol, has
10 ln(8) / (length + 20).

References: Bai, Kolter and Koltun (2018), An Empirical Evaluation of Generic Convolutional and Recurrent Networks for
Sequence Modeling, section 4 and table 1.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.report import describe_machine, print_table, write_json
from tscnn import plan_layers, receptive_field
from tscnn.network.backend import keras, ops
from tscnn.network.layers import WaveNetStack, pyramid_spacings

# Of table 1: the adding problem at length 600, copy memory at length 1000.
PUBLISHED = {
    "adding": {"length": 600, "TCN": 5.8e-5, "GRU": 5.3e-5, "LSTM": 0.164, "RNN": 0.177},
    "copy": {"length": 1000, "TCN": 3.5e-5, "GRU": 0.0197, "LSTM": 0.0204, "RNN": 0.0202},
}
N_SYMBOLS = 8


def draw_adding(random: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (n, length, 2) and targets (n, 1); one mark lies in each half."""
    rows = np.zeros((n, length, 2), np.float32)
    rows[:, :, 0] = random.random((n, length))
    first, second = random.integers(0, length // 2, n), random.integers(length // 2, length, n)
    each = np.arange(n)
    rows[each, first, 1] = rows[each, second, 1] = 1
    return rows, (rows[each, first, 0] + rows[each, second, 0])[:, None]


def draw_copy(random: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (n, length + 20, 10), one hot, and symbols (n, length + 20): 0 blank, 1 to 8, 9 the mark."""
    symbols = random.integers(1, N_SYMBOLS + 1, (n, 10))
    rows = np.zeros((n, length + 20), np.int32)
    targets = rows.copy()
    rows[:, :10] = symbols
    rows[:, length + 9 :] = 9
    targets[:, -10:] = symbols
    return np.eye(10, dtype=np.float32)[rows], targets


def build_adding(length: int, filters: int, kernel_size: int, activation: str) -> Any:
    """Look at a whole sequence, and compute what its last row needs."""
    layers = plan_layers(length, kernel_size)
    spacings = pyramid_spacings(layers)
    inputs = keras.Input((length, 2))
    hidden = inputs[:, :: spacings[0]]
    hidden = WaveNetStack(layers, filters, activation, name="stack")(hidden, spacings=spacings)
    return keras.Model(inputs, keras.layers.Dense(1)(hidden[:, 0]))


def build_copy(length: int, filters: int, kernel_size: int, activation: str) -> Any:
    """Say a symbol at every row: zeros stand before the first."""
    layers = plan_layers(length + 11, kernel_size)  # a symbol is said again length + 10 rows later
    inputs = keras.Input((length + 20, 10))
    hidden = keras.layers.ZeroPadding1D((receptive_field(layers) - 1, 0))(inputs)
    return keras.Model(inputs, keras.layers.Dense(10)(WaveNetStack(layers, filters, activation, name="stack")(hidden)))


class Drawn(keras.utils.PyDataset):
    """Batches that are drawn when they are asked for."""

    def __init__(self, draw: Any, length: int, n_steps: int, batch_size: int, seed: int) -> None:
        super().__init__()
        self.draw, self.length, self.n_steps, self.batch_size, self.seed = draw, length, n_steps, batch_size, seed

    def __len__(self) -> int:
        """Count the batches."""
        return self.n_steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw one."""
        return self.draw(np.random.default_rng([self.seed, index]), self.batch_size, self.length)


def run(task: str, length: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train on one task, and return the loss on sequences that were not seen."""
    adding = task == "adding"
    filters = options.filters or (24 if adding else 10)
    kernel_size = options.kernel_size or 8
    keras.utils.set_random_seed(options.seed)
    model = (build_adding if adding else build_copy)(length, filters, kernel_size, options.activation)
    draw = draw_adding if adding else draw_copy
    steps = options.steps or (3000 if adding else 1500) * (1 if options.quick else 2)
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate or (4e-3 if adding else 2e-3), steps)
    loss = "mse" if adding else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(rate, clipnorm=1.0), loss=loss)
    began = time.perf_counter()
    model.fit(Drawn(draw, length, steps, options.batch_size, options.seed + 1), epochs=1, shuffle=False, verbose=0)
    seconds = time.perf_counter() - began
    rows, targets = draw(np.random.default_rng(10**6), 1000, length)
    record = {"task": task, "length": length, "steps": steps, "parameters": model.count_params(), "train_s": seconds}
    record["loss"] = float(model.evaluate(rows, targets, batch_size=100, verbose=0))
    record["no_memory"] = 1 / 6 if adding else 10 * math.log(N_SYMBOLS) / (length + 20)
    if not adding:
        said = ops.convert_to_numpy(ops.argmax(model.predict(rows, batch_size=100, verbose=0), axis=-1))
        record["recalled"] = float((said[:, -10:] == targets[:, -10:]).mean())
    return record


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="length 200 only, fewer steps: some minutes")
    parser.add_argument("--tasks", nargs="+", choices=("adding", "copy"), default=["adding", "copy"])
    parser.add_argument("--lengths", type=int, nargs="+")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--filters", type=int, help="default 24 for adding, 10 for copy memory")
    parser.add_argument("--kernel-size", type=int, help="default 8")
    parser.add_argument("--activation", default="relu", help='"gated" or the name of a Keras activation')
    parser.add_argument("--learning-rate", type=float, help="default 4e-3 for adding, 2e-3 for copy memory")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", metavar="FILE.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each task and length, then the published figures."""
    options = _parse(arguments)
    machine = describe_machine()
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_before']}\n")
    lengths = options.lengths or ([200] if options.quick else [200, 600])
    records = [run(task, length, options) for task in options.tasks for length in lengths]
    table = [
        [
            f"{r['task']}, length {r['length']}",
            f"{r['loss']:.1e}",
            f"{r['no_memory']:.1e}",
            f"{r['recalled']:.1%}" if "recalled" in r else "",
            r["parameters"],
            r["steps"],
            r["train_s"],
        ]
        for r in records
    ]
    print_table(["", "test loss", "without memory", "recalled", "parameters", "steps", "seconds"], table)
    print("\npublished (Bai et al. 2018, table 1; losses)")
    models = ("TCN", "GRU", "LSTM", "RNN")
    rows = [[f"{task}, length {p['length']}", *(f"{p[m]:.1e}" for m in models)] for task, p in PUBLISHED.items()]
    print_table(["", *models], rows)
    if options.out:
        write_json(options.out, {"machine": machine, "results": records, "published": PUBLISHED})


if __name__ == "__main__":
    main()
