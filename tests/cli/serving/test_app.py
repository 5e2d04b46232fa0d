"""The service by HTTP, in this process."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pandas as pd
import pytest
import uvicorn

from tests.cli.serving.conftest import N_ROWS, records
from tscnn import Forecaster
from tscnn.cli.serving.app import build_app
from tscnn.cli.serving.served import ServedModel

MOST_BYTES = 20_000


class Service:
    """A server in a thread, and a client of it."""

    def __init__(self, models: dict[str, ServedModel]) -> None:
        app = build_app(models, most_bytes=MOST_BYTES)
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none"))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def ask(self, path: str, body: object = None, method: str | None = None, **headers: str) -> tuple[int, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method or ("GET" if raw is None else "POST"), path, raw, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.headers["content-type"] == "application/json"
        return answer.status, json.loads(text)


@pytest.fixture(scope="module")
def service(saved: str) -> Iterator[Service]:
    found = Service({name: ServedModel(name, Forecaster.load(saved)) for name in ("one", "two")})
    yield found
    found.server.should_exit = True
    found.thread.join()


@pytest.fixture
def single(saved: str) -> Iterator[Service]:
    found = Service({"one": ServedModel("one", Forecaster.load(saved))})
    yield found
    found.server.should_exit = True
    found.thread.join()


def test_health(service: Service) -> None:
    status, found = service.ask("/health")
    assert (status, found["status"], list(found["models"])) == (200, "ok", ["one", "two"])
    assert found["uptime_seconds"] >= 0
    about = found["models"]["one"]
    assert (about["targets"], about["horizon"], about["rows_needed"]) == (["a", "b"], 3, 12)
    assert about["newest"] == "2026-01-07T05:00:00"


def test_a_model_has_an_address(service: Service, frame: pd.DataFrame) -> None:
    one, body = service.ask("/models/one/forecast")[1], {"rows": records(frame.iloc[N_ROWS:153])}
    status, found = service.ask("/models/two/update", body)
    assert (status, found["model"], found["accepted"]) == (200, "two", 3)
    assert service.ask("/models/one/forecast") == (200, one)
    assert service.ask("/models/two/forecast")[1]["forecast"][0]["time"] == "2026-01-07T09:00:00"
    asked = "horizon=2&coverage=0.5&coverage=0.8"
    assert len(service.ask(f"/models/one/forecast?{asked}")[1]["forecast"]) == 2
    assert service.ask("/models/one/forecast", {"horizon": 2, "coverage": [0.5, 0.8]}) == service.ask(
        f"/models/one/forecast?{asked}"
    )


def test_a_single_model_has_short_addresses(single: Service, frame: pd.DataFrame) -> None:
    assert single.ask("/update", {"rows": records(frame.iloc[N_ROWS:151])})[1]["accepted"] == 1
    assert single.ask("/forecast") == single.ask("/models/one/forecast", {})


@pytest.mark.parametrize(
    ("path", "body", "method", "status", "said"),
    [
        ("/forecast", None, "GET", 404, "known=['one', 'two']"),
        ("/models/three/forecast", None, "GET", 404, "name='three'"),
        ("/nothing", None, "GET", 404, "/docs lists what there is"),
        ("/models/one/update", None, "GET", 405, "takes POST, not GET"),
        ("/health", None, "DELETE", 405, "not DELETE"),
        ("/models/one/update", b"hello", "POST", 422, "must be JSON"),
        ("/models/one/update", {"rows": {"time": "2026-01-07 06:00", "a": 1}}, "POST", 422, "missing=['b']"),
        ("/models/one/forecast", {"horizon": "\ud800"}, "POST", 422, "`horizon`"),
        (
            "/models/one/update",
            {"rows": [{"a\ud800": 1}]},
            "POST",
            422,
            "`rows` of the body must be of whole characters",
        ),
        ("/models/one/forecast?horizon=x", None, "GET", 422, "`horizon` must be an integer"),
        ("/models/one/forecast?quantiles=x", None, "GET", 422, "`quantiles` must be a number"),
        ("/models/one/forecast?rows=1", None, "GET", 422, "unknown=['rows']"),
        ("/models/one/update", b"x" * (MOST_BYTES + 1), "POST", 413, f"at most {MOST_BYTES} bytes"),
    ],
)
def test_errors_are_one_line(service: Service, path: str, body: object, method: str, status: int, said: str) -> None:
    found = service.ask(path, body, method)
    assert found[0] == status
    assert list(found[1]) == ["error"]
    assert said in found[1]["error"]
    assert "\n" not in found[1]["error"]


def test_a_body_without_length_is_bounded(service: Service) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.request("POST", "/models/one/update", iter([b"x" * 10_000] * 3), encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_must_arrive(service: Service) -> None:
    with patch("tscnn.cli.serving.app.MOST_SECONDS", 0.05):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
        connection.putrequest("POST", "/models/one/update")
        connection.putheader("content-length", "100")
        connection.endheaders(b"{")
        assert connection.getresponse().status == 408
        connection.close()


def test_pages_of_others_must_not_ask(service: Service) -> None:
    assert service.ask("/models/one/forecast", {}, origin="http://elsewhere.example")[0] == 403
    assert service.ask("/models/one/forecast", {}, origin=f"http://127.0.0.1:{service.port}")[0] == 200


def test_failures_are_told(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    with patch.object(ServedModel, "describe", side_effect=KeyError("a")):
        assert service.ask("/health") == (
            500,
            {"error": "The service failed (KeyError); its standard error tells more."},
        )
    with patch.object(ServedModel, "update", side_effect=OSError(28, "No space left")):
        status, found = service.ask("/models/one/update", {})
    assert (status, "no row was accepted" in found["error"]) == (503, True)
    assert "KeyError" in caplog.text
    caplog.clear()


def test_too_many_wait(service: Service) -> None:
    with patch("tscnn.cli.serving.app.MOST_WAITING", 0):
        assert service.ask("/models/one/forecast", {})[0] == 503


def test_updates_at_once_are_taken_one_by_one(single: Service, frame: pd.DataFrame) -> None:
    due = records(frame.iloc[N_ROWS:158])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: single.ask("/update", {"rows": due[: n + 1]}), range(8)))
    assert [status for status, _ in found] == [200] * 8
    assert sum(answer["accepted"] for _, answer in found) == 8


def test_the_page_needs_nothing_from_elsewhere(service: Service) -> None:
    for path, start in (("/", b""), ("/docs", b"<!doctype html>")):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        raw = answer.read()
        assert (answer.status, answer.headers.get("location")) == ((307, "docs") if path == "/" else (200, None))
        assert raw.startswith(start)
        assert not re.search(rb"(src|href|url)\W+(https?:)?//", raw)
        connection.close()
