"""`ledgerctl explain`: a balance and a voucher, as JSON and as a person reads them."""

from pathlib import Path

import pytest

from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import captured, event, refunded, write

pytestmark = pytest.mark.postgres
WALLET = "wallet:seller:1"


@pytest.fixture
def shop(machine: TestDatabase, tmp_path: Path) -> TestDatabase:
    """A book with a capture, a part of it refunded, and another capture."""
    assert ledgerctl("book", "create", "shop").code == 0
    events = [captured("o1"), refunded("o1", "4000"), captured("o2", "50")]
    assert ledgerctl("ingest", write(tmp_path / "events.ndjson", events)).code == 0
    return machine


def test_a_balance_leads_to_vouchers_rules_events_and_blocks(shop: TestDatabase) -> None:
    explained = ledgerctl("explain", "shop", WALLET, "--json").json
    assert explained["balance"] == {"amount_minor": "5445", "currency": "BRL", "scale": 2, "side": "credit"}
    assert [entry["amount"]["amount_minor"] for entry in explained["entries"]] == ["45", "3600", "9000"]
    refund = explained["entries"][1]
    assert (refund["side"], refund["balance"]["amount_minor"]) == ("debit", "5400")
    voucher = refund["voucher"]
    assert (voucher["kind"], voucher["order_key"]) == ("refund", "o1")
    assert voucher["rule"].startswith("payment_refunded/")
    assert voucher["origin"]["event_id"] == "payment-refund-o1"
    assert voucher["origin"]["record"]["offset"] == 1
    drawn = ledgerctl("explain", "shop", WALLET).out
    for text in (
        "54.45 credit BRL",
        "payment.refunded.v1 payment-refund-o1 of /shop/payments",
        "at offset 1",
        f"block {voucher['block_number']}",
    ):
        assert text in drawn


def test_the_newest_entries_come_first_and_the_rest_is_counted(shop: TestDatabase) -> None:
    ended = ledgerctl("explain", "shop", WALLET, "--last", "1")
    assert "payment-capture-o2" in ended.out
    assert "payment-capture-o1" not in ended.out
    assert "2 earlier entries are not shown (--last 3 shows them)" in ended.out


def test_a_balance_is_explained_at_a_date(shop: TestDatabase) -> None:
    now = ledgerctl("explain", "shop", WALLET, "--json").json
    day = now["entries"][0]["voucher"]["effective_at"][:10]
    at_date = ("explain", "shop", WALLET, "--effective-at")
    assert ledgerctl(*at_date, day, "--json").json == {**now, "effective_at": day}
    assert ledgerctl(*at_date, "2020-01-01", "--json").json["entries"] == []
    drawn = ledgerctl(*at_date, day, "--last", "1").out
    assert f"3 entries that took effect through {day}" in drawn
    assert "2 earlier entries are not shown (--last 3 shows them)" in drawn
    assert ledgerctl(*at_date, day, "--since-zero").code == 2


def test_a_balance_is_explained_as_it_was(shop: TestDatabase) -> None:
    now = ledgerctl("explain", "shop", WALLET, "--json").json
    before = now["entries"][0]["voucher"]["position"] - 1
    then = ledgerctl("explain", "shop", WALLET, "--at-position", str(before), "--json").json
    assert then["balance"] == now["entries"][1]["balance"]
    assert then["entries"] == now["entries"][1:]
    ahead = ledgerctl("explain", "shop", WALLET, "--at-position", "999", "--json")
    assert (ahead.code, ahead.error["code"]) == (1, "POSITION_AHEAD")


def test_since_zero_sums_by_kind_and_counter_account(shop: TestDatabase) -> None:
    sums = ledgerctl("explain", "shop", WALLET, "--since-zero", "--json").json["sums"]
    kinds = [(row["name"], row["debits"]["amount_minor"], row["credits"]["amount_minor"]) for row in sums["by_kind"]]
    assert kinds == [("capture", "0", "9045"), ("refund", "3600", "0")]
    assert [row["name"] for row in sums["by_counter_account"]] == ["clearing:processor:BRL"]
    drawn = ledgerctl("explain", "shop", WALLET, "--since-zero").out
    assert "by counter-account" in drawn
    assert "90.45" in drawn


def test_a_voucher_is_explained_by_its_number(shop: TestDatabase) -> None:
    explained = ledgerctl("explain", "shop", "--voucher", "2", "--json").json
    assert explained["voucher"]["origin"]["event_id"] == "payment-refund-o1"
    assert len(explained["balances"]) == len(explained["voucher"]["lines"]) == 3
    drawn = ledgerctl("explain", "shop", "--voucher", "2").out
    assert "leaves" in drawn
    assert "54.00 credit" in drawn
    missing = ledgerctl("explain", "shop", "--voucher", "99", "--json")
    assert (missing.code, missing.error["code"]) == (1, "VOUCHER_UNKNOWN")


def test_a_member_of_a_group_is_explained_with_the_others(shop: TestDatabase, tmp_path: Path) -> None:
    transfers = [
        {"kind": "transfer", "lines": [
            {"account": account, "side": side, "amount_minor": amount, "currency": "BRL"}
            for account, side in ((WALLET, "debit"), ("wallet:seller:2", "credit"))
        ]}
        for amount in ("11", "12")
    ]  # fmt: skip
    both = event("both", "voucher.group_requested.v1", "both", {"vouchers": transfers})
    assert ledgerctl("ingest", write(tmp_path / "group.ndjson", [both])).code == 0
    explained = ledgerctl("explain", "shop", "--voucher", "5", "--json").json
    assert explained["voucher"]["group"] == [4, 5]
    assert [other["voucher_no"] for other in explained["group_others"]] == [4]
    drawn = ledgerctl("explain", "shop", "--voucher", "5").out
    for text in ("member 2 of 2: vouchers 4 to 5", "member 1 of 2: vouchers 4 to 5", "0.11", "0.12"):
        assert text in drawn
    assert "member 1 of 2: vouchers 4 to 5" in ledgerctl("voucher", "show", "4", "--book", "shop").out


def test_what_a_voucher_says_besides_is_drawn_in_words(shop: TestDatabase, tmp_path: Path) -> None:
    lines = [
        {"account": account, "side": side, "amount_minor": "5", "currency": "BRL"}
        for account, side in ((WALLET, "debit"), ("wallet:seller:2", "credit"))
    ]
    adjusted: dict[str, object] = {"kind": "adjustment", "lines": lines, "metadata": {"case": "7"},
                "adjustment": {"reason": "correction", "reference": "ticket 8"}}  # fmt: skip
    void: dict[str, object] = {"voucher": {"event_id": "adjusted"}, "reason": "a mistake"}
    events = [
        event("adjusted", "voucher.requested.v1", "adjusted", adjusted),
        event("void", "voucher.void_requested.v1", "adjusted", void),
    ]
    assert ledgerctl("ingest", write(tmp_path / "adjusted.ndjson", events)).code == 0
    drawn = ledgerctl("explain", "shop", "--voucher", "4").out
    assert "reason: correction, reference: ticket 8" in drawn
    assert "case: 7" in drawn
    mirror = ledgerctl("explain", "shop", "--voucher", "5").out
    assert not {"[", "{"} & set(drawn.split("record")[0] + mirror.split("record")[0])
    assert "mirrored" in mirror


def test_one_thing_is_explained_at_a_time(shop: TestDatabase) -> None:
    assert ledgerctl("explain", "shop").code == 2
    assert ledgerctl("explain", "shop", WALLET, "--voucher", "1").code == 2
    assert ledgerctl("explain", "shop", "--voucher", "1", "--since-zero").code == 2
    nobody = ledgerctl("explain", "shop", "wallet:seller:nobody", "--json")
    assert (nobody.code, nobody.error["code"]) == (1, "ACCOUNT_MISSING")
