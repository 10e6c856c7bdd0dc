"""Reading the log from the store: what the topic did not bring, and what a rebuild folds."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, LiteralString, NamedTuple

import orjson
import psycopg

from ledger_core.store.arrays import integers
from projections.events import LedgerEvent

_new = tuple.__new__  # half of what LedgerEvent(...) costs
STREAMED_EVENTS = 100
"""Decoded at a time: few enough to stay in the processor's cache, which halves the cost of folding them."""


class Span(NamedTuple):
    """Positions of one book, both ends included."""

    book_id: int
    first: int
    last: int


class BlockMark(NamedTuple):
    """The block that holds a position: its number and hash, by which the log is continued."""

    number: int
    hash: bytes


EVENTS: Final[LiteralString] = """
SELECT event.book_id, event.position, event.type, event.order_key, event.state
FROM unnest(%s::integer[], %s::bigint[], %s::bigint[]) AS span (book_id, first, last)
CROSS JOIN LATERAL (
    SELECT * FROM ledger.event
    WHERE event.book_id = span.book_id AND event.position BETWEEN span.first AND span.last
) AS event
ORDER BY event.book_id, event.position
"""

# The length of a value kept outside its row is known without fetching it.
FITTING: Final[LiteralString] = """
SELECT book_id, max(position) FROM (
    SELECT
        span.book_id, event.position,
        sum(octet_length(event.state)) OVER (ORDER BY span.turn, event.position) AS bytes,
        row_number() OVER (PARTITION BY span.turn ORDER BY event.position) AS place
    FROM unnest(%s::integer[], %s::bigint[], %s::bigint[]) WITH ORDINALITY AS span (book_id, first, last, turn)
    CROSS JOIN LATERAL (
        SELECT position, state FROM ledger.event
        WHERE event.book_id = span.book_id AND event.position BETWEEN span.first AND span.last
    ) AS event
) AS sized
WHERE bytes <= %s OR place = 1
GROUP BY book_id
"""

BLOCKS_AT: Final[LiteralString] = """
SELECT wanted.book_id, wanted.position, block.number, block.hash
FROM unnest(%s::integer[], %s::bigint[]) AS wanted (book_id, position)
CROSS JOIN LATERAL (
    SELECT number, hash, first_position FROM ledger.block
    WHERE block.book_id = wanted.book_id AND block.last_position >= wanted.position
    ORDER BY block.last_position LIMIT 1
) AS block
WHERE block.first_position <= wanted.position
"""

BOOK_EVENTS: Final[LiteralString] = """
SELECT position, type, order_key, state FROM ledger.event
WHERE book_id = %s AND position BETWEEN %s AND %s ORDER BY position
"""


class LogIncomplete(Exception):
    """The store lacks events that it has counted: run verify; nothing goes on from here."""


def read_events(connection: psycopg.Connection, spans: Sequence[Span]) -> dict[int, list[LedgerEvent]]:
    """The events of each span, by book_id; at most one span per book. Raises `LogIncomplete`."""
    events: dict[int, list[LedgerEvent]] = {span.book_id: [] for span in spans}
    if not spans:
        return events
    for book_id, position, event_type, order_key, state in connection.execute(EVENTS, _columns(spans), binary=True):
        events[book_id].append(LedgerEvent(book_id, position, event_type, order_key, orjson.loads(state)))
    for span in spans:
        _require_all(span, len(events[span.book_id]))
    return events


def fitting_spans(connection: psycopg.Connection, spans: Sequence[Span], max_bytes: int) -> list[Span]:
    """The spans, shortened so that their states together fit; one event of each book at the least."""
    if not spans:
        return []
    fitting: dict[int, int] = dict(connection.execute(FITTING, (*_columns(spans), max_bytes), binary=True))
    return [span._replace(last=fitting.get(span.book_id, span.last)) for span in spans]


def stream_events(connection: psycopg.Connection, span: Span) -> Iterator[list[LedgerEvent]]:
    """The events of one span in small chunks, read while they are folded. Raises `LogIncomplete` at its end.

    Until the iterator ends, the connection can do nothing else.
    """
    found = 0
    with connection.cursor() as cursor:
        rows = cursor.stream(BOOK_EVENTS, span, binary=True, size=STREAMED_EVENTS)
        while events := [
            _new(LedgerEvent, (span.book_id, position, event_type, order_key, orjson.loads(state)))
            for position, event_type, order_key, state in islice(rows, STREAMED_EVENTS)
        ]:
            found += len(events)
            yield events
    _require_all(span, found)


def blocks_at(connection: psycopg.Connection, positions: Sequence[tuple[int, int]]) -> dict[tuple[int, int], BlockMark]:
    """The block of each (book_id, position) that the store holds; positions beyond its end are left out."""
    if not positions:
        return {}
    columns = (integers([wanted[column] for wanted in positions]) for column in range(2))
    rows = connection.execute(BLOCKS_AT, tuple(columns), binary=True)
    return {(book_id, position): BlockMark(number, block) for book_id, position, number, block in rows}


def _columns(spans: Sequence[Span]) -> tuple[str, str, str]:
    return (
        integers([span.book_id for span in spans]),
        integers([span.first for span in spans]),
        integers([span.last for span in spans]),
    )


def _require_all(span: Span, found: int) -> None:
    expected = max(0, span.last - span.first + 1)
    if found != expected:
        raise LogIncomplete(
            f"book {span.book_id}: {found} of {expected} events at positions {span.first} to {span.last}"
        )
