"""Which source may send which type to which book: asked once for all events of a kind, by the policies of the books."""

from collections.abc import Sequence

from ledger_core.domain.incoming import SYSTEM_BOOK, Incoming
from ledger_core.domain.outcomes import Code, Refusal, first_of
from ledger_core.domain.sources import INGEST_TOPIC
from ledger_core.store.books import Book
from ledger_core.store.items import Item, refuse_whole

Asked = tuple[str, str, str]
"""Book, source and type of some events."""


def asked_by(incoming: Sequence[Incoming]) -> set[Asked]:
    return {(event.book, event.source, event.event_type) for event in incoming}


def forbidden_of(asked: set[Asked], books: dict[str, Book]) -> set[Asked]:
    """What may not be sent on a topic, by the policies of the books: asked once for all events of a kind. Nobody sends
    to the system book: what comes there the consumers themselves put there."""
    return {
        (code, source, event_type)
        for code, source, event_type in asked
        if code in books
        and code != SYSTEM_BOOK
        and not books[code].chart.sources.allows(source, event_type, ingested=False)
    }


def refuse_sources(items: Sequence[Item], forbidden: set[Asked]) -> None:
    """What a source may not send is refused, whatever its data say, unless it was ingested and may so come."""
    if not forbidden:
        return
    for item in items:
        event = item.incoming
        if (event.book, event.source, event.event_type) not in forbidden:
            continue
        ingested = event.record.topic.startswith(INGEST_TOPIC)
        if not item.book.chart.sources.allows(event.source, event.event_type, ingested=ingested):
            refusal = Refusal(Code.SOURCE_NOT_ALLOWED, f"{event.source} may not send {event.event_type} to this book")
            if first_of(item.refusal, refusal) is refusal:
                refuse_whole(item, refusal)
