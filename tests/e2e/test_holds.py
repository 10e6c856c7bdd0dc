"""Holds from the command line: ingested, listed, shown, expired."""

from pathlib import Path

import pytest

from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import captured, hold, write

pytestmark = pytest.mark.postgres

BUYER = "wallet:buyer:1"
TERMS = {"account": BUYER, "amount_minor": "10000", "currency": "BRL"}
TO_SELLER = {"account": "wallet:seller:1", "amount_minor": "4000", "purpose": "seller_share"}


@pytest.fixture
def shop(machine: TestDatabase, tmp_path: Path) -> TestDatabase:
    """A deposit of which a part was taken, one that was released, and one that is due."""
    assert ledgerctl("book", "create", "shop").code == 0
    events = [
        hold("placed", "deposit-1", **TERMS, capture_tolerance_bps=1_000, expires_at="9999-12-30T00:00:00Z"),
        hold("captured", "deposit-1", to=[TO_SELLER]),
        hold("placed", "deposit-2", **{**TERMS, "account": "wallet:buyer:2"}),
        hold("released", "deposit-2", reason="returned without damage"),
        hold("placed", "deposit-3", time="2021-01-01T00:00:00Z", **TERMS, expires_at="2021-01-02T00:00:00Z"),
    ]
    assert ledgerctl("ingest", write(tmp_path / "holds.ndjson", events)).code == 0
    return machine


def test_hold_events_are_ingested_with_an_outcome_each(shop: TestDatabase, tmp_path: Path) -> None:
    events = [
        hold("captured", "deposit-1", "more", to=[{**TO_SELLER, "amount_minor": "7001"}]),
        hold("captured", "deposit-1", "rest", to=[{**TO_SELLER, "amount_minor": "7000"}]),
        hold("captured", "deposit-2", to=[TO_SELLER]),
        hold("captured", "deposit-3", to=[TO_SELLER]),
        hold("released", "deposit-9"),
    ]
    told = ledgerctl("ingest", write(tmp_path / "more.ndjson", events), "--json").lines
    assert [(line["outcome"], line["code"]) for line in told if "outcome" in line] == [
        ("REJECTED", "CAPTURE_EXCEEDS_HOLD"),
        ("POSTED", ""),
        ("REJECTED", "HOLD_RELEASED"),
        ("REJECTED", "HOLD_EXPIRED"),
        ("PARKED", "HOLD_UNKNOWN"),
    ]


def test_holds_are_listed_by_account_and_status(shop: TestDatabase) -> None:
    def ids(*options: str) -> list[str]:
        ended = ledgerctl("hold", "list", "--book", "shop", "--json", *options)
        assert ended.code == 0
        return [one["hold_id"] for one in ended.json["holds"]]

    assert ids() == ["deposit-1", "deposit-2", "deposit-3"]
    assert ids("--account", BUYER) == ["deposit-1", "deposit-3"]
    assert ids("--account", BUYER, "--status", "PLACED") == ["deposit-3"]
    assert ids("--after", "deposit-1", "--limit", "1") == ["deposit-2"]
    assert ids("--account", "no:such") == []
    assert ledgerctl("hold", "list", "--book", "shop", "--status", "LOST").code == 2
    drawn = ledgerctl("hold", "list", "--book", "shop").out
    assert "PARTIALLY_CAPTURED" in drawn


def test_one_hold_is_shown_with_what_it_still_keeps_back(shop: TestDatabase) -> None:
    ended = ledgerctl("hold", "show", "deposit-1", "--book", "shop", "--json")
    shown = ended.json["hold"]
    assert (ended.code, shown["status"], shown["account"], shown["side"]) == (0, "PARTIALLY_CAPTURED", BUYER, "debit")
    assert [shown[name]["amount_minor"] for name in ("amount", "captured", "released", "held")] == [
        "10000",
        "4000",
        "0",
        "6000",
    ]
    assert (shown["capture_tolerance_bps"], shown["expires_at"]) == (1_000, "9999-12-30T00:00:00.000000Z")
    assert shown["closed_position"] is None
    assert "60.00 BRL" in ledgerctl("hold", "show", "deposit-1", "--book", "shop").out
    missing = ledgerctl("hold", "show", "deposit-9", "--book", "shop", "--json")
    assert (missing.code, missing.error["code"]) == (1, "HOLD_UNKNOWN")
    nowhere = ledgerctl("hold", "show", "deposit-1", "--book", "nowhere", "--json")
    assert (nowhere.code, nowhere.error["code"]) == (1, "BOOK_UNKNOWN")


def test_an_account_is_shown_with_what_is_held_and_available(shop: TestDatabase) -> None:
    account = ledgerctl("account", "show", BUYER, "-b", "shop", "--json").json["account"]
    assert account["balance"] == {"amount_minor": "4000", "currency": "BRL", "scale": 2, "side": "debit"}
    assert account["held"] == {"amount_minor": "16000", "currency": "BRL", "scale": 2}
    assert account["available"] == {"amount_minor": "20000", "currency": "BRL", "scale": 2, "side": "debit"}
    assert "available" in ledgerctl("account", "show", BUYER, "-b", "shop").out


def test_holds_that_are_due_expire_once(shop: TestDatabase) -> None:
    assert ledgerctl("hold", "expire", "--json").json == {"expired": {"shop": 1}}
    assert ledgerctl("hold", "expire", "--json").json == {"expired": {}}
    assert "nothing is due" in ledgerctl("hold", "expire").out
    shown = ledgerctl("hold", "show", "deposit-3", "--book", "shop", "--json").json["hold"]
    assert (shown["status"], shown["released"]["amount_minor"]) == ("EXPIRED", "10000")


def test_a_hold_on_a_frozen_account_is_placed_when_it_thaws(shop: TestDatabase, tmp_path: Path) -> None:
    assert ledgerctl("account", "freeze", BUYER, "-b", "shop", "--reason", "court order").code == 0
    events = [hold("placed", "deposit-4", **TERMS), captured("o1")]
    told = ledgerctl("ingest", write(tmp_path / "more.ndjson", events), "--json").lines
    assert [line["code"] for line in told[:2]] == ["ACCOUNT_FROZEN", ""]
    assert ledgerctl("hold", "show", "deposit-4", "-b", "shop").code == 1
    assert ledgerctl("account", "unfreeze", BUYER, "-b", "shop", "--reason", "lifted", "--json").json["healed"] == 1
    assert ledgerctl("hold", "show", "deposit-4", "-b", "shop", "--json").json["hold"]["status"] == "PLACED"
