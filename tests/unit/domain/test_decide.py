"""What `decide_batch` answers: each code, the order of codes, parked queues, and voids."""

from itertools import combinations

import pytest

from ledger_core.domain.cases import Case
from ledger_core.domain.facts import Fact
from ledger_core.domain.money import MAX_COUNTER_MINOR
from ledger_core.domain.outcomes import Code, Outcome
from ledger_core.domain.subjects import Subject
from tests.support.cases import (
    BOOK,
    EUR,
    USD,
    Desk,
    authorized,
    captured,
    head_key,
    payout,
    refunded,
    refuse,
    said,
    voided,
)

ORDER = (BOOK, "order")


# Rows of the table: what was known before, the event, its outcome, its code.


def known(**values: int | bool) -> dict[str, int | bool]:
    return {"asset_id": EUR, **values}


TABLE = [
    (None, authorized(), "RECORDED"),
    (None, captured(), "POSTED"),
    (None, payout(), "POSTED"),
    (None, voided(), "PREDECESSOR_ABSENT"),
    (None, refunded(), "PREDECESSOR_ABSENT"),
    (known(authorised_minor=100), captured(), "POSTED"),
    (known(authorised_minor=100), captured(500), "POSTED"),
    (known(authorised_minor=100), voided(), "RECORDED"),
    (known(authorised_minor=100), refunded(), "PREDECESSOR_ABSENT"),
    (known(authorised_minor=100), captured(currency="USD"), "CURRENCY_MISMATCH"),
    (known(captured_minor=100), authorized(), "RECORDED"),
    (known(captured_minor=100), captured(), "POSTED"),
    (known(captured_minor=100), refunded(99), "POSTED"),
    (known(captured_minor=100), refunded(100), "POSTED"),
    (known(captured_minor=100), refunded(101), "REFUND_EXCEEDS_CAPTURED"),
    (known(captured_minor=100, refunded_minor=60), refunded(40), "POSTED"),
    (known(captured_minor=100, refunded_minor=60), refunded(41), "REFUND_EXCEEDS_CAPTURED"),
    (known(captured_minor=100, refunded_minor=60), voided(), "VOID_AFTER_REFUND"),
    (known(captured_minor=100), refunded(currency="USD"), "CURRENCY_MISMATCH"),
    (known(captured_minor=100, voided=True), refunded(), "PAYMENT_VOIDED"),
    (known(captured_minor=100, voided=True), captured(), "PAYMENT_VOIDED"),
    (known(captured_minor=100, voided=True), authorized(), "PAYMENT_VOIDED"),
    (known(captured_minor=100, voided=True), voided(), "ALREADY_VOIDED"),
    (known(captured_minor=100, voided=True, refunded_minor=1), voided(), "ALREADY_VOIDED"),
    (known(captured_minor=100, voided=True), captured(currency="USD"), "CURRENCY_MISMATCH"),
    (known(captured_minor=100, voided=True), payout(), "POSTED"),
    (known(authorised_minor=MAX_COUNTER_MINOR - 99), authorized(100), "OVERFLOW"),
    (known(authorised_minor=MAX_COUNTER_MINOR - 100), authorized(100), "RECORDED"),
    (known(captured_minor=MAX_COUNTER_MINOR - 99), captured(100), "OVERFLOW"),
]


@pytest.mark.parametrize(
    ("before", "fact", "answer"), TABLE, ids=[f"{type(row[1]).__name__}-{row[2]}-{n}" for n, row in enumerate(TABLE)]
)
def test_the_life_cycle_of_a_payment_answers_as_its_table_says(
    before: dict[str, int] | None, fact: Fact, answer: str
) -> None:
    desk = Desk()
    if before is not None:
        desk.take_up(ORDER, Subject(**before))  # type: ignore[arg-type]  # the table's values are of two types
    assert said(desk.decide(desk.case(fact))) == [answer]


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [("F", Code.ACCOUNT_FROZEN, Outcome.PARKED), ("C", Code.ACCOUNT_CLOSED, Outcome.REJECTED)],
)
def test_an_account_that_is_not_open_takes_no_line_of_the_voucher(status: str, code: Code, outcome: Outcome) -> None:
    desk = Desk()
    desk.freeze("seller", status)
    (ruling,) = desk.decide(desk.case(captured())).arrivals
    assert ruling.refusal is not None
    assert (ruling.outcome, ruling.refusal.code) == (outcome, code)
    assert desk.balance_minor("clearing") == 0
    assert desk.subjects[ORDER].captured_minor == 0


def test_an_account_of_another_currency_refuses() -> None:
    desk = Desk()
    assert said(desk.decide(desk.case(payout(currency="USD")))) == ["ACCOUNT_CURRENCY_MISMATCH"]


def test_a_closed_period_parks_up_to_and_with_its_last_moment() -> None:
    desk = Desk(closed_through_us=1_000)
    at = [desk.case(payout(), key=f"k{when}", effective_at_us=when) for when in (999, 1_000, 1_001)]
    assert said(desk.decide(*at)) == ["PERIOD_CLOSED", "PERIOD_CLOSED", "POSTED"]


def test_a_fact_without_entries_is_recorded_in_a_closed_period() -> None:
    desk = Desk(closed_through_us=1_000)
    assert said(desk.decide(desk.case(authorized()))) == ["RECORDED"]


@pytest.mark.parametrize("side", ["debits_minor", "credits_minor"])
def test_a_counter_that_would_pass_63_bits_refuses_and_one_less_posts(side: str) -> None:
    desk = Desk()
    account = "clearing" if side == "debits_minor" else "seller"
    setattr(desk.heads[head_key(account)], side, MAX_COUNTER_MINOR - 150)
    cases = [desk.case(captured(), key="a"), desk.case(captured(), key="b"), desk.case(captured(50), key="c")]
    assert said(desk.decide(*cases)) == ["POSTED", "OVERFLOW", "POSTED"]


def test_two_lines_on_one_account_are_added_before_they_are_compared_with_the_limit() -> None:
    desk = Desk()
    desk.heads[head_key("seller")].credits_minor = MAX_COUNTER_MINOR - 150
    case = desk.case(captured())
    case.movements = [*case.movements, *case.movements]
    assert said(desk.decide(case)) == ["OVERFLOW"]


# Refusals that can be brought about at once, in their order of precedence, each with the way to do so.


def _predecessor_absent(desk: Desk, case: Case) -> None:
    desk.subjects[ORDER] = Subject(asset_id=EUR)


def _payment_voided(desk: Desk, case: Case) -> None:
    desk.subjects.setdefault(ORDER, Subject(asset_id=EUR)).voided = True


def _currency_mismatch(desk: Desk, case: Case) -> None:
    desk.subjects.setdefault(ORDER, Subject()).asset_id = USD


def _order_key_parked(desk: Desk, case: Case) -> None:
    desk.decide(desk.case(None, refusal=refuse(Code.EVENT_TYPE_UNKNOWN, "schema:x")))


def _account_closed(desk: Desk, case: Case) -> None:
    desk.freeze("seller", "C")


def _account_frozen(desk: Desk, case: Case) -> None:
    desk.freeze("clearing", "F")


def _period_closed(desk: Desk, case: Case) -> None:
    desk.closed_through_us = 10


def _overflow(desk: Desk, case: Case) -> None:
    desk.heads[head_key("seller")].debits_minor = MAX_COUNTER_MINOR


CAUSES = {
    Code.ORDER_KEY_PARKED: _order_key_parked,
    Code.CURRENCY_MISMATCH: _currency_mismatch,
    Code.PAYMENT_VOIDED: _payment_voided,
    Code.PREDECESSOR_ABSENT: _predecessor_absent,
    Code.ACCOUNT_CLOSED: _account_closed,
    Code.ACCOUNT_FROZEN: _account_frozen,
    Code.PERIOD_CLOSED: _period_closed,
    Code.OVERFLOW: _overflow,
}


@pytest.mark.parametrize(("first", "second"), list(combinations(CAUSES, 2)))
def test_of_two_refusals_the_one_named_first_is_the_answer(first: Code, second: Code) -> None:
    desk = Desk()
    case = desk.case(refunded())
    desk.take_up(ORDER, Subject(captured_minor=100, asset_id=EUR))
    for code in (first, second):
        if code is Code.PREDECESSOR_ABSENT:
            desk.subjects[ORDER].captured_minor = 0
        else:
            CAUSES[code](desk, case)
    assert said(desk.decide(case)) == [first.value]


@pytest.mark.parametrize(
    "proposed",
    [Code.CONTROL_ACCOUNT_MISSING, Code.ACCOUNT_MISSING, Code.SAME_ACCOUNT_BOTH_SIDES, Code.OVERFLOW],
)
def test_what_the_payment_forbids_comes_before_what_its_rule_refuses(proposed: Code) -> None:
    desk = Desk(subjects={ORDER: Subject(captured_minor=100, asset_id=EUR, voided=True)})
    case = desk.case(refunded(), refusal=refuse(proposed, "account:x"))
    assert said(desk.decide(case)) == ["PAYMENT_VOIDED"]


def test_a_rule_that_refuses_for_good_still_waits_its_turn_behind_a_parked_event() -> None:
    desk = Desk()
    desk.decide(desk.case(refunded()))
    case = desk.case(captured(), refusal=refuse(Code.SAME_ACCOUNT_BOTH_SIDES))
    assert said(desk.decide(case)) == ["SAME_ACCOUNT_BOTH_SIDES"]  # it would heal the refund, and cannot
    behind = desk.case(refunded(), refusal=refuse(Code.SAME_ACCOUNT_BOTH_SIDES))
    assert said(desk.decide(behind)) == ["ORDER_KEY_PARKED"]


@pytest.mark.parametrize("code", [code for code in Code if refuse(code).final])
def test_an_event_that_can_never_post_is_rejected_at_once_even_on_a_parked_order_key(code: Code) -> None:
    desk = Desk()
    desk.decide(desk.case(refunded()))
    assert said(desk.decide(desk.case(None, refusal=refuse(code)))) == [code.value]


def test_an_event_of_unknown_type_on_a_parked_order_key_says_that_it_waits_for_its_type() -> None:
    desk = Desk()
    desk.decide(desk.case(refunded()))
    unknown = desk.case(None, refusal=refuse(Code.EVENT_TYPE_UNKNOWN, "schema:x"))
    assert said(desk.decide(unknown)) == ["EVENT_TYPE_UNKNOWN"]
    assert unknown.waits_for == "schema:x"


# Parked queues.


def test_a_refund_that_came_before_its_capture_is_healed_by_it() -> None:
    desk = Desk()
    assert said(desk.decide(desk.case(refunded(40)))) == ["PREDECESSOR_ABSENT"]
    assert said(desk.decide(desk.case(captured()))) == ["POSTED", "|", "POSTED"]
    assert desk.subjects[ORDER].refunded_minor == 40
    assert desk.subjects[ORDER].parked == 0


def test_a_refund_before_its_capture_in_the_same_batch_is_parked_and_healed_at_once() -> None:
    desk = Desk()
    decision = desk.decide(desk.case(refunded(40)), desk.case(captured()))
    assert said(decision) == ["PREDECESSOR_ABSENT", "POSTED", "|", "POSTED"]
    assert decision.healed[0].case is decision.arrivals[0].case


def test_a_void_that_came_before_its_capture_mirrors_it_when_it_comes() -> None:
    desk = Desk()
    desk.decide(desk.case(voided()))
    decision = desk.decide(desk.case(captured()))
    assert said(decision) == ["POSTED", "|", "POSTED"]
    assert [(m.line.account, m.line.side) for m in decision.healed[0].movements] == [("clearing", "C"), ("seller", "D")]
    assert desk.balance_minor("seller") == 0


def test_a_void_and_a_refund_before_the_capture_are_decided_in_the_order_they_came() -> None:
    desk = Desk()
    desk.decide(desk.case(voided()), desk.case(refunded()))
    assert said(desk.decide(desk.case(captured()))) == ["POSTED", "|", "POSTED", "PAYMENT_VOIDED"]
    desk = Desk()
    desk.decide(desk.case(refunded()), desk.case(voided()))
    assert said(desk.decide(desk.case(captured()))) == ["POSTED", "|", "POSTED", "VOID_AFTER_REFUND"]


def test_several_refunds_drain_in_their_order_until_the_captured_amount_is_used_up() -> None:
    desk = Desk()
    desk.decide(*(desk.case(refunded(amount)) for amount in (60, 50, 40)))
    decision = desk.decide(desk.case(captured(100)))
    assert said(decision) == ["POSTED", "|", "POSTED", "REFUND_EXCEEDS_CAPTURED", "POSTED"]
    assert [ruling.case.fact for ruling in decision.healed] == [refunded(60), refunded(50), refunded(40)]


def test_a_later_event_of_a_parked_order_key_queues_and_other_keys_go_on() -> None:
    desk = Desk()
    decision = desk.decide(
        desk.case(refunded()), desk.case(authorized()), desk.case(captured(), key="another"), desk.case(payout())
    )
    assert said(decision) == ["PREDECESSOR_ABSENT", "ORDER_KEY_PARKED", "POSTED", "ORDER_KEY_PARKED"]


def test_an_event_between_the_heal_and_the_drain_stands_behind_the_queue() -> None:
    """As it would in a batch of its own, when the queue had drained before."""
    one, split = Desk(), Desk()
    facts: list[Fact] = [voided(), authorized(), captured()]
    assert said(one.decide(*map(one.case, facts))) == [
        "PREDECESSOR_ABSENT", "RECORDED", "ORDER_KEY_PARKED", "|", "RECORDED", "PAYMENT_VOIDED",
    ]  # fmt: skip
    assert [said(split.decide(split.case(fact))) for fact in facts] == [
        ["PREDECESSOR_ABSENT"],
        ["RECORDED", "|", "RECORDED"],
        ["PAYMENT_VOIDED"],
    ]


def test_a_drain_stops_at_the_first_that_must_wait_and_keeps_the_rest_behind_it() -> None:
    desk = Desk()
    desk.decide(desk.case(refunded(10)), desk.case(refunded(20), seller="other"), desk.case(refunded(30)))
    desk.freeze("other")
    decision = desk.decide(desk.case(captured()))
    assert said(decision) == ["POSTED", "|", "POSTED"]
    assert [case.fact for case in desk.queues[ORDER]] == [refunded(20), refunded(30)]
    assert desk.subjects[ORDER].parked == 2


def test_a_parked_event_that_must_wait_for_something_else_now_says_so() -> None:
    """Else nobody who looks for what waits for the account would find it."""
    desk = Desk()
    desk.freeze("seller")
    desk.decide(desk.case(payout()), desk.case(refunded()))
    desk.freeze("seller", "O")
    decision = desk.decide(drain=["order"])
    assert said(decision) == ["|", "POSTED"]
    assert [(case.fact, case.waits_for) for case in decision.waiting] == [(refunded(), "payment.captured")]
    assert said(desk.decide(desk.case(captured()))) == ["POSTED", "|", "POSTED"]


def test_a_capture_that_is_parked_behind_the_refund_that_waits_for_it_goes_first_when_the_queue_drains() -> None:
    """Else a refund that came first would block its own capture for ever."""
    desk = Desk()
    desk.freeze("other")
    decision = desk.decide(desk.case(refunded(30)), desk.case(captured(), seller="other"), desk.case(refunded(20)))
    assert said(decision) == ["PREDECESSOR_ABSENT", "ACCOUNT_FROZEN", "ORDER_KEY_PARKED"]
    desk.freeze("other", "O")
    decision = desk.decide(drain=["order"])
    assert [ruling.case.fact for ruling in decision.healed] == [captured(), refunded(30), refunded(20)]
    assert {ruling.outcome for ruling in decision.healed} == {Outcome.POSTED}
    assert desk.subjects[ORDER].parked == 0


def test_a_capture_that_stays_parked_does_not_heal_what_waits_for_it() -> None:
    desk = Desk()
    desk.freeze("seller")
    decision = desk.decide(desk.case(refunded(), seller="other"), desk.case(captured()))
    assert said(decision) == ["PREDECESSOR_ABSENT", "ACCOUNT_FROZEN"]


def test_draining_a_key_without_a_queue_does_nothing() -> None:
    desk = Desk()
    assert said(desk.decide(drain=["nothing-parked"])) == []


def test_a_healed_event_stands_after_all_arrivals_of_its_book() -> None:
    desk = Desk()
    desk.decide(desk.case(refunded(1)), desk.case(refunded(2)))
    decision = desk.decide(desk.case(captured()), desk.case(payout(), key="another"))
    assert [ruling.case.reference & 0xFFFF for ruling in decision.healed] == [2, 3]


# Voids after captures.


def test_a_void_mirrors_the_captures_of_earlier_batches_and_of_its_own() -> None:
    desk = Desk()
    desk.decide(desk.case(captured(70)))
    decision = desk.decide(desk.case(captured(30), seller="other"), desk.case(voided()))
    assert said(decision) == ["POSTED", "POSTED"]
    mirrored = [(m.line.account, m.line.side, m.line.amount_minor) for m in decision.arrivals[1].movements]
    assert mirrored == [("clearing", "C", 70), ("seller", "D", 70), ("clearing", "C", 30), ("other", "D", 30)]
    assert [desk.balance_minor(account) for account in ("clearing", "seller", "other")] == [0, 0, 0]


def test_a_void_whose_mirror_meets_a_frozen_account_is_parked_whole() -> None:
    desk = Desk()
    desk.decide(desk.case(captured(70)))
    desk.freeze("seller")
    assert said(desk.decide(desk.case(voided()))) == ["ACCOUNT_FROZEN"]
    assert not desk.subjects[ORDER].voided
    assert desk.balance_minor("clearing") == 70


def test_later_vouchers_of_a_batch_see_what_earlier_ones_left() -> None:
    desk = Desk()
    cases = [desk.case(captured(100)), desk.case(refunded(60)), desk.case(refunded(61)), desk.case(refunded(40))]
    assert said(desk.decide(*cases)) == ["POSTED", "POSTED", "REFUND_EXCEEDS_CAPTURED", "POSTED"]
