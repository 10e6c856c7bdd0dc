"""Bytes of vouchers and facts as former releases wrote them: every one still folds, for the log is never rewritten."""

import orjson
import pytest

from projections.events import LedgerEvent
from projections.parts.fold import PartKey, PartRows, fold_parts
from projections.payments.fold import PaymentRows, fold_payments

ORIGIN = (
    b'"effective_at":"2026-11-20T09:00:00.000000Z","source":"/psp","event_id":"e-1","event_type":"%s",'
    b'"cause":["payments",0,7]'
)
CASH_OUT = b'["wallet:seller:1","D","30","EUR","%s"],["cash:bank:EUR","C","30","EUR","%s"]'


def stored(kind: bytes, event_type: bytes, details: bytes = b"") -> bytes:
    head = b'{"kind":"%s","rule":"%s/1",' % (kind, event_type.rpartition(b".")[0].replace(b".", b"_"))
    lines = b',"amount_minor":"30","currency":"EUR","lines":[%s]' % (CASH_OUT % (kind, kind))
    return head + ORIGIN % event_type + lines + details + b"}"


REFUND, PAYOUT = (b"refund", b"payment.refunded.v1"), (b"payout", b"payout.paid.v1")
GOLDEN = [
    ("a refund before its id was kept", stored(*REFUND), None),
    ("a refund with its id", stored(*REFUND, b',"refund_id":"r-1"'), PartKey(1, "o-1", "refund", "r-1")),
    ("a payout before its id was kept", stored(*PAYOUT), None),
    ("a payout with its id", stored(*PAYOUT, b',"payout_id":"t-1"'), PartKey(1, "o-1", "payout", "t-1")),
]


@pytest.mark.parametrize(("state", "part"), [row[1:] for row in GOLDEN], ids=[row[0] for row in GOLDEN])
def test_every_version_folds_into_its_payment_and_into_the_part_that_it_names(
    state: bytes, part: PartKey | None
) -> None:
    event = LedgerEvent(1, 5, "voucher.posted", "o-1", orjson.loads(state))
    parts = PartRows()
    fold_parts([event], parts)
    assert list(parts.changes) == ([part] if part else [])
    payments: PaymentRows = {}
    fold_payments([event], payments)
    assert payments[1, "o-1"].positions == [5]
