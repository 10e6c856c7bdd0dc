"""What may safely be tried again of a payment: by where it stands, since when, and how often it was tried.

Advice for a person: nothing is posted or refused by it. How long is by the times of events against the moment at which
somebody asks.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple

from ledger_core.domain.parts import State
from ledger_core.domain.payment_policy import DEFAULT_APART_MINUTES, PaymentPolicy
from ledger_core.domain.payment_state import PaymentState

NEVER_ANEW: Final = "Starting anew with another id is never safe: it may be done twice."
PATIENCE: Final = timedelta(minutes=1)
"""How long a processor may be at a refund before somebody looks."""


class Advice(NamedTuple):
    """`answer` is one of retry, retry_once, wait, done, investigate."""

    answer: str
    detail: str


class Stand(NamedTuple):
    """How a capture or a refund came to stand where it does: when its last step took effect, if that is known, and how
    often it was tried since: attempts to capture that failed, steps of a refund that were refused. `taken_back` says
    that all that was captured was reversed by request."""

    since: datetime | None = None
    tries: int = 0
    taken_back: bool = False


_SAME_ID: Final = "with the same id"
_FAILED: Final = Advice("investigate", "it failed: find out why before anybody tries again")
_TAKEN_BACK: Final = Advice(
    "investigate", "it was captured, and taken back by request: find out whether the payer got the money back"
)
_OF_CAPTURE: Mapping[PaymentState, Advice] = MappingProxyType({
    PaymentState.PENDING_CASH: Advice("wait", "it is paid in cash when the order is delivered"),
    PaymentState.CAPTURED: Advice("done", "it was captured"),
    PaymentState.REFUNDED: Advice("done", "it was captured, and given back since"),
    PaymentState.VOIDED: Advice("done", "it was called off"),
    PaymentState.FAILED: _FAILED,
})  # fmt: skip
_OF_REFUND: Mapping[State, Advice] = MappingProxyType({
    State.PENDING: Advice("wait", "it waits for approval"),
    State.COMPLETED: Advice("done", "the money went back"),
    State.FAILED: _FAILED,
    State.TAKEN_BACK: Advice("investigate", "it was done, and taken back by request: find out whether money went back"),
})  # fmt: skip


def of_capture(state: PaymentState, stand: Stand, now: datetime, policy: PaymentPolicy) -> Advice:
    """While nothing was captured it may be tried again, but not right after an attempt that failed: not before the
    book's own policy takes it, nor, where that asks nothing, before the usual time is over. What was captured once and
    taken back is no such thing: the processor may have the money."""
    if state in _OF_CAPTURE:
        return _OF_CAPTURE[state]
    if stand.taken_back:
        return _TAKEN_BACK
    apart = timedelta(minutes=policy.attempts_apart_minutes or DEFAULT_APART_MINUTES)
    if stand.tries and stand.since is not None and now - stand.since < apart:
        until = (stand.since + apart).isoformat(timespec="seconds")
        return Advice("wait", f"an attempt has just failed: the next one may come at {until}, {_SAME_ID}")
    return Advice("retry", f"nothing was captured: the capture may be tried again, {_SAME_ID}")


def of_refund(state: State, stand: Stand, now: datetime) -> Advice:
    """What is approved may be tried again once; what is under way has a minute."""
    if state is State.APPROVED:
        if stand.tries:
            return Advice("investigate", "it was tried again since it was approved: find out why nothing came of it")
        return Advice("retry_once", f"it may be tried again once, {_SAME_ID}")
    if state is State.PROCESSING:
        if stand.since is None:
            return Advice("investigate", "nobody knows since when the processor is at it")
        if now - stand.since < PATIENCE:
            until = (stand.since + PATIENCE).isoformat(timespec="seconds")
            return Advice("wait", f"the processor is at it: investigate if it still is at {until}")
        return Advice("investigate", "the processor is at it for more than a minute: find out why")
    return _OF_REFUND[state]
