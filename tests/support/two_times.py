"""What balances in two times must be, straight from the entries: no roll-up, no sums by the code under test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import psycopg
import pytest

from projections.day_rollups import stretches


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: when it was recorded, on which UTC day it took effect, debits less credits."""

    account: str
    type: str
    position: int
    day: date
    signed_minor: int


@dataclass(frozen=True, slots=True)
class Oracle:
    """All entries of a book, and sums over them one by one."""

    entries: list[Entry]

    @classmethod
    def of(cls, dsn: str, book: str) -> "Oracle":
        with psycopg.connect(dsn) as admin:
            rows = admin.execute(
                """
                SELECT account.code, account.type, entry.position, (entry.effective_at AT TIME ZONE 'UTC')::date,
                    CASE entry.side WHEN 'D' THEN entry.amount_minor ELSE -entry.amount_minor END
                FROM ledger.entry JOIN ledger.account USING (book_id, account_id) JOIN ledger.book USING (book_id)
                WHERE book.code = %s
                """,
                [book],
            ).fetchall()
        return cls([Entry(*row) for row in rows])

    def accounts(self) -> list[str]:
        return sorted({entry.account for entry in self.entries})

    def known(self, through: date, position: int) -> list[Entry]:
        return [entry for entry in self.entries if entry.day <= through and entry.position <= position]

    def balance(self, account: str, through: date, position: int) -> tuple[int, int]:
        """Entries, and debits less credits."""
        found = [entry.signed_minor for entry in self.known(through, position) if entry.account == account]
        return len(found), sum(found)

    def trial_balance(self, through: date, position: int) -> dict[str, tuple[int, int, int, int]]:
        """By account type: accounts, entries, debits, credits."""
        totals = {}
        known = self.known(through, position)
        for type_ in {entry.type for entry in known}:
            of_type = [entry for entry in known if entry.type == type_]
            amounts = [entry.signed_minor for entry in of_type]
            totals[type_] = (
                len({entry.account for entry in of_type}),
                len(of_type),
                sum(amount for amount in amounts if amount > 0),
                -sum(amount for amount in amounts if amount < 0),
            )
        return totals


@contextmanager
def short_stretches(length: int, fanout: int) -> Iterator[None]:
    """Stretches so short that few entries fill several levels of them; for a database of the test's own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stretches, "LENGTH", length)
        patched.setattr(stretches, "FANOUT", fanout)
        yield
