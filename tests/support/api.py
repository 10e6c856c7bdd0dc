"""The query API over HTTP, served from a thread of the test's process."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import structlog
from psycopg_pool import ConnectionPool
from structlog.testing import CapturingLoggerFactory
from structlog.typing import FilteringBoundLogger

from api.query.app import create_app
from api.query.bootstrap import listening

CURSOR_KEY = b"k" * 32


def captured_log() -> tuple[FilteringBoundLogger, CapturingLoggerFactory]:
    """A logger whose lines, as they would be written, a test can read."""
    factory = CapturingLoggerFactory()
    log: FilteringBoundLogger = structlog.wrap_logger(
        factory(),
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return log, factory


@contextmanager
def client_of(
    pool: ConnectionPool, *, wait_seconds: float = 0.2, log: FilteringBoundLogger | None = None
) -> Iterator[httpx.Client]:
    """A client of the application, on a port of its own."""
    app = create_app(pool, cursor_key=CURSOR_KEY, wait_seconds=wait_seconds, log=log or captured_log()[0])
    with listening(app, "127.0.0.1", 0) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client
