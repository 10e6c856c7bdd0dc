"""What accepted events of one order key add up to, whatever their order: written down apart from the product.

It imports nothing of it. Amounts are integers; accounts are names, and stand at debits less credits.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

CLEARING, BANK, ON_DELIVERY = "clearing:processor:EUR", "cash:bank:EUR", "cash:delivery:EUR"
COMMISSION, RESERVE = "revenue:commission:EUR", "reserve:chargebacks:EUR"
DISPUTES, PROCESSOR = "expense:chargebacks:EUR", "expense:processor:EUR"
SETTLEMENTS, PAYOUTS, TRANSFERS = "clearing:settlements:EUR", "clearing:payouts:EUR", "clearing:transfers:EUR"


@dataclass(frozen=True, slots=True)
class Told:
    """An event of a story. `part` is the refund, deposit … that it is of, `to` the account that it is about."""

    kind: str
    part: str = ""
    amount: int = 0
    fee: int = 0
    to: str = ""
    bps: int = 0
    cash: bool = False
    data: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)
    """What else it says."""

    @property
    def commission(self) -> int:
        return self.amount * self.bps // 10_000


Entries = list[tuple[str, int]]
Known = Mapping[tuple[str, str], Told]
"""By kind and part."""


def _shared(one: Told, times: int = 1) -> Entries:
    """What the beneficiary and the platform get of it."""
    return [(one.to, -times * (one.amount - one.commission)), (COMMISSION, -times * one.commission)]


def _captured(one: Told, _known: Known) -> Entries:
    return [(ON_DELIVERY if one.cash else CLEARING, one.amount), *_shared(one)]


def _refunded(one: Told, known: Known) -> Entries:
    return [(account, -amount) for account, amount in _captured(one, known)]


def _voided(_one: Told, known: Known) -> Entries:
    captures = [one for (kind, _), one in known.items() if kind == "payment.captured"]
    return [(account, -amount) for one in captures for account, amount in _captured(one, known)]


def _disputed(one: Told, _known: Known) -> Entries:
    return [*_shared(one, -1), (RESERVE, -one.amount), (DISPUTES, one.fee), (CLEARING, -one.fee)]


def _won(one: Told, known: Known) -> Entries:
    opened = known["chargeback.opened", one.part]
    return [*_shared(opened), (RESERVE, one.amount), (DISPUTES, -one.fee), (CLEARING, one.fee)]


def _lost(one: Told, _known: Known) -> Entries:
    return [(RESERVE, one.amount), (DISPUTES, one.fee), (CLEARING, -one.amount - one.fee)]


def _settled(one: Told, _known: Known) -> Entries:
    return [(CLEARING, -one.amount), (PROCESSOR, one.fee), (SETTLEMENTS, one.amount - one.fee)]


def _final(one: Told, _known: Known) -> Entries:
    return [(SETTLEMENTS, -one.amount), (BANK, one.amount)]


def _unsettled(one: Told, known: Known) -> Entries:
    before = known.get(("settlement.confirmed", one.part))
    return [(account, -amount) for account, amount in _settled(before, known)] if before else []


def _paid(one: Told, known: Known) -> Entries:
    return [(PAYOUTS if ("payout.requested", one.part) in known else one.to, one.amount), (BANK, -one.amount)]


def _paid_back(one: Told, known: Known) -> Entries:
    paid = known["payout.paid", one.part]
    return [(paid.to, -paid.amount), (BANK, paid.amount)]


def _mirrored(kind: str) -> Callable[[Told, Known], Entries]:
    """What an earlier step of its part posted goes back."""

    def mirror(one: Told, known: Known) -> Entries:
        return [(account, -amount) for account, amount in MOVES[kind](known[kind, one.part], known)]

    return mirror


def _between(debit: str, credit: str) -> Callable[[Told, Known], Entries]:
    """Two accounts; without a name the one that the event is about."""
    return lambda one, _known: [(debit or one.to, one.amount), (credit or one.to, -one.amount)]


MOVES: Mapping[str, Callable[[Told, Known], Entries]] = MappingProxyType({
    "payment.captured": _captured, "payment.voided": _voided, "payment.refunded": _refunded,
    "refund.completed": _refunded, "chargeback.opened": _disputed, "chargeback.won": _won, "chargeback.lost": _lost,
    "settlement.confirmed": _settled, "settlement.finality_confirmed": _final, "settlement.failed": _unsettled,
    "settlement.finality_failed": _unsettled,
    "payout.requested": _between("", PAYOUTS), "payout.paid": _paid, "payout.failed": _mirrored("payout.requested"),
    "payout.returned": _paid_back, "fee.charged": _between("", COMMISSION),
    "fee.refunded": _between(COMMISSION, ""),
    "transfer.inflow.received": _between(CLEARING, TRANSFERS),
    "transfer.inflow.compensated": _mirrored("transfer.inflow.received"),
    "transfer.settled": _between(TRANSFERS, ""), "transaction.compensated": _mirrored("transfer.settled"),
})  # fmt: skip
"""What of an accepted event is posted; of the others nothing."""


def balances(told: Iterable[Told]) -> dict[str, int]:
    """What is not zero."""
    known = {(one.kind, one.part): one for one in told}
    sums: Counter[str] = Counter()
    for one in known.values():
        for account, amount in MOVES[one.kind](one, known) if one.kind in MOVES else ():
            sums[account] += amount
    return {account: amount for account, amount in sums.items() if amount}


def payment(told: Iterable[Told]) -> dict[str, object]:
    """State and sums of a payment."""
    known = {(one.kind, one.part): one for one in told}

    def of(*kinds: str) -> list[Told]:
        return [one for one in known.values() if one.kind in kinds]

    def minor(*kinds: str) -> int:
        return sum(one.amount for one in of(*kinds))

    captured, refunded = minor("payment.captured"), minor("payment.refunded", "refund.completed")
    opened = {one.part: one.fee for one in of("chargeback.opened")}
    over = {one.part for one in of("settlement.failed", "settlement.finality_failed")}
    confirmed = {one.part: one.fee for one in of("settlement.confirmed")}
    fees = sum(fee for part, fee in confirmed.items() if part not in over) + sum(opened.values())
    fees += sum(one.fee for one in of("chargeback.lost")) - sum(one.fee for one in of("chargeback.won"))
    return {
        "state": _state(of, captured, refunded),
        "execution": _execution(of),
        "authorised_minor": minor("payment.authorized"),
        "captured_minor": captured,
        "refunded_minor": refunded,
        "voided_minor": captured if of("payment.voided") else 0,
        "disputed_minor": minor("chargeback.opened") - minor("chargeback.won"),
        "commission_minor": -balances(known.values()).get(COMMISSION, 0),
        "fees_minor": fees,
    }


def _state(of: Callable[..., list[Told]], captured: int, refunded: int) -> str | None:
    if of("payment.voided"):
        return "VOIDED"
    if captured:
        return "REFUNDED" if captured == refunded else "CAPTURED"
    if of("payment.failed", "payment.authorization_expired"):
        return "FAILED"
    if of("payment.authorized"):
        return "AUTHORIZED"
    return "PENDING_CASH" if any(one.cash for one in of("payment.intent_created")) else "INITIATED"


def _execution(of: Callable[..., list[Told]]) -> str:
    failed = {one.part for one in of("settlement.failed")}
    if any(one.part not in failed for one in of("settlement.confirmed")):
        return "CONFIRMED"
    return "FAILED" if failed else "PENDING"
