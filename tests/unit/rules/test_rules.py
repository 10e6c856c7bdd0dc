"""Posting rules: a row a case, ending in its lines or its refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_core.domain.charts import Chart, chart_from_document
from ledger_core.domain.facts import Fact
from ledger_core.domain.money import MAX_AMOUNT_MINOR
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.payments import (
    Beneficiary,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentRefunded,
    PaymentVoided,
    PayoutPaid,
)
from ledger_core.domain.vouchers import Draft, Purpose
from ledger_core.rules.catalogue import RULES, propose
from schemas.charts import load_chart

CHART = chart_from_document(load_chart())
CLEARING, FEES = "clearing:processor:BRL", "revenue:commission:BRL"
SUSPENSE, UNALLOCATED, CASH = "suspense:orders:BRL", "sales:unallocated:BRL", "cash:bank:BRL"
S1, S2, BUYER = "wallet:seller:1", "wallet:seller:2", "wallet:buyer:1"

Short = tuple[str, str, int, str]


def captured(amount_minor: int, *parts: Beneficiary, payer: str | None = None) -> PaymentCaptured:
    return PaymentCaptured("p", amount_minor, "BRL", "card", parts, payer)


def refunded(amount_minor: int, *parts: Beneficiary, payer: str | None = None) -> PaymentRefunded:
    return PaymentRefunded("p", "r", amount_minor, "BRL", parts, payer)


def lines_of(fact: Fact, chart: Chart = CHART) -> list[Short]:
    draft = propose(fact, chart)
    assert isinstance(draft, Draft)
    assert {line.currency for line in draft.lines} == {"BRL"}
    return [(line.account, line.side, line.amount_minor, Purpose(line.purpose).name) for line in draft.lines]


CASES: list[tuple[str, Fact, list[Short]]] = [
    ("one seller, commission", captured(100, Beneficiary(S1, 100, 1000)), [
        (CLEARING, "D", 100, "PAYMENT"), (S1, "C", 90, "SELLER_SHARE"), (FEES, "C", 10, "PLATFORM_FEE")]),
    ("commission rounds down, the seller gets the remainder", captured(999, Beneficiary(S1, 999, 1250)), [
        (CLEARING, "D", 999, "PAYMENT"), (S1, "C", 875, "SELLER_SHARE"), (FEES, "C", 124, "PLATFORM_FEE")]),
    ("commission below one minor unit leaves no line", captured(9, Beneficiary(S1, 9, 1000)), [
        (CLEARING, "D", 9, "PAYMENT"), (S1, "C", 9, "SELLER_SHARE")]),
    ("all of it commission", captured(50, Beneficiary(S1, 50, 10_000)), [
        (CLEARING, "D", 50, "PAYMENT"), (FEES, "C", 50, "PLATFORM_FEE")]),
    ("fees of all sellers in one line", captured(300, Beneficiary(S1, 100, 1000), Beneficiary(S2, 200, 500)), [
        (CLEARING, "D", 300, "PAYMENT"), (S1, "C", 90, "SELLER_SHARE"), (S2, "C", 190, "SELLER_SHARE"),
        (FEES, "C", 20, "PLATFORM_FEE")]),
    ("one account twice stays two lines", captured(30, Beneficiary(S1, 10), Beneficiary(S1, 20)), [
        (CLEARING, "D", 30, "PAYMENT"), (S1, "C", 10, "SELLER_SHARE"), (S1, "C", 20, "SELLER_SHARE")]),
    ("no beneficiaries: all to suspense", captured(100), [
        (CLEARING, "D", 100, "PAYMENT"), (SUSPENSE, "C", 100, "SUSPENSE")]),
    ("parts are less: the rest to suspense", captured(100, Beneficiary(S1, 99)), [
        (CLEARING, "D", 100, "PAYMENT"), (S1, "C", 99, "SELLER_SHARE"), (SUSPENSE, "C", 1, "SUSPENSE")]),
    ("parts are more: suspense owes it", captured(100, Beneficiary(S1, 101)), [
        (CLEARING, "D", 100, "PAYMENT"), (S1, "C", 101, "SELLER_SHARE"), (SUSPENSE, "D", 1, "SUSPENSE")]),
    ("paid from a wallet", captured(100, Beneficiary(S1, 100), payer=BUYER), [
        (BUYER, "D", 100, "PAYMENT"), (S1, "C", 100, "SELLER_SHARE")]),
    ("a role as beneficiary", captured(100, Beneficiary("control:UNALLOCATED_SALES", 100)), [
        (CLEARING, "D", 100, "PAYMENT"), (UNALLOCATED, "C", 100, "UNALLOCATED")]),
    ("the platform as beneficiary", captured(100, Beneficiary(S1, 97), Beneficiary("control:PLATFORM_FEES", 3)), [
        (CLEARING, "D", 100, "PAYMENT"), (S1, "C", 97, "SELLER_SHARE"), (FEES, "C", 3, "PLATFORM_FEE")]),
    ("refund", refunded(100, Beneficiary(S1, 100, 1000)), [
        (CLEARING, "C", 100, "REFUND"), (S1, "D", 90, "SELLER_SHARE"), (FEES, "D", 10, "PLATFORM_FEE")]),
    ("refund without beneficiaries", refunded(100), [
        (CLEARING, "C", 100, "REFUND"), (SUSPENSE, "D", 100, "SUSPENSE")]),
    ("refund of less than its parts", refunded(100, Beneficiary(S1, 101)), [
        (CLEARING, "C", 100, "REFUND"), (S1, "D", 101, "SELLER_SHARE"), (SUSPENSE, "C", 1, "SUSPENSE")]),
    ("refund to a wallet", refunded(5, Beneficiary(S1, 5), payer=BUYER), [
        (BUYER, "C", 5, "REFUND"), (S1, "D", 5, "SELLER_SHARE")]),
    ("payout", PayoutPaid("o", S1, 70, "BRL"), [(S1, "D", 70, "PAYOUT"), (CASH, "C", 70, "PAYOUT")]),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "lines"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_fact_becomes_these_lines(fact: Fact, lines: list[Short]) -> None:
    assert lines_of(fact) == lines


REFUSALS: list[tuple[str, Fact, Code, str]] = [
    ("role without account", captured(1, Beneficiary("control:LOYALTY", 1)), Code.CONTROL_ACCOUNT_MISSING,
     "control:LOYALTY:BRL"),
    ("payer's role without account", captured(1, payer="control:X"), Code.CONTROL_ACCOUNT_MISSING, "control:X:BRL"),
    ("payer is beneficiary", captured(1, Beneficiary(S1, 1), payer=S1), Code.SAME_ACCOUNT_BOTH_SIDES, ""),
    ("beneficiary is clearing", captured(1, Beneficiary(CLEARING, 1)), Code.SAME_ACCOUNT_BOTH_SIDES, ""),
    ("beneficiary is suspense, which also owes", captured(1, Beneficiary(SUSPENSE, 2)),
     Code.SAME_ACCOUNT_BOTH_SIDES, ""),
    ("payout of cash", PayoutPaid("o", CASH, 1, "BRL"), Code.SAME_ACCOUNT_BOTH_SIDES, ""),
    ("suspense would not hold it", captured(1, *[Beneficiary(S1, MAX_AMOUNT_MINOR)] * 3), Code.SUM_TOO_LARGE, ""),
    ("fees would not hold it", captured(1, *[Beneficiary(S1, MAX_AMOUNT_MINOR, 10_000)] * 2), Code.SUM_TOO_LARGE, ""),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "code", "waits_for"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_fact_is_refused(fact: Fact, code: Code, waits_for: str) -> None:
    refusal = propose(fact, CHART)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.waits_for) == (code, waits_for)


@pytest.mark.parametrize(
    ("fact", "role"),
    [
        (captured(100), "PROCESSOR_CLEARING"),
        (captured(100, payer=BUYER), "ORDER_SUSPENSE"),
        (captured(100, Beneficiary(S1, 100, 1000), payer=BUYER), "PLATFORM_FEES"),
        (PayoutPaid("o", S1, 1, "BRL"), "CASH"),
    ],
)
def test_chart_without_the_role_parks_the_event(fact: Fact, role: str) -> None:
    refusal = propose(fact, Chart(1, {}, ()))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.waits_for) == (Code.CONTROL_ACCOUNT_MISSING, f"control:{role}:BRL")
    assert refusal.outcome == "PARKED"


def test_role_that_is_not_needed_is_not_missed() -> None:
    lines = lines_of(captured(100, Beneficiary(S1, 100), payer=BUYER), Chart(1, {}, ()))
    assert [account for account, *_ in lines] == [BUYER, S1]


@pytest.mark.parametrize("fact", [PaymentAuthorized("p", 1, "BRL", "card"), PaymentVoided("p")])
def test_fact_without_entries_proposes_nothing(fact: Fact) -> None:
    assert propose(fact, CHART) is None


def test_draft_names_its_kind_and_the_version_of_its_rule() -> None:
    draft = propose(captured(100), CHART)
    assert isinstance(draft, Draft)
    assert (draft.kind, draft.rule) == ("capture", "payment_captured/1")


def test_every_fact_has_a_rule_and_names_are_used_once() -> None:
    assert set(RULES) == set(Fact.__args__)
    assert len({rule.label for rule in RULES.values()}) == len(RULES)


PARTS = st.lists(
    st.builds(
        Beneficiary,
        st.sampled_from([S1, S2, "control:UNALLOCATED_SALES"]),
        st.integers(1, 10**12),
        st.integers(0, 10_000),
    ),
    max_size=8,
)


@given(st.integers(1, 10**13), PARTS)
def test_capture_always_balances_and_every_part_sums_to_its_whole(amount_minor: int, parts: list[Beneficiary]) -> None:
    lines = lines_of(captured(amount_minor, *parts))
    assert sum(amount if side == "D" else -amount for _, side, amount, _ in lines) == 0
    assert all(amount > 0 for _, _, amount, _ in lines)
    assert len(lines) >= 2
    shared = sum(amount for *_, amount, purpose in lines if purpose in ("SELLER_SHARE", "UNALLOCATED", "PLATFORM_FEE"))
    assert shared == sum(part.amount_minor for part in parts)


@given(st.integers(1, 10**13), PARTS)
def test_full_refund_takes_back_exactly_what_the_capture_gave(amount_minor: int, parts: list[Beneficiary]) -> None:
    balances: dict[str, int] = {}
    for fact in (captured(amount_minor, *parts), refunded(amount_minor, *parts)):
        for account, side, amount, _ in lines_of(fact):
            balances[account] = balances.get(account, 0) + (amount if side == "D" else -amount)
    assert set(balances.values()) == {0}


@given(st.integers(1, MAX_AMOUNT_MINOR), st.integers(0, 10_000))
def test_commission_never_exceeds_its_exact_part(amount_minor: int, bps: int) -> None:
    lines = {
        purpose: amount for *_, amount, purpose in lines_of(captured(amount_minor, Beneficiary(S1, amount_minor, bps)))
    }
    fee_minor = lines.get("PLATFORM_FEE", 0)
    assert fee_minor * 10_000 <= amount_minor * bps < (fee_minor + 1) * 10_000
    assert lines.get("SELLER_SHARE", 0) == amount_minor - fee_minor
