"""Payments that were exchanged at a stale quote: found while money of them is out, and no longer."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from deploy.demo.messages import Message
from tests.support.exchanges import QUOTE, bought, refund
from tests.support.hold_events import LONG_AGO
from tests.support.postings import outcomes, void_requested, voided
from tests.support.story_books import StoryBooks, story_books

pytestmark = pytest.mark.postgres

OLD = {**QUOTE, "quoted_at": LONG_AGO}


@pytest.fixture(scope="module")
def books(postgres_server: str) -> Iterator[StoryBooks]:
    with story_books(postgres_server) as books:
        yield books


def found(books: StoryBooks, book: str) -> list[tuple[Any, ...]]:
    """Findings of a book after a complete scan."""
    book_id = books.scan(book)
    return books.scene.rows(
        """SELECT code, subject, state, detail ->> 'captures' FROM reconciliation.finding
        WHERE book_id = %s AND code = 'QUOTE_STALE'""",
        book_id,
    )


@pytest.mark.parametrize(
    ("after", "state"),
    [
        ([], "OPEN"),
        ([refund("o", 1)], "OPEN"),
        ([refund("o", 10_000)], "RESOLVED"),
        ([void_requested("o", voucher_no=1)], "RESOLVED"),
        ([voided("o")], "RESOLVED"),
    ],
    ids=["it stands", "some went back", "all went back", "it was taken back", "it was voided"],
)
def test_a_stale_quote_is_found_while_money_of_it_is_out(
    books: StoryBooks, after: Sequence[Message], state: str
) -> None:
    book = books.new(exchange={"max_age_minutes": 60})
    for capture in (bought("o", quote=OLD), bought("fresh")):  # a batch each, so that the first is voucher 1
        assert outcomes(books.post(book, capture)) == ["POSTED"]
    assert found(books, book) == [("QUOTE_STALE", "o", "OPEN", "1")]
    for message in after:
        assert outcomes(books.post(book, message)) == ["POSTED"]
    assert found(books, book) == [("QUOTE_STALE", "o", state, "1")]


def test_no_quote_is_stale_where_the_chart_does_not_say_when(books: StoryBooks) -> None:
    book = books.new()
    books.post(book, bought("o", quote=OLD))
    assert found(books, book) == []
