"""Requests a second, latency and memory of `tscnn serve`.

Run ``python -m benchmarks.serving``: a server on one core, clients on the others. Latencies at a given rate are counted
from when a request was due, so that those that had to wait count in full.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

LOOKBACK, HORIZON, COLUMNS = 168, 24, ["JFK_temp", "LGA_temp", "EWR_temp"]


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes
    ----------
    process : Popen
        Its own.
    port : int
        At which it listens.
    """

    process: subprocess.Popen[str]
    port: int

    def memory(self) -> float:
        """Return what the process holds, MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def cpu(self) -> float:
        """Return the seconds of a core that the process has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(*args: str, core: int | None = None) -> Iterator[Server]:
    """Run ``tscnn serve`` with arguments, on one core if it is given."""
    command = [sys.executable, "-m", "tscnn", "serve", *args, "--port", "0"]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **threads}) as process:
        try:
            if core is not None and hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(process.pid, {core})
            said: list[str] = []
            for line in process.stderr:  # type: ignore[union-attr]
                said.append(line)
                if found := re.search(r"http://[^ ]*:(\d+),", line):
                    yield Server(process, int(found[1]))
                    return
            raise RuntimeError(f"no server: {''.join(said)}")
        finally:
            process.terminate()


class Client:
    """A connection that stays open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, path: str, body: object = None) -> tuple[int, dict]:
        """Send a request, by POST if it has a body; return its status and its answer."""
        raw = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self._connection.request("GET" if raw is None else "POST", path, raw)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def load(
    port: int, next_request: Callable[[], tuple], seconds: float, rate: float | None, n_clients: int
) -> np.ndarray:
    """Send requests at a rate, or each client one after the other; return their latencies in ms."""
    began, latencies = time.perf_counter() + 0.05, []
    due, lock = itertools.count(), threading.Lock()

    def work() -> None:
        with Client(port) as client:
            while True:
                with lock:
                    at = began + next(due) / rate if rate else time.perf_counter()
                    if at > began + seconds:
                        break
                    request = next_request()
                time.sleep(max(0.0, at - time.perf_counter()))
                status, answer = client.ask(*request)
                latencies.append((time.perf_counter() - at) * 1e3)
                if status != 200:
                    raise RuntimeError(f"{status}: {answer}")

    threads = [threading.Thread(target=work) for _ in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return np.array(latencies)


def rows_after(frame: pd.DataFrame) -> Iterator[dict]:
    """Make one row after the other, of the values of a frame over and over."""
    for at in itertools.count(1):
        values = frame.iloc[at % len(frame)].tolist()
        when = frame.index[-1] + at * pd.Timedelta(hours=1)
        yield {"time": when.strftime("%Y-%m-%d %H:%M"), **dict(zip(frame.columns, values, strict=True))}


def _fit(folder: str) -> tuple[str, pd.DataFrame]:
    from tscnn import Forecaster, datasets

    frame = datasets.load_nyc_weather()[COLUMNS].iloc[:4000].tz_localize(None)
    Forecaster(LOOKBACK, HORIZON, network=None, verbose=0).fit(frame).save(f"{folder}/weather.tscnn")
    return f"{folder}/weather.tscnn", frame


def _measure(
    name: str, server: Server, request: Callable[[], tuple], seconds: float, rate: float | None, n_clients: int
) -> int:
    began, cpu = time.perf_counter(), server.cpu()
    latencies = load(server.port, request, seconds, rate, n_clients)
    per_second, cpu = len(latencies) / (time.perf_counter() - began), (server.cpu() - cpu) / len(latencies) * 1e3
    p50, p99, most = np.quantile(latencies, [0.5, 0.99, 1])
    print(f"{name:40} {per_second:6.0f}/s  p50 {p50:6.1f}  p99 {p99:6.1f}  max {most:6.1f} ms  core {cpu:5.2f} ms each")
    return len(latencies)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a kind of request, and the memory of a soak."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement (default: 10)")
    parser.add_argument("--soak", type=float, default=60, help="seconds of the soak (default: 60)")
    parser.add_argument("--rate", type=float, default=200, help="requests a second (default: 200)")
    parser.add_argument("--clients", type=int, default=8, help="connections (default: 8)")
    args = parser.parse_args(arguments)
    core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    if core:
        os.sched_setaffinity(0, os.sched_getaffinity(0) - {core})
    with tempfile.TemporaryDirectory() as folder:
        model, frame = _fit(folder)
        rows = frame.iloc[-LOOKBACK:].reset_index(names="time").assign(time=lambda x: x["time"].astype(str))
        question = json.dumps({"rows": rows.to_dict("records")}).encode()
        for kept in ([], ["--state", f"{folder}/states"]):
            with serving(model, *kept, core=core) as server:
                new = rows_after(frame)
                cases = {
                    "GET /forecast": (lambda: ("/forecast",), args.clients),
                    f"POST /forecast, {LOOKBACK} rows": (lambda: ("/forecast", question), args.clients),
                    "POST /update": (lambda new=new: ("/update", {"rows": next(new)}), 1),  # in order
                }
                for name, (request, n_clients) in cases.items():
                    if kept and "update" not in name:
                        continue
                    load(server.port, request, 1, None, n_clients)
                    for rate in (None, args.rate):
                        told = f"{name}{' kept' if kept else ''}, {f'{rate:.0f} due' if rate else 'as many as go'}"
                        _measure(told, server, request, args.seconds, rate, n_clients)
                if kept:
                    _soak(server, new, question, args)


def _soak(server: Server, new: Iterator[dict], question: bytes, args: argparse.Namespace) -> None:
    """Send a tenth updates, a tenth forecasts of rows, and the newest forecast, for a while."""
    number = itertools.count()

    def request() -> tuple:
        at = next(number) % 10
        return ("/update", {"rows": next(new)}) if at == 0 else ("/forecast", question) if at == 5 else ("/forecast",)

    load(server.port, request, 5, args.rate, 1)
    before = server.memory()
    n_sent = _measure(f"mixed, kept, {args.soak:.0f} s, {args.rate:.0f} due", server, request, args.soak, args.rate, 1)
    print(f"memory {before:.1f} MB before, {server.memory():.1f} MB after {n_sent} requests")


if __name__ == "__main__":
    main()
