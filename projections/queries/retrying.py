"""What may be tried again of a payment, as of a moment: by the rows that decide, and the times of its own events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger_core.domain.parts import PartKind
from ledger_core.domain.payment_policy import PaymentPolicy
from ledger_core.domain.retrying import NEVER_ANEW, Stand, of_capture, of_refund
from projections.queries.charts import chart_in_force
from projections.queries.errors import NotFoundError
from projections.queries.payment_states import PaymentStanding, payment_standing
from projections.queries.snapshot import QUERIES as SHARED
from projections.queries.snapshot import Snapshot
from projections.queries.timelines import TimelineEvent, events_until_now

CAPTURED: Final = "payment.captured."
CAPTURE_FAILED: Final = "payment.capture_failed."
REFUND_STEPS: Final = ("refund.", "payment.refunded.")
REFUND_APPROVED: Final = "refund.approved."
ACCEPTED: Final = frozenset({"POSTED", "RECORDED"})
REFUSED: Final = frozenset({"REJECTED", "PARKED"})


@dataclass(frozen=True, slots=True)
class RetryAdvice:
    """What may be done about one thing; `what` is `capture`, or `refund` and its id. `since` is when its last step took
    effect, `tries` how often it was tried since."""

    what: str
    state: str
    answer: str
    detail: str
    since: datetime | None
    tries: int


@dataclass(frozen=True, slots=True)
class RetrySafety:
    """What may be tried again: read from the rows that decide, so exact at `position`, the book's own. How long things
    have stood so is as of `as_of`, the moment of the question."""

    position: int
    as_of: datetime
    answers: Sequence[RetryAdvice]
    note: str


def retry_safety(at: Snapshot, order_key: str, now: datetime) -> RetrySafety:
    """Of one payment; nothing to try where none of its events was accepted."""
    position: int = at.connection.execute(SHARED["position_of_log"], {"book_id": at.book_id}).fetchall()[0][0]
    try:
        standing = payment_standing(at, order_key)
    except NotFoundError:
        return RetrySafety(position, now, (), NEVER_ANEW)
    events = events_until_now(at, order_key, position)
    answers = retry_advice(standing, events, now, chart_in_force(at).payments)
    return RetrySafety(position, now, answers, NEVER_ANEW)


def retry_advice(
    standing: PaymentStanding, events: Sequence[TimelineEvent], now: datetime, policy: PaymentPolicy
) -> Sequence[RetryAdvice]:
    """Of the capture, and of each refund; `events` are those of the order key, in the order of the log."""
    answers = []
    if standing.state is not None:
        stand = _capture(events, standing)
        advice = of_capture(standing.state, stand, now, policy)
        answers.append(RetryAdvice("capture", standing.state, *advice, stand.since, stand.tries))
    for part in standing.parts:
        if part.kind == PartKind.REFUND:
            stand = _refund(part.part_id, events)
            advice = of_refund(part.state, stand, now)
            answers.append(RetryAdvice(f"refund {part.part_id}", part.state, *advice, stand.since, stand.tries))
    return answers


def _capture(events: Sequence[TimelineEvent], standing: PaymentStanding) -> Stand:
    steps = [one for one in events if one.event_type.startswith("payment.") and one.outcome in ACCEPTED]
    own = [one for one in steps if not one.event_type.startswith(REFUND_STEPS)]
    tries = sum(one.event_type.startswith(CAPTURE_FAILED) for one in own)
    captured = any(one.event_type.startswith(CAPTURED) for one in own)
    return Stand(_last(own), tries, taken_back=captured and not standing.captured.minor)


def _refund(refund_id: str, events: Sequence[TimelineEvent]) -> Stand:
    """A refused step whose data could not be read does not say of which refund it was: it counts for all."""
    steps = [one for one in events if one.about.get("refund_id") == refund_id and one.outcome in ACCEPTED]
    approved = next((one.position for one in steps if one.event_type.startswith(REFUND_APPROVED)), None)
    tries = sum(
        one.outcome in REFUSED
        and one.event_type.startswith(REFUND_STEPS)
        and one.position > approved
        and one.about.get("refund_id", refund_id) == refund_id
        for one in events
        if approved is not None
    )
    return Stand(_last(steps), tries)


def _last(steps: Sequence[TimelineEvent]) -> datetime | None:
    """By the order of the log, which is that of decisions."""
    return steps[-1].effective_at if steps else None
