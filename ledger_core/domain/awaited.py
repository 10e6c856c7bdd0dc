"""What a parked event can wait for: the forms of `Refusal.waits_for`, and which of them can be overdue."""

import re
from enum import StrEnum
from typing import Final


class Awaited(StrEnum):
    """Each form by how it begins. A new one gets its member here, and its look in `ledger_core.store.overdue`."""

    EVENT_TYPES = ""
    """Event types joined by `|`, without their versions: whichever comes first under the order key."""
    ANNOUNCED = "payment.intent_created|payment.authorized"
    """Such types, too; but a chart may cease to ask them of captures."""
    VOUCHER = "voucher:"
    ORDER_KEY = "order_key"
    """Its turn, behind an event of the same order key that waits."""
    ACCOUNT = "account:"
    BOOK = "book:"
    CONTROL = "control:"
    VERIFICATION = "gate:verification:"
    GATE = "gate:"
    """Every other gate of a transfer; what opens it comes under the same order key, but a chart may ask for less."""
    PERIOD = "period"
    PROFILE = "profile:"
    SCHEMA = "schema:"
    SWEEP = "sweep:"


NEVER_OVERDUE: Final = frozenset({Awaited.EVENT_TYPES, Awaited.ORDER_KEY})
"""These come true by an event of the same order key, and what waits is decided in the transaction of that event."""

_EVENT_TYPES: Final = re.compile(r"[a-z_]+(\.[a-z_]+)+(\|[a-z_]+(\.[a-z_]+)+)*")


def form_of(waits_for: str) -> Awaited | None:
    """The form of what an event waits for; None where there is no such form."""
    for form in Awaited:
        named = waits_for.startswith(form) and waits_for != form if form.endswith(":") else waits_for == form != ""
        if named:
            return form
    return Awaited.EVENT_TYPES if _EVENT_TYPES.fullmatch(waits_for) else None
