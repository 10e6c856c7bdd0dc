"""One scan of one book: what the checks observe now, compared with the findings on record, and the
difference written.

A finding is OPEN exactly while the latest complete scan observes it. A scan that observes what is on
record already writes
nothing at all; one that does not finish leaves no trace, since it is one transaction.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg.pq import TransactionStatus

from projections.reconciliation import differences
from projections.reconciliation.checks import CHECKS, Check, Scope
from projections.reconciliation.differences import QUERIES, Change

SYSTEM_BOOK_ID: Final = 0
ADVISORY_LOCK_CLASS: Final = 0x5CA7
ATTEMPTS: Final = 5


class UnknownBookError(LookupError):
    """There is no such book."""


class ScanConflictError(RuntimeError):
    """Other scanners of this book were faster, time and again: scan later."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scan did.

    `number` is None when it had nothing to say that the scans before it had not said.
    """

    book_id: int
    position: int
    number: int | None
    complete: bool
    opened: int
    reopened: int
    changed: int
    resolved: int
    open_findings: int

    @property
    def changes(self) -> dict[Change, int]:
        """How many findings it opened, reopened, changed and resolved."""
        return {
            Change.OPENED: self.opened, Change.REOPENED: self.reopened, Change.CHANGED: self.changed,
            Change.RESOLVED: self.resolved,
        }  # fmt: skip


def scan(
    connection: psycopg.Connection,
    book_id: int,
    *,
    checks: Sequence[Check] = CHECKS,
    only: Collection[str] | None = None,
) -> ScanResult:
    """Run the checks over one book in one snapshot, as `ledger_reconciler`; the connection must not be in
    a transaction.

    `only` names the codes of a partial scan, which opens and changes findings but resolves none. Two scans
    of one book
    at once follow each other. Raises UnknownBookError and ScanConflictError.
    """
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        message = "a scan is a transaction of its own: commit or roll back first"
        raise ValueError(message)
    due = [check for check in checks if check.scope is Scope.BOOK or book_id == SYSTEM_BOOK_ID]
    chosen = due if only is None else [check for check in due if check.code in only]
    for _ in range(ATTEMPTS):
        try:
            with connection.transaction():
                return _scan_once(connection, book_id, chosen, complete=len(chosen) == len(due))
        except (psycopg.errors.UniqueViolation, psycopg.errors.SerializationFailure):
            # While we waited for the lock, our snapshot grew old: the scan before us took the number that
            # we meant to
            # take. What it wrote is visible to the next attempt.
            continue
    message = f"book {book_id} is being scanned by others"
    raise ScanConflictError(message)


def _scan_once(connection: psycopg.Connection, book_id: int, checks: Sequence[Check], *, complete: bool) -> ScanResult:
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE")
    connection.execute(QUERIES["lock_book"], {"lock_class": ADVISORY_LOCK_CLASS, "book_id": book_id})
    book = connection.execute(QUERIES["book_position"], {"book_id": book_id}).fetchone()
    if book is None:
        message = f"book {book_id} does not exist"
        raise UnknownBookError(message)
    position: int = book[0]
    found = [found for check in checks for found in differences.of_check(connection, book_id, check)]
    if complete:
        found += differences.of_retired_checks(connection, book_id, [check.code for check in checks])
    else:
        found = [difference for difference in found if difference.change is not Change.RESOLVED]
    counts = dict.fromkeys(Change, 0) | Counter(difference.change for difference in found)
    number = None
    if found or _moved(connection, book_id, position, complete=complete):
        number = _record(connection, book_id, position, counts, complete=complete)
        differences.write(connection, book_id, position, number, found)
    return ScanResult(
        book_id=book_id,
        position=position,
        number=number,
        complete=complete,
        opened=counts[Change.OPENED],
        reopened=counts[Change.REOPENED],
        changed=counts[Change.CHANGED],
        resolved=counts[Change.RESOLVED],
        open_findings=_number(connection.execute(QUERIES["open_findings"], {"book_id": book_id})),
    )


def _moved(connection: psycopg.Connection, book_id: int, position: int, *, complete: bool) -> bool:
    """Whether a scan of this position is news: findings alone would not say how far they reach."""
    latest = connection.execute(QUERIES["latest_scan"], {"book_id": book_id}).fetchone()
    return latest is None or latest[0] != position or (complete and not latest[1])


def _record(
    connection: psycopg.Connection,
    book_id: int,
    position: int,
    counts: Mapping[Change, int],
    *,
    complete: bool,
) -> int:
    parameters = {str(change): count for change, count in counts.items()}
    scanned = {"book_id": book_id, "position": position, "complete": complete}
    return _number(connection.execute(QUERIES["record_scan"], parameters | scanned))


def _number(cursor: psycopg.Cursor) -> int:
    row = cursor.fetchone()
    if row is None:
        message = "the store gave no row where it always gives one"
        raise psycopg.InternalError(message)
    return int(row[0])
