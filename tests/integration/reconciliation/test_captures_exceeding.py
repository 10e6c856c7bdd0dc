"""Payments of which more was captured than was authorised: found while it has not gone back, and no longer."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from deploy.demo.messages import Message
from tests.support.postings import authorized, captured, outcomes, refunded, void_requested, voided
from tests.support.story_books import StoryBooks, story_books

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def books(postgres_server: str) -> Iterator[StoryBooks]:
    with story_books(postgres_server) as books:
        yield books


def found(books: StoryBooks, book: str) -> list[tuple[Any, ...]]:
    """Findings of a book after a complete scan."""
    book_id = books.scan(book)
    return books.scene.rows(
        """SELECT subject, state, amount_minor FROM reconciliation.finding
        WHERE book_id = %s AND code = 'CAPTURE_EXCEEDS_AUTHORIZED' ORDER BY subject""",
        book_id,
    )


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([], ("OPEN", 20)),
        ([refunded("o", 1)], ("OPEN", 19)),
        ([refunded("o", 20)], ("RESOLVED", 20)),
        ([authorized("o", 20, event_id="more")], ("RESOLVED", 20)),
        ([void_requested("o", of="second")], ("RESOLVED", 20)),
        ([voided("o")], ("RESOLVED", 20)),
    ],
    ids=["it stands", "some went back", "enough went back", "more is authorised", "it was taken back", "it was voided"],
)
def test_more_than_was_authorised_is_found_while_it_has_not_gone_back(
    books: StoryBooks, after: Sequence[Message], expected: tuple[str, int]
) -> None:
    book = books.new()
    before = [authorized("o", 100), captured("o", 60), captured("o", 60, event_id="second")]
    even = [authorized("even", 100), captured("even", 100), captured("unannounced", 999)]
    for message in [*before, *even]:
        assert outcomes(books.post(book, message))[0] in ("POSTED", "RECORDED")
    assert found(books, book) == [("o", "OPEN", 20)]
    for message in after:
        assert outcomes(books.post(book, message))[0] in ("POSTED", "RECORDED")
    assert found(books, book) == [("o", *expected)]


def test_what_the_chart_tolerates_is_no_finding(books: StoryBooks) -> None:
    book = books.new(payments={"capture_tolerance_bps": 2_000})
    told = [authorized("o", 100), captured("o", 120), authorized("p", 100), captured("p", 121)]
    words = books.play(book, *told, one_by_one=False)
    assert words == ["RECORDED", "POSTED", "RECORDED", "CAPTURE_EXCEEDS_AUTHORIZED"]
    assert found(books, book) == []
