"""Olist with its refunds and payouts in steps, and voids: what the files say of each is what the books say."""

from collections import Counter
from collections.abc import Iterable

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.cli.demo_run import Input, run_demo
from api.cli.stores import DEMO_DATABASE
from deploy.demo import olist
from tests.e2e.test_olist import DATA, DIFFERING_ORDERS, SILENT, differs
from tests.support.databases import TestDatabase

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.xdist_group("demo"),
    pytest.mark.usefixtures("demo_database"),
    pytest.mark.skipif(
        not (DATA / f"{olist.PAYMENTS_FILE}.xz").exists(),
        reason=f"OLIST IN STEPS NOT TESTED: its files are not in {DATA}",
    ),
]
POSTED = """
    SELECT split_part(state ->> 'rule', '/', 1), count(*), sum((state ->> 'amount_minor')::bigint)::bigint FROM (
        SELECT convert_from(state, 'UTF8')::jsonb AS state FROM ledger.event WHERE type = 'voucher.posted'
    ) AS voucher GROUP BY 1
"""
BALANCES = """
    SELECT CASE WHEN account.code LIKE 'wallet:seller:%' THEN 'sellers' ELSE account.code END,
        sum(debits_posted - credits_posted)::bigint
    FROM ledger.account_head JOIN ledger.account USING (book_id, account_id) GROUP BY 1
"""
PAYMENTS = "SELECT state, count(*) FROM projections.payment GROUP BY 1"


def chosen() -> list[olist.Order]:
    """Every order that is refunded or voided, all that differ, and as many again that are paid out."""
    every = olist.read_orders(DATA)
    ended = [order for order in every if order.fate in ("refunded", "voided")]
    different = [order for order in every if differs(order) and order.fate not in ("refunded", "voided")]
    alike = [
        order for order in every if order.gross_minor_by_seller and order.fate == "paid_out" and not differs(order)
    ]
    return [*ended, *different, *alike[:DIFFERING_ORDERS]]


def paid_minor(orders: Iterable[olist.Order], *fates: str) -> int:
    return sum(order.paid_minor for order in orders if order.fate in fates)


def nets_minor(orders: Iterable[olist.Order]) -> int:
    return sum(olist.net_minor(gross) for order in orders for gross in order.gross_minor_by_seller.values())


def test_refunds_voids_and_payouts_add_up_to_the_cent(machine: TestDatabase) -> None:
    orders = chosen()
    fates = Counter(order.fate for order in orders)
    assert (fates["refunded"], fates["voided"]) == (1_093, 138)
    assert paid_minor(orders, "refunded", "voided") == 26_973_511
    paid_out = [order for order in orders if order.fate == "paid_out"]
    result = run_demo(Input(olist.BOOK, lambda: olist.events_of(orders, in_steps=True)), "embedded", SILENT)
    assert result.holds
    assert result.outcomes["rejected"] == sum(not one.amount_minor for order in orders for one in order.payments)
    assert result.outcomes["parked"] == 0
    assert result.captured_minor == {"BRL": paid_minor(orders, "refunded", "voided", "paid_out", "none")}

    dsn = make_conninfo(machine.dsn(), dbname=DEMO_DATABASE)
    with psycopg.connect(dsn, autocommit=True) as connection:
        posted = {rule: (count, minor) for rule, count, minor in connection.execute(POSTED)}
        balances = {code: minor for code, minor in connection.execute(BALANCES) if minor}
        payments: dict[str, int] = dict(connection.execute(PAYMENTS).fetchall())
    payouts = sum(len(order.gross_minor_by_seller) for order in paid_out)
    assert posted["payment_voided"] == (138, paid_minor(orders, "voided"))
    assert posted["refund_completed"] == (1_093, paid_minor(orders, "refunded"))
    assert posted["payout_requested"] == posted["payout_paid"] == (payouts, nets_minor(paid_out))
    rest = [order for order in orders if order.fate == "none"]
    assert balances.get("sellers", 0) == -nets_minor(rest)
    assert balances["cash:bank:BRL"] == -nets_minor(paid_out)
    assert balances["clearing:processor:BRL"] == paid_minor(orders, "paid_out", "none")
    assert "clearing:payouts:BRL" not in balances
    assert payments["VOIDED"] == 138
    assert payments["REFUNDED"] == 1_093
