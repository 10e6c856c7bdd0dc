"""Questions about the exchange rates that a book was told."""

from fastapi import APIRouter, Response

from api.query import wire_rates as wire
from api.query.answers import name_position, snapshot_for
from api.query.parameters import BookCode, OfBookQuery
from api.query.services import Served
from projections.queries import rates
from projections.queries.snapshot import Reads

router = APIRouter(prefix="/v1/books/{book}/rates", tags=["rates"])


@router.get("", summary="List exchange rates")
def list_rates(services: Served, response: Response, book: BookCode, query: OfBookQuery) -> wire.RatesAnswer:
    """The latest rate of each pair by its own time, in whatever order they came, and whether it is stale."""
    with snapshot_for(services, book, query, reads=Reads.RATES) as at:
        name_position(response, at.position)
        return wire.RatesAnswer.of(book, at.position, rates.rates(at))
