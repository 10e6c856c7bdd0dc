"""What events of one's own services become: passed on as they are, or named for what the ledger could never read."""

import pytest

from consumers.processors.cloud_events import map_webhook
from consumers.processors.model import Context, PaymentEvent, Reason, Recorded, UnmappableError
from tests.support.processor_webhooks import TIME, Document

CONTEXT = Context({"EUR": 2})
DATA: Document = {"amount_minor": "10000", "currency": "EUR", "method": "card", "payment_id": "p-1"}


def event(**changed: object) -> Document:
    said: Document = {
        "specversion": "1.0", "id": "own-1", "source": "/anything", "type": "payment.authorized.v1", "subject": "p-1",
        "time": TIME, "data": DATA,
    }  # fmt: skip
    return {name: value for name, value in {**said, **changed}.items() if value is not None}


def test_an_event_that_the_ledger_can_read_is_passed_on_as_it_is() -> None:
    passed = PaymentEvent("payment.authorized.v1", "own-1", "p-1", TIME, DATA)
    assert map_webhook(event(), CONTEXT) == (passed,)
    assert map_webhook(event(ledgerbook="another", datacontenttype="application/json"), CONTEXT) == (passed,)


def test_an_event_of_another_type_is_kept_by_name() -> None:
    assert map_webhook(event(type="weather.changed.v1"), CONTEXT) == Recorded(Reason.TYPE_UNKNOWN)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"specversion": "0.3"}, "ENVELOPE_INVALID"),
        ({"specversion": None}, "ENVELOPE_INVALID"),
        ({"id": "x" * 500}, "ENVELOPE_INVALID"),
        ({"subject": "a\nb"}, "ENVELOPE_INVALID"),
        ({"time": "yesterday"}, "ENVELOPE_INVALID"),
        ({"datacontenttype": "text/xml"}, "ENVELOPE_INVALID"),
        ({"data": None}, "DATA_INVALID"),
        ({"data": {}}, "DATA_INVALID"),
        ({"data": {**DATA, "tip": "1"}}, "DATA_INVALID"),
        ({"data": {**DATA, "amount_minor": "0"}}, "AMOUNT_NOT_POSITIVE"),
        ({"data": {**DATA, "amount_minor": "1e2"}}, "AMOUNT_INVALID"),
    ],
)
def test_what_the_ledger_could_never_read_is_named_by_its_code(changed: Document, code: str) -> None:
    with pytest.raises(UnmappableError) as unmappable:
        map_webhook(event(**changed), CONTEXT)
    assert unmappable.value.code == code
