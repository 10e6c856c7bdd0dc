"""Rules of sales, of their cost and of inventories: a row a case, ending in its lines."""

from typing import Any

import pytest

from consumers.facts import FACTS
from ledger_core.domain.charts import Chart, chart_from_document
from ledger_core.domain.commerce import CogsRecorded, InventoryAdjusted, SaleCompleted
from ledger_core.domain.facts import Fact
from ledger_core.domain.outcomes import Code, Refusal, SkipReason
from ledger_core.domain.vouchers import Draft, Purpose, Skipped
from ledger_core.rules.catalogue import propose
from schemas.charts import load_chart

CHART = chart_from_document(load_chart())
MORE = InventoryAdjusted("a", 30, "BRL", "increase", "correction", "count-7")
LESS = InventoryAdjusted("a", 30, "BRL", "decrease", "write_off", "count-7")

CASES: list[tuple[str, Fact, str, list[tuple[str, str, int, str]]]] = [
    ("sale for cash", SaleCompleted("s", 100, "BRL", "control:CASH"), "sale", [
        ("cash:bank:BRL", "D", 100, "PAYMENT"), ("revenue:sales:BRL", "C", 100, "PAYMENT")]),
    ("sale from a wallet", SaleCompleted("s", 100, "BRL", "wallet:buyer:1"), "sale", [
        ("wallet:buyer:1", "D", 100, "PAYMENT"), ("revenue:sales:BRL", "C", 100, "PAYMENT")]),
    ("cost of goods", CogsRecorded("s", 60, "BRL"), "cogs", [
        ("expense:cogs:BRL", "D", 60, "COGS"), ("inventory:BRL", "C", 60, "COGS")]),
    ("inventory worth more", MORE, "inventory_adjustment", [
        ("inventory:BRL", "D", 30, "INVENTORY"), ("expense:inventory:BRL", "C", 30, "INVENTORY")]),
    ("inventory worth less", LESS, "inventory_adjustment", [
        ("expense:inventory:BRL", "D", 30, "INVENTORY"), ("inventory:BRL", "C", 30, "INVENTORY")]),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "kind", "lines"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_it_becomes_a_voucher_of_its_kind(fact: Fact, kind: str, lines: list[tuple[str, str, int, str]]) -> None:
    draft = propose(fact, CHART)
    assert isinstance(draft, Draft)
    assert (draft.kind, draft.recorded) == (kind, False)
    assert [(line.account, line.side, line.amount_minor, Purpose(line.purpose).name) for line in draft.lines] == lines


@pytest.mark.parametrize(
    ("fact", "role"),
    [
        (SaleCompleted("s", 1, "BRL", "wallet:buyer:1"), "SALES"),
        (CogsRecorded("s", 1, "BRL"), "COGS"),
        (MORE, "INVENTORY"),
        (LESS, "INVENTORY_ADJUSTMENTS"),
    ],
)
def test_a_chart_without_the_role_parks_it(fact: Fact, role: str) -> None:
    refusal = propose(fact, Chart(1, {}, ()))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.waits_for) == (Code.CONTROL_ACCOUNT_MISSING, f"control:{role}:BRL")


NO_SOURCE: list[dict[str, Any]] = [
    {},
    {"attempt": None},
    {"attempt": {}},
    {"attempt": {"finance": None}},
    {"attempt": {"finance": {}}},
    {"attempt": {"finance": {"source": None}}},
    {"attempt": {"finance": {"source": {}}}},
    {"attempt": {"finance": {"source": {"id": None}}}},
]


@pytest.mark.parametrize("attempt", NO_SOURCE, ids=str)
def test_a_sale_without_a_source_is_skipped_by_name(attempt: dict[str, Any]) -> None:
    fact = FACTS["sale.completed.v1"]({"sale_id": "s", "amount_minor": "1", "currency": "BRL", **attempt})
    draft = propose(fact, CHART)  # type: ignore[arg-type]  # no group
    assert isinstance(draft, Skipped)
    assert draft.reason is SkipReason.SOURCE_NOT_CHOSEN


def test_a_sale_to_the_sales_account_itself_is_refused() -> None:
    refusal = propose(SaleCompleted("s", 1, "BRL", "control:SALES"), CHART)
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.SAME_ACCOUNT_BOTH_SIDES
