"""What the read side reads from the store when the topic does not bring it."""

import psycopg
import pytest

from ledger_core.store.appender import NewEvent, append_events
from projections.store_log import LogIncomplete, Span, blocks_at, fitting_spans, read_events, stream_events
from tests.support.planted_ledger import PlantedLedger

pytestmark = pytest.mark.postgres


def append(admin: psycopg.Connection, book: PlantedLedger, sizes: list[int]) -> None:
    with admin.transaction():
        states = [b'{"detail":"%b"}' % (b"x" * (size - 13)) for size in sizes]
        append_events(admin, book.book_id, [NewEvent("event.skipped", state, "k") for state in states])


def test_spans_are_shortened_to_what_fits_but_never_to_nothing(admin: psycopg.Connection) -> None:
    one, two = PlantedLedger(admin, "one"), PlantedLedger(admin, "two")
    append(admin, one, [100, 100, 9_000, 100])
    append(admin, two, [5_000, 100])
    spans = [Span(one.book_id, 2, 5), Span(two.book_id, 2, 3)]
    for max_bytes, lasts in ((50, [2, 2]), (200, [3, 2]), (9_199, [3, 2]), (9_300, [5, 2]), (99_999, [5, 3])):
        assert [span.last for span in fitting_spans(admin, spans, max_bytes)] == lasts


def test_events_of_many_books_come_in_position_order(admin: psycopg.Connection) -> None:
    one, two = PlantedLedger(admin, "one"), PlantedLedger(admin, "two")
    append(admin, one, [20] * 5)
    append(admin, two, [20] * 5)
    events = read_events(admin, [Span(two.book_id, 2, 4), Span(one.book_id, 3, 6)])
    assert [event.position for event in events[one.book_id]] == [3, 4, 5, 6]
    assert [event.position for event in events[two.book_id]] == [2, 3, 4]
    assert read_events(admin, []) == {}


def test_a_stream_brings_everything_once_whatever_the_chunk(admin: psycopg.Connection) -> None:
    book = PlantedLedger(admin, "one")
    append(admin, book, [20] * 250)
    for last in (1, 99, 100, 101, 200, 251):
        chunks = list(stream_events(admin, Span(book.book_id, 1, last)))
        assert [event.position for chunk in chunks for event in chunk] == list(range(1, last + 1))


def test_events_that_are_not_there_are_an_error(admin: psycopg.Connection) -> None:
    book = PlantedLedger(admin, "one")
    append(admin, book, [20] * 3)
    with pytest.raises(LogIncomplete):
        read_events(admin, [Span(book.book_id, 2, 5)])
    with pytest.raises(LogIncomplete):
        list(stream_events(admin, Span(book.book_id, 2, 5)))


def test_blocks_are_found_by_any_position_in_them(admin: psycopg.Connection) -> None:
    book = PlantedLedger(admin, "one")
    append(admin, book, [20] * 3)
    append(admin, book, [20] * 2)
    wanted = [(book.book_id, position) for position in (1, 2, 3, 4, 5, 6, 7, 99)]
    numbers = {position: mark.number for (_, position), mark in blocks_at(admin, wanted).items()}
    assert numbers == {1: 1, 2: 2, 3: 2, 4: 2, 5: 3, 6: 3}
