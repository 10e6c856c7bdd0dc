"""Payment facts: what an upstream service says happened, already validated. Amounts in minor units."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from ledger_core.domain.money import part_minor
from ledger_core.domain.quotes import Quote

CASH_ON_DELIVERY: Final = "cash_on_delivery"
"""The method of a payment that a courier collects."""


@dataclass(slots=True)
class Beneficiary:
    """A party of a capture or refund: its gross part, and the platform's commission on it in basis points."""

    account: str
    amount_minor: int
    commission_bps: int = 0


@dataclass(slots=True)
class AtBookRate(Beneficiary):
    """One whose event names no commission: of a capture nothing, or in a marketplace what the book's chart says; of
    what follows, what the capture took."""


@dataclass(slots=True)
class ExactShare(Beneficiary):
    """One whose commission is known to the minor unit: of what was captured for it, the part that goes back."""

    commission_minor: int = 0


def commission_of(share: Beneficiary) -> int:
    """In minor units: rounded down, where it is not known exactly."""
    if isinstance(share, ExactShare):
        return share.commission_minor
    return part_minor(share.amount_minor, share.commission_bps)


@dataclass(slots=True)
class PaymentIntentCreated:
    """Somebody is about to pay."""

    payment_id: str
    amount_minor: int
    currency: str
    method: str


@dataclass(slots=True)
class CashIntentCreated(PaymentIntentCreated):
    """Somebody is about to pay whoever delivers, in cash."""


@dataclass(slots=True)
class PaymentAuthorized:
    """The payer's bank promised an amount."""

    payment_id: str
    amount_minor: int
    currency: str
    method: str


@dataclass(slots=True)
class PaymentAuthorizationExpired:
    """The promise has lapsed: what was not captured by now never will be."""

    payment_id: str
    reason: str = ""


@dataclass(slots=True)
class PaymentCaptured:
    """The amount was taken. `payer` names a wallet that paid; None when it came through the processor.

    `partial` says that it is one of several on purpose.
    """

    payment_id: str
    amount_minor: int
    currency: str
    method: str
    beneficiaries: tuple[Beneficiary, ...] = ()
    payer: str | None = None
    partial: bool = False


@dataclass(slots=True, kw_only=True)
class ProvenCaptured(PaymentCaptured):
    """With its proof: the processor's transaction and answer of what was prepaid, so that the order is shipped; or who
    confirmed, and when, that whoever delivered the order took the cash."""

    gateway_transaction_id: str = ""
    gateway_response: str = ""
    confirmed_by: str = ""
    confirmed_at: str = ""


@dataclass(slots=True, kw_only=True)
class SplitCaptured(PaymentCaptured):
    """A capture whose whole amount is split among its beneficiaries, in the custody that was said (`''` by the book).

    With `needs_profiles` each of them must have a verified settlement profile. `told` is the capture itself, with its
    proof if it has one.
    """

    told: PaymentCaptured
    custody: str = ""
    needs_profiles: bool = False

    @classmethod
    def of(cls, told: PaymentCaptured, custody: str, *, needs_profiles: bool = False) -> "SplitCaptured":
        return cls(
            told.payment_id, told.amount_minor, told.currency, told.method, told.beneficiaries, told.payer,
            told.partial, told=told, custody=custody, needs_profiles=needs_profiles,
        )  # fmt: skip


class Exchange(NamedTuple):
    """What of a capture its beneficiaries are credited with, in their currency, and the quote by which it was made."""

    amount_minor: int
    currency: str
    quote: Quote


class StaleQuote(NamedTuple):
    """How old a quote was when its payment took effect, and how old the book's chart lets it be."""

    age_minutes: int
    max_age_minutes: int


@dataclass(slots=True, kw_only=True)
class ExchangedCaptured(PaymentCaptured):
    """A capture that the payer pays in one currency, and whose beneficiaries are credited in another: their parts are
    of the exchanged amount. `told` is the capture itself, with its proof if it has one."""

    told: PaymentCaptured
    exchange: Exchange
    stale: StaleQuote | None = None
    """Set where the quote was older than the book's chart lets it be."""

    @classmethod
    def of(cls, told: PaymentCaptured, exchange: Exchange) -> "ExchangedCaptured":
        return cls(
            told.payment_id, told.amount_minor, told.currency, told.method, told.beneficiaries, told.payer,
            told.partial, told=told, exchange=exchange,
        )  # fmt: skip


def capture_itself(fact: PaymentCaptured) -> PaymentCaptured:
    """What was told, with its proof if it has one, of a capture that is split, or across currencies, or both."""
    while isinstance(fact, SplitCaptured | ExchangedCaptured):
        fact = fact.told
    return fact


@dataclass(slots=True)
class PaymentCaptureFailed:
    """One attempt to take the amount failed; another may follow."""

    payment_id: str
    failure_reason: str


@dataclass(slots=True)
class PaymentFailed:
    """Nothing was taken, and nothing will be."""

    payment_id: str
    failure_reason: str


@dataclass(slots=True)
class PaymentVoided:
    """The payment was called off: before capture nothing posts, after it all captures are mirrored."""

    payment_id: str
    reason: str = ""


@dataclass(slots=True)
class PaymentRefunded:
    """Money went back to the payer, in one step; `beneficiaries` bear it as they would have received it.

    With `keeps_fee` the platform does not give its commission back: they bear their gross parts.
    """

    payment_id: str
    refund_id: str
    amount_minor: int
    currency: str
    beneficiaries: tuple[Beneficiary, ...] = ()
    payer: str | None = None
    keeps_fee: bool = False
    credited_currency: str = ""
    """Of a payment across currencies: that of its beneficiaries' parts."""


@dataclass(slots=True)
class PayoutPaid:
    """A seller's money left through the bank."""

    payout_id: str
    account: str
    amount_minor: int
    currency: str


PaymentFact = (
    PaymentIntentCreated
    | CashIntentCreated
    | PaymentAuthorized
    | PaymentAuthorizationExpired
    | PaymentCaptured
    | ProvenCaptured
    | SplitCaptured
    | ExchangedCaptured
    | PaymentCaptureFailed
    | PaymentFailed
    | PaymentVoided
    | PaymentRefunded
    | PayoutPaid
)
