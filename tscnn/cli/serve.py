"""The command `tscnn serve`: forecasts by HTTP."""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from tscnn.cli.errors import say
from tscnn.cli.models import load_model
from tscnn.cli.serving.served import ServedModel
from tscnn.common.checks import received

__all__ = ["run"]

_PROG = "tscnn serve"
_IN_AN_ADDRESS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")
_SECONDS_TO_STOP = 10


def run(args: argparse.Namespace) -> int:
    """Serve models until a signal ends it."""
    try:
        import uvicorn

        from tscnn.cli.serving.app import build_app
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise ImportError('The service needs starlette and uvicorn: python -m pip install "tscnn[serve]"') from error

    models = _load(args)
    listening = _listen(args.host, args.port)
    app = build_app(models, most_bytes=int(args.max_body * 2**20))
    if args.access_log:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="info" if args.access_log else "warning",
        access_log=args.access_log,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_SECONDS_TO_STOP,
    )
    host, port = listening.getsockname()[:2]
    say(_PROG, f"{', '.join(models)} at http://{f'[{host}]' if ':' in host else host}:{port}, explained at /docs")
    with listening, _stopping_is_fine(), _without_pauses():
        uvicorn.Server(config).run(sockets=[listening])
    say(_PROG, "stopped")
    return 0


def _load(args: argparse.Namespace) -> dict[str, ServedModel]:
    """Load the models, each by its name."""
    if args.state is not None:
        Path(args.state).mkdir(parents=True, exist_ok=True)
    models: dict[str, ServedModel] = {}
    for text in args.models:
        given, equals, path = text.partition("=")
        if not equals or Path(text).exists():
            given, path = Path(text).stem, text
        if not given or not set(given) <= _IN_AN_ADDRESS or given.startswith("."):
            rule = "The name of a model must be of letters, digits and -_.~; NAME=FILE gives it one."
            raise ValueError(received(rule, name=given))
        if given in models:
            rule = "Each model must have a name of its own; NAME=FILE gives it one."
            raise ValueError(received(rule, name=given))
        forecaster = load_model(argparse.Namespace(**{**vars(args), "model": path}))
        state = None if args.state is None else str(Path(args.state) / f"{given}.state")
        models[given] = ServedModel(given, forecaster, coverage=args.coverage, adaptive=args.adaptive, path=state)
    return models


def _listen(host: str, port: int) -> socket.socket:
    """Open the port before anything else is promised."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        number = error.errno or 0  # negative of names that are not found
        why = os.strerror(number) if number > 0 else str(error)
        rule = f"`--host` and `--port` must be free to listen at ({why})."
        raise ValueError(received(rule, host=host, port=port)) from None
    # Connections inherit it. asyncio sets it where a socket names its protocol alone; answers would wait for 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


@contextlib.contextmanager
def _stopping_is_fine() -> Iterator[None]:
    """Pass over the signals that the server has heeded, and raises once more when it is done."""

    def pass_over(number: int, frame: FrameType | None) -> None:
        del number, frame

    before = {number: signal.signal(number, pass_over) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _without_pauses() -> Iterator[None]:
    """Keep the garbage collector from what is loaded: looking through it stops all requests for 50 ms."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
