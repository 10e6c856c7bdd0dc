"""Timelines: every event of an order key, read from the log at the places that the projection knows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from ledger_core.store.encoding import TYPE_OF_OUTCOME
from projections.queries.amounts import Amount
from projections.queries.assets import scales as scales_of
from projections.queries.errors import NotFoundError
from projections.queries.event_details import about_of, details_of
from projections.queries.payments import QUERIES
from projections.queries.snapshot import Snapshot
from projections.queries.vouchers import Cause, VoucherLink

OUTCOMES: Final = {event_type: outcome.value for outcome, event_type in TYPE_OF_OUTCOME.items()}
LOOKED_BACK: Final = 10_000
"""Positions behind the read model of payments in which newer events of the order key are looked for."""


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One event. `event_type` is the upstream event's, or the ledger's own where it has no upstream event.

    `outcome` is POSTED, RECORDED, REJECTED, PARKED or SKIPPED, or empty for an event of the ledger's own; `code`,
    `detail` and `waits_for` say why it was refused; `about` names the refund, settlement … that it is a step of,
    and `details` has what else it says.
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
    compensates: list[VoucherLink]
    details: Mapping[str, object]
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


def events_until_now(at: Snapshot, order_key: str, position: int) -> list[TimelineEvent]:
    """As far as the read model of payments has come, and behind it up to the book's own `position`."""
    asked = {"book_id": at.book_id, "order_key": order_key, "after": position - LOOKED_BACK}
    return events_at(at, [row[0] for row in at.connection.execute(QUERIES["positions_of_order_key"], asked)])


def events_at(at: Snapshot, positions: Sequence[int]) -> list[TimelineEvent]:
    """The events at these places, which are of one order key."""
    scales = scales_of(at)
    asked = {"book_id": at.book_id, "positions": list(positions)}
    rows = at.connection.execute(QUERIES["events_at"], asked, binary=True).fetchall()
    states: list[dict[str, Any]] = [orjson.loads(state) for _, _, _, state, _ in rows]
    currency = next((said["currency"] for said in states if "currency" in said), "")
    return [
        _event(scales, currency, said, position, voucher_no, event_type, recorded_at)
        for said, (position, voucher_no, event_type, _, recorded_at) in zip(states, rows, strict=True)
    ]


def _event(
    scales: Mapping[str, int], currency_before: str, said: dict[str, Any], position: int, voucher_no: int,
    event_type: str, recorded_at: datetime,
) -> TimelineEvent:  # fmt: skip
    currency, said_at = said.get("currency") or currency_before, said.get("effective_at")
    outcome, effective_at = OUTCOMES.get(event_type, ""), datetime.fromisoformat(said_at) if said_at else None
    amount = Amount(int(said["amount_minor"]), currency, scales[currency]) if "amount_minor" in said else None
    return TimelineEvent(
        position=position, recorded_at=recorded_at, effective_at=effective_at,
        event_type=said.get("event_type") or event_type, outcome=outcome, kind=said.get("kind", ""),
        voucher_no=voucher_no or None, amount=amount, about=about_of(said),
        failure_reason=said.get("failure_reason", ""), code=said.get("code", "") if outcome else "",
        detail=said.get("detail", ""), waits_for=said.get("waits_for", ""), parked_at=said.get("parked_at"),
        reverses=_links(said.get("reverses", ())), compensates=_links(said.get("compensates", ())),
        details=details_of(said, currency, scales, effective_at), cause=_cause(said),
    )  # fmt: skip


def _links(links: Iterable[Mapping[str, int]]) -> list[VoucherLink]:
    return [VoucherLink(link["voucher_no"], link["position"]) for link in links]


def _cause(said: dict[str, Any]) -> Cause | None:
    if "cause" not in said:
        return None
    topic, partition, offset = said["cause"]
    revision = said.get("revision", 1)
    return Cause(said["source"], said["event_id"], said["event_type"], revision, topic, partition, offset)
