"""Reservations, version 1: a guest's money held for a stay, taken or given back; and payment methods on file.

The `subject` of each is the id of the reservation, which is that of its hold, or of the payment method. Fields stand
in alphabetical order, as in `payments.py`.
"""

from typing import Annotated, NotRequired

from pydantic import Field, StringConstraints, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.events.holds import ExpiresAt, TakerData
from schemas.events.payments import STRICT, AccountCode, AmountMinor, Currency, Identifier, Method, Reason
from schemas.events.texts import NO_CARD_NUMBER, WITHOUT_CARD_NUMBER

HeldFrom = Annotated[AccountCode, Field(description="The account of which it is held", examples=["wallet:buyer:9"])]
Takers = Annotated[
    list[TakerData], Field(min_length=1, max_length=999, description="Who gets what is taken now; nothing if absent")
]
FirstNight = Annotated[
    list[TakerData], Field(min_length=1, max_length=999, description="Who gets the first night; the rest is given back")
]
Brand = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,49}$"),
    Field(description="Of a card, for people", examples=["visa"]),
    WITHOUT_CARD_NUMBER,
]
LastFour = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}$"),
    Field(description="Last digits of a card or account, for people", examples=["4242"]),
]

PaymentMethodId = Annotated[
    Identifier,
    Field(description="The processor's token of the card or account, or an id of it; never a card number"),
    NO_CARD_NUMBER,
]


@with_config(STRICT)
class ReservationHeldV1(TypedDict):
    """What the stay may cost is held. Recorded, without entries: it lowers what is available."""

    account: HeldFrom
    amount_minor: AmountMinor
    currency: Currency
    expires_at: NotRequired[ExpiresAt]
    reservation_id: Identifier


@with_config(STRICT)
class ReservationConfirmedV1(TypedDict):
    """The stay is certain. What `to` names is taken from the hold now; without it this is recorded, the hold stays."""

    reservation_id: Identifier
    to: NotRequired[Takers]


@with_config(STRICT)
class ReservationCancelledV1(TypedDict):
    """There is no stay: what is still held is given back."""

    reason: NotRequired[Reason]
    reservation_id: Identifier


@with_config(STRICT)
class ReservationNoShowV1(TypedDict):
    """Nobody came: the first night is taken from what is held, and the rest given back."""

    first_night: FirstNight
    reservation_id: Identifier


@with_config(STRICT)
class PaymentMethodTokenizedV1(TypedDict):
    """A payer's card or account is on file with the processor. Recorded; the token itself is nobody's business here."""

    brand: NotRequired[Brand]
    last_four: NotRequired[LastFour]
    method: Method
    payment_method_id: PaymentMethodId


@with_config(STRICT)
class PaymentMethodDetachedV1(TypedDict):
    """It is on file no longer. Recorded."""

    payment_method_id: PaymentMethodId
    reason: NotRequired[Reason]
