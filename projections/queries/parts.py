"""Refunds, chargebacks, settlements, payouts and fees, as far as the projection has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from psycopg.rows import args_row

from projections.queries.amounts import Amount, Balance, balance_of
from projections.queries.errors import NotFoundError, SeveralFoundError
from projections.queries.payments import FAR_AHEAD, QUERIES, Period
from projections.queries.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class PartRow:
    """One refund, chargeback, settlement, payout or fee. `order_key` is that of its payment, or its own.

    `fee` is what a processor charged for it, on the debit side; `refunded` what of a fee was given back; `account`
    whose money a payout or fee takes; `reversed` says that its voucher was taken back by request.
    """

    kind: str
    order_key: str
    part_id: str
    state: str
    reversed: bool
    amount: Amount
    fee: Balance
    refunded: Amount
    account: str
    reference: str
    failure_reason: str
    first_effective_at: datetime
    last_effective_at: datetime
    last_position: int
    positions: Sequence[int]


class PartFilter(NamedTuple):
    """What is asked for, of one kind."""

    kind: str
    state: str | None = None
    account: str | None = None
    order_key: str | None = None
    began: Period = Period()


class After(NamedTuple):
    """The last one of the page before."""

    began: datetime = FAR_AHEAD
    order_key: str = ""
    part_id: str = ""


START: Final = After()


def parts(at: Snapshot, wanted: PartFilter, *, after: After = START, limit: int = 100) -> list[PartRow]:
    """The newest first, that come after `after`; `at` must read PARTS."""
    parameters = {
        "book_id": at.book_id, "kind": wanted.kind, "state": wanted.state, "account": wanted.account,
        "order_key": wanted.order_key, "since": wanted.began.since, "until": wanted.began.until,
        "before": after.began, "before_key": after.order_key, "before_id": after.part_id, "limit": limit,
    }  # fmt: skip
    with at.connection.cursor(row_factory=args_row(_part)) as cursor:
        return cursor.execute(QUERIES["parts"], parameters).fetchall()


def parts_of(at: Snapshot, order_key: str) -> list[PartRow]:
    """All of one order key, in the order in which they began."""
    with at.connection.cursor(row_factory=args_row(_part)) as cursor:
        return cursor.execute(QUERIES["parts_of"], {"book_id": at.book_id, "order_key": order_key}).fetchall()


def part(at: Snapshot, kind: str, part_id: str, order_key: str | None = None) -> PartRow:
    """One by its id, which only its order key makes unique. Raises NotFoundError and SeveralFoundError."""
    parameters = {"book_id": at.book_id, "kind": kind, "part_id": part_id, "order_key": order_key}
    with at.connection.cursor(row_factory=args_row(_part)) as cursor:
        found = cursor.execute(QUERIES["parts_by_id"], parameters).fetchall()
    if not found:
        raise NotFoundError(kind)
    if len(found) > 1:
        raise SeveralFoundError(kind, "order key")
    return found[0]


def _part(
    kind: str, order_key: str, part_id: str, state: str, reversed_: bool, currency: str, scale: int | None,
    amount_minor: int, fee_minor: int, refunded_minor: int, account: str, reference: str, failure_reason: str,
    first_effective_at: datetime, last_effective_at: datetime, last_position: int, positions: list[int],
) -> PartRow:  # fmt: skip
    return PartRow(
        kind=kind, order_key=order_key, part_id=part_id, state=state, reversed=reversed_,
        amount=Amount(amount_minor, currency, scale or 0), fee=balance_of(fee_minor, currency, scale or 0),
        refunded=Amount(refunded_minor, currency, scale or 0), account=account, reference=reference,
        failure_reason=failure_reason, first_effective_at=first_effective_at, last_effective_at=last_effective_at,
        last_position=last_position, positions=positions,
    )  # fmt: skip
