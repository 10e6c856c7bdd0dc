"""What a book's chart asks of captures, voids and refunds: a row a story, by the times of the events."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from deploy.demo.messages import Message
from ledger_core.domain.outcomes import Code
from tests.support.account_events import frozen, opened
from tests.support.hold_events import placed
from tests.support.postings import event, outcomes, paid_out, refunded, void_requested
from tests.support.story_books import StoryBooks, story_books

pytestmark = pytest.mark.postgres

P, SELLER = "p-1", "wallet:seller:1"
ONCE = {"captures": "once"}
COVERED = {"refund_cover": "available"}
EXACTLY = {"capture_tolerance_bps": 0}
WINDOW = {"void_window_minutes": 60}


def at(minute: int) -> str:
    return f"2026-11-21T{8 + minute // 60:02}:{minute % 60:02}:00Z"


def told(which: str, minute: int = 0, event_id: str = "", **more: object) -> Message:
    """Of the payment, with what each type needs."""
    data: dict[str, object] = {"payment_id": P}
    if which in ("captured", "authorized", "intent_created"):
        data |= {"amount_minor": "100", "currency": "EUR", "method": "card"}
    if which == "captured":
        data["beneficiaries"] = [{"account": SELLER, "amount_minor": "100"}]
    if which == "capture_failed":
        data["failure_reason"] = "no_luck"
    return event(f"payment.{which}.v1", P, event_id or which, {**data, **more}, time=at(minute))


def half(event_id: str, minute: int = 0) -> Message:
    return told("captured", minute, event_id, amount_minor="50", partial=True, beneficiaries=[])


def elsewhere(order: str) -> Message:
    """All of it stays in suspense of another order."""
    data = {"payment_id": order, "amount_minor": "100", "currency": "EUR", "method": "card"}
    return event("payment.captured.v1", order, f"captured-{order}", data)


def unnamed(minor: int, refund: str = "r") -> Message:
    """A refund as processors tell it: who bears it nobody says."""
    return back(minor, 0, refund)


def back(minor: int, borne_minor: int, refund: str = "r") -> Message:
    shares = [{"account": SELLER, "amount_minor": str(borne_minor)}] if borne_minor else []
    data = {"payment_id": P, "refund_id": refund, "amount_minor": str(minor), "currency": "EUR"}
    return event("payment.refunded.v1", P, refund, {**data, "beneficiaries": shares} if shares else data)


def proven(minute: int) -> Message:
    return told("captured", minute, gateway_transaction_id="t", gateway_response="ok")


AFTER_INTENT = [told("intent_created"), told("captured", 1)]
Story = tuple[str, Mapping[str, object], Sequence[Message], Sequence[str]]
STORIES: Sequence[Story] = [
    ("a capture from nothing is asked for no intent", {}, [told("captured")], ["POSTED"]),
    ("a capture waits for its intent", ONCE, [told("captured"), told("intent_created")], ["POSTED", "RECORDED"]),
    ("or for its authorisation", ONCE, [told("captured"), told("authorized")], ["POSTED", "RECORDED"]),
    ("a payment is captured once", ONCE, [*AFTER_INTENT, told("captured", 99, "again")],
     ["RECORDED", "POSTED", "PAYMENT_CAPTURED"]),
    ("but for captures that are declared partial", ONCE,
     [told("intent_created"), half("one"), half("two")], ["RECORDED", "POSTED", "POSTED"]),
    ("what was taken back by request may be captured again", ONCE,
     [*AFTER_INTENT, void_requested(P, of="captured"), told("captured", 30, "again")],
     ["RECORDED", "POSTED", "POSTED", "POSTED"]),
    ("not within ten minutes of an attempt that failed", ONCE,
     [told("intent_created"), told("capture_failed", 5), told("captured", 14)],
     ["RECORDED", "RECORDED", "CAPTURE_TOO_SOON"]),
    ("nor before one that is known already", ONCE,
     [told("intent_created"), told("capture_failed", 15), told("captured", 6)],
     ["RECORDED", "RECORDED", "CAPTURE_TOO_SOON"]),
    ("ten minutes after it, it may", ONCE,
     [told("intent_created"), told("capture_failed", 5), told("captured", 15)], ["RECORDED", "RECORDED", "POSTED"]),
    ("nor within any other distance that is asked for", {"attempts_apart_minutes": 30},
     [told("capture_failed", 5), told("capture_failed", 20, "b"), told("captured", 45), told("captured", 50, "c")],
     ["RECORDED", "RECORDED", "CAPTURE_TOO_SOON", "POSTED"]),
    ("a capture names its transaction", {"capture_proof": "required"},
     [told("captured", gateway_transaction_id="t", gateway_response="ok")], ["POSTED"]),
    ("or is refused", {"capture_proof": "required"}, [told("captured")], ["CAPTURE_PROOF_MISSING"]),
    ("a wallet names none", {"capture_proof": "required"}, [told("captured", payer="wallet:buyer:1")], ["POSTED"]),
    ("no more is captured than was authorised", EXACTLY, [told("authorized"), told("captured", amount_minor="101")],
     ["RECORDED", "CAPTURE_EXCEEDS_AUTHORIZED"]),
    ("in parts neither", EXACTLY, [told("authorized"), half("one"), half("two"), told("captured", 1, amount_minor="1")],
     ["RECORDED", "POSTED", "POSTED", "CAPTURE_EXCEEDS_AUTHORIZED"]),
    ("the tolerance is rounded down", {"capture_tolerance_bps": 199},
     [told("authorized"), told("captured", 1, "a", amount_minor="102"), told("captured", 1, "b", amount_minor="101")],
     ["RECORDED", "CAPTURE_EXCEEDS_AUTHORIZED", "POSTED"]),
    ("more may be authorised later", EXACTLY,
     [told("authorized"), told("authorized", 1, "more"), told("captured", 2, amount_minor="200")],
     ["RECORDED", "RECORDED", "POSTED"]),
    ("what nobody authorised has no bound", EXACTLY, [told("intent_created"), told("captured", amount_minor="999")],
     ["RECORDED", "POSTED"]),
    ("what was taken back does not count", EXACTLY,
     [told("authorized"), told("captured"), void_requested(P, of="captured"), told("captured", 30, "again")],
     ["RECORDED", "POSTED", "POSTED", "POSTED"]),
    ("a void in its window", WINDOW, [told("captured"), told("voided", 60)], ["POSTED", "POSTED"]),
    ("a void outside it", WINDOW, [told("captured"), told("voided", 61)], ["POSTED", "VOID_WINDOW_PASSED"]),
    ("nor one that is dated before its capture", WINDOW, [told("captured", 61), told("voided", 1)],
     ["POSTED", "VOID_WINDOW_PASSED"]),
    ("but for a difference of clocks", WINDOW, [told("captured", 5), told("voided", 1)], ["POSTED", "POSTED"]),
    ("nor before one of its captures", WINDOW, [half("one"), half("two", 50), told("voided", 30)],
     ["POSTED", "POSTED", "VOID_WINDOW_PASSED"]),
    ("nor a request that is", WINDOW, [told("captured", 61), void_requested(P, of="captured", time=at(1))],
     ["POSTED", "VOID_WINDOW_PASSED"]),
    ("a void that comes late, of a time within it", WINDOW,
     [told("captured", 30), told("authorized", 500), told("voided", 80)], ["POSTED", "RECORDED", "POSTED"]),
    ("the first capture counts", WINDOW, [half("one"), half("two", 50), told("voided", 61)],
     ["POSTED", "POSTED", "VOID_WINDOW_PASSED"]),
    ("a request is held to it, too", WINDOW, [told("captured"), void_requested(P, of="captured", time=at(61))],
     ["POSTED", "VOID_WINDOW_PASSED"]),
    ("what was never captured has no window", WINDOW, [told("authorized"), told("voided", 500)],
     ["RECORDED", "RECORDED"]),
    ("a refund that the seller can bear", COVERED, [told("captured"), refunded(P)], ["POSTED", "POSTED"]),
    ("a refund that the seller can't bear", COVERED, [told("captured"), paid_out("w", 61), refunded(P, 40)],
     ["POSTED", "POSTED", "SELLER_BALANCE_INSUFFICIENT"]),
    ("what is held of the seller is not available", COVERED,
     [told("captured"), placed("h", 61, of=SELLER), refunded(P, 40)],
     ["POSTED", "RECORDED", "SELLER_BALANCE_INSUFFICIENT"]),
    ("what nobody is named to bear, and the seller got", COVERED, [told("captured"), paid_out("w"), unnamed(1)],
     ["POSTED", "POSTED", "SELLER_BALANCE_INSUFFICIENT"]),
    ("nor part of it", COVERED, [told("captured"), back(100, 99)], ["POSTED", "SELLER_BALANCE_INSUFFICIENT"]),
    ("what nobody is named to bear, and nobody got", COVERED,
     [half("one"), told("captured"), unnamed(40), unnamed(11, "s"), unnamed(10, "t")],
     ["POSTED", "POSTED", "POSTED", "SELLER_BALANCE_INSUFFICIENT", "POSTED"]),
    ("of what is in suspense of another order nothing goes back", COVERED,
     [elsewhere("other"), told("captured"), unnamed(1)], ["POSTED", "POSTED", "SELLER_BALANCE_INSUFFICIENT"]),
    ("without the policy a seller may owe", {}, [told("captured"), paid_out("w"), refunded(P)], ["POSTED"] * 3),
    ("nor is it asked what the order holds", {}, [told("captured"), unnamed(100)], ["POSTED"] * 2),
]  # fmt: skip


@pytest.fixture(scope="module")
def books(postgres_server: str) -> Iterator[StoryBooks]:
    with story_books(postgres_server) as books:
        yield books


@pytest.mark.parametrize("story", STORIES, ids=[story[0] for story in STORIES])
@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
def test_a_story_comes_to_its_end(books: StoryBooks, one_by_one: bool, story: Story) -> None:
    _, payments, messages, words = story
    assert books.play(books.new(payments=payments), *messages, one_by_one=one_by_one) == list(words)


PROOF: Mapping[str, Any] = {"gateway_transaction_id": "t", "gateway_response": "ok"}
QUOTE = {"rate": "6.2", "base": "EUR", "counter": "BRL", "provider": "bank", "source": "desk", "quoted_at": at(0)}
ABROAD = {
    "exchange": {"amount_minor": "620", "currency": "BRL", "quote": QUOTE},
    "beneficiaries": [{"account": SELLER, "amount_minor": "620"}],
}


@pytest.mark.parametrize("chart", [{}, {"marketplace": {}}], ids=["plain", "split"])
@pytest.mark.parametrize("data", [{}, ABROAD], ids=["in one currency", "across currencies"])
def test_a_capture_keeps_its_proof_however_it_is_taken(
    books: StoryBooks, chart: Mapping[str, object], data: Mapping[str, Any]
) -> None:
    book = books.new(payments={"capture_proof": "required"}, **chart)
    messages = [told("captured", event_id="without", **data), told("captured", event_id="with", **PROOF, **data)]
    assert books.play(book, *messages, one_by_one=False) == ["CAPTURE_PROOF_MISSING", "POSTED"]


EVERYTHING = {
    "captures": "once", "capture_proof": "required", "refund_cover": "available", "capture_tolerance_bps": 0,
}  # fmt: skip
AGAIN = told("captured", 5, "again")
PAIRS: Sequence[tuple[Code, Code, Sequence[Message], Message]] = [
    (Code.PAYMENT_VOIDED, Code.CAPTURE_PROOF_MISSING, [told("intent_created"), told("voided")], AGAIN),
    (Code.PAYMENT_CAPTURED, Code.CAPTURE_PROOF_MISSING, [told("intent_created"), proven(1)], AGAIN),
    (Code.PAYMENT_CAPTURED, Code.CAPTURE_TOO_SOON,
     [told("intent_created"), proven(1), told("capture_failed", 4)], AGAIN),
    (Code.PREDECESSOR_ABSENT, Code.CAPTURE_PROOF_MISSING, [], AGAIN),
    (Code.CAPTURE_PROOF_MISSING, Code.CAPTURE_TOO_SOON, [told("intent_created"), told("capture_failed", 4)], AGAIN),
    (Code.CAPTURE_TOO_SOON, Code.CAPTURE_EXCEEDS_AUTHORIZED,
     [told("authorized", amount_minor="99"), told("capture_failed", 4)], proven(5)),
    (Code.CAPTURE_EXCEEDS_AUTHORIZED, Code.ACCOUNT_FROZEN,
     [told("authorized", amount_minor="99"), opened(SELLER), frozen(SELLER)], proven(5)),
    (Code.CAPTURE_TOO_SOON, Code.ACCOUNT_FROZEN,
     [told("intent_created"), told("capture_failed", 4), opened(SELLER), frozen(SELLER)], proven(5)),
    (Code.REFUND_EXCEEDS_CAPTURED, Code.SELLER_BALANCE_INSUFFICIENT,
     [told("intent_created"), proven(1), paid_out("w", 61)], refunded(P, 101)),
    (Code.SELLER_BALANCE_INSUFFICIENT, Code.ACCOUNT_FROZEN,
     [told("intent_created"), proven(1), paid_out("w", 61), frozen(SELLER)], refunded(P, 40)),
]  # fmt: skip
"""Two codes that one event earns after some others: the first of them is the answer."""


@pytest.mark.parametrize(("first", "second", "before", "message"), PAIRS)
def test_of_two_faults_the_one_whose_code_comes_first_is_the_answer(
    books: StoryBooks, first: Code, second: Code, before: Sequence[Message], message: Message
) -> None:
    assert list(Code).index(first) < list(Code).index(second)
    book = books.new(payments=EVERYTHING)
    assert set(books.play(book, *before, one_by_one=False)) <= {"POSTED", "RECORDED"}
    assert outcomes(books.post(book, message)) == [first]


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        ({"overdraft_minor": "999", "policy": "allow"}, "POSTED"),
        ({"overdraft_minor": "999", "policy": "warn"}, "POSTED"),
        ({"overdraft_minor": "40", "policy": "deny"}, "POSTED"),
        ({"overdraft_minor": "39", "policy": "deny"}, "SELLER_BALANCE_INSUFFICIENT"),
        ({"minimum_minor": "0", "policy": "allow"}, "SELLER_BALANCE_INSUFFICIENT"),
    ],
)
def test_an_account_that_may_be_overdrawn_bears_more_than_it_has(
    books: StoryBooks, limits: Mapping[str, str], word: str
) -> None:
    templates = [{"pattern": "wallet:*", "type": "liability", "limits": limits}]
    messages = [told("captured"), told("captured", 1, "b"), paid_out("w", 200), refunded(P, 40)]
    said = books.play(books.new(payments=COVERED, templates=templates), *messages, one_by_one=False)
    assert said[-1] == word
