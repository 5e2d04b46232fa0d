from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.shell import shell

pytestmark = pytest.mark.usefixtures("here")


def test_pictures(here: Path) -> None:
    assert shell("tscnn plot weather.tscnn -o next.png").status == 0
    assert shell("tscnn plot weather.tscnn weather.csv --quantiles 0.1 0.9 --history 9 -o next.svg").status == 0
    assert (here / "next.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (here / "next.svg").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--columns rain -o p.png", "`--columns` must name"),
        ("-o nowhere/p.png", "must exist"),
        ("-o p.docx", "`--out` must name a picture, such as .png, .svg or .pdf. Received: out='p.docx'"),
        ("--series x -o p.png", "`--series` must be left out"),
        ("--cutoff 2013-01-20 --future weather.csv -o p.png", "`--future` must be left out"),
        ("--cutoff soon -o p.png", "`--cutoff` must be comparable"),
        ("--cutoff 2013-01-01T12:00 -o p.png", "lookback"),
    ],
)
def test_errors_are_one_line(options: str, said: str) -> None:
    done = shell(f"tscnn plot weather.tscnn weather.csv {options}")
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert said in done.err


def test_a_cutoff_is_of_a_table() -> None:
    done = shell("tscnn plot weather.tscnn --cutoff 2013-01-01 -o p.png")
    assert done.status == 1
    assert "`--cutoff` must be a row of a table" in done.err


def test_without_matplotlib_it_says_so_before_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    done = shell("tscnn plot nothing.tscnn -o p.png")
    assert done.err == 'tscnn plot: error: Pictures need matplotlib: python -m pip install "tscnn[plot]"\n'
