"""Scans over real books: what is found, how a finding lives, and that nothing else is written."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ledger_core.store.connection import Role, connect
from projections.reconciliation import CHECKS, Check, ScanResult, UnknownBookError, scan
from projections.reconciliation.scan import ADVISORY_LOCK_CLASS
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger, captured, refunded
from tests.support.shop import book_id_of, posting, scan_book

Row = tuple[object, ...]


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[PostedLedger]:
    with posting(database) as ledger:
        yield ledger


@pytest.fixture
def admin(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        yield connection


def findings(admin: psycopg.Connection) -> list[Row]:
    return admin.execute(
        """
        SELECT code, subject, state, amount_minor, side::text, reopened
        FROM reconciliation.finding ORDER BY code, subject
        """
    ).fetchall()


def row_versions(admin: psycopg.Connection) -> list[Row]:
    """Which transaction wrote each row, and where it lies: any write at all shows here."""
    return admin.execute(
        """
        SELECT 'finding', code || subject, xmin::text, xmax::text, ctid::text FROM reconciliation.finding
        UNION ALL SELECT 'scan', number::text, xmin::text, xmax::text, ctid::text FROM reconciliation.scan ORDER BY 1, 2
        """
    ).fetchall()


def test_an_order_whose_suspense_is_not_zero_is_a_finding_with_its_amount_and_side(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    shop.post([
        captured("even", 1_000, {"a": 1_000}),
        captured("over", 1_000, {"a": 999}),
        captured("under", 1_000, {"a": 1_002}),
    ])  # fmt: skip
    result = scan_book(database, book_id_of(database))
    assert (result.opened, result.open_findings, result.complete) == (2, 2, True)
    assert findings(admin) == [
        ("ORDER_SUSPENSE_NOT_ZERO", "over", "OPEN", 1, "C", 0),
        ("ORDER_SUSPENSE_NOT_ZERO", "under", "OPEN", 2, "D", 0),
    ]


def test_a_finding_is_resolved_when_its_reason_has_gone_and_reopened_as_the_same_row_when_it_is_back(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    book_id = book_id_of(database)
    shop.post([captured("o", 500)])
    assert scan_book(database, book_id).opened == 1
    shop.post([refunded("o", 500)])
    assert scan_book(database, book_id).resolved == 1
    assert findings(admin) == [("ORDER_SUSPENSE_NOT_ZERO", "o", "RESOLVED", 500, "C", 0)]
    shop.post([captured("o", 300, event_id="again")])
    assert scan_book(database, book_id).reopened == 1
    assert findings(admin) == [("ORDER_SUSPENSE_NOT_ZERO", "o", "OPEN", 300, "C", 1)]


def test_a_finding_that_grows_is_changed_and_keeps_the_position_at_which_it_opened(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    book_id = book_id_of(database)
    shop.post([captured("o", 500)])
    opened_at = scan_book(database, book_id).position
    shop.post([captured("o", 1, event_id="more")])
    result = scan_book(database, book_id)
    assert (result.changed, result.opened, result.reopened) == (1, 0, 0)
    row = admin.execute("SELECT amount_minor, opened_at_position FROM reconciliation.finding").fetchone()
    assert row == (501, opened_at)


def test_an_identical_scan_writes_nothing_at_all(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    book_id = book_id_of(database)
    shop.post([captured("o", 500), captured("p", 7)])
    first = scan_book(database, book_id)
    before = row_versions(admin)
    again = scan_book(database, book_id)
    assert row_versions(admin) == before
    assert first.number == 1
    assert again.number is None
    assert again.open_findings == 2


def test_findings_that_stay_as_they_are_are_not_touched_by_a_scan_that_writes_others(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    book_id = book_id_of(database)
    shop.post([captured("o", 500)])
    scan_book(database, book_id)
    before = row_versions(admin)
    shop.post([captured("p", 7)])
    scan_book(database, book_id)
    after = row_versions(admin)
    assert set(before) < set(after)
    assert len(after) == len(before) + 2


def test_a_partial_scan_opens_findings_and_resolves_none(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    book_id = book_id_of(database)
    shop.post([captured("o", 500)])
    scan_book(database, book_id)
    shop.post([refunded("o", 500), captured("p", 7)])
    with connect(database.dsn(), Role.RECONCILER) as connection:
        result = scan(connection, book_id, only=["ORDER_SUSPENSE_NOT_ZERO"])
    assert (result.complete, result.opened, result.resolved, result.open_findings) == (False, 1, 0, 2)
    assert scan_book(database, book_id).resolved == 1


def test_a_scan_that_fails_leaves_no_trace(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    book_id = book_id_of(database)
    shop.post([captured("o", 500)])
    scan_book(database, book_id)
    shop.post([refunded("o", 500), captured("p", 7)])
    before = row_versions(admin)
    broken = Check(
        code="BROKEN",
        title="",
        what_to_do="",
        observations="SELECT (1 / (%(book_id)s - %(book_id)s))::text AS subject, NULL::bigint AS amount_minor, "
        "NULL::smallint AS asset_id, NULL::\"char\" AS side, '{}'::jsonb AS detail",
    )
    with connect(database.dsn(), Role.RECONCILER) as connection, pytest.raises(psycopg.errors.DivisionByZero):
        scan(connection, book_id, checks=[*CHECKS, broken])
    assert row_versions(admin) == before


def test_two_scanners_at_once_count_as_one(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    book_id = book_id_of(database)
    shop.post([captured("o", 500)])
    # Both begin, and take their snapshots, before either of them may go on.
    admin.execute("SELECT pg_advisory_lock(%s, %s)", (ADVISORY_LOCK_CLASS, book_id))
    with ThreadPoolExecutor(2) as threads:
        scans = [threads.submit(scan_book, database, book_id) for _ in range(2)]
        wait_for_waiters(admin, 2)
        admin.execute("SELECT pg_advisory_unlock(%s, %s)", (ADVISORY_LOCK_CLASS, book_id))
        results: list[ScanResult] = [future.result(timeout=60) for future in scans]
    assert sorted(result.number is None for result in results) == [False, True]
    assert {result.open_findings for result in results} == {1}
    assert findings(admin) == [("ORDER_SUSPENSE_NOT_ZERO", "o", "OPEN", 500, "C", 0)]
    assert admin.execute("SELECT count(*) FROM reconciliation.scan").fetchone() == (1,)


def wait_for_waiters(admin: psycopg.Connection, count: int) -> None:
    pause = threading.Event()
    for _ in range(6_000):
        row = admin.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND NOT granted",
            (ADVISORY_LOCK_CLASS,),
        ).fetchone()
        if row == (count,):
            return
        pause.wait(0.01)
    pytest.fail("the scanners did not come to the lock")


def test_one_id_with_two_payloads_is_one_finding_however_often_it_comes(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    shop.post([captured("o", 500, {"a": 500})])
    shop.post([captured("o", 501, {"a": 501})])
    shop.post([captured("o", 502, {"a": 502}), captured("o", 501, {"a": 501})])
    scan_book(database, book_id_of(database))
    assert findings(admin) == [("IDEMPOTENCY_CONFLICT", "/psp#captured-o", "OPEN", None, None, 0)]
    detail = admin.execute("SELECT detail -> 'refused' FROM reconciliation.finding").fetchone()
    assert detail == (2,)


def test_a_stopped_partition_and_a_missing_beginning_are_findings_of_the_system_book(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    shop.post([captured("o", 500, {"a": 500})])
    admin.execute("UPDATE ledger.source_position SET stopped_code = 'TOPIC_RECREATED'")
    admin.execute(
        "INSERT INTO ledger.source_position (topic, partition, beginning, next_offset) VALUES ('old', 3, 70, 70)"
    )
    assert scan_book(database, book_id_of(database)).open_findings == 0
    assert scan_book(database, 0).opened == 2
    assert [row[:3] for row in findings(admin)] == [
        ("SOURCE_HISTORY_MISSING", "old/3", "OPEN"),
        ("SOURCE_STOPPED", "payments/0", "OPEN"),
    ]
    admin.execute("UPDATE ledger.source_position SET stopped_code = ''")
    assert scan_book(database, 0).resolved == 1


def test_findings_of_a_check_that_was_retired_are_resolved_by_the_next_complete_scan(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    book_id = book_id_of(database)
    shop.post([captured("o", 500)])
    scan_book(database, book_id)
    others = [check for check in CHECKS if check.code != "ORDER_SUSPENSE_NOT_ZERO"]
    with connect(database.dsn(), Role.RECONCILER) as connection:
        assert scan(connection, book_id, checks=others).resolved == 1


def test_books_are_scanned_apart(shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection) -> None:
    shop.create_book("other")
    shop.post([captured("o", 500)])
    assert scan_book(database, book_id_of(database, "other")).open_findings == 0
    assert scan_book(database, book_id_of(database)).open_findings == 1


def test_a_scan_of_a_missing_book_and_one_inside_a_transaction_are_refused(database: TestDatabase) -> None:
    with connect(database.dsn(), Role.RECONCILER) as connection:
        with pytest.raises(UnknownBookError):
            scan(connection, 4711)
        connection.execute("SELECT 1")
        with pytest.raises(ValueError, match="a transaction of its own"):
            scan(connection, 0)
