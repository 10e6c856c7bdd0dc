"""Voids by request: each refusal a row of a table, their order, the sums of payments, and vouchers of one batch."""

from collections.abc import Callable
from itertools import combinations

import pytest

from ledger_core.domain.facts import Fact
from ledger_core.domain.outcomes import Code
from ledger_core.domain.subjects import Subject
from tests.support.cases import BOOK, EUR, Desk, authorized, captured, payout, refunded, said, void_of, voided

ORDER = (BOOK, "order")


def post(desk: Desk, fact: Fact | None = None, *, kind: str = "fee", event_id: str = "e-1", key: str = "order") -> int:
    """A voucher that stands in the log; answers its number."""
    case = desk.case(fact or captured(), kind=kind, event_id=event_id, key=key)
    assert said(desk.decide(case)) == ["POSTED"]
    return desk.voucher_no


def by_number(desk: Desk) -> Fact:
    return void_of(post(desk))


def by_event(desk: Desk) -> Fact:
    post(desk)
    return void_of(event="e-1")


def never_issued(desk: Desk) -> Fact:
    return void_of(post(desk) + 1)


def not_come_yet(desk: Desk) -> Fact:
    return void_of(event="e-2")


def itself(desk: Desk) -> Fact:
    return void_of(event="void-1")


def posted_nothing(desk: Desk) -> Fact:
    desk.decide(desk.case(authorized(), event_id="e-1"))
    return void_of(event="e-1")


def of_another_key(desk: Desk) -> Fact:
    return void_of(post(desk, key="another"))


def reversed_before(desk: Desk) -> Fact:
    number = post(desk)
    post(desk, void_of(number))
    return void_of(number)


def voided_with_its_payment(desk: Desk) -> Fact:
    number = post(desk)
    post(desk, voided())
    return void_of(number)


def a_reversal(desk: Desk) -> Fact:
    return void_of(post(desk, void_of(post(desk))))


def a_void(desk: Desk) -> Fact:
    post(desk)
    return void_of(post(desk, voided()))


def cogs(desk: Desk) -> Fact:
    return void_of(post(desk, kind="cogs"))


def inventory_adjustment(desk: Desk) -> Fact:
    return void_of(post(desk, kind="inventory_adjustment"))


def refunded_since(desk: Desk) -> Fact:
    number = post(desk)
    post(desk, refunded(1))
    return void_of(number)


TABLE: list[tuple[Callable[[Desk], Fact], str]] = [
    (by_number, "POSTED"),
    (by_event, "POSTED"),
    (never_issued, "VOUCHER_UNKNOWN"),
    (not_come_yet, "PREDECESSOR_ABSENT"),
    (posted_nothing, "VOUCHER_UNKNOWN"),
    (itself, "VOUCHER_UNKNOWN"),
    (of_another_key, "ORDER_KEY_DIFFERS"),
    (reversed_before, "ALREADY_REVERSED"),
    (voided_with_its_payment, "ALREADY_REVERSED"),
    (a_reversal, "REVERSAL_NOT_REVERSIBLE"),
    (a_void, "REVERSAL_NOT_REVERSIBLE"),
    (cogs, "COGS_NOT_VOIDABLE"),
    (inventory_adjustment, "INVENTORY_ADJUSTMENT_NOT_VOIDABLE"),
    (refunded_since, "VOID_AFTER_REFUND"),
]


@pytest.mark.parametrize(("prepare", "answer"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_a_void_request_answers_as_its_table_says(prepare: Callable[[Desk], Fact], answer: str) -> None:
    desk = Desk()
    assert said(desk.decide(desk.case(prepare(desk), event_id="void-1"))) == [answer]


def _reversed_already(desk: Desk) -> None:
    for original in desk.vouchers.by_reference.values():
        original.reversed = True


def _refunded_since(desk: Desk) -> None:
    desk.subjects[ORDER].refunded_minor = 1


def _account_closed(desk: Desk) -> None:
    desk.freeze("clearing", "C")


def _account_frozen(desk: Desk) -> None:
    desk.freeze("seller")


def _period_closed(desk: Desk) -> None:
    desk.closed_through_us = 10


CAUSES: dict[Code, Callable[[Desk], None]] = {
    Code.ALREADY_REVERSED: _reversed_already,
    Code.VOID_AFTER_REFUND: _refunded_since,
    Code.ACCOUNT_CLOSED: _account_closed,
    Code.ACCOUNT_FROZEN: _account_frozen,
    Code.PERIOD_CLOSED: _period_closed,
}


@pytest.mark.parametrize(("first", "second"), list(combinations(CAUSES, 2)))
def test_of_two_refusals_the_one_named_first_is_the_answer(first: Code, second: Code) -> None:
    desk = Desk()
    number = post(desk)
    for code in (first, second):
        CAUSES[code](desk)
    assert said(desk.decide(desk.case(void_of(number)))) == [first.value]


def test_the_reversal_is_the_exact_mirror_with_a_link_and_the_amount_of_what_it_reverses() -> None:
    desk = Desk()
    number = post(desk, captured(70))
    (ruling,) = desk.decide(desk.case(void_of(number))).arrivals
    lines = [(m.line.account, m.line.side, m.line.amount_minor) for m in ruling.movements]
    assert lines == [("clearing", "C", 70), ("seller", "D", 70)]
    assert ruling.draft is not None
    assert (ruling.draft.kind, ruling.draft.rule, ruling.draft.amount_minor) == ("reversal", "void_requested/1", 70)
    assert ruling.draft.details == {
        "reverses": [{"position": 1, "voucher_no": 1, "event_type": "payment.captured.v1"}],
        "mirrored": ["payment", "seller_share"], "reason": "posted twice",
    }  # fmt: skip
    assert [desk.balance_minor(account) for account in ("clearing", "seller")] == [0, 0]


def test_a_reversal_that_meets_a_frozen_account_is_parked_whole_and_posts_once_it_thaws() -> None:
    desk = Desk()
    number = post(desk)
    desk.freeze("seller")
    assert said(desk.decide(desk.case(void_of(number)))) == ["ACCOUNT_FROZEN"]
    assert (desk.balance_minor("clearing"), desk.subjects[ORDER].captured_minor) == (100, 100)
    desk.freeze("seller", "O")
    assert said(desk.decide(drain=["order"])) == ["|", "POSTED"]


# What a payment's row knows.


def test_a_reversed_capture_falls_out_of_what_can_be_refunded() -> None:
    desk = Desk()
    first, _ = post(desk, captured(70)), post(desk, captured(30), event_id="e-2")
    post(desk, void_of(first))
    assert desk.subjects[ORDER].captured_minor == 30
    assert said(desk.decide(desk.case(refunded(31)))) == ["REFUND_EXCEEDS_CAPTURED"]
    assert said(desk.decide(desk.case(refunded(30)))) == ["POSTED"]


def test_a_refund_of_a_payment_whose_only_capture_was_reversed_waits_for_another_capture() -> None:
    desk = Desk()
    post(desk, void_of(post(desk)))
    assert said(desk.decide(desk.case(refunded(1)))) == ["PREDECESSOR_ABSENT"]
    assert said(desk.decide(desk.case(captured(5)))) == ["POSTED", "|", "POSTED"]


def test_a_reversed_refund_can_be_given_again() -> None:
    desk = Desk()
    post(desk)
    number = post(desk, refunded(100), event_id="e-2")
    assert said(desk.decide(desk.case(refunded(1)))) == ["REFUND_EXCEEDS_CAPTURED"]
    post(desk, void_of(number))
    assert said(desk.decide(desk.case(refunded(100)))) == ["REFUND_STATE_INVALID"], "that refund is told"
    assert said(desk.decide(desk.case(refunded(100, refund_id="again")))) == ["POSTED"]


def test_a_void_of_the_payment_mirrors_only_the_captures_that_were_not_reversed() -> None:
    desk = Desk()
    first, second = post(desk, captured(70)), post(desk, captured(30), event_id="e-2")
    post(desk, void_of(first))
    (ruling,) = desk.decide(desk.case(voided())).arrivals
    assert [m.line.amount_minor for m in ruling.movements] == [30, 30]
    assert ruling.draft is not None
    assert ruling.draft.details == {
        "reverses": [{"position": 2, "voucher_no": second, "event_type": "payment.captured.v1"}],
        "mirrored": ["payment", "seller_share"],
    }
    assert desk.balance_minor("clearing") == 0


def test_a_void_of_a_payment_whose_captures_were_all_reversed_is_recorded_without_entries() -> None:
    desk = Desk()
    post(desk, void_of(post(desk)))
    assert said(desk.decide(desk.case(voided()), desk.case(captured()))) == ["RECORDED", "PAYMENT_VOIDED"]


def test_the_reversal_of_a_voucher_that_is_no_payment_leaves_the_sums_alone() -> None:
    desk = Desk(subjects={ORDER: Subject(captured_minor=100, asset_id=EUR)})
    post(desk, void_of(post(desk, payout())))
    assert desk.subjects[ORDER].captured_minor == 100


# Vouchers of the same batch, and queues.


def test_a_voucher_of_the_same_batch_is_found_by_its_event_and_by_the_number_that_it_gets() -> None:
    for void in (void_of(event="e-1"), void_of(1)):
        desk = Desk()
        decision = desk.decide(desk.case(authorized()), desk.case(captured(), event_id="e-1"), desk.case(void))
        assert said(decision) == ["RECORDED", "POSTED", "POSTED"]
        draft = decision.arrivals[2].draft
        assert draft is not None
        assert draft.details is not None
        assert draft.details["reverses"] == [{"position": 2, "voucher_no": 1, "event_type": "payment.captured.v1"}]


def test_two_voids_of_one_voucher_in_one_batch_post_once() -> None:
    desk = Desk()
    number = post(desk)
    decision = desk.decide(desk.case(void_of(event="e-1")), desk.case(void_of(number)))
    assert said(decision) == ["POSTED", "ALREADY_REVERSED"]


def test_a_payment_is_voided_and_its_capture_by_request_in_one_batch_and_only_the_first_counts() -> None:
    desk = Desk()
    decision = desk.decide(desk.case(captured(), event_id="e-1"), desk.case(voided()), desk.case(void_of(event="e-1")))
    assert said(decision) == ["POSTED", "POSTED", "ALREADY_REVERSED"]


def test_a_void_that_came_before_its_voucher_is_healed_by_it_alone() -> None:
    desk = Desk()
    assert said(desk.decide(desk.case(void_of(event="e-2")))) == ["PREDECESSOR_ABSENT"]
    assert said(desk.decide(desk.case(captured(), event_id="e-1"))) == ["ORDER_KEY_PARKED"]
    decision = desk.decide(desk.case(payout(), event_id="e-2"))
    assert said(decision) == ["POSTED", "|", "POSTED", "POSTED"]
    assert desk.balance_minor("cash") == 0


def test_a_void_that_waits_for_an_event_is_rejected_when_that_event_is() -> None:
    desk = Desk()
    desk.decide(desk.case(captured(10)), desk.case(void_of(event="e-1")))
    assert said(desk.decide(desk.case(refunded(11), event_id="e-1"))) == [
        "REFUND_EXCEEDS_CAPTURED", "|", "VOUCHER_UNKNOWN",
    ]  # fmt: skip
