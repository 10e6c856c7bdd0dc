"""Who may send what to a book whose chart declares nothing."""

import pytest

from ledger_core.domain.sources import default_policy


@pytest.mark.parametrize(
    ("source", "event_type", "ingested", "allowed"),
    [
        ("/anybody", "payment.captured.v1", False, True),
        ("/anybody", "voucher.requested.v1", False, False),
        ("/anybody", "voucher.requested.v1", True, True),
        ("/anybody", "voucher.void_requested.v1", False, False),
        ("/processors/stripe", "voucher.void_requested.v1", False, True),
        ("/processors/stripe", "voucher.requested.v1", False, False),
        ("/services/stripe", "payment.captured.v1", False, True),
        ("/services/stripe", "voucher.void_requested.v1", False, False),
        ("/processors", "voucher.void_requested.v1", False, False),
        ("/processors/stripe", "account.frozen.v1", False, False),
    ],
)
def test_payments_come_from_everywhere_and_what_takes_them_back_from_processors(
    source: str, event_type: str, ingested: bool, allowed: bool
) -> None:
    assert default_policy().allows(source, event_type, ingested=ingested) is allowed
