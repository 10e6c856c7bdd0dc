"""What may be tried again of a capture, by the policy of its book."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger_core.domain.parts import BITS, STEPS, Part, PartKind, State, state_of
from ledger_core.domain.payment_policy import PaymentPolicy
from ledger_core.domain.payment_state import PaymentState
from ledger_core.domain.retrying import Stand, of_capture, of_refund

DOCUMENT = Path(__file__).parents[3] / "docs/how-to/follow-a-payment.md"
REFUND_STEPS = [step for step in STEPS.values() if step.kind is PartKind.REFUND]
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


def test_every_state_has_its_row_in_the_documentation() -> None:
    """As the code answers right after the last step, where nothing failed since."""
    rows = [row for row in DOCUMENT.read_text(encoding="utf-8").splitlines() if row.startswith("|")]
    told = {state: answer for row in rows for state, answer in _documented(row)}
    stand = Stand(FAILED_AT)
    answers = {state.value: of_capture(state, stand, FAILED_AT, ASKS_NOTHING).answer for state in PaymentState}
    refunds = {state_of(PartKind.REFUND, Part(told=1 << BITS * step.number)) for step in REFUND_STEPS}
    answers |= {state.value: of_refund(state, stand, FAILED_AT).answer for state in {*refunds, State.TAKEN_BACK}}
    assert told == answers


def _documented(row: str) -> Iterator[tuple[str, str]]:
    """States that a row of the table names, each with the answer that its second column begins with."""
    match = re.fullmatch(r"\|([^|]+)\| `(retry|retry_once|wait|done|investigate)`[^|]*\|", row)
    for state in re.findall(r"[A-Z][A-Z_]{3,}", match[1]) if match else ():
        yield state, match[2] if match else ""
