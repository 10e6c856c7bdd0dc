"""Exchanges from bytes to every place that shows them: store, API, verification, export; and back again."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.api import client_of
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import event, write
from tests.support.shop import reading_pool

pytestmark = pytest.mark.postgres

RATE = "6.185000000000000001"
"""Past what any float could hold."""
QUOTE = {"rate": RATE, "base": "EUR", "counter": "BRL", "provider": "bank-of-example", "source": "desk quote 17",
         "quoted_at": "2026-10-03T14:59:41Z"}  # fmt: skip
Line = dict[str, str]


def line(account: str, side: str, amount: int, currency: str) -> Line:
    return {"account": account, "side": side, "amount_minor": str(amount), "currency": currency}


SOLD = [line("control:CASH", "credit", 10_000, "EUR"), line("control:TRADING", "debit", 10_000, "EUR")]
BOUGHT = [line("control:CASH", "debit", 61_850, "BRL"), line("control:TRADING", "credit", 61_850, "BRL")]
DOLLARS = [line("control:CASH", "debit", 1, "USD"), line("control:TRADING", "credit", 1, "USD")]


def voucher(name: str, lines: list[Line], **members: object) -> bytes:
    return event(name, "voucher.requested.v1", name, {"kind": "fx", "lines": lines, **members})


EXCHANGE = voucher("fx-1", [*SOLD, *BOUGHT], quote=QUOTE)


@pytest.fixture(autouse=True)
def shop(machine: TestDatabase) -> TestDatabase:
    assert ledgerctl("book", "create", "shop").code == 0
    return machine


def ingest(tmp_path: Path, *lines: bytes) -> list[str]:
    """The code of each, or its outcome."""
    ended = ledgerctl("ingest", write(tmp_path / "events.ndjson", lines), "--json")
    return [said["code"] or said["outcome"] for said in ended.lines]


def balances() -> dict[str, Any]:
    """Of the accounts that an exchange touches; those of credits are negative."""
    shown = ledgerctl("export", "shop", "--format", "csv").out
    sums: dict[str, int] = {}
    header, *rows = [row.split(",") for row in shown.splitlines()]
    for row in rows:
        entry = dict(zip(header, row, strict=True))
        signed = int(entry["amount_minor"]) * (1 if entry["side"] == "debit" else -1)
        sums[entry["account"]] = sums.get(entry["account"], 0) + signed
    return {account: amount for account, amount in sums.items() if amount}


OPEN_POSITIONS = {"cash:bank:EUR": -10_000, "trading:EUR": 10_000, "cash:bank:BRL": 61_850, "trading:BRL": -61_850}


def test_an_exchange_balances_in_each_currency_and_keeps_its_quote_to_the_last_digit(
    machine: TestDatabase, tmp_path: Path
) -> None:
    assert ingest(tmp_path, EXCHANGE) == ["POSTED"]
    assert balances() == OPEN_POSITIONS
    explained = ledgerctl("explain", "shop", "--voucher", "1", "--json").json["voucher"]
    assert explained["details"]["quote"] == QUOTE
    shown = ledgerctl("voucher", "show", "1", "--book", "shop", "--json").json["voucher"]["quote"]
    assert (shown["rate"], shown["stale"]) == (RATE, False)
    assert f"{RATE} BRL for 1 EUR" in ledgerctl("voucher", "show", "1", "--book", "shop").out
    assert ledgerctl("--json", "trial-balance", "--book", "shop").json["trial_balance"] == {"BRL": 0, "EUR": 0}
    with reading_pool(machine) as pool, client_of(pool) as client:
        answer = client.get("/v1/books/shop/vouchers/1").json()
        assert answer["quote"] == {**QUOTE, "age_seconds": answer["quote"]["age_seconds"], "stale": False}
        assert [(one["account"], one["amount"]["side"], one["amount"]["amount_minor"], one["amount"]["currency"])
                for one in answer["lines"]] == [
            ("cash:bank:EUR", "credit", "10000", "EUR"), ("trading:EUR", "debit", "10000", "EUR"),
            ("cash:bank:BRL", "debit", "61850", "BRL"), ("trading:BRL", "credit", "61850", "BRL"),
        ]  # fmt: skip
        assert client.get("/v1/books/shop/vouchers/1/explain").json()["voucher"]["details"]["quote"]["rate"] == RATE
    journal = ledgerctl("export", "shop", "--format", "hledger").out.splitlines()
    assert "    trading:EUR  10000 EUR  ; purpose: exchange" in journal
    assert "    trading:BRL  -61850 BRL  ; purpose: exchange" in journal
    assert ledgerctl("verify").code == 0


def test_the_void_of_an_exchange_takes_back_both_sides_and_leaves_the_quote_where_it_was(tmp_path: Path) -> None:
    assert ingest(tmp_path, EXCHANGE) == ["POSTED"]
    assert ledgerctl("void", "shop", "1", "--reason", "wrong desk", "--apply").code == 0
    assert balances() == {}
    assert ledgerctl("explain", "shop", "--voucher", "1", "--json").json["voucher"]["details"]["quote"] == QUOTE
    assert "quote" not in ledgerctl("explain", "shop", "--voucher", "2", "--json").json["voucher"]["details"]
    assert ingest(tmp_path, voucher("fx-2", [*SOLD, *BOUGHT], quote=QUOTE)) == ["POSTED"]
    assert balances() == OPEN_POSITIONS


def test_a_quote_is_never_given_anew(tmp_path: Path) -> None:
    other = voucher("fx-1", [*SOLD, *BOUGHT], quote={**QUOTE, "rate": "6.185"})
    assert ingest(tmp_path, EXCHANGE, other) == ["POSTED", "IDEMPOTENCY_CONFLICT"]
    assert ledgerctl("explain", "shop", "--voucher", "1", "--json").json["voucher"]["details"]["quote"] == QUOTE


REFUSED: dict[str, tuple[bytes, str]] = {
    "no quote": (voucher("a", [*SOLD, *BOUGHT]), "FX_QUOTE_INVALID"),
    "a quote of another currency": (
        voucher("b", [*SOLD, *BOUGHT], quote={**QUOTE, "counter": "USD"}), "FX_QUOTE_INVALID"
    ),
    "a quote of one currency": (voucher("c", [*SOLD, *BOUGHT], quote={**QUOTE, "base": "BRL"}), "FX_QUOTE_INVALID"),
    "a rate of nothing": (voucher("d", [*SOLD, *BOUGHT], quote={**QUOTE, "rate": "0.00"}), "FX_QUOTE_INVALID"),
    "a rate that is a number": (voucher("e", [*SOLD, *BOUGHT], quote={**QUOTE, "rate": 6.185}), "DATA_INVALID"),
    "a rate in another notation": (voucher("f", [*SOLD, *BOUGHT], quote={**QUOTE, "rate": "6e0"}), "DATA_INVALID"),
    "one side that does not balance": (
        voucher("g", [*SOLD, line("control:CASH", "debit", 61_851, "BRL"), BOUGHT[1]], quote=QUOTE),
        "VOUCHER_UNBALANCED",
    ),
    "sides that balance only together": (
        voucher("h", [line("control:CASH", "credit", 5, "EUR"), line("control:TRADING", "debit", 5, "EUR"),
                      line("control:CASH", "debit", 32, "BRL"), line("control:TRADING", "credit", 32, "BRL"),
                      line("wallet:buyer:1", "credit", 1, "BRL"), line("control:TRADING", "debit", 1, "BRL")],
                quote=QUOTE),
        "SAME_ACCOUNT_BOTH_SIDES",
    ),
    "amounts that are not at the rate": (
        voucher("l", [*SOLD, line("control:CASH", "debit", 61_857, "BRL"),
                      line("control:TRADING", "credit", 61_857, "BRL")], quote=QUOTE), "QUOTE_MISMATCH",
    ),
    "both currencies coming in": (
        voucher("m", [line("control:CASH", "debit", 10_000, "EUR"), line("control:TRADING", "credit", 10_000, "EUR"),
                      *BOUGHT], quote=QUOTE), "DATA_INVALID",
    ),
    "one currency": (voucher("i", SOLD, quote=QUOTE), "DATA_INVALID"),
    "three currencies": (voucher("j", [*SOLD, *BOUGHT, *DOLLARS], quote=QUOTE), "DATA_INVALID"),
    "a side past the trading account": (
        voucher("k", [*SOLD, BOUGHT[0], line("wallet:buyer:1", "credit", 61_850, "BRL")], quote=QUOTE), "DATA_INVALID"
    ),
}  # fmt: skip


def test_what_is_no_exchange_is_refused_by_name(tmp_path: Path) -> None:
    said = ingest(tmp_path, *(refused for refused, _ in REFUSED.values()))
    assert dict(zip(REFUSED, said, strict=True)) == {what: code for what, (_, code) in REFUSED.items()}
    assert balances() == {}


def test_a_voucher_of_another_kind_may_have_several_currencies_and_goes_back_whole(tmp_path: Path) -> None:
    lines = [
        one
        for number, currency in enumerate(("EUR", "BRL", "USD"), start=1)
        for one in (
            line("control:CASH", "debit", number, currency),
            line(f"wallet:buyer:{currency}", "credit", number, currency),
        )
    ]  # fmt: skip
    transfer = event("t-1", "voucher.requested.v1", "t-1", {"kind": "transfer", "lines": lines})
    assert ingest(tmp_path, transfer) == ["POSTED"]
    assert ledgerctl("--json", "trial-balance", "--book", "shop").json["trial_balance"] == {
        "BRL": 0, "EUR": 0, "USD": 0
    }  # fmt: skip
    assert len(balances()) == 6
    assert ledgerctl("void", "shop", "1", "--reason", "posted twice", "--apply").code == 0
    assert balances() == {}
