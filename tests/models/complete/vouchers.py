"""Vouchers by hand, groups of them, and what takes one back."""

from collections.abc import Iterator
from copy import deepcopy
from fractions import Fraction

from tests.models.complete import lines
from tests.models.complete.books import PARKING, Books, Posted, Refusal, first, mirrored
from tests.models.complete.events import Exchange, Group, Void, Voucher
from tests.models.complete.splits import whole

NOT_VOIDABLE = {"cogs": "COGS_NOT_VOIDABLE", "inventory_adjustment": "INVENTORY_ADJUSTMENT_NOT_VOIDABLE"}
SCALES = {"EUR": 2, "USD": 2, "JPY": 0, "GRAIN": 9}
"""Decimals of the assets that may be exchanged."""
NEED_REASON = ("adjustment", "inventory_adjustment")


def refuse_data(voucher: Voucher) -> Iterator[Refusal]:
    """What is wrong whatever the books say."""
    if voucher.kind in NEED_REASON and not voucher.adjusts:
        yield Refusal("DATA_INVALID")
    currencies = {line.currency for line in whole(voucher)}
    if voucher.kind == "fx":
        trading = {line.currency for line in whole(voucher) if line.account.startswith("trading:")}
        if len(currencies) != 2 or trading != currencies:
            yield Refusal("DATA_INVALID")
        if voucher.quote is None:
            yield Refusal("FX_QUOTE_INVALID")
    quote = voucher.quote
    if quote is None:
        return
    if quote.base == quote.counter or not {quote.base, quote.counter} <= currencies:
        yield Refusal("FX_QUOTE_INVALID")
    elif voucher.kind == "fx" and not _at(quote, voucher):
        yield Refusal("QUOTE_MISMATCH")


def _at(quote: Exchange, voucher: Voucher) -> bool:
    """Either amount is less than a unit from what the rate makes of the other."""
    traded = {line.currency: Fraction(line.amount) for line in whole(voucher) if line.account.startswith("trading:")}
    of_a_unit = Fraction(quote.rate) * Fraction(10) ** (SCALES[quote.counter] - SCALES[quote.base])
    return bool(abs(traded[quote.base] * of_a_unit - traded[quote.counter]) < max(Fraction(1), of_a_unit))


def refuse(books: Books, voucher: Voucher) -> Refusal | None:
    return first(_refusals(books, voucher))


def _refusals(books: Books, voucher: Voucher) -> Iterator[Refusal | None]:
    yield from refuse_data(voucher)
    if voucher.compensates and len(books.posted_by(voucher.compensates)) != 1:
        yield Refusal("VOUCHER_UNKNOWN")
    yield lines.refuse(books, whole(voucher), voucher.day)


def accept(books: Books, voucher: Voucher, event_id: str = "") -> str:
    posted = books.post(
        event_id or voucher.event_id, event_id or voucher.order, voucher.kind, whole(voucher), voucher.day
    )
    if voucher.compensates:
        books.link("compensat", posted, books.posted_by(voucher.compensates)[0])
    return "POSTED"


# Groups -----------------------------------------------------------------------------------------------------


def refuse_group(books: Books, group: Group) -> Refusal | None:
    """What is wrong in advance with any member, else with any on what those before it leave, or would leave."""
    early = [found for member in group.members for found in _known_early(books, member)]
    if early:
        return first(iter(early))
    tried = deepcopy(books)
    found: list[Refusal | None] = []
    for member in group.members:
        found.append(refuse(tried, member))
        accept(tried, member, group.event_id)
    return first(iter(found))


def _known_early(books: Books, voucher: Voucher) -> Iterator[Refusal]:
    """Without a lock."""
    yield from refuse_data(voucher)
    yield from lines.refuse_early(books, whole(voucher))


def accept_group(books: Books, group: Group) -> str:
    for member in group.members:
        with books.watched():
            accept(books, member, group.event_id)
    return "POSTED"


# Voids ------------------------------------------------------------------------------------------------------


def refuse_void(books: Books, void: Void) -> Refusal | None:
    posted = _named(books, void)
    if not posted and not void.number and books.outcomes.get(void.of, "") in ("", *PARKING):
        return Refusal("PREDECESSOR_ABSENT", f"voucher:{void.of}")
    if len(posted) != 1:
        return Refusal("VOUCHER_UNKNOWN")
    return first(_refuse_original(books, posted[0], void))


def _named(books: Books, void: Void) -> list[Posted]:
    return [one for one in books.vouchers if one.number == void.number] if void.number else books.posted_by(void.of)


def _refuse_original(books: Books, original: Posted, void: Void) -> Iterator[Refusal | None]:
    if original.reversed:
        yield Refusal("ALREADY_REVERSED")
    if original.kind in ("reversal", "void"):
        yield Refusal("REVERSAL_NOT_REVERSIBLE")
    if original.kind in NOT_VOIDABLE:
        yield Refusal(NOT_VOIDABLE[original.kind])
    of_closed = original.day <= books.closed < void.day
    if of_closed and not void.in_open_period and not books.redirects:
        yield Refusal("VOUCHER_PERIOD_CLOSED")
    payment = books.payments[original.order]
    if original.of == "capture" and payment.captured - original.amount < payment.refunded:
        yield Refusal("VOID_AFTER_REFUND")
    yield lines.refuse(books, mirrored(original.lines), void.day, mirror=True)


def accept_void(books: Books, void: Void) -> str:
    (original,) = _named(books, void)
    original.reversed = True
    payment = books.payments[original.order]
    if original.of == "capture":
        payment.captured -= original.amount
    elif original.of == "refund":
        payment.refunded -= original.amount
    mirror = books.post(void.event_id, void.order, "reversal", mirrored(original.lines), void.day)
    books.link("revers", mirror, original)
    return "POSTED"
