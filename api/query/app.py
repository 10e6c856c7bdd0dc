"""Puts the query API together."""

from typing import Final

import structlog
from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry
from psycopg_pool import ConnectionPool
from structlog.typing import FilteringBoundLogger

from api.cursors import KEY_BYTES, Cursors
from api.query import (
    account_routes,
    book_routes,
    explain_routes,
    group_routes,
    health_routes,
    hold_routes,
    pages,
    payment_routes,
    period_routes,
    profile_routes,
    rate_routes,
    transfer_routes,
)
from api.query.context import RequestContext, RequestMetrics
from api.query.errors import install_error_handlers, refuse_ambiguous_parameters
from api.query.openapi import describe
from api.query.services import Services

VERSION: Final = "1"
DESCRIPTION: Final = (
    "Read-only. Every answer about a book is read from one snapshot and names its position in `Ledger-Position`; "
    "`min_position` waits for one. Amounts are digits in minor units with currency and scale, and sides are named. "
    "Errors are problem details (RFC 9457) with a stable code."
)


def create_app(
    pool: ConnectionPool,
    *,
    cursor_key: bytes,
    wait_seconds: float = 2.0,
    registry: CollectorRegistry | None = None,
    log: FilteringBoundLogger | None = None,
) -> FastAPI:
    """The application over an open pool, which stays its owner's. `wait_seconds` is how long `min_position` waits."""
    registry = registry or CollectorRegistry()
    app = FastAPI(
        title="Ledger query API",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,  # FastAPI's own pages load scripts from other hosts; ours are in pages.py
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(refuse_ambiguous_parameters)],
    )
    app.state.services = Services(pool=pool, cursors=Cursors(cursor_key), wait_seconds=wait_seconds)
    for router in (
        pages.router,
        health_routes.router,
        account_routes.router,
        group_routes.router,
        hold_routes.router,
        profile_routes.router,
        book_routes.router,
        payment_routes.router,
        transfer_routes.router,
        period_routes.router,
        rate_routes.router,
        explain_routes.router,
    ):
        app.include_router(router)
    app.include_router(health_routes.metrics_router(registry))
    install_error_handlers(app)
    describe(app)
    app.add_middleware(RequestContext, metrics=RequestMetrics(registry), log=log or structlog.get_logger("api.query"))
    return app


def create_documented_app() -> FastAPI:
    """An application that is never served, for its OpenAPI document."""
    return create_app(ConnectionPool(open=False), cursor_key=bytes(KEY_BYTES))
