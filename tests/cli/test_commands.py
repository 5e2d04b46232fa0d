from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.receptive_field import impulse_lags
from tscnn.cli.commands import main

Capture = pytest.CaptureFixture[str]


def output(capsys: Capture, command: str) -> str:
    assert main(command.split()) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def receptive_field_json(capsys: Capture, options: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(output(capsys, f"receptive-field {options} --json"))
    return report


def error_line(capsys: Capture, command: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(command.split())
    captured = capsys.readouterr()
    assert stopped.value.code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err.rstrip("\n")


def test_without_a_command_prints_help(capsys: Capture) -> None:
    text = output(capsys, "")
    assert text.startswith("usage: tscnn ")
    assert "receptive-field" in text
    assert "demo" in text


def test_version(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("tscnn ")


@pytest.mark.parametrize(("options", "folder"), [("", "tscnn-demo"), (" --out here", "here")])
def test_demo_gets_its_folder_and_gives_the_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: str, folder: str
) -> None:
    module = types.ModuleType("tscnn.cli.demo")
    module.run_demo = {Path(folder): 7}.__getitem__  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tscnn.cli.demo", module)
    monkeypatch.chdir(tmp_path)
    assert main(f"demo{options}".split()) == 7
    assert list((tmp_path / folder).iterdir()) == []


@pytest.mark.parametrize("out", ["file", "file/folder", "x" * 300], ids=["file", "in a file", "too long"])
def test_errors_of_the_demos_folder_come_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture, out: str
) -> None:
    module = types.ModuleType("tscnn.cli.demo")  # without anything to run
    monkeypatch.setitem(sys.modules, "tscnn.cli.demo", module)
    (tmp_path / "file").write_text("x")
    said = error_line(capsys, f"demo --out {tmp_path / out}")
    assert said.startswith("tscnn demo: error: argument --out: must be a folder that can be written to ([Errno ")
    assert (tmp_path / "file").read_text() == "x"


def test_table(capsys: Capture) -> None:
    assert output(capsys, "receptive-field --kernel-size 3 --dilations 1 2 4 8") == (
        "layer  kernel size  dilation  span  field so far\n"
        "    1            3         1     3             3\n"
        "    2            3         2     5             7\n"
        "    3            3         4     9            15\n"
        "    4            3         8    17            31\n"
        "\n"
        "Receptive field: 31 rows, without holes.\n"
    )


def test_json(capsys: Capture) -> None:
    report = receptive_field_json(capsys, "--kernel-size 3 --dilations 1 2 4 8")
    assert list(report) == ["receptive_field", "left", "right", "holes", "layers"]
    assert report["receptive_field"] == 31
    assert report["holes"] == []
    assert report["layers"][3] == {
        "part": "joint",
        "operation": "convolution",
        "kernel_size": 3,
        "dilation_rate": 8,
        "stride": 1,
        "span": 17,
        "receptive_field": 31,
    }


def test_holes(capsys: Capture) -> None:
    options = "--kernel-size 2 --dilations 1 4"
    report = receptive_field_json(capsys, options)
    assert (report["receptive_field"], report["holes"]) == (6, [2, 3])
    assert "Holes: nothing reaches lags 2-3, counted back" in output(capsys, f"receptive-field {options}")


def test_a_single_hole_and_many_holes(capsys: Capture) -> None:
    assert "nothing reaches lag 2," in output(capsys, "receptive-field --dilations 1 3")
    text = output(capsys, "receptive-field --dilations 1 5 25 125 625")
    assert "lags 2-4, 7-24, 27-29, 32-124, 127-129, 132-149, 152-154, 157-624, .. (750 in all)" in text


def test_field_wider_than_the_lookback(capsys: Capture) -> None:
    options = "--kernel-size 5 --dilations 1 2 4 8 16 1 2 4 --lookback 10"
    report = receptive_field_json(capsys, options)
    assert (report["receptive_field"], report["lookback"]) == (153, 10)
    assert (report["unseen_rows"], report["padding_only_lags"]) == (0, 143)
    assert [(layer["kernel_size"], layer["dilation_rate"]) for layer in report["plan"]] == [(5, 1), (2, 5)]
    text = output(capsys, f"receptive-field {options}")
    assert "143 of the 153 lags that the stack reaches only ever see padding." in text
    assert "A stack that fits:\n" in text


def test_field_narrower_than_the_lookback_and_with_holes(capsys: Capture) -> None:
    options = "--dilations 1 4 --lookback 8"
    report = receptive_field_json(capsys, options)
    assert (report["unseen_rows"], report["padding_only_lags"]) == (4, 0)
    assert "4 rows of the lookback are never seen: lags 2-3, 6-7." in output(capsys, f"receptive-field {options}")
    text = output(capsys, "receptive-field --dilations 1 --lookback 3")
    assert "1 row of the lookback is never seen: lag 2." in text


def test_field_that_fits_the_lookback(capsys: Capture) -> None:
    options = "--dilations 1 2 4 --lookback 8"
    report = receptive_field_json(capsys, options)
    assert (report["unseen_rows"], report["padding_only_lags"]) == (0, 0)
    text = output(capsys, f"receptive-field {options}")
    assert "The stack sees every one of them and nothing else." in text
    assert "A stack that fits" not in text


def test_kernels_of_one_are_measured_and_the_plan_takes_two(capsys: Capture) -> None:
    report = receptive_field_json(capsys, "--dilations 1 --kernel-size 1 --lookback 2")
    assert report["receptive_field"] == 1
    assert [layer["kernel_size"] for layer in report["plan"]] == [2]


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 2)), min_size=1, max_size=3),
    st.integers(1, 20),
)
def test_comparison_counts_what_impulses_show(layers: list[tuple[int, int, int]], lookback: int) -> None:
    kernel_sizes, dilation_rates, strides = (" ".join(map(str, numbers)) for numbers in zip(*layers, strict=True))
    # capsys is one per test, not one per Hypothesis example
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr(sys.stdout, "write", written.append)
        main(
            f"receptive-field --kernel-size {kernel_sizes} --dilations {dilation_rates} --strides {strides}"
            f" --lookback {lookback} --json".split()
        )
    report = json.loads("".join(written))
    lags = impulse_lags(layers, length=60)
    assert report["layers"][-1]["receptive_field"] == report["receptive_field"] == lags[-1] + 1
    assert report["unseen_rows"] == len(set(range(lookback)) - set(lags))
    assert report["padding_only_lags"] == len(set(lags) - set(range(lookback)))


def test_lookback_alone_plans(capsys: Capture) -> None:
    report = receptive_field_json(capsys, "--lookback 10")
    assert report["receptive_field"] == 10
    assert report["layers"] == report["plan"]
    assert [(layer["kernel_size"], layer["dilation_rate"]) for layer in report["plan"]] == [
        (2, 1),
        (2, 2),
        (2, 4),
        (2, 2),
    ]
    assert "see exactly the last 10 rows" in output(capsys, "receptive-field --lookback 10")


def test_lookback_of_one_needs_no_layers(capsys: Capture) -> None:
    assert output(capsys, "receptive-field --lookback 1") == "A lookback of 1 row needs no layers.\n"
    assert receptive_field_json(capsys, "--lookback 1")["plan"] == []
    text = output(capsys, "receptive-field --dilations 1 --lookback 1 --diagram")
    assert "A lookback of 1 row needs no layers." in text


def test_front_end_stacks_and_a_kernel_size_per_layer(capsys: Capture) -> None:
    options = "--per-feature-dilations 1 2 --dilations 1 3 --stacks 2 --kernel-size 3 3 2 2 2 2"
    layers = receptive_field_json(capsys, options)["layers"]
    assert [layer["part"] for layer in layers] == ["front_end"] * 2 + ["joint"] * 4
    assert [layer["kernel_size"] for layer in layers] == [3, 3, 2, 2, 2, 2]
    assert [layer["dilation_rate"] for layer in layers] == [1, 2, 1, 3, 1, 3]
    assert "front_end" in output(capsys, f"receptive-field {options}")


def test_a_front_end_alone(capsys: Capture) -> None:
    assert receptive_field_json(capsys, "--per-feature-dilations 1 2")["receptive_field"] == 4


def test_strides(capsys: Capture) -> None:
    options = "--kernel-size 3 2 3 --dilations 1 1 1 --strides 1 2 1"
    assert receptive_field_json(capsys, options)["receptive_field"] == 8
    text = output(capsys, f"receptive-field {options}")
    assert "stride" in text.splitlines()[0]
    assert "A span counts the layer's own input steps" in text


def test_pools_follow_the_first_layers_and_transposed_convolutions_the_last(capsys: Capture) -> None:
    options = "--kernel-size 3 --dilations 1 1 --pool 2 --transpose 2"
    report = receptive_field_json(capsys, options)
    assert [layer["operation"] for layer in report["layers"]] == ["convolution", "pooling", "convolution", "transposed"]
    assert (report["receptive_field"], report["left"], report["right"], report["holes"]) == (9, 8, 0, [])
    assert [layer["receptive_field"] for layer in report["layers"]] == [3, 4, 8, 9]
    assert "operation" in output(capsys, f"receptive-field {options}").splitlines()[0]
    centred = output(capsys, f"receptive-field {options} --centred --diagram")
    assert "Receptive field: 9 rows, 4 before and 4 after the output's own, without holes." in centred
    assert "No diagram: it is of stacks that look back" in centred


def test_diagram(capsys: Capture) -> None:
    text = output(capsys, "receptive-field --dilations 1 4 --diagram")
    assert text.endswith(
        "Rows that each layer reads (o), the newest on the right:\n"
        "\n"
        "output                . . . . . o\n"
        "layer 2 reads         . o . . . o\n"
        "layer 1 reads (data)  o o . . o o\n"
        "lag                   5         0\n"
    )


def test_diagram_of_strided_layers(capsys: Capture) -> None:
    text = output(capsys, "receptive-field --dilations 1 1 --strides 2 --diagram")
    assert text.splitlines()[-4:] == [
        "output                . . . o",
        "layer 2 reads         . o . o",
        "layer 1 reads (data)  o o o o",
        "lag                   3     0",
    ]


def test_wide_diagrams(capsys: Capture) -> None:
    lines = output(capsys, "receptive-field --kernel-size 3 --dilations 1 3 9 27 --diagram").splitlines()
    assert lines[-1] == "No diagram: it takes one column per row, and 81 are more than the 80 that fit."
    lines = output(capsys, "receptive-field --lookback 80 --diagram").splitlines()
    assert lines[-2] == "layer 1 reads (data)  " + "o" * 80
    assert max(map(len, lines)) <= 102


def test_diagram_of_one_row(capsys: Capture) -> None:
    lines = output(capsys, "receptive-field --lookback 1 --diagram").splitlines()
    assert lines[-2:] == ["output  o", "lag     0"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "give --dilations to measure a stack, or --lookback to plan one"),
        ("--dilations 0", "argument --dilations: must be an integer of at least 1, received '0'"),
        ("--dilations -1", "argument --dilations: must be an integer of at least 1, received '-1'"),
        ("--dilations 1,2", "argument --dilations: must be an integer of at least 1, received '1,2'"),
        ("--lookback 1.5", "argument --lookback: must be an integer of at least 1, received '1.5'"),
        (
            "--dilations 1 2 --kernel-size 2 3 4",
            "argument --kernel-size: takes one value, or one for each of the 2 layers, received 3",
        ),
        (
            "--dilations 1 2 3 --strides 2 2",
            "argument --strides: takes one value, or one for each of the 3 layers, received 2",
        ),
        ("--per-feature-dilations 1 --stacks 2", "argument --stacks: repeats --dilations, which is missing"),
        ("--lookback 9 --stacks 2", "argument --stacks: needs --dilations, a plan has none"),
        ("--lookback 9 --pool 2", "argument --pool: needs --dilations, a plan has none"),
        ("--dilations 1 --pool 2 2", "argument --pool: takes at most one for each of the 1 layers"),
        ("--dilations 1 --transpose 2 2", "argument --transpose: takes at most one for each of the 1 layers"),
        (
            "--dilations 1 --lookback 9 --centred",
            "argument --centred: looks at later rows, of which --lookback has none",
        ),
        ("--lookback 9 --strides 2", "argument --strides: needs --dilations, a plan has none"),
        ("--lookback 9 --kernel-size 2 3", "argument --kernel-size: a plan takes one value, received 2"),
        (
            "--lookback 9 --kernel-size 1",
            "argument --kernel-size: `kernel_size` must be an integer of at least 2. Received: kernel_size=1",
        ),
        (
            "--lookback 1000001",
            "argument --lookback: `lookback` must be an integer of at most 1000000. Received: lookback=1000001",
        ),
        (
            "--dilations 1000000",
            "`layers` must have a receptive field of at most 1000000 rows to list its lags."
            " Received: receptive_field=1000001",
        ),
        ("--dilations 1 2 --stacks 501", "at most 1000 layers can be listed, received 1002"),
        ("--dilations 1 --json --diagram", "argument --diagram: not allowed with argument --json"),
        ("--dilations 1 --kernel 3", "unrecognized arguments: --kernel 3"),
    ],
)
def test_bad_input_is_one_line_and_status_2(capsys: Capture, options: str, message: str) -> None:
    prog = "tscnn" if message.startswith("unrecognized") else "tscnn receptive-field"
    assert error_line(capsys, f"receptive-field {options}") == f"{prog}: error: {message}"


@pytest.mark.parametrize("options", [f"--dilations {'9' * 5000}", f"--dilations {'9' * 4000} --strides {'9' * 4000}"])
def test_errors_of_huge_numbers_are_short(capsys: Capture, options: str) -> None:
    assert len(error_line(capsys, f"receptive-field {options}")) < 400


def test_unknown_command(capsys: Capture) -> None:
    assert error_line(capsys, "forecats").startswith("tscnn: error: argument COMMAND: invalid choice: 'forecats'")


def test_the_calculator_imports_no_framework() -> None:
    code = (
        "import sys; from tscnn.cli.commands import main;"
        "main('receptive-field --dilations 1 2 4 --lookback 10 --diagram'.split());"
        "sys.exit(str(sorted({'tensorflow', 'keras', 'pandas', 'sklearn'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "[]\n"
    assert "Receptive field: 8 rows" in done.stdout


def test_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "tscnn", "receptive-field", "--dilations", "1", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["receptive_field"] == 4
    assert done.stderr == ""
    failed = subprocess.run([*command, "--lookback", "x"], capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert failed.stderr.startswith("tscnn receptive-field: error: ")
