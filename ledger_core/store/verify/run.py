"""Verification from one snapshot: the log in shares, each share on its own core, then what only the whole can tell."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, wait
from multiprocessing import get_context
from typing import Any, Final, Protocol

import psycopg

from ledger_core.store.connection import Role
from ledger_core.store.verify.accounts import AccountFold, load_accounts
from ledger_core.store.verify.checkpoints import SIGNED_CHECKPOINTS, check_absent_books, check_checkpoints
from ledger_core.store.verify.exchanges import check_exchanges
from ledger_core.store.verify.holds import check_holds
from ledger_core.store.verify.links import SaidLinks, check_links
from ledger_core.store.verify.notices import NoticeSums, check_notices
from ledger_core.store.verify.parts import check_parts
from ledger_core.store.verify.report import Check, Tally, VerifyReport
from ledger_core.store.verify.resumed import KeySums, add_earlier
from ledger_core.store.verify.scan import ShareResult, SourceCounts, SpanResult, scan_share
from ledger_core.store.verify.snapshot import BookEnd, Snapshot, Span, book_ends, share_out
from ledger_core.store.verify.start import Start, find_start, read_before
from ledger_core.store.verify.subjects import OrderKeys, SubjectSums, check_subjects, sum_rows
from ledger_core.store.verify.tables import TableChecks
from ledger_core.store.verify.trust import EVERYTHING, TRUST_NOTHING, Since, Trust

EVENTS_WORTH_A_PROCESS: Final = 100_000
"""A process takes half a second to start: below this many events a share is scanned here."""

Progress = Callable[[int, int], None]
"""Told how many events are done, of how many."""


class Counted(Protocol):
    """A number that several processes raise."""

    value: int

    def get_lock(self) -> Any: ...


def verify(
    dsn: str,
    *,
    books: Sequence[str] | None = None,
    progress: Progress | None = None,
    processes: int = 2,
    role: Role = Role.RECONCILER,
    since: Since = EVERYTHING,
    trust: Trust = TRUST_NOTHING,
) -> VerifyReport:
    """Check everything that the store promises, as of now, while posting goes on.

    `books` limits it to books of these codes; what spans books (partitions) is then left out. With `since` what stands
    before is taken as it is, but for rows that changed since: those are compared with all of their events. `trust` is
    what stands outside the database. Reads only; raises LookupError for an unknown code.
    """
    began = time.perf_counter()
    with Snapshot(dsn, role).connection() as connection:
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        snapshot = Snapshot(dsn, role, exported_id=row[0] if row else None)
        ends = book_ends(connection, books)
        starts = {book.book_id: find_start(connection, book, since, trust) for book in ends}
        total = sum(book.position - starts[book.book_id].position for book in ends)
        shares = share_out(connection, ends, max(1, min(processes, total // EVENTS_WORTH_A_PROCESS)), starts)
        whole = [book for book in ends if not starts[book.book_id].block_number]
        results, subject_rows = _scan_all(snapshot, connection, shares, whole, total, progress or _no_progress)
        tally = Tally()
        check_absent_books(trust, ends, tally)
        sources: SourceCounts = Counter()
        for result in results:
            tally.add(result.tally)
            sources.update(result.sources)
        tables = TableChecks(connection, tally)
        for book in ends:
            spans = [span for result in results for span in result.spans if span.span.book_id == book.book_id]
            start = starts[book.book_id]
            _put_together(connection, book, start, spans, subject_rows.get(book.book_id), tally)
            signed = [position for span in spans for position in span.checkpoints]
            check_checkpoints(connection, book, start, trust, signed, tally)
            tables.check_book(book, None if start.block_number else _last_of_type(spans))
        if books is None:
            tables.check_sources(sources if since.is_everything else None)
    checks = tally.checks(every=since.is_everything)
    positions = {book.code: book.position for book in ends}
    begun = {book.code: starts[book.book_id].position for book in ends}
    ok = all(check.ok for check in checks)
    return VerifyReport(ok, checks, positions, begun, total, time.perf_counter() - began)


def verify_checkpoints(
    dsn: str, *, books: Sequence[str] | None = None, trust: Trust = TRUST_NOTHING, role: Role = Role.RECONCILER
) -> Check:
    """Check signed checkpoints against the chain of blocks alone: in a moment, but no event is read again."""
    tally = Tally()
    with Snapshot(dsn, role).connection() as connection:
        ends = book_ends(connection, books)
        check_absent_books(trust, ends, tally)
        for book in ends:
            start = find_start(connection, book, EVERYTHING, trust)
            check_checkpoints(connection, book, start, trust, (), tally)
    return tally.check(SIGNED_CHECKPOINTS)


def _no_progress(done: int, total: int) -> None:
    pass


def _scan_all(
    snapshot: Snapshot,
    connection: psycopg.Connection[Any],
    shares: Sequence[Sequence[Span]],
    whole: Sequence[BookEnd],
    total: int,
    progress: Progress,
) -> tuple[list[ShareResult], Mapping[int, SubjectSums]]:
    """Every share, the first one here; and, where other processes scan, what subjects of whole books add up to."""
    if len(shares) < 2:
        done = 0

        def advance(events: int) -> None:
            nonlocal done
            done += events
            progress(done, total)

        return [scan_share(connection, spans, advance) for spans in shares], {}
    with ThreadPoolExecutor(1) as meanwhile:
        rows = meanwhile.submit(_sum_subject_rows, snapshot, whole)
        return _share_scans(snapshot, connection, shares, total, progress), rows.result()


def _sum_subject_rows(snapshot: Snapshot, books: Sequence[BookEnd]) -> dict[int, SubjectSums]:
    with snapshot.connection() as connection:
        return {book.book_id: sum_rows(connection, book.book_id, keys=None) for book in books}


def _share_scans(
    snapshot: Snapshot,
    connection: psycopg.Connection[Any],
    shares: Sequence[Sequence[Span]],
    total: int,
    progress: Progress,
) -> list[ShareResult]:
    """This process takes a share, too: it has nothing to load before it begins."""
    context = get_context("spawn")
    counted = context.Value("q", 0)

    def advance(events: int) -> None:
        with counted.get_lock():
            counted.value += events
        progress(counted.value, total)

    with ProcessPoolExecutor(len(shares) - 1, context, _remember_counter, (counted,)) as pool:
        futures = [pool.submit(_scan_elsewhere, snapshot, spans) for spans in shares[1:]]
        first = scan_share(connection, shares[0], advance)
        while wait(futures, timeout=0.2).not_done:
            progress(counted.value, total)
        progress(counted.value, total)
        return [first, *(future.result() for future in futures)]


_counter: Counted | None = None


def _remember_counter(counted: Counted) -> None:
    """A counter that processes share can only be handed over while they start."""
    global _counter
    _counter = counted


def _scan_elsewhere(snapshot: Snapshot, spans: Sequence[Span]) -> ShareResult:
    def advance(events: int) -> None:
        if _counter is not None:
            with _counter.get_lock():
                _counter.value += events

    with snapshot.connection() as connection:
        return scan_share(connection, spans, advance)


def _last_of_type(spans: Sequence[SpanResult]) -> dict[str, int]:
    return {name: last for span in spans for name, last in span.last_of_type.items()}


def _put_together(
    connection: psycopg.Connection[Any],
    book: BookEnd,
    start: Start,
    spans: Sequence[SpanResult],
    subject_rows: SubjectSums | None,
    tally: Tally,
) -> None:
    """What runs of blocks of one book assumed of each other, and what the book's own rows say of the whole."""
    accounts = load_accounts(connection, book.book_id)
    fold = AccountFold(len(accounts.codes))
    sums = KeySums()
    notices = NoticeSums()
    links = SaidLinks()
    before = read_before(connection, book, start, accounts.ids)
    voucher_no, fold.sequence, fold.running = before.voucher_no, before.sequences, before.running
    for span in spans:
        if span.first_voucher_no and span.first_voucher_no != voucher_no + 1:
            tally.bad("voucher_numbers", f"book {book.code}: voucher {span.first_voucher_no} follows {voucher_no}")
        voucher_no = span.last_voucher_no or voucher_no
        fold.follow(span.accounts, accounts.codes, book.code, tally)
        links.add(span.links)
        sums.add(span.subjects, span.parts, span.holds, span.exchanges)
        notices.join(span.notices)
    if voucher_no != book.voucher_no:
        tally.bad("voucher_numbers", f"book {book.code}: the last is {voucher_no}, the book says {book.voucher_no}")
    if book.block_hash != (spans[-1].last_hash if spans else before.block_hash):
        tally.bad("block_hashes", f"book {book.code}: the book's hash is not that of block {book.block_number}")
    check_links(connection, book, start.position, links, tally)
    keys: OrderKeys = None
    if start.block_number:
        fold.compare_ends(accounts, book.code, tally)
        since = {key for span in spans for key in span.order_keys}
        keys = add_earlier(connection, book, start.position, since, sums)
    else:
        fold.compare_heads(accounts, book.code, tally)
        check_notices(connection, book.book_id, book.code, notices, tally)
    check_parts(connection, book, sums.parts, tally, keys)
    check_subjects(connection, book, sums.subjects, tally, keys, subject_rows)
    check_holds(connection, book, sums.holds, tally, keys)
    check_exchanges(connection, book, sums.exchanges, tally, keys)
