"""What services send. `order` is the order key of an event, `day` the one on which it takes effect."""

from dataclasses import dataclass, field
from typing import NamedTuple

TODAY = "2026-11-21"


class Line(NamedTuple):
    """One debit (D) or credit (C)."""

    account: str
    side: str
    amount: int
    currency: str = "EUR"


class Split(NamedTuple):
    """An amount that is credited to some by their weights; `remainder_to` gets what rounding leaves, if it is named."""

    amount: int
    among: tuple[tuple[str, int], ...]
    remainder_to: str = ""
    currency: str = "EUR"


class Exchange(NamedTuple):
    """The quote of an exchange: units of `counter` for one of `base`."""

    base: str
    counter: str
    rate: str = "2"


@dataclass(frozen=True)
class Sent:
    event_id: str
    day: str = "2026-11-21"


@dataclass(frozen=True)
class Voucher(Sent):
    """By hand. `compensates` is the event whose voucher it makes good."""

    lines: tuple[Line, ...] = ()
    splits: tuple[Split, ...] = field(default=(), kw_only=True)
    kind: str = "transfer"
    adjusts: bool = False
    quote: Exchange | None = None
    compensates: str = ""

    @property
    def order(self) -> str:
        return self.event_id


@dataclass(frozen=True)
class Group(Sent):
    """Vouchers that post together or not at all."""

    members: tuple[Voucher, ...] = ()

    @property
    def order(self) -> str:
        return self.event_id


@dataclass(frozen=True)
class Void(Sent):
    """Takes back the voucher of the event `of`, or the one of this number; knowingly of a closed period, or not."""

    order: str = ""
    of: str = ""
    number: int = 0
    in_open_period: bool = False


@dataclass(frozen=True)
class Place(Sent):
    """A hold; one that is `due` expires as soon as somebody looks."""

    order: str = ""
    account: str = ""
    amount: int = 0
    tolerance_bps: int = 0
    due: bool = False


@dataclass(frozen=True)
class Capture(Sent):
    order: str = ""
    to: str = ""
    amount: int = 0
    final: bool = False


@dataclass(frozen=True)
class Release(Sent):
    order: str = ""


@dataclass(frozen=True)
class Authorize(Sent):
    order: str = ""
    amount: int = 0
    currency: str = "EUR"


@dataclass(frozen=True)
class Pay(Sent):
    """A capture of a payment, all of it for one account."""

    order: str = ""
    to: str = ""
    amount: int = 0
    currency: str = "EUR"


@dataclass(frozen=True)
class Refund(Pay):
    """Borne by the account `to`."""


@dataclass(frozen=True)
class VoidPayment(Sent):
    order: str = ""


@dataclass(frozen=True)
class OpenAccount(Sent):
    order: str = ""
    type: str = "liability"
    currency: str = "EUR"


@dataclass(frozen=True)
class Freeze(Sent):
    order: str = ""


@dataclass(frozen=True)
class Unfreeze(Sent):
    order: str = ""


@dataclass(frozen=True)
class CloseAccount(Sent):
    """`to` gets what is left."""

    order: str = ""
    to: str = ""


HoldEvent = Place | Capture | Release
PaymentEvent = Authorize | Pay | Refund | VoidPayment
AccountEvent = OpenAccount | Freeze | Unfreeze | CloseAccount
Event = Voucher | Group | Void | HoldEvent | PaymentEvent | AccountEvent
