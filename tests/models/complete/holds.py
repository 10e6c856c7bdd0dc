"""Holds: placed, captured, released, expired."""

from collections.abc import Iterator
from dataclasses import replace

from tests.models.complete import lines
from tests.models.complete.books import Books, Hold, Refusal, first
from tests.models.complete.events import Capture, HoldEvent, Line, Place, Release


def refuse(books: Books, event: HoldEvent) -> Refusal | None:
    hold = books.holds.get(event.order)
    if isinstance(event, Place):
        return first(_refuse_placing(books, event))
    if hold is None:
        return Refusal("HOLD_UNKNOWN", "hold.placed")
    if hold.status != "open":
        return Refusal(f"HOLD_{hold.status.upper()}")
    if isinstance(event, Release):
        return None
    if event.amount > hold.ceiling - hold.captured:
        return Refusal("CAPTURE_EXCEEDS_HOLD")
    given_back = _given_back(event, hold)
    return lines.refuse(books, _lines(books, event, hold), event.day, held_less=given_back, of=hold.account)


def _refuse_placing(books: Books, event: Place) -> Iterator[Refusal]:
    if event.order in books.holds:
        yield Refusal("HOLD_EXISTS")
    line = Line(event.account, "D", event.amount)
    yield from lines.refuse_missing(books, [line])
    account = books.accounts.get(event.account)
    if account is None:
        return
    yield from lines.refuse_status(account, line)
    denies = account.policy == "deny" and account.minimum is not None
    if denies and account.available - event.amount < (account.minimum or 0):
        yield Refusal("INSUFFICIENT_AVAILABLE")


def accept(books: Books, event: HoldEvent) -> str:
    if isinstance(event, Place):
        books.holds[event.order] = Hold(event.account, event.amount, event.tolerance_bps, event.due)
        books.accounts[event.account].held += event.amount
        return "RECORDED"
    hold = books.holds[event.order]
    if isinstance(event, Release):
        close(books, hold, "released")
        return "RECORDED"
    given_back = _given_back(event, hold)
    posted = _lines(books, event, hold)
    books.accounts[hold.account].held -= given_back
    hold.captured += event.amount
    if event.final or not hold.left:
        hold.status = "captured"
    books.post(event.event_id, event.order, "capture", posted, event.day)
    return "POSTED"


def close(books: Books, hold: Hold, status: str) -> None:
    books.accounts[hold.account].held -= hold.left
    hold.status = status


def _given_back(event: Capture, hold: Hold) -> int:
    """How much less is held after this capture."""
    after = replace(hold, captured=hold.captured + event.amount)
    return hold.left - (0 if event.final else after.left)


def _lines(books: Books, event: Capture, hold: Hold) -> list[Line]:
    """From the account that was held, on the side that lowers it, to the taker."""
    out = "C" if books.accounts[hold.account].normal == "D" else "D"
    return [Line(hold.account, out, event.amount), Line(event.to, "C" if out == "D" else "D", event.amount)]
