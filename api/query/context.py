"""What surrounds every request: its id, its measurements, its line in the log, and an answer whatever happens."""

import re
import time
import uuid
from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from api.problems import problem_response

REQUEST_ID_HEADER: Final = "X-Request-Id"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_TRACE_PARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
UNKNOWN_ROUTE: Final = "unknown"


class RequestMetrics:
    """Counts and times requests by route, never by path: names of things are no labels."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "ledger_http_requests", "Requests answered", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "ledger_http_request_duration_seconds", "From request to end of answer", ["route"],
            registry=registry, buckets=_BUCKETS,
        )  # fmt: skip


class RequestContext:
    """ASGI middleware, outermost: nothing leaves the application past it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: RequestMetrics,
        log: FilteringBoundLogger,
        clock: Callable[[], float] = time.perf_counter,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log
        self._clock = clock
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, trace_id = self._ids(Headers(scope=scope))
        scope.setdefault("state", {}).update(request_id=request_id, trace_id=trace_id)
        log = self._log.bind(request_id=request_id, trace_id=trace_id, method=scope["method"])
        status = 0
        began = self._clock()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            # Said apart from the stack, whose end a log may cut.
            log.exception("http.failed", path=scope["path"], error=f"{type(error).__name__}: {error}")
            if status:
                raise  # half an answer is out: cutting the connection is all that is left to tell
            failure = problem_response("INTERNAL_ERROR", detail="", instance=scope["path"], trace_id=trace_id)
            await failure(scope, receive, send_with_id)
        finally:
            self._measure(scope, log, status, self._clock() - began)

    def _ids(self, headers: Headers) -> tuple[str, str]:
        offered = headers.get(REQUEST_ID_HEADER, "")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else self._new_id()
        parent = _TRACE_PARENT.fullmatch(headers.get("traceparent", ""))
        return request_id, parent.group(1) if parent else request_id

    def _measure(self, scope: Scope, log: FilteringBoundLogger, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNKNOWN_ROUTE)
        method = scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "PUT", "DELETE"} else "OTHER"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        log.info("http.request", route=route, status=status, duration_seconds=round(seconds, 6))
