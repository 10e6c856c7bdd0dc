"""Questions about accounts: their balances, statements and days."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.query import wire
from api.query.answers import link_next, name_position, read_cursor, snapshot_for
from api.query.parameters import (
    AccountCode,
    AccountPage,
    BalanceQuery,
    BookCode,
    DaysQuery,
    OfBookQuery,
    StatementQuery,
)
from api.query.services import Served
from projections.queries import accounts, daily_balances, effective_balances, statements
from projections.queries.account_changes import account_changes
from projections.queries.snapshot import Reads

router = APIRouter(prefix="/v1/books/{book}/accounts", tags=["accounts"])


@router.get("", summary="List accounts")
def list_accounts(
    services: Served, request: Request, response: Response, book: BookCode, query: Annotated[AccountPage, Query()]
) -> wire.AccountPage:
    """Accounts in the order of their codes, with their balances; each page is exact at its own position."""
    cursor = read_cursor(services, request, query.cursor)
    after = cursor.after[0] if cursor.after else ""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        found = accounts.accounts(at, after=after, limit=query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    next_cursor = link_next(services, request, response, [page[-1].code]) if more else None
    return wire.AccountPage(
        book=book,
        position=at.position,
        accounts=[wire.Account.of(account) for account in page],
        next_cursor=next_cursor,
    )


@router.get("/{account}", summary="Show an account")
def show_account(
    services: Served, response: Response, book: BookCode, account: AccountCode, query: OfBookQuery
) -> wire.AccountAnswer:
    """An account with its totals and what became of it, exact at the position of the answer."""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        found = accounts.account(at, account)
        changes = [wire.AccountChange.of(change) for change in account_changes(at, found)]
        return wire.AccountAnswer(book=book, position=at.position, changes=changes, **dict(wire.Account.of(found)))


@router.get("/{account}/balance", summary="Show a balance: now, at a position, at a date, or both")
def show_balance(
    services: Served, response: Response, book: BookCode, account: AccountCode, query: Annotated[BalanceQuery, Query()]
) -> wire.BalanceAnswer:
    """The balance of what took effect through `effective_at`, as known at `known_at_position`; now, without either."""
    position = query.known_at_position if query.as_of_position is None else query.as_of_position
    with snapshot_for(services, book, query) as at:
        if query.effective_at is None:
            found = accounts.balance(at, account, as_of_position=position)
        else:
            found = effective_balances.effective_balance(
                at, account, effective_at=query.effective_at, known_at_position=position
            )
        name_position(response, found.position)
        return wire.BalanceAnswer.of(book, found)


@router.get("/{account}/statement", summary="List the entries of an account with running balances")
def list_statement(
    services: Served,
    request: Request,
    response: Response,
    book: BookCode,
    account: AccountCode,
    query: Annotated[StatementQuery, Query()],
) -> wire.StatementAnswer:
    """A page of the statement as known at one position, which all pages of a walk share: each entry comes once."""
    cursor = read_cursor(services, request, query.cursor)
    position = query.as_of_position if cursor.position is None else cursor.position
    with snapshot_for(services, book, query, at_least=cursor.position or 0) as at:
        page = statements.statement(
            at,
            account,
            as_of_position=position,
            after=int(cursor.after[0]) if cursor.after else None,
            limit=query.limit,
            newest_first=query.order == "newest_first",
        )
    name_position(response, page.position)
    entries = [wire.StatementEntry.of(entry) for entry in page.entries]
    end = 1 if query.order == "newest_first" else page.entries_in_all
    next_cursor = None
    if entries and entries[-1].posting_sequence != end:
        after = [str(entries[-1].posting_sequence)]
        next_cursor = link_next(services, request, response, after, page.position)
    return wire.StatementAnswer(
        book=book,
        position=page.position,
        account=account,
        entries_in_all=page.entries_in_all,
        entries=entries,
        next_cursor=next_cursor,
    )


@router.get("/{account}/days", summary="List what moved on an account by day")
def list_days(
    services: Served,
    request: Request,
    response: Response,
    book: BookCode,
    account: AccountCode,
    query: Annotated[DaysQuery, Query()],
) -> wire.DayPage:
    """Debits and credits by UTC day of effective_at, oldest first; days without entries are left out."""
    cursor = read_cursor(services, request, query.cursor)
    after = date.fromisoformat(cursor.after[0]) if cursor.after else date.min
    with snapshot_for(services, book, query, reads=Reads.DAILY_BALANCES) as at:
        accounts.account(at, account)
        name_position(response, at.position)
        through = query.through or date.max
        found = daily_balances.daily_balances(at, account, after=after, through=through, limit=query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    next_cursor = link_next(services, request, response, [page[-1].day.isoformat()]) if more else None
    return wire.DayPage(
        book=book,
        position=at.position,
        account=account,
        days=[wire.Day.of(day) for day in page],
        next_cursor=next_cursor,
    )
