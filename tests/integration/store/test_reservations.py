"""Reservations through the store: a hold by other names; a row a story, ending in its hold and its balances."""

from collections.abc import Iterator, Mapping, Sequence

import pytest

from deploy.demo.messages import Message
from tests.support.postings import event
from tests.support.story_books import StoryBooks, story_books

pytestmark = pytest.mark.postgres

STAY, BUYER, HOTEL = "stay-1", "wallet:buyer:1", "wallet:seller:1"


def told(which: str, event_id: str = "", **more: object) -> Message:
    data: dict[str, object] = {"reservation_id": STAY, **more}
    if which == "held":
        data |= {"account": BUYER, "amount_minor": "90", "currency": "EUR"}
    return event(f"reservation.{which}.v1", STAY, event_id or which, data)


def nights(amount: int) -> list[dict[str, str]]:
    return [{"account": HOTEL, "amount_minor": str(amount), "purpose": "seller_share"}]


HELD, CANCELLED = told("held"), told("cancelled")
NO_SHOW = told("no_show", first_night=nights(30))
Story = tuple[str, Sequence[Message], Sequence[str], str, int, int]
STORIES: Sequence[Story] = [
    # name, events, last words, the hold's status, what it still keeps back, what the hotel has
    ("held and confirmed", [HELD, told("confirmed")], ["RECORDED"] * 2, "PLACED", 90, 0),
    ("confirmed with a deposit", [HELD, told("confirmed", to=nights(20))], ["RECORDED", "POSTED"],
     "PARTIALLY_CAPTURED", 70, 20),
    ("cancelled", [HELD, told("confirmed"), CANCELLED], ["RECORDED"] * 3, "RELEASED", 0, 0),
    ("nobody came", [HELD, told("confirmed"), NO_SHOW], ["RECORDED", "RECORDED", "POSTED"], "CAPTURED", 0, 30),
    ("nobody came who had paid a deposit", [HELD, told("confirmed", to=nights(20)), NO_SHOW],
     ["RECORDED", "POSTED", "POSTED"], "CAPTURED", 0, 50),
    ("a night that costs more than is held", [HELD, told("no_show", first_night=nights(91))],
     ["RECORDED", "CAPTURE_EXCEEDS_HOLD"], "PLACED", 90, 0),
    ("nobody comes to what was cancelled", [HELD, CANCELLED, NO_SHOW], ["RECORDED", "RECORDED", "HOLD_RELEASED"],
     "RELEASED", 0, 0),
    ("confirmed once it was cancelled", [HELD, CANCELLED, told("confirmed")],
     ["RECORDED", "RECORDED", "HOLD_RELEASED"], "RELEASED", 0, 0),
    ("all of it before it was held", [told("confirmed"), NO_SHOW, HELD], ["RECORDED", "POSTED", "RECORDED"],
     "CAPTURED", 0, 30),
]  # fmt: skip


@pytest.fixture(scope="module")
def books(postgres_server: str) -> Iterator[StoryBooks]:
    with story_books(postgres_server) as books:
        yield books


@pytest.mark.parametrize("story", STORIES, ids=[story[0] for story in STORIES])
@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
def test_a_story_comes_to_its_hold_and_balance(books: StoryBooks, one_by_one: bool, story: Story) -> None:
    _, messages, words, status, held_minor, hotel_minor = story
    book = books.new()
    assert books.play(book, *messages, one_by_one=one_by_one) == list(words)
    assert books.scene.one(
        """SELECT status, greatest(amount_minor - captured_minor - released_minor, 0)
        FROM ledger.hold JOIN ledger.book USING (book_id) WHERE code = %s""",
        book,
    ) == (status, held_minor)
    expected: Mapping[str, int] = {HOTEL: -hotel_minor, BUYER: hotel_minor}
    assert books.balances_minor(book, expected) == expected


def test_payment_methods_are_recorded_without_entries(books: StoryBooks) -> None:
    book, card = books.new(), "card-5"
    filed = {"payment_method_id": card, "method": "card", "brand": "visa", "last_four": "4242"}
    said = books.play(
        book,
        event("payment_method.tokenized.v1", card, "on file", filed),
        event("payment_method.detached.v1", card, "off file", {"payment_method_id": card}),
        one_by_one=False,
    )
    assert said == ["RECORDED", "RECORDED"]
    assert books.scene.rows(
        """SELECT convert_from(state, 'UTF8')::jsonb - 'cause' - 'effective_at' - 'source' FROM ledger.event
        JOIN ledger.book USING (book_id) WHERE code = %s AND type = 'fact.recorded' ORDER BY event.position LIMIT 1""",
        book,
    ) == [({
        "kind": "payment_method", "event_id": "on file", "event_type": "payment_method.tokenized.v1", "method": "card",
        "payment_method_id": card, "brand": "visa", "last_four": "4242",
    },)]  # fmt: skip
