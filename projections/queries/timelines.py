"""Timelines: every event of an order key, read from the log at the places that the projection knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from ledger_core.store.encoding import TYPE_OF_OUTCOME
from projections.queries.amounts import Amount
from projections.queries.errors import NotFoundError
from projections.queries.payments import QUERIES
from projections.queries.snapshot import QUERIES as SHARED
from projections.queries.snapshot import Snapshot
from projections.queries.vouchers import Cause, VoucherLink

OUTCOMES: Final = {event_type: outcome.value for outcome, event_type in TYPE_OF_OUTCOME.items()}
ID_SUFFIX: Final = "_id"
OWN_IDS: Final = frozenset({"event_id", "originator_id"})


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One event. `event_type` is the upstream event's, or the ledger's own where it has no upstream event.

    `outcome` is POSTED, RECORDED, REJECTED, PARKED or SKIPPED, or empty for an event of the ledger's own; `code`,
    `detail` and `waits_for` say why it was refused; `about` names the refund, settlement … that it is a step of.
    """

    position: int
    recorded_at: datetime
    effective_at: datetime | None
    event_type: str
    outcome: str
    kind: str
    voucher_no: int | None
    amount: Amount | None
    about: dict[str, str]
    failure_reason: str
    code: str
    detail: str
    waits_for: str
    parked_at: int | None
    reverses: list[VoucherLink]
    cause: Cause | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """`events_in_all` is above the number of `events` where an order key has more than are kept by place."""

    order_key: str
    family: str
    events_in_all: int
    events: list[TimelineEvent]


def timeline(at: Snapshot, order_key: str) -> Timeline:
    """Of one order key, of whatever family; `at` must read PAYMENTS. Raises NotFoundError."""
    asked = {"book_id": at.book_id, "order_key": order_key}
    row = at.connection.execute(QUERIES["story"], asked).fetchone()
    if row is None:
        raise NotFoundError("timeline")
    family, events, positions = row
    return Timeline(order_key, family, events, events_at(at, positions))


def events_at(at: Snapshot, positions: Sequence[int]) -> list[TimelineEvent]:
    """The events at these places."""
    scales: dict[str, int] = dict(at.connection.execute(SHARED["scales"]).fetchall())
    asked = {"book_id": at.book_id, "positions": list(positions)}
    rows = at.connection.execute(QUERIES["events_at"], asked, binary=True)
    return [_event(scales, *row) for row in rows]


def _event(
    scales: dict[str, int], position: int, voucher_no: int, event_type: str, state: bytes, recorded_at: datetime
) -> TimelineEvent:  # fmt: skip
    said: dict[str, Any] = orjson.loads(state)
    currency, effective_at = said.get("currency", ""), said.get("effective_at")
    amount = Amount(int(said["amount_minor"]), currency, scales[currency]) if "amount_minor" in said else None
    return TimelineEvent(
        position=position, recorded_at=recorded_at,
        effective_at=datetime.fromisoformat(effective_at) if effective_at else None,
        event_type=said.get("event_type") or event_type, outcome=OUTCOMES.get(event_type, ""),
        kind=said.get("kind", ""), voucher_no=voucher_no or None, amount=amount, about=_about(said),
        failure_reason=said.get("failure_reason", ""), code=said.get("code", ""), detail=said.get("detail", ""),
        waits_for=said.get("waits_for", ""), parked_at=said.get("parked_at"),
        reverses=[VoucherLink(link["voucher_no"], link["position"]) for link in said.get("reverses", ())],
        cause=_cause(said),
    )  # fmt: skip


def _about(said: dict[str, Any]) -> dict[str, str]:
    """Ids that the state names, by the names that it gives them: `refund_id`, `settlement_id` …"""
    return {
        name: value
        for name, value in said.items()
        if name.endswith(ID_SUFFIX) and name not in OWN_IDS and isinstance(value, str)
    }


def _cause(said: dict[str, Any]) -> Cause | None:
    if "cause" not in said:
        return None
    topic, partition, offset = said["cause"]
    revision = said.get("revision", 1)
    return Cause(said["source"], said["event_id"], said["event_type"], revision, topic, partition, offset)
