"""Where a payment stands by name, and its execution apart from its finality.

Read from what decides: the subject of the payment, and its refunds and settlements.
"""

from collections.abc import Iterable
from enum import StrEnum

from ledger_core.domain.parts import State
from ledger_core.domain.subjects import EXPIRED, FAILED, Subject


class PaymentState(StrEnum):
    """PENDING_CASH until whoever delivers has collected it; CAPTURED until it is fully refunded."""

    INITIATED = "INITIATED"
    AUTHORIZED = "AUTHORIZED"
    PENDING_CASH = "PENDING_CASH"
    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    FAILED = "FAILED"
    REFUNDED = "REFUNDED"


class Progress(StrEnum):
    """Of the execution of a settlement, and of its finality."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"


def payment_state(subject: Subject, *, awaits_cash: bool = False) -> PaymentState | None:
    """None of an order key that is no payment, or whose payment was taken back by request.

    `awaits_cash` says that cash on delivery was announced.
    """
    if subject.voided:
        return PaymentState.VOIDED
    if subject.captured_minor:
        return PaymentState.REFUNDED if subject.refunded_minor == subject.captured_minor else PaymentState.CAPTURED
    if subject.marks & (FAILED | EXPIRED):
        return PaymentState.FAILED
    if subject.authorised_minor:
        return PaymentState.AUTHORIZED
    if awaits_cash:
        return PaymentState.PENDING_CASH
    return PaymentState.INITIATED if subject.asset_id else None


def execution_of(settlements: Iterable[State]) -> Progress:
    """CONFIRMED as soon as one settlement was executed, whatever comes of its finality."""
    states = list(settlements)
    if any(state in (State.CONFIRMED, State.FINAL, State.FINALITY_FAILED) for state in states):
        return Progress.CONFIRMED
    return Progress.FAILED if states else Progress.PENDING


def finality_of(settlements: Iterable[State]) -> Progress:
    """Of what was executed: FAILED where any of it did not last, CONFIRMED where all of it is final."""
    states = [state for state in settlements if state is not State.FAILED]
    if State.FINALITY_FAILED in states:
        return Progress.FAILED
    return Progress.CONFIRMED if states and set(states) == {State.FINAL} else Progress.PENDING
