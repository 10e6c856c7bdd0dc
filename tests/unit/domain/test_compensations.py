"""Vouchers that make another one good: what they may name, and what they keep of it."""

from collections.abc import Callable

import pytest

from ledger_core.domain.facts import Fact
from tests.support.cases import Desk, authorized, captured, compensation, said, void_of


def a_voucher(desk: Desk, event_id: str = "e-1") -> int:
    assert said(desk.decide(desk.case(captured(), event_id=event_id))) == ["POSTED"]
    return desk.voucher_no


def by_number(desk: Desk) -> Fact:
    return compensation(a_voucher(desk))


def by_event(desk: Desk) -> Fact:
    a_voucher(desk)
    return compensation(event="e-1")


def what_was_reversed(desk: Desk) -> Fact:
    number = a_voucher(desk)
    desk.decide(desk.case(void_of(number)))
    return compensation(number)


def a_reversal(desk: Desk) -> Fact:
    desk.decide(desk.case(void_of(a_voucher(desk))))
    return compensation(desk.voucher_no)


def never_issued(desk: Desk) -> Fact:
    return compensation(a_voucher(desk) + 1)


def not_come_yet(desk: Desk) -> Fact:
    return compensation(event="e-2")


def posted_nothing(desk: Desk) -> Fact:
    desk.decide(desk.case(authorized(), event_id="e-1"))
    return compensation(event="e-1")


def itself(desk: Desk) -> Fact:
    return compensation(event="e-0")


TABLE: list[tuple[Callable[[Desk], Fact], str]] = [
    (by_number, "POSTED"),
    (by_event, "POSTED"),
    (what_was_reversed, "POSTED"),
    (a_reversal, "POSTED"),
    (never_issued, "VOUCHER_UNKNOWN"),
    (not_come_yet, "VOUCHER_UNKNOWN"),
    (posted_nothing, "VOUCHER_UNKNOWN"),
    (itself, "VOUCHER_UNKNOWN"),
]


@pytest.mark.parametrize(("prepare", "answer"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_a_compensation_answers_as_its_table_says(prepare: Callable[[Desk], Fact], answer: str) -> None:
    desk = Desk()
    assert said(desk.decide(desk.case(prepare(desk), key="another", event_id="e-0"))) == [answer]


def test_many_compensate_one_and_each_keeps_which() -> None:
    desk = Desk()
    number = a_voucher(desk)
    decision = desk.decide(*(desk.case(compensation(number), key=key) for key in ("one", "two")))
    link = {"position": 1, "voucher_no": 1, "event_type": "payment.captured.v1"}
    details = [ruling.draft.details for ruling in decision.arrivals if ruling.draft is not None]
    assert details == [{"compensates": [link]}] * 2


def test_a_compensation_finds_a_voucher_of_its_own_batch_that_stands_before_it() -> None:
    desk = Desk()
    before = desk.case(captured(), event_id="e-1")
    assert said(desk.decide(before, desk.case(compensation(event="e-1"), key="another"))) == ["POSTED", "POSTED"]
    after = desk.case(captured(), event_id="e-2")
    decision = desk.decide(desk.case(compensation(event="e-2"), key="another"), after)
    assert said(decision) == ["VOUCHER_UNKNOWN", "POSTED"]


def test_a_compensation_on_a_frozen_account_parks_and_names_its_voucher_once_it_thaws() -> None:
    desk = Desk()
    number = a_voucher(desk)
    desk.freeze("cash")
    assert said(desk.decide(desk.case(compensation(number), key="another"))) == ["ACCOUNT_FROZEN"]
    desk.freeze("cash", "O")
    decision = desk.decide(drain=["another"])
    assert said(decision) == ["|", "POSTED"]
    draft = decision.healed[0].draft
    assert draft is not None
    assert draft.details is not None
    assert draft.details["compensates"] == [{"position": 1, "voucher_no": 1, "event_type": "payment.captured.v1"}]
