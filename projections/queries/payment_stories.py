"""Everything about one payment, or one refund or payout: where it stands, what belongs to it, and how it came so."""

from collections.abc import Sequence
from dataclasses import dataclass

from projections.queries.errors import NotFoundError
from projections.queries.parts import PartRow, part, parts_of
from projections.queries.payment_states import NEVER_ANEW, RetryAdvice, payment_standing, retry_advice
from projections.queries.payments import Payment, payment
from projections.queries.snapshot import QUERIES, Snapshot
from projections.queries.timelines import Timeline, TimelineEvent, events_at, timeline


@dataclass(frozen=True, slots=True)
class RetrySafety:
    """What may be tried again: read from the rows that decide, so exact at `position`, the book's own."""

    position: int
    answers: Sequence[RetryAdvice]
    note: str


@dataclass(frozen=True, slots=True)
class PaymentStory:
    """As far as the projection has come, but for what may be tried again."""

    payment: Payment
    parts: Sequence[PartRow]
    timeline: Timeline
    retry_safety: RetrySafety


@dataclass(frozen=True, slots=True)
class PartStory:
    """A refund, payout … with the events that made it."""

    part: PartRow
    events: Sequence[TimelineEvent]


def payment_story(at: Snapshot, order_key: str) -> PaymentStory:
    """Of one payment; `at` must read PAYMENTS. Raises NotFoundError."""
    found = payment(at, order_key)
    return PaymentStory(found, parts_of(at, order_key), timeline(at, order_key), retry_safety(at, order_key))


def part_story(at: Snapshot, kind: str, part_id: str, order_key: str | None = None) -> PartStory:
    """Of one refund, payout …; `at` must read PARTS. Raises NotFoundError, SeveralFoundError."""
    found = part(at, kind, part_id, order_key)
    return PartStory(found, events_at(at, found.positions))


def retry_safety(at: Snapshot, order_key: str) -> RetrySafety:
    """Of one payment; nothing to try where none of its events was accepted."""
    position: int = at.connection.execute(QUERIES["position_of_log"], {"book_id": at.book_id}).fetchall()[0][0]
    try:
        answers = retry_advice(payment_standing(at, order_key))
    except NotFoundError:
        answers = ()
    return RetrySafety(position, answers, NEVER_ANEW)
