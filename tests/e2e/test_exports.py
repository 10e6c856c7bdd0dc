"""`ledgerctl export` and `verify --against`: files, pipes, and what another program finds."""

import csv
import hashlib
import io
from pathlib import Path

import psycopg
import pytest

from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import captured, refunded, write
from tests.support.judges import programs_of

pytestmark = pytest.mark.postgres


@pytest.fixture
def shop(machine: TestDatabase, tmp_path: Path) -> TestDatabase:
    """A book with a capture, and a part of it refunded."""
    assert ledgerctl("book", "create", "shop").code == 0
    assert ledgerctl("ingest", write(tmp_path / "events.ndjson", [captured("o1"), refunded("o1", "4000")])).code == 0
    return machine


def test_a_journal_goes_to_stdout_and_to_a_file_alike(shop: TestDatabase, tmp_path: Path) -> None:
    piped = ledgerctl("export", "shop", "--format", "hledger")
    assert (piped.code, piped.err) == (0, "")
    assert "    wallet:seller:1  -9000 BRL  ; purpose: seller_share" in piped.out.splitlines()
    file = tmp_path / "shop.journal"
    written = ledgerctl("export", "shop", "--format", "hledger", "--out", str(file), "--json")
    assert file.read_text() == piped.out
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (written.json["sha256"], written.json["bytes"]) == (digest, len(file.read_bytes()))
    assert list(tmp_path.glob("*.partial")) == []


@pytest.mark.parametrize("name", ["hledger", "ledger", "beancount", "csv"])
def test_every_format_can_be_had_at_an_earlier_position(shop: TestDatabase, name: str) -> None:
    now = ledgerctl("export", "shop", "--format", name)
    early = ledgerctl("export", "shop", "--format", name, "--at-position", "3")
    assert (now.code, early.code) == (0, 0)
    assert 0 < len(early.out) < len(now.out)
    ahead = ledgerctl("--json", "export", "shop", "--format", name, "--out", "x", "--at-position", "999")
    assert (ahead.code, ahead.error["code"]) == (1, "POSITION_AHEAD")


def test_entries_come_as_csv(shop: TestDatabase) -> None:
    rows = list(csv.DictReader(io.StringIO(ledgerctl("export", "shop", "--format", "csv").out)))
    assert [(row["account"], row["side"], row["amount_minor"]) for row in rows[:2]] == [
        ("clearing:processor:BRL", "debit", "10000"),
        ("wallet:seller:1", "credit", "9000"),
    ]


def test_what_cannot_be_exported_is_said(shop: TestDatabase, tmp_path: Path) -> None:
    assert ledgerctl("export", "shop").code == 2
    assert ledgerctl("export", "shop", "--format", "quicken").code == 2
    assert ledgerctl("export", "shop", "--format", "csv", "--json").code == 2
    nowhere = ledgerctl("--json", "export", "nowhere", "--format", "csv", "--out", "x")
    assert (nowhere.code, nowhere.error["code"]) == (1, "BOOK_UNKNOWN")
    target = str(tmp_path / "no" / "folder.csv")
    unwritable = ledgerctl("--json", "export", "shop", "--format", "csv", "--out", target)
    assert (unwritable.code, unwritable.error["code"]) == (1, "FILE_UNWRITABLE")


@pytest.mark.parametrize("judge", ["hledger", "ledger", "beancount"])
def test_verify_against_a_judge_agrees_and_then_exits_3_naming_the_account(shop: TestDatabase, judge: str) -> None:
    programs_of(judge)
    agreed = ledgerctl("verify", "--against", judge, "--json")
    assert (agreed.code, agreed.json["ok"]) == (0, True)
    assert {each["book"]: each["ok"] for each in agreed.json["judgements"]} == {"shop": True, "system": True}
    assert f"{judge} agrees on book shop: 3 balances of 2 vouchers" in ledgerctl("verify", "--against", judge).out
    tamper(shop, "+")
    try:
        differing = ledgerctl("verify", "--against", judge, "-b", "shop", "--json")
        assert differing.code == 3
        (judgement,) = differing.json["judgements"]
        (difference,) = judgement["differences"]
        assert (judgement["ok"], difference["account"]) == (False, "wallet:seller:1")
        assert (difference["ours"]["amount_minor"], difference["theirs"]["amount_minor"]) == ("5401", "5400")
        assert "wallet:seller:1" in ledgerctl("verify", "--against", judge).out
    finally:
        tamper(shop, "-")


def tamper(database: TestDatabase, sign: str) -> None:
    """A unit more, or less, on one head."""
    with psycopg.connect(database.dsn()) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            f"""UPDATE ledger.account_head SET credits_posted = credits_posted {sign} 1 FROM ledger.account
                WHERE account.account_id = account_head.account_id AND code = 'wallet:seller:1'""".encode()
        )


@pytest.mark.parametrize("judge", ["hledger", "ledger", "beancount"])
def test_a_judge_that_is_not_there_is_not_ready(
    shop: TestDatabase, judge: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(f"LEDGER_{judge.upper()}", str(tmp_path / "nowhere"))
    ended = ledgerctl("verify", "--against", judge, "--json")
    assert (ended.code, ended.error["code"], ended.out) == (5, "JUDGE_MISSING", "")
    assert f"apt install {judge}" in ended.error["next"]
