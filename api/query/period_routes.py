"""Questions about the periods of a book."""

from fastapi import APIRouter, Response

from api.query import wire_periods as wire
from api.query.answers import name_position, snapshot_for
from api.query.parameters import BookCode, OfBookQuery, PeriodEnd
from api.query.services import Served
from projections.queries import periods

router = APIRouter(prefix="/v1/books/{book}/periods", tags=["periods"])


@router.get("", summary="List the periods of a book")
def list_periods(services: Served, response: Response, book: BookCode, query: OfBookQuery) -> wire.PeriodsAnswer:
    """Periods that were ever closed, oldest first, each with what its closing sealed; what follows the last is open."""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        found = [wire.Period.of(period) for period in periods.periods(at)]
        return wire.PeriodsAnswer(book=book, position=at.position, periods=found)


@router.get("/{through}", summary="Show a period")
def show_period(
    services: Served, response: Response, book: BookCode, through: PeriodEnd, query: OfBookQuery
) -> wire.PeriodAnswer:
    """The period that ends with a day: who closed or reopened it and why, and what its closing sealed."""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        found = wire.Period.of(periods.period(at, through))
        return wire.PeriodAnswer(book=book, position=at.position, **dict(found))
