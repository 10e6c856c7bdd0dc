"""Every type of event that a service publishes has a story from the topic to the API."""

from schemas.events.registry import EVENT_TYPES
from tests.e2e.test_payment_stories import BOOKS

BY_HAND = ("voucher.", "hold.", "account.")
"""They go from files to the command line, in tests of their own."""


def test_every_type_that_a_service_publishes_has_a_story_from_the_topic_to_the_api() -> None:
    told_of = {
        dict(message.headers)["ce_type"].decode()
        for stories in BOOKS.values()
        for story in stories.values()
        for message in story.messages
    }
    assert told_of == {name for name in EVENT_TYPES if not name.startswith(BY_HAND)}
