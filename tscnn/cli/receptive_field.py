"""The command `tscnn receptive-field`: arguments -> one report -> text or JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tscnn.common.checks import show
from tscnn.network.receptive_field import find_field, plan_layers, reachable_lags, receptive_field
from tscnn.network.taps import Taps

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = """\
Measure how many past rows a stack of causal convolutions sees (--dilations),
compare that with a lookback (--dilations and --lookback), or find the fewest
layers that see exactly the lookback (--lookback alone)."""

EPILOG = """\
examples:
  tscnn receptive-field --kernel-size 3 --dilations 1 2 4 8
  tscnn receptive-field --kernel-size 3 --dilations 1 2 4 8 --lookback 24 --diagram
  tscnn receptive-field --kernel-size 3 --dilations 1 1 --pool 2 --transpose 2
  tscnn receptive-field --lookback 10"""

_MOST_LAYERS = 1000
_MOST_RANGES = 8
_DIAGRAM_COLUMNS = 80


class Layer(NamedTuple):
    """A layer of the stack, and what the report calls it."""

    taps: Taps
    operation: str = "convolution"
    part: str = "joint"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    several: dict[str, Any] = {"type": _positive_int, "nargs": "+", "metavar": "N"}
    parser.add_argument(
        "--dilations", **several, help="dilation rate of each layer, the one nearest to the input first"
    )
    parser.add_argument(
        "--kernel-size",
        **several,
        default=[2],
        help="one for all layers, or one per layer of the table (default: 2)",
    )
    parser.add_argument("--strides", **several, help="one for all layers, or one per layer of the table (default: 1)")
    parser.add_argument(
        "--stacks",
        type=_positive_int,
        metavar="N",
        help="go through the dilations this many times (default: 1)",
    )
    parser.add_argument(
        "--per-feature-dilations",
        **several,
        help="dilation rates of a per-feature front end, whose layers come before those of --dilations",
    )
    parser.add_argument(
        "--pool", **several, help="sizes, and strides, of pooling layers: one after each of the first layers"
    )
    parser.add_argument(
        "--transpose",
        **several,
        help="kernel sizes, and strides, of transposed convolutions: one after each of the last layers",
    )
    parser.add_argument(
        "--centred", action="store_true", help="each layer reads rows around its output's (padding 'same')"
    )
    parser.add_argument("--lookback", type=_positive_int, metavar="L", help="rows that a forecast is given")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--diagram", action="store_true", help="also draw the rows that each layer reads")
    form.add_argument("--json", action="store_true", help="print one JSON object, all lags listed")


def run(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    """Print the report on the stack that the arguments describe."""
    planning = not (args.dilations or args.per_feature_dilations)
    try:
        layers = _planned_layers(args) if planning else _layers(args)
        report = _report(layers, args.lookback, max(args.kernel_size))
    except ValueError as error:
        parser.error(str(error))

    if args.json:
        lines = [json.dumps(report, indent=2)]
    else:
        lines = _plan_text(report) if planning else _measure_text(report)
        if args.diagram:
            lines += ["", *_diagram(layers)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _positive_int(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, received {show(text)}")
    return value


def _layers(args: argparse.Namespace) -> list[Layer]:
    """Return the layers, the front end first."""
    if args.centred and args.lookback:
        raise ValueError("argument --centred: looks at later rows, of which --lookback has none")
    if args.stacks and not args.dilations:
        raise ValueError("argument --stacks: repeats --dilations, which is missing")
    front_end, cycle, n_stacks = args.per_feature_dilations or [], args.dilations or [], args.stacks or 1
    n_layers = len(front_end) + len(cycle) * n_stacks
    if n_layers > _MOST_LAYERS:
        raise ValueError(f"at most {_MOST_LAYERS} layers can be listed, received {n_layers}")
    kernel_sizes = _one_per_layer("--kernel-size", args.kernel_size, n_layers)
    strides = _one_per_layer("--strides", args.strides or [1], n_layers)
    parts = ["front_end"] * len(front_end) + ["joint"] * (n_layers - len(front_end))
    for option, values in (("--pool", args.pool), ("--transpose", args.transpose)):
        if len(values or ()) > n_layers:
            raise ValueError(f"argument {option}: takes at most one for each of the {n_layers} layers")
    pools, transposes = args.pool or [], [None] * (n_layers - len(args.transpose or ())) + (args.transpose or [])
    padding, layers = "same" if args.centred else "causal", []
    for i, numbers in enumerate(zip(kernel_sizes, front_end + cycle * n_stacks, strides, strict=True)):
        layers.append(Layer(Taps(*numbers, padding=padding), part=parts[i]))
        if i < len(pools):
            layers.append(Layer(Taps(pools[i], 1, pools[i], padding=padding), "pooling", parts[i]))
        if size := transposes[i]:
            layers.append(Layer(Taps(size, 1, size, transposed=True, padding=padding), "transposed", parts[i]))
    return layers


def _one_per_layer(option: str, values: list[int], n_layers: int) -> list[int]:
    if len(values) not in (1, n_layers):
        rule = f"takes one value, or one for each of the {n_layers} layers"
        raise ValueError(f"argument {option}: {rule}, received {len(values)}")
    return values if len(values) == n_layers else values * n_layers


def _planned_layers(args: argparse.Namespace) -> list[Layer]:
    if args.lookback is None:
        raise ValueError("give --dilations to measure a stack, or --lookback to plan one")
    for option in ("stacks", "strides", "pool", "transpose", "centred"):
        if getattr(args, option):
            raise ValueError(f"argument --{option}: needs --dilations, a plan has none")
    if len(args.kernel_size) > 1:
        raise ValueError(f"argument --kernel-size: a plan takes one value, received {len(args.kernel_size)}")
    return _plan(args.lookback, args.kernel_size[0])


def _plan(lookback: int, kernel_size: int) -> list[Layer]:
    try:
        return [Layer(Taps(*layer)) for layer in plan_layers(lookback, kernel_size)]
    except ValueError as error:
        option = "--kernel-size" if kernel_size < 2 else "--lookback"
        raise ValueError(f"argument {option}: {error}") from None


def _report(layers: Sequence[Layer], lookback: int | None, kernel_size: int) -> dict[str, Any]:
    """Measure the stack: everything that is printed, under the names that JSON gives it."""
    taps = [layer.taps for layer in layers]
    field, lags = find_field(taps), reachable_lags(taps)
    report: dict[str, Any] = {
        "receptive_field": field.left + 1 + field.right,
        "left": field.left,
        "right": field.right,
        "holes": field.holes,
        "layers": _describe(layers),
    }
    if lookback is not None:
        n_seen = int(np.count_nonzero(lags < lookback))
        plan = _plan(lookback, max(2, kernel_size))
        report |= {
            "lookback": lookback,
            "unseen_rows": lookback - n_seen,
            "padding_only_lags": len(lags) - n_seen,
            "plan": _describe(plan),
        }
    return report


def _describe(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    described = []
    for i, (taps, operation, part) in enumerate(layers):
        described.append(
            {
                "part": part,
                "operation": operation,
                "kernel_size": taps.kernel_size,
                "dilation_rate": taps.dilation_rate,
                "stride": taps.stride,
                "span": 1 + taps.reach,
                "receptive_field": receptive_field([layer.taps for layer in layers[: i + 1]]),
            }
        )
    return described


def _plan_text(report: dict[str, Any]) -> list[str]:
    if not report["plan"]:
        return ["A lookback of 1 row needs no layers."]
    return [
        f"The fewest layers that see exactly the last {report['lookback']} rows, every one of them:",
        "",
        *_table(report["plan"]),
    ]


def _measure_text(report: dict[str, Any]) -> list[str]:
    field, holes = report["receptive_field"], report["holes"]
    lines = [*_table(report["layers"]), ""]
    sides = f", {report['left']} before and {report['right']} after the output's own" if report["right"] else ""
    lines.append(f"Receptive field: {_count(field, 'row')}{sides}, {'with' if holes else 'without'} holes.")
    if holes:
        lines.append(f"Holes: nothing reaches {_lags(holes)}, counted back from the newest row, lag 0.")
    if "lookback" in report:
        lines += _comparison(report)
    return lines


def _comparison(report: dict[str, Any]) -> list[str]:
    lookback, field, holes = report["lookback"], report["receptive_field"], report["holes"]
    lines = [f"Lookback: {_count(lookback, 'row')}."]
    if not report["unseen_rows"] and not report["padding_only_lags"]:
        return [*lines, "  The stack sees every one of them and nothing else."]
    if report["unseen_rows"]:
        unseen = [lag for lag in holes if lag < lookback] + list(range(field, lookback))
        verb = "is" if len(unseen) == 1 else "are"
        lines.append(f"  {_count(len(unseen), 'row')} of the lookback {verb} never seen: {_lags(unseen)}.")
    if report["padding_only_lags"]:
        n_lags = field - len(holes)
        share = f"{report['padding_only_lags']} of the {n_lags} lags"
        lines.append(f"  {share} that the stack reaches only ever see padding.")
    fits = ["A stack that fits:", "", *_table(report["plan"])] if report["plan"] else _plan_text(report)
    return [*lines, "", *fits]


def _table(layers: Sequence[dict[str, Any]]) -> list[str]:
    """Align the layers in columns; leave out the columns in which there is nothing to tell."""
    columns = {"layer": list(range(1, len(layers) + 1))}
    titles = {
        "part": "part",
        "operation": "operation",
        "kernel_size": "kernel size",
        "dilation_rate": "dilation",
        "stride": "stride",
    }
    titles |= {"span": "span", "receptive_field": "field so far"}
    usual = {"part": "joint", "operation": "convolution", "stride": 1}
    for key, title in titles.items():
        values = [layer[key] for layer in layers]
        if any(value != usual.get(key) for value in values):
            columns[title] = values
    widths = [max(len(str(cell)) for cell in (title, *values)) for title, values in columns.items()]
    rows = [columns, *zip(*columns.values(), strict=True)]
    lines = ["  ".join(f"{cell!s:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    if "stride" in columns:
        lines += ["", "A span counts the layer's own input steps; a field counts the rows of the data."]
    return lines


def _diagram(layers: Sequence[Layer]) -> list[str]:
    """Draw, from the output down to the data, the rows that each layer reads."""
    if any(taps.transposed or taps.padding != "causal" for taps, *_ in layers):
        return ["No diagram: it is of stacks that look back, of which every output sees the same lags."]
    field = receptive_field([layer.taps for layer in layers])
    if field > _DIAGRAM_COLUMNS:
        rule = f"it takes one column per row, and {field} are more than the {_DIAGRAM_COLUMNS} that fit"
        return [f"No diagram: {rule}."]

    rows_per_step = [1]
    for taps, *_ in layers:
        rows_per_step.append(rows_per_step[-1] * taps.stride)
    read = np.zeros(1, dtype=np.int64)
    levels = [("output", read)]
    for i, (taps, *_) in reversed(list(enumerate(layers))):
        lags = np.arange(taps.kernel_size) * taps.dilation_rate * rows_per_step[i]
        read = np.unique(read[:, None] + lags)
        levels.append((f"layer {i + 1} reads" if i else "layer 1 reads (data)", read))

    gap = " " if 2 * field <= _DIAGRAM_COLUMNS else ""
    width = max(len(label) for label, _ in levels)
    lines = ["Rows that each layer reads (o), the newest on the right:", ""]
    for label, lags in levels:
        cells = gap.join("o" if lag in lags else "." for lag in range(field - 1, -1, -1))
        lines.append(f"{label:<{width}}  {cells}")
    ends = f"{field - 1:<{max(1, (1 + len(gap)) * (field - 1))}}0"
    return [*lines, f"{'lag':<{width}}  {ends if field > 1 else '0'}"]


def _lags(lags: Sequence[int]) -> str:
    """Write lags as ranges, `lags 2-3, 8-11`, and cut a long list short."""
    ranges = list(_ranges(lags))
    shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges[:_MOST_RANGES])
    more = f", .. ({len(lags)} in all)" if len(ranges) > _MOST_RANGES else ""
    return f"{'lag' if len(lags) == 1 else 'lags'} {shown}{more}"


def _ranges(lags: Sequence[int]) -> Iterable[tuple[int, int]]:
    first = lags[0]
    for lag, following in pairwise([*lags, lags[-1] + 2]):
        if following != lag + 1:
            yield first, lag
            first = following


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
