"""Everything about one payment, or one refund or payout: where it stands, what belongs to it, and how it came so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from projections.queries.parts import PartRow, part, parts_of
from projections.queries.payment_exchanges import PaymentExchange, payment_exchange
from projections.queries.payments import Payment, payment
from projections.queries.retrying import RetrySafety, retry_safety
from projections.queries.snapshot import Snapshot
from projections.queries.timelines import Timeline, TimelineEvent, events_at, timeline


@dataclass(frozen=True, slots=True)
class PaymentStory:
    """As far as the projection has come, but for what may be tried again, and what was credited in another currency."""

    payment: Payment
    parts: Sequence[PartRow]
    timeline: Timeline
    retry_safety: RetrySafety
    exchange: PaymentExchange | None


@dataclass(frozen=True, slots=True)
class PartStory:
    """A refund, payout … with the events that made it."""

    part: PartRow
    events: Sequence[TimelineEvent]


def payment_story(at: Snapshot, order_key: str, now: datetime) -> PaymentStory:
    """Of one payment; `at` must read PAYMENTS, `now` is the moment of the question. Raises NotFoundError."""
    found = payment(at, order_key)
    return PaymentStory(
        found, parts_of(at, order_key), timeline(at, order_key), retry_safety(at, order_key, now),
        payment_exchange(at, order_key),
    )  # fmt: skip


def part_story(at: Snapshot, kind: str, part_id: str, order_key: str | None = None) -> PartStory:
    """Of one refund, payout …; `at` must read PARTS. Raises NotFoundError, SeveralFoundError."""
    found = part(at, kind, part_id, order_key)
    return PartStory(found, events_at(at, found.positions))
