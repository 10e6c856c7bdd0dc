"""Questions about holds."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from api.query import hold_wire
from api.query.answers import link_next, name_position, read_cursor, snapshot_for
from api.query.parameters import CURSOR, BookCode, CursorText, Limit, OfBook, OfBookQuery
from api.query.services import Served
from projections.queries import holds

router = APIRouter(prefix="/v1/books/{book}/holds", tags=["holds"])

HoldId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,199}$", description="Id of the hold")]


class HoldQuery(OfBook):
    """A page of holds, in the order of their ids."""

    account: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,199}$")
    status: hold_wire.Status | None = None
    limit: Limit = 100
    cursor: CursorText | None = Field(default=None, description=CURSOR)


@router.get("", summary="List holds")
def list_holds(
    services: Served, request: Request, response: Response, book: BookCode, query: Annotated[HoldQuery, Query()]
) -> hold_wire.HoldPage:
    """Holds in the order of their ids; each page is exact at its own position."""
    cursor = read_cursor(services, request, query.cursor)
    after = cursor.after[0] if cursor.after else ""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        found = holds.holds(at, account=query.account, status=query.status, after=after, limit=query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    next_cursor = link_next(services, request, response, [page[-1].hold_id]) if more else None
    return hold_wire.HoldPage(
        book=book, position=at.position, holds=[hold_wire.Hold.of(hold) for hold in page], next_cursor=next_cursor
    )


@router.get("/{hold_id}", summary="Show a hold")
def show_hold(
    services: Served, response: Response, book: BookCode, hold_id: HoldId, query: OfBookQuery
) -> hold_wire.HoldAnswer:
    """A hold, exact at the position of the answer."""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        found = hold_wire.Hold.of(holds.hold(at, hold_id))
        return hold_wire.HoldAnswer(book=book, position=at.position, **dict(found))
