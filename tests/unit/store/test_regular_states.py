"""What the quick proof of `verify` reads: every state that comes often, as the encoder writes it."""

import pytest

from consumers.decode import Decoder
from consumers.transport.ports import StoredRecord
from deploy.demo.messages import Message
from ledger_core.domain.charts import chart_from_document
from ledger_core.domain.incoming import Incoming
from ledger_core.domain.originals import Original, links_of, mirrored
from ledger_core.domain.payments import PaymentCaptured, PaymentRefunded
from ledger_core.domain.references import VoucherLink
from ledger_core.domain.vouchers import Draft, Purpose
from ledger_core.rules.catalogue import propose
from ledger_core.store.encoding import rfc3339, voucher_state
from ledger_core.store.verify.regular import read_regular
from schemas.charts import load_chart
from tests.support.cases import movement
from tests.support.postings import event

CHART = chart_from_document(load_chart())
ASSETS = {"EUR": 978}
SHARES = [{"account": f"wallet:seller:{n}", "amount_minor": "50", "commission_bps": 1000} for n in (1, 2)]
CAPTURE = {"payment_id": "p", "amount_minor": "100", "currency": "EUR", "method": "card"}
GATEWAY = {"gateway_transaction_id": "ch_1", "gateway_response": "approved: 00"}
CONFIRMED = {
    "method": "cash_on_delivery", "confirmed_by": "courier 12", "confirmed_at": "2026-11-21T08:00:00Z",
}  # fmt: skip


def capture(**more: object) -> Message:
    return event("payment.captured.v1", "p", "e", {**CAPTURE, **more})


OFTEN = {
    "a capture": capture(),
    "one for several": capture(beneficiaries=SHARES),
    "with the processor's proof": capture(**GATEWAY),
    "with it, for several": capture(**GATEWAY, beneficiaries=SHARES),
    "confirmed on delivery": capture(**CONFIRMED),
    "confirmed, for several": capture(**CONFIRMED, beneficiaries=SHARES),
    "a refund of several": event(
        "payment.refunded.v1", "p", "r", {
            "payment_id": "p", "refund_id": "r", "amount_minor": "100", "currency": "EUR", "beneficiaries": SHARES,
        }
    ),
}  # fmt: skip


def proposed(message: Message) -> tuple[Incoming, Draft]:
    record = StoredRecord("payments", 0, 7, 1_000, message.key, message.value, message.headers)
    incoming = Decoder(ASSETS).decode(record)
    assert isinstance(incoming.fact, PaymentCaptured | PaymentRefunded), incoming.refusal
    draft = propose(incoming.fact, CHART)
    assert isinstance(draft, Draft)
    return incoming, draft


def state_of(message: Message, details: dict[str, object] | None = None) -> bytes:
    incoming, draft = proposed(message)
    draft.details = {**(draft.details or {}), **(details or {})}
    (effective_at,) = rfc3339([incoming.effective_at_us])
    return voucher_state(incoming, draft, effective_at)


def is_regular(state: bytes) -> bool:
    return read_regular([1], ["voucher.posted"], ["p"], [state]) is not None


@pytest.mark.parametrize("message", OFTEN.values(), ids=OFTEN)
def test_what_comes_often_is_regular(message: Message) -> None:
    assert is_regular(state_of(message))


def test_a_mirror_of_several_is_regular() -> None:
    _, draft = proposed(capture(beneficiaries=SHARES))
    lines = [line._replace(account="cash", purpose=Purpose.PAYMENT.value) for line in draft.lines]
    moved = [movement(line) for line in lines]
    original = Original(1, VoucherLink(1, 1), "p", "capture", "payment.captured.v1", 100, moved, 0, {"wallet:1": "5"})
    mirror: dict[str, object] = {"reverses": links_of([original]), **mirrored([original])}
    assert is_regular(state_of(capture(), mirror))
    assert is_regular(state_of(capture(), {**mirror, "reason": "twice", "requested_by": "anna"}))


def test_what_is_written_otherwise_is_looked_at_closely() -> None:
    state = state_of(capture(**GATEWAY))
    assert not is_regular(state.replace(b'"SHIPPED"', b'"LOST"'))
    assert not is_regular(state[:-1] + b',"hold":{"status":"PLACED"}}')
