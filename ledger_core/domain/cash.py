"""Cash facts: a drawer that is opened and closed with what was counted in it, and the cash that goes in and out."""

from dataclasses import dataclass
from typing import NamedTuple


class CashMoved(NamedTuple):
    """Cash that is brought into a drawer as it opens, or taken away as it closes: from or to which account."""

    account: str
    amount_minor: int


@dataclass(slots=True)
class DrawerOpened:
    """Somebody counted what is in the drawer, `brought` included, and begins to work with it."""

    account: str
    counted_minor: int
    currency: str
    opened_by: str
    brought: CashMoved | None = None


@dataclass(slots=True)
class DrawerClosed:
    """Somebody counted what is in the drawer; of that `taken` leaves it."""

    account: str
    counted_minor: int
    currency: str
    closed_by: str
    taken: CashMoved | None = None


@dataclass(slots=True)
class CashReceived:
    """Cash came into an open drawer. `against` is the account on the other side."""

    account: str
    receipt_id: str
    amount_minor: int
    currency: str
    against: str
    received_by: str = ""


@dataclass(slots=True)
class CashRefunded:
    """Cash left an open drawer, and two persons signed for it."""

    account: str
    refund_id: str
    amount_minor: int
    currency: str
    against: str
    signed_off_by: tuple[str, ...]
    reason: str = ""


DrawerFact = DrawerOpened | DrawerClosed | CashReceived | CashRefunded
DRAWER_FACTS = (DrawerOpened, DrawerClosed, CashReceived, CashRefunded)
