"""Four real books kept in plain text, imported as a user would: every balance is what their own programs computed."""

from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.support.command_line import Ended, ledgerctl
from tests.support.databases import TestDatabase
from tests.support.judges import programs_of
from tests.support.plain_text_books import BOOKS, PlainTextBook, needs_data

pytestmark = [pytest.mark.postgres, needs_data, pytest.mark.timeout(300)]

OURS = ("trading:", "equity:virtual:")
"""Accounts that the journals do not have: where commodities meet, and what virtual postings are balanced by."""

HEADS = """
SELECT account.code, debits_posted - credits_posted, asset.scale
FROM ledger.account_head AS head JOIN ledger.account USING (book_id, account_id)
JOIN ledger.asset ON asset.asset_id = head.asset_id
JOIN ledger.book_directory ON book_directory.book_id = head.book_id
WHERE book_directory.code = 'kept' AND debits_posted <> credits_posted
"""


def imported(book: PlainTextBook, folder: Path) -> Ended:
    file = folder / book.file
    file.write_text(book.text())
    options = [f"--commodity={symbol}={code}" for symbol, code in book.commodities.items()]
    options += [f"--type={name}={kind}" for name, kind in book.types.items()]
    asked = ("--format", book.format, *options, "--add-assets", "--reason", "moved", "--apply", "--json")
    return ledgerctl("import", "journal", "kept", str(file), *asked)


def balances(database: TestDatabase) -> dict[str, Decimal]:
    with psycopg.connect(database.dsn()) as connection:
        rows = connection.execute(HEADS).fetchall()
    return {code: Decimal(minor).scaleb(-scale) for code, minor, scale in rows if not code.startswith(OURS)}


@pytest.fixture(autouse=True)
def kept(machine: TestDatabase) -> None:
    assert ledgerctl("book", "create", "kept").code == 0


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_every_balance_is_what_its_program_computed_and_a_repeat_changes_none(
    book: PlainTextBook, machine: TestDatabase, tmp_path: Path
) -> None:
    first = imported(book, tmp_path)
    assert first.code == 0, first.err
    empty = first.json["read_over"].get("transaction without an amount", 0)
    assert first.json["outcomes"] == {"POSTED": book.transactions - empty}
    held = balances(machine)
    assert held == book.balances()
    again = imported(book, tmp_path)
    assert (again.code, again.json["outcomes"]) == (0, {"REPLAYED": book.transactions - empty})
    assert balances(machine) == held


def test_hledger_agrees_on_every_balance_of_a_book_that_was_imported_from_its_journal(tmp_path: Path) -> None:
    programs_of("hledger")
    (book,) = (book for book in BOOKS if book.name == "hl_bcexample")
    assert imported(book, tmp_path).code == 0
    judged = ledgerctl("verify", "--against", "hledger", "--book", "kept", "--json")
    assert judged.code == 0, judged.err
    (judgement,) = judged.json["judgements"]
    assert (judgement["ok"], judgement["vouchers"]) == (True, book.transactions)
