"""The examples of `--help`, and those of docs/how-to/command-line.md, run as they are written."""

import re
from pathlib import Path

import pytest

from tests.cli.shell import shell
from tscnn.cli.arguments import COMMANDS

pytestmark = pytest.mark.usefixtures("here")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "command-line.md"


@pytest.mark.slow
def test_examples_of_help_run(here: Path) -> None:
    shell("tscnn backtest weather.tscnn weather.csv --stride 24 --coverage 0.9 -o backtest.csv")
    n_run = 0
    for line in "\n".join(examples for _, _, examples in COMMANDS.values()).splitlines():
        if "epochs" in line or "tscnn serve" in line:  # a network takes seconds; for servers see test_serve.py
            continue
        done = shell(line.strip())
        assert done.status == 0, (line, done.err)
        n_run += 1
    assert n_run > 15
    assert {"forecast.csv", "forecast.png", "past.svg", "weather.state"} <= {path.name for path in here.iterdir()}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_examples(name: str) -> None:
    done = shell(f"tscnn {name} --help")
    assert done.status == 0
    assert "examples:\n  t" in done.out


@pytest.mark.slow
def test_examples_of_the_documentation_run() -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.split("  #")[0].strip() for line in block.replace("\\\n", " ").splitlines() if line]
    assert len(lines) > 5
    for line in lines:
        done = shell(line)
        assert done.status == 0, (line, done.err)
