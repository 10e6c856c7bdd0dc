"""Questions about settlement profiles."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.query import wire_profiles
from api.query.answers import link_next, name_position, read_cursor, snapshot_for
from api.query.parameters import CURSOR, AccountCode, BookCode, CursorText, Limit, OfBook, OfBookQuery
from api.query.services import Served
from projections.queries import profiles

router = APIRouter(prefix="/v1/books/{book}/settlement-profiles", tags=["payments"])


class ProfileQuery(OfBook):
    """A page of settlement profiles, in the order of their beneficiaries."""

    status: wire_profiles.Status | None = None
    limit: Limit = 100
    cursor: CursorText | None = Field(default=None, description=CURSOR)


@router.get("", summary="List settlement profiles")
def list_profiles(
    services: Served, request: Request, response: Response, book: BookCode, query: Annotated[ProfileQuery, Query()]
) -> wire_profiles.ProfilePage:
    """Whether beneficiaries may be paid out, as it was told last; each page is exact at its own position."""
    cursor = read_cursor(services, request, query.cursor)
    after = cursor.after[0] if cursor.after else ""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        found = profiles.profiles(at, status=query.status, after=after, limit=query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    next_cursor = link_next(services, request, response, [page[-1].beneficiary]) if more else None
    return wire_profiles.ProfilePage(
        book=book, position=at.position, profiles=[wire_profiles.SettlementProfile.of(one) for one in page],
        next_cursor=next_cursor,
    )  # fmt: skip


@router.get("/{account}", summary="Show a settlement profile")
def show_profile(
    services: Served, response: Response, book: BookCode, account: AccountCode, query: OfBookQuery
) -> wire_profiles.ProfileAnswer:
    """A beneficiary's, exact at the position of the answer."""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        found = wire_profiles.SettlementProfile.of(profiles.profile(at, account))
        return wire_profiles.ProfileAnswer(book=book, position=at.position, **dict(found))
