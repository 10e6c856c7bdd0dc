"""Questions about transfers: where they stand, and what of them waits for what."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from api.query import wire
from api.query.answers import link_next, name_position, read_cursor, snapshot_for
from api.query.parameters import PRINTABLE, BookCode, OfBookQuery
from api.query.payment_routes import IN_STATE, Began
from api.query.services import Served
from projections.queries import transfers
from projections.queries.snapshot import Reads
from projections.queries.states import TransferState

router = APIRouter(prefix="/v1/books/{book}", tags=["payments"])

TransferId = Annotated[str, Path(max_length=1000, pattern=PRINTABLE, description="Id of the transfer")]


class TransferQuery(Began):
    """A page of transfers, the newest first."""

    state: TransferState | None = Field(default=None, description=IN_STATE)


@router.get("/transfers", summary="List transfers")
def list_transfers(
    services: Served, request: Request, response: Response, book: BookCode, query: Annotated[TransferQuery, Query()]
) -> wire.TransferPage:
    """Transfers by when they began, the newest first."""
    cursor = read_cursor(services, request, query.cursor)
    after = transfers.START
    if cursor.after:
        after = transfers.After(datetime.fromisoformat(cursor.after[0]), cursor.after[1])
    wanted = transfers.TransferFilter(query.state, query.began)
    with snapshot_for(services, book, query, reads=Reads.PARTS) as at:
        name_position(response, at.position)
        found = transfers.transfers(at, wanted, after=after, limit=query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    next_cursor = None
    if more:
        last = page[-1]
        next_cursor = link_next(services, request, response, [last.first_effective_at.isoformat(), last.transfer_id])
    return wire.TransferPage(
        book=book, position=at.position, transfers=[wire.Transfer.of(one) for one in page], next_cursor=next_cursor
    )


@router.get("/transfers/{transfer_id:path}", summary="Show a transfer")
def show_transfer(
    services: Served, response: Response, book: BookCode, transfer_id: TransferId, query: OfBookQuery
) -> wire.TransferAnswer:
    """A transfer with its deposits, its approvals and its events, as far as the projection has come; what of it waits,
    and for what, is exact."""
    with snapshot_for(services, book, query, reads=Reads.PARTS) as at:
        name_position(response, at.position)
        return wire.TransferAnswer.story_of(book, at.position, transfers.transfer_story(at, transfer_id))
