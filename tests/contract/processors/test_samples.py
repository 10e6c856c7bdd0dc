"""Every adapter over every published sample: an event that the ledger understands, or a name; never an exception."""

import json
import lzma
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.decode import Decoder
from consumers.processors.model import Context, Mapped, PaymentEvent, Reason, Recorded, UnmappableError
from consumers.processors.registry import ADAPTERS
from consumers.transport.ports import StoredRecord
from consumers.webhooks.messages import message_of
from tests.support.processor_webhooks import Document

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "processor_payloads_stripe_adyen.tar.xz"
SCALES = {"EUR": 2, "USD": 2, "GBP": 2, "JPY": 0}
CONTEXT = Context(SCALES, payout_account="wallet:seller:{account}", test_mode=True)

needs_samples = pytest.mark.skipif(not SAMPLES.exists(), reason=f"PROCESSOR SAMPLES NOT TESTED: {SAMPLES} is absent")


def samples(folder: str) -> Iterator[tuple[str, Document]]:
    """Documents of the archive by name; files that hold many are taken apart."""
    with lzma.open(SAMPLES) as packed, tarfile.open(fileobj=packed) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() and member.name.endswith(".json") else None
            if file is None or folder not in member.name:
                continue
            document = json.load(file)
            if member.name.endswith("examples.json"):
                yield from ((f"{member.name}#{name}", each) for name, each in document.items())
            else:
                yield member.name, document


def decoded(event: PaymentEvent, processor: str) -> str:
    """The code with which the ledger refuses it, or nothing."""
    message = message_of(event, topic="t", book="shop", processor=processor, endpoint=processor)
    record = StoredRecord("t", 0, 0, 0, message.key, message.value, message.headers)
    incoming = Decoder(dict.fromkeys(SCALES, 1)).decode(record)
    return incoming.refusal.code.value if incoming.refusal is not None else ""


@needs_samples
@pytest.mark.parametrize(
    ("processor", "folder", "least", "events"),
    [
        ("stripe", "stripe/webhook_fixtures", 31, {
            "payment.intent_created.v1": 1, "payment.authorized.v1": 4, "payment.captured.v1": 3,
            "payment.capture_failed.v1": 2, "payment.voided.v1": 1, "refund.requested.v1": 2, "payment.refunded.v1": 2,
            "chargeback.opened.v1": 2,
        }),
        ("stripe", "stripe/djstripe/event", 11, {}),
        ("adyen", "adyen/", 120, {
            "payment.authorized.v1": 3, "payment.captured.v1": 2, "payment.capture_failed.v1": 2,
            "payment.authorization_expired.v1": 1, "payment.voided.v1": 4, "refund.requested.v1": 3,
            "payment.refunded.v1": 1, "refund.failed.v1": 2, "voucher.void_requested.v1": 3, "chargeback.opened.v1": 2,
            "chargeback.evidence_submitted.v1": 1, "chargeback.lost.v1": 1, "payout.returned.v1": 1,
        }),
    ],
)  # fmt: skip
def test_every_published_sample_is_an_event_or_has_a_name(
    processor: str, folder: str, least: int, events: dict[str, int]
) -> None:
    found: Counter[str] = Counter()
    nameless = []
    names = 0
    for name, document in samples(folder):
        names += 1
        try:
            made = ADAPTERS[processor](document, CONTEXT)
        except UnmappableError as error:
            nameless.append(str(error))
            continue
        if isinstance(made, Recorded):
            continue
        for event in made:
            assert decoded(event, processor) == "", name
            found[event.event_type] += 1
    assert names >= least
    assert found == events
    missing = (
        "DATA_INVALID: originalReference is missing: have it included in the webhook's settings at Adyen, under Risk"
    )
    assert nameless == ([missing] * 3 if processor == "adyen" else [])


@needs_samples
@pytest.mark.parametrize(
    ("processor", "folder"), [("stripe", "stripe/webhook_fixtures"), ("adyen", "adyen/webhooks_v1_examples")]
)
def test_every_type_of_the_samples_stands_in_the_table(processor: str, folder: str) -> None:
    """But for the webhooks of Adyen's other products, which have no notification items."""
    unknown = set()
    for _, document in samples(folder):
        made: Mapped = ()
        with suppress(UnmappableError):  # of a known type
            made = ADAPTERS[processor](document, CONTEXT)
        if isinstance(made, Recorded) and made.reason is Reason.TYPE_UNKNOWN:
            unknown.add(str(document.get("type", document)))
    assert unknown <= {"ach.notificationOfChange", "eft.notificationOfChange"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
NAMES = st.sampled_from(["type", "created", "data", "object", "event_type", "resource", "create_time", "id", "amount"])


@pytest.mark.parametrize("processor", ADAPTERS)
@given(document=st.dictionaries(NAMES, JSON, max_size=6), kind=st.sampled_from([
    "charge.captured", "payment_intent.succeeded", "PAYMENT.CAPTURE.REFUNDED", "PAYMENT.PAYOUTS-ITEM.SUCCEEDED",
    "payout.paid",
]))  # fmt: skip
def test_no_document_makes_an_adapter_fail_otherwise_than_by_name(
    processor: str, document: Document, kind: str
) -> None:
    for member in ("type", "event_type"):
        with suppress(UnmappableError):
            ADAPTERS[processor]({**document, member: kind}, CONTEXT)
