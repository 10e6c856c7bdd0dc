"""Stored webhooks of a book: which came, what became of them, and how their endpoints do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ledger_core.store.named_sql import load_queries
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import Snapshot

QUERIES: Final = load_queries("projections.queries", "webhooks.sql")


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook, and what became of it last; WAITING until the publisher has taken it."""

    endpoint: str
    processor: str
    number: int
    event_id: str
    type: str
    received_at: datetime
    masked: int
    attempt: int
    outcome: str
    code: str
    detail: str
    processed_at: datetime | None
    events: Sequence[Mapping[str, str]]
    duplicates: int


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """Something that happened to a webhook."""

    type: str
    at: datetime
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WebhookFeed:
    """How far an endpoint is; `unwell` names what fails and why."""

    endpoint: str
    processor: str
    received: int
    published: int
    unwell: Sequence[str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which webhooks; None asks for all."""

    endpoint: str | None = None
    numbers: Sequence[int] | None = None
    event_id: str | None = None
    type: str | None = None
    outcome: str | None = None
    code: str | None = None


ALL: Final = Wanted()


def webhooks(
    at: Snapshot, wanted: Wanted = ALL, *, after: tuple[str, int] = ("", 0), limit: int = 100
) -> list[Webhook]:
    """By endpoint and number, from the one after `after` on."""
    asked = {
        "book_id": at.book_id, "endpoint": wanted.endpoint, "event_id": wanted.event_id, "type": wanted.type,
        "outcome": wanted.outcome, "code": wanted.code, "after_endpoint": after[0], "after_number": after[1],
        "numbers": None if wanted.numbers is None else list(wanted.numbers), "limit": limit,
    }  # fmt: skip
    return [Webhook(*row) for row in at.connection.execute(QUERIES["webhooks"], asked)]


def webhook(at: Snapshot, endpoint: str, number: int) -> Webhook:
    """Raises NotFoundError."""
    found = webhooks(at, Wanted(endpoint, [number]), limit=1)
    if not found:
        raise NotFoundError("webhook")
    return found[0]


def body(at: Snapshot, endpoint: str, number: int) -> bytes:
    """What it says, card data masked. Raises NotFoundError."""
    place = {"book_id": at.book_id, "endpoint": endpoint, "number": number}
    row = at.connection.execute(QUERIES["webhook_body"], place).fetchone()
    if row is None:
        raise NotFoundError("webhook")
    return bytes(row[0])


def timeline(at: Snapshot, endpoint: str, number: int) -> list[WebhookEvent]:
    """Everything that happened to it, oldest first."""
    place = {"book_id": at.book_id, "endpoint": endpoint, "number": number}
    return [WebhookEvent(*row) for row in at.connection.execute(QUERIES["webhook_events"], place)]


def feeds(at: Snapshot) -> list[WebhookFeed]:
    """Every endpoint that has ever been posted to."""
    return [WebhookFeed(*row) for row in at.connection.execute(QUERIES["webhook_feeds"], {"book_id": at.book_id})]
