"""Questions about books and their vouchers, events, payments and findings."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.query import wire
from api.query.answers import link_next, name_position, read_cursor, snapshot_for
from api.query.parameters import (
    BookCode,
    BookPage,
    EventQuery,
    FindingPage,
    OfBookQuery,
    TrialBalanceQuery,
    VoucherNo,
)
from api.query.services import Served
from projections.queries import books, effective_balances, events, findings, health, trial_balances, vouchers
from projections.queries.snapshot import Reads, Snapshot

router = APIRouter(prefix="/v1/books")


@router.get("", tags=["books"], summary="List books")
def list_books(
    services: Served, request: Request, response: Response, query: Annotated[BookPage, Query()]
) -> wire.BookPage:
    """Books in the order of their codes, each with its own position; the answer's is that of the system book."""
    cursor = read_cursor(services, request, query.cursor)
    listed = books.directory(services.pool, after=cursor.after[0] if cursor.after else "", limit=query.limit + 1)
    name_position(response, listed.position)
    found = listed.books
    page, more = found[: query.limit], len(found) > query.limit
    next_cursor = link_next(services, request, response, [page[-1].code]) if more else None
    return wire.BookPage(books=[wire.Book.of(book) for book in page], next_cursor=next_cursor)


@router.get("/{book}", tags=["books"], summary="Show a book")
def show_book(services: Served, response: Response, book: BookCode, query: OfBookQuery) -> wire.Book:
    """How far the book has come."""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        return wire.Book.of(books.book(at))


@router.get("/{book}/vouchers/{voucher_no}", tags=["vouchers"], summary="Show a voucher")
def show_voucher(
    services: Served, response: Response, book: BookCode, voucher_no: VoucherNo, query: OfBookQuery
) -> wire.VoucherAnswer:
    """A voucher with its lines, and the upstream event that caused it."""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        return wire.VoucherAnswer.of(book, vouchers.voucher(at, voucher_no))


@router.get("/{book}/events", tags=["events"], summary="Show what became of an upstream event")
def show_event(
    services: Served, response: Response, book: BookCode, query: Annotated[EventQuery, Query()]
) -> wire.EventAnswer:
    """The outcome by source and event id, with every decision before it and every conflict."""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        return wire.EventAnswer.of(book, at.position, events.event_outcome(at, query.source, query.id))


@router.get("/{book}/trial-balance", tags=["reports"], summary="Show the trial balance")
def show_trial_balance(
    services: Served, response: Response, book: BookCode, query: Annotated[TrialBalanceQuery, Query()]
) -> wire.TrialBalanceAnswer:
    """Debits and credits per currency and account type: now or in two times, from the store; by day, projected."""
    reads = Reads.LOG if query.through is None else Reads.TRIAL_BALANCE
    with snapshot_for(services, book, query, reads=reads) as at:
        position, totals = _trial_balance(at, query)
        name_position(response, position)
        return wire.TrialBalanceAnswer(
            book=book,
            position=position,
            through=query.through,
            effective_at=query.effective_at,
            currencies=[wire.CurrencyTotal.of(total) for total in totals],
        )


def _trial_balance(at: Snapshot, query: TrialBalanceQuery) -> tuple[int, list[trial_balances.CurrencyTotal]]:
    """The totals, and the position at which they are known."""
    if query.through is not None:
        return at.position, trial_balances.trial_balance_through(at, query.through)
    if query.effective_at is None and query.known_at_position is None:
        return at.position, trial_balances.trial_balance(at)
    position = at.position if query.known_at_position is None else query.known_at_position
    day = query.effective_at or effective_balances.END_OF_TIME
    return position, effective_balances.effective_trial_balance(at, effective_at=day, known_at_position=position)


@router.get("/{book}/findings", tags=["reports"], summary="List findings of reconciliation")
def list_findings(
    services: Served, request: Request, response: Response, book: BookCode, query: Annotated[FindingPage, Query()]
) -> wire.FindingPage:
    """Findings in the order of code and subject; the position is the one that the latest complete scan saw."""
    cursor = read_cursor(services, request, query.cursor)
    after = (cursor.after[0], cursor.after[1]) if cursor.after else ("", "")
    with snapshot_for(services, book, query, reads=Reads.FINDINGS) as at:
        name_position(response, at.position)
        found = findings.findings(at, state=query.state, code=query.code, after=after, limit=query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    next_cursor = link_next(services, request, response, [page[-1].code, page[-1].subject]) if more else None
    return wire.FindingPage(
        book=book,
        position=at.position,
        findings=[wire.Finding.of(finding) for finding in page],
        next_cursor=next_cursor,
    )


@router.get("/{book}/lag", tags=["books"], summary="Show how far relay and projections are behind")
def show_lag(services: Served, response: Response, book: BookCode, query: OfBookQuery) -> wire.LagAnswer:
    """Positions of everything that follows the book's log."""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        followers = [wire.Follower.of(follower) for follower in health.followers(at)]
        return wire.LagAnswer(book=book, position=at.position, followers=followers)
