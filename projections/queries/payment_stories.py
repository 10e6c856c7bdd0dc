"""Everything about one payment, or one refund or payout: where it stands, what belongs to it, and how it came so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from projections.queries.parts import PartRow, part, parts_of
from projections.queries.payment_exchanges import PaymentExchange, payment_exchange
from projections.queries.payment_proofs import PaymentProof, proofs_of
from projections.queries.payment_splits import PaymentSplit, payment_split
from projections.queries.payment_states import PaymentStanding, payment_standing
from projections.queries.payments import Payment, payment
from projections.queries.retrying import RetrySafety, retry_safety
from projections.queries.snapshot import Snapshot
from projections.queries.timelines import Timeline, TimelineEvent, events_at, events_until_now, timeline


@dataclass(frozen=True, slots=True)
class PaymentStory:
    """As far as the projection has come, but for what may be tried again, what was credited in another currency, and
    how it was split."""

    payment: Payment
    parts: Sequence[PartRow]
    timeline: Timeline
    retry_safety: RetrySafety
    exchange: PaymentExchange | None
    split: PaymentSplit | None
    proofs: Sequence[PaymentProof]


@dataclass(frozen=True, slots=True)
class PaymentNow:
    """Where a payment stands, from the rows that decide: exact at once, and there before any projection. `proofs` are
    what the log says."""

    standing: PaymentStanding
    exchange: PaymentExchange | None
    split: PaymentSplit | None
    proofs: Sequence[PaymentProof]


@dataclass(frozen=True, slots=True)
class PartStory:
    """A refund, payout … with the events that made it."""

    part: PartRow
    events: Sequence[TimelineEvent]


def payment_story(at: Snapshot, order_key: str, now: datetime) -> PaymentStory:
    """Of one payment; `at` must read PAYMENTS, `now` is the moment of the question. Raises NotFoundError."""
    found, events = payment(at, order_key), timeline(at, order_key)
    return PaymentStory(
        found, parts_of(at, order_key), events, retry_safety(at, order_key, now), payment_exchange(at, order_key),
        payment_split(at, order_key), proofs_of(events.events),
    )  # fmt: skip


def payment_now(at: Snapshot, order_key: str) -> PaymentNow:
    """Of one order key; `at` must read LOG. Raises NotFoundError."""
    standing = payment_standing(at, order_key)
    events = events_until_now(at, order_key, at.position)
    return PaymentNow(standing, payment_exchange(at, order_key), payment_split(at, order_key), proofs_of(events))


def part_story(at: Snapshot, kind: str, part_id: str, order_key: str | None = None) -> PartStory:
    """Of one refund, payout …; `at` must read PARTS. Raises NotFoundError, SeveralFoundError."""
    found = part(at, kind, part_id, order_key)
    return PartStory(found, events_at(at, found.positions))
