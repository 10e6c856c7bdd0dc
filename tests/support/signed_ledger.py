"""A ledger signed at two places, hands on it, and how verification names what they did."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from ledger_core.store.proof.signing import StoredCheckpoint
from ledger_core.store.verify import Trust, VerifyReport
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.posted_ledger import PostedLedger, captured
from tests.support.signing import KEY, signed
from tests.support.tampering import reseal, rewrite_states

PINNED = Trust([KEY.public])


@contextmanager
def signed_ledger(server_dsn: str) -> Iterator[tuple[TestDatabase, list[StoredCheckpoint]]]:
    """Book shop: block 1 is its creation, 2 and 3 are accounts and the captures o-1 to o-3; signed there, in block 4.
    Then 5 is an account, 6 the captures o-4 to o-6, 7 the capture o-7; signed again, in block 8; and 9 is o-8."""
    database = create_database(server_dsn)
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        ledger.post([captured(f"o-{number}", 100 * number, {"a": 100 * number}) for number in (1, 2, 3)])
        first = signed(database.dsn())
        ledger.post([captured(f"o-{number}", 100 * number, {"b": 100 * number}) for number in (4, 5, 6)])
        ledger.post([captured("o-7", 700, {"a": 700})])
        second = signed(database.dsn())
        ledger.post([captured("o-8", 800, {"a": 800})])
    yield database, [first, second]
    drop_database(database)


def found(report: VerifyReport) -> dict[str, str]:
    return {check.name: check.first_bad for check in report.checks if not check.ok}


def position_of(connection: psycopg.Connection[Any], order: str) -> int:
    row = connection.execute(
        "SELECT position FROM ledger.event WHERE book_id = 1 AND order_key = %s AND type = 'voucher.posted'", (order,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def event_of(connection: psycopg.Connection[Any], order: str) -> str:
    """As verification names the event of an order whose block's root is wrong."""
    position = position_of(connection, order)
    return block_of(connection, order).replace("book shop: ", f"book shop: event at position {position}, ")


def block_of(connection: psycopg.Connection[Any], order: str) -> str:
    row = connection.execute(
        """SELECT number, first_position, last_position FROM ledger.block
           WHERE book_id = 1 AND %s BETWEEN first_position AND last_position""",
        (position_of(connection, order),),
    ).fetchone()
    assert row is not None
    return "book shop: block {}, positions {} to {}".format(*row)


def flip_a_byte(connection: psycopg.Connection[Any], order: str = "o-5") -> None:
    connection.execute(
        """UPDATE ledger.event SET state = set_byte(state, length(state) - 2, get_byte(state, length(state) - 2) # 1)
           WHERE book_id = 1 AND order_key = %s""",
        (order,),
    )


def swap_two_events(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        """UPDATE ledger.event SET state = other.state, order_key = other.order_key FROM ledger.event other
           WHERE event.book_id = 1 AND other.book_id = 1 AND event.order_key IN ('o-4', 'o-6')
               AND other.order_key IN ('o-4', 'o-6') AND event.order_key <> other.order_key"""
    )


def cut_blocks(connection: psycopg.Connection[Any], after: int) -> None:
    """The log as it was after a block: events, entries, inbox, heads' book row, all of it."""
    last = connection.execute(
        "SELECT last_position, hash FROM ledger.block WHERE book_id = 1 AND number = %s", (after,)
    ).fetchone()
    assert last is not None
    for table in ("event", "entry"):
        connection.execute(f"DELETE FROM ledger.{table} WHERE book_id = 1 AND position > {last[0]}".encode())
    connection.execute("DELETE FROM ledger.block WHERE book_id = 1 AND number > %s", (after,))
    connection.execute(
        """UPDATE ledger.book SET position = %s, block_number = %s, block_hash = %s,
               voucher_no = (SELECT max(voucher_no) FROM ledger.event WHERE book_id = 1)
           WHERE book_id = 1""",
        (last[0], after, last[1]),
    )


def forge(connection: psycopg.Connection[Any], order: str = "o-5", *, mark: bool = True) -> None:
    """Another amount in event and entries, and every hash made to fit."""
    amounts = (f'"amount_minor":"{int(order[2:]) * 100 + more}"' for more in (0, 1))
    rewrite_states(connection, f"order_key = '{order}'", *amounts, mark=mark)


def sign_the_forgery(connection: psycopg.Connection[Any]) -> None:
    """The rows of the checkpoints made to fit the new chain, as far as that goes without the key."""
    reseal(connection, 1)
    connection.execute(
        """UPDATE ledger.signed_checkpoint signed SET block_hash = block.hash FROM ledger.block
           WHERE block.book_id = signed.book_id AND block.number = signed.block_number"""
    )
