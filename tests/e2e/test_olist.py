"""The main job on real input: what the public Olist files say is what the ledger says."""

from dataclasses import replace
from pathlib import Path

import pytest

from api.cli.demo_result import Result
from api.cli.demo_run import Hooks, Input, run_demo
from deploy.demo import olist
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.xdist_group("demo"),
    pytest.mark.usefixtures("demo_database"),
    pytest.mark.skipif(
        not (DATA / f"{olist.PAYMENTS_FILE}.xz").exists(),
        reason=f"OLIST NOT TESTED: its files are not in {DATA}",
    ),
]
DIFFERING_ORDERS = 86
SILENT = Hooks(lambda _: None, lambda _: None, lambda *_: None, lambda *_: None)


def differs(order: olist.Order) -> bool:
    gross = sum(order.gross_minor_by_seller.values())
    return bool(order.gross_minor_by_seller) and bool(order.paid_minor) and gross != order.paid_minor


def run(orders: list[olist.Order]) -> Result:
    return run_demo(Input(olist.BOOK, lambda: olist.events_of(orders)), "embedded", SILENT)


def test_orders_whose_payments_differ_are_found_and_a_cent_more_is_one_finding_more(machine: TestDatabase) -> None:
    every = olist.read_orders(DATA)
    different = [order for order in every if differs(order)]
    alike = [order for order in every if order.gross_minor_by_seller and order.paid_minor and not differs(order)][:200]
    assert len(different) == DIFFERING_ORDERS
    result = run(different + alike)
    assert result.holds
    assert result.findings_by_code == {"ORDER_SUSPENSE_NOT_ZERO": DIFFERING_ORDERS}

    seller, gross = next(iter(alike[0].gross_minor_by_seller.items()))
    changed = replace(alike[0], gross_minor_by_seller={**alike[0].gross_minor_by_seller, seller: gross + 1})
    assert run([*different, changed, *alike[1:]]).findings_by_code == {"ORDER_SUSPENSE_NOT_ZERO": DIFFERING_ORDERS + 1}


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_all_of_olist_through_real_kafka_adds_up_to_the_cent(
    machine: TestDatabase, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_KAFKA_BOOTSTRAP", kafka_bootstrap)
    ended = ledgerctl("--json", "demo", "--broker", "kafka", "--olist", str(DATA))
    assert ended.code == 0, ended.err
    result = ended.json
    assert (result["orders"], result["payments"], result["orders_without_payment"]) == (99_441, 103_886, 1)
    assert result["captured_minor"] == {"BRL": 1_600_887_212}
    assert sum(result["outcomes"].values()) == result["events"]
    assert result["outcomes"] | {"posted": 0, "recorded": 0} == dict.fromkeys(result["outcomes"], 0) | {"rejected": 9}
    assert result["refused"] == [{"outcome": "REJECTED", "code": "AMOUNT_NOT_POSITIVE", "events": 9}]
    assert result["trial_balance"] == {"BRL": 0}
    assert result["findings_by_code"] == {"ORDER_SUSPENSE_NOT_ZERO": DIFFERING_ORDERS}
    assert result["suspense_minor"] == {"BRL": 20_908}
    assert result["verify"]["ok"] is True
