"""What may be tried again of a capture, by the policy of its book."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger_core.domain.payment_policy import PaymentPolicy
from ledger_core.domain.payment_state import PaymentState
from ledger_core.domain.retrying import Stand, of_capture

FAILED_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
ASKS_NOTHING, HALF_AN_HOUR = PaymentPolicy(), PaymentPolicy(attempts_apart_minutes=30)


@pytest.mark.parametrize(
    ("policy", "minutes_later", "answer"),
    [
        (ASKS_NOTHING, 9, "wait"),
        (ASKS_NOTHING, 10, "retry"),
        (HALF_AN_HOUR, 10, "wait"),
        (HALF_AN_HOUR, 29, "wait"),
        (HALF_AN_HOUR, 30, "retry"),
    ],
)
def test_a_capture_is_not_tried_again_before_its_book_would_take_it(
    policy: PaymentPolicy, minutes_later: int, answer: str
) -> None:
    now = FAILED_AT + timedelta(minutes=minutes_later)
    assert of_capture(PaymentState.INITIATED, Stand(FAILED_AT, 1), now, policy).answer == answer
