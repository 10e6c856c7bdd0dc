"""The ledger's events as the folds of the read side see them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, NotRequired, TypedDict

VOUCHER_POSTED = "voucher.posted"
FACT_RECORDED = "fact.recorded"


class Reversed(TypedDict):
    """What a reversal says of the voucher that it takes back."""

    position: int
    event_type: str
    """Type of the upstream event that had posted it."""


class EventState(TypedDict):
    """What folds read of an event's state; it holds more. Amounts are digits in minor units.

    A line is account, side, amount, currency, purpose; more may follow in later versions.
    """

    kind: NotRequired[str]
    event_type: NotRequired[str]
    """Type of the upstream event that it answers."""
    effective_at: NotRequired[str]
    """RFC 3339 in UTC with six decimals, so that the order of the text is the order in time."""
    amount_minor: NotRequired[str]
    currency: NotRequired[str]
    lines: NotRequired[Sequence[Sequence[str]]]
    method: NotRequired[str]
    fee_minor: NotRequired[str]
    """What a processor charges for a settlement or dispute; of a dispute that was won, what it gives back."""
    reference: NotRequired[str]
    failure_reason: NotRequired[str]
    reverses: NotRequired[Sequence[Reversed]]
    mirrored: NotRequired[Sequence[str]]
    """Of a voucher that takes others back: what its first lines had been for, by name, line by line."""
    notice: NotRequired[Mapping[str, str]]
    """What a service told of a thing, and of what kind of thing; more may be in it that is no text."""
    exchanged: NotRequired[Mapping[str, str]]
    """Of a payment across currencies: what it moved in the beneficiaries' currency, as amount_minor and currency."""
    commissions: NotRequired[Mapping[str, str]]
    """Commission by beneficiary, where the lines do not tell whose it is."""


class LedgerEvent(NamedTuple):
    """One event of one book. Folds get them in position order per book, each exactly once."""

    book_id: int
    position: int
    type: str
    order_key: str
    state: EventState
