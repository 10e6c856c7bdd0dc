"""Refunds, chargebacks, settlements, payouts and fees through the store: each step finds its part, in any batch."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import pytest

from deploy.demo.messages import Message
from tests.support.postings import Scene, captured, event, outcomes, paid_out, void_requested

pytestmark = pytest.mark.postgres

SELLER, CASH, CLEARING = "wallet:seller:1", "cash:bank:EUR", "clearing:processor:EUR"
SETTLING, PAYING_OUT = "clearing:settlements:EUR", "clearing:payouts:EUR"
RESERVE, FEES = "reserve:chargebacks:EUR", "revenue:commission:EUR"


def step(event_type: str, order: str, amount: int = 0, *, event_id: str = "", **data: object) -> Message:
    """A step of the part that is named like its order."""
    kind, _, which = event_type.partition(".")
    body: dict[str, object] = {f"{kind}_id": order, **data}
    if kind in ("refund", "chargeback", "settlement"):
        body["payment_id"] = order
    if amount:
        body |= {"amount_minor": str(amount), "currency": "EUR"}
    if which in ("failed", "returned", "finality_failed"):
        body["failure_reason"] = "no_luck"
    if event_type in ("payout.requested", "payout.paid", "fee.charged", "fee.refunded"):
        body["account"] = SELLER
    return event(f"{event_type}.v1", order, event_id or f"{kind}-{which}-{order}", {**body, **data})


def shares(amount: int) -> dict[str, Any]:
    return {"beneficiaries": [{"account": SELLER, "amount_minor": str(amount)}]}


P = "p-1"


def of_hundred(which: str, amount: int, *parts: tuple[str, int, int], event_id: str = "") -> Message:
    """A capture, or one of its refunds; parts with their commission in basis points."""
    beneficiaries = [{"account": who, "amount_minor": str(of), "commission_bps": bps} for who, of, bps in parts]
    named = {"method": "card"} if which == "captured" else {"refund_id": event_id}
    return event(f"payment.{which}.v1", P, event_id or which, {
        "payment_id": P, "amount_minor": str(amount), "currency": "EUR", "beneficiaries": beneficiaries, **named,
    })  # fmt: skip


IN_PARTS = [
    of_hundred("captured", 10_000, (SELLER, 10_000, 333)),
    *(of_hundred("refunded", 3_333, (SELLER, 3_333, 333), event_id=name) for name in ("r-1", "r-2")),
]
STORIES: list[tuple[str, list[Message], dict[str, int]]] = [
    ("refunds in parts, each rounded by itself", [
        *IN_PARTS, of_hundred("refunded", 3_334, (SELLER, 3_334, 333), event_id="r-3"),
    ], {CLEARING: 0, SELLER: 2, FEES: -2}),
    ("refunds in parts, the last of which names what is left of the commission", [
        *IN_PARTS, of_hundred("refunded", 3_334, (SELLER, 3_221, 0), ("control:PLATFORM_FEES", 113, 0), event_id="r-3"),
    ], {CLEARING: 0, SELLER: 0, FEES: 0}),
    ("a refund in steps", [
        captured(P), step("refund.requested", P, 40), step("refund.approved", P), step("refund.processing", P),
        step("refund.completed", P, 40, **shares(40)),
    ], {CLEARING: 60, SELLER: -60}),
    ("a refund that fails", [
        captured(P), step("refund.requested", P, 40), step("refund.failed", P),
    ], {CLEARING: 100, SELLER: -100}),
    ("a dispute that is won, with its fee given back", [
        captured(P), step("chargeback.opened", P, 70, fee_minor="15", **shares(70)),
        step("chargeback.evidence_submitted", P), step("chargeback.won", P, 70, fee_minor="15"),
    ], {CLEARING: 100, SELLER: -100, RESERVE: 0, "expense:chargebacks:EUR": 0}),
    ("a dispute that is lost, and costs", [
        captured(P), step("chargeback.opened", P, 70, fee_minor="15", **shares(70)), step("chargeback.lost", P, 70),
    ], {CLEARING: 15, SELLER: -30, RESERVE: 0, "expense:chargebacks:EUR": 15}),
    ("a settlement that is final", [
        captured(P), step("settlement.confirmed", P, 100, fee_minor="3"), step("settlement.finality_confirmed", P, 97),
    ], {CLEARING: 0, SETTLING: 0, CASH: 97, "expense:processor:EUR": 3}),
    ("a settlement whose finality fails", [
        captured(P), step("settlement.confirmed", P, 100, fee_minor="3"), step("settlement.finality_failed", P),
    ], {CLEARING: 100, SETTLING: 0, "expense:processor:EUR": 0}),
    ("a payout in steps", [step("payout.requested", P, 30), step("payout.paid", P, 30)],
     {SELLER: 30, PAYING_OUT: 0, CASH: -30}),
    ("a payout that fails", [step("payout.requested", P, 30), step("payout.failed", P)], {SELLER: 0, PAYING_OUT: 0}),
    ("a payout in steps that comes back", [
        step("payout.requested", P, 30), step("payout.paid", P, 30), step("payout.returned", P),
    ], {SELLER: 0, PAYING_OUT: 0, CASH: 0}),
    ("a payout at once that comes back", [step("payout.paid", P, 30), step("payout.returned", P)],
     {SELLER: 0, CASH: 0}),
    ("a fee that is charged at the third try, and given back in parts", [
        step("fee.failed", P), step("fee.retried", P), step("fee.failed", P, event_id="f-2"),
        step("fee.retried", P, event_id="t-2"), step("fee.charged", P, 10), step("fee.refunded", P, 3),
        step("fee.refunded", P, 7, event_id="r-2"),
    ], {SELLER: 0, FEES: 0}),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "balances"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
def test_a_story_comes_to_its_balances(
    scene: Scene, one_by_one: bool, messages: Sequence[Message], balances: dict[str, int]
) -> None:
    batches = [[message] for message in messages] if one_by_one else [messages]
    said = list(chain.from_iterable(outcomes(scene.post(*batch)) for batch in batches))
    assert set(said) <= {"POSTED", "RECORDED"}
    assert {account: scene.balance_minor(account) for account in balances} == balances
    scene.assert_whole()


def test_what_follows_a_capture_goes_through_the_accounts_of_the_chart_in_force(scene: Scene) -> None:
    """The role moved since: what a settlement takes is the new account's, until somebody moves the balance by hand."""
    moved = "clearing:acquirer:EUR"
    scene.post(captured(P), captured("p-2"), step("settlement.confirmed", "p-2", 100))
    controls: Any = scene.chart()["controls"]
    scene.apply_chart({**scene.chart(), "controls": [
        {**row, "code": "clearing:acquirer:{currency}"} if row["role"] == "PROCESSOR_CLEARING" else row
        for row in controls
    ]})  # fmt: skip
    said = outcomes(scene.post(step("settlement.confirmed", P, 100), step("settlement.failed", "p-2")))
    assert said == ["POSTED", "POSTED"]
    assert [scene.balance_minor(code) for code in (CLEARING, moved, SETTLING)] == [200, -100, 100]
    lines = [
        {"account": account, "side": side, "amount_minor": "100", "currency": "EUR"}
        for account, side in ((moved, "debit"), (CLEARING, "credit"))
    ]
    assert outcomes(
        scene.post(event("voucher.requested.v1", "move", "move", {"kind": "transfer", "lines": lines}))
    ) == ["POSTED"]
    assert [scene.balance_minor(code) for code in (CLEARING, moved)] == [100, 0]
    scene.assert_whole()


def test_what_comes_before_its_predecessor_waits_and_heals(scene: Scene) -> None:
    early = [step("refund.completed", P, 40), step("refund.approved", P), step("refund.requested", P, 40)]
    said = [outcomes(scene.post(message)) for message in early]
    assert said == [["PREDECESSOR_ABSENT"], ["ORDER_KEY_PARKED"], ["ORDER_KEY_PARKED"]]
    result = scene.post(captured(P))
    assert len(result.healed) == 3
    assert scene.balance_minor(CLEARING) == 60
    scene.assert_whole()


@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_refund_that_waits_for_its_own_step_holds_up_nothing_else(scene: Scene, one_by_one: bool) -> None:
    """Its request was more than was captured until then, and is refused: the rest of the payment goes on."""
    told = [
        captured(P, 60), step("refund.requested", P, 80), step("refund.approved", P), step("refund.completed", P, 80),
        captured(P, 40, event_id="rest"), step("settlement.confirmed", P, 100), step("chargeback.opened", P, 90),
    ]  # fmt: skip
    results = [scene.post(message) for message in told] if one_by_one else [scene.post(*told)]
    words = [word for result in results for word in outcomes(result)]
    assert words[:5] == ["POSTED", "REFUND_EXCEEDS_CAPTURED", "PREDECESSOR_ABSENT", "ORDER_KEY_PARKED", "POSTED"]
    behind = ["ORDER_KEY_PARKED"] * 2 + ["POSTED"] * 2  # a queue that is about to drain goes first
    assert words[5:] + [one.outcome for result in results for _, one in result.healed] == behind[2 * one_by_one :]
    again = scene.post(step("refund.requested", P, 10, event_id="corrected"))
    assert [(event.event_id, one.code or one.outcome) for event, one in again.healed] == [
        (f"refund-approved-{P}", "RECORDED"), (f"refund-completed-{P}", "AMOUNT_DIFFERS")
    ]  # fmt: skip
    scene.assert_whole()


def test_what_waits_for_its_capture_holds_up_the_payment(scene: Scene) -> None:
    early = [step("refund.requested", P, 40), step("settlement.confirmed", P, 100), step("chargeback.opened", P, 10)]
    assert outcomes(scene.post(*early)) == ["PREDECESSOR_ABSENT", "ORDER_KEY_PARKED", "ORDER_KEY_PARKED"]
    assert len(scene.post(captured(P)).healed) == 3
    scene.assert_whole()


def test_where_no_capture_can_come_any_more_nothing_waits_for_one(scene: Scene) -> None:
    data = {"payment_id": P, "amount_minor": "100", "currency": "EUR", "method": "card"}
    told = [event("payment.authorized.v1", P, "a", data), step("payment.authorization_expired", P, payment_id=P)]
    assert outcomes(scene.post(*told, captured(P), step("refund.requested", P, 40))) == [
        "RECORDED", "RECORDED", "AUTHORIZATION_EXPIRED", "AUTHORIZATION_EXPIRED"
    ]  # fmt: skip
    scene.assert_whole()


@pytest.mark.parametrize(
    ("before", "late", "code"),
    [
        ([captured(P), step("settlement.confirmed", P, 1)], event("payment.voided.v1", P, "v", {"payment_id": P}),
         "VOID_WINDOW_PASSED"),
        ([captured(P), step("refund.requested", P, 1)], event("payment.voided.v1", P, "v", {"payment_id": P}),
         "VOID_AFTER_REFUND"),
        ([captured(P), step("refund.requested", P, 60)], step("chargeback.opened", P, 41),
         "CHARGEBACK_EXCEEDS_CAPTURED"),
        ([captured(P), step("chargeback.opened", P, 60)], step("refund.requested", P, 41), "REFUND_EXCEEDS_CAPTURED"),
        ([captured(P), step("settlement.confirmed", P, 60)], step("settlement.confirmed", P, 41, settlement_id="t-2",
         event_id="t-2"), "SETTLEMENT_EXCEEDS_CAPTURED"),
        ([step("payout.requested", P, 30)], step("payout.paid", P, 31), "AMOUNT_DIFFERS"),
        ([step("payout.requested", P, 30)], step("payout.paid", P, 30, currency="USD"), "CURRENCY_MISMATCH"),
        ([step("payout.paid", P, 30)], step("payout.requested", P, 30), "PAYOUT_STATE_INVALID"),
        ([step("fee.charged", P, 10)], step("fee.refunded", P, 3, currency="USD"), "CURRENCY_MISMATCH"),
        ([captured(P), step("chargeback.opened", P, 70, fee_minor="15")],
         step("chargeback.won", P, 70, fee_minor="16"), "FEE_REFUND_EXCEEDS_CHARGED"),
        ([captured(P), step("chargeback.opened", P, 70)], step("chargeback.won", P, 70, fee_minor="1"),
         "FEE_REFUND_EXCEEDS_CHARGED"),
        ([step("fee.charged", P, 10), step("fee.refunded", P, 3)], step("fee.refunded", P, 8, event_id="r-2"),
         "FEE_REFUND_EXCEEDS_CHARGED"),
        ([captured(P), step("refund.requested", P, 60)], void_requested(P, of=f"captured-{P}"), "VOID_AFTER_REFUND"),
        ([captured(P), step("settlement.confirmed", P, 60)], void_requested(P, of=f"captured-{P}"),
         "VOID_WINDOW_PASSED"),
        ([step("payout.requested", P, 30)], void_requested(P, of=f"payout-requested-{P}"), "STEP_NOT_VOIDABLE"),
        ([step("payout.requested", P, 30), step("payout.paid", P, 30)], void_requested(P, of=f"payout-paid-{P}"),
         "STEP_NOT_VOIDABLE"),
        ([paid_out(P, 30), step("payout.returned", P)], void_requested(P, of=f"paid-out-{P}"), "STEP_NOT_VOIDABLE"),
        ([paid_out(P, 30), void_requested(P, of=f"paid-out-{P}")], step("payout.returned", P), "ALREADY_REVERSED"),
    ],
)  # fmt: skip
def test_a_step_that_can_never_be_right_is_refused_by_name(
    scene: Scene, before: Sequence[Message], late: Message, code: str
) -> None:
    for message in before:
        assert set(outcomes(scene.post(message))) <= {"POSTED", "RECORDED"}
    assert outcomes(scene.post(late)) == [code]
    scene.assert_whole()


@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
@pytest.mark.parametrize(
    ("first", "then"), [("payout.requested", "payout.paid"), ("fee.charged", "fee.refunded")], ids=["payout", "fee"]
)
def test_a_step_names_the_account_of_the_one_that_it_follows(
    scene: Scene, first: str, then: str, one_by_one: bool
) -> None:
    asked, another = step(first, P, 30), step(then, P, 30, account="wallet:seller:2")
    batches = [[asked], [another]] if one_by_one else [[asked, another]]
    assert list(chain.from_iterable(outcomes(scene.post(*batch)) for batch in batches)) == ["POSTED", "ACCOUNT_DIFFERS"]
    assert outcomes(scene.post(step(then, P, 30, event_id="right"))) == ["POSTED"]
    scene.assert_whole()


def test_two_workers_that_ask_for_the_same_money_back_get_it_once(scene: Scene) -> None:
    scene.post(captured(P))
    first, second = scene.worker(1), scene.worker(2)
    scene.topic.send(step("refund.requested", P, 60), partition=1)
    scene.topic.send(step("refund.requested", P, 60, refund_id="r-2", event_id="r-2"), partition=2)
    one, other = first.prepare(1), second.prepare(2)
    said = outcomes(first.poster.post(one)) + outcomes(second.poster.post(other))
    assert sorted(said) == ["RECORDED", "REFUND_EXCEEDS_CAPTURED"]
    scene.assert_whole()


def test_a_step_that_was_accepted_stays_so_whoever_writes(scene: Scene) -> None:
    from psycopg import errors

    scene.post(step("payout.requested", P, 30))
    with pytest.raises(errors.CheckViolation, match="PART_REFUSED"):
        scene.change("UPDATE ledger.subject_part SET told = 0")
