"""Payments of which more commission went back than was taken: found in books that keep no legs."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from deploy.demo.messages import Message
from tests.support.postings import event, void_requested, voided
from tests.support.story_books import StoryBooks, story_books

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def books(postgres_server: str) -> Iterator[StoryBooks]:
    with story_books(postgres_server) as books:
        yield books


def told(which: str, name: str, minor: int, bps: int, account: str = "wallet:seller:1") -> Message:
    """A capture or a refund of which one beneficiary gets, or bears, everything."""
    data: dict[str, object] = {
        "payment_id": "o", "amount_minor": str(minor), "currency": "EUR",
        "beneficiaries": [{"account": account, "amount_minor": str(minor), "commission_bps": bps}],
    }  # fmt: skip
    data |= {"method": "card"} if which == "captured" else {"refund_id": name}
    return event(f"payment.{which}.v1", "o", name, data)


BOUGHT = told("captured", "bought", 1_000, 300)
ALL = told("refunded", "all", 1_000, 400)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([BOUGHT, told("refunded", "a", 333, 300), told("refunded", "b", 667, 300)], []),
        ([BOUGHT, ALL], [("OPEN", 10)]),
        ([BOUGHT, told("refunded", "a", 500, 600)], []),
        ([BOUGHT, told("refunded", "a", 500, 600), told("refunded", "b", 100, 100)], [("OPEN", 1)]),
        ([BOUGHT, told("captured", "more", 1_000, 100), ALL], []),
        ([told("captured", "bought", 1_000, 0), told("refunded", "a", 9, 10_000, "wallet:stranger")], [("OPEN", 9)]),
        ([BOUGHT, ALL, void_requested("o", of="all")], []),
        ([BOUGHT, void_requested("o", of="bought")], []),
        ([BOUGHT, voided("o")], []),
    ],
    ids=["as taken", "more", "all of it at once", "then more", "of two", "of none", "came again", "taken back", "void"],
)
def test_more_commission_than_was_taken_is_found(
    books: StoryBooks, messages: Sequence[Message], expected: Sequence[tuple[Any, ...]]
) -> None:
    book = books.new()
    assert set(books.play(book, *messages, one_by_one=True)) == {"POSTED"}
    book_id = books.scan(book)
    found = """SELECT state, amount_minor FROM reconciliation.finding
        WHERE book_id = %s AND code = 'COMMISSION_EXCEEDS_TAKEN' AND subject = 'o'"""
    assert books.scene.rows(found, book_id) == list(expected)
