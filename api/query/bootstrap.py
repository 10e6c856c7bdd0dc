"""Starts the query API: reads the settings, opens the pool, listens on loopback."""

import logging
import secrets
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

import structlog
import uvicorn
from fastapi import FastAPI
from structlog.typing import FilteringBoundLogger, Processor

from api.cursors import KEY_BYTES, kept_key
from api.query.app import create_app
from api.query.settings import QuerySettings
from consumers.logging import mask_secrets
from projections.queries.snapshot import open_pool

STOP_TIMEOUT_SECONDS: Final = 15.0


class ApiStartError(RuntimeError):
    """The API does not listen; the message says what to do next."""


@contextmanager
def serving(settings: QuerySettings, *, log: FilteringBoundLogger | None = None) -> Iterator[str]:
    """Serve in a thread of this process for as long as the context lasts; gives the URL. Raises ApiStartError."""
    with _application(settings, log) as app, listening(app, settings.api_host, settings.api_port) as url:
        yield url


@contextmanager
def listening(app: FastAPI, host: str, port: int, *, setting: str = "LEDGER_API_PORT") -> Iterator[str]:
    """Listen with this application in a thread; gives the URL. `setting` names the port. Raises ApiStartError."""
    with open_listener(host, port, setting) as listener:
        server = uvicorn.Server(server_configuration(app))
        thread = threading.Thread(target=server.run, args=([listener],), name=app.title, daemon=True)
        thread.start()
        try:
            # The socket takes connections already; they are served as soon as the loop turns.
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join(timeout=STOP_TIMEOUT_SECONDS)


def main() -> None:
    """Serve in this process until it is told to stop."""
    settings = QuerySettings.model_validate({})
    with _application(settings, None) as app, open_listener(settings.api_host, settings.api_port) as listener:
        uvicorn.Server(server_configuration(app)).run([listener])


@contextmanager
def _application(settings: QuerySettings, log: FilteringBoundLogger | None) -> Iterator[FastAPI]:
    pool = open_pool(
        settings.postgres_dsn.get_secret_value(),
        size=settings.api_pool_size,
        wait_seconds=settings.api_wait_seconds,
        statement_timeout_ms=settings.api_statement_timeout_ms,
    )
    try:
        yield create_app(
            pool,
            cursor_key=_cursor_key(settings),
            wait_seconds=settings.api_wait_seconds,
            log=log or json_log(sys.stderr),
        )
    finally:
        pool.close()


def _cursor_key(settings: QuerySettings) -> bytes:
    if settings.api_cursor_key is not None:
        return settings.api_cursor_key.get_secret_value()
    if settings.api_cursor_key_file is not None:
        return kept_key(Path(settings.api_cursor_key_file))
    return secrets.token_bytes(KEY_BYTES)


def server_configuration(app: FastAPI) -> uvicorn.Config:
    """How every server of ours runs: quiet, bounded, and without a word about itself."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=16 * 1024,
    )


def open_listener(host: str, port: int, setting: str = "LEDGER_API_PORT") -> socket.socket:
    """A listening socket, so that a taken port is an error here and not in the server's thread."""
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP: asyncio turns Nagle's algorithm off for such sockets only, and it costs 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        message = (
            f"the API cannot listen on {host}:{port} ({error.strerror}): set {setting} to another port, or to 0 for any"
        )
        raise ApiStartError(message) from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def json_log(stream: TextIO, level: int = logging.INFO) -> FilteringBoundLogger:
    """One JSON object a line, secrets masked; made here and handed on, so that nothing global is configured."""
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_secrets,
        structlog.processors.JSONRenderer(),
    ]
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return log


if __name__ == "__main__":
    main()
