"""Where payments stand by name, and what may be tried again: read from the rows that decide."""

from datetime import UTC, datetime, timedelta

import pytest
from psycopg_pool import ConnectionPool

from deploy.demo.messages import Producer
from projections.queries.errors import NotFoundError
from projections.queries.payment_states import payment_standing
from projections.queries.retrying import retry_safety
from tests.support.posted_ledger import BOOK, SOURCE, TIME, PostedLedger, captured, step, steps
from tests.support.shop import shop_at

pytestmark = pytest.mark.postgres

LATER = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_payment_shows_its_state_its_amounts_and_all_its_parts(shop: PostedLedger, pool: ConnectionPool) -> None:
    shop.post(steps())
    with shop_at(pool) as at:
        standing = payment_standing(at, "s-1")
        safety = retry_safety(at, "s-1", LATER)
    assert (standing.state, standing.execution, standing.finality) == ("CAPTURED", "CONFIRMED", "CONFIRMED")
    assert (standing.captured.minor, standing.refunded.minor) == (1_000, 200)
    assert (standing.set_aside.minor, standing.settled.minor) == (150, 600)
    assert {(part.kind, part.part_id): (part.state.value, part.amount.minor) for part in standing.parts} == {
        ("chargeback", "c-open"): ("OPEN", 50), ("chargeback", "c-won"): ("WON", 300),
        ("refund", "r-done"): ("COMPLETED", 200), ("refund", "r-open"): ("PENDING", 100),
        ("settlement", "t-1"): ("FINAL", 600), ("settlement", "t-2"): ("FAILED", 100),
    }  # fmt: skip
    assert [(one.what, one.answer) for one in safety.answers] == [
        ("capture", "done"), ("refund r-done", "done"), ("refund r-open", "wait"),
    ]  # fmt: skip
    assert safety.as_of == LATER


@pytest.mark.parametrize(
    ("messages", "state", "answers"),
    [
        ([step("payment.intent_created", "x", amount=5, method="card")], "INITIATED", ["retry"]),
        ([step("payment.authorized", "x", amount=5, method="card")], "AUTHORIZED", ["retry"]),
        ([step("payment.intent_created", "x", amount=5, method="cash_on_delivery")], "PENDING_CASH", ["wait"]),
        ([step("payment.failed", "x", failure_reason="no_luck")], "FAILED", ["investigate"]),
        ([captured("x", 5), step("payment.voided", "x")], "VOIDED", ["done"]),
        ([captured("x", 5), step("payment.refunded", "x", amount=5, refund_id="r")], "REFUNDED", ["done", "done"]),
        ([captured("x", 5), step("refund.requested", "x", amount=5, refund_id="r"),
          step("refund.approved", "x", refund_id="r")], "CAPTURED", ["done", "retry_once"]),
        ([captured("x", 5), step("refund.requested", "x", amount=5, refund_id="r"),
          step("refund.failed", "x", refund_id="r", failure_reason="no_luck")], "CAPTURED", ["done", "investigate"]),
        ([step("payout.paid", "x", amount=5, payout_id="x", account="wallet:seller:a")], None, []),
    ],
    ids=["intent", "authorised", "cash", "failed", "voided", "refunded", "refund approved", "refund failed", "payout"],
)  # fmt: skip
def test_the_state_says_what_may_be_tried_again(
    shop: PostedLedger, pool: ConnectionPool, messages: list[object], state: str | None, answers: list[str]
) -> None:
    shop.post(messages)  # type: ignore[arg-type]  # messages
    with shop_at(pool) as at:
        standing = payment_standing(at, "x")
        safety = retry_safety(at, "x", LATER)
    assert standing.state == state
    assert [one.answer for one in safety.answers] == answers


APPROVED = [
    captured("x", 5), step("refund.requested", "x", amount=5, refund_id="r"),
    step("refund.approved", "x", refund_id="r"),
]  # fmt: skip
PROCESSING = [*APPROVED, step("refund.processing", "x", refund_id="r")]
UNCAPTURED = [
    step("payment.authorized", "x", amount=5, method="card"), captured("x", 5),
    Producer(BOOK, SOURCE).event("voucher.void_requested.v1", "back", "x", TIME, {
        "voucher": {"event_id": "captured-x"}, "reason": "booked by mistake",
    }),
]  # fmt: skip
TAKEN_BACK = [
    captured("x", 5), step("payment.refunded", "x", amount=5, refund_id="r"),
    Producer(BOOK, SOURCE).event("voucher.void_requested.v1", "back", "x", TIME, {
        "voucher": {"event_id": "payment-refunded-r"}, "reason": "the bank refused it",
    }),
]  # fmt: skip
AGAIN = Producer(BOOK, SOURCE).event("refund.approved.v1", "again", "x", TIME, {"payment_id": "x", "refund_id": "r"})
OTHERS = [
    *APPROVED, step("refund.requested", "x", amount=5, refund_id="other"),
    Producer(BOOK, SOURCE).event("refund.approved.v1", "no-id", "x", TIME, {"payment_id": "x", "refund_id": "nobody"}),
]  # fmt: skip
UNREADABLE = Producer(BOOK, SOURCE).event("refund.completed.v1", "bad", "x", TIME, {"payment_id": "x", "of": "r"})
FAILED = [
    step("payment.intent_created", "x", amount=5, method="card"),
    step("payment.capture_failed", "x", failure_reason="no_luck"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("messages", "later", "answer", "tries"),
    [
        (FAILED, timedelta(minutes=10, microseconds=-1), "wait", 1),
        (FAILED, timedelta(minutes=10), "retry", 1),
        (PROCESSING, timedelta(), "wait", 0),
        (PROCESSING, timedelta(seconds=60, microseconds=-1), "wait", 0),
        (PROCESSING, timedelta(seconds=60), "investigate", 0),
        (APPROVED, timedelta(days=1), "retry_once", 0),
        (UNCAPTURED, timedelta(days=1), "investigate", 0),
        (TAKEN_BACK, timedelta(), "investigate", 0),
        ([*APPROVED, AGAIN], timedelta(), "investigate", 1),
        (OTHERS, timedelta(days=1), "retry_once", 0),
        ([*APPROVED, UNREADABLE], timedelta(), "investigate", 1),
    ],
    ids=[
        "failed",
        "a while ago",
        "processing",
        "for nearly a minute",
        "for longer",
        "approved",
        "capture taken back",
        "taken back",
        "and tried",
        "others refused",
        "unreadable",
    ],
)
def test_the_times_of_its_own_events_say_how_long_it_has_stood_so(
    shop: PostedLedger, pool: ConnectionPool, messages: list[object], later: timedelta, answer: str, tries: int
) -> None:
    shop.post(messages)  # type: ignore[arg-type]  # messages
    with shop_at(pool) as at:
        since = retry_safety(at, "x", LATER).answers[-1].since
        assert since is not None
        last = retry_safety(at, "x", since + later).answers[-1]
    assert (last.answer, last.tries, last.since) == (answer, tries, since)


def test_an_order_key_that_nobody_named_is_not_found(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at, pytest.raises(NotFoundError):
        payment_standing(at, "nowhere")
