"""Why a balance is what it is, and what all there is behind a voucher."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.query import wire_explain as wire
from api.query.answers import link_next, name_position, read_cursor, snapshot_for
from api.query.parameters import AccountCode, BookCode, ExplainQuery, OfBookQuery, VoucherNo
from api.query.services import Served
from projections.queries import effective_explanations, explained_sums, explanations

router = APIRouter(prefix="/v1/books/{book}")


@router.get("/accounts/{account}/explain", tags=["accounts"], summary="Explain a balance")
def explain_balance(
    services: Served,
    request: Request,
    response: Response,
    book: BookCode,
    account: AccountCode,
    query: Annotated[ExplainQuery, Query()],
) -> wire.ExplanationAnswer:
    """The balance, and the entries that make it up, newest first: each with its voucher, the rule that made it, the
    upstream event and its record, the block that seals it, and who took part. With `effective_at` the balance of what
    took effect through that day. All pages of a walk are at one position.
    """
    cursor = read_cursor(services, request, query.cursor)
    asked = query.known_at_position if query.as_of_position is None else query.as_of_position
    position = asked if cursor.position is None else cursor.position
    after = int(cursor.after[0]) if cursor.after else None
    since_zero = query.entries == "since_zero"
    with snapshot_for(services, book, query, at_least=cursor.position or 0) as at:
        if query.effective_at is not None:
            found = effective_explanations.explain_effective(
                at, account, effective_at=query.effective_at, known_at_position=position, after=after, limit=query.limit
            )
        else:
            found = explanations.explain(
                at, account, as_of_position=position, after=after, limit=query.limit, since_zero=since_zero
            )
        sums = None
        if since_zero and not cursor.after:
            sums = explained_sums.sums_since_zero(at, account, as_of_position=found.position)
    name_position(response, found.position)
    next_cursor = None
    if found.entries and found.entries[-1].posting_sequence > found.first_entry:
        last = str(found.entries[-1].posting_sequence)
        next_cursor = link_next(services, request, response, [last], found.position)
    return wire.ExplanationAnswer.of(book, found, sums, next_cursor)


@router.get("/vouchers/{voucher_no}/explain", tags=["vouchers"], summary="Explain a voucher")
def explain_voucher(
    services: Served, response: Response, book: BookCode, voucher_no: VoucherNo, query: OfBookQuery
) -> wire.VoucherExplanationAnswer:
    """A voucher with all that is known of it, and the balance that each of its lines left."""
    with snapshot_for(services, book, query) as at:
        name_position(response, at.position)
        return wire.VoucherExplanationAnswer.of(book, explanations.explain_voucher(at, voucher_no))
