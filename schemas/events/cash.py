"""Cash desk events, version 1: drawers that are opened and closed with what was counted, and the cash in between.

The `subject` of each is the code of the drawer's account: its events stay in order. Fields stand in alphabetical
order, as in `payments.py`.
"""

from typing import Annotated, NotRequired

from pydantic import Field, StringConstraints, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.events.payments import STRICT, AccountCode, AmountMinor, Currency, Identifier, Person, Reason

CountedMinor = Annotated[
    str,
    StringConstraints(pattern=r"^(?:0|[1-9][0-9]{0,17})$"),
    Field(description="What was counted, in minor units of the currency, as ASCII digits", examples=["25000"]),
]
Drawer = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$"),
    Field(description="Code of the drawer's account, which is the subject of the event", examples=["cash:drawer:7"]),
]
Against = Annotated[AccountCode, Field(description="The account on the other side", examples=["wallet:buyer:9"])]


@with_config(STRICT)
class CashMovedData(TypedDict):
    """Cash that is brought into a drawer, or taken out of it: from or to which account."""

    account: AccountCode
    amount_minor: AmountMinor


@with_config(STRICT)
class DrawerOpenedV1(TypedDict):
    """A drawer was counted, `brought` included, and opened. What differs from the books is over or short."""

    account: Drawer
    brought: NotRequired[CashMovedData]
    counted_minor: CountedMinor
    currency: Currency
    opened_by: Person


@with_config(STRICT)
class DrawerClosedV1(TypedDict):
    """A drawer was counted and closed; `taken` left it then. What differs from the books is over or short."""

    account: Drawer
    closed_by: Person
    counted_minor: CountedMinor
    currency: Currency
    taken: NotRequired[CashMovedData]


@with_config(STRICT)
class CashReceivedV1(TypedDict):
    """Cash came into an open drawer."""

    account: Drawer
    against: Against
    amount_minor: AmountMinor
    currency: Currency
    receipt_id: Identifier
    received_by: NotRequired[Person]


@with_config(STRICT)
class CashRefundedV1(TypedDict):
    """Cash left an open drawer, and two distinct persons signed for it."""

    account: Drawer
    against: Against
    amount_minor: AmountMinor
    currency: Currency
    reason: NotRequired[Reason]
    refund_id: Identifier
    signed_off_by: Annotated[
        list[Person], Field(min_length=2, max_length=2, description="Two distinct persons", examples=[["anna", "ben"]])
    ]
