"""The main job on input in the shape of the public Olist files: what the files say is what the ledger says.

Where the public files are at hand the same statements are made of them, to the cent.
"""

import csv
import lzma
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from api.cli.demo_result import Result
from api.cli.demo_run import Hooks, Input, olist_files, run_demo
from deploy.demo import olist
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.olist_files import generate

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.xdist_group("demo"),
    pytest.mark.usefixtures("demo_database"),
]
public_files = pytest.mark.skipif(
    not (DATA / f"{olist.PAYMENTS_FILE}.xz").exists(), reason=f"OLIST NOT TESTED: its files are not in {DATA}"
)
DIFFERING_ORDERS = 86
SILENT = Hooks(lambda _: None, lambda _: None, lambda *_: None, lambda *_: None)
# What stands too much in suspense is a credit, what is missing a debit.
OPEN = """SELECT subject, CASE side WHEN 'C' THEN amount_minor ELSE -amount_minor END
    FROM reconciliation.finding WHERE state = 'OPEN'"""


def open_findings(dsn: str) -> dict[str, int]:
    """Order keys with an open finding, and how much too much each has in suspense."""
    with psycopg.connect(dsn) as connection:
        return dict(connection.execute(OPEN).fetchall())


def rows(name: str) -> list[dict[str, str]]:
    with lzma.open(DATA / f"{name}.xz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def differing_by_hand() -> dict[str, int]:
    """Cents by which an order was paid more than its items cost, from the files alone: no code of the ledger's own."""
    paid: dict[str, Decimal] = defaultdict(Decimal)
    sold: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows(olist.PAYMENTS_FILE):
        paid[row["order_id"]] += Decimal(row["payment_value"])
    for row in rows(olist.ITEMS_FILE):
        sold[row["order_id"]] += Decimal(row["price"]) + Decimal(row["freight_value"])
    both = {order: paid[order] - sold[order] for order in sold if paid.get(order)}
    return {order: int(100 * difference) for order, difference in both.items() if difference}


def differs(order: olist.Order) -> bool:
    gross = sum(order.gross_minor_by_seller.values())
    return bool(order.gross_minor_by_seller) and bool(order.paid_minor) and gross != order.paid_minor


def run(orders: list[olist.Order]) -> Result:
    return run_demo(Input(olist.BOOK, lambda: olist.events_of(orders)), "embedded", SILENT)


def test_files_with_planted_differences_give_exactly_those_findings(
    machine: TestDatabase, demo_database: str, tmp_path: Path
) -> None:
    """The same topic once more posts nothing; a cent more in an order that matched is one finding more."""
    files = generate(7, 160, differing=9, zero_payments=4)
    result = run_demo(olist_files(files.write(tmp_path / "files"), None), "embedded", SILENT, replay=True)
    assert result.holds
    assert (result.facts["orders"], result.facts["orders_without_payment"]) == (160, 1)
    assert result.captured_minor == {"BRL": files.captured_minor}
    assert sum(result.outcomes.values()) == result.events
    assert result.outcomes["rejected"] == 4
    assert result.codes == [("REJECTED", "AMOUNT_NOT_POSITIVE", 4)]
    assert result.replay == dict.fromkeys(result.outcomes, 0) | {"replayed": result.events}
    assert open_findings(demo_database) == files.differing
    assert len(files.differing) == 9
    assert result.suspense_minor == {"BRL": sum(files.differing.values())}

    files.add_a_cent_to_an_item(files.matching)
    assert run_demo(olist_files(files.write(tmp_path / "changed"), None), "embedded", SILENT).holds
    assert open_findings(demo_database) == files.differing | {files.matching: -1}


@public_files
def test_orders_whose_payments_differ_are_found_and_a_cent_more_is_one_finding_more(
    machine: TestDatabase, demo_database: str
) -> None:
    by_hand = differing_by_hand()
    assert (len(by_hand), sum(by_hand.values())) == (DIFFERING_ORDERS, 20_908)
    every = olist.read_orders(DATA)
    different = [order for order in every if order.order_id in by_hand]
    alike = [
        order for order in every if order.order_id not in by_hand and order.gross_minor_by_seller and order.paid_minor
    ][:200]
    result = run(different + alike)
    assert result.holds
    assert open_findings(demo_database) == by_hand

    seller, gross = next(iter(alike[0].gross_minor_by_seller.items()))
    changed = replace(alike[0], gross_minor_by_seller={**alike[0].gross_minor_by_seller, seller: gross + 1})
    assert run([*different, changed, *alike[1:]]).holds
    assert open_findings(demo_database) == by_hand | {changed.order_id: -1}


@public_files
@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_all_of_olist_through_real_kafka_adds_up_to_the_cent_and_again_posts_nothing(
    machine: TestDatabase, demo_database: str, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_KAFKA_BOOTSTRAP", kafka_bootstrap)
    ended = ledgerctl("--json", "demo", "--broker", "kafka", "--olist", str(DATA), "--replay")
    assert ended.code == 0, ended.err
    result = ended.json
    assert (result["orders"], result["payments"], result["orders_without_payment"]) == (99_441, 103_886, 1)
    assert result["captured_minor"] == {"BRL": 1_600_887_212}
    assert sum(result["outcomes"].values()) == result["events"]
    assert result["outcomes"] | {"posted": 0, "recorded": 0} == dict.fromkeys(result["outcomes"], 0) | {"rejected": 9}
    assert result["refused"] == [{"outcome": "REJECTED", "code": "AMOUNT_NOT_POSITIVE", "events": 9}]
    assert result["trial_balance"] == {"BRL": 0}
    assert result["findings_by_code"] == {"ORDER_SUSPENSE_NOT_ZERO": DIFFERING_ORDERS}
    assert open_findings(demo_database) == differing_by_hand()
    assert result["suspense_minor"] == {"BRL": 20_908}
    assert result["verify"]["ok"] is True
    assert result["replay"] == dict.fromkeys(result["outcomes"], 0) | {"replayed": result["events"]}
