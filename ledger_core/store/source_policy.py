"""Which source may send which type to which book: asked once for all events of a kind, by the policies of the books."""

from collections.abc import Iterator, Sequence

from ledger_core.domain.incoming import SYSTEM_BOOK, Incoming
from ledger_core.domain.outcomes import Code, Refusal, first_of
from ledger_core.domain.references import VoidRequested
from ledger_core.domain.requests import CompensationRequested, VoucherRef
from ledger_core.domain.sources import INGEST_TOPIC, Allowed
from ledger_core.store.books import Book
from ledger_core.store.items import Item, refuse_whole

Asked = tuple[str, str, str]
"""Book, source and type of some events."""


def asked_by(incoming: Sequence[Incoming]) -> set[Asked]:
    return {(event.book, event.source, event.event_type) for event in incoming}


def restricted_of(asked: set[Asked], books: dict[str, Book]) -> set[Asked]:
    """What may not be sent on a topic, or not of every voucher, by the policies of the books: asked once for all events
    of a kind. Nobody sends to the system book: what comes there the consumers themselves put there."""
    return {
        (code, source, event_type)
        for code, source, event_type in asked
        if code in books
        and code != SYSTEM_BOOK
        and books[code].chart.sources.answer(source, event_type, ingested=False) is not Allowed.ALL
    }


def refuse_sources(items: Sequence[Item], restricted: set[Asked]) -> None:
    """What a source may not send is refused, whatever its data say, unless it was ingested and may so come."""
    if not restricted:
        return
    for item in items:
        event = item.incoming
        if (event.book, event.source, event.event_type) in restricted:
            refusal = _refusal(item)
            if refusal is not None and first_of(item.refusal, refusal) is refusal:
                refuse_whole(item, refusal)


def _refusal(item: Item) -> Refusal | None:
    event = item.incoming
    ingested = event.record.topic.startswith(INGEST_TOPIC)
    allowed = item.book.chart.sources.answer(event.source, event.event_type, ingested=ingested)
    if allowed is Allowed.NOT:
        return Refusal(Code.SOURCE_NOT_ALLOWED, f"{event.source} may not send {event.event_type} to this book")
    if allowed is Allowed.OF_ITS_OWN and not all(_is_own(ref, event.source) for ref in _refs(item)):
        detail = f"{event.source} reaches only vouchers of its own events, by their event_id"
        return Refusal(Code.SOURCE_NOT_ALLOWED, detail)
    return None


def _refs(item: Item) -> Iterator[VoucherRef]:
    for member in item.members:
        if isinstance(member.fact, VoidRequested):
            yield member.fact.voucher
        elif isinstance(member.fact, CompensationRequested):
            yield member.fact.compensates


def _is_own(ref: VoucherRef, source: str) -> bool:
    """A number says nothing of whose voucher it is."""
    return not ref.voucher_no and ref.source in ("", source)
