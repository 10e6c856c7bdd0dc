"""Turns validated events of reservations and payment methods into the core's facts: a reservation is a hold."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from consumers.hold_facts import takers_of
from ledger_core.domain.holds import HoldCaptured, HoldConfirmed, HoldFact, HoldPlaced, HoldReleased
from ledger_core.domain.payment_methods import PaymentMethodDetached, PaymentMethodFact, PaymentMethodTokenized
from schemas.envelope import parse_time_us
from schemas.events.reservations import (
    PaymentMethodDetachedV1,
    PaymentMethodTokenizedV1,
    ReservationCancelledV1,
    ReservationConfirmedV1,
    ReservationHeldV1,
    ReservationNoShowV1,
)

NO_SHOW: Final = "no_show"


def held(data: ReservationHeldV1) -> HoldPlaced:
    expires_at = data.get("expires_at")
    return HoldPlaced(
        data["reservation_id"],
        data["account"],
        int(data["amount_minor"]),
        data["currency"],
        expires_at_us=parse_time_us(expires_at) if expires_at is not None else None,
    )


def confirmed(data: ReservationConfirmedV1) -> HoldCaptured | HoldConfirmed:
    takers = data.get("to")
    if takers is None:
        return HoldConfirmed(data["reservation_id"])
    return HoldCaptured(data["reservation_id"], takers_of(takers))


def cancelled(data: ReservationCancelledV1) -> HoldReleased:
    return HoldReleased(data["reservation_id"], data.get("reason", ""))


def no_show(data: ReservationNoShowV1) -> HoldCaptured:
    return HoldCaptured(data["reservation_id"], takers_of(data["first_night"]), final=True, memo=NO_SHOW)


def tokenized(data: PaymentMethodTokenizedV1) -> PaymentMethodTokenized:
    return PaymentMethodTokenized(
        data["payment_method_id"], data["method"], data.get("brand", ""), data.get("last_four", "")
    )


def detached(data: PaymentMethodDetachedV1) -> PaymentMethodDetached:
    return PaymentMethodDetached(data["payment_method_id"], data.get("reason", ""))


# Any: each function takes the data of its own type, which the validator of that type has just made.
RESERVATION_FACTS: Mapping[str, Callable[[Any], HoldFact | PaymentMethodFact]] = MappingProxyType({
    "reservation.held.v1": held,
    "reservation.confirmed.v1": confirmed,
    "reservation.cancelled.v1": cancelled,
    "reservation.no_show.v1": no_show,
    "payment_method.tokenized.v1": tokenized,
    "payment_method.detached.v1": detached,
})  # fmt: skip
