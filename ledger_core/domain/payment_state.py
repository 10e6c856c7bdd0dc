"""Where a payment stands by name, its execution apart from its finality, and what may safely be tried again.

Read from what decides: the subject of the payment, and its refunds and settlements.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

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


class Advice(NamedTuple):
    """`answer` is one of retry, retry_once, wait, done, investigate."""

    answer: str
    detail: str


NEVER_ANEW = "Starting anew with another id is never safe: it may be done twice."

OF_CAPTURE: Mapping[PaymentState, Advice] = MappingProxyType({
    PaymentState.INITIATED: Advice("retry", "nothing was captured: the capture may be tried again, with the same id"),
    PaymentState.AUTHORIZED: Advice("retry", "nothing was captured: the capture may be tried again, with the same id"),
    PaymentState.PENDING_CASH: Advice("wait", "it is paid in cash when the order is delivered"),
    PaymentState.CAPTURED: Advice("done", "it was captured"),
    PaymentState.REFUNDED: Advice("done", "it was captured, and given back since"),
    PaymentState.VOIDED: Advice("done", "it was called off"),
    PaymentState.FAILED: Advice("investigate", "it failed: find out why before anybody tries again"),
})  # fmt: skip

OF_REFUND: Mapping[State, Advice] = MappingProxyType({
    State.PENDING: Advice("wait", "it waits for approval"),
    State.APPROVED: Advice("retry_once", "it may be tried again once, with the same id"),
    State.PROCESSING: Advice("wait", "wait a minute; if it is still processing then, investigate"),
    State.COMPLETED: Advice("done", "the money went back"),
    State.FAILED: Advice("investigate", "it failed: find out why before anybody tries again"),
})  # fmt: skip
