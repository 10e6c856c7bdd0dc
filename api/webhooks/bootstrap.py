"""Starts the webhook inbox: reads the settings, opens the pool, listens on loopback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from structlog.typing import FilteringBoundLogger

from api.query.bootstrap import json_log, listening, open_listener, server_configuration
from api.webhooks.app import create_inbox_app
from api.webhooks.receiving import Endpoint, Limits
from api.webhooks.settings import InboxSettings
from consumers.logging import masked_text
from consumers.server_check import demand_safe_server
from consumers.settings import ConfigurationError, load_settings
from ledger_core.operations.webhooks.inbox import Feed, WebhookInbox, open_inbox_pool

EXIT_NOT_READY = 5
PORT = "LEDGER_WEBHOOK_PORT"


@contextmanager
def serving_inbox(settings: InboxSettings, *, log: FilteringBoundLogger | None = None) -> Iterator[str]:
    """Serve in a thread of this process for as long as the context lasts; gives the URL. Raises ApiStartError."""
    with (
        _application(settings, log) as app,
        listening(app, settings.webhook_host, settings.webhook_port, setting=PORT) as url,
    ):
        yield url


def main() -> int:
    """Serve in this process until it is told to stop."""
    try:
        settings = load_settings(InboxSettings)
        demand_safe_server(settings.postgres_dsn.get_secret_value(), allow_owner_login=settings.allow_owner_login)
    except ConfigurationError as error:
        print(f"CONFIGURATION_UNSAFE {masked_text(str(error))}", file=sys.stderr)  # noqa: T201 - no logs yet
        return EXIT_NOT_READY
    with (
        _application(settings, None) as app,
        open_listener(settings.webhook_host, settings.webhook_port, PORT) as listener,
    ):
        uvicorn.Server(server_configuration(app)).run([listener])
    return 0


@contextmanager
def _application(settings: InboxSettings, log: FilteringBoundLogger | None) -> Iterator[FastAPI]:
    endpoints = {
        name: Endpoint(Feed(endpoint.book, name, endpoint.processor), endpoint.scheme())
        for name, endpoint in settings.webhooks.items()
    }
    timeout_ms = settings.webhook_timeout_ms
    limits = Limits(settings.webhook_max_bytes, timeout_ms / 1_000)
    pool = open_inbox_pool(
        settings.postgres_dsn.get_secret_value(),
        size=settings.webhook_pool_size,
        wait_seconds=timeout_ms / 1_000,
        timeout_ms=timeout_ms,
    )
    try:
        yield create_inbox_app(WebhookInbox(pool), endpoints, limits=limits, log=log or json_log(sys.stderr))
    finally:
        pool.close()


if __name__ == "__main__":
    sys.exit(main())
