import io
import logging
import sys
from types import SimpleNamespace

import pytest

from tscnn.common.progress import Stages, find_teller, is_watched, log_line, say_nothing, write_line


@pytest.mark.parametrize("state", ["none", "closed", "no descriptor"])
def test_any_state_of_standard_output_is_fine(monkeypatch, state):
    output = None if state == "none" else io.StringIO()
    if state == "closed":
        output.close()
    if state == "no descriptor":

        class Broken(io.StringIO):
            def flush(self):
                raise OSError

        output = Broken()
    monkeypatch.setattr(sys, "stdout", output)
    assert not is_watched()
    write_line("a line")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("where", ["terminal", "notebook", "IPython in a pipe", "pipe"])
def test_a_terminal_and_a_notebook_are_watched(monkeypatch, where):
    monkeypatch.setattr(sys, "stdout", Terminal() if where == "terminal" else io.StringIO())
    config = {"IPKernelApp": {}} if where == "notebook" else {}
    shell = None if where == "pipe" else SimpleNamespace(config=config)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    watched = where in ("terminal", "notebook")
    assert is_watched() is watched
    assert find_teller("auto") is (write_line if watched else log_line)


def test_lines_go_to_the_logger_where_nobody_watches(caplog, capsys):
    with caplog.at_level(logging.INFO, logger="tscnn"):
        find_teller("auto")("100 % done")
    assert [(record.name, record.getMessage()) for record in caplog.records] == [("tscnn", "100 % done")]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", [0, False])
def test_silent_is_silent(verbose, caplog, capsys):
    with caplog.at_level(logging.INFO, logger="tscnn"):
        Stages(find_teller(verbose)).begin("transforms")
    assert find_teller(verbose) is say_nothing
    assert not caplog.records
    assert capsys.readouterr() == ("", "")


def test_stages_are_told_when_they_begin_and_timed():
    told = []
    stages = Stages(told.append)
    for name in ("outliers", "transforms"):
        stages.begin(name)
    assert told == ["outliers ..", "transforms .."]
    assert list(stages.end()) == told_names(told)
    assert all(seconds >= 0 for seconds in stages.end().values())


def told_names(told):
    return [line.removesuffix(" ..") for line in told]
