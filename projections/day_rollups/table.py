"""Fills the roll-ups: each full stretch once. Without a checkpoint: what is not there yet is read from entries."""

from collections.abc import Iterable, Mapping
from typing import Final, LiteralString, NamedTuple

import psycopg

from ledger_core.store.arrays import integers
from projections.day_rollups.stretches import LENGTH, filled, length
from projections.rebuild import Checksum, Rebuilt

NAME: Final = "day_rollups"
ENTRIES_AT_ONCE: Final = 512 * LENGTH
"""Entries rolled up in one transaction: some tenths of a second."""
ACCOUNTS_AT_ONCE: Final = 1_000


class Growth(NamedTuple):
    """An account's entries up to `rolled` are rolled up, those up to `last` are to be; both end a stretch."""

    book_id: int
    account_id: int
    rolled: int
    last: int


# Stretches of the levels above are summed up from those below, so a rebuild keeps all others out.
TRY_LOCK: Final[LiteralString] = "SELECT pg_try_advisory_xact_lock(1685221750)"
LOCK: Final[LiteralString] = "SELECT pg_advisory_xact_lock(1685221750)"

# All heads are looked at, since nothing tells which of them grew: 0.1 s for a million, so not all the time.
BEHIND: Final[LiteralString] = """
SELECT head.book_id, head.account_id, coalesce(rolled.chunk + 1, 0) * %(length)s, head.posting_sequence
FROM ledger.account_head AS head
LEFT JOIN LATERAL (
    SELECT chunk FROM projections.day_rollup AS rollup
    WHERE rollup.book_id = head.book_id AND rollup.account_id = head.account_id AND rollup.level = 1
    ORDER BY chunk DESC LIMIT 1
) AS rolled ON true
WHERE head.posting_sequence >= %(length)s
    AND head.posting_sequence >= (coalesce(rolled.chunk + 1, 0) + 1) * %(length)s
LIMIT %(accounts)s
"""

ROLL_ENTRIES: Final[LiteralString] = """
INSERT INTO projections.day_rollup (
    book_id, account_id, level, chunk, day, debits_minor, credits_minor, entries
)
SELECT
    book_id, account_id, 1, chunk, day, sum(debits) OVER so_far, sum(credits) OVER so_far, sum(entries) OVER so_far
FROM (
    SELECT
        grown.book_id, grown.account_id, (entry.posting_sequence - 1) / %(length)s AS chunk,
        (entry.effective_at AT TIME ZONE 'UTC')::date AS day,
        coalesce(sum(entry.amount_minor) FILTER (WHERE entry.side = 'D'), 0) AS debits,
        coalesce(sum(entry.amount_minor) FILTER (WHERE entry.side = 'C'), 0) AS credits,
        count(*) AS entries
    FROM unnest(%(books)s::integer[], %(accounts)s::integer[], %(firsts)s::bigint[], %(ends)s::bigint[])
        AS grown (book_id, account_id, first, past)
    CROSS JOIN LATERAL (
        SELECT posting_sequence, effective_at, side, amount_minor FROM ledger.entry
        WHERE entry.book_id = grown.book_id AND entry.account_id = grown.account_id
            AND entry.posting_sequence > grown.first * %(length)s AND entry.posting_sequence <= grown.past * %(length)s
        OFFSET 0
    ) AS entry
    GROUP BY 1, 2, 3, 4
) AS movement
WINDOW so_far AS (PARTITION BY book_id, account_id, chunk ORDER BY day)
"""

ROLL_STRETCHES: Final[LiteralString] = """
INSERT INTO projections.day_rollup (
    book_id, account_id, level, chunk, day, debits_minor, credits_minor, entries
)
SELECT
    book_id, account_id, %(level)s, chunk, day,
    sum(debits) OVER so_far, sum(credits) OVER so_far, sum(entries) OVER so_far
FROM (
    SELECT
        book_id, account_id, below.chunk / %(fanout)s AS chunk, day, sum(debits) AS debits, sum(credits) AS credits,
        sum(entries) AS entries
    FROM (
        SELECT
            grown.book_id, grown.account_id, rollup.chunk, rollup.day,
            rollup.debits_minor - lag(rollup.debits_minor, 1, 0::bigint) OVER stretch AS debits,
            rollup.credits_minor - lag(rollup.credits_minor, 1, 0::bigint) OVER stretch AS credits,
            rollup.entries - lag(rollup.entries, 1, 0::bigint) OVER stretch AS entries
        FROM unnest(%(books)s::integer[], %(accounts)s::integer[], %(firsts)s::bigint[], %(ends)s::bigint[])
            AS grown (book_id, account_id, first, past)
        CROSS JOIN LATERAL (
            SELECT chunk, day, debits_minor, credits_minor, entries FROM projections.day_rollup
            WHERE day_rollup.book_id = grown.book_id AND day_rollup.account_id = grown.account_id
                AND day_rollup.level = %(level)s - 1
                AND day_rollup.chunk >= grown.first * %(fanout)s AND day_rollup.chunk < grown.past * %(fanout)s
            OFFSET 0
        ) AS rollup
        WINDOW stretch AS (PARTITION BY grown.book_id, grown.account_id, rollup.chunk ORDER BY rollup.day)
    ) AS below
    GROUP BY 1, 2, 3, 4
) AS movement
WINDOW so_far AS (PARTITION BY book_id, account_id, chunk ORDER BY day)
"""

CHECKSUM: Final[LiteralString] = """
SELECT count(*), coalesce(sum(hashtextextended(
    concat_ws('|', account_id, level, chunk, day, debits_minor, credits_minor, entries), 0
)::numeric), 0)
FROM projections.day_rollup WHERE book_id = %s
"""

ROLLED: Final[LiteralString] = """
SELECT book_id, account_id, (max(chunk) + 1) * %(length)s FROM projections.day_rollup
WHERE book_id = %(book_id)s AND level = 1 GROUP BY book_id, account_id ORDER BY account_id
"""
BOOK_POSITION: Final[LiteralString] = "SELECT position FROM ledger.book WHERE book_id = %s"
DELETE: Final[LiteralString] = "DELETE FROM projections.day_rollup WHERE book_id = %s"


def roll_up(connection: psycopg.Connection, *, entries_at_once: int = ENTRIES_AT_ONCE) -> bool:
    """Roll up some of what is full, in a transaction of its own; nothing while another does. True: there is more."""
    with connection.transaction():
        if connection.execute(TRY_LOCK).fetchall() != [(True,)]:
            return False
        behind = connection.execute(BEHIND, {"length": length(1), "accounts": ACCOUNTS_AT_ONCE}).fetchall()
        growths, shortest = [], length(1)
        room = max(entries_at_once, shortest)
        for book_id, account_id, rolled, entries in behind:
            last = min(entries, rolled + room) // shortest * shortest
            if last > rolled:
                growths.append(Growth(book_id, account_id, rolled, last))
                room -= last - rolled
        _roll(connection, growths)
        return room < shortest or len(behind) == ACCOUNTS_AT_ONCE


def rebuild(connection: psycopg.Connection, book_id: int) -> Rebuilt:
    """Roll up one book anew, as far as it was, in one transaction; readers see the old rows until its end."""
    with connection.transaction():
        connection.execute(LOCK)
        rolled = connection.execute(ROLLED, {"length": length(1), "book_id": book_id}).fetchall()
        before = _checksum(connection, book_id)
        connection.execute(DELETE, (book_id,))
        for _, account_id, entries in rolled:
            for done in range(0, entries, ENTRIES_AT_ONCE):
                last = min(entries, done + ENTRIES_AT_ONCE)
                _roll(connection, [Growth(book_id, account_id, done, last)])
        position: int = connection.execute(BOOK_POSITION, (book_id,)).fetchall()[0][0]
        return Rebuilt(book_id, NAME, 1, position, before, _checksum(connection, book_id))


def _roll(connection: psycopg.Connection, growths: Iterable[Growth]) -> None:
    """Level 1 from entries, each other level from the one below."""
    by_level: dict[int, list[tuple[int, int, int, int]]] = {}
    for book_id, account_id, rolled, last in growths:
        for level, first, end in filled(rolled, last):
            by_level.setdefault(level, []).append((book_id, account_id, first, end))
    for level in sorted(by_level):
        grown = _columns(by_level[level])
        if level == 1:
            connection.execute(ROLL_ENTRIES, {"length": length(1), **grown})
        else:
            connection.execute(ROLL_STRETCHES, {"level": level, "fanout": length(level) // length(level - 1), **grown})


def _columns(rows: list[tuple[int, int, int, int]]) -> Mapping[str, str]:
    names = ("books", "accounts", "firsts", "ends")
    return {name: integers([row[column] for row in rows]) for column, name in enumerate(names)}


def _checksum(connection: psycopg.Connection, book_id: int) -> Checksum:
    rows, hash_sum = connection.execute(CHECKSUM, (book_id,)).fetchall()[0]
    return Checksum(int(rows), int(hash_sum))
