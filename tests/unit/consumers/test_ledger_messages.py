"""The bytes of the ledger's messages, against a JSON encoder that knows nothing of them."""

import json

from hypothesis import given
from hypothesis import strategies as st

from consumers.ledger_messages import SealedBlock, encode_events, stub_of

BLOCK = SealedBlock("shop", 2, 9, "ab", "2026-03-01T12:00:00.000000Z")
ENVELOPE = {
    "specversion": "1.0", "source": "/ledger/shop", "time": "2026-03-01T12:00:00.000000Z", "ledgerbook": "shop",
    "ledgerepoch": 2, "ledgerblock": 9, "ledgerblockhash": "ab",
}  # fmt: skip

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]))


@given(texts, st.integers(1, 2**63 - 1), st.integers(0, 2**63 - 1), st.dictionaries(texts, texts))
def test_any_order_key_and_state_make_a_message_and_its_stub(
    order_key: str, position: int, voucher_no: int, state: dict[str, str]
) -> None:
    stored = json.dumps(state).encode()
    [message] = encode_events("topic", BLOCK, [(position, voucher_no, "voucher.posted", order_key, stored)])
    expected: dict[str, object] = ENVELOPE | {
        "id": f"shop/{position}", "type": "ledger.voucher.posted.v1", "subject": order_key, "ledgerposition": position,
    }  # fmt: skip
    if voucher_no:
        expected["ledgervoucher"] = voucher_no
    assert message.key == b"shop"
    assert message.value is not None
    assert message.value.endswith(stored + b"}")
    assert json.loads(message.value) == expected | {"data": state}
    assert json.loads(stub_of(message).value or b"") == expected | {"ledgerstub": True}


def test_a_stub_is_its_own_stub() -> None:
    """The relay gives up there instead of trying for ever: see `Relay._send`."""
    [message] = encode_events("topic", BLOCK, [(1, 0, "event.skipped", "k", b"{}")])
    assert stub_of(message) == stub_of(stub_of(message))
