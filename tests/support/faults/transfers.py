"""What is wrong with transfers: their deposits, settlements, compensations and approvals; and with sweeps."""

from collections.abc import Mapping

from ledger_core.domain.outcomes import Code
from tests.support.faults.payments import amount, in_dollars, on_nothing, posted_before, step, step_of
from tests.support.faults.telling import ACCOUNTS, DEBITED, Fault, Telling, long_ago, parked
from tests.support.postings import event

REQUESTED, RECEIVED = step("transfer.requested.v1"), step("transfer.inflow.received.v1")
SWEPT = "wallet:swept"
SWEEPS = {"sweeps": [{"name": "daily", "from": SWEPT, "to": "control:CASH", "currency": "EUR"}]}


def settlement(number: int) -> Telling:
    """Of a transfer that was received; what it credits is the account that it goes to."""
    telling = step_of("transfer.settled.v1", REQUESTED, RECEIVED)(number)
    telling.credit = lambda account, _amount, _currency: telling.data.__setitem__("to", account)
    return telling


def deposit(number: int) -> Telling:
    """Of a transfer that was requested; what its faults name is the account that it comes from."""
    telling = step_of("transfer.inflow.received.v1", REQUESTED)(number)
    telling.credit = lambda account, _amount, _currency: telling.data.__setitem__("origin", account)
    return telling


def sweep(number: int) -> Telling:
    telling = Telling(number, "sweep.requested.v1", {"rule": "daily", "currency": "EUR"})
    telling.data["sweep_id"] = telling.key
    return telling


SETTLED: Mapping[Code, Fault] = {
    Code.CURRENCY_MISMATCH: in_dollars,
    Code.PREDECESSOR_ABSENT: posted_before(step("transfer.inflow.compensated.v1")),
    Code.TRANSFER_GATE_CLOSED: posted_before(step("transfer.monitoring.flagged.v1")),
    Code.TRANSFER_STATE_INVALID: posted_before(step("transfer.failed.v1")),
    Code.TRANSFER_BLOCKED: posted_before(step("transfer.monitoring.blocked.v1")),
    Code.AMOUNT_DIFFERS: amount(9),
    **{code: fault for code, fault in ACCOUNTS.items() if code is not Code.OVERFLOW},
    Code.ORDER_KEY_PARKED: parked,
}
DEPOSIT: Mapping[Code, Fault] = {
    Code.PREDECESSOR_ABSENT: on_nothing,
    Code.CURRENCY_MISMATCH: in_dollars,
    Code.TRANSFER_STATE_INVALID: posted_before(step("transfer.inflow.received.v1", attempt=2, amount_minor="10")),
    Code.TRANSFER_GATE_CLOSED: posted_before(step("transfer.review.opened.v1")),
    Code.INFLOW_EXCEEDS_TRANSFER: amount(1_000),
    **DEBITED,
    Code.ORDER_KEY_PARKED: parked,
}
COMPENSATION: Mapping[Code, Fault] = {
    Code.PREDECESSOR_ABSENT: on_nothing,
    Code.ALREADY_COMPENSATED: posted_before(step("transfer.inflow.compensated.v1", attempt=2)),
    Code.TRANSFER_GATE_CLOSED: posted_before(step("transfer.review.opened.v1")),
    Code.PERIOD_CLOSED: long_ago,
    Code.ORDER_KEY_PARKED: parked,
}
APPROVAL: Mapping[Code, Fault] = {
    Code.PREDECESSOR_ABSENT: on_nothing,
    Code.APPROVAL_NOT_DISTINCT: posted_before(step("transfer.approved.v1", attempt=2)),
    Code.TRANSFER_STATE_INVALID: posted_before(step("transfer.failed.v1")),
    Code.ORDER_KEY_PARKED: parked,
}


def _swept_before(telling: Telling) -> None:
    data = {"rule": "daily", "currency": "EUR", "sweep_id": telling.key}
    telling.first(event("sweep.requested.v1", telling.key, telling.name("told"), data))


SWEEP: Mapping[Code, Fault] = {
    Code.ALREADY_TOLD: _swept_before,
    Code.SWEEP_RULE_MISSING: lambda telling: telling.data.__setitem__("rule", "weekly"),
    Code.ORDER_KEY_PARKED: parked,
}
