"""The vouchers of a book in the order of its log, read in pieces: what every journal is written from."""

from collections.abc import Iterator
from typing import Any, Final, LiteralString, NamedTuple

import orjson

from projections.queries.errors import PositionAheadError
from projections.queries.snapshot import Snapshot

FETCHED: Final = 2_000
"""Vouchers held in memory at a time."""

VOUCHERS: Final[LiteralString] = """
SELECT position, voucher_no, order_key, state FROM ledger.event
WHERE book_id = %(book_id)s AND position <= %(position)s AND voucher_no > 0 ORDER BY position
"""
ACCOUNT_TYPES: Final[LiteralString] = "SELECT code, type FROM ledger.account WHERE book_id = %(book_id)s"


class ExportFailed(Exception):
    """The log holds something that no voucher of ours is: `verify` says what."""


class Line(NamedTuple):
    """One line of a voucher; `signed_minor` is positive for a debit."""

    account: str
    signed_minor: int
    currency: str
    purpose: str


class Voucher(NamedTuple):
    """A voucher as its event has it. `state` is all of it, decoded."""

    position: int
    voucher_no: int
    order_key: str
    state: dict[str, Any]
    lines: list[Line]


def position_of(at: Snapshot, as_of_position: int | None) -> int:
    """The position to export, no later than the snapshot's. Raises PositionAheadError."""
    if as_of_position is None:
        return at.position
    if as_of_position > at.position:
        raise PositionAheadError(as_of_position, at.position)
    return as_of_position


def vouchers_until(at: Snapshot, position: int) -> Iterator[Voucher]:
    """The vouchers at or before a position, in its order, through a cursor of the snapshot. Raises ExportFailed."""
    with at.connection.cursor(name="exported_vouchers", binary=True) as cursor:
        cursor.itersize = FETCHED
        for row in cursor.execute(VOUCHERS, {"book_id": at.book_id, "position": position}):
            yield _voucher(*row)


def account_types(at: Snapshot) -> dict[str, str]:
    """The type of every account of the book, by its code."""
    return dict(at.connection.execute(ACCOUNT_TYPES, {"book_id": at.book_id}).fetchall())


def _voucher(position: int, voucher_no: int, order_key: str, stored: bytes) -> Voucher:
    try:
        state = orjson.loads(stored)
        lines = [
            Line(account, int(amount) if side == "D" else -int(amount), currency, purpose)
            for account, side, amount, currency, purpose, *_ in state["lines"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        message = f"the voucher at position {position} can't be read: run ledgerctl verify"
        raise ExportFailed(message) from error
    return Voucher(position, voucher_no, order_key, state, lines)
