"""Payments: authorised, captured in parts, refunded in parts, called off."""

from collections.abc import Iterator

from tests.models.complete import lines
from tests.models.complete.books import Books, Refusal, first, mirrored
from tests.models.complete.events import Authorize, Line, Pay, PaymentEvent, Refund, VoidPayment


def refuse(books: Books, event: PaymentEvent) -> Refusal | None:
    return first(_refuse_void(books, event) if isinstance(event, VoidPayment) else _refuse(books, event))


def _refuse(books: Books, event: Authorize | Pay) -> Iterator[Refusal | None]:
    payment = books.payments[event.order]
    if payment.currency not in ("", event.currency):
        yield Refusal("CURRENCY_MISMATCH")
    if payment.voided:
        yield Refusal("PAYMENT_VOIDED")
    if isinstance(event, Authorize):
        return
    if isinstance(event, Refund):
        if not payment.captured:
            yield Refusal("PREDECESSOR_ABSENT", "payment.captured")
        elif event.amount > payment.captured - payment.refunded:
            yield Refusal("REFUND_EXCEEDS_CAPTURED")
    yield lines.refuse(books, _lines(event), event.day)


def _refuse_void(books: Books, event: VoidPayment) -> Iterator[Refusal | None]:
    payment = books.payments[event.order]
    if payment.voided:
        yield Refusal("ALREADY_VOIDED")
    elif not payment.currency:
        yield Refusal("PREDECESSOR_ABSENT", "payment.intent_created|payment.authorized|payment.captured")
    elif payment.refunded:
        yield Refusal("VOID_AFTER_REFUND")
    captured = _captured(books, event)
    if captured:
        yield lines.refuse(books, mirrored(captured), event.day, mirror=True)


def accept(books: Books, event: PaymentEvent) -> str:
    payment = books.payments[event.order]
    if isinstance(event, VoidPayment):
        payment.voided = True
        return _post_void(books, event)
    payment.currency = event.currency
    if isinstance(event, Authorize):
        return "RECORDED"
    of = "refund" if isinstance(event, Refund) else "capture"
    if of == "refund":
        payment.refunded += event.amount
    else:
        payment.captured += event.amount
    books.post(event.event_id, event.order, of, _lines(event), event.day, of)
    return "POSTED"


def _post_void(books: Books, event: VoidPayment) -> str:
    """One voucher mirrors every capture that nobody took back."""
    originals = books.of_payment(event.order, "capture")
    if not originals:
        return "RECORDED"
    mirror = books.post(event.event_id, event.order, "void", mirrored(_captured(books, event)), event.day)
    for original in originals:
        original.reversed = True
        books.link("revers", mirror, original)
    return "POSTED"


def _captured(books: Books, event: VoidPayment) -> list[Line]:
    return [line for capture in books.of_payment(event.order, "capture") for line in capture.lines]


def _lines(event: Pay) -> list[Line]:
    """Between the processor and who gets the money, or gives it back."""
    paying, sharing = ("C", "D") if isinstance(event, Refund) else ("D", "C")
    return [
        Line(f"clearing:processor:{event.currency}", paying, event.amount, event.currency),
        Line(event.to, sharing, event.amount, event.currency),
    ]
