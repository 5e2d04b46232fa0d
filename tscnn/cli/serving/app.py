"""The ASGI application: addresses, bodies that are bounded, answers and errors in JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tscnn.cli.serving.answers import to_json
from tscnn.cli.serving.bodies import FORECAST_FIELDS, UPDATE_FIELDS, in_fields, read_body
from tscnn.cli.serving.document import describe_service
from tscnn.cli.serving.served import ServedModel
from tscnn.common.checks import received
from tscnn.data.values import list_some

__all__ = ["build_app"]

MOST_WAITING = 100  # requests of one model; more are told to come again. A convention
MOST_SECONDS = 30  # for a body to arrive


def build_app(models: Mapping[str, ServedModel], *, most_bytes: int) -> Starlette:
    """Build the application.

    Parameters
    ----------
    models : mapping of ServedModel
        By name.
    most_bytes : int
        Of a body.

    Returns
    -------
    Starlette
        To be run by an ASGI server.
    """
    service = _Service(models, most_bytes)
    page = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    document = to_json(describe_service(models, _version(), most_bytes))

    async def get_docs(_: Request) -> Response:
        return HTMLResponse(page)

    async def get_document(_: Request) -> Response:
        return _answer(document)

    async def go_to_docs(_: Request) -> Response:
        return RedirectResponse("docs")

    routes = [
        Route("/", go_to_docs),
        Route("/docs", get_docs),
        Route("/openapi.json", get_document),
        Route("/health", service.health),
    ]
    for start in ("", "/models/{name}"):
        routes.append(Route(f"{start}/forecast", service.forecast, methods=["GET", "POST"]))
        routes.append(Route(f"{start}/update", service.update, methods=["POST"]))
    handlers: dict[Any, Callable[..., Any]] = {HTTPException: _tell, Exception: _tell_failure}
    return Starlette(routes=routes, exception_handlers=handlers)


class _Service:
    """What the addresses of models do."""

    def __init__(self, models: Mapping[str, ServedModel], most_bytes: int) -> None:
        self._models, self._most_bytes = models, most_bytes
        self._began, self._version = time.monotonic(), _version()

    async def health(self, _: Request) -> Response:
        """Say that the service is there, and what it serves."""
        found = {name: model.describe() for name, model in self._models.items()}
        uptime = round(time.monotonic() - self._began, 3)
        return _answer(to_json({"status": "ok", "tscnn": self._version, "uptime_seconds": uptime, "models": found}))

    async def forecast(self, request: Request) -> Response:
        """Forecast."""
        model = self._find(request)
        if request.method in ("GET", "HEAD"):
            query = request.query_params
            if not query and model.answer is not None:
                return _answer(model.answer)
            return await self._run(model, model.forecast, lambda: _read_query(query))
        raw = await self._read(request)
        return await self._run(model, model.forecast, lambda: read_body(raw, FORECAST_FIELDS))

    async def update(self, request: Request) -> Response:
        """Take rows."""
        model, raw = self._find(request), await self._read(request)
        return await self._run(model, model.update, lambda: read_body(raw, UPDATE_FIELDS))

    def _find(self, request: Request) -> ServedModel:
        """Return the model of an address; without a name the only one."""
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise HTTPException(403, "Pages of other servers must not ask; a proxy may take the header `Origin` away.")
        name = request.path_params.get("name", next(iter(self._models)) if len(self._models) == 1 else None)
        model = None if name is None else self._models.get(name)
        if model is None:
            rule = "There must be a model of this name: /models/NAME/.."
            raise HTTPException(404, received(rule, name=name, known=list_some(self._models)))
        return model

    async def _read(self, request: Request) -> bytes:
        """Read a body, as far as it may go."""
        most, raw = self._most_bytes, bytearray()
        told = f"A body must have at most {most} bytes; `tscnn serve --max-body` allows more."
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > most:
            raise HTTPException(413, told, {"connection": "close"})
        try:
            async with asyncio.timeout(MOST_SECONDS):
                async for chunk in request.stream():
                    raw += chunk
                    if len(raw) > most:
                        raise HTTPException(413, told, {"connection": "close"})
        except TimeoutError:
            rule = f"A body must arrive within {MOST_SECONDS} seconds."
            raise HTTPException(408, rule, {"connection": "close"}) from None
        except ClientDisconnect:
            raise HTTPException(400, "The body ended early.") from None
        return bytes(raw)

    @staticmethod
    async def _run(
        model: ServedModel, answer: Callable[[Mapping[str, Any]], bytes], read: Callable[[], Mapping[str, Any]]
    ) -> Response:
        """Answer in the thread of a model: its requests come one after the other, others go on beside."""
        if model.n_waiting >= MOST_WAITING:
            raise HTTPException(503, "Too many requests wait for this model; come again.", {"retry-after": "1"})
        model.n_waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return _answer(await loop.run_in_executor(model.thread, lambda: answer(read())))
        except (TypeError, ValueError) as error:
            raise HTTPException(422, in_fields(str(error))) from None
        except OSError as error:
            raise HTTPException(503, f"The state can't be kept, so that no row was accepted: {error}") from None
        finally:
            model.n_waiting -= 1


def _read_query(query: Any) -> dict[str, Any]:
    """Read the fields of an address."""
    known = ("horizon", "coverage", "quantiles", "series")
    if unknown := [name for name in query if name not in known]:
        rule = f"An address may have {', '.join(known)}; the rest is of a body, by POST."
        raise ValueError(received(rule, unknown=list_some(unknown)))
    found: dict[str, Any] = {}
    for name in query:
        texts = query.getlist(name)
        if name == "series":
            found[name] = texts
            continue
        try:
            numbers = [int(text) if name == "horizon" else float(text) for text in texts]
        except ValueError:
            rule = f"`{name}` must be {'an integer' if name == 'horizon' else 'a number'}."
            raise ValueError(received(rule, **{name: texts[0]})) from None
        found[name] = numbers[0] if len(numbers) == 1 and name != "quantiles" else numbers
    return found


def _answer(raw: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(raw, status, headers, media_type="application/json")


async def _tell(request: Request, error: Exception) -> Response:
    """Write an error as JSON."""
    assert isinstance(error, HTTPException)
    said = error.detail
    if error.status_code == 405:
        said = f"{request.url.path} takes {(error.headers or {}).get('Allow', 'another method')}, not {request.method}."
    elif said == "Not Found":
        said = f"There is nothing at {request.url.path[:100]}; /docs lists what there is."
    return _answer(to_json({"error": said}), error.status_code, error.headers)


async def _tell_failure(_: Request, error: Exception) -> Response:
    said = f"The service failed ({type(error).__name__}); its standard error tells more."
    return _answer(to_json({"error": said}), 500)


def _version() -> str:
    try:
        return version("tscnn")
    except PackageNotFoundError:
        return "unknown"
