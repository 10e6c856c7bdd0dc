"""Turns validated events of the cash desk, and of payments in cash, into the core's facts."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from consumers.story_facts import beneficiaries
from ledger_core.domain.cash import CashMoved, CashReceived, CashRefunded, DrawerClosed, DrawerFact, DrawerOpened
from ledger_core.domain.payments import CASH_ON_DELIVERY, CashIntentCreated, PaymentIntentCreated, ProvenCaptured
from schemas.events.cash import CashMovedData, CashReceivedV1, CashRefundedV1, DrawerClosedV1, DrawerOpenedV1
from schemas.events.payments import PaymentCapturedV1, PaymentIntentCreatedV1


def intent_created(data: PaymentIntentCreatedV1) -> PaymentIntentCreated:
    kind = CashIntentCreated if data["method"] == CASH_ON_DELIVERY else PaymentIntentCreated
    return kind(data["payment_id"], int(data["amount_minor"]), data["currency"], data["method"])


def capture_with_proof(data: PaymentCapturedV1) -> ProvenCaptured:
    shares = data.get("beneficiaries")
    return ProvenCaptured(
        data["payment_id"],
        int(data["amount_minor"]),
        data["currency"],
        data["method"],
        beneficiaries(shares) if shares else (),
        data.get("payer"),
        data.get("partial", False),
        gateway_transaction_id=data.get("gateway_transaction_id", ""),
        gateway_response=data.get("gateway_response", ""),
        confirmed_by=data.get("confirmed_by", ""),
        confirmed_at=data.get("confirmed_at", ""),
    )


def drawer_opened(data: DrawerOpenedV1) -> DrawerOpened:
    brought = _moved(data.get("brought"))
    return DrawerOpened(data["account"], int(data["counted_minor"]), data["currency"], data["opened_by"], brought)


def drawer_closed(data: DrawerClosedV1) -> DrawerClosed:
    taken = _moved(data.get("taken"))
    return DrawerClosed(data["account"], int(data["counted_minor"]), data["currency"], data["closed_by"], taken)


def cash_received(data: CashReceivedV1) -> CashReceived:
    return CashReceived(
        data["account"],
        data["receipt_id"],
        int(data["amount_minor"]),
        data["currency"],
        data["against"],
        data.get("received_by", ""),
    )


def cash_refunded(data: CashRefundedV1) -> CashRefunded:
    return CashRefunded(
        data["account"],
        data["refund_id"],
        int(data["amount_minor"]),
        data["currency"],
        data["against"],
        tuple(data["signed_off_by"]),
        data.get("reason", ""),
    )


def _moved(data: CashMovedData | None) -> CashMoved | None:
    return CashMoved(data["account"], int(data["amount_minor"])) if data is not None else None


# Any: each function takes the data of its own type, which the validator of that type has just made.
CASH_FACTS: Mapping[str, Callable[[Any], DrawerFact]] = MappingProxyType({
    "drawer.opened.v1": drawer_opened,
    "drawer.closed.v1": drawer_closed,
    "cash.received.v1": cash_received,
    "cash.refunded.v1": cash_refunded,
})  # fmt: skip
