"""The reconciler: round after round what differs is a finding, and nothing else changes."""

import asyncio
from collections.abc import Callable

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from consumers.reconciler import Reconciler
from ledger_core.store.connection import Role, connect
from projections.reconciliation.scan import ADVISORY_LOCK_CLASS, SYSTEM_BOOK_ID, ScanResult
from tests.support.postings import Scene, unallocated

pytestmark = pytest.mark.postgres

OPEN = "SELECT book_id, subject FROM reconciliation.finding WHERE state = 'OPEN' ORDER BY 1, 2"
WRITTEN = """SELECT 'finding', subject, xmin::text, ctid::text FROM reconciliation.finding
    UNION ALL SELECT 'scan', number::text, xmin::text, ctid::text FROM reconciliation.scan ORDER BY 1, 2, 3"""
"""Which transaction wrote each row, and where it lies: any write at all shows here."""


class Heard:
    """Metrics as a test reads them."""

    def __init__(self) -> None:
        self.results: list[ScanResult] = []
        self.postponed = 0

    def book_scanned(self, result: ScanResult, seconds: float) -> None:
        self.results.append(result)

    def scan_postponed(self) -> None:
        self.postponed += 1

    def books(self) -> list[int]:
        """Those scanned since the last call, but for the system book, which each round scans."""
        books = [result.book_id for result in self.results if result.book_id != SYSTEM_BOOK_ID]
        self.results.clear()
        return books


def connections(scene: Scene, **options: str) -> Callable[[], psycopg.Connection]:
    dsn = make_conninfo(scene.dsn, options=" ".join(f"-c {name}={value}" for name, value in options.items()))
    return lambda: connect(dsn, Role.RECONCILER)


def test_a_round_scans_what_has_moved_and_one_that_sees_nothing_new_writes_nothing(scene: Scene) -> None:
    heard = Heard()
    reconciler = Reconciler(connections(scene), interval_seconds=1, metrics=heard)
    scene.create_book("other")
    scene.post(unallocated("o-1"), unallocated("o-2", book="other"))
    assert reconciler.scan_once() == 3
    assert heard.books() == [1, 2]
    written = scene.rows(WRITTEN)
    assert reconciler.scan_once() == 1
    assert heard.books() == []
    assert scene.rows(WRITTEN) == written
    scene.post(unallocated("o-3", book="other"))
    reconciler.scan_once()
    assert heard.books() == [2]
    assert scene.rows(OPEN) == [(1, "o-1"), (2, "o-2"), (2, "o-3")]


def test_a_second_reconciler_that_sees_the_same_writes_nothing(scene: Scene) -> None:
    scene.post(unallocated("o-1"))
    Reconciler(connections(scene), interval_seconds=1, metrics=Heard()).scan_once()
    written = scene.rows(WRITTEN)
    Reconciler(connections(scene), interval_seconds=1, metrics=Heard()).scan_once()
    assert scene.rows(WRITTEN) == written


def test_a_book_that_cannot_be_scanned_now_is_scanned_later_and_the_others_at_once(scene: Scene) -> None:
    heard = Heard()
    reconciler = Reconciler(connections(scene, lock_timeout="10ms"), interval_seconds=1, metrics=heard)
    scene.create_book("other")
    scene.post(unallocated("o-1"), unallocated("o-2", book="other"))
    with scene.other_session() as session:
        session.execute("SELECT pg_advisory_xact_lock(%s, 1)", [ADVISORY_LOCK_CLASS])
        reconciler.scan_once()
        assert (heard.books(), heard.postponed) == ([2], 1)
    reconciler.scan_once()
    assert heard.books() == [1]


def test_an_outage_is_waited_out_and_the_end_is_in_good_order(scene: Scene) -> None:
    heard, stop, refused = Heard(), asyncio.Event(), 2

    def sometimes() -> psycopg.Connection:
        nonlocal refused
        if refused:
            refused -= 1
            raise psycopg.OperationalError("the server is away")
        stop.set()
        return connections(scene)()

    scene.post(unallocated("o-1"))
    asyncio.run(Reconciler(sometimes, interval_seconds=60, metrics=heard).run(stop))
    assert (heard.postponed, refused) == (2, 0)
    assert heard.books() == [], "asked to end before the first book"
