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
        which = _sum_moved(state)
        if which is None:
            continue
        shares, fees_minor = _shares(state, which)
        touched: dict[str, BeneficiaryChange] = {}
        for line in shares:
            account, side, amount = line[0], line[1], int(line[2])
            row = touched[account] = _row(rows, (book_id, account), line[3], state, position)
            setattr(row, which.name, getattr(row, which.name) + (amount if side == which.side else -amount))
        if which.keeps and "commissions" in state:
            currency = state["exchanged"]["currency"] if "exchanged" in state else state["currency"]
            sign = -which.keeps if "mirrored" in state else which.keeps
            for account, kept in state["commissions"].items():
                row = touched[account] = _row(rows, (book_id, account), currency, state, position)
                row.commission_minor += sign * int(kept)
        elif fees_minor and len(touched) == 1:  # of several, nothing tells whose it is
            (row,) = touched.values()
            row.commission_minor += fees_minor
        for row in touched.values():
            row.vouchers += 1


def _sum_moved(state: EventState) -> Sum | None:
    """The sum that a voucher moves; None where it is no beneficiary's."""
    of_type = _unversioned(state["event_type"])
    if of_type == BY_REQUEST:
        of_type = next((_unversioned(link["event_type"]) for link in state.get("reverses", ())), "")
    elif of_type == ARRIVES and "mirrored" in state and "reverses" not in state:
        return None
    return SUMS.get(of_type)


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


def _shares(state: EventState, which: Sum) -> tuple[Sequence[Line], int]:
    """The lines that are a beneficiary's, and what the platform's fees among the others come to."""
    lines = state["lines"]
    if not which.keeps:
        return lines[:1], 0
    if "mirrored" in state:
        lines = _as_they_were(lines, state["mirrored"])
    shares: list[Line] = []
    fees_minor = 0
    for line in lines:
        purpose = line[4]
        if purpose == SHARE:
            shares.append(line)
        elif purpose == COMMISSION:
            fees_minor += int(line[2]) if line[1] == "C" else -int(line[2])
    return shares, fees_minor


def _as_they_were(lines: Sequence[Line], mirrored: Sequence[str]) -> list[Line]:
    """A mirror's lines with the purposes of those that it takes back, of which there may be fewer."""
    purposes = [*mirrored[: len(lines)], *(line[4] for line in lines[len(mirrored) :])]
    return [(*line[:4], purpose) for line, purpose in zip(lines, purposes, strict=True)]
