from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from benchmarks.serving import Client, load, serving
from tests.cli.shell import shell
from tscnn import Forecaster
from tscnn.cli.arguments import COMMANDS

pytestmark = pytest.mark.usefixtures("here")


def row(hour: int) -> dict[str, Any]:
    """The row that comes so many hours after the training data."""
    when = datetime(2013, 1, 22, 2) + timedelta(hours=hour)
    return {"time": f"{when:%Y-%m-%d %H:%M}", "JFK_temp": 30.0 + when.hour, "LGA_temp": 31.0}


def test_it_answers_until_it_is_stopped(here: Path) -> None:
    said: list[str] = []
    found: list[Any] = []

    def ask() -> None:
        while not said:
            pass
        client = http.client.HTTPConnection("127.0.0.1", int(re.search(r":(\d+),", said[0])[1]))  # type: ignore[index]
        client.request("POST", "/update", json.dumps({"rows": row(0)}))
        found.append(json.loads(client.getresponse().read()))
        client.close()
        os.kill(os.getpid(), signal.SIGTERM)

    before, thread = signal.getsignal(signal.SIGTERM), threading.Thread(target=ask)
    thread.start()
    with patch("tscnn.cli.serve.say", side_effect=lambda _, line: said.append(line)):
        done = shell("tscnn serve weather.tscnn --port 0 --state states --coverage 0.9 --adaptive")
    thread.join()
    assert (done.status, done.out) == (0, "")
    assert said[0].startswith("weather at http://127.0.0.1:")
    assert said[1] == "stopped"
    stream = Forecaster.load("weather.tscnn").stream(coverage=0.9, adaptive=True)
    expected = stream.update([row(0)["JFK_temp"], row(0)["LGA_temp"]])
    assert [list(one.values())[1:] for one in found[0]["forecast"]] == expected.to_numpy().tolist()
    assert [path.name for path in (here / "states").iterdir()] == ["weather.state"]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ("none.tscnn", 1, "no file of this name"),
        ("weather.csv", 1, "weather.csv"),
        ("weather.tscnn weather.tscnn", 1, "NAME=FILE gives it one"),
        ("a/b=weather.tscnn", 1, "letters, digits"),
        ("weather.tscnn --adaptive", 1, "asks for some"),
        ("weather.tscnn --host nowhere.invalid", 1, "must be free to listen at"),
        ("weather.tscnn --port 99999", 2, "from 0 to 65535"),
        ("weather.tscnn --state weather.csv", 1, "File exists: weather.csv"),
        ("weather.tscnn --port x", 2, "from 0 to 65535"),
        ("weather.tscnn --max-body 0", 2, "above 0"),
        ("", 2, "MODEL"),
    ],
)
def test_errors(given: str, status: int, said: str) -> None:
    done = shell(f"tscnn serve {given}")
    assert (done.status, done.out) == (status, "")
    assert done.err.count("\n") == 1
    assert said in done.err


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = shell(f"tscnn serve weather.tscnn --port {other.getsockname()[1]}")
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert "Address already in use" in done.err


def test_the_extra_is_named() -> None:
    with patch.dict(sys.modules, {"uvicorn": None}):
        done = shell("tscnn serve weather.tscnn")
    assert done.status == 1
    assert 'pip install "tscnn[serve]"' in done.err


@pytest.mark.slow
def test_a_kill_loses_no_row_that_was_accepted() -> None:
    n_rows, accepted = 40, 0
    for kill_at in (7, 19, 31, n_rows):
        with serving("weather.tscnn", "--state", "states") as server, Client(server.port) as client:
            newest = client.ask("/health")[1]["models"]["weather"]["newest"]
            assert newest >= (row(accepted - 1)["time"] if accepted else "2013-01-22 01:00").replace(" ", "T")
            killer = threading.Timer(0.02, server.process.kill)
            for at in range(max(0, accepted - 2), n_rows):  # two of them once more
                if at == kill_at:
                    killer.start()  # in the midst of the rows that follow
                try:
                    status, answer = client.ask("/update", {"rows": row(at)})
                except (OSError, http.client.HTTPException):
                    break
                assert status == 200
                accepted = at + 1
            killer.cancel()
    assert accepted == n_rows
    stream = Forecaster.load("weather.tscnn").stream()
    for at in range(n_rows):
        expected = stream.update([row(at)["JFK_temp"], row(at)["LGA_temp"]])
    found = [list(one.values())[1:] for one in answer["forecast"]]
    np.testing.assert_array_equal(found, expected)  # to the bit, as if nothing had been


@pytest.mark.slow
def test_examples_of_help_run() -> None:
    assert shell("tscnn fit weather.csv --targets JFK_temp --lookback 24 --no-network -o small.tscnn").status == 0
    for line in COMMANDS["serve"][2].splitlines():
        with serving(*line.split()[2:]) as server:
            with Client(server.port) as client:
                status, found = client.ask("/health")
            assert (status, found["status"]) == (200, "ok")
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(20) == 0
    assert list(found["models"]) == ["weather", "airport"]


@pytest.mark.slow
def test_a_soak_does_not_grow() -> None:
    with serving("weather.tscnn", "--state", "states") as server:
        hours = iter(range(10**6))

        def request() -> tuple:
            hour = next(hours)
            return ("/forecast",) if hour % 5 else ("/update", {"rows": row(hour // 5)})

        load(server.port, request, 2, None, 1)
        before = server.memory()
        n_sent = len(load(server.port, request, 5, None, 1))
        assert n_sent > 100
        assert server.memory() < before + 2.5  # MB


@pytest.mark.slow
def test_no_framework_is_imported() -> None:
    code = "import sys, tscnn.cli.serve, tscnn.cli.serving.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"tensorflow", "keras", "matplotlib"}.isdisjoint(done.stdout.split())
