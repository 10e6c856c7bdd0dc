"""Vouchers that a service states outright, already validated. Amounts in minor units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger_core.domain.quotes import Quote
from ledger_core.domain.vouchers import Line


class VoucherRef(NamedTuple):
    """A posted voucher of the same book: by its number, or by the upstream event that posted it."""

    voucher_no: int = 0
    """0 where it is named by its event."""
    event_id: str = ""
    source: str = ""
    """'' for the source of the event that refers to it."""


class Adjustment(NamedTuple):
    """Why the books are put right: `reason` is one of correction, cash_count, write_off, compensating."""

    reason: str
    reference: str


@dataclass(slots=True)
class VoucherRequested:
    """One voucher. Lines name accounts as events do (`control:` and a role, too); purpose 0 is the kind's own."""

    kind: str
    lines: Sequence[Line]
    effective_at_us: int | None = None
    """When it took effect, where that is not the time of its event."""
    memo: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    adjustment: Adjustment | None = None
    quote: Quote | None = None
    signed_off_by: Sequence[str] = ()
    """Who signed for cash that leaves a drawer."""


@dataclass(slots=True)
class CompensationRequested(VoucherRequested):
    """A voucher that makes another one good: which, is looked up under lock."""

    compensates: VoucherRef = field(kw_only=True)


@dataclass(slots=True)
class VoucherGroupRequested:
    """Vouchers that post together, in this order, or not at all."""

    vouchers: Sequence[VoucherRequested]


BY_HAND = (VoucherRequested, VoucherGroupRequested)
