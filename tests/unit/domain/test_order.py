"""The order in which events of one story come: every pair has its row, and every interleaving a named end."""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_core.domain.outcomes import Code
from ledger_core.domain.payments import Beneficiary, PaymentCaptured
from schemas.events.registry import EVENT_TYPES
from tests.support.order_table import EARLY, LATE, PAGE, WAITING, pairs, row
from tests.support.story_desk import STORIES, StoryDesk, types_of

ROW = re.compile(r"^\| `([a-z_.]+)` \| `([a-z_.]+)` \| ([^|]+) \|(?: ([^|]+) \|)?$", re.MULTILINE)
PAIRS, _, DIFFERENCES = PAGE.read_text("utf-8").partition("\n## Where the order makes a difference\n")
TABLE = {(first, then): (bare, more or "") for first, then, bare, more in ROW.findall(PAIRS)}
BY_HAND = ("voucher.", "hold.", "account.")
"""What is told on an order key, but is no step of a story."""


def test_every_type_of_a_payment_belongs_to_a_story() -> None:
    told = {name for story in STORIES for name in types_of(story)}
    assert told == {name for name in EVENT_TYPES if not name.startswith(BY_HAND)}


@pytest.mark.parametrize("story", STORIES)
def test_each_ordered_pair_has_its_row_and_the_row_is_what_happens(story: str) -> None:
    for first, then in pairs(story):
        name, then_name, bare, on_captured = row(story, first, then)
        assert TABLE.get((name, then_name)) == (bare, on_captured), (first, then, "python -m tests.support.order_table")


def test_no_row_is_left_over() -> None:
    assert len(TABLE) == sum(len(pairs(story)) for story in STORIES)


BEFORE = [
    [], ["payment.authorized.v1"], ["payment.captured.v1", "refund.requested.v1", "refund.approved.v1"],
    ["payment.captured.v1", "chargeback.opened.v1"], ["payment.captured.v1"], ["transfer.requested.v1"],
    ["transfer.requested.v1", "transfer.inflow.received.v1"], ["reservation.held.v1"],
]  # fmt: skip


@pytest.mark.parametrize(("first", "then"), LATE)
def test_what_is_said_to_come_too_late_is_refused_by_that_name(first: str, then: str) -> None:
    said = [StoryDesk().play([*before, f"{first}.v1", f"{then}.v1"])[-1] for before in BEFORE]
    assert LATE[first, then] in said


def test_the_page_tells_every_difference() -> None:
    assert {row[:2] for row in ROW.findall(DIFFERENCES)} == {*LATE, *EARLY, *WAITING}


GOOD_STORIES = [
    ["payment.intent_created.v1", "payment.authorized.v1", "payment.captured.v1", "settlement.confirmed.v1",
     "settlement.finality_confirmed.v1"],
    ["payment.captured.v1", "refund.requested.v1", "refund.approved.v1", "refund.processing.v1",
     "refund.completed.v1"],
    ["payment.captured.v1", "refund.requested.v1", "refund.approved.v1", "refund.failed.v1"],
    ["payment.captured.v1", "chargeback.opened.v1", "chargeback.evidence_submitted.v1", "chargeback.won.v1"],
    ["payment.captured.v1", "chargeback.opened.v1", "chargeback.lost.v1", "settlement.confirmed.v1"],
    ["payment.captured.v1", "payment.refunded.v1", "settlement.confirmed.v1", "settlement.finality_failed.v1"],
    ["payment.authorized.v1", "payment.captured.v1", "payment.voided.v1"],
    ["payment.authorized.v1", "payment.capture_failed.v1", "payment.failed.v1"],
    ["payment.authorized.v1", "payment.captured.v1", "payment.authorization_expired.v1"],
    ["payout.requested.v1", "payout.paid.v1", "payout.returned.v1"],
    ["payout.requested.v1", "payout.failed.v1"],
    ["fee.failed.v1", "fee.retried.v1", "fee.charged.v1", "fee.refunded.v1"],
    ["drawer.opened.v1", "cash.received.v1", "cash.refunded.v1"],
    ["reservation.held.v1", "reservation.confirmed.v1", "reservation.no_show.v1"],
    ["payment_method.tokenized.v1", "payment_method.detached.v1"],
    ["sale.completed.v1", "cogs.recorded.v1"],
    ["transfer.requested.v1", "transfer.inflow.announced.v1", "transfer.inflow.received.v1",
     "transfer.monitoring.passed.v1", "transfer.settled.v1"],
    ["transfer.requested.v1", "transfer.inflow.received.v1", "transfer.settled.v1", "transaction.compensated.v1",
     "transfer.inflow.compensated.v1"],
    ["transfer.requested.v1", "transfer.inflow.received.v1", "transfer.review.opened.v1",
     "transfer.review.cleared.v1", "transfer.approved.v1"],
    ["transfer.requested.v1", "transfer.inflow.received.v1", "transfer.monitoring.flagged.v1", "transfer.failed.v1",
     "transfer.inflow.compensated.v1"],
]  # fmt: skip


NAMED: Mapping[str, set[Code]] = {
    f"{name}.v1": {code for (_, then), code in LATE.items() if then == name}
    for name in dict.fromkeys(n for _, n in LATE)
}


@pytest.mark.parametrize("story", GOOD_STORIES, ids=[" ".join(story)[:60] for story in GOOD_STORIES])
def test_whatever_the_order_of_a_story_its_end_is_the_same_or_a_code_says_why_not(story: list[str]) -> None:
    """All orders of each story: what is refused comes late, and by one of its names.

    What may stay parked is told by the property over the store (tests/properties/test_interleavings.py)."""
    straight = StoryDesk()
    assert set(straight.play(story)) <= {"POSTED", "RECORDED"}
    for order in permutations(story):
        desk = StoryDesk()
        words = desk.play(order)
        refused = [word for word in words if word not in ("POSTED", "RECORDED")]
        told = list(zip(order, words, strict=True))
        if not refused:
            assert (desk.state(), desk.balances()) == (straight.state(), straight.balances()), order
        late = {(name, word) for name, word in told if word in refused and not word.startswith("parked: ")}
        assert all(word in NAMED.get(name, ()) for name, word in late), order
        assert sum(desk.balances().values()) == 0


TYPES = [types_of("payment"), types_of("transfer")]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TYPES).flatmap(lambda types: st.lists(
    st.tuples(st.sampled_from(types), st.sampled_from("12")), max_size=14
)), st.data())  # fmt: skip
def test_any_two_orders_of_any_events_differ_only_by_named_outcomes(
    events: list[tuple[str, str]], data: st.DataObject
) -> None:
    """Where both orders accept the same events, state and balances are equal to the cent."""
    other = data.draw(st.permutations(range(len(events))))
    one, two = StoryDesk(), StoryDesk()
    words = one.play_cases([one.event(*event) for event in events])
    shuffled = two.play_cases([two.event(*events[place]) for place in other])
    again = dict(zip(other, shuffled, strict=True))
    accepted = [sorted(events[n] for n, w in enumerate(words) if w in ("POSTED", "RECORDED"))]
    accepted.append(sorted(events[n] for n, w in again.items() if w in ("POSTED", "RECORDED")))
    for word in (*words, *shuffled):
        assert word in ("POSTED", "RECORDED") or Code(word.removeprefix("parked: "))
    assert sum(one.balances().values()) == 0
    if accepted[0] == accepted[1]:
        assert one.state() == two.state()
        assert one.balances() == two.balances()


def test_a_void_is_about_what_was_captured_and_not_about_what_went_through_suspense() -> None:
    """The last payment of an order may carry the parts of all of them: suspense is credited first and debited then."""
    desk = StoryDesk()
    for amount_minor, parts_minor in ((100, 0), (15, 115)):
        case = desk.event("payment.captured.v1")
        assert isinstance(case.fact, PaymentCaptured)
        shares = (Beneficiary("wallet:seller:1", parts_minor),) if parts_minor else ()
        fact = replace(case.fact, amount_minor=amount_minor, beneficiaries=shares)
        desk.decide(desk.case_of(fact))
    (void,) = desk.decide(desk.event("payment.voided.v1")).arrivals
    assert void.draft is not None
    assert sum(line.amount_minor for line in void.draft.lines if line.side == "D") == 215
    assert void.draft.amount_of(void.case.fact) == 115
    assert desk.balances() == {}
