"""Vouchers: the document behind the entries, with its lines and the upstream event that caused it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.rows import args_row

from projections.queries.amounts import Amount, Side
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import QUERIES, Snapshot


@dataclass(frozen=True, slots=True)
class Cause:
    """The upstream event: who says so, under which id, and where its record stands."""

    source: str
    event_id: str
    event_type: str
    revision: int
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class VoucherLine:
    """One line of a voucher."""

    line: int
    account: str
    side: Side
    amount: Amount
    purpose: str


@dataclass(frozen=True, slots=True)
class Voucher:
    """One voucher. `rule` is the posting rule that made it, with its version."""

    voucher_no: int
    position: int
    kind: str
    rule: str
    order_key: str
    amount: Amount
    effective_at: datetime
    recorded_at: datetime
    cause: Cause
    lines: list[VoucherLine]


def voucher(at: Snapshot, voucher_no: int) -> Voucher:
    """One voucher by its number. Raises NotFoundError."""
    parameters = {"book_id": at.book_id, "voucher_no": voucher_no}
    with at.connection.cursor(row_factory=args_row(_line)) as cursor:
        lines = cursor.execute(QUERIES["voucher_lines"], parameters).fetchall()
    with at.connection.cursor(row_factory=args_row(_voucher)) as cursor:
        found = cursor.execute(QUERIES["voucher"], parameters).fetchone()
    if found is None:
        raise NotFoundError("voucher")
    found.lines.extend(lines)
    return found


def _line(
    line: int, account: str, side: str, amount_minor: int, currency: str, scale: int, purpose: str
) -> VoucherLine:
    return VoucherLine(line, account, Side(side), Amount(amount_minor, currency, scale), purpose)


def _voucher(
    voucher_no: int, position: int, kind: str, rule: str, order_key: str, amount_minor: Decimal, currency:
    str, scale: int,
    effective_at: datetime, recorded_at: datetime, source: str, event_id: str, event_type: str, revision: int,
    topic: str, partition: int, offset: int,
) -> Voucher:  # fmt: skip
    return Voucher(
        voucher_no=voucher_no,
        position=position,
        kind=kind,
        rule=rule,
        order_key=order_key,
        amount=Amount(int(amount_minor), currency, scale),
        effective_at=effective_at,
        recorded_at=recorded_at,
        cause=Cause(source, event_id, event_type, revision, topic, partition, offset),
        lines=[],
    )
