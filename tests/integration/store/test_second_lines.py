"""A second set of balanced lines, slipped into the transaction of a true voucher: every guard is content with it.

Its block, heads and numbers are as they should be, so only the events tell that nobody asked for it. `verify` finds it.
"""

from collections.abc import Iterator

import pytest

from ledger_core.store.poster import Poster
from ledger_core.store.verify import verify
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger, authorized, captured

pytestmark = pytest.mark.postgres

DEBITED, CREDITED = "clearing:processor:BRL", "wallet:seller:a"

RAISE_HEAD = """UPDATE ledger.account_head AS head SET posting_sequence = posting_sequence + 1,
    debits_posted = debits_posted + %(debit)s, credits_posted = credits_posted + %(credit)s
FROM ledger.account
WHERE head.book_id = 1 AND account.book_id = 1 AND head.account_id = account.account_id AND account.code = %(code)s"""

LINES = """INSERT INTO ledger.entry (book_id, position, account_id, posting_sequence, line, side, amount_minor,
    running_minor, asset_id, purpose, effective_at)
SELECT 1, %(position)s, account_id, posting_sequence, CASE code WHEN %(debited)s THEN 1 ELSE 2 END,
    CASE code WHEN %(debited)s THEN 'D' ELSE 'C' END::"char", 5, debits_posted - credits_posted, head.asset_id, 1, now()
FROM ledger.account_head AS head JOIN ledger.account USING (book_id, account_id)
WHERE book_id = 1 AND code IN (%(debited)s, %(credited)s)"""


@pytest.fixture
def ledger(database: TestDatabase) -> Iterator[PostedLedger]:
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        ledger.post([captured("o-1", 1_000, {"a": 1_000})])
        yield ledger


def post_with_more_lines(ledger: PostedLedger, offset: int) -> int:
    """Posts a voucher and a fact as one batch; its transaction also writes lines `offset` behind the voucher."""
    slipped_in_at = 0

    def slip_in(label: str) -> None:
        nonlocal slipped_in_at
        if label != "before_commit":
            return
        hand = ledger.poster._posting
        (first,) = hand.execute("SELECT max(position) - 1 FROM ledger.event WHERE book_id = 1").fetchone() or (0,)
        slipped_in_at = first + offset
        hand.execute(RAISE_HEAD, {"debit": 5, "credit": 0, "code": DEBITED})
        hand.execute(RAISE_HEAD, {"debit": 0, "credit": 5, "code": CREDITED})
        hand.execute(LINES, {"position": slipped_in_at, "debited": DEBITED, "credited": CREDITED})

    ledger.poster.close()
    ledger.poster = Poster(ledger.dsn, decode=ledger.decoder.decode, label=slip_in)
    ledger.poster.open()
    ledger.post([captured("o-2", 1_000, {"a": 1_000}), authorized("o-3", 100)])
    assert slipped_in_at
    return slipped_in_at


@pytest.mark.parametrize("offset", [0, 1], ids=["beside a voucher's own lines", "behind a fact without lines"])
def test_lines_that_no_voucher_states_are_found_whatever_else_agrees(ledger: PostedLedger, offset: int) -> None:
    position = post_with_more_lines(ledger, offset)
    report = verify(ledger.dsn)
    bad = {check.name: check.first_bad for check in report.checks if not check.ok}
    assert bad["entries_match_events"] == f"book shop: voucher at position {position}"
