"""What `decide_batch` answers to hold events: heads and holds together, precedence, parked queues."""

from itertools import combinations

import pytest

from ledger_core.domain.cases import Case
from ledger_core.domain.holds import (
    Hold,
    HoldCaptured,
    HoldFact,
    HoldPlaced,
    HoldReleased,
    HoldStatus,
    HoldTerms,
    Taker,
)
from ledger_core.domain.limits import DENY, WARN, Limits, Policy
from ledger_core.domain.money import MAX_COUNTER_MINOR
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Draft, Line, Purpose
from tests.support.cases import ASSETS, BOOK, EUR, Desk, head_key, movement, refuse, said

KEY = (BOOK, "h")
TERMS = HoldTerms("seller", "D", "EUR")


def place(amount: int = 100, *, account: str = "seller", currency: str = "EUR", bps: int = 0) -> HoldPlaced:
    return HoldPlaced("h", account, amount, currency, "D", bps)


def capture(amount: int = 100, *, final: bool = False) -> HoldCaptured:
    return HoldCaptured("h", (Taker("other", amount),), final, terms=TERMS)


def release() -> HoldReleased:
    return HoldReleased("h")


def case(fact: HoldFact, *, refusal: Refusal | None = None, effective_at_us: int = 0, key: str = "h") -> Case:
    """As the rules propose it."""
    lines: list[Line] = []
    asset_id = EUR
    if isinstance(fact, HoldPlaced):
        lines = [Line(fact.account, "D", fact.amount_minor, fact.currency, Purpose.PAYMENT)]
        asset_id = ASSETS[fact.currency]
    elif isinstance(fact, HoldCaptured):
        lines = [
            Line("seller", "D", fact.amount_minor, "EUR", Purpose.PAYMENT),
            Line("other", "C", fact.amount_minor, "EUR", Purpose.PAYMENT),
        ]
    draft = Draft("kind", "rule/1", lines, recorded=not isinstance(fact, HoldCaptured))
    moved = [movement(line) for line in lines] if refusal is None else []
    return Case((BOOK, key), fact, asset_id, draft, moved, refusal, effective_at_us, 0)


def pending(desk: Desk, account: str = "seller") -> int:
    return desk.heads[head_key(account)].debits_pending_minor


def with_hold(amount: int = 100, **values: object) -> Desk:
    hold = Hold(head_key("seller"), EUR, TERMS, amount, **values)  # type: ignore[arg-type]  # as each test says
    desk = Desk(holds={KEY: hold})
    desk.heads[head_key("seller")].debits_pending_minor = hold.held_minor
    return desk


def test_a_hold_is_kept_back_until_its_captures_have_taken_it() -> None:
    desk = Desk()
    assert said(desk.decide(case(place(100)))) == ["RECORDED"]
    assert (pending(desk), desk.balance_minor("seller")) == (100, 0)
    assert said(desk.decide(case(capture(30)))) == ["POSTED"]
    assert (pending(desk), desk.balance_minor("seller")) == (70, 30)
    assert said(desk.decide(case(capture(70)))) == ["POSTED"]
    assert (pending(desk), desk.balance_minor("seller")) == (0, 100)
    assert said(desk.decide(case(capture(1)))) == ["HOLD_CAPTURED"]


def test_a_release_gives_back_what_no_capture_took() -> None:
    desk = Desk()
    assert said(desk.decide(case(place(100)), case(capture(30)), case(release()))) == ["RECORDED", "POSTED", "RECORDED"]
    assert pending(desk) == 0


def test_a_capture_over_the_hold_gives_back_no_more_than_the_hold_kept() -> None:
    desk = with_hold(tolerance_bps=1_000)
    desk.heads[head_key("seller")].debits_pending_minor += 7  # another hold of the account
    assert said(desk.decide(case(capture(110)))) == ["POSTED"]
    assert (pending(desk), desk.balance_minor("seller")) == (7, 110)


def test_a_posted_capture_says_what_became_of_its_hold() -> None:
    (ruling,) = with_hold().decide(case(capture(30, final=True))).arrivals
    assert ruling.draft is not None
    assert ruling.draft.details == {"hold": {"status": "CAPTURED", "released_minor": "70"}}


def test_a_refused_capture_changes_neither_hold_nor_head() -> None:
    desk = with_hold()
    assert said(desk.decide(case(capture(101)))) == ["CAPTURE_EXCEEDS_HOLD"]
    assert (pending(desk), desk.holds[KEY].captured_minor) == (100, 0)


def test_where_an_event_of_a_hold_stands_in_the_log_is_remembered_for_its_row() -> None:
    desk = Desk()
    desk.decide(case(place()), case(capture(40)), case(release()))
    hold = desk.holds[KEY]
    assert (hold.placed_reference & 0xFFFF, hold.closed_reference & 0xFFFF) == (0, 2)


def test_events_before_the_placing_wait_for_it_and_then_go_in_their_order() -> None:
    desk = Desk()
    early = [case(fact, refusal=refuse(Code.HOLD_UNKNOWN, "hold.placed")) for fact in (capture(60), release())]
    assert said(desk.decide(*early)) == ["HOLD_UNKNOWN", "ORDER_KEY_PARKED"]
    assert early[0].waits_for == "hold.placed"
    for parked in early:  # as they are proposed once the hold is known
        ready = case(parked.fact)  # type: ignore[arg-type]  # a hold fact, as above
        parked.refusal, parked.movements, parked.draft = None, ready.movements, ready.draft
    assert said(desk.decide(case(place()))) == ["RECORDED", "|", "POSTED", "RECORDED"]
    assert desk.holds[KEY].status is HoldStatus.RELEASED


def test_nothing_more_of_a_frozen_account_is_held_and_what_is_held_can_be_released() -> None:
    desk = with_hold()
    desk.freeze("seller")
    assert said(desk.decide(case(release()))) == ["RECORDED"]
    assert pending(desk) == 0


def test_a_capture_minds_the_closed_period_and_a_placing_does_not() -> None:
    desk = Desk(closed_through_us=1_000)
    assert said(desk.decide(case(place()), case(capture()))) == ["RECORDED", "PERIOD_CLOSED"]


# What is available of an account.


def funded(minor: int, *, minimum_minor: int = 0, policy: Policy = DENY) -> Desk:
    """The seller has this much, and a minimum."""
    desk = Desk()
    head = desk.heads[head_key("seller")]
    head.credits_minor, head.normal_side = minor, "C"
    head.limits = Limits(minimum_minor=minimum_minor, policy=policy)
    return desk


@pytest.mark.parametrize(
    ("minimum_minor", "amount", "answer"),
    [
        (0, 100, "RECORDED"),
        (0, 101, "INSUFFICIENT_AVAILABLE"),
        (40, 60, "RECORDED"),
        (40, 61, "INSUFFICIENT_AVAILABLE"),
        (-50, 150, "RECORDED"),
        (-50, 151, "INSUFFICIENT_AVAILABLE"),
    ],
)
def test_no_more_is_held_than_is_available_above_a_minimum_that_denies(
    minimum_minor: int, amount: int, answer: str
) -> None:
    desk = funded(100, minimum_minor=minimum_minor)
    assert said(desk.decide(case(place(amount)))) == [answer]
    assert pending(desk) == (amount if answer == "RECORDED" else 0)


def test_what_is_held_is_not_available_to_another_hold_until_it_is_given_back() -> None:
    desk = funded(100)
    other = HoldPlaced("k", "seller", 60, "EUR", "D")
    assert said(desk.decide(case(place(60)), case(other, key="k"))) == ["RECORDED", "INSUFFICIENT_AVAILABLE"]
    assert said(desk.decide(case(release()), case(other, key="k"))) == ["RECORDED", "RECORDED"]


def test_a_refused_hold_says_what_would_be_available() -> None:
    (ruling,) = funded(100, minimum_minor=-5).decide(case(place(110))).arrivals
    assert ruling.refusal is not None
    assert ruling.refusal.detail == "seller would have -10 available, its minimum is -5"


def test_a_hold_of_what_will_come_into_an_account_takes_nothing_from_it() -> None:
    fact = HoldPlaced("h", "seller", 1_000, "EUR", "C")
    incoming = case(fact)
    incoming.movements = [movement(Line("seller", "C", 1_000, "EUR", Purpose.PAYMENT))]
    assert said(funded(100).decide(incoming)) == ["RECORDED"]


@pytest.mark.parametrize("minimum_minor", [0, 500])
def test_a_capture_never_fails_on_the_money_that_its_hold_kept_back(minimum_minor: int) -> None:
    """Not even where the minimum was raised since: what is available stays as it was."""
    desk = funded(100)
    assert said(desk.decide(case(place(100)))) == ["RECORDED"]
    desk.heads[head_key("seller")].limits = Limits(minimum_minor=minimum_minor, policy=DENY)
    assert said(desk.decide(case(capture(30)), case(capture(60)), case(capture(10)))) == ["POSTED"] * 3
    assert (pending(desk), desk.balance_minor("seller")) == (0, 0)


def test_what_a_capture_takes_beyond_its_hold_must_be_available() -> None:
    desk = funded(105)
    assert said(desk.decide(case(place(100, bps=1_000)), case(capture(106)))) == ["RECORDED", "LIMIT_MINIMUM"]
    assert said(desk.decide(case(capture(105)))) == ["POSTED"]


def test_a_hold_below_a_minimum_that_warns_is_placed_and_the_crossing_told_once() -> None:
    desk = funded(100, policy=WARN)
    assert said(desk.decide(case(place(130)), case(capture(50)))) == ["RECORDED", "POSTED"]
    assert said(desk.decide(case(capture(80)))) == ["POSTED"]
    assert [(crossing.account, crossing.balance_minor) for crossing in desk.crossings] == [("seller", -30)]


# Refusals that can be brought about at once, in their order of precedence, each with the way to do so.


def _closed(desk: Desk) -> None:
    desk.freeze("seller", "C")


def _frozen(desk: Desk) -> None:
    desk.freeze("seller", "F")


def _period(desk: Desk) -> None:
    desk.closed_through_us = 10


def _overflow(desk: Desk) -> None:
    head = desk.heads[head_key("seller")]
    head.debits_minor = head.debits_pending_minor = MAX_COUNTER_MINOR


def _captured(desk: Desk) -> None:
    desk.holds[KEY] = Hold(head_key("seller"), EUR, TERMS, 1, captured_minor=1, status=HoldStatus.CAPTURED)


def _limited(desk: Desk) -> None:
    """So that nothing may leave the account; half of what is asked for is held, and half beyond it is allowed."""
    head = desk.heads[head_key("seller")]
    head.limits, head.normal_side = Limits(minimum_minor=0, policy=DENY), "C"
    if KEY in desk.holds:
        desk.holds[KEY] = Hold(head_key("seller"), EUR, TERMS, 50, tolerance_bps=10_000)


def _too_little(desk: Desk) -> None:
    desk.holds[KEY] = Hold(head_key("seller"), EUR, TERMS, 1)


CAPTURE_CAUSES = {
    Code.HOLD_CAPTURED: _captured,
    Code.CAPTURE_EXCEEDS_HOLD: _too_little,
    Code.ACCOUNT_CLOSED: _closed,
    Code.ACCOUNT_FROZEN: _frozen,
    Code.LIMIT_MINIMUM: _limited,
    Code.PERIOD_CLOSED: _period,
    Code.OVERFLOW: _overflow,
}
PLACING_CAUSES = {
    Code.HOLD_EXISTS: _captured,
    Code.ACCOUNT_CLOSED: _closed,
    Code.ACCOUNT_FROZEN: _frozen,
    Code.INSUFFICIENT_AVAILABLE: _limited,
    Code.OVERFLOW: _overflow,
}


@pytest.mark.parametrize(("first", "second"), list(combinations(CAPTURE_CAUSES, 2)))
def test_of_two_reasons_against_a_capture_the_one_named_first_is_the_answer(first: Code, second: Code) -> None:
    desk = with_hold()
    for code in (second, first):
        CAPTURE_CAUSES[code](desk)
    assert said(desk.decide(case(capture()))) == [first.value]


@pytest.mark.parametrize(("first", "second"), list(combinations(PLACING_CAUSES, 2)))
def test_of_two_reasons_against_a_placing_the_one_named_first_is_the_answer(first: Code, second: Code) -> None:
    desk = Desk()
    for code in (second, first):
        PLACING_CAUSES[code](desk)
    assert said(desk.decide(case(place()))) == [first.value]


def test_a_hold_in_another_currency_than_its_account_is_refused() -> None:
    assert said(Desk().decide(case(place(currency="USD")))) == ["ACCOUNT_CURRENCY_MISMATCH"]
