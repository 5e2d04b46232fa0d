"""Training on a GPU: origins per second over batch and segment sizes, against what the device could do at best.

Run ``python -m benchmarks.gpu``, or ``KERAS_BACKEND=jax python -m benchmarks.gpu``: it needs NumPy, SciPy, pandas,
Keras and one of TensorFlow and JAX. Without a GPU it says so, and measures small sizes on the CPU.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.report import describe_machine, print_table, read_versions, write_json
from tscnn.data.windows import find_origins
from tscnn.network.backend import device_scope, keras, list_devices, ops
from tscnn.network.config import NetworkConfig, resolve_config
from tscnn.network.graph import Network, build_network, seed_weights
from tscnn.training.loop import train
from tscnn.training.settings import Training

LOOKBACK, HORIZON, N_FEATURES = 336, 96, 7
RATES = (1, 2, 4, 8, 16, 32, 64)


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Start."""
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Stop; the loss in `logs` has come from the device, so that its work is done."""
        self.seconds.append(time.perf_counter() - self.began)


def make_rows(n_rows: int) -> np.ndarray:
    """Draw daily and weekly waves with noise that persists: (n_rows, features)."""
    random = np.random.default_rng(0)
    hours = np.arange(n_rows)[:, None]
    phases = np.arange(N_FEATURES)
    noise = random.standard_normal((n_rows, N_FEATURES))
    for i in range(1, n_rows):
        noise[i] += 0.8 * noise[i - 1]
    waves = np.sin(2 * np.pi * (hours / 24 + phases / 7)) + np.sin(2 * np.pi * (hours / 168 + phases / 5))
    rows = waves + 0.3 * noise
    return ((rows - rows.mean(axis=0)) / rows.std(axis=0)).astype(np.float32)


def make_network(precision: str | None, seed: int = 0) -> Network:
    """Build the stack that is measured: joint, gated, no linear model."""
    settings: dict[str, Any] = {"kernel_size": 3, "dilation_rates": RATES}
    network = build_network(resolve_config(LOOKBACK, HORIZON, N_FEATURES, **settings), precision)
    seed_weights(network.dense, seed)
    return network


def fit(network: Network, rows: np.ndarray, case: dict[str, Any], seed: int = 0) -> tuple[list[float], dict[str, Any]]:
    """Train, and return the seconds of each epoch and the losses."""
    clock = Clock()
    settings = Training(
        epochs=case["epochs"],
        batch_size=case["batch"],
        patience=case["epochs"],
        callbacks=(clock,),
        segment_origins=case["segment"],
    )
    first = int(0.8 * len(rows))
    fitted = find_origins([first if case["validate"] else len(rows)], LOOKBACK, HORIZON)
    judged = find_origins([len(rows)], LOOKBACK, HORIZON, [first]) if case["validate"] else []
    trained = train(network, rows, (), fitted, judged, settings, device=case["device"], seed=seed)
    return clock.seconds, trained.history


# The floors


def work_of_origin(config: NetworkConfig, segment: int) -> tuple[float, float]:
    """Return the FLOPs and the bytes that one origin takes at least in training, its share of the context included.

    FLOPs: products and sums of all convolutions and of the head, three times (forward, and back to inputs and to
    weights). Bytes: every float32 array between two layers (the convolution's 2 C, the gate's C, the residual's C)
    written and read once forward; read, and its gradient written and read, once backward. What stays in a cache, or is
    fused away, moves fewer: on a CPU small steps can beat this bound.
    """
    c, n = config.filters, segment + config.lookback - config.normalizer_span
    macs, floats = n * config.n_features * c, n * c
    for kernel_size, rate in config.layers:
        n -= (kernel_size - 1) * rate
        macs += n * (kernel_size * c * 2 * c + c * c) + segment * c * c
        floats += n * 4 * c
    head = config.horizon * len(config.targets)
    macs += segment * c * head
    floats += segment * head
    return 2 * 3 * macs / segment, 5 * 4 * floats / segment


def measure_device(device: str, small: bool) -> tuple[float, float]:
    """Return bytes per second of a large copy and FLOPs per second of a large float32 matrix product."""
    with device_scope(device):
        n = 2**24 if small else 2**28
        copied = _best_seconds(lambda x: x * 0.5 + 1.0, ops.ones((n,), "float32"))
        side = 1024 if small else 8192
        product = _best_seconds(lambda x: ops.matmul(x, x) / side, ops.ones((side, side), "float32"))
    return 2 * 4 * n / copied, 2 * side**3 / product


def _best_seconds(function: Any, inputs: Any) -> float:
    """Return the least time of several calls, each on the last one's result, until one number of it is here."""
    if keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(function, donate_argnums=0)  # or the time is that of new memory
    else:
        import tensorflow as tf

        compiled = tf.function(function)
    seconds = []
    for _ in range(8):
        began = time.perf_counter()
        inputs = compiled(inputs)
        float(ops.convert_to_numpy(inputs[(0,) * len(inputs.shape)]))
        seconds.append(time.perf_counter() - began)
    return min(seconds)


# The measurements


def sweep(options: argparse.Namespace, device: str, rows: np.ndarray) -> list[dict[str, Any]]:
    """Time training for every pair of batch and segment sizes, beside the two floors."""
    bandwidth, rate = measure_device(device, small=not device.startswith("gpu"))
    print(
        f"\n{device}: copies {bandwidth / 1e9:,.0f} GB/s, multiplies {rate / 1e12:,.2f} TFLOP/s (float32 as Keras does)"
    )
    results = []
    for batch in options.batches:
        for segment in options.segments:
            if segment > batch:
                continue
            case = {"device": device, "batch": batch, "segment": segment, "epochs": options.epochs, "validate": False}
            network = make_network(options.precision)
            seconds, _ = fit(network, rows, case)
            n_origins = len(rows) - LOOKBACK - HORIZON + 1
            flops, size = work_of_origin(network.config, segment)
            per_s = n_origins / statistics.median(seconds[1:])
            floors = {"bytes_floor_per_s": bandwidth / size, "flops_floor_per_s": rate / flops}
            results.append({**case, "origins_per_s": per_s, **floors})
            print(f"  batch {batch}, segment {segment} done", flush=True)
    print_table(
        ["batch", "segment", "origins/s", "bytes allow", "FLOPs allow", "reached"],
        [
            [
                f"{r['batch']:,}",
                str(r["segment"]),
                r["origins_per_s"],
                r["bytes_floor_per_s"],
                r["flops_floor_per_s"],
                f"{r['origins_per_s'] / min(r['bytes_floor_per_s'], r['flops_floor_per_s']):.1%}",
            ]
            for r in results
        ],
    )
    return results


def compare_accuracy(options: argparse.Namespace, devices: Sequence[str], rows: np.ndarray) -> list[dict[str, Any]]:
    """Train the same on every device, with several seeds: the validation losses should differ as seeds do."""
    results = []
    for device in devices:
        losses = []
        for seed in range(options.seeds):
            case = {"device": device, "batch": 256, "segment": 64, "epochs": options.epochs, "validate": True}
            _, history = fit(make_network(options.precision, seed), rows, case, seed)
            losses.append(min(history["val_loss"]))
        results.append({"device": device, "val_losses": losses})
    print(f"\nvalidation loss after {options.epochs} epochs, {options.seeds} seeds")
    table = [[r["device"], f"{np.mean(r['val_losses']):.4f}", f"{np.std(r['val_losses']):.4f}"] for r in results]
    print_table(["", "mean", "spread"], table)
    return results


def _parse(arguments: Sequence[str] | None, has_gpu: bool) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[256, 1024, 4096, 16384] if has_gpu else [256, 1024])
    parser.add_argument("--segments", type=int, nargs="+", default=[32, 128, 512, 2048] if has_gpu else [32, 128])
    parser.add_argument("--rows", type=int, default=200_000 if has_gpu else 8_000)
    parser.add_argument("--epochs", type=int, default=4, help="the first is not counted")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--precision", default=None, help="of the convolutions, such as mixed_bfloat16")
    parser.add_argument("--out", metavar="FILE.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every device that there is, and print tables."""
    has_gpu = any(name.startswith("gpu") for name in list_devices())
    options = _parse(arguments, has_gpu)
    machine, backend = describe_machine(), keras.backend.backend()
    versions = read_versions(("keras", "tensorflow", "jax", "numpy"))
    print(f"{machine['cpu']}, {machine['cores']} cores; {', '.join(f'{k} {v}' for k, v in versions.items())}")
    if not has_gpu:
        print(f"No GPU: backend {backend} sees {list_devices()} alone. All figures below are of the CPU.")
    rows = make_rows(options.rows)
    print(f"{len(rows):,} rows x {N_FEATURES}, lookback {LOOKBACK}, horizon {HORIZON}, joint stack, no linear model,")
    print(f"dilations {RATES}, kernel size 3, 32 filters, {options.precision or 'float32'}")
    devices = ["gpu", "cpu"] if has_gpu else ["cpu"]
    speed = []
    for device in devices:
        part = rows if device == devices[0] else rows[: len(rows) // 8]  # rates don't depend on the length
        speed += sweep(options, device, part)
    accuracy = compare_accuracy(options, devices, rows[:8000])
    if has_gpu:
        rates = {device: max(r["origins_per_s"] for r in speed if r["device"] == device) for device in devices}
        print(f"\nGPU against CPU, each at its best sizes: {rates['gpu'] / rates['cpu']:.1f} times")
    if options.out:
        content = {"machine": machine, "backend": backend, "versions": versions, "has_gpu": has_gpu}
        write_json(options.out, {**content, "speed": speed, "accuracy": accuracy})


if __name__ == "__main__":
    main()
