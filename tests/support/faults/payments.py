"""What is wrong with payments, and with the steps of refunds, chargebacks, settlements, payouts and fees."""

from collections.abc import Callable, Mapping
from typing import Any

from deploy.demo.messages import Message
from ledger_core.domain.outcomes import Code
from schemas.events.registry import EVENT_TYPES
from tests.support.faults.telling import ACCOUNTS, DEBITED, MOST, Fault, Telling, long_ago, parked
from tests.support.postings import authorized, captured, event, refunded, voided


def capture(number: int) -> Telling:
    telling = Telling(number, "payment.captured.v1", {})
    telling.data |= {"payment_id": telling.key, "amount_minor": "100", "currency": "EUR", "method": "card"}
    return shared(telling)


def shared(telling: Telling, name: str = "beneficiaries") -> Telling:
    """With somebody who gets all of it."""
    shares = telling.data[name] = [{"account": telling.name("wallet:payee"), "amount_minor": "100"}]

    def credit(account: str, amount: int, _currency: str) -> None:
        shares.append({"account": account, "amount_minor": str(amount)})

    telling.credit = credit
    return telling


def shares_too_large(telling: Telling) -> None:
    for _ in range(3):
        telling.credit(telling.name("wallet:large"), MOST, "EUR")


def _captured_to_payer(telling: Telling) -> None:
    payer = telling.data.setdefault("payer", telling.name("wallet:payer"))
    telling.credit(payer, 1, "EUR")


def _poor_payer(telling: Telling) -> None:
    telling.data["payer"] = telling.name("wallet:low")


def posted_before(*what: Callable[[str], Message]) -> Fault:
    """Something of the same order key."""
    return lambda telling: telling.first(*(one(telling.key) for one in what))


def step(event_type: str, attempt: int = 1, **data: object) -> Callable[[str], Message]:
    """A step on the payment, payout or fee of this key."""

    def message(key: str) -> Message:
        return event(event_type, key, f"{event_type}-{attempt}-{key}", step_data(event_type, key) | data)

    return message


def step_data(event_type: str, key: str) -> dict[str, Any]:
    """All steps are of one refund, chargeback or settlement of the key."""
    words = {"payment_id": key, "payout_id": key, "fee_id": key, "account": "wallet:payer", "failure_reason": "no_luck",
             "amount_minor": "100", "currency": "EUR", "method": "card",
             "transfer_id": key, "to": "wallet:payee"}  # fmt: skip
    required: frozenset[str] = EVENT_TYPES[event_type].__required_keys__  # type: ignore[attr-defined]  # it has them
    return {name: words.get(name, "1") for name in required}


def step_of(event_type: str, *before: Callable[[str], Message]) -> Callable[[int], Telling]:
    """The carrier of a step, which posts once `before` is posted."""

    def make(number: int) -> Telling:
        telling = Telling(number, event_type, {})
        telling.data |= step_data(event_type, telling.key)
        posted_before(*before)(telling)
        return telling

    return make


def on_nothing(telling: Telling) -> None:
    """Nothing of the payment came before, nor comes."""
    telling.before.clear()


def amount(amount: int) -> Fault:
    return lambda telling: telling.data.__setitem__("amount_minor", str(amount))


def in_dollars(telling: Telling) -> None:
    telling.data["currency"] = "USD"


def of_another(telling: Telling) -> None:
    telling.data["account"] = telling.name("wallet:payee")


_EXPIRED = posted_before(authorized, step("payment.authorization_expired.v1"))
_SETTLED = posted_before(step("settlement.confirmed.v1", amount_minor="60"))

CAPTURE: Mapping[Code, Fault] = {
    Code.SPLIT_ORDER_NOT_CONFIGURED: lambda telling: telling.data.__setitem__("custody", "escrow"),
    Code.SUM_TOO_LARGE: shares_too_large,
    Code.CURRENCY_MISMATCH: posted_before(lambda key: authorized(key, currency="USD", event_id=f"dollars-{key}")),
    Code.PAYMENT_FAILED: posted_before(step("payment.failed.v1")),
    Code.AUTHORIZATION_EXPIRED: _EXPIRED,
    Code.PAYMENT_VOIDED: posted_before(authorized, voided),
    Code.LIMIT_MINIMUM: _poor_payer,
    Code.SAME_ACCOUNT_BOTH_SIDES: _captured_to_payer,
    **ACCOUNTS,
    Code.ORDER_KEY_PARKED: parked,
}


def _failed_instead(telling: Telling) -> None:
    """A payment that was captured has not failed."""
    telling.before = [step("payment.failed.v1")(telling.key)]


VOID_OF_PAYMENT: Mapping[Code, Fault] = {
    Code.PREDECESSOR_ABSENT: on_nothing,
    Code.VOID_AFTER_REFUND: posted_before(lambda key: refunded(key, 1)),
    Code.VOID_WINDOW_PASSED: _SETTLED,
    Code.PAYMENT_FAILED: _failed_instead,
    Code.ALREADY_VOIDED: posted_before(lambda key: voided(key, event_id=f"first-{key}")),
    Code.PERIOD_CLOSED: long_ago,
    Code.ORDER_KEY_PARKED: parked,
}
FAILURE: Mapping[Code, Fault] = {
    Code.PAYMENT_CAPTURED: posted_before(captured),
    Code.AUTHORIZATION_EXPIRED: _EXPIRED,
    Code.PAYMENT_VOIDED: posted_before(authorized, voided),
    Code.ORDER_KEY_PARKED: parked,
}
LAPSE: Mapping[Code, Fault] = {
    Code.PREDECESSOR_ABSENT: on_nothing,
    Code.PAYMENT_FAILED: posted_before(step("payment.failed.v1")),
    Code.ORDER_KEY_PARKED: parked,
}


def _follows_payment(state: Code, exceeds: Code, first: Callable[[str], Message]) -> dict[Code, Fault]:
    """What a first step of a captured payment meets."""
    return {
        Code.PREDECESSOR_ABSENT: on_nothing,
        Code.CURRENCY_MISMATCH: in_dollars,
        state: posted_before(first),
        exceeds: amount(1_000),
        Code.PAYMENT_VOIDED: posted_before(authorized, voided),
        Code.ORDER_KEY_PARKED: parked,
    }


REFUND_REQUEST = _follows_payment(
    Code.REFUND_STATE_INVALID, Code.REFUND_EXCEEDS_CAPTURED, step("refund.requested.v1", amount_minor="10")
)
CHARGEBACK = {
    **_follows_payment(
        Code.CHARGEBACK_STATE_INVALID, Code.CHARGEBACK_EXCEEDS_CAPTURED,
        step("chargeback.opened.v1", amount_minor="10"),
    ),
    **DEBITED,
}  # fmt: skip
SETTLEMENT = {
    **_follows_payment(
        Code.SETTLEMENT_STATE_INVALID, Code.SETTLEMENT_EXCEEDS_CAPTURED,
        step("settlement.confirmed.v1", amount_minor="10"),
    ),
    Code.DATA_INVALID: lambda telling: telling.data.__setitem__("fee_minor", telling.data["amount_minor"]),
    Code.PERIOD_CLOSED: long_ago,
}  # fmt: skip
REFUND_AT_ONCE: Mapping[Code, Fault] = {
    Code.PREDECESSOR_ABSENT: on_nothing,
    Code.CURRENCY_MISMATCH: in_dollars,
    Code.REFUND_STATE_INVALID: posted_before(step("payment.refunded.v1", amount_minor="10")),
    Code.REFUND_EXCEEDS_CAPTURED: amount(1_000),
    Code.PAYMENT_VOIDED: posted_before(authorized, voided),
    **DEBITED,
    Code.ORDER_KEY_PARKED: parked,
}
REFUND_DONE: Mapping[Code, Fault] = {
    Code.AMOUNT_DIFFERS: amount(9),
    Code.CURRENCY_MISMATCH: in_dollars,
    Code.REFUND_STATE_INVALID: posted_before(step("refund.failed.v1")),
    Code.PERIOD_CLOSED: long_ago,
    Code.ORDER_KEY_PARKED: parked,
}
DISPUTE_WON: Mapping[Code, Fault] = {
    Code.AMOUNT_DIFFERS: amount(9),
    Code.CURRENCY_MISMATCH: in_dollars,
    Code.CHARGEBACK_STATE_INVALID: posted_before(step("chargeback.lost.v1")),
    Code.FEE_REFUND_EXCEEDS_CHARGED: lambda telling: telling.data.__setitem__("fee_minor", "6"),
    Code.PERIOD_CLOSED: long_ago,
    Code.ORDER_KEY_PARKED: parked,
}
PAYOUT: Mapping[Code, Fault] = {
    Code.AMOUNT_DIFFERS: amount(9),
    Code.ACCOUNT_DIFFERS: of_another,
    Code.CURRENCY_MISMATCH: in_dollars,
    Code.PAYOUT_STATE_INVALID: posted_before(step("payout.failed.v1")),
    Code.PERIOD_CLOSED: long_ago,
    Code.ORDER_KEY_PARKED: parked,
}
FEE: Mapping[Code, Fault] = {
    Code.FEE_STATE_INVALID: posted_before(step("fee.charged.v1")),
    Code.ACCOUNT_MISSING: lambda telling: telling.data.__setitem__("account", telling.name("vault")),
    Code.PERIOD_CLOSED: long_ago,
    Code.ORDER_KEY_PARKED: parked,
}
FEE_REFUND: Mapping[Code, Fault] = {
    Code.PREDECESSOR_ABSENT: on_nothing,
    Code.CURRENCY_MISMATCH: in_dollars,
    Code.ACCOUNT_DIFFERS: of_another,
    Code.FEE_REFUND_EXCEEDS_CHARGED: amount(1_000),
    Code.PERIOD_CLOSED: long_ago,
    Code.ORDER_KEY_PARKED: parked,
}
_TRIED = [step(f"fee.{what}.v1", attempt=n) for n in range(3) for what in ("failed", "retried")][:-1]
FEE_RETRY: Mapping[Code, Fault] = {
    Code.FEE_PERMANENTLY_FAILED: posted_before(*_TRIED),
    Code.ORDER_KEY_PARKED: parked,
}
