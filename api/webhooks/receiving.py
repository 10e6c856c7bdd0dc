"""What happens to a webhook between its last byte and the answer: verified, masked, stored, counted."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Final

from structlog.typing import FilteringBoundLogger

from api.problems import ProblemError
from api.webhooks.metrics import InboxMetrics
from api.webhooks.schemes.scheme import Delivery, Scheme, SignatureError, UnreadableError
from ledger_core.operations.webhooks.health import Aspect
from ledger_core.operations.webhooks.inbox import (
    BookAbsentError,
    Feed,
    FeedDiffersError,
    InboxError,
    InboxUnavailableError,
    Stored,
    Webhook,
    WebhookInbox,
)

REFUSALS_IN_A_ROW: Final = 3
"""One bad signature is a stranger's; so many without a good one are a secret that differs."""
GOOD_FOR_SECONDS: Final = 600
"""How long after a good one, whatever is refused: strangers, who can send as many bad ones as they like, raise no alarm
between two webhooks, and add no more than two rows in that time."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Whose webhooks an address takes, and how they are signed."""

    feed: Feed
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sender may ask of us."""

    max_bytes: int = 262_144
    body_timeout_s: float = 5.0


class Receiving:
    """Takes webhooks. Called from the server's worker threads."""

    def __init__(
        self,
        inbox: WebhookInbox,
        endpoints: Mapping[str, Endpoint],
        *,
        limits: Limits,
        clock: Callable[[], float],
        metrics: InboxMetrics,
        log: FilteringBoundLogger,
    ) -> None:
        self._inbox = inbox
        self._endpoints = endpoints
        self.limits = limits
        self.clock = clock
        self.metrics = metrics
        self._log = log
        self._health = {name: _SignatureHealth() for name in endpoints}

    def endpoint(self, name: str) -> Endpoint:
        """Raises ProblemError 404."""
        found = self._endpoints.get(name)
        if found is None:
            raise ProblemError("NOT_FOUND", "there is no such endpoint")
        return found

    def take(self, endpoint: Endpoint, delivery: Delivery) -> list[Stored]:
        """Durable when it returns. Raises ProblemError: then nothing was stored."""
        name = endpoint.feed.endpoint
        try:
            webhooks = endpoint.scheme.open(delivery)
        except SignatureError as error:
            self._refused(endpoint, "SIGNATURE_INVALID", f"{error}")
            self._report(endpoint, self._health[name].refused(delivery.now_s))
            raise ProblemError("SIGNATURE_INVALID", "") from error
        except UnreadableError as error:
            self._refused(endpoint, "WEBHOOK_UNREADABLE", f"{error}")
            raise ProblemError("WEBHOOK_UNREADABLE", f"{error}") from error
        stored = self._store(endpoint, webhooks)
        self._report(endpoint, self._health[name].accepted(delivery.now_s))
        for webhook, one in zip(webhooks, stored, strict=True):
            said = {"endpoint": name, "number": one.number, "type": webhook.event_type, "event_id": webhook.event_id}
            if one.duplicate:
                self.metrics.duplicates.labels(name).inc()
                self._log.info("webhook.duplicate_dropped", **said)
            else:
                self.metrics.received.labels(name).inc()
                self._log.info("webhook.received", **said)
        return stored

    def check(self) -> dict[str, str]:
        """What keeps endpoints from storing, by their names. Raises ProblemError 503 when none could."""
        try:
            faults = self._inbox.check([endpoint.feed for endpoint in self._endpoints.values()])
        except InboxUnavailableError as error:
            raise ProblemError("NOT_READY", f"{error}") from error
        if faults and len(faults) == len(self._endpoints):
            raise ProblemError("NOT_READY", "; ".join(f"{name}: {fault}" for name, fault in sorted(faults.items())))
        return faults

    def _store(self, endpoint: Endpoint, webhooks: list[Webhook]) -> list[Stored]:
        try:
            return self._inbox.store(endpoint.feed, webhooks)
        except InboxUnavailableError as error:
            self._refused(endpoint, "STORE_UNAVAILABLE", f"{error}")
            raise ProblemError("STORE_UNAVAILABLE", f"{error}") from error
        except BookAbsentError as error:
            self._refused(endpoint, "NOT_READY", f"{error}")
            raise ProblemError("NOT_READY", "the endpoint's book does not exist") from error
        except FeedDiffersError as error:
            self._refused(endpoint, "NOT_READY", f"{error}")
            raise ProblemError("NOT_READY", "the endpoint holds webhooks of another processor") from error

    def _refused(self, endpoint: Endpoint, code: str, detail: str) -> None:
        name = endpoint.feed.endpoint
        self.metrics.refused.labels(name, code).inc()
        self._log.warning("webhook.refused", endpoint=name, code=code, detail=detail)

    def _report(self, endpoint: Endpoint, healthy: bool | None) -> None:
        """What can't be written now is written with the next change; the webhook's own answer does not wait for it."""
        if healthy is None:
            return
        name, aspect = endpoint.feed.endpoint, Aspect.SIGNATURES.value
        self.metrics.healthy.labels(name, aspect).set(healthy)
        reason = "" if healthy else "SIGNATURE_INVALID"
        with suppress(InboxError):
            if self._inbox.report_health(endpoint.feed, Aspect.SIGNATURES, healthy=healthy, reason=reason):
                self.metrics.health_changes.labels(name, aspect, str(healthy).lower()).inc()
                self._log.warning("adapter.health_changed", endpoint=name, aspect=aspect, healthy=healthy)


class _SignatureHealth:
    """Counts refusals in a row; says True or False when health may have changed, else None."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._in_a_row = 0
        self._healthy: bool | None = None
        self._good_until_s = 0.0

    def accepted(self, now_s: float) -> bool | None:
        with self._lock:
            self._in_a_row = 0
            self._good_until_s = now_s + GOOD_FOR_SECONDS
            return self._turn(True)

    def refused(self, now_s: float) -> bool | None:
        with self._lock:
            self._in_a_row += 1
            many = self._in_a_row >= REFUSALS_IN_A_ROW and now_s > self._good_until_s
            return self._turn(False) if many else None

    def _turn(self, healthy: bool) -> bool | None:
        if self._healthy is healthy:
            return None
        self._healthy = healthy
        return healthy
