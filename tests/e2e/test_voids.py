"""Voids from the command line: what they would post, what they post, and what links to what afterwards."""

from pathlib import Path

import pytest

from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import captured, event, refunded, write

pytestmark = pytest.mark.postgres

VOID = ("void", "shop", "1", "--reason", "posted twice")


@pytest.fixture(autouse=True)
def shop(machine: TestDatabase, tmp_path: Path) -> TestDatabase:
    assert ledgerctl("book", "create", "shop", "--reason", "test").code == 0
    assert ledgerctl("ingest", write(tmp_path / "events.ndjson", [captured("o1"), captured("o2")])).code == 0
    return machine


def shown(number: int) -> dict[str, list[int]]:
    """Numbers of the vouchers that one is linked to."""
    links = ledgerctl("voucher", "show", str(number), "--book", "shop", "--json").json["voucher"]["links"]
    return {name: [link["voucher_no"] for link in linked] for name, linked in links.items() if linked}


def test_a_dry_run_shows_the_mirror_and_posts_nothing(machine: TestDatabase) -> None:
    ended = ledgerctl(*VOID, "--json")
    assert (ended.code, ended.json["applied"], ended.json["fate"]["outcome"]) == (0, False, "POSTED")
    (mirror,) = ended.json["fate"]["vouchers"]
    assert mirror["kind"] == "reversal"
    assert [(line["account"], line["side"], line["amount"]["amount_minor"]) for line in mirror["lines"]] == [
        ("clearing:processor:BRL", "credit", "10000"),
        ("wallet:seller:1", "debit", "9000"),
        ("revenue:commission:BRL", "debit", "1000"),
    ]
    assert ledgerctl("voucher", "show", "3", "--book", "shop").code == 1
    assert shown(1) == {}


def test_a_void_that_is_applied_posts_the_mirror_once_and_links_both(machine: TestDatabase) -> None:
    ended = ledgerctl(*VOID, "--requested-by", "ana", "--request", "case-7", "--apply", "--json")
    assert (ended.code, ended.json["outcome"]["voucher_no"], ended.json["outcome"]["event_id"]) == (0, 3, "case-7")
    assert (shown(1), shown(3)) == ({"reversed_by": [3]}, {"reverses": [1]})
    assert "reversed by" in ledgerctl("voucher", "show", "1", "--book", "shop").out
    assert ledgerctl("explain", "shop", "--voucher", "3", "--json").json["voucher"]["persons"] == {
        "requested_by": "ana"
    }
    again = ledgerctl(*VOID, "--apply", "--json")
    assert (again.code, again.error["code"]) == (1, "ALREADY_REVERSED")
    foretold = ledgerctl(*VOID, "--json")
    assert (foretold.code, foretold.json["fate"]["code"]) == (3, "ALREADY_REVERSED")


def test_what_can_not_be_taken_back_says_why(machine: TestDatabase, tmp_path: Path) -> None:
    ledgerctl("ingest", write(tmp_path / "refund.ndjson", [refunded("o1", "4000")]))
    refused = ledgerctl(*VOID, "--apply", "--json")
    assert (refused.code, refused.error["code"]) == (1, "VOID_AFTER_REFUND")
    missing = ledgerctl("void", "shop", "99", "--reason", "none", "--json")
    assert (missing.code, missing.error["code"]) == (1, "VOUCHER_UNKNOWN")
    nameless = ledgerctl("void", "shop", "2", "--reason", " ", "--json")
    assert (nameless.code, nameless.error["code"]) == (1, "REASON_MISSING")


def test_a_voucher_of_a_closed_period_is_taken_back_only_by_who_says_so(machine: TestDatabase, tmp_path: Path) -> None:
    lines = [
        {"account": account, "side": side, "amount_minor": "1", "currency": "BRL"}
        for account, side in (("control:CASH", "debit"), ("wallet:seller:1", "credit"))
    ]
    data: dict[str, object] = {"kind": "payout", "lines": lines}
    old = event("old", "voucher.requested.v1", "old", data, time="2020-12-31T00:00:00Z")
    assert ledgerctl("ingest", write(tmp_path / "old.ndjson", [old])).code == 0
    assert ledgerctl("period", "close", "shop", "--through", "2020-12-31", "--reason", "year end", "--apply").code == 0
    void = ("void", "shop", "3", "--reason", "posted twice", "--json")
    assert ledgerctl(*void).json["fate"]["code"] == "VOUCHER_PERIOD_CLOSED"
    refused = ledgerctl(*void, "--apply")
    assert (refused.code, refused.error["code"]) == (1, "VOUCHER_PERIOD_CLOSED")
    assert ledgerctl(*void, "--apply", "--in-open-period").code == 0
    assert (shown(3), shown(4)) == ({"reversed_by": [4]}, {"reverses": [3]})
    explained = ledgerctl("explain", "shop", "--voucher", "4", "--json").json["voucher"]["details"]
    assert explained["closed_period"] == {"effective_at": "2020-12-31T00:00:00.000000Z", "period": "2020-12-31"}
