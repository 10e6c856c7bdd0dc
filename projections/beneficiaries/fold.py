"""The fold of beneficiaries: what the vouchers of payments, payouts and fees move on the accounts that they are for.

A share is a line of that purpose; a payout or fee begins with the account that it is about. A mirror says what its
lines had been for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from projections.events import VOUCHER_POSTED, EventState, LedgerEvent

SHARE: Final = "seller_share"
COMMISSION: Final = "platform_fee"


class Sum(NamedTuple):
    """Which sum a type of event moves, and on which side its lines raise it; on the other they lower it.

    `keeps` is +1 where the platform keeps a commission by it, -1 where it gives one back; 0 where there are no shares
    but one account, whose line comes first.
    """

    name: str
    side: str
    keeps: int


EARNED: Final = Sum("earned_minor", "C", 1)
REFUNDED: Final = Sum("refunded_minor", "D", -1)
DISPUTED: Final = Sum("disputed_minor", "D", -1)
PAID_OUT: Final = Sum("paid_out_minor", "D", 0)
FEES: Final = Sum("fees_minor", "D", 0)

SUMS: Final[Mapping[str, Sum]] = {
    "payment.captured": EARNED,
    "payment.voided": EARNED,
    "payment.refunded": REFUNDED,
    "refund.completed": REFUNDED,
    "chargeback.opened": DISPUTED,
    "chargeback.won": DISPUTED,
    "payout.requested": PAID_OUT,
    "payout.paid": PAID_OUT,
    "payout.failed": PAID_OUT,
    "payout.returned": PAID_OUT,
    "fee.charged": FEES,
    "fee.refunded": FEES,
}
BY_REQUEST: Final = "voucher.void_requested"
ARRIVES: Final = "payout.paid"
"""A payout that had been requested took the money then: paid, it only arrives, and mirrors no line of its account."""


@dataclass(slots=True)
class BeneficiaryChange:
    """What a batch adds to one account, in minor units of its currency."""

    currency: str
    first_effective_at: str
    last_effective_at: str
    last_position: int
    earned_minor: int = 0
    """Its shares less commission."""
    commission_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0
    paid_out_minor: int = 0
    fees_minor: int = 0
    vouchers: int = 0


BeneficiaryRows = dict[tuple[int, str], BeneficiaryChange]
Line = Sequence[str]


def fold_beneficiaries(events: Iterable[LedgerEvent], rows: BeneficiaryRows) -> None:
    """Changes per (book_id, account code)."""
    for book_id, position, event_type, _, state in events:
        if event_type != VOUCHER_POSTED:
            continue
        of_type = _unversioned(state["event_type"])
        if of_type == BY_REQUEST:
            of_type = next((_unversioned(link["event_type"]) for link in state.get("reverses", ())), "")
        which = SUMS.get(of_type)
        if which is None or (of_type == ARRIVES and "mirrored" in state and "reverses" not in state):
            continue
        touched: set[str] = set()
        for account, currency, raised_minor in _moved(state, which):
            row = _row(rows, (book_id, account), currency, state, position)
            setattr(row, which.name, getattr(row, which.name) + raised_minor)
            touched.add(account)
        for account, kept_minor in _kept(state, which, touched):
            currency = state["exchanged"]["currency"] if "exchanged" in state else state["currency"]
            row = _row(rows, (book_id, account), currency, state, position)
            row.commission_minor += kept_minor
            touched.add(account)
        for account in touched:
            rows[book_id, account].vouchers += 1


@cache
def _unversioned(event_type: str) -> str:
    return event_type.rpartition(".v")[0]


def _row(
    rows: BeneficiaryRows, key: tuple[int, str], currency: str, state: EventState, position: int
) -> BeneficiaryChange:
    effective_at = state["effective_at"]
    row = rows.get(key)
    if row is None:
        row = rows[key] = BeneficiaryChange(currency, effective_at, effective_at, position)
    elif effective_at > row.last_effective_at:
        row.last_effective_at = effective_at
    elif effective_at < row.first_effective_at:
        row.first_effective_at = effective_at
    row.last_position = position
    return row


def _moved(state: EventState, which: Sum) -> list[tuple[str, str, int]]:
    """Account, currency, and by how much its sum rises, for each line that is a beneficiary's."""
    lines = state["lines"]
    if not which.keeps:
        shares = lines[:1]
    elif "mirrored" in state:
        shares = [line for place, line in enumerate(lines) if _purpose(state, place, line) == SHARE]
    else:  # nearly always
        shares = [line for line in lines if line[4] == SHARE]
    return [(line[0], line[3], int(line[2]) if line[1] == which.side else -int(line[2])) for line in shares]


def _kept(state: EventState, which: Sum, sharers: set[str]) -> Iterable[tuple[str, int]]:
    """Commission by account: as the voucher says, or else the line of platform fees of its one beneficiary."""
    if not which.keeps:
        return ()
    named = state.get("commissions")
    if named is not None:
        sign = -which.keeps if "mirrored" in state else which.keeps
        return [(account, sign * int(kept)) for account, kept in named.items()]
    if len(sharers) != 1:
        return ()
    fees = [line for place, line in enumerate(state["lines"]) if _purpose(state, place, line) == COMMISSION]
    (account,) = sharers
    return [(account, int(line[2]) if line[1] == "C" else -int(line[2])) for line in fees]


def _purpose(state: EventState, place: int, line: Line) -> str:
    mirrored = state.get("mirrored", ())
    return mirrored[place] if place < len(mirrored) else line[4]
