"""What all of Stripe's webhooks have in common: the payment that a thing belongs to, and its amounts."""

from typing import Final

from consumers.processors import digits, events
from consumers.processors.fields import found, identifier, section, text, time_of_epoch, whole_number
from consumers.processors.model import Json

NAME: Final = "stripe"


def thing_of(webhook: Json) -> Json:
    """The charge, refund, dispute … that it is about."""
    return section(webhook, "data", "object")


def time_of(webhook: Json) -> str:
    return time_of_epoch(webhook, "created")


def payment_key(thing: Json, *, charge: str) -> str:
    """The payment intent, whose charge may be one of several tries; else the charge, whose id stands in `charge`."""
    member = charge if found(thing, "payment_intent") is None else "payment_intent"
    return events.payment_key(NAME, identifier(thing, member))


def amount(thing: Json, member: str, scales: digits.Scales) -> Json:
    currency = text(thing, "currency").upper()
    return events.money(minor_units(whole_number(thing, member), currency, scales), currency)


def minor_units(value: int, currency: str, scales: digits.Scales) -> str:
    return digits.minor_units(value, currency, digits.STRIPE, scales)
