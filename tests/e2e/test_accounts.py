"""Accounts from the command line: who asked for what became of them, and closing with a voucher."""

from pathlib import Path

import pytest

from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import captured, write

pytestmark = pytest.mark.postgres

SELLER, OTHER = "wallet:seller:1", "wallet:seller:2"
WHY = ("-b", "shop", "--reason", "case 7")
BY_ANA = (*WHY, "--requested-by", "ana")


@pytest.fixture(autouse=True)
def shop(machine: TestDatabase, tmp_path: Path) -> TestDatabase:
    assert ledgerctl("book", "create", "shop", "--reason", "test").code == 0
    lines = [captured("o1"), captured("o2", seller=OTHER)]
    assert ledgerctl("ingest", write(tmp_path / "events.ndjson", lines)).code == 0
    return machine


def test_who_asked_for_a_change_of_an_account_stands_beside_it(shop: TestDatabase) -> None:
    opened = ("account", "open", "vault:1", "--type", "asset", "--currency", "BRL", *BY_ANA)
    limited = ("account", "limit", "vault:1", "--policy", "warn", "--minimum", "-500", *BY_ANA)
    for command in (
        opened,
        limited,
        *(("account", verb, "vault:1", *BY_ANA) for verb in ("freeze", "unfreeze", "close")),
    ):
        assert ledgerctl(*command).code == 0
    changes = ledgerctl("account", "show", "vault:1", "-b", "shop", "--json").json["changes"]
    assert [(each["change"], each["persons"]) for each in changes] == [
        (what, {"requested_by": "ana"}) for what in ("closed", "unfrozen", "frozen", "limits_set", "opened")
    ]
    assert changes[3]["limits"]["minimum"] == {"amount_minor": "500", "currency": "BRL", "scale": 2, "side": "credit"}
    assert ledgerctl("explain", "shop", "vault:1", "--json").json["changes"] == changes
    for drawn in (ledgerctl("account", "show", "vault:1", "-b", "shop"), ledgerctl("explain", "shop", "vault:1")):
        assert drawn.out.count("requested_by ana") == len(changes)


def test_an_account_closes_with_a_voucher_that_moves_the_rest(shop: TestDatabase) -> None:
    close = ("account", "close", SELLER, "--json", *BY_ANA)
    without = ledgerctl(*close)
    assert (without.code, without.error["code"]) == (1, "ACCOUNT_NOT_ZERO")
    nowhere = ledgerctl(*close, "--to", "wallet:seller:none")
    assert (nowhere.code, nowhere.error["code"]) == (1, "ACCOUNT_MISSING")
    ended = ledgerctl(*close, "--to", OTHER, "--request", "case-7")
    assert (ended.code, ended.json["outcome"]["outcome"], ended.json["outcome"]["voucher_no"]) == (0, "POSTED", 3)
    again = ledgerctl(*close, "--to", OTHER, "--request", "case-7")
    assert (again.code, again.json["outcome"]["outcome"]) == (0, "REPLAYED")
    closed = ledgerctl("account", "show", SELLER, "-b", "shop", "--json").json
    assert (closed["account"]["status"], closed["account"]["balance"]["amount_minor"]) == ("closed", "0")
    assert (closed["changes"][0]["change"], closed["changes"][0]["persons"]) == ("closed", {"requested_by": "ana"})
    assert closed["changes"][0]["origin"]["event_id"] == "case-7"
    voucher = ledgerctl("explain", "shop", "--voucher", "3", "--json").json["voucher"]
    assert (voucher["kind"], voucher["persons"], voucher["order_key"]) == ("closing", {"requested_by": "ana"}, SELLER)
    log = ledgerctl("findings", "-b", "shop", "--json")
    assert log.code == 0
    shown = ledgerctl("book", "list", "--json").json["books"]
    refused = ledgerctl(*close, "--to", OTHER)
    assert (refused.code, refused.error["code"]) == (1, "ACCOUNT_CLOSED")
    assert ledgerctl("book", "list", "--json").json["books"] == shown, "what would be refused is not asked"
