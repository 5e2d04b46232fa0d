"""Ways to compute a causal dilated stack, forward and backward, each with and without XLA.

Run ``python -m benchmarks.kernels``. All ways have the same weights, and their outputs are compared.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.report import describe_machine, print_table, read_versions, write_json
from tscnn.network.backend import keras, ops
from tscnn.network.functional import cut_taps
from tscnn.network.layers import PerFeature, WaveNetStack, pyramid_spacings

Kernel = Callable[[Any, Any, int], Any]


def conv_causal(hidden: Any, kernel: Any, rate: int) -> Any:
    """Pad with zeros on the left, and compute every position: ``Conv1D(padding="causal")``."""
    padded = ops.pad(hidden, ((0, 0), ((kernel.shape[0] - 1) * rate, 0), (0, 0)))
    return ops.conv(padded, kernel, 1, "valid", dilation_rate=rate)


def conv_valid(hidden: Any, kernel: Any, rate: int) -> Any:
    """Compute the positions that see real rows only."""
    return ops.conv(hidden, kernel, 1, "valid", dilation_rate=rate)


def shifted_slices(hidden: Any, kernel: Any, rate: int) -> Any:
    """Sum one matrix product for each tap."""
    n_positions = hidden.shape[1] - (kernel.shape[0] - 1) * rate
    starts = [k * rate for k in range(kernel.shape[0])]
    return sum(ops.matmul(hidden[:, a : a + n_positions], kernel[k]) for k, a in enumerate(starts))


def concatenated_taps(hidden: Any, kernel: Any, rate: int) -> Any:
    """Take one matrix product, of two axes, of all taps side by side, as `tscnn.layers.CausalConv1D` does."""
    taps = cut_taps(hidden, kernel.shape[0], rate, 1, ops)
    product = ops.matmul(ops.reshape(taps, (-1, taps.shape[2])), ops.reshape(kernel, (-1, kernel.shape[-1])))
    return ops.reshape(product, (*taps.shape[:2], kernel.shape[-1]))


def make_stack(kernel: Kernel, weights: Sequence[Any], rates: Sequence[int], n_last: int) -> Callable[[Any], Any]:
    """Stack convolutions and rectifiers, and return the last positions, those that a segment's origins need."""

    def stack(hidden: Any) -> Any:
        for weight, rate in zip(weights, rates, strict=True):
            hidden = ops.relu(kernel(hidden, weight, rate))
        return hidden[:, -n_last:]

    return stack


def compile_step(forward: Callable[[Any], Any], variables: Sequence[Any], xla: bool) -> tuple[Any, Any]:
    """Return compiled functions of an input: the forward pass, and the gradients of its mean square."""
    if keras.backend.backend() == "jax":
        return _compile_on_jax(forward, variables)
    import tensorflow as tf

    def gradients(inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = ops.mean(ops.square(forward(inputs)))
        return tape.gradient(loss, [variable.value for variable in variables])

    return tf.function(forward, jit_compile=xla), tf.function(gradients, jit_compile=xla)


def _compile_on_jax(forward: Callable[[Any], Any], variables: Sequence[Any]) -> tuple[Any, Any]:
    import jax

    def pure(values: Any, inputs: Any) -> Any:
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            return forward(inputs)

    def loss(values: Any, inputs: Any) -> Any:
        return ops.mean(ops.square(pure(values, inputs)))

    values = [variable.value for variable in variables]
    run, gradients = jax.jit(pure), jax.jit(jax.grad(loss))
    return lambda inputs: run(values, inputs), lambda inputs: gradients(values, inputs)


def wait(result: Any) -> Any:
    """Bring a result to the host, so that it is finished."""
    for array in result if isinstance(result, list | tuple) else [result]:
        keep = ops.convert_to_numpy(array)
    return keep


def milliseconds(function: Callable[[Any], Any], inputs: Any, repeats: int) -> tuple[float, float]:
    """Return the median over calls, after two that don't count, and the first of those: with tracing and compiling."""
    seconds = []
    for _ in range(repeats + 2):
        began = time.perf_counter()
        wait(function(inputs))
        seconds.append(time.perf_counter() - began)
    return 1e3 * statistics.median(seconds[2:]), 1e3 * seconds[0]


def measure(title: str, ways: dict[str, Any], inputs: Any, repeats: int) -> list[dict[str, Any]]:
    """Time every way, forward and with gradients, and compare its forward result with the first way's."""
    results = []
    expected = None
    for name, (forward, variables) in ways.items():
        for xla in (False, True) if keras.backend.backend() == "tensorflow" else (True,):
            run, gradients = compile_step(forward, variables, xla)
            found = wait(run(inputs))
            expected = found if expected is None else expected
            difference = float(np.abs(found - expected).max() / np.abs(expected).max())
            record = {"what": title, "way": name, "xla": xla, "difference": difference}
            record["forward_ms"], _ = milliseconds(run, inputs, repeats)
            record["gradients_ms"], record["first_call_ms"] = milliseconds(gradients, inputs, repeats)
            results.append(record)
    return results


def compare_formulations(options: argparse.Namespace, random: np.random.Generator) -> list[dict[str, Any]]:
    """Time four ways to compute one dense stack."""
    rates, filters = [2**i for i in range(options.layers)], options.filters
    shape = (3, filters, filters)
    weights = [keras.Variable(random.normal(size=shape).astype(np.float32) * 0.1) for _ in rates]
    kernels = (conv_causal, conv_valid, shifted_slices, concatenated_taps)
    ways = {kernel.__name__: (make_stack(kernel, weights, rates, options.origins), weights) for kernel in kernels}
    field = 1 + 2 * sum(rates)
    inputs = random.normal(size=(options.batch, field + options.origins - 1, filters)).astype(np.float32)
    title = (
        f"{options.batch} segments of {inputs.shape[1]} rows, {options.layers} layers of kernel 3, {filters} filters"
    )
    return measure(title, ways, ops.convert_to_tensor(inputs), options.repeats)


def compare_pyramid(options: argparse.Namespace, random: np.random.Generator) -> list[dict[str, Any]]:
    """Time the last position of single windows: out of all positions, and by what it needs."""
    layers = [(3, 2**i) for i in range(options.layers)]
    stack = WaveNetStack(layers, options.filters, name="stack")
    inputs = random.normal(size=(options.batch, stack.receptive_field, 7)).astype(np.float32)
    stack.build(inputs.shape)
    spacings = pyramid_spacings(layers)

    def every_position(rows: Any) -> Any:
        padded = ops.pad(rows, ((0, 0), (stack.receptive_field - 1, 0), (0, 0)))
        return stack(padded)[:, -1:]  # as causal padding computes it

    def valid_positions(rows: Any) -> Any:
        return stack(rows)

    def pyramid(rows: Any) -> Any:
        return stack(rows, spacings=spacings)

    ways = {way.__name__: (way, stack.trainable_variables) for way in (every_position, valid_positions, pyramid)}
    title = f"last position of {options.batch} windows of {stack.receptive_field} rows, {options.layers} gated layers"
    return measure(title, ways, ops.convert_to_tensor(inputs), options.repeats)


def compare_per_feature(options: argparse.Namespace, random: np.random.Generator) -> list[dict[str, Any]]:
    """Time one stack on every feature: unrolled by Keras, and folded into the batch."""
    layers = [(3, 2**i) for i in range(min(4, options.layers))]
    stack = WaveNetStack(layers, options.filters, name="per_feature_stack")
    folded = PerFeature(stack)
    inputs = random.normal(size=(options.batch, 96, 7)).astype(np.float32)
    folded.build(inputs.shape)
    distributed = keras.layers.TimeDistributed(stack)

    def time_distributed(rows: Any) -> Any:
        series = ops.expand_dims(ops.transpose(rows, (0, 2, 1)), -1)  # (batch, features, time, 1)
        return ops.transpose(distributed(series), (0, 2, 1, 3))

    def per_feature(rows: Any) -> Any:
        return folded(rows)

    ways = {way.__name__: (way, stack.trainable_variables) for way in (time_distributed, per_feature)}
    title = f"{options.batch} windows of 96 rows x 7 features, {len(layers)} gated layers on each feature"
    return measure(title, ways, ops.convert_to_tensor(inputs), options.repeats)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=7)
    parser.add_argument("--filters", type=int, default=32)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--origins", type=int, default=32, help="of a segment of the dense stack")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", metavar="FILE.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each comparison."""
    options = _parse(arguments)
    machine, random = describe_machine(), np.random.default_rng(0)
    backend = keras.backend.backend()
    print(f"{machine['cpu']}, {machine['cores']} cores, {backend}, float32, load {machine['load_before']};")
    print(f"{options.filters} filters, kernel size 3, dilations 1, 2, 4, ..")
    results = []
    for compare in (compare_formulations, compare_pyramid, compare_per_feature):
        found = compare(options, random)
        print(f"\n{found[0]['what']}")
        rows = [
            [
                r["way"],
                "yes" if r["xla"] else "no",
                *(r[name] for name in ("forward_ms", "gradients_ms", "first_call_ms")),
                f"{r['difference']:.0e}",
            ]
            for r in found
        ]
        print_table(["", "XLA", "forward ms", "gradients ms", "first call ms", "difference"], rows)
        results += found
    if options.out:
        versions = read_versions(("keras", "tensorflow", "jax"))
        write_json(options.out, {"machine": machine, "backend": backend, "versions": versions, "results": results})


if __name__ == "__main__":
    main()
