"""Split payments: a row a case, ending in its lines or its refusal."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_core.domain.charts import Chart, chart_from_document
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.payments import AtBookRate, Beneficiary, PaymentCaptured
from ledger_core.domain.vouchers import Draft, Purpose
from ledger_core.rules.catalogue import propose
from ledger_core.rules.marketplace import in_marketplace
from schemas.charts import load_chart

DOCUMENT = load_chart()
S1, S2, BUYER = "wallet:seller:1", "wallet:seller:2", "wallet:buyer:1"
CLEARING, FEES = "clearing:processor:GEL", "revenue:commission:GEL"


def chart(**marketplace: object) -> Chart:
    return chart_from_document({**DOCUMENT, "marketplace": marketplace})


def captured(amount_minor: int, *shares: Beneficiary, payer: str | None = None) -> PaymentCaptured:
    return PaymentCaptured("p-1", amount_minor, "GEL", "card", shares, payer)


def proposed(fact: PaymentCaptured, by: Chart) -> Draft | Refusal | None:
    return propose(in_marketplace(fact, by), by)  # type: ignore[arg-type]  # a fact


ESCROW, DIRECT = chart(), chart(custody="direct")
TEN_THOUSAND = captured(1_000_000, AtBookRate(S1, 1_000_000))
Short = tuple[str, str, int, str]
CASES: list[tuple[str, Chart, PaymentCaptured, list[Short]]] = [
    ("10,000.00 GEL: 300.00 of commission, 9,700.00 to the seller", ESCROW, TEN_THOUSAND, [
        (CLEARING, "D", 1_000_000, "PAYMENT"), (S1, "C", 970_000, "SELLER_SHARE"),
        (FEES, "C", 30_000, "PLATFORM_FEE")]),
    ("the same in direct custody", DIRECT, TEN_THOUSAND, [
        (CLEARING, "D", 30_000, "PAYMENT"), (FEES, "C", 30_000, "PLATFORM_FEE")]),
    ("two sellers, one on terms of its own", ESCROW, captured(300, AtBookRate(S1, 100), Beneficiary(S2, 200, 1000)), [
        (CLEARING, "D", 300, "PAYMENT"), (S1, "C", 97, "SELLER_SHARE"), (S2, "C", 180, "SELLER_SHARE"),
        (FEES, "C", 23, "PLATFORM_FEE")]),
    ("commission rounds down, the seller keeps the remainder", ESCROW, captured(99, AtBookRate(S1, 99)), [
        (CLEARING, "D", 99, "PAYMENT"), (S1, "C", 97, "SELLER_SHARE"), (FEES, "C", 2, "PLATFORM_FEE")]),
    ("a commission of nothing is not the default one", ESCROW, captured(100, Beneficiary(S1, 100, 0)), [
        (CLEARING, "D", 100, "PAYMENT"), (S1, "C", 100, "SELLER_SHARE")]),
    ("the chart's own commission", chart(commission_bps=500), captured(100, AtBookRate(S1, 100)), [
        (CLEARING, "D", 100, "PAYMENT"), (S1, "C", 95, "SELLER_SHARE"), (FEES, "C", 5, "PLATFORM_FEE")]),
    ("a wallet pays", ESCROW, captured(100, AtBookRate(S1, 100), payer=BUYER), [
        (BUYER, "D", 100, "PAYMENT"), (S1, "C", 97, "SELLER_SHARE"), (FEES, "C", 3, "PLATFORM_FEE")]),
    ("nothing of it is the platform's", DIRECT, captured(100, Beneficiary(S1, 100, 0)), []),
]  # fmt: skip


@pytest.mark.parametrize(("by", "fact", "lines"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_a_split_payment_becomes_these_lines(by: Chart, fact: PaymentCaptured, lines: list[Short]) -> None:
    draft = proposed(fact, by)
    assert isinstance(draft, Draft)
    assert [(line.account, line.side, line.amount_minor, Purpose(line.purpose).name) for line in draft.lines] == lines
    assert draft.recorded is not bool(lines)


def without(role: str) -> Chart:
    controls: Any = DOCUMENT["controls"]
    kept = [control for control in controls if control["role"] != role]
    return chart_from_document({**DOCUMENT, "controls": kept, "marketplace": {}})


REFUSED: list[tuple[str, Chart, PaymentCaptured, Code, str]] = [
    ("parts are less than the whole", ESCROW, captured(100, AtBookRate(S1, 99)), Code.SPLIT_LEGS_UNBALANCED, ""),
    ("parts are more than the whole", DIRECT, captured(100, AtBookRate(S1, 101)), Code.SPLIT_LEGS_UNBALANCED, ""),
    ("nobody to split among", ESCROW, captured(100), Code.SPLIT_ORDER_NOT_CONFIGURED, ""),
    ("one beneficiary twice", ESCROW, captured(100, AtBookRate(S1, 50), AtBookRate(S1, 50)), Code.DATA_INVALID, ""),
    ("a wallet can't pay directly", DIRECT, captured(9, AtBookRate(S1, 9), payer=BUYER), Code.DATA_INVALID, ""),
    ("nowhere to put the commission", without("PLATFORM_FEES"), captured(100, AtBookRate(S1, 100)),
     Code.PLATFORM_COMMISSION_RECIPIENT_MISSING, "control:PLATFORM_FEES:GEL"),
    ("no clearing", without("PROCESSOR_CLEARING"), captured(100, AtBookRate(S1, 100)),
     Code.CONTROL_ACCOUNT_MISSING, "control:PROCESSOR_CLEARING:GEL"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("by", "fact", "code", "waits_for"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_split_that_can_not_be_is_refused_by_name(
    by: Chart, fact: PaymentCaptured, code: Code, waits_for: str
) -> None:
    refusal = proposed(fact, by)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.waits_for) == (code, waits_for)


def test_a_book_that_is_no_marketplace_takes_captures_as_ever() -> None:
    plain = chart_from_document(DOCUMENT)
    fact = captured(100, AtBookRate(S1, 60))
    assert in_marketplace(fact, plain) is fact
    draft = propose(fact, plain)
    assert isinstance(draft, Draft)
    assert [line.amount_minor for line in draft.lines] == [100, 60, 40]


def test_legs_have_the_same_ids_whenever_they_are_made() -> None:
    fact = captured(300, AtBookRate(S1, 100), AtBookRate(S2, 200))
    legs = [legs_of(fact), legs_of(replace(fact))]
    assert legs[0] == legs[1]
    assert [leg["id"] for leg in legs[0]] == [
        "ffaa1589-5f8e-5eda-a103-4695b2ea99e9",
        "4808be56-cd5a-5444-8dbc-8af24089ef18",
    ]
    assert {leg["beneficiary"]: (leg["commission_minor"], leg["net_minor"]) for leg in legs[0]} == {
        S1: ("3", "97"), S2: ("6", "194")
    }  # fmt: skip
    assert legs_of(replace(fact, payment_id="p-2"))[0]["id"] != legs[0][0]["id"]


def legs_of(fact: PaymentCaptured) -> list[dict[str, str]]:
    draft = proposed(fact, ESCROW)
    assert isinstance(draft, Draft)
    assert draft.details is not None
    split: Any = draft.details["split"]
    legs: list[dict[str, str]] = split["legs"]
    return legs


def share_of(account: str, amount_minor: int, bps: int | None) -> Beneficiary:
    return AtBookRate(account, amount_minor) if bps is None else Beneficiary(account, amount_minor, bps)


@given(st.lists(st.tuples(st.integers(1, 10**9), st.none() | st.integers(0, 10_000)), min_size=1, max_size=20))
def test_legs_are_the_whole_and_the_platform_takes_no_more_than_its_commission(
    shares: list[tuple[int, int | None]],
) -> None:
    fact = captured(
        sum(share for share, _ in shares),
        *(share_of(f"wallet:seller:{n}", *share) for n, share in enumerate(shares)),
    )
    legs = legs_of(fact)
    assert sum(int(leg["commission_minor"]) + int(leg["net_minor"]) for leg in legs) == fact.amount_minor
    for leg, (share, bps) in zip(legs, shares, strict=True):
        assert int(leg["commission_minor"]) * 10_000 <= share * (300 if bps is None else bps)
    for by in (ESCROW, DIRECT):
        draft = proposed(fact, by)
        assert isinstance(draft, Draft)
        assert sum(line.amount_minor if line.side == "D" else -line.amount_minor for line in draft.lines) == 0
