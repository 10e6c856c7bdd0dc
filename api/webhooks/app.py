"""Puts the webhook inbox together: one address per endpoint, and what a supervisor and Prometheus ask for."""

import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from api.query.context import RequestContext, RequestMetrics
from api.query.errors import install_error_handlers
from api.webhooks import routes
from api.webhooks.metrics import InboxMetrics
from api.webhooks.receiving import Endpoint, Limits, Receiving
from ledger_core.operations.webhooks.inbox import WebhookInbox

TITLE: Final = "Ledger webhook inbox"


def create_inbox_app(
    inbox: WebhookInbox,
    endpoints: Mapping[str, Endpoint],
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.time,
    registry: CollectorRegistry | None = None,
    log: FilteringBoundLogger | None = None,
) -> FastAPI:
    """The application over an inbox, whose pool stays its owner's. `clock` tells seconds since 1970."""
    registry = registry or CollectorRegistry()
    logger: FilteringBoundLogger = structlog.get_logger("api.webhooks") if log is None else log
    app = FastAPI(title=TITLE, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.receiving = Receiving(
        inbox, endpoints, limits=limits or Limits(), clock=clock, metrics=InboxMetrics(registry, endpoints), log=logger
    )
    app.include_router(routes.router)
    app.include_router(routes.metrics_router(registry))
    install_error_handlers(app)
    app.add_middleware(RequestContext, metrics=RequestMetrics(registry), log=logger)
    return app
