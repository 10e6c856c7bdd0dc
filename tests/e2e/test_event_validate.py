"""`ledgerctl event validate`: the fate of a file's events, and nothing of it stays."""

from pathlib import Path

import psycopg
import pytest

from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import captured, event, refunded, write

pytestmark = pytest.mark.postgres

COUNTS = """
    SELECT (SELECT count(*) FROM ledger.event), (SELECT count(*) FROM ledger.entry),
        (SELECT count(*) FROM ledger.account),
        (SELECT count(*) FROM ledger.inbox), (SELECT count(*) FROM ledger.dead_letter),
        (SELECT count(*) FROM ledger.source_position), (SELECT sum(position) FROM ledger.book)
"""


@pytest.fixture(autouse=True)
def book(machine: TestDatabase) -> None:
    assert ledgerctl("book", "create", "shop", "--reason", "test").code == 0


def counts(machine: TestDatabase) -> tuple[object, ...]:
    with psycopg.connect(machine.dsn()) as connection:
        return connection.execute(COUNTS).fetchone() or ()


def test_each_line_is_decided_on_what_the_lines_before_it_would_leave_and_nothing_stays(
    machine: TestDatabase, tmp_path: Path
) -> None:
    before = counts(machine)
    lines = [
        captured("o1"),
        refunded("o1", "4000"),
        refunded("o1", "9000").replace(b"payment-refund-o1", b"another-refund-o1").replace(b'"r-o1"', b'"r-2"'),
        refunded("o2"),
        b"nonsense",
        captured("o1"),
    ]
    file = write(tmp_path / "events.ndjson", lines)
    ended = ledgerctl("event", "validate", file, "--json")
    assert ended.code == 3
    found = ended.json["events"]
    assert [(one["outcome"], one["code"]) for one in found] == [
        ("POSTED", ""),
        ("POSTED", ""),
        ("REJECTED", "REFUND_EXCEEDS_CAPTURED"),
        ("PARKED", "PREDECESSOR_ABSENT"),
        ("REJECTED", "NOT_JSON"),
        ("REPLAYED", ""),
    ]
    assert found[3]["waits_for"]
    assert [
        (line["account"], line["side"], line["amount"]["amount_minor"]) for line in found[0]["vouchers"][0]["lines"]
    ] == [
        ("clearing:processor:BRL", "debit", "10000"),
        ("wallet:seller:1", "credit", "9000"),
        ("revenue:commission:BRL", "credit", "1000"),
    ]
    assert ended.json["outcomes"] == {"POSTED": 2, "REJECTED": 2, "PARKED": 1, "REPLAYED": 1}
    assert counts(machine) == before


def test_what_it_says_is_what_ingest_then_does(machine: TestDatabase, tmp_path: Path) -> None:
    lines = [refunded("o1"), captured("o1"), captured("o2", "0"), captured("o3", book="nowhere"), captured("o1", "7")]
    file = write(tmp_path / "events.ndjson", lines)
    foretold = ledgerctl("event", "validate", file, "--json").json["events"]
    done = ledgerctl("ingest", file, "--json").lines
    for member in ("outcome", "code", "detail", "book", "event_id"):
        assert [one[member] for one in foretold] == [one[member] for one in done]


def test_a_known_event_says_what_became_of_it(machine: TestDatabase, tmp_path: Path) -> None:
    file = write(tmp_path / "events.ndjson", [captured("o1")])
    ledgerctl("ingest", file)
    ended = ledgerctl("event", "validate", file)
    assert ended.code == 0
    assert "REPLAYED (known as POSTED)" in ended.out


def test_all_members_of_a_group_are_shown(machine: TestDatabase, tmp_path: Path) -> None:
    lines = [
        {"account": account, "side": side, "amount_minor": "500", "currency": "BRL"}
        for account, side in (("wallet:seller:1", "debit"), ("wallet:seller:2", "credit"))
    ]
    group = event("g1", "voucher.group_requested.v1", "g1", {"vouchers": [{"kind": "transfer", "lines": lines}] * 3})
    ended = ledgerctl("event", "validate", write(tmp_path / "events.ndjson", [group]), "--json")
    assert ended.code == 0
    assert [len(voucher["lines"]) for voucher in ended.json["events"][0]["vouchers"]] == [2, 2, 2]


def test_a_hold_whose_time_has_come_would_expire_first(machine: TestDatabase, tmp_path: Path) -> None:
    data: dict[str, object] = {"hold_id": "h1", "account": "wallet:buyer:1", "amount_minor": "500", "currency": "BRL"}
    due = {"expires_at": "2026-11-21T08:46:54Z"}
    ledgerctl("ingest", write(tmp_path / "placed.ndjson", [event("e1", "hold.placed.v1", "h1", {**data, **due})]))
    taker = {"account": "wallet:seller:1", "amount_minor": "500"}
    file = write(tmp_path / "c.ndjson", [event("e2", "hold.captured.v1", "h1", {"hold_id": "h1", "to": [taker]})])
    before = counts(machine)
    for _ in range(2):
        (fate,) = ledgerctl("event", "validate", file, "--json").json["events"]
        assert (fate["outcome"], fate["code"]) == ("REJECTED", "HOLD_EXPIRED")
        assert counts(machine) == before


def test_a_file_that_would_hold_up_posting_is_refused_with_what_to_do(machine: TestDatabase, tmp_path: Path) -> None:
    ended = ledgerctl("event", "validate", write(tmp_path / "events.ndjson", [b"{}"] * 8_001))
    assert ended.code == 1
    assert "FILE_TOO_LONG" in ended.err
