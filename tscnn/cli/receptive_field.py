"""The command `tscnn receptive-field`: arguments -> one report -> text or JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tscnn.common.checks import show
from tscnn.network.receptive_field import find_holes, plan_layers, reachable_lags, receptive_field

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = """\
Measure how many past rows a stack of causal convolutions sees (--dilations),
compare that with a lookback (--dilations and --lookback), or find the fewest
layers that see exactly the lookback (--lookback alone)."""

EPILOG = """\
examples:
  tscnn receptive-field --kernel-size 3 --dilations 1 2 4 8
  tscnn receptive-field --kernel-size 3 --dilations 1 2 4 8 --lookback 24 --diagram
  tscnn receptive-field --lookback 10"""

_MOST_LAYERS = 1000
_MOST_RANGES = 8
_DIAGRAM_COLUMNS = 80

Layer = tuple[int, int, int]


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
    parser.add_argument("--lookback", type=_positive_int, metavar="L", help="rows that a forecast is given")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--diagram", action="store_true", help="also draw the rows that each layer reads")
    form.add_argument("--json", action="store_true", help="print one JSON object, all lags listed")


def run(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    """Print the report on the stack that the arguments describe."""
    planning = not (args.dilations or args.per_feature_dilations)
    try:
        layers = _planned_layers(args) if planning else _layers(args)
        report = _report(layers, len(args.per_feature_dilations or ()), args.lookback, max(args.kernel_size))
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
    """Return (kernel_size, dilation_rate, stride) of each layer, the front end first."""
    if args.stacks and not args.dilations:
        raise ValueError("argument --stacks: repeats --dilations, which is missing")
    front_end, cycle, n_stacks = args.per_feature_dilations or [], args.dilations or [], args.stacks or 1
    n_layers = len(front_end) + len(cycle) * n_stacks
    if n_layers > _MOST_LAYERS:
        raise ValueError(f"at most {_MOST_LAYERS} layers can be listed, received {n_layers}")
    kernel_sizes = _one_per_layer("--kernel-size", args.kernel_size, n_layers)
    strides = _one_per_layer("--strides", args.strides or [1], n_layers)
    return list(zip(kernel_sizes, front_end + cycle * n_stacks, strides, strict=True))


def _one_per_layer(option: str, values: list[int], n_layers: int) -> list[int]:
    if len(values) not in (1, n_layers):
        rule = f"takes one value, or one for each of the {n_layers} layers"
        raise ValueError(f"argument {option}: {rule}, received {len(values)}")
    return values if len(values) == n_layers else values * n_layers


def _planned_layers(args: argparse.Namespace) -> list[Layer]:
    if args.lookback is None:
        raise ValueError("give --dilations to measure a stack, or --lookback to plan one")
    for option, value in (("--stacks", args.stacks), ("--strides", args.strides)):
        if value is not None:
            raise ValueError(f"argument {option}: needs --dilations, a plan has none")
    if len(args.kernel_size) > 1:
        raise ValueError(f"argument --kernel-size: a plan takes one value, received {len(args.kernel_size)}")
    return [(kernel_size, dilation_rate, 1) for kernel_size, dilation_rate in _plan(args.lookback, args.kernel_size[0])]


def _plan(lookback: int, kernel_size: int) -> list[tuple[int, int]]:
    try:
        return plan_layers(lookback, kernel_size)
    except ValueError as error:
        option = "--kernel-size" if kernel_size < 2 else "--lookback"
        raise ValueError(f"argument {option}: {error}") from None


def _report(layers: Sequence[Layer], n_front_end: int, lookback: int | None, kernel_size: int) -> dict[str, Any]:
    """Measure the stack: everything that is printed, under the names that JSON gives it."""
    lags = reachable_lags(layers)
    report: dict[str, Any] = {
        "receptive_field": receptive_field(layers),
        "holes": find_holes(layers),
        "layers": _describe(layers, n_front_end),
    }
    if lookback is not None:
        n_seen = int(np.count_nonzero(lags < lookback))
        plan = _plan(lookback, max(2, kernel_size))
        report |= {
            "lookback": lookback,
            "unseen_rows": lookback - n_seen,
            "padding_only_lags": len(lags) - n_seen,
            "plan": _describe([(*layer, 1) for layer in plan], 0),
        }
    return report


def _describe(layers: Sequence[Layer], n_front_end: int) -> list[dict[str, Any]]:
    described = []
    field = rows_per_step = 1
    for i, (kernel_size, dilation_rate, stride) in enumerate(layers):
        reach = (kernel_size - 1) * dilation_rate
        field += reach * rows_per_step
        rows_per_step *= stride
        described.append(
            {
                "part": "front_end" if i < n_front_end else "joint",
                "kernel_size": kernel_size,
                "dilation_rate": dilation_rate,
                "stride": stride,
                "span": 1 + reach,
                "receptive_field": field,
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
    lines.append(f"Receptive field: {_count(field, 'row')}, {'with' if holes else 'without'} holes.")
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
    titles = {"part": "part", "kernel_size": "kernel size", "dilation_rate": "dilation", "stride": "stride"}
    titles |= {"span": "span", "receptive_field": "field so far"}
    usual = {"part": "joint", "stride": 1}
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
    field = receptive_field(layers)
    if field > _DIAGRAM_COLUMNS:
        rule = f"it takes one column per row, and {field} are more than the {_DIAGRAM_COLUMNS} that fit"
        return [f"No diagram: {rule}."]

    rows_per_step = [1]
    for *_, stride in layers:
        rows_per_step.append(rows_per_step[-1] * stride)
    read = np.zeros(1, dtype=np.int64)
    levels = [("output", read)]
    for i, (kernel_size, dilation_rate, _) in reversed(list(enumerate(layers))):
        taps = np.arange(kernel_size) * dilation_rate * rows_per_step[i]
        read = np.unique(read[:, None] + taps)
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
