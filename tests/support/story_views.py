"""What analysts find by SQL, and operators on the command line, of payments that were told by stories."""

from collections.abc import Mapping, Sequence

import httpx
from psycopg import Connection
from psycopg.rows import tuple_row

from ledger_core.store.connection import Role, connect
from tests.support.command_line import ledgerctl
from tests.support.market_stories import BAZAAR, MARKET

SHOP = "shop"
REFUSED_SPLITS = [
    (MARKET, "nobodys", "SPLIT_ORDER_NOT_CONFIGURED"), (MARKET, "unready", "SELLER_PAYOUT_PROFILE_MISSING"),
    (MARKET, "uneven", "SPLIT_LEGS_UNBALANCED"), (BAZAAR, "no-recipient", "PLATFORM_COMMISSION_RECIPIENT_MISSING"),
]  # fmt: skip
"""Each way to refuse a split, by name: in which book, of which order."""


RETRY_SAFETY: Mapping[tuple[str, str], Mapping[str, tuple[str, str]]] = {
    (SHOP, "begun"): {"capture": ("INITIATED", "retry")},
    (SHOP, "in-time"): {"capture": ("VOIDED", "done")},
    (SHOP, "abroad"): {
        "capture": ("REFUNDED", "done"), "refund back-33": ("COMPLETED", "done"),
        "refund back-67": ("COMPLETED", "done"),
    },
    (MARKET, "fails"): {"capture": ("FAILED", "investigate")},
    (MARKET, "half"): {
        "capture": ("CAPTURED", "done"), "refund asked": ("PENDING", "wait"),
        "refund approved": ("APPROVED", "retry_once"), "refund slow": ("PROCESSING", "investigate"),
        "refund quick": ("PROCESSING", "wait"),
    },
    (MARKET, "kept"): {"capture": ("CAPTURED", "done"), "refund kept": ("FAILED", "investigate")},
}  # fmt: skip
"""What may be tried again, by where it stands."""


def demand_views(dsn: str) -> None:
    """Payments with what their captures said, legs and events, in the schema `read`; of a refused split its event."""
    with connect(dsn, Role.READER) as connection:
        paid = _ask(
            connection,
            MARKET,
            "SELECT state, finality, method, order_status, custody, captured FROM read.payment",
            "lari",
        )
        assert [(*row[:-1], str(row[-1])) for row in paid] == [
            ("CAPTURED", "CONFIRMED", "card", "SHIPPED", "escrow", "10000.00")
        ]
        legs = _ask(
            connection, MARKET, "SELECT beneficiary, amount, commission, net, back FROM read.payment_leg", "lari"
        )
        assert [tuple(map(str, row)) for row in legs] == [
            ("wallet:seller:tbilisi", "10000.00", "300.00", "9700.00", "0.00")
        ]
        said = _ask(
            connection, MARKET,
            "SELECT outcome, gateway_transaction_id, gateway_response, custody, details #>> '{split,legs,0,net_minor}'"
            " FROM read.payment_event", "lari",
        )  # fmt: skip
        assert said[0] == ("POSTED", "ch_1", "approved", "escrow", "970000")
        for book, order, code in REFUSED_SPLITS:
            for view in ("payment", "payment_leg", "voucher", "statement"):
                assert _ask(connection, book, f"SELECT order_key FROM read.{view}", order) == [], (view, order)
            assert _ask(connection, book, "SELECT code FROM read.payment_event", order) == [(code,)]
            assert _ask(connection, book, "SELECT code FROM read.dead_letter", order) == [(code,)]


def _ask(connection: Connection, book: str, query: str, order_key: str) -> Sequence[tuple[object, ...]]:
    connection.execute(
        "SELECT set_config('ledger.book_id', book_id::text, false) FROM ledger.book_directory WHERE code = %s", [book]
    )
    ordered = " ORDER BY position" if "payment_event" in query else ""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(f"{query} WHERE order_key = %s{ordered}".encode(), [order_key]).fetchall()


def demand_words() -> None:
    """What the command line says of refused splits, and of payments with their proofs."""
    _demand_reasons()
    _demand_proofs()


def _demand_reasons() -> None:
    """On the command line a refused split is no payment, and its timeline names the reason."""
    for book, key, code in REFUSED_SPLITS:
        shown = ledgerctl("--json", "payment", "show", key, "--book", book)
        assert shown.code == 1 or shown.json["payment"]["state"] is None, key
        events = ledgerctl("--json", "payment", "timeline", key, "--book", book).json["timeline"]["events"]
        assert [event["code"] for event in events] == [code]
        assert key not in ledgerctl("payment", "list", "--book", book).out


def _demand_proofs() -> None:
    """On the command line a payment shows its proof and its legs, a timeline what each event said."""
    paid = ledgerctl("payment", "show", "lari", "--book", MARKET).out
    for words in ("SHIPPED", "ch_1", "approved", "escrow", "300.00", "9,700.00"):
        assert words in paid
    told = ledgerctl("--json", "payment", "show", "cod", "--book", SHOP).json
    (proof,) = told["proofs"]
    assert (told["order_status"], proof["confirmed_by"]) == ("DELIVERED", "courier-12")
    assert proof["confirmed_at"] == "2026-11-21T08:00:00Z"
    assert "courier-12" in ledgerctl("payment", "timeline", "cod", "--book", SHOP).out
    assert "anna + ben" in ledgerctl("payment", "timeline", "cash:drawer:7", "--book", SHOP).out


def demand_retry_safety(client: httpx.Client) -> None:
    """May it be tried again? The same answer over HTTP as on the command line, wherever it stands."""
    for (book, key), expected in RETRY_SAFETY.items():
        asked = client.get(f"/v1/books/{book}/payments/{key}").json()["retry_safety"]
        told = ledgerctl("--json", "payment", "retry-check", key, "--book", book).json
        for safety in (asked, told):
            assert {one["what"]: (one["state"], one["answer"]) for one in safety["answers"]} == expected
            assert safety["note"] == "Starting anew with another id is never safe: it may be done twice."
