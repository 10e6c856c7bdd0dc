"""Hands on a ledger that no role of it has: a superuser's, with triggers and foreign keys asleep."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from ledger_core.store.appender import microseconds
from ledger_core.store.blocks import ZERO_HASH, block_hash, leaf_hash, leaf_marks, merkle_root
from tests.support.databases import TestDatabase


@contextmanager
def tampering(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.dsn()) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def reseal(connection: psycopg.Connection[Any], book_id: int, *, mark: bool = True) -> None:
    """Hash the book's log again, as someone would who wants the chain to look whole; with the marks of its leaves."""
    previous = ZERO_HASH
    blocks = connection.execute(
        """SELECT number, first_position, last_position, recorded_at FROM ledger.block
           WHERE book_id = %s ORDER BY number""",
        (book_id,),
    ).fetchall()
    for number, first, last, recorded_at in blocks:
        events = connection.execute(
            """SELECT type, order_key, originator_id, originator_version, state FROM ledger.event
               WHERE book_id = %s AND position BETWEEN %s AND %s ORDER BY position""",
            (book_id, first, last),
        )
        leaves = [leaf_hash(*event) for event in events]
        root = merkle_root(leaves)
        sealed = block_hash(previous, root, book_id, first, last, microseconds(recorded_at))
        connection.execute(
            """UPDATE ledger.block SET merkle_root = %s, previous_hash = %s, hash = %s
               WHERE book_id = %s AND number = %s""",
            (root, previous, sealed, book_id, number),
        )
        if mark:
            connection.execute(
                """UPDATE ledger.block SET leaf_marks = %s
                   WHERE book_id = %s AND number = %s AND octet_length(leaf_marks) = %s""",
                (leaf_marks(leaves), book_id, number, 4 * len(leaves)),
            )
        previous = sealed
    connection.execute("UPDATE ledger.book SET block_hash = %s WHERE book_id = %s", (previous, book_id))


def rewrite_states(connection: psycopg.Connection[Any], where: str, old: str, new: str, *, mark: bool = True) -> None:
    """Put `new` for `old` in the states of events, and seal their books again."""
    books = connection.execute(
        f"""UPDATE ledger.event SET state = convert_to(replace(convert_from(state, 'UTF8'), %s, %s), 'UTF8')
            WHERE {where} AND position(convert_to(%s, 'UTF8') IN state) > 0 RETURNING book_id""",
        (old, new, old),
    ).fetchall()
    assert books, f"no event with {old!r} where {where}"
    for book_id in {row[0] for row in books}:
        reseal(connection, book_id, mark=mark)


def recompute_running(connection: psycopg.Connection[Any], account: str) -> None:
    """Make running balances of one account follow from its amounts again."""
    connection.execute(
        """UPDATE ledger.entry SET running_minor = folded.running FROM (
               SELECT book_id, account_id, posting_sequence,
                   sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END)
                       OVER (PARTITION BY book_id, account_id ORDER BY posting_sequence) AS running
               FROM ledger.entry JOIN ledger.account USING (book_id, account_id) WHERE code = %s
           ) folded
           WHERE (entry.book_id, entry.account_id, entry.posting_sequence)
               = (folded.book_id, folded.account_id, folded.posting_sequence)""",
        (account,),
    )
