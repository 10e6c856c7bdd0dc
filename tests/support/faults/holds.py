"""What is wrong with holds and their captures."""

from collections.abc import Mapping

from ledger_core.domain.outcomes import Code
from tests.support.faults.payments import on_nothing, posted_before, shared, shares_too_large
from tests.support.faults.telling import ACCOUNTS, Fault, Telling, parked
from tests.support.hold_events import LONG_AGO, LONG_DUE, placed, released, taken


def placing(number: int) -> Telling:
    telling = Telling(number, "hold.placed.v1", {})
    telling.data |= {"hold_id": telling.key, "amount_minor": "100", "currency": "EUR", "side": "credit"}
    telling.data["account"] = telling.name("wallet:payer")

    def credit(account: str, amount: int, _currency: str) -> None:
        telling.data["account"] = account

    telling.credit = credit
    return telling


def _other_hold(telling: Telling) -> None:
    telling.data["hold_id"] = "other"


def _poor_holder(telling: Telling) -> None:
    telling.data |= {"account": telling.name("wallet:low"), "side": "debit"}


PLACING: Mapping[Code, Fault] = {
    Code.DATA_INVALID: _other_hold,
    Code.HOLD_EXISTS: posted_before(lambda key: placed(key, 1)),
    **{code: fault for code, fault in ACCOUNTS.items() if code.startswith(("ACCOUNT_", "CONTROL_"))},
    Code.INSUFFICIENT_AVAILABLE: _poor_holder,
    Code.ORDER_KEY_PARKED: parked,
}


def taking(number: int) -> Telling:
    telling = Telling(number, "hold.captured.v1", {})
    telling.data["hold_id"] = telling.key
    telling.first(placed(telling.key, of=telling.name("wallet:payer"), tolerance_bps=10_000))
    return shared(telling, "to")


def _to_holder(telling: Telling) -> None:
    telling.credit(telling.name("wallet:payer"), 1, "EUR")


def _all_taken(telling: Telling) -> None:
    telling.first(taken(telling.key, 1, final=True, event_id=telling.name("taken")))


def _hold_lapsed(telling: Telling) -> None:
    telling.before = [placed(telling.key, time=LONG_AGO, expires_at=LONG_DUE, of=telling.name("wallet:payer"))]


TAKING: Mapping[Code, Fault] = {
    Code.DATA_INVALID: _other_hold,
    Code.VOUCHER_UNBALANCED: lambda telling: telling.data.__setitem__("amount_minor", "7"),
    Code.SUM_TOO_LARGE: shares_too_large,
    Code.HOLD_UNKNOWN: on_nothing,
    Code.HOLD_CAPTURED: _all_taken,
    Code.HOLD_RELEASED: lambda telling: telling.first(released(telling.key)),
    Code.HOLD_EXPIRED: _hold_lapsed,
    Code.CAPTURE_EXCEEDS_HOLD: lambda telling: telling.credit(telling.name("wallet:payee"), 1_000, "EUR"),
    Code.SAME_ACCOUNT_BOTH_SIDES: _to_holder,
    **{code: fault for code, fault in ACCOUNTS.items() if code is not Code.OVERFLOW},  # it would exceed the hold
    Code.ORDER_KEY_PARKED: parked,
}
