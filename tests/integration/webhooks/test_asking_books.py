"""Books that ask all they can of captures take what the adapters say of real payments, in whatever order it comes."""

from collections.abc import Mapping, Sequence
from itertools import permutations

import pytest

from consumers.processors.model import Context, Recorded
from consumers.processors.registry import ADAPTERS
from consumers.webhooks.messages import message_of
from deploy.demo.messages import Message
from tests.support.postings import Scene
from tests.support.processor_webhooks import (
    Document,
    adyen,
    adyen_item,
    charge,
    held_charge,
    intent,
    paypal,
    paypal_thing,
    stripe,
)

pytestmark = pytest.mark.postgres

ASKS = {"captures": "once", "capture_proof": "required"}
INTENT = stripe("payment_intent.created", intent(amount=10_000, currency="eur"))
HELD, CAPTURED = stripe("charge.succeeded", held_charge()), stripe("charge.captured", charge())
AUTHORISATION = adyen(adyen_item("AUTHORISATION"))
STORIES: Mapping[str, tuple[str, Sequence[Document], bool]] = {
    "a charge alone": ("stripe", [stripe("charge.succeeded", charge())], False),
    "a charge of an intent": ("stripe", [INTENT, stripe("charge.succeeded", charge())], False),
    "a charge that was held": ("stripe", [INTENT, HELD, CAPTURED], False),
    "an authorisation and its capture": ("adyen", [AUTHORISATION, adyen(adyen_item("CAPTURE"))], False),
    "captured with the authorisation": ("adyen", [AUTHORISATION], True),
    "a capture at PayPal": ("paypal", [paypal("PAYMENT.CAPTURE.COMPLETED", paypal_thing("C1"))], False),
}  # fmt: skip


SUBJECTS = """SELECT authorised_minor, captured_minor, parked
    FROM ledger.subject JOIN ledger.book USING (book_id) WHERE book.code = %s"""


def told(processor: str, webhook: Document, book: str, *, at_once: bool) -> list[Message]:
    made = ADAPTERS[processor](webhook, Context({"EUR": 2}, captures_at_once=at_once))
    assert not isinstance(made, Recorded)
    sent = [message_of(one, topic="t", book=book, processor=processor, endpoint=processor) for one in made]
    return [Message(one.key or b"", tuple(one.headers), one.value or b"") for one in sent]


@pytest.mark.parametrize("story", STORIES)
def test_what_a_processor_says_of_a_capture_is_all_that_a_book_can_ask(scene: Scene, story: str) -> None:
    processor, webhooks, at_once = STORIES[story]
    for number, order in enumerate(permutations(webhooks)):
        book = f"asks-{number}"
        scene.create_book(book)
        scene.apply_chart({**scene.chart(), "payments": ASKS}, book)
        for webhook in (*order, *order):
            scene.post(*told(processor, webhook, book, at_once=at_once))
        assert scene.vouchers(book) == 1
        authorised_minor = 0 if processor == "paypal" else 10_000
        assert scene.rows(SUBJECTS, book) == [(authorised_minor, 10_000, 0)]
    assert scene.rows("SELECT code FROM ledger.dead_letter WHERE resolved_position IS NULL") == []
