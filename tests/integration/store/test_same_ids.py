"""The same topic in another database gives the same ledger: every id is made of what events say, none by chance."""

import json
from collections.abc import Sequence

import pytest

from tests.support.market_stories import STORIES
from tests.support.story_books import StoryBooks, story_books

pytestmark = pytest.mark.postgres

LOG = "SELECT position, voucher_no, type, order_key, state FROM ledger.event WHERE position > %s ORDER BY 1, 4"
ASKED_ALONE = ("mall", "both", "lari")
"""Payments with legs, whose ids have to differ from each other."""


def log_of(books: StoryBooks) -> Sequence[tuple[object, ...]]:
    """What the stories of the marketplace leave in the log behind the opening of its book."""
    book = books.new(marketplace={"require_profiles": True})
    opened = books.scene.position(book)
    for story in STORIES.values():
        if story.messages:
            books.post(book, *story.messages)
    return [(*row[:-1], bytes(row[-1])) for row in books.scene.rows(LOG, opened)]


def test_the_same_topic_in_another_database_gives_the_same_ids(postgres_server: str) -> None:
    with story_books(postgres_server) as books:
        once = log_of(books)
    with story_books(postgres_server) as books:
        again = log_of(books)
    assert again == once
    said = [json.loads(row[-1]) for row in once if row[3] in ASKED_ALONE]  # type: ignore[arg-type]  # its state
    legs = [leg["id"] for state in said if "split" in state for leg in state["split"]["legs"]]
    assert len(set(legs)) == len(legs) == 5
