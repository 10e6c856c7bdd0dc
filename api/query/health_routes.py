"""Whether the process lives, whether it can serve, and whether the posting path behind it can really be used."""

from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from api.problems import ProblemError
from api.query import wire
from api.query.services import Served
from projections.queries.errors import QueryError
from projections.queries.health import StoreHealth, finding_counts, relay_lag, store_health

METRICS_ANSWER: Final[dict[int | str, dict[str, object]]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Samples"}
}

router = APIRouter(tags=["health"])


@router.get("/livez", summary="Does the loop turn?")
async def livez() -> wire.LiveAnswer:
    """Answers while the event loop turns; touches nothing else."""
    return wire.LiveAnswer()


@router.get("/readyz", summary="Can this process serve?")
def readyz(services: Served) -> wire.ReadyAnswer:
    """Answers when a query can be made; 503 otherwise."""
    try:
        store_health(services.pool)
    except QueryError as error:
        raise ProblemError("NOT_READY", f"{error}") from error
    return wire.ReadyAnswer()


@router.get("/healthz", summary="What is well and what is not?")
def healthz(services: Served) -> wire.HealthAnswer:
    """One entry per dependency, with the reason; always 200, since the question was answered.

    Maintenance of one book is told and leaves the others ready.
    """
    try:
        health = store_health(services.pool)
    except QueryError as error:
        down = wire.Dependency(ok=False, reason=f"{error}")
        return wire.HealthAnswer(ok=True, ready=False, dependencies={"store": down})
    dependencies = _dependencies(health)
    ready = all(dependency.ok for dependency in dependencies.values())
    return wire.HealthAnswer(ok=True, ready=ready, dependencies=dependencies)


def metrics_router(registry: CollectorRegistry) -> APIRouter:
    """`/metrics`, with what the store knows read at the moment of asking."""
    metrics = APIRouter(tags=["health"])
    up = Gauge("ledger_store_up", "Whether the store answers queries", registry=registry)
    books = Gauge("ledger_books", "Books in the store", registry=registry)
    total = Gauge("ledger_relay_lag_positions", "Events not yet relayed, over all books", registry=registry)
    longest = Gauge(
        "ledger_relay_lag_positions_max", "Events not yet relayed of the book furthest behind", registry=registry
    )

    found = Gauge("ledger_findings", "Findings of reconciliation, over all books", ["code", "state"], registry=registry)
    told: set[tuple[str, str]] = set()  # what has been counted once goes back to 0

    @metrics.get(
        "/metrics",
        summary="Measurements in the format of Prometheus",
        response_class=Response,
        responses=METRICS_ANSWER,
    )
    def read_metrics(services: Served) -> Response:
        try:
            lag, counts = relay_lag(services.pool), finding_counts(services.pool)
        except QueryError:
            up.set(0)
        else:
            up.set(1)
            books.set(lag.books)
            total.set(lag.total)
            longest.set(lag.longest)
            told.update(counts)
            for code, state in told:
                found.labels(code, state).set(counts.get((code, state), 0))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return metrics


def _dependencies(health: StoreHealth) -> dict[str, wire.Dependency]:
    maintenance = "; ".join(f"{row.book}: {row.scope} {row.mode} ({row.reason})" for row in health.maintenance)
    stopped = ", ".join(f"{row.topic}/{row.partition} {row.code}" for row in health.stopped_partitions)
    return {
        "store": wire.Dependency(ok=health.writable, reason="" if health.writable else "the store is read-only"),
        "maintenance": wire.Dependency(ok=not any(row.stops_all for row in health.maintenance), reason=maintenance),
        "partitions": wire.Dependency(ok=not stopped, reason=stopped),
    }
