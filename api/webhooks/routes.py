"""The addresses of the webhook inbox."""

import asyncio
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Path, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse

from api.problems import ProblemError
from api.webhooks.receiving import Limits, Receiving
from api.webhooks.schemes.scheme import Delivery
from schemas.envelope import is_json, media_type

router = APIRouter()
ADYEN_ACCEPTED: Final = "[accepted]"
"""Adyen's older terminals and servers look for this very text."""


def _receiving(request: Request) -> Receiving:
    return cast("Receiving", request.app.state.receiving)


Received = Annotated[Receiving, Depends(_receiving)]


@router.post("/webhooks/v1/{endpoint}")
async def receive(receiving: Received, request: Request, endpoint: Annotated[str, Path()]) -> Response:
    """Stores the webhook, then answers 200; a webhook that came before gets the same answer."""
    found = receiving.endpoint(endpoint)
    content_type = request.headers.get("content-type", "")
    if not is_json(content_type) and media_type(content_type) != "application/cloudevents+json":
        receiving.metrics.refused.labels(endpoint, "MEDIA_TYPE_UNSUPPORTED").inc()
        raise ProblemError("MEDIA_TYPE_UNSUPPORTED", "")
    try:
        body = await _read_body(request, receiving.limits)
    except ProblemError as error:
        receiving.metrics.refused.labels(endpoint, error.code).inc()
        raise
    delivery = Delivery(dict(request.headers), body, receiving.clock())
    stored = await run_in_threadpool(receiving.take, found, delivery)
    if found.feed.processor == "adyen":
        return PlainTextResponse(ADYEN_ACCEPTED)
    duplicates = sum(one.duplicate for one in stored)
    return JSONResponse({"received": len(stored) - duplicates, "duplicates": duplicates})


@router.get("/livez")
async def livez() -> dict[str, str]:
    """Answers while the event loop turns; touches nothing else."""
    return {"status": "live"}


@router.get("/readyz")
def readyz(receiving: Received) -> dict[str, object]:
    """Answers when a webhook could be stored, with the endpoints that could store none; 503 otherwise."""
    not_ready = receiving.check()
    return {"status": "ready", "not_ready": not_ready} if not_ready else {"status": "ready"}


def metrics_router(registry: CollectorRegistry) -> APIRouter:
    """`/metrics`."""
    metrics = APIRouter()

    @metrics.get("/metrics", response_class=Response)
    def read_metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return metrics


async def _read_body(request: Request, limits: Limits) -> bytes:
    """No more of it than is allowed, and for no longer. Raises ProblemError."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > limits.max_bytes:
        raise ProblemError("BODY_TOO_LARGE", f"more than {limits.max_bytes} bytes")
    parts: list[bytes] = []
    room = limits.max_bytes
    try:
        async with asyncio.timeout(limits.body_timeout_s):
            async for part in request.stream():
                room -= len(part)
                if room < 0:
                    raise ProblemError("BODY_TOO_LARGE", f"more than {limits.max_bytes} bytes")
                parts.append(part)
    except TimeoutError:
        raise ProblemError("BODY_TOO_SLOW", "") from None
    return b"".join(parts)
