"""Questions about payments, what belongs to them, and how they came to be as they are."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from api.cursors import Cursor
from api.query import wire
from api.query.answers import link_next, name_position, read_cursor, snapshot_for
from api.query.parameters import (
    CURSOR,
    AccountCode,
    AccountPage,
    BookCode,
    CursorText,
    Day,
    Limit,
    OfBook,
    OfBookQuery,
    OrderKey,
)
from api.query.services import Served
from projections.queries import beneficiaries, parts, payment_stories, payments, timelines
from projections.queries.snapshot import Reads
from projections.queries.states import FeeState, PaymentState, PayoutState, RefundState

router = APIRouter(prefix="/v1/books/{book}", tags=["payments"])

NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,199}$"
IN_STATE: Final = "Only those in this state"
NO_CONTROL: Final = r"^[^\x00-\x1f\x7f]+$"
PartId = Annotated[str, Path(pattern=NAME, description="Id of the refund, payout or fee")]


class Began(OfBook):
    """What began on some days."""

    since: Day | None = Field(
        default=None, description="Only those whose first event happened on this UTC day or later"
    )
    through: Day | None = Field(default=None, description="Only those whose first event happened until this UTC day")
    limit: Limit = 100
    cursor: CursorText | None = Field(default=None, description=CURSOR)

    @property
    def began(self) -> payments.Period:
        since = _midnight(self.since) if self.since else payments.LONG_AGO
        if self.through is None or self.through >= payments.FAR_AHEAD.date():
            return payments.Period(since)
        return payments.Period(since, _midnight(self.through) + timedelta(days=1))


class PaymentQuery(Began):
    """A page of payments, the newest first."""

    state: PaymentState | None = Field(default=None, description=IN_STATE)
    order_key: str | None = Field(
        default=None, max_length=1000, pattern=NO_CONTROL, description="Only those whose order key begins so"
    )
    beneficiary: str | None = Field(default=None, pattern=NAME, description="Only those with entries on this account")


class RefundQuery(Began):
    """A page of refunds, the newest first."""

    state: RefundState | None = Field(default=None, description=IN_STATE)
    order_key: str | None = Field(
        default=None, max_length=1000, pattern=NO_CONTROL, description="Only those of this payment"
    )


class PayoutQuery(Began):
    """A page of payouts, the newest first."""

    state: PayoutState | None = Field(default=None, description=IN_STATE)
    account: str | None = Field(default=None, pattern=NAME, description="Only those from this account")


class FeeQuery(Began):
    """A page of fees, the newest first."""

    state: FeeState | None = Field(default=None, description=IN_STATE)
    account: str | None = Field(default=None, pattern=NAME, description="Only those that this account was charged")


class PartQuery(OfBook):
    """One refund, payout or fee."""

    order_key: str | None = Field(
        default=None, max_length=1000, pattern=NO_CONTROL, description="Where the id alone is not enough: of what"
    )


@router.get("/payments", summary="List payments")
def list_payments(
    services: Served, request: Request, response: Response, book: BookCode, query: Annotated[PaymentQuery, Query()]
) -> wire.PaymentPage:
    """Payments by when they began, the newest first; of a beneficiary by when they first touched its account."""
    cursor = read_cursor(services, request, query.cursor)
    wanted = payments.PaymentFilter(query.state, query.order_key or "", query.beneficiary, query.began)
    with snapshot_for(services, book, query, reads=Reads.PAYMENTS) as at:
        name_position(response, at.position)
        found = payments.payments(at, wanted, after=_after(cursor), limit=query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    next_cursor = None
    if more:
        last = page[-1]
        after = [last.first_effective_at.isoformat(), last.order_key, str(last.entry)]
        next_cursor = link_next(services, request, response, after)
    return wire.PaymentPage(
        book=book, position=at.position, payments=[wire.Payment.of(one) for one in page], next_cursor=next_cursor
    )


@router.get("/payments/{order_key:path}", summary="Show what became of a payment")
def show_payment(
    services: Served, response: Response, book: BookCode, order_key: OrderKey, query: OfBookQuery
) -> wire.PaymentAnswer:
    """State, amounts, refunds, disputes, settlements and every event of a payment, as far as the projection has come;
    and what may be tried again, which is exact."""
    with snapshot_for(services, book, query, reads=Reads.PAYMENTS) as at:
        name_position(response, at.position)
        return wire.PaymentAnswer.story_of(
            book, at.position, payment_stories.payment_story(at, order_key, datetime.now(UTC))
        )


@router.get("/timelines/{order_key:path}", summary="List the events of an order key")
def show_timeline(
    services: Served, response: Response, book: BookCode, order_key: OrderKey, query: OfBookQuery
) -> wire.TimelineAnswer:
    """What happened to a payment, payout, fee or hold, in the order of the log: refused events, too."""
    with snapshot_for(services, book, query, reads=Reads.PAYMENTS) as at:
        name_position(response, at.position)
        return wire.TimelineAnswer.of(book, at.position, timelines.timeline(at, order_key))


@router.get("/refunds", summary="List refunds")
def list_refunds(
    services: Served, request: Request, response: Response, book: BookCode, query: Annotated[RefundQuery, Query()]
) -> wire.PartPage:
    """Refunds by when they began, the newest first."""
    wanted = parts.PartFilter("refund", query.state, None, query.order_key, query.began)
    return _list_parts(services, request, response, book, query, wanted)


@router.get("/refunds/{refund_id}", summary="Show a refund")
def show_refund(
    services: Served, response: Response, book: BookCode, refund_id: PartId, query: Annotated[PartQuery, Query()]
) -> wire.PartAnswer:
    """A refund with the events that made it."""
    return _show_part(services, response, book, ("refund", refund_id), query)


@router.get("/payouts", summary="List payouts")
def list_payouts(
    services: Served, request: Request, response: Response, book: BookCode, query: Annotated[PayoutQuery, Query()]
) -> wire.PartPage:
    """Payouts by when they began, the newest first."""
    wanted = parts.PartFilter("payout", query.state, query.account, None, query.began)
    return _list_parts(services, request, response, book, query, wanted)


@router.get("/payouts/{payout_id}", summary="Show a payout")
def show_payout(
    services: Served, response: Response, book: BookCode, payout_id: PartId, query: Annotated[PartQuery, Query()]
) -> wire.PartAnswer:
    """A payout with the events that made it."""
    return _show_part(services, response, book, ("payout", payout_id), query)


@router.get("/fees", summary="List fees")
def list_fees(
    services: Served, request: Request, response: Response, book: BookCode, query: Annotated[FeeQuery, Query()]
) -> wire.PartPage:
    """Fees that the platform takes by when they began, the newest first: also those that could not be taken."""
    wanted = parts.PartFilter("fee", query.state, query.account, None, query.began)
    return _list_parts(services, request, response, book, query, wanted)


@router.get("/fees/{fee_id}", summary="Show a fee")
def show_fee(
    services: Served, response: Response, book: BookCode, fee_id: PartId, query: Annotated[PartQuery, Query()]
) -> wire.PartAnswer:
    """A fee with the events that made it."""
    return _show_part(services, response, book, ("fee", fee_id), query)


@router.get("/beneficiaries", summary="List beneficiaries")
def list_beneficiaries(
    services: Served, request: Request, response: Response, book: BookCode, query: Annotated[AccountPage, Query()]
) -> wire.BeneficiaryPage:
    """What payments brought to each account, in the order of their codes."""
    cursor = read_cursor(services, request, query.cursor)
    after = cursor.after[0] if cursor.after else ""
    with snapshot_for(services, book, query, reads=Reads.BENEFICIARIES) as at:
        name_position(response, at.position)
        found = beneficiaries.beneficiaries(at, after=after, limit=query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    next_cursor = link_next(services, request, response, [page[-1].account]) if more else None
    return wire.BeneficiaryPage(
        book=book, position=at.position, beneficiaries=[wire.Beneficiary.of(one) for one in page],
        next_cursor=next_cursor,
    )  # fmt: skip


@router.get("/beneficiaries/{account}", summary="Show a beneficiary")
def show_beneficiary(
    services: Served, response: Response, book: BookCode, account: AccountCode, query: OfBookQuery
) -> wire.BeneficiaryAnswer:
    """What payments brought to an account, as far as the projection has come; what is available is exact, now."""
    with snapshot_for(services, book, query, reads=Reads.BENEFICIARIES) as at:
        name_position(response, at.position)
        found = wire.Beneficiary.of(beneficiaries.beneficiary(at, account))
        return wire.BeneficiaryAnswer(book=book, position=at.position, **dict(found))


def _list_parts(
    services: Served, request: Request, response: Response, book: str, query: Began, wanted: parts.PartFilter
) -> wire.PartPage:
    cursor = read_cursor(services, request, query.cursor)
    after = parts.After()
    if cursor.after:
        after = parts.After(datetime.fromisoformat(cursor.after[0]), *cursor.after[1:])
    with snapshot_for(services, book, query, reads=Reads.PARTS) as at:
        name_position(response, at.position)
        found = parts.parts(at, wanted, after=after, limit=query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    next_cursor = None
    if more:
        last = page[-1]
        key = [last.first_effective_at.isoformat(), last.order_key, last.part_id]
        next_cursor = link_next(services, request, response, key)
    return wire.PartPage(
        book=book, position=at.position, items=[wire.Part.of(one) for one in page], next_cursor=next_cursor
    )


def _show_part(
    services: Served, response: Response, book: str, name: tuple[str, str], query: PartQuery
) -> wire.PartAnswer:
    with snapshot_for(services, book, query, reads=Reads.PARTS) as at:
        name_position(response, at.position)
        story = payment_stories.part_story(at, *name, query.order_key)
        return wire.PartAnswer.story_of(book, at.position, story)


def _after(cursor: Cursor) -> payments.After:
    if not cursor.after:
        return payments.After()
    began, order_key, entry = cursor.after
    return payments.After(datetime.fromisoformat(began), order_key, int(entry))


def _midnight(day: Day) -> datetime:
    return datetime.combine(day, time(), UTC)
