"""Rules of refunds, chargebacks, settlements, payouts and fees: a row a case, ending in its lines."""

import pytest

from ledger_core.domain.charts import Chart, chart_from_document
from ledger_core.domain.facts import Fact
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.payments import Beneficiary, PaymentRefunded
from ledger_core.domain.stories import (
    ChargebackLost,
    ChargebackOpened,
    ChargebackWon,
    FeeCharged,
    FeeRefunded,
    PayoutFailed,
    PayoutRequested,
    RefundApproved,
    RefundCompleted,
    RefundRequested,
    SettlementConfirmed,
    SettlementFailed,
    SettlementFinalityConfirmed,
)
from ledger_core.domain.vouchers import Draft, Purpose
from ledger_core.rules.catalogue import propose
from schemas.charts import load_chart

CHART = chart_from_document(load_chart())
S1, CLEARING, FEES, CASH = "wallet:seller:1", "clearing:processor:BRL", "revenue:commission:BRL", "cash:bank:BRL"
RESERVE, DISPUTE_FEES = "reserve:chargebacks:BRL", "expense:chargebacks:BRL"
SETTLING, PAYING_OUT = "clearing:settlements:BRL", "clearing:payouts:BRL"
PART = (Beneficiary(S1, 100, 1000),)

CASES: list[tuple[str, Fact, list[tuple[str, str, int, str]]]] = [
    ("refund that gives commission back", RefundCompleted("p", "r", 100, "BRL", PART), [
        (CLEARING, "C", 100, "REFUND"), (S1, "D", 90, "SELLER_SHARE"), (FEES, "D", 10, "PLATFORM_FEE")]),
    ("refund that keeps commission", RefundCompleted("p", "r", 100, "BRL", PART, keeps_fee=True), [
        (CLEARING, "C", 100, "REFUND"), (S1, "D", 100, "SELLER_SHARE")]),
    ("refund in one step that keeps commission", PaymentRefunded("p", "r", 100, "BRL", PART, keeps_fee=True), [
        (CLEARING, "C", 100, "REFUND"), (S1, "D", 100, "SELLER_SHARE")]),
    ("dispute with a fee", ChargebackOpened("p", "c", 100, "BRL", PART, 15), [
        (RESERVE, "C", 100, "CHARGEBACK"), (S1, "D", 90, "SELLER_SHARE"), (FEES, "D", 10, "PLATFORM_FEE"),
        (DISPUTE_FEES, "D", 15, "FEE"), (CLEARING, "C", 15, "FEE")]),
    ("dispute that nobody bears", ChargebackOpened("p", "c", 100, "BRL"), [
        (RESERVE, "C", 100, "CHARGEBACK"), ("suspense:orders:BRL", "D", 100, "SUSPENSE")]),
    ("dispute lost, with a fee", ChargebackLost("p", "c", 100, "BRL", 20), [
        (RESERVE, "D", 100, "CHARGEBACK"), (CLEARING, "C", 100, "CHARGEBACK"),
        (DISPUTE_FEES, "D", 20, "FEE"), (CLEARING, "C", 20, "FEE")]),
    ("settlement less a fee", SettlementConfirmed("p", "s", 100, "BRL", 3), [
        (SETTLING, "D", 97, "TRANSFER"), ("expense:processor:BRL", "D", 3, "FEE"), (CLEARING, "C", 100, "TRANSFER")]),
    ("settlement that is final", SettlementFinalityConfirmed("p", "s", 97, "BRL"), [
        (CASH, "D", 97, "TRANSFER"), (SETTLING, "C", 97, "TRANSFER")]),
    ("payout on its way", PayoutRequested("o", S1, 70, "BRL"), [
        (S1, "D", 70, "PAYOUT"), (PAYING_OUT, "C", 70, "PAYOUT")]),
    ("fee", FeeCharged("f", S1, 7, "BRL", "p"), [(S1, "D", 7, "FEE"), (FEES, "C", 7, "FEE")]),
    ("fee given back", FeeRefunded("f", S1, 7, "BRL"), [(S1, "C", 7, "FEE"), (FEES, "D", 7, "FEE")]),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "lines"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_a_step_becomes_these_lines_and_balances(fact: Fact, lines: list[tuple[str, str, int, str]]) -> None:
    draft = propose(fact, CHART)
    assert isinstance(draft, Draft)
    assert not draft.recorded
    assert [(line.account, line.side, line.amount_minor, Purpose(line.purpose).name) for line in draft.lines] == lines
    assert sum(amount if side == "D" else -amount for _, side, amount, _ in lines) == 0


@pytest.mark.parametrize(
    ("fact", "details"),
    [
        (RefundRequested("p", "r", 1, "BRL"), {"refund_id": "r"}),
        (RefundApproved("p", "r"), {"refund_id": "r"}),
        (ChargebackWon("p", "c", 1, "BRL"), {"chargeback_id": "c"}),
        (SettlementFailed("p", "s", "why"), {"settlement_id": "s", "failure_reason": "why"}),
        (PayoutFailed("o", "why"), {"payout_id": "o", "failure_reason": "why"}),
    ],
)
def test_a_step_without_entries_of_its_own_keeps_what_it_says(fact: Fact, details: dict[str, str]) -> None:
    draft = propose(fact, CHART)
    assert isinstance(draft, Draft)
    assert (draft.recorded, draft.lines, draft.details) == (True, [], details)


@pytest.mark.parametrize(
    ("fact", "role"),
    [
        (ChargebackOpened("p", "c", 1, "BRL"), "CHARGEBACK_RESERVE"),
        (ChargebackLost("p", "c", 1, "BRL"), "CHARGEBACK_RESERVE"),
        (SettlementConfirmed("p", "s", 1, "BRL"), "SETTLEMENTS_IN_TRANSIT"),
        (SettlementFinalityConfirmed("p", "s", 1, "BRL"), "CASH"),
        (PayoutRequested("o", S1, 1, "BRL"), "PAYOUTS_IN_TRANSIT"),
        (FeeCharged("f", S1, 1, "BRL"), "PLATFORM_FEES"),
    ],
)
def test_a_chart_without_the_role_parks_the_step(fact: Fact, role: str) -> None:
    refusal = propose(fact, Chart(1, {}, ()))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.waits_for) == (Code.CONTROL_ACCOUNT_MISSING, f"control:{role}:BRL")


def test_a_settlement_can_not_be_all_fee() -> None:
    refusal = propose(SettlementConfirmed("p", "s", 3, "BRL", 3), CHART)
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.DATA_INVALID


def test_a_fee_of_the_platform_to_itself_is_refused() -> None:
    refusal = propose(FeeCharged("f", FEES, 3, "BRL"), CHART)
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.SAME_ACCOUNT_BOTH_SIDES
